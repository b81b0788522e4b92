/* SPDX-License-Identifier: MIT */
/*
 * Socket options. Most are one int: a row of the table says where it lives, what it may be, and which option of the stack it is.
 * What was set before there is a connection goes to it before its SYN does; a listener's go to its children. The few that are more
 * than an int, or need a rule of their own, have a function.
 */
#include "posix/posix.h"

#include "base/bytes.h"

enum row_kind {
  ROW_INT,    /* lo to hi, else EINVAL */
  ROW_BOOL,   /* what is not 0 is 1 */
  ROW_READ,   /* computed when read; not to be set */
  ROW_OWN_SET /* a function sets it */
};
enum { NO_OPT = -1 };

struct row {
  uint8_t level, name, kind;
  int8_t slot; /* -1: none */
  int8_t opt;  /* enum la_opt, or NO_OPT */
  int lo, hi;
};

static const struct row rows[] = {
  {LA_SOL_SOCKET, LA_SO_DEBUG, ROW_BOOL, O_DEBUG, NO_OPT, 0, 0},
  {LA_SOL_SOCKET, LA_SO_REUSEADDR, ROW_BOOL, O_REUSEADDR, NO_OPT, 0, 0},
  {LA_SOL_SOCKET, LA_SO_TYPE, ROW_READ, -1, NO_OPT, 0, 0},
  {LA_SOL_SOCKET, LA_SO_ERROR, ROW_READ, -1, NO_OPT, 0, 0},
  {LA_SOL_SOCKET, LA_SO_DONTROUTE, ROW_BOOL, O_DONTROUTE, NO_OPT, 0, 0},
  {LA_SOL_SOCKET, LA_SO_BROADCAST, ROW_BOOL, O_BROADCAST, NO_OPT, 0, 0},
  {LA_SOL_SOCKET, LA_SO_SNDBUF, ROW_OWN_SET, O_SNDBUF, LA_OPT_SNDBUF, 0, 0},
  {LA_SOL_SOCKET, LA_SO_RCVBUF, ROW_OWN_SET, O_RCVBUF, LA_OPT_RCVBUF, 0, 0},
  {LA_SOL_SOCKET, LA_SO_SNDBUFFORCE, ROW_OWN_SET, O_SNDBUF, LA_OPT_SNDBUF, 0, 0},
  {LA_SOL_SOCKET, LA_SO_RCVBUFFORCE, ROW_OWN_SET, O_RCVBUF, LA_OPT_RCVBUF, 0, 0},
  {LA_SOL_SOCKET, LA_SO_KEEPALIVE, ROW_BOOL, O_KEEPALIVE, LA_OPT_KEEPALIVE, 0, 0},
  {LA_SOL_SOCKET, LA_SO_OOBINLINE, ROW_BOOL, O_OOBINLINE, NO_OPT, 0, 0},
  {LA_SOL_SOCKET, LA_SO_PRIORITY, ROW_INT, O_PRIORITY, NO_OPT, INT32_MIN, INT32_MAX},
  {LA_SOL_SOCKET, LA_SO_REUSEPORT, ROW_BOOL, O_REUSEPORT, NO_OPT, 0, 0},
  {LA_SOL_SOCKET, LA_SO_RCVLOWAT, ROW_OWN_SET, O_RCVLOWAT, NO_OPT, 0, 0},
  {LA_SOL_SOCKET, LA_SO_SNDLOWAT, ROW_READ, -1, NO_OPT, 0, 0},
  {LA_SOL_SOCKET, LA_SO_ACCEPTCONN, ROW_READ, -1, NO_OPT, 0, 0},
  {LA_SOL_SOCKET, LA_SO_MARK, ROW_INT, O_MARK, NO_OPT, INT32_MIN, INT32_MAX},
  {LA_SOL_SOCKET, LA_SO_PROTOCOL, ROW_READ, -1, NO_OPT, 0, 0},
  {LA_SOL_SOCKET, LA_SO_DOMAIN, ROW_READ, -1, NO_OPT, 0, 0},
  {LA_SOL_TCP, LA_TCP_NODELAY, ROW_BOOL, O_NODELAY, LA_OPT_NODELAY, 0, 0},
  {LA_SOL_TCP, LA_TCP_KEEPIDLE, ROW_INT, O_KEEPIDLE, LA_OPT_KEEPIDLE, 1, 32767},
  {LA_SOL_TCP, LA_TCP_KEEPINTVL, ROW_INT, O_KEEPINTVL, LA_OPT_KEEPINTVL, 1, 32767},
  {LA_SOL_TCP, LA_TCP_KEEPCNT, ROW_INT, O_KEEPCNT, LA_OPT_KEEPCNT, 1, 127},
  {LA_SOL_TCP, LA_TCP_USER_TIMEOUT, ROW_INT, O_USER_TIMEOUT, LA_OPT_USER_TIMEOUT, 0, INT32_MAX},
  {LA_SOL_TCP, LA_TCP_MAXSEG, ROW_OWN_SET, O_MAXSEG, LA_OPT_MSS, 0, 0},
  {LA_SOL_TCP, LA_TCP_CORK, ROW_BOOL, O_CORK, LA_OPT_CORK, 0, 0},
  {LA_SOL_TCP, LA_TCP_SYNCNT, ROW_INT, O_SYNCNT, LA_OPT_SYN_RETRIES, 1, 127},
  {LA_SOL_TCP, LA_TCP_LINGER2, ROW_OWN_SET, O_LINGER2, LA_OPT_FIN_WAIT_2, 0, 0},
  {LA_SOL_TCP, LA_TCP_DEFER_ACCEPT, ROW_OWN_SET, O_DEFER, LA_OPT_DEFER_ACCEPT, 0, 0},
  {LA_SOL_SOCKET, LA_SO_ZEROCOPY, ROW_INT, O_ZEROCOPY, NO_OPT, 0, 1},
  {LA_SOL_TCP, LA_TCP_INQ, ROW_INT, O_INQ, NO_OPT, 0, 1},
  {LA_SOL_TCP, LA_TCP_QUICKACK, ROW_BOOL, O_QUICKACK, LA_OPT_QUICKACK, 0, 0},
  {LA_SOL_TCP, LA_TCP_WINDOW_CLAMP, ROW_OWN_SET, O_CLAMP, LA_OPT_WND_CLAMP, 0, 0},
  {LA_SOL_TCP, LA_TCP_CONGESTION, ROW_OWN_SET, O_CONGESTION, LA_OPT_CONGESTION, 0, 0},
  {LA_SOL_TCP, LA_TCP_NOTSENT_LOWAT, ROW_INT, O_LOWAT, LA_OPT_NOTSENT_LOWAT, INT32_MIN, INT32_MAX},
  {LA_SOL_SOCKET, LA_SO_MAX_PACING_RATE, ROW_OWN_SET, O_PACING, LA_OPT_MAX_PACING_RATE, 0, 0},
  {LA_SOL_IP, LA_IP_TOS, ROW_OWN_SET, O_TOS, LA_OPT_TOS, 0, 0},
  {LA_SOL_IP, LA_IP_TTL, ROW_OWN_SET, O_TTL, LA_OPT_TTL, 0, 0},
  {LA_SOL_IP, LA_IP_MTU_DISCOVER, ROW_INT, O_MTU_DISCOVER, NO_OPT, 0, 5},
  {LA_SOL_IP, LA_IP_RECVERR, ROW_BOOL, O_RECVERR, NO_OPT, 0, 0},
  {LA_SOL_IP, LA_IP_MTU, ROW_READ, -1, NO_OPT, 0, 0},
  {LA_SOL_IP, LA_IP_BIND_ADDRESS_NO_PORT, ROW_BOOL, O_NO_PORT, NO_OPT, 0, 0},
  {LA_SOL_IPV6, LA_IPV6_UNICAST_HOPS, ROW_OWN_SET, O_HOPS, LA_OPT_TTL, 0, 0},
  {LA_SOL_IPV6, LA_IPV6_MTU_DISCOVER, ROW_INT, O_MTU_DISCOVER6, NO_OPT, 0, 5},
  {LA_SOL_IPV6, LA_IPV6_MTU, ROW_READ, -1, NO_OPT, 0, 0},
  {LA_SOL_IPV6, LA_IPV6_RECVERR, ROW_BOOL, O_RECVERR6, NO_OPT, 0, 0},
  {LA_SOL_IPV6, LA_IPV6_V6ONLY, ROW_OWN_SET, O_V6ONLY, NO_OPT, 0, 0},
  {LA_SOL_IPV6, LA_IPV6_TCLASS, ROW_OWN_SET, O_TCLASS, LA_OPT_TOS, 0, 0},
};
enum { ROWS = sizeof rows / sizeof rows[0] };

static const struct row *row_of(const struct psock *k, int level, int name) {
  if (level == LA_SOL_IPV6 && k->family != LA_AF_INET6)
    return 0;
  for (unsigned i = 0; i < ROWS; i++)
    if (rows[i].level == level && rows[i].name == name)
      return &rows[i];
  return 0;
}

void la__sk_options_init(const la_posix *p, struct sopts *o) {
  const la_config *c = &p->s->tcp.cfg;
  memset(o, 0, sizeof *o);
  o->v[O_SNDBUF] = (int32_t)(c->sndbuf > INT32_MAX ? INT32_MAX : c->sndbuf);
  o->v[O_RCVBUF] = (int32_t)(c->rcvbuf > INT32_MAX / 2 ? INT32_MAX : c->rcvbuf * 2);
  o->v[O_RCVLOWAT] = 1;
  o->pacing = UINT64_MAX;
  o->v[O_CONGESTION] = c->cc;
  o->v[O_KEEPIDLE] = 7200;
  o->v[O_KEEPINTVL] = 75;
  o->v[O_KEEPCNT] = 10;
  o->v[O_QUICKACK] = 1;
  o->v[O_TTL] = o->v[O_HOPS] = -1; /* the stack's */
  o->v[O_MTU_DISCOVER] = o->v[O_MTU_DISCOVER6] = 1;
}

/* A row's value as the stack wants it. false: it does not concern a connection of that family. */
static bool value_for_stack(const la_posix *p, const struct psock *k, const struct row *r, bool six, int64_t *v) {
  if ((r->level == LA_SOL_IP && six) || (r->level == LA_SOL_IPV6 && !six))
    return false;
  *v = k->o.v[r->slot];
  if (r->slot == O_PACING)
    *v = k->o.pacing > INT64_MAX ? 0 : (int64_t)k->o.pacing;
  if (r->opt == LA_OPT_NOTSENT_LOWAT && (*v < 0 || *v > 1 << 30)) /* an unsigned number that is never reached */
    *v = 0;
  if (r->opt == LA_OPT_FIN_WAIT_2 && *v > 0)
    *v *= 1000;
  if (r->opt == LA_OPT_SNDBUF && *v > 1 << 30)
    *v = 1 << 30;
  if (r->opt == LA_OPT_RCVBUF) /* as on Linux half of it is for bookkeeping; what is sent fills all of its buffer */
    *v = *v / 2 < 2048 ? 2048 : *v / 2;
  if (r->opt == LA_OPT_TTL && *v <= 0) /* a hop limit of 0 cannot be asked of the stack */
    *v = *v < 0 ? p->s->tcp.cfg.ttl : 1;
  return true;
}

static int give(la_posix *p, struct psock *k, const struct row *r) {
  const struct conn *c = la__sk_conn(p, k);
  int err = LA_OK;
  int64_t v;
  if (r->opt == NO_OPT)
    return 0;
  if (sk_listening(k) && r->opt == LA_OPT_QUICKACK)
    return 0; /* a connection's own */
  if (sk_listening(k)) {
    /* children of both families have one TTL and one class: those of the socket's own level */
    if (value_for_stack(p, k, r, k->family == LA_AF_INET6, &v))
      err = la_listener_set_option(p->s, k->listener, (enum la_opt)r->opt, v);
  } else if (c && r->opt != LA_OPT_DEFER_ACCEPT && value_for_stack(p, k, r, (c->flags & CF_IP6) != 0, &v)) {
    err = la_set_option(p->s, k->conn, (enum la_opt)r->opt, v, p->now);
  }
  return err == LA_OK ? 0 : -la__errno(err);
}

int la__sk_options_apply(la_posix *p, struct psock *k) {
  for (unsigned i = 0; i < ROWS; i++) {
    int slot = rows[i].slot;
    if (slot < 0 || !(k->o.set >> slot & 1))
      continue;
    int err = give(p, k, &rows[i]);
    if (err)
      return err;
  }
  return 0;
}

/* Setting. */
static int buffer_of(uint32_t want, uint32_t most, uint32_t least) {
  uint32_t v = want > most ? most : want;
  return v * 2 > least ? (int)(v * 2) : (int)least;
}

static int hop_limit(int v, int lo, int32_t *to) {
  if (v != -1 && (v < lo || v > 255))
    return -LA_POSIX_EINVAL;
  *to = v;
  return 0;
}

/* The ECN bits of a stream are the connection's own (RFC 3168 6.1.1). */
static int traffic_class(const struct psock *k, int v, int32_t *to) {
  if (v < -1 || v > 255)
    return -LA_POSIX_EINVAL;
  *to = v < 0 ? 0 : k->dgram ? v : v & ~3;
  return 0;
}

/* Linux keeps DEFER_ACCEPT as a number of SYN-ACK time-outs of 1, 2, 4, … up to 120 s, and turns it back. */
static int retries_of(int seconds) {
  int n = 0, wait = 1, all = 0;
  while (seconds > all && n < 255) {
    n++;
    all += wait;
    wait = wait * 2 < 120 ? wait * 2 : 120;
  }
  return n;
}
static int seconds_of(int retries) {
  int wait = 1, all = 0;
  for (int i = 0; i < retries; i++) {
    all += wait;
    wait = wait * 2 < 120 ? wait * 2 : 120;
  }
  return all;
}

static int tcp_own_set(la_posix *p, struct psock *k, const struct row *r, int v) {
  int32_t *to = &k->o.v[r->slot];
  switch (r->slot) {
  case O_MAXSEG:
    if (v && (v < 88 || v > 32767))
      return -LA_POSIX_EINVAL;
    *to = v;
    return 0;
  case O_LINGER2:
    *to = v < 0 ? -1 : v > 120 ? 120 : v;
    return 0;
  case O_DEFER:
    *to = retries_of(v);
    return 0;
  default: /* O_CLAMP */
    if (v == 0 && la__sk_state(p, k) != LA_TCP_CLOSE)
      return -LA_POSIX_EINVAL;
    *to = v == 0 || v >= 1152 ? v : 1152; /* half of the least receive buffer */
    return 0;
  }
}

static int own_set(la_posix *p, struct psock *k, const struct row *r, int v) {
  int32_t *to = &k->o.v[r->slot];
  uint32_t most = r->name >= LA_SO_SNDBUFFORCE ? INT32_MAX / 2 : r->slot == O_SNDBUF ? p->sndbuf_max : p->rcvbuf_max;
  switch (r->slot) {
  case O_SNDBUF:
    *to = buffer_of((uint32_t)v, most, 4608);
    return 0;
  case O_RCVBUF:
    *to = buffer_of((uint32_t)v, most, 2304);
    return 0;
  case O_RCVLOWAT:
    *to = v < 0 ? INT32_MAX : v ? v : 1;
    return 0;
  case O_TOS:
    return traffic_class(k, v & 255, to);
  case O_TTL:
    return hop_limit(v, 1, to);
  case O_HOPS:
    return hop_limit(v, 0, to);
  case O_TCLASS:
    return traffic_class(k, v, to);
  case O_V6ONLY:
    if (k->lport || k->addr_locked)
      return -LA_POSIX_EINVAL;
    *to = v != 0;
    k->local = la__addr_any(k);
    return 0;
  default:
    return tcp_own_set(p, k, r, v);
  }
}

static int set_linger(struct psock *k, const void *value, uint32_t len) {
  if (len < sizeof(la_linger))
    return -LA_POSIX_EINVAL;
  memcpy(&k->o.linger, value, sizeof k->o.linger);
  k->o.linger.onoff = k->o.linger.onoff != 0;
  return 0;
}

static int set_timeout(la_time *to, const void *value, uint32_t len) {
  la_timeval v;
  if (len < sizeof v)
    return -LA_POSIX_EINVAL;
  memcpy(&v, value, sizeof v);
  if (v.usec < 0 || v.usec >= 1000000)
    return -LA_POSIX_EDOM;
  if (v.sec < 0) /* over before it begins */
    *to = 1;
  else if (v.sec >= INT32_MAX)
    *to = 0;
  else
    *to = (la_time)v.sec * LA_SEC + (la_time)v.usec * LA_US;
  return 0;
}

enum { CC_NAME = 16 };
static void cc_name(int cc, char *name) {
  const char *from = la_cc_name((enum la_cc)cc);
  memset(name, 0, CC_NAME);
  for (unsigned i = 0; i < CC_NAME - 1 && from[i]; i++)
    name[i] = from[i];
}

static int set_congestion(const void *value, uint32_t len, int32_t *to) {
  char name[CC_NAME] = {0}, known[CC_NAME];
  if (len < 1)
    return -LA_POSIX_EINVAL;
  memcpy(name, value, len < sizeof name ? len : sizeof name - 1);
  for (int i = 0; i < LA_CCS; i++) {
    cc_name(i, known);
    if (memcmp(name, known, sizeof name) == 0) {
      *to = i;
      return 0;
    }
  }
  return -LA_POSIX_ENOENT;
}

static int get_copy(void *value, uint32_t *len, const void *from, uint32_t n) {
  if (*len > n)
    *len = n;
  memcpy(value, from, *len);
  return 0;
}

/* 64 bits, or 32 as the option had them first. */
static int set_pacing(const void *value, uint32_t len, uint64_t *to) {
  uint32_t v;
  if (len >= sizeof *to) {
    memcpy(to, value, sizeof *to);
    return 0;
  }
  if (len < sizeof v)
    return -LA_POSIX_EINVAL;
  memcpy(&v, value, sizeof v);
  *to = v == UINT32_MAX ? UINT64_MAX : v;
  return 0;
}
static int get_pacing(uint64_t rate, void *value, uint32_t *len) {
  uint32_t v = rate > UINT32_MAX ? UINT32_MAX : (uint32_t)rate;
  return *len >= sizeof rate ? get_copy(value, len, &rate, sizeof rate) : get_copy(value, len, &v, sizeof v);
}

/* IP_TOS and its like may be given as one byte. */
static int read_int(int level, const void *value, uint32_t len, int *v) {
  if (len >= sizeof *v) {
    memcpy(v, value, sizeof *v);
    return 0;
  }
  if (level != LA_SOL_IP)
    return -LA_POSIX_EINVAL;
  *v = len ? *(const uint8_t *)value : 0;
  return 0;
}

int la_posix_setsockopt(la_posix *p, int fd, int level, int name, const void *value, uint32_t len) {
  struct psock *k;
  int v, err = la__fd_sock(p, fd, &k);
  if (err)
    return err;
  if (len > INT32_MAX)
    return -LA_POSIX_EINVAL;
  if (!value)
    return -LA_POSIX_EFAULT;
  if (level == LA_SOL_TCP && k->dgram)
    return -LA_POSIX_ENOPROTOOPT;
  la__posix_events(p);
  if (level == LA_SOL_SOCKET && name == LA_SO_LINGER)
    return set_linger(k, value, len);
  if (level == LA_SOL_SOCKET && (name == LA_SO_RCVTIMEO || name == LA_SO_SNDTIMEO))
    return set_timeout(name == LA_SO_RCVTIMEO ? &k->o.rcvtimeo : &k->o.sndtimeo, value, len);
  const struct row *r = row_of(k, level, name);
  if (r && r->slot == O_CONGESTION) {
    err = set_congestion(value, len, &k->o.v[O_CONGESTION]);
    if (err)
      return err;
    k->o.set |= UINT64_C(1) << O_CONGESTION;
    return give(p, k, r);
  }
  if (r && r->slot == O_PACING) {
    err = set_pacing(value, len, &k->o.pacing);
    if (err)
      return err;
    k->o.set |= UINT64_C(1) << O_PACING;
    return give(p, k, r);
  }
  err = read_int(level, value, len, &v);
  if (err)
    return err;
  if (!r || r->kind == ROW_READ)
    return -LA_POSIX_ENOPROTOOPT;
  if (r->slot == O_ZEROCOPY && k->dgram)
    return -LA_POSIX_EOPNOTSUPP;
  if (r->kind == ROW_INT && (v < r->lo || v > r->hi))
    return -LA_POSIX_EINVAL;
  if (r->kind == ROW_OWN_SET)
    err = own_set(p, k, r, v);
  else
    k->o.v[r->slot] = r->kind == ROW_BOOL ? v != 0 : v;
  if (err)
    return err;
  k->o.set |= UINT64_C(1) << r->slot;
  return give(p, k, r);
}

/* Reading. */
static int get_timeout(la_time t, void *value, uint32_t *len) {
  la_time sec = t / LA_SEC;
  la_timeval v = {(int64_t)sec, (int64_t)(t / LA_US - sec * 1000000)};
  return get_copy(value, len, &v, sizeof v);
}

/* What is held for the socket: SK_MEMINFO_RMEM_ALLOC, RCVBUF, WMEM_ALLOC, SNDBUF, FWD_ALLOC, WMEM_QUEUED, OPTMEM, BACKLOG, DROPS. */
static int get_meminfo(const la_posix *p, const struct psock *k, void *value, uint32_t *len) {
  const struct conn *c = la__sk_conn(p, k);
  uint32_t queued = c && c->sndq ? c->sndq->spool.len : 0;
  uint32_t v[9] = {la__sk_unread(p, k), (uint32_t)k->o.v[O_RCVBUF], 0, (uint32_t)k->o.v[O_SNDBUF], 0, queued};
  return get_copy(value, len, v, sizeof v);
}

static int read_mtu(la_posix *p, const struct psock *k, int *v) {
  const struct conn *c = la__sk_conn(p, k);
  if (k->dgram && k->rport) {
    la_addr to = k->remote, from = k->local;
    la_link link = k->link;
    int err = la__route_open(p->s, &to, &from, &link);
    *v = err == LA_OK ? (int)p->s->mtu[link] : 0;
    return err == LA_OK ? 0 : -la__errno(err);
  }
  if (!c || la__sk_state(p, k) == LA_TCP_CLOSE)
    return -LA_POSIX_ENOTCONN;
  *v = (int)la__pmtu(&p->s->tcp, c);
  return 0;
}

static int computed(la_posix *p, struct psock *k, const struct row *r, int *v) {
  if (r->level != LA_SOL_SOCKET)
    return read_mtu(p, k, v);
  switch (r->name) {
  case LA_SO_TYPE:
    *v = k->dgram ? LA_SOCK_DGRAM : LA_SOCK_STREAM;
    return 0;
  case LA_SO_ERROR:
    *v = la__sk_take_error(k);
    return 0;
  case LA_SO_SNDLOWAT:
    *v = 1;
    return 0;
  case LA_SO_ACCEPTCONN:
    *v = sk_listening(k);
    return 0;
  case LA_SO_PROTOCOL:
    *v = k->protocol;
    return 0;
  default:
    *v = k->family;
    return 0;
  }
}

/* Connected: what is sent at most. Else what was set, or the least that every host takes. */
static int read_maxseg(la_posix *p, const struct psock *k) {
  const struct conn *c = la__sk_conn(p, k);
  if (c && la__sk_state(p, k) != LA_TCP_CLOSE && c->mss)
    return c->mss;
  return k->o.v[O_MAXSEG] ? k->o.v[O_MAXSEG] : 536;
}

static int get_int(la_posix *p, struct psock *k, const struct row *r, int *v) {
  const la_config *c = &p->s->tcp.cfg;
  if (r->kind == ROW_READ)
    return computed(p, k, r, v);
  *v = k->o.v[r->slot];
  switch (r->slot) {
  case O_TTL:
  case O_HOPS:
    *v = *v == -1 ? c->ttl : *v;
    return 0;
  case O_MAXSEG:
    *v = read_maxseg(p, k);
    return 0;
  case O_SYNCNT:
    *v = *v ? *v : retries_of((int)(c->syn_limit / LA_SEC)) - 1;
    return 0;
  case O_LINGER2:
    *v = *v ? *v : (int)(c->fin_wait_2 / LA_SEC);
    return 0;
  case O_DEFER:
    *v = seconds_of(*v);
    return 0;
  case O_QUICKACK: /* what it has become */
    *v = la__sk_conn(p, k) ? la__ack_is_quick(la__sk_conn(p, k)) : *v;
    return 0;
  default:
    return 0;
  }
}

int la_posix_getsockopt(la_posix *p, int fd, int level, int name, void *value, uint32_t *len) {
  struct psock *k;
  int v, err = la__fd_sock(p, fd, &k);
  if (err)
    return err;
  if (!value || !len)
    return -LA_POSIX_EFAULT;
  if (*len > INT32_MAX)
    return -LA_POSIX_EINVAL;
  if (level == LA_SOL_TCP && k->dgram)
    return -LA_POSIX_ENOPROTOOPT;
  la__posix_events(p);
  if (level == LA_SOL_SOCKET && name == LA_SO_LINGER)
    return get_copy(value, len, &k->o.linger, sizeof k->o.linger);
  if (level == LA_SOL_SOCKET && (name == LA_SO_RCVTIMEO || name == LA_SO_SNDTIMEO))
    return get_timeout(name == LA_SO_RCVTIMEO ? k->o.rcvtimeo : k->o.sndtimeo, value, len);
  if (level == LA_SOL_TCP && name == LA_TCP_CONGESTION) {
    char text[CC_NAME];
    cc_name(k->o.v[O_CONGESTION], text);
    return get_copy(value, len, text, sizeof text);
  }
  if (level == LA_SOL_SOCKET && name == LA_SO_MEMINFO)
    return get_meminfo(p, k, value, len);
  if (level == LA_SOL_TCP && name == LA_TCP_CC_INFO)
    return get_copy(value, len, "", 0);
  if (level == LA_SOL_SOCKET && name == LA_SO_MAX_PACING_RATE)
    return get_pacing(k->o.pacing, value, len);
  if (level == LA_SOL_TCP && name == LA_TCP_INFO) {
    la_tcp_info i;
    la__sk_tcp_info(p, k, &i);
    return get_copy(value, len, &i, sizeof i);
  }
  const struct row *r = row_of(k, level, name);
  if (!r)
    return -LA_POSIX_ENOPROTOOPT;
  err = get_int(p, k, r, &v);
  if (err)
    return err;
  if (level == LA_SOL_IP && *len > 0 && *len < sizeof v && v >= 0 && v <= 255) {
    *len = 1;
    *(uint8_t *)value = (uint8_t)v;
    return 0;
  }
  return get_copy(value, len, &v, sizeof v);
}

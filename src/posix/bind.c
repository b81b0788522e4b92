/* SPDX-License-Identifier: MIT */
/*
 * Addresses, and who may have which port. As on Linux: two sockets may share a port and address only if both have SO_REUSEADDR and
 * neither listens, or both SO_REUSEPORT. A bound socket reserves its port against the choice of ephemeral ones.
 */
#include "posix/posix.h"

#include "base/bytes.h"

enum { PROBES = 4096 };

static const uint8_t mapped_prefix[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

/* An IPv4-mapped address (RFC 4291 2.5.5.2) is the IPv4 address itself from here on. */
int la__addr_in(const struct psock *k, const la_sockaddr *in, la_addr *out) {
  memset(out, 0, sizeof *out);
  if (in->family != k->family)
    return -LA_POSIX_EAFNOSUPPORT;
  if (in->family == LA_AF_INET) {
    out->family = 4;
    memcpy(out->b, in->addr.b, 4);
  } else if (memcmp(in->addr.b, mapped_prefix, sizeof mapped_prefix) == 0) {
    if (k->o.v[O_V6ONLY])
      return -LA_POSIX_ENETUNREACH;
    out->family = 4;
    memcpy(out->b, in->addr.b + 12, 4);
  } else {
    out->family = 6;
    memcpy(out->b, in->addr.b, 16);
  }
  return 0;
}

void la__addr_out(const struct psock *k, const la_addr *a, uint16_t port, la_sockaddr *out) {
  memset(out, 0, sizeof *out);
  out->family = k->family;
  out->port = port;
  out->addr.family = k->family == LA_AF_INET ? 4 : 6;
  if (k->family == LA_AF_INET6 && a->family == 4) {
    memcpy(out->addr.b, mapped_prefix, sizeof mapped_prefix);
    memcpy(out->addr.b + 12, a->b, 4);
  } else {
    memcpy(out->addr.b, a->b, sizeof out->addr.b);
    out->scope = la__addr_link_local(a) ? k->link : 0;
  }
}

/* The wildcard of an IPv6 socket takes both families unless IPV6_V6ONLY is set (RFC 3493 5.3). */
la_addr la__addr_any(const struct psock *k) { return (la_addr){.family = k->family == LA_AF_INET ? 4 : k->o.v[O_V6ONLY] ? 6 : 0}; }

static bool overlap(const la_addr *a, const la_addr *b) {
  if (a->family == 0 || b->family == 0)
    return true;
  return a->family == b->family && (la__addr_unspecified(a) || la__addr_unspecified(b) || la_addr_same(a, b));
}

static bool taken(const la_posix *p, const struct psock *k, const la_addr *addr, uint16_t port) {
  for (const struct psock *o = p->bound[port % BIND_BUCKETS]; o; o = o->bound_next) {
    if (o == k || o->lport != port || (o->link && k->link && o->link != k->link) || !overlap(&o->local, addr))
      continue;
    if (o->o.v[O_REUSEPORT] && k->o.v[O_REUSEPORT])
      continue;
    if (!o->o.v[O_REUSEADDR] || !k->o.v[O_REUSEADDR] || sk_listening(o))
      return true;
  }
  return false;
}

static bool free_for(const la_posix *p, const struct psock *k, const la_addr *addr, uint16_t port) {
  la_listen_opts o = {.addr = *addr, .port = port, .link = k->link, .reuse_addr = k->o.v[O_REUSEADDR] != 0};
  o.reuse_port = k->o.v[O_REUSEPORT] != 0;
  return !taken(p, k, addr, port) && la__local_free(&p->s->tcp, &o);
}

bool la__sk_bind_again(const la_posix *p, const struct psock *k) { return !taken(p, k, &k->local, k->lport); }

/* An ephemeral port that nobody has at all; 0: none was found. */
static uint16_t choose(la_posix *p, const struct psock *k, const la_addr *addr) {
  struct tcp *t = &p->s->tcp;
  uint32_t range = (uint32_t)t->cfg.port_hi - t->cfg.port_lo + 1;
  uint32_t start = la__prng_below(&t->prng, range);
  for (uint32_t i = 0; i < range && i < PROBES; i++) {
    uint16_t port = (uint16_t)(t->cfg.port_lo + (start + i) % range);
    if (!la__port_reserved(&t->ports, port) && la__port_held(&t->ports, port) == 0 && free_for(p, k, addr, port))
      return port;
  }
  return 0;
}

/* port 0: an ephemeral one. */
int la__sk_bind(la_posix *p, struct psock *k, const la_addr *addr, uint16_t port) {
  struct tcp *t = &p->s->tcp;
  if (port == 0)
    port = choose(p, k, addr);
  else if (!free_for(p, k, addr, port))
    port = 0;
  if (port == 0)
    return -LA_POSIX_EADDRINUSE;
  if (!la__port_reserve(&t->ports, t->mem, port))
    return -LA_POSIX_ENOMEM;
  k->local = *addr;
  k->lport = port;
  k->held = true;
  k->bound_next = p->bound[port % BIND_BUCKETS];
  p->bound[port % BIND_BUCKETS] = k;
  return 0;
}

void la__sk_unbind(la_posix *p, struct psock *k) {
  if (k->held) {
    struct psock **at = &p->bound[k->lport % BIND_BUCKETS];
    while (*at != k)
      at = &(*at)->bound_next;
    *at = k->bound_next;
    la__port_unreserve(&p->s->tcp.ports, p->s->tcp.mem, k->lport);
  }
  k->held = false;
  k->lport = 0;
}

static int bindable(const la_posix *p, const struct psock *k, const la_sockaddr *in, la_addr *addr) {
  la_sockaddr sa = *in;
  if (sa.family == LA_AF_UNSPEC && k->family == LA_AF_INET && be32_get(sa.addr.b) == 0)
    sa.family = LA_AF_INET; /* as Linux has always let it pass */
  int err = la__addr_in(k, &sa, addr);
  if (err)
    return err == -LA_POSIX_ENETUNREACH ? -LA_POSIX_EINVAL : err;
  if (la__addr_unspecified(addr)) {
    if (addr->family == 6 || k->family == LA_AF_INET)
      *addr = la__addr_any(k);
    return 0;
  }
  if (sa.scope > p->s->nlinks || (la__addr_link_local(addr) && sa.scope == 0))
    return -LA_POSIX_EINVAL;
  return la__is_ours(p->s, addr, la__addr_link_local(addr) ? sa.scope : 0) ? 0 : -LA_POSIX_EADDRNOTAVAIL;
}

int la_posix_bind(la_posix *p, int fd, const la_sockaddr *in) {
  struct psock *k;
  la_addr addr;
  int err = la__fd_sock(p, fd, &k);
  if (err)
    return err;
  if (!in)
    return -LA_POSIX_EFAULT;
  la__posix_events(p);
  err = bindable(p, k, in, &addr);
  if (err)
    return err;
  if (la__sk_state(p, k) != LA_TCP_CLOSE || k->lport || k->addr_locked)
    return -LA_POSIX_EINVAL;
  k->link = la__addr_link_local(&addr) ? in->scope : 0;
  if (in->port == 0 && k->o.v[O_NO_PORT]) {
    k->local = addr;
  } else {
    err = k->dgram ? la__dg_bind(p, k, &addr, in->port) : la__sk_bind(p, k, &addr, in->port);
    if (err)
      return err;
  }
  k->addr_locked = !la__addr_unspecified(&addr);
  k->port_locked = in->port != 0;
  return 0;
}

int la_posix_getsockname(la_posix *p, int fd, la_sockaddr *out) {
  struct psock *k;
  int err = la__fd_sock(p, fd, &k);
  if (err)
    return err;
  if (!out)
    return -LA_POSIX_EFAULT;
  la__addr_out(k, &k->local, k->lport, out);
  return 0;
}

int la_posix_getpeername(la_posix *p, int fd, la_sockaddr *out) {
  struct psock *k;
  int err = la__fd_sock(p, fd, &k);
  if (err)
    return err;
  if (!out)
    return -LA_POSIX_EFAULT;
  la__posix_events(p);
  int st = la__sk_state(p, k);
  if (k->rport == 0 || (!k->dgram && (st == LA_TCP_CLOSE || st == LA_TCP_SYN_SENT)))
    return -LA_POSIX_ENOTCONN;
  la__addr_out(k, &k->remote, k->rport, out);
  return 0;
}

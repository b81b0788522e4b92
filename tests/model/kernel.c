/* SPDX-License-Identifier: MIT */
#include "tests/model/kernel.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if.h>
#include <linux/if_tun.h>
#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/sock_diag.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/bytes.h"
#include "base/sum.h"

enum { PORT_LISTENS = 80, PORT_CONNECTS = 81, PORT_NOBODY = 82, BARRIER_MS = 5000, READY_MS = 20, CLAMP = SIDE_RCV_WND, BUFFER = 65536 };

static _Noreturn void die(const char *what) {
  perror(what);
  exit(2);
}
static void set(int fd, int level, int opt, int value) {
  if (setsockopt(fd, level, opt, &value, sizeof value) != 0)
    die("setsockopt");
}

/* ---- the device ---- */

/* Another pair for each connection: nothing of an earlier one can meet it. */
static void next_pair(struct kernel *k, uint16_t ours) {
  uint32_t n = k->serial++;
  struct pair *p = &k->pair;
  p->sport = (uint16_t)(1024 + n % 60000);
  p->dport = ours;
  memset(p->from, 0, 16);
  memset(p->to, 0, 16);
  uint8_t host = (uint8_t)(2 + n / 60000 % 250);
  if (p->six) {
    p->from[0] = p->to[0] = 0xfd;
    p->from[15] = host;
    p->to[15] = 1;
  } else {
    p->from[0] = p->to[0] = 10;
    p->from[3] = host;
    p->to[3] = 1;
  }
}

static void barrier_send(struct kernel *k, uint32_t n) {
  uint8_t b[48 + 8] = {0};
  const struct pair *p = &k->pair;
  size_t ip = p->six ? 40 : 20, addresses = p->six ? 32 : 0;
  uint8_t *q = b + ip;
  b[0] = p->six ? 0x60 : 0x45;
  if (p->six) {
    be16_put(b + 4, 8);
    b[6] = 58;
    b[7] = 64;
    memcpy(b + 8, p->from, 16);
    memcpy(b + 24, p->to, 16);
  } else {
    be16_put(b + 2, 28);
    b[8] = 64;
    b[9] = 1;
    memcpy(b + 12, p->from, 4);
    memcpy(b + 16, p->to, 4);
    be16_put(b + 10, la__sum_finish(la__sum(0, b, 20)));
  }
  q[0] = p->six ? 128 : 8;
  be32_put(q + 4, n);
  be16_put(q + 2, la__sum_finish(la__sum(la__sum(p->six ? 58 + 8 : 0, q - addresses, addresses), q, 8)));
  if (write(k->tun, b, ip + 8) != (ssize_t)(ip + 8))
    die("echo request");
}

/* Everything that the kernel has sent until now. false: the echo reply has not come in time. */
static bool pump_for(struct kernel *k, int ms) {
  static uint32_t number;
  static uint8_t b[PACKET_MAX];
  size_t ip = k->pair.six ? 40 : 20;
  barrier_send(k, ++number);
  for (;;) {
    ssize_t n = read(k->tun, b, sizeof b);
    if (n < 0) {
      struct pollfd p = {.fd = k->tun, .events = POLLIN};
      if (errno != EAGAIN || poll(&p, 1, ms) <= 0)
        return false;
      continue;
    }
    if (n >= (ssize_t)ip + 8 && b[0] >> 4 == (k->pair.six ? 6 : 4) && b[k->pair.six ? 6 : 9] == (k->pair.six ? 58 : 1) &&
        b[ip] == (k->pair.six ? 129 : 0) && be32_get(b + ip + 4) == number)
      return true;
    struct heard h;
    if (!packet_parse(b, (size_t)n, &k->pair, &h))
      continue;
    if (h.flags & M_ACK)
      k->acked = h.ack;
    if (k->nout < SIDE_OUT)
      k->out[k->nout] = h;
    k->nout++;
  }
}

static void pump(struct kernel *k) {
  if (!pump_for(k, BARRIER_MS))
    die("no echo reply");
}

void kernel_open(struct kernel *k, bool six) {
  *k = (struct kernel){.listener = -1, .fd = -1, .pair = {.six = six}};
  k->tun = open("/dev/net/tun", O_RDWR | O_NONBLOCK);
  struct ifreq r = {.ifr_flags = IFF_TUN | IFF_NO_PI};
  snprintf(r.ifr_name, IFNAMSIZ, "tbl0");
  if (k->tun < 0 || ioctl(k->tun, TUNSETIFF, &r) != 0)
    die("tbl0");
  k->diag = socket(AF_NETLINK, SOCK_DGRAM | SOCK_CLOEXEC, NETLINK_SOCK_DIAG);
  if (k->diag < 0)
    die("sock_diag");
  next_pair(k, PORT_NOBODY);
  for (unsigned tries = 0; !pump_for(k, READY_MS); tries++) /* the device takes packets some time after it is up */
    if (tries == BARRIER_MS / READY_MS)
      die("tbl0 carries nothing");
}

static void try_accept(struct kernel *k) {
  if (k->fd < 0 && k->pair.dport == PORT_LISTENS)
    k->fd = accept4(k->listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
}

void kernel_hear(struct kernel *k, const struct m_seg *seg) {
  static uint8_t b[PACKET_MAX];
  size_t n = packet_build(b, &k->pair, seg, k->stream);
  k->nout = 0;
  if (write(k->tun, b, n) != (ssize_t)n)
    die("segment");
  try_accept(k);
  pump(k);
}

/* ---- sockets ---- */

static socklen_t address(const struct pair *p, bool peer, struct sockaddr_storage *sa) {
  memset(sa, 0, sizeof *sa);
  if (p->six) {
    struct sockaddr_in6 *s = (struct sockaddr_in6 *)sa;
    s->sin6_family = AF_INET6;
    s->sin6_port = htons(peer ? p->sport : p->dport);
    memcpy(&s->sin6_addr, peer ? p->from : p->to, 16);
    return sizeof *s;
  }
  struct sockaddr_in *s = (struct sockaddr_in *)sa;
  s->sin_family = AF_INET;
  s->sin_port = htons(peer ? p->sport : p->dport);
  memcpy(&s->sin_addr, peer ? p->from : p->to, 4);
  return sizeof *s;
}

static int tcp_socket(const struct pair *p) {
  int fd = socket(p->six ? AF_INET6 : AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0)
    die("socket");
  struct sockaddr_storage sa;
  socklen_t len = address(p, false, &sa);
  set(fd, SOL_SOCKET, SO_REUSEADDR, 1);
  set(fd, SOL_SOCKET, SO_RCVBUF, BUFFER);
  set(fd, SOL_SOCKET, SO_OOBINLINE, 1);
  set(fd, IPPROTO_TCP, TCP_WINDOW_CLAMP, CLAMP);
  if (bind(fd, (struct sockaddr *)&sa, len) != 0)
    die("bind");
  return fd;
}

static void side_listen(void *ctx) {
  struct kernel *k = ctx;
  if (k->listener >= 0)
    return;
  k->listener = tcp_socket(&k->pair);
  if (listen(k->listener, 100) != 0)
    die("listen");
}
static void side_connect(void *ctx) {
  struct kernel *k = ctx;
  struct sockaddr_storage sa;
  socklen_t len = address(&k->pair, true, &sa);
  k->nout = 0;
  k->fd = tcp_socket(&k->pair);
  if (connect(k->fd, (struct sockaddr *)&sa, len) == 0 || errno != EINPROGRESS)
    die("connect");
  pump(k);
}
static void side_hear(void *ctx, const struct m_seg *seg) { kernel_hear(ctx, seg); }
static bool side_drained(void *ctx) {
  struct kernel *k = ctx;
  char byte;
  return k->fd >= 0 && recv(k->fd, &byte, 1, 0) < 0 && errno == EAGAIN;
}
static bool side_send(void *ctx, uint32_t n) {
  struct kernel *k = ctx;
  k->nout = 0;
  bool all = k->fd >= 0 && send(k->fd, packet_bytes(0), n, MSG_NOSIGNAL) == (ssize_t)n;
  pump(k);
  return all;
}
static void side_finish(void *ctx, bool all) {
  struct kernel *k = ctx;
  k->nout = 0;
  if (all && k->fd >= 0) {
    close(k->fd);
    k->fd = -1;
  } else if (k->fd >= 0 && shutdown(k->fd, SHUT_WR) != 0) {
    die("shutdown");
  }
  pump(k);
}

/* ---- looking ---- */

static enum m_state named(unsigned st) {
  static const enum m_state of[] = {M_CLOSED, M_ESTABLISHED, M_SYN_SENT, M_SYN_RECEIVED, M_FIN_WAIT_1, M_FIN_WAIT_2,  M_TIME_WAIT,
                                    M_CLOSED, M_CLOSE_WAIT,  M_LAST_ACK, M_LISTEN,       M_CLOSING,    M_SYN_RECEIVED};
  return st < sizeof of / sizeof of[0] ? of[st] : M_CLOSED;
}

/* By the pair: half-open records and those without a socket too. */
static enum m_state side_state(void *ctx) {
  struct kernel *k = ctx;
  struct {
    struct nlmsghdr h;
    struct inet_diag_req_v2 r;
  } q = {.h = {.nlmsg_len = sizeof q, .nlmsg_type = SOCK_DIAG_BY_FAMILY, .nlmsg_flags = NLM_F_REQUEST}};
  q.r.sdiag_family = k->pair.six ? AF_INET6 : AF_INET;
  q.r.sdiag_protocol = IPPROTO_TCP;
  q.r.idiag_states = ~0u;
  q.r.id.idiag_sport = htons(k->pair.dport);
  q.r.id.idiag_dport = htons(k->pair.sport);
  memcpy(q.r.id.idiag_src, k->pair.to, 16);
  memcpy(q.r.id.idiag_dst, k->pair.from, 16);
  q.r.id.idiag_cookie[0] = q.r.id.idiag_cookie[1] = INET_DIAG_NOCOOKIE;
  if (send(k->diag, &q, sizeof q, 0) != sizeof q)
    die("sock_diag");
  _Alignas(struct nlmsghdr) char b[8192];
  ssize_t n = recv(k->diag, b, sizeof b, 0);
  const struct nlmsghdr *h = (const struct nlmsghdr *)b;
  if (n < (ssize_t)sizeof *h)
    die("sock_diag");
  if (h->nlmsg_type == NLMSG_ERROR)
    return M_CLOSED;
  const struct inet_diag_msg *m = NLMSG_DATA(h);
  return named(m->idiag_state);
}

void kernel_look(struct kernel *k, struct kernel_view *v) {
  *v = (struct kernel_view){.state = side_state(k), .has_socket = k->fd >= 0};
  if (k->fd < 0)
    return;
  socklen_t len = sizeof v->err;
  getsockopt(k->fd, SOL_SOCKET, SO_ERROR, &v->err, &len);
  int n = 0;
  ioctl(k->fd, FIONREAD, &n);
  v->unread = (uint32_t)n;
  struct pollfd p = {.fd = k->fd, .events = POLLIN | POLLRDHUP | POLLPRI};
  poll(&p, 1, 0);
  v->eof = p.revents & POLLRDHUP;
  v->urgent = p.revents & POLLPRI;
}

static void drop_socket(struct kernel *k) {
  struct linger now = {1, 0};
  setsockopt(k->fd, SOL_SOCKET, SO_LINGER, &now, sizeof now);
  close(k->fd);
  k->fd = -1;
}

void kernel_leave(struct kernel *k, const struct m_tcb *t) {
  if (k->fd >= 0)
    drop_socket(k);
  if (side_state(k) > M_LISTEN) { /* an orphan or a record: by what it has acknowledged last */
    struct m_seg rst = {.flags = M_RST, .seq = k->acked ? k->acked : t->rcv_nxt};
    kernel_hear(k, &rst);
  }
  for (try_accept(k); k->fd >= 0; try_accept(k))
    drop_socket(k);
  k->nout = 0;
}

bool kernel_reach(struct kernel *k, const struct place *p, bool ts, struct m_tcb *t, char *why, size_t cap) {
  struct side side = {k,         &k->nout,     k->out,    &k->stream,  side_listen, side_connect,
                      side_hear, side_drained, side_send, side_finish, side_state};
  k->acked = 0;
  next_pair(k, p->st == M_CLOSED ? PORT_NOBODY : p->hidden & P_PASSIVE ? PORT_LISTENS : PORT_CONNECTS);
  return place_reach(p, ts, &side, t, why, cap);
}

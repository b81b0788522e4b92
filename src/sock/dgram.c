/* SPDX-License-Identifier: MIT */
/* UDP's calls. */
#include "base/bytes.h"
#include "core/stack.h"

#include "wire/udp_wire.h"

static bool local_ok(const la_stack *s, const la_addr *a, la_link link) {
  return a->family == 0 || la__addr_unspecified(a) || la__is_ours(s, a, link);
}

int la_udp_open(la_stack *s, const la_udp_opts *opts, la_udp *out) {
  la_udp_opts o = *opts;
  struct udp_sock *k;
  if (o.link > s->nlinks || (o.addr.family && !la__addr_normal(&opts->addr, &o.addr)))
    return LA_EINVAL;
  if (!local_ok(s, &o.addr, o.link))
    return LA_EADDRNOTAVAIL;
  if (o.remote.family) {
    la_addr from = la__addr_unspecified(&o.addr) ? (la_addr){0} : o.addr;
    if (o.remote_port == 0 || (o.addr.family && o.addr.family != o.remote.family))
      return LA_EINVAL;
    la_link link = o.link;
    int err = la__route_open(s, &o.remote, &from, &link);
    if (err != LA_OK)
      return err;
    o.addr = from;
    if (la__addr_link_local(&o.remote))
      o.link = link;
  } else {
    o.remote_port = 0;
  }
  int err = la__udp_open(&s->udp, &o, &k);
  if (err == LA_OK)
    *out = (la_udp){k->index, k->gen};
  return err;
}

int la_udp_close(la_stack *s, la_udp h) {
  struct udp_sock *k = la__udp_handle(&s->udp, h);
  if (!k)
    return LA_EBADF;
  la__udp_close(&s->udp, k);
  return LA_OK;
}

int la_udp_local(la_stack *s, la_udp h, la_addr *addr, uint16_t *port) {
  const struct udp_sock *k = la__udp_handle(&s->udp, h);
  if (!k)
    return LA_EBADF;
  *addr = k->addr;
  *port = k->port;
  return LA_OK;
}

int la_udp_connect(la_stack *s, la_udp h, const la_addr *remote, uint16_t port) {
  struct udp_sock *k = la__udp_handle(&s->udp, h);
  if (!k)
    return LA_EBADF;
  if (!remote) {
    k->remote = (la_addr){0};
    k->rport = 0;
    return LA_OK;
  }
  la_addr to = *remote, from = la__addr_unspecified(&k->addr) ? (la_addr){0} : k->addr;
  la_link link = k->link;
  if (port == 0 || (k->addr.family && k->addr.family != to.family))
    return LA_EINVAL;
  int err = la__route_open(s, &to, &from, &link);
  if (err != LA_OK)
    return err;
  k->addr = from;
  k->remote = to;
  k->rport = port;
  if (la__addr_link_local(&to))
    k->link = (uint8_t)link;
  return LA_OK;
}

/* Where a datagram of the socket goes: fills in ends, the link included. */
static int destination(const la_stack *s, const struct udp_sock *k, const la_addr *to, uint16_t port, struct udp_ends *e) {
  memset(e, 0, sizeof *e);
  e->remote = to ? *to : k->remote;
  e->rport = to ? port : k->rport;
  e->lport = k->port;
  if (!to && !k->remote.family)
    return LA_ENOTCONN;
  if (e->rport == 0 || (k->addr.family && k->addr.family != e->remote.family))
    return LA_EINVAL;
  e->local = la__addr_unspecified(&k->addr) ? (la_addr){0} : k->addr;
  la_link link = k->link;
  int err = la__route_open(s, &e->remote, &e->local, &link);
  if (err != LA_OK)
    return err;
  e->link = (uint8_t)link;
  return LA_OK;
}

int la_udp_send(la_stack *s, la_udp h, const la_addr *to, uint16_t port, const void *data, size_t n) {
  const struct udp_sock *k = la__udp_handle(&s->udp, h);
  if (k && to && k->remote.family && (k->rport != port || !la_addr_same(&k->remote, to))) {
    struct udp_ends e; /* what is wrong with the destination itself comes first */
    int err = destination(s, k, to, port, &e);
    return err == LA_OK ? LA_EINVAL : err;
  }
  return la__udp_send(s, h, to, port, data, n, &(struct udp_marks){s->tcp.cfg.ttl, 0});
}

int la__udp_send(la_stack *s, la_udp h, const la_addr *to, uint16_t port, const void *data, size_t n, const struct udp_marks *marks) {
  struct udp_sock *k = la__udp_handle(&s->udp, h);
  struct udp_ends e;
  if (!k)
    return LA_EBADF;
  int err = destination(s, k, to, port, &e);
  if (err != LA_OK)
    return err;
  uint32_t ip = e.remote.family == 6 ? IP6_HEADER : IP4_HEADER;
  struct outring *r = &s->datagrams[e.link];
  if (n > s->mtu[e.link] - ip - UDP_HEADER || (n + CHUNK_BYTES - 1) / CHUNK_BYTES * CHUNK_BYTES > s->tcp.cfg.reply_bytes)
    return LA_EMSGSIZE;
  if (!la__outring_init(s, r))
    return LA_ENOMEM;
  if (!la__outring_room(s, r, (uint32_t)n)) {
    k->write_armed = true;
    r->wanted = true;
    return LA_AGAIN;
  }
  struct reply *a = la__outring_put(s, r, data, (uint32_t)n);
  if (!a)
    return LA_ENOMEM;
  a->src = e.local;
  a->dst = e.remote;
  a->proto = IP_PROTO_UDP;
  a->ttl = marks->ttl;
  a->tos = marks->tos;
  a->sum_at = UDP_SUM_AT;
  struct udp_hdr u = {.sport = e.lport, .dport = e.rport, .len = (uint32_t)n};
  la__udp_build(&u, a->head);
  la__udp_sent(&s->udp, k, &e.remote, e.rport);
  s->tcp.stats.udp_out++;
  return LA_OK;
}

ptrdiff_t la_udp_recv(la_stack *s, la_udp h, la_udp_from *from, void *dst, size_t n) {
  struct udp_sock *k = la__udp_handle(&s->udp, h);
  return k ? la__udp_take(&s->udp, k, from, dst, n) : LA_EBADF;
}

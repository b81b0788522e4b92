/* SPDX-License-Identifier: MIT */
/* Opening and ending by the application: listen, accept, connect, shutdown, close, abort. */
#include "base/bytes.h"
#include "core/stack.h"

int la_listen(la_stack *s, const la_listen_opts *opts, la_listener *out) {
  la_listen_opts o = *opts;
  if (o.port == 0 || o.backlog == 0 || o.backlog > 65535 || o.link > s->nlinks)
    return LA_EINVAL;
  if (o.addr.family != 0) {
    if (!la__addr_normal(&opts->addr, &o.addr))
      return LA_EINVAL;
    if (!la__addr_unspecified(&o.addr) && !la__is_ours(s, &o.addr, o.link))
      return LA_EADDRNOTAVAIL;
  }
  struct listener *l;
  int err = la__listener_new(&s->tcp, &o, &l);
  if (err == LA_OK)
    *out = (la_listener){l->index, l->gen};
  return err;
}

int la_listener_close(la_stack *s, la_listener h, la_time now) {
  struct listener *l = la__listener_handle(&s->tcp, h);
  if (!l)
    return LA_EBADF;
  la__tcp_now(&s->tcp, now);
  la__listener_del(&s->tcp, l);
  return LA_OK;
}

int la_accept(la_stack *s, la_listener h, void *user, la_conn *out) {
  struct tcp *t = &s->tcp;
  struct listener *l = la__listener_handle(t, h);
  if (!l)
    return LA_EBADF;
  if (l->head == REF_NONE) {
    l->armed = true;
    return LA_AGAIN;
  }
  struct conn *c = la__conn_at(t, l->head);
  l->head = c->event_next;
  l->queued--;
  c->flags &= ~(uint32_t)CF_UNACCEPTED;
  c->owner.user = user;
  *out = conn_handle(c);
  la__conn_event(t, c, 0); /* what happened while it waited is told now */
  return LA_OK;
}

int la_connect(la_stack *s, const la_connect_opts *opts, la_conn *out, la_time now) {
  struct tcp *t = &s->tcp;
  struct key k;
  memset(&k, 0, sizeof k);
  la__tcp_now(t, now);
  la_link link = opts->link;
  k.remote = opts->remote;
  k.local = opts->local;
  int bad = opts->remote_port ? la__route_open(s, &k.remote, &k.local, &link) : LA_EINVAL;
  if (bad == LA_OK && la__tcp_quiet(t))
    bad = LA_EQUIET;
  if (bad != LA_OK)
    return bad;
  k.lport = opts->local_port;
  k.rport = opts->remote_port;
  k.zone = la__addr_link_local(&k.remote) ? link : 0;
  if (k.lport == 0) {
    int err = la__port_choose(t, &k);
    if (err != LA_OK)
      return err;
  }
  struct path path = {(uint8_t)link, s->mtu[link], 0};
  struct conn *c;
  int err = la__connect(t, &k, &path, opts->reuse_addr, opts->local_port == 0, &c);
  if (err != LA_OK)
    return err;
  c->owner.user = opts->user;
  *out = conn_handle(c);
  return LA_OK;
}

int la_shutdown(la_stack *s, la_conn h, la_time now) {
  struct tcp *t = &s->tcp;
  struct conn *c = la__conn_handle(t, h);
  if (!c)
    return LA_EBADF;
  la__tcp_now(t, now);
  if (c->flags & CF_FIN_QUEUED)
    return LA_OK;
  if (c->flags & CF_ENDED || c->state == LA_SYN_SENT)
    return LA_ENOTCONN;
  la__tcp_shutdown(t, c, LA_ON_SHUTDOWN);
  return LA_OK;
}

int la_shutdown_read(la_stack *s, la_conn h) {
  struct conn *c = la__conn_handle(&s->tcp, h);
  if (!c)
    return LA_EBADF;
  c->flags |= CF_RCV_SHUT;
  return LA_OK;
}

int la_close(la_stack *s, la_conn h, la_time now) {
  struct conn *c = la__conn_handle(&s->tcp, h);
  if (!c)
    return LA_EBADF;
  la__tcp_now(&s->tcp, now);
  la__tcp_close(&s->tcp, c);
  return LA_OK;
}

int la_close_by(la_stack *s, la_conn h, la_time deadline, la_time now) {
  struct tcp *t = &s->tcp;
  int err = la_close(s, h, now);
  if (err != LA_OK)
    return err;
  struct conn *c = la__conn_handle(t, h);
  if (!c || c->flags & CF_ENDED)
    return LA_OK;
  if (!la__conn_wish(t, c))
    return LA_ENOMEM;
  c->wish->kill_at = deadline;
  c->flags |= CF_KILL;
  la__life_clock(t, c, c->life_at);
  return LA_OK;
}

int la_abort(la_stack *s, la_conn h, la_time now) {
  struct conn *c = la__conn_handle(&s->tcp, h);
  if (!c)
    return LA_EBADF;
  la__tcp_now(&s->tcp, now);
  la__tcp_abort(&s->tcp, c, LA_WHY_ABORT);
  return LA_OK;
}

int la_admit(la_stack *s, la_syn syn, la_time now) {
  la__tcp_now(&s->tcp, now);
  ref_t r = la__admit_handle(&s->tcp, syn);
  if (r == REF_NONE)
    return LA_EBADF;
  la__admit(&s->tcp, r);
  return LA_OK;
}

/* The SYN itself is gone; what an ICMP error must quote of it is known. */
static void quote_syn(la_stack *s, const struct half *h, bool six, unsigned code) {
  struct key k;
  la__half_key(h, six, &k);
  uint8_t bytes[IP6_HEADER + TCP_HEADER];
  struct packet p = {.data = bytes, .link = h->link};
  p.h = (struct ip_hdr){.src = k.remote, .dst = k.local, .proto = IP_PROTO_TCP, .ttl = s->tcp.cfg.ttl, .len = TCP_HEADER};
  p.h.hlen = six ? la__ip6_build(&p.h, bytes) : la__ip4_build(&p.h, bytes);
  struct tcp_seg seg = {.sport = k.rport, .dport = k.lport, .seq = h->irs, .wnd = h->wnd, .flags = LA_SYN};
  p.len = p.h.hlen + la__tcp_build(&seg, bytes + p.h.hlen);
  la__reply_error(s, &p, six ? ICMP6_UNREACH : ICMP4_UNREACH, code, 0);
}

int la_reject(la_stack *s, la_syn syn, enum la_reject_how how, la_time now) {
  struct tcp *t = &s->tcp;
  if (how > LA_REJECT_SILENT)
    return LA_EINVAL;
  la__tcp_now(t, now);
  ref_t r = la__admit_handle(t, syn);
  if (r == REF_NONE)
    return LA_EBADF;
  bool six = ref_six(r);
  if (how == LA_REJECT_UNREACHABLE)
    quote_syn(s, la__half_at(t, r), six, six ? ICMP6_UNREACH_ADDR : ICMP4_UNREACH_HOST);
  else if (how == LA_REJECT_PROHIBITED)
    quote_syn(s, la__half_at(t, r), six, six ? ICMP6_UNREACH_ADMIN : ICMP4_UNREACH_ADMIN);
  la__admit_refuse(t, r, how == LA_REJECT_RST);
  return LA_OK;
}

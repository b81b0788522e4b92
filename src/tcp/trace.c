/* SPDX-License-Identifier: MIT */
#include "tcp/tcp.h"

la_trace_rec *la__trace_rec(struct tcp *t, const struct key *k, const struct conn *c, enum la_trace_type type) {
  la_trace_rec *r = la__trace_put(&t->trace);
  if (!r)
    return 0;
  r->at = t->now;
  r->frame = t->frame;
  r->type = (uint8_t)type;
  if (k) {
    r->local = k->local;
    r->remote = k->remote;
    r->local_port = k->lport;
    r->remote_port = k->rport;
  }
  if (c) {
    r->conn_index = c->self;
    r->conn_gen = c->gen;
    r->link = c->link;
    r->from = r->to = c->state;
  }
  return r;
}

void la__trace_seg(la_trace_rec *r, const struct tcp_seg *seg) {
  r->flags = seg->flags;
  r->seq = seg->seq;
  r->ack = seg->ack;
  r->len = seg->len;
  r->wnd = seg->wnd;
}

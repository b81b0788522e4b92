/* SPDX-License-Identifier: MIT */
/* The event queue: connections with bits to tell, in order of arrival; of one connection always in the same order, END last. */
#include "base/bytes.h"
#include "core/stack.h"

/* By the number of their bit (enum conn_event), which is the order in which they are told. */
static const uint8_t told[] = {LA_EVENT_ESTABLISHED, LA_EVENT_URGENT,  LA_EVENT_READABLE, LA_EVENT_WRITABLE,
                               LA_EVENT_PEER_FIN,    LA_EVENT_TROUBLE, LA_EVENT_END};

static void listener_event(struct tcp *t, la_event *e) {
  struct listener *l = la__listener_at(t, t->levent_head);
  t->levent_head = l->event_next;
  l->event = false;
  memset(e, 0, sizeof *e);
  e->type = LA_EVENT_ACCEPT;
  e->listener = (la_listener){l->index, l->gen};
  e->user = l->user;
}

static void syn_event(struct tcp *t, ref_t r, la_event *e) {
  const struct half *h = la__half_at(t, r);
  const struct listener *l = la__listener_at(t, h->listener);
  struct key k;
  la__half_key(h, ref_six(r), &k);
  memset(e, 0, sizeof *e);
  e->type = LA_EVENT_SYN;
  e->syn = (la_syn){r, h->iss};
  e->listener = (la_listener){l->index, l->gen};
  e->user = l->user;
  e->local = k.local;
  e->remote = k.remote;
  e->local_port = k.lport;
  e->remote_port = k.rport;
}

/* One event of a connection. What belongs to other types is left as it is, but for what stands before `end`. */
static void conn_event(struct tcp *t, struct conn *c, la_event *e) {
  unsigned bit = (unsigned)__builtin_ctz(c->events);
  c->events &= (uint8_t)(c->events - 1);
  e->type = (enum la_event_type)told[bit];
  e->conn = conn_handle(c);
  e->listener = (la_listener){0, 0};
  e->user = c->owner.user;
  e->err = e->type == LA_EVENT_TROUBLE ? c->soft_err : LA_OK;
  if (e->type == LA_EVENT_END) {
    la__end_fill(t, c, &e->end);
    c->flags |= CF_END_TAKEN;
  }
}

/* The first connection stays first until all its bits are told; one that has nothing left to tell leaves the list. */
static inline size_t conn_events(struct tcp *t, la_event *out, size_t n, size_t max) {
  while (t->event_head != REF_NONE) {
    struct conn *c = la__conn_at(t, t->event_head);
    while (c->events && n < max)
      conn_event(t, c, &out[n++]);
    if (c->events)
      break;
    t->event_head = c->event_next;
    c->flags &= ~(uint32_t)CF_QUEUED;
    if (c->flags & CF_ENDED)
      la__conn_maybe_free(t, c);
  }
  return n;
}

/* One event of the first socket that has any. */
static void udp_event(struct udp *u, la_event *e) {
  static const uint8_t types[] = {LA_EVENT_UDP_READABLE, LA_EVENT_UDP_WRITABLE, LA_EVENT_UDP_ERROR};
  struct udp_sock *k = la__udp_at(u, u->event_head);
  unsigned i = 0;
  while (!(k->events & 1u << i))
    i++;
  k->events &= (uint8_t) ~(1u << i);
  memset(e, 0, sizeof *e);
  e->type = (enum la_event_type)types[i];
  e->udp = (la_udp){k->index, k->gen};
  e->user = k->user;
  if (e->type == LA_EVENT_UDP_ERROR) {
    e->err = k->err;
    e->remote = k->err_remote;
    e->remote_port = k->err_port;
  }
  if (k->events)
    return;
  k->queued = false;
  u->event_head = k->event_next;
}

static void release_event(la_held *h, la_event *e) {
  memset(e, 0, sizeof *e);
  e->type = LA_EVENT_RELEASED;
  e->ref = (la_ref *)h; /* its first member */
  e->user = e->ref->user;
}

static bool addr_event(la_stack *s, la_event *e) {
  la_addr a;
  uint8_t type;
  if (!la__dad_event(s, &a, &type))
    return false;
  memset(e, 0, sizeof *e);
  e->type = (enum la_event_type)type;
  e->local = a;
  return true;
}

size_t la_events(la_stack *s, la_event *out, size_t max) {
  struct tcp *t = &s->tcp;
  size_t n = 0;
  for (ref_t r; n < max && (r = la__admit_next(t)) != REF_NONE;)
    syn_event(t, r, &out[n++]);
  while (n < max && t->levent_head != SLAB_NONE)
    listener_event(t, &out[n++]);
  n = conn_events(t, out, n, max);
  if (n == max)
    return n;
  while (n < max && s->udp.event_head != SLAB_NONE)
    udp_event(&s->udp, &out[n++]);
  for (la_held *h; n < max && (h = la__held_back(&t->chunks)) != NULL;)
    release_event(h, &out[n++]);
  while (n < max && addr_event(s, &out[n]))
    n++;
  return n;
}

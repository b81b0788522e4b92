/* SPDX-License-Identifier: MIT */
/* Reading without a copy: buffers posted for what will come, and a look at what has come where it lies. */
#include "core/stack.h"
#include "sock/stream.h"

int la_recv_post(la_stack *s, la_conn h, la_post *b) {
  struct tcp *t = &s->tcp;
  struct conn *c = la__conn_handle(t, h);
  if (!c)
    return LA_EBADF;
  if (!b || !b->data || !b->cap)
    return LA_EINVAL;
  if (c->flags & CF_APP_CLOSED)
    return LA_EPIPE;
  if (c->state < LA_ESTABLISHED && !(c->flags & CF_ENDED))
    return LA_ENOTCONN;
  struct rcvq *q = la__conn_rcvq(t, c);
  if (!q)
    return LA_ENOMEM;
  b->len = 0;
  b->next = 0;
  if (q->post)
    q->post_last->next = b;
  else
    q->post = b;
  q->post_last = b;
  if (!q->post_at)
    q->post_at = b;
  la__text_move(t, q);
  if (b->len && !(c->flags & CF_ENDED))
    la__ack_read(t, c);
  return LA_OK;
}

/* All of them. */
static la_post *give_back(struct tcp *t, struct conn *c) {
  struct rcvq *q = c->rcvq;
  if (!q)
    return 0;
  la_post *all = q->post;
  la__post_forget(t, c);
  return all;
}

ptrdiff_t la_recv_take(la_stack *s, la_conn h, la_post **out) {
  struct tcp *t = &s->tcp;
  struct conn *c = la__conn_handle(t, h);
  *out = 0;
  if (!c)
    return LA_EBADF;
  if (c->flags & CF_APP_CLOSED)
    return LA_EPIPE;
  struct rcvq *q = c->rcvq;
  la_post *b = q ? q->post : 0;
  if (!b)
    return c->flags & CF_ENDED && c->end.err != LA_OK ? c->end.err : LA_EINVAL;
  if (!la__post_told(b)) {
    ptrdiff_t why = la__readable(c, 0);
    if (why == LA_AGAIN)
      return why;
    if (b->len == 0) {
      *out = give_back(t, c);
      return why;
    }
  }
  q->post = b->next;
  if (q->post_at == b)
    q->post_at = b->next;
  b->next = 0;
  *out = b;
  la__recv_settle(t, c);
  return (ptrdiff_t)b->len;
}

int la_recv_cancel(la_stack *s, la_conn h, la_post **out) {
  struct conn *c = la__conn_handle(&s->tcp, h);
  *out = 0;
  if (!c)
    return LA_EBADF;
  *out = give_back(&s->tcp, c);
  return LA_OK;
}

ptrdiff_t la_peek_bufs(la_stack *s, la_conn h, size_t skip, la_buf *bufs, size_t max, size_t *nbufs) {
  struct conn *c = la__conn_handle(&s->tcp, h);
  *nbufs = 0;
  if (!c)
    return LA_EBADF;
  if (c->rcvq && c->rcvq->post)
    return LA_EINVAL;
  ptrdiff_t there = la__readable(c, skip);
  if (there <= 0)
    return there;
  size_t got = 0;
  while (*nbufs < max && got < (size_t)there) {
    la_buf *b = &bufs[(*nbufs)++];
    la__rope_look(&c->rcvq->rope, skip + got, b);
    got += b->len;
  }
  return (ptrdiff_t)got;
}

int la_consume(la_stack *s, la_conn h, size_t n) {
  struct tcp *t = &s->tcp;
  struct conn *c = la__conn_handle(t, h);
  if (!c)
    return LA_EBADF;
  size_t held = c->rcvq ? c->rcvq->rope.len : 0;
  if (c->flags & CF_APP_CLOSED)
    return LA_EPIPE;
  if (n > held || (c->rcvq && c->rcvq->post))
    return LA_EINVAL;
  if (n)
    la__stream_consume(t, c, n);
  return LA_OK;
}

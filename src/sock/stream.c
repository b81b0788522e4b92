/* SPDX-License-Identifier: MIT */
/* The byte stream: send, receive, peek. */
#include "base/bytes.h"
#include "core/stack.h"
#include "sock/stream.h"

enum { PIECE_MAX = 65215 }; /* what Linux puts into one buffer at most */
enum { REF_MAX = 1 << 29 }; /* of la_send_ref: with the largest buffer still far from half the sequence space */

/* What a call on an ended connection returns. */
static ptrdiff_t ended(const struct conn *c, ptrdiff_t orderly) { return c->end.err == LA_OK ? orderly : c->end.err; }

/*
 * How many of n bytes are taken. Linux fills one buffer after the other, each of half the largest window that the peer ever offered, in
 * whole segments; the limits count before a buffer is begun, so that the last one goes past them. What the windows take leaves while
 * the first is filled, so the next ones are counted from there.
 */
static size_t room_in_pieces(const struct conn *c, uint32_t held, size_t n) {
  uint32_t mss = c->mss ? c->mss : 1, low = conn_wish(c)->notsent_lowat, now = la__takes_now(c), at = la__unsent(c);
  uint32_t piece = c->snd_wnd_max / 2 < PIECE_MAX ? c->snd_wnd_max / 2 : PIECE_MAX;
  size_t got = 0;
  piece = piece < mss ? mss : piece - piece % mss;
  now -= now % mss;
  while (got < n) {
    uint32_t past = at > now ? at - now : 0;
    if (past % piece == 0 && (held + got >= c->sndbuf || (low && past >= low)))
      break;
    size_t step = now + (past / piece + 1) * piece - at;
    step = step < n - got ? step : n - got;
    got += step;
    at += (uint32_t)step;
  }
  return got;
}

static size_t room(const struct tcp *t, const struct conn *c, size_t n) {
  uint32_t held = c->sndq ? c->sndq->spool.len : 0;
  if (t->cfg.send_pieces)
    return held == 0 && n <= c->mss && c->sndbuf ? n : room_in_pieces(c, held, n); /* the first buffer takes that much */
  uint32_t unsent = la__unsent(c), most = la__unsent_most(c);
  if (held >= c->sndbuf || unsent >= most)
    return 0;
  size_t left = c->sndbuf - held < most - unsent ? c->sndbuf - held : most - unsent;
  return left < n ? left : n;
}

/* LA_OK: the connection takes bytes. */
static ptrdiff_t sendable(const struct conn *c) {
  if (!c)
    return LA_EBADF;
  if (c->flags & CF_ENDED)
    return ended(c, LA_EPIPE);
  if (c->flags & (CF_FIN_QUEUED | CF_APP_CLOSED))
    return LA_EPIPE;
  return c->state < LA_ESTABLISHED ? LA_ENOTCONN : LA_OK;
}

/* Bytes were queued, or were not for want of memory. */
static ptrdiff_t queued(struct tcp *t, struct conn *c, size_t took) {
  struct sndq *q = c->sndq;
  if (took == 0) {
    if (q && q->spool.len == 0)
      la__conn_drop_send(t, c);
    return LA_ENOMEM;
  }
  q->burst = 0;
  if (!(conn_wish(c)->flags & WISH_MORE))
    q->push_end = la__snd_end(c);
  la__conn_dirty(t, c, TODO_DATA);
  return (ptrdiff_t)took;
}

ptrdiff_t la_send(la_stack *s, la_conn h, const void *data, size_t n) {
  struct tcp *t = &s->tcp;
  struct conn *c = la__conn_handle(t, h);
  ptrdiff_t why = sendable(c);
  if (why != LA_OK || n == 0)
    return why;
  size_t most = room(t, c, n);
  if (most == 0) {
    c->flags |= CF_WRITE_ARMED;
    return LA_AGAIN;
  }
  struct sndq *q = la__conn_sndq(t, c);
  bool fresh = la__unsent(c) == 0; /* the next segment will begin here */
  return queued(t, c, q ? la__spool_append(&q->spool, &t->chunks, data, most, c->mss ? c->mss : 1, fresh, &t->cfg.sums) : 0);
}

int la_send_ref(la_stack *s, la_conn h, la_ref *r) {
  struct tcp *t = &s->tcp;
  struct conn *c = la__conn_handle(t, h);
  if (!r || !r->data || r->len == 0 || r->len > REF_MAX)
    return LA_EINVAL;
  ptrdiff_t why = sendable(c);
  if (why != LA_OK)
    return (int)why;
  if ((c->sndq && c->sndq->spool.len >= c->sndbuf) || la__unsent(c) >= la__unsent_most(c)) {
    c->flags |= CF_WRITE_ARMED;
    return LA_AGAIN;
  }
  struct sndq *q = la__conn_sndq(t, c);
  r->held = (la_held){.kind = HELD_LENT};
  why = queued(t, c, q && la__spool_lend(&q->spool, &t->chunks, &r->held, r->data, (uint32_t)r->len) ? r->len : 0);
  return why < 0 ? (int)why : LA_OK;
}

int la_send_mark(la_stack *s, la_conn h) {
  struct conn *c = la__conn_handle(&s->tcp, h);
  if (!c)
    return LA_EBADF;
  return la__eor_mark(&s->tcp, c) ? LA_OK : LA_ENOMEM;
}

ptrdiff_t la__readable(struct conn *c, size_t skip) {
  if (c->flags & CF_APP_CLOSED)
    return LA_EPIPE;
  uint32_t held = c->rcvq ? c->rcvq->rope.len : 0;
  if (held > skip)
    return (ptrdiff_t)(held - skip);
  if (c->flags & CF_ENDED && c->end.err != LA_OK)
    return c->end.err;
  if (c->flags & CF_FIN_RCVD)
    return 0;
  if (c->state < LA_ESTABLISHED)
    return LA_ENOTCONN;
  c->flags |= CF_READ_ARMED;
  return LA_AGAIN;
}

/* Copies what is there beyond the first `skip` bytes. */
static ptrdiff_t copy_out(struct conn *c, size_t skip, void *dst, size_t n) {
  if (!c)
    return LA_EBADF;
  if (c->rcvq && c->rcvq->post)
    return LA_EINVAL;
  ptrdiff_t there = la__readable(c, skip);
  if (there <= 0 || n == 0)
    return there < 0 ? there : 0;
  return (ptrdiff_t)la__rope_copy(&c->rcvq->rope, skip, dst, n);
}

ptrdiff_t la_peek(la_stack *s, la_conn h, size_t skip, void *dst, size_t n) { return copy_out(la__conn_handle(&s->tcp, h), skip, dst, n); }

void la__stream_consume(struct tcp *t, struct conn *c, size_t n) {
  la__rope_consume(&c->rcvq->rope, &t->chunks, n);
  la__recv_settle(t, c);
  if (!(c->flags & CF_ENDED))
    la__ack_read(t, c);
}

ptrdiff_t la_recv(la_stack *s, la_conn h, void *dst, size_t n) {
  struct tcp *t = &s->tcp;
  struct conn *c = la__conn_handle(t, h);
  ptrdiff_t got = copy_out(c, 0, dst, n);
  if (got <= 0)
    return got;
  la__stream_consume(t, c, (size_t)got);
  return got;
}

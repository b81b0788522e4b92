/* SPDX-License-Identifier: MIT */
/*
 * Where text goes that comes in order: to the buffers that the application has posted, one after the other, and what they do not
 * hold into the rope of the receive queue. The rope has unread bytes only while no posted buffer has room.
 *
 * The checksum is verified on the way there: a segment whose header says that its text belongs exactly at RCV.NXT is copied to its place
 * and summed in one pass, before anything in it is believed. Nothing counts it until the sum has turned out right and the steps of
 * input.c have let it pass; else its bytes lie behind the end of what is there, where the next segment overwrites them. Every other
 * segment is summed first and copied later.
 */
#include "base/bytes.h"
#include "base/check.h"
#include "base/seq.h"
#include "base/sum.h"
#include "tcp/tcp.h"

/* Whatever this lets through by mistake is only copied in vain. */
static bool may_land(const struct conn *c, const struct tcp_seg *seg) {
  const struct rcvq *q = c->rcvq;
  return c->state >= LA_ESTABLISHED && !(c->flags & (CF_APP_CLOSED | CF_RCV_SHUT | CF_ENDED | CF_FIN_RCVD)) &&
         (seg->flags & (LA_SYN | LA_FIN | LA_RST | LA_URG | LA_ACK)) == LA_ACK && seg->seq == c->rcv_nxt && seg->len <= la__rcv_window(c) &&
         (!q || (q->rope.end == q->rope.len && !q->fin_seen));
}

/* The place of up to *n bytes behind those that are there and `at` more; *n becomes what is contiguous. *b: the posted buffer for them. */
static uint8_t *place(struct tcp *t, struct rcvq *q, la_post **b, size_t *at, size_t *n) {
  if (*b) {
    la_post *p = *b;
    *b = p->next;
    if (*n > p->cap - p->len)
      *n = p->cap - p->len;
    return (uint8_t *)p->data + p->len;
  }
  uint8_t *to = la__rope_space(&q->rope, &t->chunks, q->rope.len + *at, n);
  *at += *n;
  return to;
}

/* false: no memory. *sum gets the text's added. */
static bool copy_there(struct tcp *t, struct rcvq *q, const struct tcp_seg *seg, uint32_t *sum) {
  la_post *b = q->post_at;
  size_t at = 0;
  for (size_t done = 0, n; done < seg->len; done += n) {
    n = seg->len - done;
    uint8_t *to = place(t, q, &b, &at, &n);
    if (!to)
      return false;
    uint32_t part = t->cfg.sums.copy_sum(to, seg->data + done, n, 0);
    *sum += done & 1 ? la__sum_odd(part) : part;
    *sum = (*sum & 0xffff) + (*sum >> 16);
  }
  return true;
}

/* The bytes that were copied are there now. */
static void count(struct rcvq *q, size_t n) {
  while (n && q->post_at) {
    la_post *b = q->post_at;
    size_t k = n < b->cap - b->len ? n : b->cap - b->len;
    b->len += k;
    n -= k;
    if (b->len == b->cap)
      q->post_at = b->next;
  }
  if (n)
    la__rope_grow(&q->rope, n);
}

bool la__land_verify(struct tcp *t, ref_t r, struct tcp_seg *seg) {
  struct conn *c = r != REF_NONE && ref_kind(r) == REF_CONN ? la__conn_at(t, r) : 0;
  uint32_t sum = seg->sum;
  seg->unverified = false;
  if (c && may_land(c, seg) && la__conn_rcvq(t, c)) {
    if (copy_there(t, c->rcvq, seg, &sum)) {
      seg->landed = la__sum_finish(sum) == 0;
      if (seg->landed)
        t->landed = r;
      else
        la__recv_settle(t, c);
      return seg->landed;
    }
    la__recv_settle(t, c);
    sum = seg->sum;
  }
  return la__sum_finish(t->cfg.sums.sum(sum, seg->data, seg->len)) == 0;
}

void la__land_forget(struct tcp *t) {
  ref_t r = t->landed;
  t->landed = REF_NONE;
  struct conn *c = la__slab_get(&t->conn[ref_six(r)], ref_index(r));
  if (c)
    la__recv_settle(t, c);
}

/* Returns how many bytes found room. */
size_t la__text_put(struct tcp *t, struct conn *c, const struct tcp_seg *seg) {
  struct rcvq *q = c->rcvq;
  size_t done = 0;
  if (seg->landed) {
    LA_CHECK(t->landed == c->self);
    t->landed = REF_NONE;
    count(q, seg->len);
    return seg->len;
  }
  for (; q->post_at && done < seg->len;) {
    la_post *b = q->post_at;
    size_t n = seg->len - done < b->cap - b->len ? seg->len - done : b->cap - b->len;
    memcpy((uint8_t *)b->data + b->len, seg->data + done, n);
    count(q, n);
    done += n;
  }
  return done + la__rope_append(&q->rope, &t->chunks, seg->data + done, seg->len - done);
}

/* What is in the rope goes on to posted buffers that have room. */
void la__text_move(struct tcp *t, struct rcvq *q) {
  while (q->post_at && q->rope.len) {
    la_post *b = q->post_at;
    size_t n = la__rope_copy(&q->rope, 0, (uint8_t *)b->data + b->len, b->cap - b->len);
    la__rope_consume(&q->rope, &t->chunks, n);
    b->len += n;
    if (b->len == b->cap)
      q->post_at = b->next;
  }
}

void la__post_forget(struct tcp *t, struct conn *c) {
  if (c->rcvq)
    c->rcvq->post = c->rcvq->post_at = c->rcvq->post_last = 0;
  la__recv_settle(t, c);
}

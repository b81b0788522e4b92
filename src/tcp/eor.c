/* SPDX-License-Identifier: MIT */
/*
 * Ends of records that the application has marked (MSG_EOR): no segment carries bytes from both sides of one, not when it is sent again
 * either. They are sequence numbers in ascending order, dropped as they are acknowledged.
 */
#include "base/bytes.h"
#include "base/seq.h"
#include "tcp/tcp.h"

enum { FIRST = 16, MOST = 1 << 16 };

static bool reserve(struct tcp *t, struct sndq *q) {
  if (q->neor < q->eor_cap)
    return true;
  uint32_t cap = q->eor_cap ? q->eor_cap * 2 : FIRST;
  uint32_t *v = cap <= MOST ? mem_alloc(t->mem, cap * sizeof *v) : 0;
  if (!v)
    return false;
  if (q->neor)
    memcpy(v, q->eor, q->neor * sizeof *v);
  la__eor_done(t, q);
  q->eor = v;
  q->eor_cap = cap;
  return true;
}

bool la__eor_mark(struct tcp *t, struct conn *c) {
  struct sndq *q = c->sndq;
  uint32_t end = la__snd_end(c);
  if (!q || (q->neor && q->eor[q->neor - 1] == end))
    return true;
  if (!reserve(t, q))
    return false;
  q->eor[q->neor++] = end;
  return true;
}

void la__eor_done(struct tcp *t, struct sndq *q) {
  mem_free(t->mem, q->eor, q->eor_cap * sizeof *q->eor);
  q->eor = 0;
  q->eor_cap = 0;
}

/* The first mark past `seq`: its index, or neor. */
static uint32_t after(const struct sndq *q, uint32_t seq) {
  uint32_t lo = 0, hi = q->neor;
  while (lo < hi) {
    uint32_t mid = lo + (hi - lo) / 2;
    if (seq_gt(q->eor[mid], seq))
      hi = mid;
    else
      lo = mid + 1;
  }
  return lo;
}

uint32_t la__eor_cut(const struct sndq *q, uint32_t seq, uint32_t n) {
  if (!q || !q->neor)
    return n;
  uint32_t i = after(q, seq);
  return i < q->neor && q->eor[i] - seq < n ? q->eor[i] - seq : n;
}

void la__eor_acked(struct sndq *q, uint32_t una) {
  uint32_t gone = after(q, una);
  if (!gone)
    return;
  q->neor -= gone;
  memmove(q->eor, q->eor + gone, q->neor * sizeof *q->eor);
}

/* SPDX-License-Identifier: MIT */
#include "fuzz/lend.h"

#include <stdlib.h>
#include <string.h>

enum { REFS = 12, POSTS = 12, BYTES = 2048, GUARD = 8, MARK = 0xa7 };

struct lend {
  struct {
    la_ref ref;
    bool out;
    uint8_t b[BYTES];
  } sent[REFS];
  struct {
    la_post post;
    la_conn c;
    bool out;
    uint8_t b[BYTES + GUARD];
  } got[POSTS];
};

struct lend *lend_new(void) {
  return calloc(1, sizeof(struct lend));
}
void lend_free(struct lend *l) {
  for (unsigned i = 0; i < REFS; i++)
    FUZZ_CHECK(!l->sent[i].out);
  free(l);
}

static void lend(struct lend *l, la_stack *s, la_conn c, uint32_t at, uint32_t n) {
  unsigned i = 0;
  while (i < REFS && l->sent[i].out)
    i++;
  if (i == REFS)
    return;
  n = n < BYTES ? n : BYTES;
  for (uint32_t k = 0; k < n; k++)
    l->sent[i].b[k] = fuzz_byte(at + k);
  l->sent[i].ref = (la_ref){.data = l->sent[i].b, .len = n};
  l->sent[i].out = la_send_ref(s, c, &l->sent[i].ref) == LA_OK;
}

void lend_event(struct lend *l, const la_event *e) {
  if (e->type != LA_EVENT_RELEASED)
    return;
  unsigned i = 0;
  while (i < REFS && &l->sent[i].ref != e->ref)
    i++;
  FUZZ_CHECK(i < REFS && l->sent[i].out);
  memset(l->sent[i].b, MARK, BYTES); /* whoever sends that is found out */
  l->sent[i].out = false;
}

/* Of connections that have gone the loan is over. */
static bool is_out(struct lend *l, la_stack *s, unsigned i) {
  la_info_rec r;
  if (l->got[i].out && (la_info(s, l->got[i].c, &r) != LA_OK || r.closed_by_app))
    l->got[i].out = false;
  return l->got[i].out;
}

static void post(struct lend *l, la_stack *s, la_conn c, uint32_t n, bool full) {
  unsigned i = 0;
  while (i < POSTS && is_out(l, s, i))
    i++;
  if (i == POSTS)
    return;
  n = n < BYTES ? n : BYTES;
  memset(l->got[i].b, MARK, sizeof l->got[i].b);
  l->got[i].post = (la_post){.data = l->got[i].b, .cap = n, .least = full ? n : 0};
  l->got[i].c = c;
  l->got[i].out = la_recv_post(s, c, &l->got[i].post) == LA_OK;
}

/* The first byte that the application has not seen: what lies in posted buffers and in the stack. */
static bool position(struct lend *l, la_stack *s, la_conn c, uint32_t *from) {
  la_info_rec r;
  if (la_info(s, c, &r) != LA_OK)
    return false;
  *from = r.rcv_nxt - r.unread - (r.state == LA_CLOSE_WAIT || r.state >= LA_CLOSING || r.state == LA_CLOSED);
  for (unsigned i = 0; l && i < POSTS; i++)
    if (is_out(l, s, i) && la_conn_same(l->got[i].c, c))
      *from -= (uint32_t)l->got[i].post.len;
  return r.state >= LA_ESTABLISHED && r.state != LA_TIME_WAIT;
}

static void came(struct watch *w, la_conn c, const uint8_t *p, size_t n, uint32_t from, bool check) {
  watch_read(w, c, from, (uint32_t)n);
  for (size_t i = 0; check && i < n; i++)
    FUZZ_CHECK(p[i] == fuzz_byte(from + (uint32_t)i));
}

static void take(struct lend *l, la_stack *s, struct watch *w, la_conn c, bool all, bool check) {
  la_post *out = NULL;
  uint32_t from;
  bool sure = position(l, s, c, &from);
  ptrdiff_t n = all ? la_recv_cancel(s, c, &out) : la_recv_take(s, c, &out);
  FUZZ_CHECK(n <= 0 || (out && (size_t)n == out->len));
  for (; out; out = out->next) {
    unsigned i = 0;
    while (i < POSTS && &l->got[i].post != out)
      i++;
    FUZZ_CHECK(i < POSTS && l->got[i].out && out->len <= out->cap);
    for (unsigned k = 0; k < GUARD; k++)
      FUZZ_CHECK(l->got[i].b[out->cap + k] == MARK);
    if (sure && out->len)
      came(w, c, l->got[i].b, out->len, from, check);
    from += (uint32_t)out->len;
    l->got[i].out = false;
  }
}

static void look(la_stack *s, struct watch *w, la_conn c, uint32_t skip, uint32_t n, bool check) {
  la_buf v[3];
  size_t nv;
  uint32_t from;
  bool sure = position(NULL, s, c, &from);
  ptrdiff_t there = la_peek_bufs(s, c, skip, v, 3, &nv);
  for (size_t i = 0, at = 0; there > 0 && i < nv; at += v[i++].len)
    for (uint32_t k = 0; sure && check && k < v[i].len; k++)
      FUZZ_CHECK(((const uint8_t *)v[i].data)[k] == fuzz_byte(from + skip + (uint32_t)at + k));
  if (la_consume(s, c, n) == LA_OK && n && sure)
    watch_read(w, c, from, n);
}

bool lend_op(struct lend *l, la_stack *s, struct watch *w, la_conn c, const la_info_rec *r, const struct fuzz_op *o, bool check) {
  uint32_t n = 1 + o->b * (o->x[0] & 1 ? 8u : 1u);
  switch (o->a >> 1 & 7) {
  case 1:
    lend(l, s, c, r->snd_nxt + r->unsent, n);
    return true;
  case 2:
    post(l, s, c, n, o->x[1] & 1);
    return true;
  case 3:
    take(l, s, w, c, o->x[1] > 200, check);
    return true;
  case 4:
    look(s, w, c, o->x[2], n, check);
    return true;
  default:
    return false;
  }
}

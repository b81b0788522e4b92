/* SPDX-License-Identifier: MIT */
/*
 * What applications lend to the stack: bytes to be sent (la_send_ref) and buffers to be filled (la_recv_post). Lent bytes come back once,
 * not before they have been acknowledged or their connection is over, and are spoilt then, so that whoever still sends them is found
 * out. A posted buffer gets the stream's next bytes, in the order of posting, and nothing is written to one that is back.
 */
#include "sim/swarm.h"

#include <stdlib.h>
#include <string.h>

enum { POSTS = 4, GUARD = 8, MARK = 0xa7, SPOILT = 0xee };

struct sw_ref {
  la_ref ref;
  struct sw_ref *next;
  struct sw_end *e;
  uint64_t at; /* the first byte's place in the stream */
  bool back;   /* kept until all is over: who asks for it again is found out */
  uint8_t bytes[];
};

struct sw_posts {
  la_post post[POSTS];
  uint8_t *bytes[POSTS];
  bool out[POSTS];
  unsigned order[POSTS], n; /* those that are out, oldest first */
  size_t cap;
};

/* ---- bytes to be sent ---- */

ptrdiff_t la__sw_lend(struct sw_end *e, size_t n) {
  struct sw_ref *r = calloc(1, sizeof *r + n);
  if (!r)
    abort();
  *r = (struct sw_ref){.ref = {.data = r->bytes, .len = n, .user = r}, .e = e, .at = e->tx};
  la__sw_pattern(e->id, e->tx, r->bytes, n);
  int err = la_send_ref(e->h->st, e->handle, &r->ref);
  if (err != LA_OK) {
    free(r);
    return err;
  }
  r->next = e->h->refs;
  e->h->refs = r;
  return (ptrdiff_t)n;
}

/* Have they been acknowledged, or is the connection over? */
static bool may_come_back(const struct sw_ref *r) {
  const struct sw_end *e = r->e;
  la_info_rec i;
  if (e->ended || e->aborted || la_info(e->h->st, e->handle, &i) != LA_OK)
    return true;
  return i.state == LA_CLOSED || i.bytes_out >= r->at + r->ref.len;
}

void la__sw_released(struct sw_host *h, const la_event *ev) {
  struct sw_ref *r = ev->user;
  if (!r || &r->ref != ev->ref || r->back) {
    la__sw_broken(h->w, SW_LENT, "host %u: RELEASED for what is not lent", h->no);
    return;
  }
  if (!may_come_back(r))
    la__sw_broken(h->w, SW_LENT, "end %u: %zu bytes at %llu came back before they were acknowledged", r->e->id, r->ref.len,
                  (unsigned long long)r->at);
  if (!la__sw_same(r->e->id, r->at, r->bytes, r->ref.len))
    la__sw_broken(h->w, SW_LENT, "end %u: lent bytes were changed", r->e->id);
  r->back = true;
  memset(r->bytes, SPOILT, r->ref.len);
}

void la__sw_refs_over(struct sw_host *h, bool must_be_back) {
  for (struct sw_ref *r = h->refs, *next; r; r = next) {
    next = r->next;
    if (!r->back && must_be_back)
      la__sw_broken(h->w, SW_LENT, "end %u: %zu lent bytes at %llu never came back", r->e->id, r->ref.len, (unsigned long long)r->at);
    free(r);
  }
  h->refs = NULL;
}

/* ---- buffers to be filled ---- */

static struct sw_posts *posts_of(struct sw_end *e) {
  if (e->posts)
    return e->posts;
  struct sw_posts *p = e->posts = calloc(1, sizeof *p);
  if (!p)
    abort();
  p->cap = e->plan->post_cap && e->plan->post_cap <= 65536 ? (size_t)e->plan->post_cap : 1024;
  for (unsigned i = 0; i < POSTS; i++) {
    if (!(p->bytes[i] = malloc(p->cap + GUARD)))
      abort();
    memset(p->bytes[i], MARK, p->cap + GUARD);
  }
  return p;
}

static size_t told_at(const struct sw_end *e) {
  size_t least = (size_t)e->plan->post_least;
  return least > e->posts->cap ? e->posts->cap : least ? least : 1;
}

/* false: no memory. */
static bool post_more(struct sw_end *e) {
  struct sw_posts *p = posts_of(e);
  unsigned most = e->plan->post < POSTS ? (unsigned)e->plan->post : POSTS;
  for (unsigned i = 0; i < POSTS && p->n < most; i++) {
    if (p->out[i])
      continue;
    p->post[i] =
      (la_post){.data = p->bytes[i], .cap = p->cap, .least = e->plan->post_least > p->cap ? p->cap : (size_t)e->plan->post_least};
    int err = la_recv_post(e->h->st, e->handle, &p->post[i]);
    if (err != LA_OK && (err != LA_ENOMEM || p->n))
      la__sw_broken(e->w, SW_LENT, "end %u: la_recv_post with %u posted: %s", e->id, p->n, la_err_name(err));
    if (err != LA_OK)
      return false;
    p->out[i] = true;
    p->order[p->n++] = i;
  }
  return true;
}

/* The oldest buffer is back, if `b` is it. */
static bool back(struct sw_end *e, const la_post *b) {
  struct sw_posts *p = e->posts;
  unsigned i = p->order[0];
  if (!p->n || b != &p->post[i] || b->len > p->cap) {
    la__sw_broken(e->w, SW_LENT, "end %u: not the oldest of the posted buffers came back", e->id);
    return false;
  }
  memmove(p->order, p->order + 1, --p->n * sizeof p->order[0]);
  p->out[i] = false;
  for (unsigned k = 0; k < GUARD; k++)
    if (p->bytes[i][p->cap + k] != MARK)
      la__sw_broken(e->w, SW_LENT, "end %u: written behind a posted buffer", e->id);
  if (b->len)
    la__sw_got(e, b->data, b->len);
  memset(p->bytes[i], MARK, p->cap);
  return !e->w->broken;
}
static void all_back(struct sw_end *e, const la_post *b) {
  while (b && back(e, b))
    b = b->next;
  if (e->posts->n && !e->w->broken)
    la__sw_broken(e->w, SW_LENT, "end %u: %u posted buffers did not come back", e->id, e->posts->n);
}

/* Our side ended it: what came is not to be had, and the loans are over. */
static bool forgotten(const struct sw_end *e) {
  const struct conn *c = la__sw_conn(e);
  return c && c->flags & CF_ENDED && (c->end.who == LA_BY_LOCAL || c->end.who == LA_BY_POLICY);
}

/* The same as la_recv's result, once the bytes have been looked at. */
ptrdiff_t la__sw_take(struct sw_end *e) {
  la_post *b = NULL;
  bool enough = e->plan->post_cancel && e->rx >= e->plan->post_cancel;
  if (!e->ended && !enough && !post_more(e))
    enough = true;
  struct sw_posts *p = posts_of(e);
  if (p->n == 0 || enough) {
    e->post_off = true;
    if (p->n && la_recv_cancel(e->h->st, e->handle, &b) == LA_OK) {
      if (!b && forgotten(e))
        la__sw_unpost(e);
      all_back(e, b);
    }
    return 1;
  }
  const la_post *first = &p->post[p->order[0]];
  size_t had = first->len;
  ptrdiff_t n = la_recv_take(e->h->st, e->handle, &b);
  if (n > 0) {
    if (!b || (size_t)n != b->len || b->next || had != (size_t)n)
      la__sw_broken(e->w, SW_LENT, "end %u: la_recv_take gives %d bytes of a buffer with %zu", e->id, (int)n, had);
    else
      back(e, b);
  } else if (n == LA_AGAIN) {
    if (b || had >= told_at(e))
      la__sw_broken(e->w, SW_LENT, "end %u: LA_AGAIN, and the oldest buffer has %zu bytes", e->id, had);
  } else {
    e->post_off = true;
    if (!b && n < 0 && forgotten(e))
      la__sw_unpost(e);
    all_back(e, b);
  }
  return n;
}

size_t la__sw_posted(const struct sw_end *e, bool *ready) {
  const struct sw_posts *p = e->posts;
  size_t n = 0;
  *ready = p && p->n && p->post[p->order[0]].len >= told_at(e);
  for (unsigned i = 0; p && i < p->n; i++)
    n += p->post[p->order[i]].len;
  return n;
}

void la__sw_unpost(struct sw_end *e) {
  struct sw_posts *p = e->posts;
  uint64_t at = e->rx;
  for (unsigned i = 0; p && i < p->n; i++) {
    const la_post *b = &p->post[p->order[i]];
    if (e->peer && !e->risky && !la__sw_same(e->peer->id, at, b->data, b->len))
      la__sw_broken(e->w, SW_STREAM, "end %u: in a posted buffer is what nobody wrote", e->id);
    at += b->len;
    p->out[p->order[i]] = false;
    memset(b->data, MARK, p->cap); /* nothing is written there any more */
  }
  if (p)
    p->n = 0;
}

void la__sw_posts_over(struct sw_end *e) {
  struct sw_posts *p = e->posts;
  for (unsigned i = 0; p && i < POSTS; i++) {
    for (size_t k = 0; !p->out[i] && k < p->cap + GUARD; k++)
      if (p->bytes[i][k] != MARK) {
        la__sw_broken(e->w, SW_LENT, "end %u: written to a buffer that was no longer posted", e->id);
        break;
      }
    free(p->bytes[i]);
  }
  free(p);
  e->posts = NULL;
}

/* ---- a look where the bytes lie ---- */

ptrdiff_t la__sw_look(struct sw_end *e, size_t most) {
  la_buf v[3];
  size_t nv = 0, sum = 0;
  ptrdiff_t n = la_peek_bufs(e->h->st, e->handle, 0, v, 1 + e->id % 3, &nv);
  if (n <= 0)
    return n;
  for (size_t i = 0; i < nv; i++)
    sum += v[i].len;
  if (sum != (size_t)n)
    la__sw_broken(e->w, SW_LENT, "end %u: la_peek_bufs gives %d bytes in buffers of %zu", e->id, (int)n, sum);
  size_t take = most < (size_t)n ? most : (size_t)n, left = take;
  for (size_t i = 0; i < nv && left && !e->w->broken; i++) {
    size_t k = v[i].len < left ? v[i].len : left;
    la__sw_got(e, v[i].data, k);
    left -= k;
  }
  if (la_consume(e->h->st, e->handle, take) != LA_OK)
    la__sw_broken(e->w, SW_LENT, "end %u: %zu bytes lie there and cannot be consumed", e->id, take);
  return (ptrdiff_t)take;
}

/* SPDX-License-Identifier: MIT */
#include "pipe.h"

#include "base/seq.h"
#include "sim/join.h"

enum { PORT = 80, CPORT = 5000, GUARD = 16, FRAME_MAX = 65536 };

/* memory */

static void *take(void *ctx, size_t n) {
  unsigned char *p = malloc(n + GUARD);
  assert_non_null(p);
  memcpy(p, &n, sizeof n);
  memset(p + GUARD, 0xa5, n < 8192 ? n : 8192);
  *(uint64_t *)ctx += n;
  return p + GUARD;
}
static void give(void *ctx, void *p, size_t n) {
  unsigned char *q = (unsigned char *)p - GUARD;
  size_t was;
  memcpy(&was, q, sizeof was);
  assert_int_equal(was, n);
  *(uint64_t *)ctx -= n;
  free(q);
}

uint8_t pipe_byte(unsigned side, uint64_t pos) {
  uint64_t z = (pos >> 3) * UINT64_C(0x9e3779b97f4a7c15) + side;
  z ^= z >> 29;
  return (uint8_t)(z >> (8 * (pos & 7)));
}

static la_addr addr_of(const struct pipe *p, unsigned side) {
  la_addr a;
  assert_true(la_addr_parse(p->cfg.six ? side ? "2001:db8::2" : "2001:db8::1" : side ? "10.0.0.2" : "10.0.0.1", &a));
  return a;
}

static void stack_make(struct pipe *p, unsigned side) {
  la_config c;
  la_config_init(&c, LA_PRESET_RFC);
  c.alloc = (la_alloc){take, give, &p->live[side]};
  memset(c.secret, (int)(17 + side), sizeof c.secret);
  if (p->cfg.tweak)
    p->cfg.tweak(&c, side);
  p->s[side] = la_stack_new(&c);
  assert_non_null(p->s[side]);
  p->link[side] = la_link_add(p->s[side], p->cfg.mtu);
  assert_int_equal(la_link_offload(p->s[side], p->link[side], p->cfg.offload, p->cfg.gso_max), LA_OK);
  la_addr a = addr_of(p, side);
  assert_int_equal(la_addr_add(p->s[side], p->link[side], &a, p->cfg.six ? 64 : 24), LA_OK);
}

static struct pipe *make(uint64_t seed, const struct pipe_cfg *cfg) {
  struct pipe *p = calloc(1, sizeof *p);
  assert_non_null(p);
  p->cfg = *cfg;
  if (!p->cfg.mtu)
    p->cfg.mtu = 1500;
  if (!p->cfg.delay)
    p->cfg.delay = 10 * LA_MS;
  la__prng_seed(&p->rnd, seed);
  p->now = LA_SEC;
  for (unsigned i = 0; i < 2; i++)
    stack_make(p, i);
  return p;
}

/* An ISS moves with the clock, 4 us a step: a trial tells how far the clocks must be put on. */
struct pipe *pipe_new(uint64_t seed, const struct pipe_cfg *cfg) {
  struct pipe *p = make(seed, cfg);
  if (!cfg->force_iss)
    return p;
  struct pipe_cfg quiet = *cfg;
  quiet.loss = quiet.dup = quiet.reorder = quiet.corrupt = 0;
  for (unsigned i = 0; i < 2; i++) {
    struct pipe *t = make(seed, &quiet);
    t->offset[0] = p->offset[0];
    pipe_open(t);
    p->offset[i] += (la_time)(uint32_t)(cfg->iss[i] - t->w[i].isn) * 4 * LA_US;
    pipe_free(t);
  }
  return p;
}

void pipe_free(struct pipe *p) {
  for (size_t i = 0; i < p->n; i++)
    free(p->heap[i].bytes);
  free(p->heap);
  for (unsigned i = 0; i < 2; i++) {
    la_stack_free(p->s[i]);
    assert_int_equal(p->live[i], 0);
  }
  free(p);
}

la_time pipe_time(const struct pipe *p, unsigned side) { return p->now + p->offset[side]; }

/* the oracle */

static void watch_data(struct pipe *p, unsigned from, const struct tcp_seg *seg) {
  struct pipe_watch *w = &p->w[from];
  /* 64-bit positions: near what was sent last. */
  uint64_t pos = w->sent + (uint64_t)(int64_t)seq_diff(seg->seq - w->isn - 1, (uint32_t)w->sent);
  for (uint32_t i = 0; i < seg->len; i++)
    if (seg->data[i] != pipe_byte(from, pos + i))
      fail_msg("side %u sends another byte at %llu", from, (unsigned long long)(pos + i));
  if (pos + seg->len > w->sent)
    w->sent = pos + seg->len;
  else if (seg->len)
    w->again++;
  bool probe = seg->len == 1; /* by the persist clock, or a FIN */
  if (seg->len && seq_gt(seg->seq + seg->len, w->reach) && !probe)
    fail_msg("side %u sends %u bytes past the window of the other", from, (unsigned)(seg->seq + seg->len - w->reach));
}

static void watch(struct pipe *p, unsigned from, const struct tcp_seg *seg) {
  struct pipe_watch *w = &p->w[from], *o = &p->w[!from];
  w->segments++;
  w->bytes += seg->len;
  if (seg->flags & LA_RST)
    return;
  if (seg->flags & LA_SYN) {
    w->isn = seg->seq;
    w->known = true;
    w->scaled = seg->opt.have & TCP_OPT_WSCALE;
    w->wscale = seg->opt.wscale;
  } else {
    watch_data(p, from, seg);
  }
  if (!(seg->flags & LA_ACK))
    return;
  if (seg->len == 0 && !(seg->flags & (LA_SYN | LA_FIN)))
    w->pure_acks++;
  uint32_t edge = seg->ack + ((uint32_t)seg->wnd << (seg->flags & LA_SYN || !w->scaled || !o->scaled ? 0 : w->wscale));
  if (w->edge_known && seq_lt(edge + p->retract, w->edge))
    fail_msg("side %u takes back %u bytes of its window", from, (unsigned)(w->edge - edge));
  w->edge = edge;
  if (!w->edge_known || seq_gt(edge, o->reach))
    o->reach = edge;
  w->edge_known = true;
}

static void parse(const struct pipe *p, const uint8_t *b, uint32_t n, struct tcp_seg *seg) {
  struct ip_hdr h;
  assert_int_equal(p->cfg.six ? la__ip6_parse(&h, b, n) : la__ip4_parse(&h, b, n, false), LA_DROP_NONE);
  assert_int_equal(h.proto, IP_PROTO_TCP);
  uint32_t pseudo = la__ip_pseudo_sum(&h.src, &h.dst, IP_PROTO_TCP, h.len);
  assert_int_equal(la__tcp_parse(seg, b + h.hlen, h.len, pseudo, false), LA_DROP_NONE);
}

/* the network */

static bool before(const struct pipe_pkt *a, const struct pipe_pkt *b) { return a->due != b->due ? a->due < b->due : a->order < b->order; }

static void put(struct pipe *p, struct pipe_pkt k) {
  if (p->n == p->cap) {
    p->cap = p->cap ? p->cap * 2 : 64;
    p->heap = realloc(p->heap, p->cap * sizeof *p->heap);
    assert_non_null(p->heap);
  }
  size_t i = p->n++;
  for (; i && before(&k, &p->heap[(i - 1) / 2]); i = (i - 1) / 2)
    p->heap[i] = p->heap[(i - 1) / 2];
  p->heap[i] = k;
}

static struct pipe_pkt get(struct pipe *p) {
  struct pipe_pkt first = p->heap[0], last = p->heap[--p->n];
  size_t i = 0;
  for (size_t k; (k = 2 * i + 1) < p->n; i = k) {
    if (k + 1 < p->n && before(&p->heap[k + 1], &p->heap[k]))
      k++;
    if (!before(&p->heap[k], &last))
      break;
    p->heap[i] = p->heap[k];
  }
  if (p->n)
    p->heap[i] = last;
  return first;
}

static bool chance(struct pipe *p, uint32_t of_10000) { return of_10000 && la__prng_below(&p->rnd, 10000) < of_10000; }

static void carry(struct pipe *p, unsigned from, const uint8_t *b, uint32_t n) {
  if (p->cut[!from] || chance(p, p->cfg.loss)) {
    p->dropped++;
    return;
  }
  unsigned copies = 1 + chance(p, p->cfg.dup);
  p->doubled += copies - 1;
  while (copies--) {
    struct pipe_pkt k = {p->now + p->cfg.delay, p->order++, !from, n, malloc(n)};
    assert_non_null(k.bytes);
    memcpy(k.bytes, b, n);
    if (chance(p, p->cfg.reorder)) {
      k.due += la__prng_below(&p->rnd, 20000) * LA_US;
      p->delayed++;
    }
    if (chance(p, p->cfg.corrupt)) {
      uint32_t bit = la__prng_below(&p->rnd, (n - (p->cfg.six ? 40 : 0)) * 8) + (p->cfg.six ? 320 : 0);
      k.bytes[bit / 8] ^= (uint8_t)(1u << (bit & 7));
      p->broken++;
    }
    put(p, k);
  }
}

static void segment_out(struct pipe *p, unsigned side, const la_frame *f) {
  static uint8_t flat[FRAME_MAX];
  size_t n = la_frame_copy(f, flat, sizeof flat);
  assert_int_equal(n, f->total);
  assert_true(n <= p->cfg.mtu);
  struct tcp_seg seg;
  parse(p, flat, (uint32_t)n, &seg);
  watch(p, side, &seg);
  if (p->raw)
    p->raw(p, side, flat, (uint32_t)n);
  if (p->seen)
    p->seen(p, side, &seg);
  carry(p, side, flat, (uint32_t)n);
}

static bool side_output(struct pipe *p, unsigned side) {
  la_frame f, one;
  bool any = false;
  while (la_output(p->s[side], p->link[side], &f, 1, pipe_time(p, side))) {
    unsigned n = la_frame_segments(&f);
    assert_true(n == 1 || f.total <= (p->cfg.gso_max ? p->cfg.gso_max : 65535));
    assert_true(n == 1 || p->cfg.offload & (p->cfg.six ? LA_OFFLOAD_TSO6 : LA_OFFLOAD_TSO4));
    assert_true(n == 1 || !(f.data[(p->cfg.six ? 40 : 20) + 13] & LA_CWR) || p->cfg.offload & LA_OFFLOAD_TSO_ECN);
    p->frames[side]++;
    for (unsigned i = 0; i < n; i++) {
      assert_true(la_frame_segment(&f, i, &one));
      segment_out(p, side, p->cfg.offload ? &one : &f);
    }
    la_frame_done(p->s[side], &f);
    any = true;
  }
  return any;
}

static void side_events(struct pipe *p, unsigned side) {
  la_event e[16];
  for (size_t n; (n = la_events(p->s[side], e, 16));)
    for (size_t i = 0; i < n; i++)
      if (e[i].type == LA_EVENT_END) {
        assert_false(p->ended[side]);
        p->ended[side] = true;
        p->end[side] = e[i].end;
      }
}

void pipe_pump(struct pipe *p) {
  for (unsigned turns = 0; side_output(p, 0) | side_output(p, 1); turns++)
    assert_true(turns < 10000);
  side_events(p, 0);
  side_events(p, 1);
}

static la_time next(const struct pipe *p) {
  la_time at = p->n ? p->heap[0].due : LA_NEVER;
  for (unsigned i = 0; i < 2; i++) {
    la_time d = la_deadline(p->s[i]);
    if (d == LA_NEVER)
      continue;
    d = d > p->offset[i] ? d - p->offset[i] : 0;
    if (d < at)
      at = d;
  }
  return at < p->now ? p->now : at;
}

bool pipe_step(struct pipe *p, la_time limit) {
  pipe_pump(p);
  la_time at = next(p);
  if (at > limit) {
    p->now = limit;
    for (unsigned i = 0; i < 2; i++)
      la_tick(p->s[i], pipe_time(p, i));
    return false;
  }
  p->now = at;
  while (p->n && p->heap[0].due <= p->now) {
    static struct join j;
    struct pipe_pkt k = get(p);
    la_frame f = {.data = k.bytes, .len = k.len};
    j.most = p->cfg.gso_max;
    la__join_begin(&j, k.bytes, k.len);
    while (p->cfg.joins && p->n && p->heap[0].due <= p->now && p->heap[0].to == k.to && la__join_add(&j, p->heap[0].bytes, p->heap[0].len))
      free(get(p).bytes);
    if (j.segments > 1)
      la__join_frame(&j, &f);
    p->joined += j.segments > 1;
    assert_int_equal(la_input(p->s[k.to], p->link[k.to], &f, 1, pipe_time(p, k.to)), 1);
    free(k.bytes);
    pipe_pump(p); /* one at a time, as from a slow device */
  }
  for (unsigned i = 0; i < 2; i++)
    la_tick(p->s[i], pipe_time(p, i));
  pipe_pump(p);
  return true;
}

void pipe_run(struct pipe *p, la_time ns) {
  la_time until = p->now + ns;
  while (pipe_step(p, until))
    ;
}

void pipe_open(struct pipe *p) {
  struct pipe_cfg keep = p->cfg;
  p->cfg.loss = p->cfg.dup = p->cfg.reorder = p->cfg.corrupt = 0;
  la_addr to = addr_of(p, 1);
  assert_int_equal(la_listen(p->s[1], &(la_listen_opts){.port = PORT, .backlog = 8}, &p->l), LA_OK);
  la_connect_opts o = {.remote = to, .remote_port = PORT, .local_port = CPORT};
  assert_int_equal(la_connect(p->s[0], &o, &p->c[0], pipe_time(p, 0)), LA_OK);
  for (unsigned i = 0; i < 100 && la_accept(p->s[1], p->l, NULL, &p->c[1]) != LA_OK; i++)
    pipe_step(p, p->now + LA_SEC);
  pipe_pump(p);
  assert_int_equal(pipe_info(p, 0).state, LA_ESTABLISHED);
  assert_int_equal(pipe_info(p, 1).state, LA_ESTABLISHED);
  p->cfg = keep;
}

size_t pipe_send(struct pipe *p, unsigned side, uint64_t *pos, size_t n) {
  uint8_t b[4096];
  size_t put = 0;
  while (put < n) {
    size_t k = n - put < sizeof b ? n - put : sizeof b;
    for (size_t i = 0; i < k; i++)
      b[i] = pipe_byte(side, *pos + i);
    ptrdiff_t took = la_send(p->s[side], p->c[side], b, k);
    if (took == LA_AGAIN)
      break;
    assert_true(took > 0);
    *pos += (uint64_t)took;
    put += (size_t)took;
  }
  return put;
}

ptrdiff_t pipe_read(struct pipe *p, unsigned side, uint64_t *pos, size_t n) {
  uint8_t b[4096];
  size_t got = 0;
  while (got < n) {
    size_t k = n - got < sizeof b ? n - got : sizeof b;
    ptrdiff_t r = la_recv(p->s[side], p->c[side], b, k);
    if (r == LA_AGAIN)
      break;
    if (r == 0)
      return got ? (ptrdiff_t)got : -1;
    if (r < 0)
      fail_msg("side %u reads: %s", side, la_err_name((int)r));
    for (ptrdiff_t i = 0; i < r; i++)
      if (b[i] != pipe_byte(!side, *pos + (uint64_t)i))
        fail_msg("side %u got another byte at %llu", side, (unsigned long long)*pos + (unsigned long long)i);
    *pos += (uint64_t)r;
    got += (size_t)r;
  }
  return (ptrdiff_t)got;
}

la_info_rec pipe_info(struct pipe *p, unsigned side) {
  la_info_rec r;
  assert_int_equal(la_info(p->s[side], p->c[side], &r), LA_OK);
  return r;
}

la_stats pipe_stats(const struct pipe *p, unsigned side) {
  la_stats st;
  la_stats_get(p->s[side], &st);
  return st;
}

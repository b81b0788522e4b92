/* SPDX-License-Identifier: MIT */
/* An output frame written as packets: the same bytes as la_frame_segment's, whatever the pieces, lengths and flags. */
#include "net_test.h"

#include "base/prng.h"
#include "wire/tcp_wire.h"

static uint8_t bytes[70000];

static la_stack *stack(void) {
  static struct node n;
  node_simple(&n, 1);
  return n.s;
}

/* Headers as la_output makes them, behind `link` bytes of an Ethernet's; text in pieces. */
static void make(struct prng *r, la_frame *f, unsigned link, bool six, unsigned flags, uint32_t text, uint32_t seq, unsigned opts) {
  struct tcp_seg s = {.sport = 5, .dport = 80, .seq = seq, .ack = 77, .flags = (uint8_t)flags, .wnd = 999};
  s.opt = (struct tcp_opts){.have = (uint8_t)opts, .ts_val = 123456, .ts_ecr = 654321};
  unsigned ip = link + (six ? IP6_HEADER : IP4_HEADER), hdr = la__tcp_build(&s, f->room + ip);
  memset(f->room, 0x5a, link);
  struct ip_hdr h = {.src = addr(six ? "fd00::1" : "10.0.0.1"), .dst = addr(six ? "fd00::2" : "10.0.0.2"), .proto = IP_PROTO_TCP};
  h.ttl = 64;
  h.tos = 2;
  h.dont_fragment = true;
  h.len = hdr + text;
  if (six)
    la__ip6_build(&h, f->room + link);
  else
    la__ip4_build(&h, f->room + link);
  f->data = f->room;
  f->len = ip + hdr;
  f->total = f->len + text;
  f->flags = 0;
  f->header = (uint16_t)link;
  f->nbufs = 0;
  f->sum_start = (uint16_t)ip;
  f->sum_at = 16;
  be16_put(f->room + ip + 16, 0);
  uint32_t sum = la__sum(la__ip_pseudo_sum(&h.src, &h.dst, IP_PROTO_TCP, h.len), f->room + ip, hdr), got = 0;
  for (uint32_t left = text; left;) {
    uint32_t n = f->nbufs == LA_FRAME_BUFS - 1 ? left : 1 + la__prng_below(r, text / 4 + 1);
    n = n < left ? n : left;
    const uint8_t *p = bytes + la__prng_below(r, (uint32_t)sizeof bytes - n);
    f->buf[f->nbufs++] = (la_buf){p, n};
    uint32_t part = la__sum(0, p, n);
    sum += got & 1 ? la__sum_odd(part) : part;
    sum = (sum & 0xffff) + (sum >> 16);
    got += n;
    left -= n;
  }
  be16_put(f->room + ip + 16, la__sum_finish(sum));
}

/* The field of an unfinished checksum: the pseudo-header's sum. */
static void unfinish(la_frame *f, bool six) {
  la_addr a = addr(six ? "fd00::1" : "10.0.0.1"), b = addr(six ? "fd00::2" : "10.0.0.2");
  uint32_t pseudo = la__ip_pseudo_sum(&a, &b, IP_PROTO_TCP, f->total - f->sum_start);
  be16_put(f->room + f->sum_start + 16, (uint16_t)~la__sum_finish(pseudo));
  f->flags |= LA_FRAME_SUM_PARTIAL;
}

static void check(const la_stack *s, const la_frame *f) {
  static uint8_t got[70000], want[70000];
  la_flat flat;
  la_frame seg;
  unsigned n = la_frame_segments(f);
  la_flat_begin(&flat, s, f);
  for (unsigned i = 0; i < n; i++) {
    assert_true(la_frame_segment(f, i, &seg));
    size_t len = la_frame_copy(&seg, want, sizeof want);
    memset(got, 0xee, len + 1);
    assert_int_equal(la_flat_next(&flat, got, len - 1), 0); /* no room */
    assert_int_equal(la_flat_next(&flat, got, len), len);
    assert_memory_equal(got, want, len);
    assert_int_equal(got[len], 0xee);
  }
  assert_int_equal(la_flat_next(&flat, got, sizeof got), 0);
}

static void as_segments(void **state) {
  struct prng r;
  la_stack *s = stack();
  la__prng_seed(&r, 1);
  for (uint32_t i = 0; i < sizeof bytes; i++)
    bytes[i] = (uint8_t)la__prng_next(&r);
  for (unsigned turn = 0; turn < 400; turn++) {
    la_frame f;
    bool six = turn & 1;
    unsigned flags = LA_ACK | (la__prng_next(&r) & (LA_FIN | LA_PSH | LA_CWR | LA_ECE));
    uint32_t text = la__prng_below(&r, turn & 2 ? 64000 : 4000), seq = turn & 4 ? (uint32_t)(0 - la__prng_below(&r, 5000)) : turn;
    make(&r, &f, turn & 128 ? 14 : 0, six, flags, text, seq, turn & 8 ? TCP_OPT_TS : 0);
    f.gso_size = (uint16_t)(1 + la__prng_below(&r, turn & 16 ? 1460 : 300));
    if (turn & 32)
      unfinish(&f, six);
    if (turn & 64 && text > f.gso_size && text / f.gso_size < 2000)
      f.flags |= LA_FRAME_GSO;
    check(s, &f);
  }
  la_stack_free(s);
  (void)state;
}

/* From la_send_ref of one stack to la_recv of another, over such a wire: by descriptors of many segments, and UDP beside them. */
static void between_stacks(void **state) {
  struct node a, b;
  la_conn ca, cb;
  la_listener l;
  la_flat flat;
  la_frame f;
  la_udp u, v;
  static uint8_t got[70000];
  uint8_t wire[1500];
  node_simple(&a, 1);
  node_simple(&b, 2);
  join(&a, &b, &(la_connect_opts){.remote = addr("10.0.0.2"), .remote_port = 80}, &ca, &cb, &l, LA_SEC);
  assert_int_equal(la_link_offload(a.s, 1, LA_OFFLOAD_SUM | LA_OFFLOAD_TSO4, 0), LA_OK);
  assert_int_equal(la_udp_open(a.s, &(la_udp_opts){.port = 9}, &u), LA_OK);
  assert_int_equal(la_udp_open(b.s, &(la_udp_opts){.port = 9}, &v), LA_OK);
  la_addr to = addr("10.0.0.2");
  assert_int_equal(la_udp_send(a.s, u, &to, 9, "datagram", 8), LA_OK);
  la_ref ref = {.data = bytes + 3, .len = 60001};
  assert_int_equal(la_send_ref(a.s, ca, &ref), LA_OK);
  la_time now = LA_SEC;
  size_t had = 0;
  for (unsigned turn = 0; turn < 100 && had < 60001; turn++, now += LA_MS) {
    while (la_output(a.s, 1, &f, 1, now)) {
      la_flat_begin(&flat, a.s, &f);
      for (size_t len; (len = la_flat_next(&flat, wire, sizeof wire)) > 0;) {
        la_frame in = {.data = wire, .len = (uint32_t)len};
        assert_int_equal(la_input(b.s, 1, &in, 1, now), 1);
      }
      la_frame_done(a.s, &f);
    }
    for (ptrdiff_t n; (n = la_recv(b.s, cb, got + had, sizeof got - had)) > 0;)
      had += (size_t)n;
    carry(&b, 1, &a, 1, now);
  }
  la_tick(b.s, now += LA_SEC); /* the last ACK waits */
  carry(&b, 1, &a, 1, now);
  assert_int_equal(had, 60001);
  assert_memory_equal(got, bytes + 3, had);
  assert_int_equal(dropped(&b, LA_DROP_TCP_CSUM), 0);
  assert_true(stats_of(&a).frames_out < 20); /* not one a segment */
  la_udp_from from;
  assert_int_equal(la_udp_recv(b.s, v, &from, got, sizeof got), 8);
  assert_memory_equal(got, "datagram", 8);
  la_event e;
  bool back = false;
  while (la_events(a.s, &e, 1))
    back |= e.type == LA_EVENT_RELEASED && e.ref == &ref;
  assert_true(back);
  node_free(&a);
  node_free(&b);
  (void)state;
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(as_segments), cmocka_unit_test(between_stacks)};
  return cmocka_run_group_tests(tests, 0, 0);
}

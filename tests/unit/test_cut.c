/* SPDX-License-Identifier: MIT */
/* Cutting a frame into the segments that it stands for, and taking in frames whose checksums nobody has finished. */
#include "net_test.h"

#include "wire/tcp_wire.h"
#include "wire/udp_wire.h"

#include <lastack/udp.h>

static uint8_t text_at(uint32_t i) { return (uint8_t)(i * 7 + i / 251); }

/* A TCP packet with `n` bytes of text, flags, and timestamps. */
static uint32_t make_tcp(struct pkt *p, bool six, unsigned flags, uint32_t n, unsigned id, bool df) {
  static uint8_t b[65535];
  struct tcp_seg s = {.sport = 5, .dport = 80, .seq = 0xfffffc00, .ack = 77, .flags = (uint8_t)flags, .wnd = 999};
  s.opt = (struct tcp_opts){.have = TCP_OPT_TS, .ts_val = 123456, .ts_ecr = 654321};
  unsigned hlen = la__tcp_build(&s, b);
  for (uint32_t i = 0; i < n; i++)
    b[hlen + i] = text_at(i);
  pkt_ip(p, six ? "fd00::1" : "10.0.0.1", six ? "fd00::2" : "10.0.0.2", IP_PROTO_TCP, b, hlen + n);
  p->b[six ? 0 : 1] = six ? p->b[0] : 2; /* ECT(0) */
  if (!six) {
    be16_put(p->b + 4, id);
    p->b[6] = df ? 0x40 : 0;
    be16_put(p->b + 10, 0);
    be16_put(p->b + 10, la__sum_finish(la__sum(0, p->b, 20)));
  }
  return (six ? 40 : 20) + hlen;
}

/* The packet as output makes it: headers first, text in pieces of odd lengths. */
static void in_pieces(const struct pkt *p, uint32_t headers, la_frame *f) {
  f->data = p->b;
  f->len = headers;
  f->total = p->len;
  f->nbufs = 0;
  for (uint32_t at = headers; at < p->len;) {
    uint32_t n = f->nbufs == 18 ? p->len - at : 1 + at % 4095;
    n = n < p->len - at ? n : p->len - at;
    f->buf[f->nbufs++] = (la_buf){p->b + at, n};
    at += n;
  }
}

static void check_segments(const la_frame *f, bool six, unsigned flags, uint32_t text, uint16_t each, unsigned id, bool counts) {
  unsigned n = (text + each - 1) / each;
  assert_int_equal(la_frame_segments(f), n);
  la_frame out;
  struct pkt p;
  for (unsigned i = 0; i < n; i++) {
    struct tcp_seg s;
    assert_true(la_frame_segment(f, i, &out));
    assert_int_equal(out.flags & (LA_FRAME_GSO | LA_FRAME_SUM_PARTIAL), 0);
    assert_int_equal(out.number, f->number);
    p.len = (uint32_t)la_frame_copy(&out, p.b, sizeof p.b);
    struct ip_hdr h = pkt_check(&p);
    assert_int_equal(la__tcp_parse(&s, p.b + h.hlen, h.len, 0, true), LA_DROP_NONE);
    assert_int_equal(s.seq, 0xfffffc00 + i * each);
    assert_int_equal(s.ack, 77);
    assert_int_equal(s.wnd, 999);
    assert_int_equal(s.opt.ts_val, 123456);
    assert_int_equal(s.len, i + 1 < n ? each : text - i * each);
    unsigned want = flags & ~(i ? (unsigned)LA_CWR : 0u) & ~(i + 1 < n ? (unsigned)(LA_FIN | LA_PSH) : 0u);
    assert_int_equal(s.flags, want);
    for (uint32_t k = 0; k < s.len; k++)
      assert_int_equal(s.data[k], text_at(i * each + k));
    if (!six) {
      assert_int_equal(h.frag_id, (uint16_t)(id + (counts ? i : 0)));
      assert_int_equal(h.tos, 2);
    }
  }
  assert_false(la_frame_segment(f, n, &out));
  assert_false(la_frame_segment(f, UINT32_MAX / each + 1, &out));
}

/* Sequence numbers, lengths, sums; FIN and PSH on the last, CWR on the first; IPv4's identification as Linux counts it. */
static void tcp(void **state) {
  (void)state;
  struct pkt p;
  unsigned flags = LA_ACK | LA_PSH | LA_FIN | LA_CWR | LA_ECE;
  for (unsigned six = 0; six < 2; six++)
    for (unsigned pieces = 0; pieces < 2; pieces++)
      for (unsigned partial = 0; partial < 2; partial++) {
        uint32_t headers = make_tcp(&p, six, flags, 60001, 65530, true);
        la_frame f = {.data = p.b, .len = p.len, .total = p.len, .flags = LA_FRAME_GSO, .gso_size = 1448, .number = 9};
        if (pieces)
          in_pieces(&p, headers, &f);
        if (partial)
          f.flags |= LA_FRAME_SUM_PARTIAL; /* what stands in the field then does not matter */
        check_segments(&f, six, flags, 60001, 1448, 65530, true);
        f.gso_size = 60001;
        check_segments(&f, six, flags, 60001, 60001, 65530, true);
      }
}

/* RFC 6864 4.1: an atomic packet's identification means nothing, so ours stays 0; where it may be cut it counts even from 0. */
static void identification(void **state) {
  (void)state;
  struct pkt p;
  make_tcp(&p, false, LA_ACK, 5000, 0, true);
  la_frame f = {.data = p.b, .len = p.len, .total = p.len, .flags = LA_FRAME_GSO, .gso_size = 1000};
  check_segments(&f, false, LA_ACK, 5000, 1000, 0, false);
  make_tcp(&p, false, LA_ACK, 5000, 0, false);
  check_segments(&f, false, LA_ACK, 5000, 1000, 0, true);
}

/* Each datagram has a length and a sum of its own; the sum 0 is sent as 0xffff (RFC 768). */
static void udp(void **state) {
  (void)state;
  struct pkt p;
  for (unsigned six = 0; six < 2; six++) {
    static uint8_t b[3008];
    la__udp_build(&(struct udp_hdr){.sport = 7, .dport = 9, .len = 3000}, b);
    for (uint32_t i = 0; i < 3000; i++)
      b[8 + i] = text_at(i);
    pkt_ip(&p, six ? "fd00::1" : "10.0.0.1", six ? "fd00::2" : "10.0.0.2", IP_PROTO_UDP, b, sizeof b);
    la_frame f = {.data = p.b, .len = p.len, .flags = LA_FRAME_GSO | LA_FRAME_SUM_PARTIAL, .gso_size = 1300}, out;
    assert_int_equal(la_frame_segments(&f), 3);
    for (unsigned i = 0; i < 3; i++) {
      struct pkt q;
      struct udp_hdr u;
      assert_true(la_frame_segment(&f, i, &out));
      q.len = (uint32_t)la_frame_copy(&out, q.b, sizeof q.b);
      struct ip_hdr h = pkt_check(&q);
      assert_int_equal(la__udp_parse(&u, &h, q.b + h.hlen, h.len, false), LA_DROP_NONE);
      assert_int_equal(u.len, i < 2 ? 1300 : 400);
      assert_int_equal(u.data[0], text_at(i * 1300));
      assert_int_not_equal(be16_get(q.b + h.hlen + UDP_SUM_AT), 0);
    }
  }
}

/* RFC 768: a sum that comes to 0 goes as 0xffff, since 0 says "none"; where the device was to finish it as well. */
static void udp_sum_of_zero(void **state) {
  (void)state;
  for (unsigned six = 0; six < 2; six++) {
    struct pkt p;
    la_frame out;
    uint8_t b[10] = {0};
    la__udp_build(&(struct udp_hdr){.sport = 7, .dport = 9, .len = 2}, b);
    for (unsigned short_by = 0; short_by < 2; short_by++) {
      pkt_ip(&p, six ? "fd00::1" : "10.0.0.1", six ? "fd00::2" : "10.0.0.2", IP_PROTO_UDP, b, sizeof b);
      uint8_t *upper = p.b + (six ? 40 : 20);
      pkt_sum(&p, UDP_SUM_AT);
      be16_put(upper + 8, short_by ? 0 : be16_get(upper + UDP_SUM_AT)); /* the text makes up for all the rest */
      be16_put(upper + UDP_SUM_AT, 0x1234);
      la_frame f = {.data = p.b, .len = p.len, .flags = LA_FRAME_SUM_PARTIAL};
      assert_true(la_frame_segment(&f, 0, &out));
      assert_int_equal(be16_get(out.data + (six ? 40 : 20) + UDP_SUM_AT) == 0xffff, !short_by);
      f.len = (six ? 40u : 20u) + 7; /* not even its header */
      assert_false(la_frame_segment(&f, 0, &out));
    }
  }
}

/* Without flags nothing is looked at; what is no TCP or UDP whole cannot be cut; bytes of padding are no text. */
static void odd_frames(void **state) {
  (void)state;
  struct pkt p;
  la_frame out;
  la_frame any = {.data = (const uint8_t *)"xyz", .len = 3, .flags = LA_FRAME_SUM_OK};
  assert_int_equal(la_frame_segments(&any), 1);
  assert_true(la_frame_segment(&any, 0, &out));
  assert_ptr_equal(out.data, any.data);
  assert_int_equal(out.total, 3);
  assert_false(la_frame_segment(&any, 1, &out));
  any.flags = LA_FRAME_GSO;
  any.gso_size = 1;
  assert_int_equal(la_frame_segments(&any), 1);
  assert_false(la_frame_segment(&any, 0, &out));
  any.gso_size = 0; /* no size: nothing to cut to */
  assert_int_equal(la_frame_segments(&any), 1);
  assert_true(la_frame_segment(&any, 0, &out));
  assert_ptr_equal(out.data, any.data);
  assert_false(la_frame_segment(&any, 1, &out));
  make_tcp(&p, false, LA_ACK, 0, 5, true); /* no text: one segment */
  la_frame bare = {.data = p.b, .len = p.len, .flags = LA_FRAME_GSO, .gso_size = 60};
  assert_int_equal(la_frame_segments(&bare), 1);
  assert_true(la_frame_segment(&bare, 0, &out));
  assert_int_equal(out.total, p.len);
  assert_false(la_frame_segment(&bare, 1, &out));
  uint32_t headers = make_tcp(&p, false, LA_ACK, 100, 5, true);
  la_frame f = {.data = p.b, .len = p.len + 6, .flags = LA_FRAME_GSO | LA_FRAME_SUM_PARTIAL, .gso_size = 60};
  check_segments(&f, false, LA_ACK, 100, 60, 5, true);
  for (f.len = 0; f.len < headers; f.len++)
    assert_false(la_frame_segment(&f, 0, &out));
  f.len = p.len;
  p.b[7] = 1; /* a fragment */
  assert_false(la_frame_segment(&f, 0, &out));
  p.b[7] = 0;
  p.b[20 + 12] = 0x40; /* a header shorter than TCP's */
  assert_false(la_frame_segment(&f, 0, &out));
}

/* The upper checksum is the device's; IPv4's own is looked at nonetheless, and without the flag the frame is damaged. */
static void partial_in(void **state) {
  (void)state;
  struct node n;
  struct pkt p;
  node_simple(&n, 2);
  for (unsigned six = 0; six < 2; six++) {
    uint64_t before = stats_of(&n).segments_in;
    make_tcp(&p, six, LA_ACK, 10, 1, true);
    la_frame f = {.data = p.b, .len = p.len};
    assert_int_equal(la_input(n.s, 1, &f, 1, 1), 1);
    assert_int_equal(stats_of(&n).segments_in, before);
    assert_int_equal(dropped(&n, LA_DROP_TCP_CSUM), six + 1);
    f.flags = LA_FRAME_SUM_PARTIAL;
    assert_int_equal(la_input(n.s, 1, &f, 1, 1), 1);
    assert_int_equal(stats_of(&n).segments_in, before + 1);
    if (!six) {
      p.b[8]++;
      assert_int_equal(la_input(n.s, 1, &f, 1, 1), 1);
      assert_int_equal(dropped(&n, LA_DROP_IP_CSUM), 1);
      f.flags = LA_FRAME_SUM_OK;
      assert_int_equal(la_input(n.s, 1, &f, 1, 1), 1);
      assert_int_equal(stats_of(&n).segments_in, before + 2);
    }
  }
  node_free(&n);
}

/* Datagrams that a device has joined come out as they were sent. */
static void udp_in(void **state) {
  (void)state;
  struct node n;
  struct pkt p;
  node_simple(&n, 2);
  for (unsigned six = 0; six < 2; six++) {
    static uint8_t b[3008], got[4000];
    la_udp u;
    assert_int_equal(la_udp_open(n.s, &(la_udp_opts){.port = (uint16_t)(9 + six)}, &u), LA_OK);
    la__udp_build(&(struct udp_hdr){.sport = 7, .dport = (uint16_t)(9 + six), .len = 3000}, b);
    be16_put(b + UDP_SUM_AT, 1);
    for (uint32_t i = 0; i < 3000; i++)
      b[8 + i] = text_at(i);
    pkt_ip(&p, six ? "fd00::1" : "10.0.0.1", six ? "fd00::2" : "10.0.0.2", IP_PROTO_UDP, b, sizeof b);
    la_frame f = {.data = p.b, .len = p.len, .flags = LA_FRAME_GSO | LA_FRAME_SUM_PARTIAL, .gso_size = 1300};
    assert_int_equal(la_input(n.s, 1, &f, 1, 1), 1);
    assert_int_equal(stats_of(&n).udp_in, 3 * (six + 1));
    for (unsigned i = 0; i < 3; i++) {
      la_udp_from from;
      assert_int_equal(la_udp_recv(n.s, u, &from, got, sizeof got), i < 2 ? 1300 : 400);
      assert_int_equal(from.port, 7);
      for (unsigned k = 0; k < from.len; k++)
        assert_int_equal(got[k], text_at(i * 1300 + k));
    }
    assert_int_equal(la_udp_recv(n.s, u, NULL, got, sizeof got), LA_AGAIN);
  }
  node_free(&n);
}

/* A link whose device finishes sums gets the pseudo-header's; ICMP's is always whole. */
static void partial_out(void **state) {
  (void)state;
  struct node n;
  node_simple(&n, 1);
  assert_int_equal(la_link_offload(n.s, 0, LA_OFFLOAD_SUM, 0), LA_EINVAL);
  assert_int_equal(la_link_offload(n.s, 2, LA_OFFLOAD_SUM, 0), LA_EINVAL);
  assert_int_equal(la_link_offload(n.s, 1, 1u << 15, 0), LA_EINVAL);
  assert_int_equal(la_link_offload(n.s, 1, LA_OFFLOAD_SUM, 0), LA_OK);
  for (unsigned six = 0; six < 2; six++) {
    la_conn c;
    la_frame f, out;
    la_connect_opts o = {.remote = addr(six ? "fd00::2" : "10.0.0.2"), .remote_port = 80};
    assert_int_equal(la_connect(n.s, &o, &c, 1), LA_OK);
    assert_int_equal(la_output(n.s, 1, &f, 1, 1), 1);
    assert_int_equal(f.flags, LA_FRAME_SUM_PARTIAL);
    assert_int_equal(f.sum_start, six ? 40 : 20);
    assert_int_equal(f.sum_at, 16);
    struct pkt p = {.len = (uint32_t)la_frame_copy(&f, p.b, sizeof p.b)};
    be16_put(p.b + f.sum_start + f.sum_at, la__sum_finish(la__sum(0, p.b + f.sum_start, p.len - f.sum_start))); /* as the device does */
    pkt_check(&p);
    struct pkt q;
    assert_true(la_frame_segment(&f, 0, &out));
    q.len = (uint32_t)la_frame_copy(&out, q.b, sizeof q.b);
    assert_int_equal(q.len, p.len);
    assert_memory_equal(q.b, p.b, p.len);
    la_frame_done(n.s, &f);
  }
  node_free(&n);
}

/* What stands before the packet stands before each segment; the rest is as without it. Padding behind the packet is not of it. */
static void behind_a_link_header(void **state) {
  (void)state;
  static struct pkt p, q;
  for (unsigned six = 0; six < 2; six++)
    for (unsigned each = 1000; each < 4000; each += 1000) {
      make_tcp(&p, six, LA_ACK | LA_PSH, 3001, 7, true);
      q = p;
      memmove(q.b + 14, q.b, q.len);
      memset(q.b, 0x77, 14);
      memset(q.b + 14 + q.len, 0xee, 6);
      la_frame bare = {.data = p.b, .len = p.len, .flags = LA_FRAME_GSO, .gso_size = (uint16_t)each}, a, b;
      la_frame with = {.data = q.b, .len = p.len + 20, .header = 14, .flags = LA_FRAME_GSO, .gso_size = (uint16_t)each};
      unsigned n = la_frame_segments(&bare);
      assert_int_equal(la_frame_segments(&with), n);
      for (unsigned i = 0; i < n; i++) {
        static struct pkt x, y;
        assert_true(la_frame_segment(&bare, i, &a) && la_frame_segment(&with, i, &b));
        assert_int_equal(b.header, 14);
        x.len = (uint32_t)la_frame_copy(&a, x.b, sizeof x.b);
        y.len = (uint32_t)la_frame_copy(&b, y.b, sizeof y.b);
        assert_int_equal(y.len, x.len + 14);
        assert_memory_equal(y.b + 14, x.b, x.len);
        assert_memory_equal(y.b, q.b, 14);
      }
      assert_false(la_frame_segment(&with, n, &b));
      with.len = 13;
      assert_false(la_frame_segment(&with, 0, &b));
    }
}

int main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(tcp),        cmocka_unit_test(identification), cmocka_unit_test(udp),         cmocka_unit_test(udp_sum_of_zero),
    cmocka_unit_test(odd_frames), cmocka_unit_test(partial_in),     cmocka_unit_test(partial_out), cmocka_unit_test(behind_a_link_header),
    cmocka_unit_test(udp_in),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include <lastack/link.h>

#include "base/bytes.h"
#include "base/prng.h"
#include "base/sum.h"
#include "wire/icmp.h"
#include "wire/tcp_wire.h"

enum { DEPTH = 64, MTU = 1500, SEQ = 24 }; /* SEQ: where a segment bears its number */

/* A wire with faults: what goes into `near` comes out of `far`, and the other way about. */
struct wire {
  la_driver *near, *far;
  la_time now;
  uint32_t sent; /* numbers the segments */
};

static void wire_open(struct wire *w, const char *spec) {
  char err[160] = "";
  la_driver *a;
  *w = (struct wire){.now = LA_SEC};
  assert_true(la_pair_new(MTU, DEPTH, &a, &w->far));
  w->near = la_fault_new(a, spec, err, sizeof err);
  if (!w->near)
    fail_msg("%s: %s", spec, err);
}

static void wire_close(struct wire *w) {
  w->near->close(w->near);
  w->far->close(w->far);
}

/* A TCP segment over IPv4 or IPv6 with right checksums; the sequence number is `no`. Returns its length. */
static uint32_t segment(uint8_t *p, unsigned version, uint8_t flags, uint32_t no, uint32_t payload) {
  struct ip_hdr ip = {.proto = IP_PROTO_TCP, .ttl = 64};
  ip.src = (la_addr){.family = (uint8_t)version, .b = {10, 0, 0, 1, 0, 1}};
  ip.dst = (la_addr){.family = (uint8_t)version, .b = {10, 0, 0, 2, 0, 2}};
  struct tcp_seg s = {.sport = 1000, .dport = 80, .seq = no, .ack = 7, .wnd = 500, .flags = flags, .len = payload};
  uint32_t hlen = version == 4 ? IP4_HEADER : IP6_HEADER;
  uint32_t len = la__tcp_build(&s, p + hlen);
  for (uint32_t i = 0; i < payload; i++)
    p[hlen + len + i] = (uint8_t)(no * 7 + i);
  ip.len = len + payload;
  version == 4 ? la__ip4_build(&ip, p) : la__ip6_build(&ip, p);
  be16_put(p + hlen + 16, la__sum_finish(la__sum(la__ip_pseudo_sum(&ip.src, &ip.dst, IP_PROTO_TCP, ip.len), p + hlen, ip.len)));
  return hlen + ip.len;
}

static void put(struct wire *w, la_driver *d, uint8_t flags, uint32_t payload) {
  uint8_t p[MTU];
  la_frame f = {.data = p, .len = segment(p, 4, flags, ++w->sent, payload)};
  d->now = w->now;
  d->send(d, &f);
}

/* Takes what has come out at `d`; the numbers of the segments. */
static size_t take(struct wire *w, la_driver *d, uint32_t *no, size_t max) {
  la_frame in[DEPTH];
  size_t got = 0, n;
  w->near->now = w->now;
  while (got < max && (n = d->recv(d, in, max - got < DEPTH ? max - got : DEPTH)) > 0)
    for (size_t i = 0; i < n; i++)
      no[got++] = be32_get(in[i].data + SEQ);
  return got;
}

/* "1 2 4": what came out, in order. */
static const char *arrivals(struct wire *w, la_driver *d) {
  static char text[512];
  uint32_t no[DEPTH];
  size_t n = take(w, d, no, DEPTH), at = 0;
  text[0] = 0;
  for (size_t i = 0; i < n; i++)
    at += (size_t)snprintf(text + at, sizeof text - at, "%s%u", i ? " " : "", (unsigned)no[i]);
  return text;
}

/* 1 SYN, 2 SYN-ACK, 3 ACK, 4 data, 5 data, 6 FIN, 7 data with FIN, 8 ACK, 9 FIN, 10 RST, 11 data */
static void life(struct wire *w, la_driver *d) {
  put(w, d, LA_SYN, 0);
  put(w, d, LA_SYN | LA_ACK, 0);
  put(w, d, LA_ACK, 0);
  put(w, d, LA_ACK | LA_PSH, 5);
  put(w, d, LA_ACK, 6);
  put(w, d, LA_FIN | LA_ACK, 0);
  put(w, d, LA_FIN | LA_ACK, 10);
  put(w, d, LA_ACK, 0);
  put(w, d, LA_FIN | LA_ACK, 0);
  put(w, d, LA_RST | LA_ACK, 0);
  put(w, d, LA_ACK, 3);
}
#define ALL "1 2 3 4 5 6 7 8 9 10 11"

static void test_rules(void **unused) {
  (void)unused;
  static const struct {
    const char *spec, *out, *in; /* what survives of a life in each direction */
  } rows[] = {
    {"seed=7", ALL, ALL},
    {"drop:out:fin:3", "1 2 3 4 5 6 7 8 10 11", ALL},
    {"drop:in:fin:3", ALL, "1 2 3 4 5 6 7 8 10 11"},
    {"drop:any:fin:1", "1 2 3 4 5 7 8 9 10 11", "1 2 3 4 5 7 8 9 10 11"},
    {"drop:out:fin:all", "1 2 3 4 5 8 10 11", ALL},
    {"drop:out:syn:1", "2 3 4 5 6 7 8 9 10 11", ALL},
    {"drop:out:syn:2", ALL, ALL},
    {"drop:out:synack:all", "1 3 4 5 6 7 8 9 10 11", ALL},
    {"drop:out:rst:all", "1 2 3 4 5 6 7 8 9 11", ALL},
    {"drop:out:ack:2", "1 2 3 4 5 6 7 9 10 11", ALL},
    {"drop:out:ack:all", "1 2 4 5 6 7 9 10 11", ALL},
    {"drop:out:data:2-3", "1 2 3 4 6 8 9 10 11", ALL},
    {"drop:out:data:3-", "1 2 3 4 5 6 8 9 10", ALL},
    {"drop:out:any:2-9", "1 10 11", ALL},
    {"drop:out:any:all", "", ALL},
    {"drop:out:any:100%,drop:in:any:0%", "", ALL},
    {"drop:out:data:1,drop:out:data:3", "1 2 3 5 6 8 9 10 11", ALL}, /* each counts for itself */
    {"dup:out:rst:1", "1 2 3 4 5 6 7 8 9 10 10 11", ALL},
    {"dup:out:any:1-2,drop:out:any:2", "1 1 3 4 5 6 7 8 9 10 11", ALL},
    {"dup=100%,drop:any:any:3-", "1 1 2 2", "1 1 2 2"},
    {"drop=100%", "", ""},
  };
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    struct wire w;
    wire_open(&w, rows[i].spec);
    life(&w, w.near);
    assert_string_equal(arrivals(&w, w.far), rows[i].out);
    w.sent = 0;
    life(&w, w.far);
    assert_string_equal(arrivals(&w, w.near), rows[i].in);
    wire_close(&w);
  }
}

/* A late packet is passed by the others, is told by the deadline and comes neither earlier nor later than that. */
static void test_rule_delay(void **unused) {
  (void)unused;
  struct wire w;
  wire_open(&w, "delay:out:data:2:200ms,delay:in:syn:1:1.5s");
  life(&w, w.near);
  assert_string_equal(arrivals(&w, w.far), "1 2 3 4 6 7 8 9 10 11");
  assert_int_equal(w.near->deadline(w.near), LA_SEC + 200 * LA_MS);
  w.sent = 0;
  life(&w, w.far);
  assert_string_equal(arrivals(&w, w.near), "2 3 4 5 6 7 8 9 10 11");
  w.now = LA_SEC + 200 * LA_MS - 1;
  assert_string_equal(arrivals(&w, w.near), "");
  assert_string_equal(arrivals(&w, w.far), "");
  w.now++;
  assert_string_equal(arrivals(&w, w.near), ""); /* recv lets outbound packets go, too */
  assert_string_equal(arrivals(&w, w.far), "5");
  assert_int_equal(w.near->deadline(w.near), LA_SEC + 1500 * LA_MS);
  w.now = 10 * LA_SEC;
  assert_string_equal(arrivals(&w, w.near), "1");
  assert_int_equal(w.near->deadline(w.near), LA_NEVER);
  wire_close(&w);
}

/* delay and jitter: within their bounds, in order. */
static void test_delay(void **unused) {
  (void)unused;
  struct wire w;
  la_time sent[400], least = LA_NEVER, most = 0;
  uint32_t no[1], next = 1;
  wire_open(&w, "delay=20ms,jitter=5ms,seed=3");
  while (next <= 400) {
    la_time at = w.near->deadline(w.near), step = w.sent < 400 ? w.now + 30 * LA_MS / (1 + w.sent % 7) : LA_NEVER;
    if (step < at) {
      w.now = step;
      sent[w.sent] = w.now;
      put(&w, w.near, LA_ACK, 1);
      continue;
    }
    w.now = at;
    assert_int_equal(take(&w, w.near, no, 1), 0);
    while (take(&w, w.far, no, 1)) {
      assert_int_equal(no[0], next);
      la_time late = w.now - sent[no[0] - 1];
      least = late < least ? late : least;
      most = late > most ? late : most;
      next++;
    }
  }
  assert_in_range(least, 20 * LA_MS, 21 * LA_MS);
  assert_in_range(most, 24 * LA_MS, 25 * LA_MS);
  wire_close(&w);
}

/* Overtaken by one to four, or late by 10 ms when nobody follows; the others keep their order. */
static void test_reorder(void **unused) {
  (void)unused;
  struct wire w;
  uint32_t no[1], last = 0, behind[8] = {0};
  wire_open(&w, "reorder:in:any:5%,reorder:out:fin:1");
  for (unsigned i = 0; i < 5000; i++) {
    put(&w, w.far, LA_ACK, 1);
    while (take(&w, w.near, no, 1)) {
      if (no[0] > last) {
        assert_in_range(no[0] - last, 1, 4); /* more than three in a row may step aside, but with this seed do not */
        last = no[0];
        continue;
      }
      assert_in_range(last - no[0], 1, 7); /* four have passed, and some numbers between are aside as well */
      behind[last - no[0]]++;
    }
  }
  for (unsigned i = 1; i <= 4; i++)
    assert_in_range(behind[i], 20, 120);
  la_fault_stats st;
  la_fault_stats_get(w.near, &st);
  assert_in_range(st.reordered[0], 200, 300);
  assert_int_equal(st.reordered[1], 0);
  w.now += LA_SEC;
  take(&w, w.near, no, 1);
  put(&w, w.near, LA_FIN | LA_ACK, 0);
  assert_int_equal(take(&w, w.far, no, 1), 0);
  assert_int_equal(w.near->deadline(w.near), w.now + 10 * LA_MS);
  w.now += 10 * LA_MS;
  take(&w, w.near, no, 1);
  assert_int_equal(take(&w, w.far, no, 1), 1);
  wire_close(&w);
}

/* n segments each way, one at a time; a number made of what came out. */
static uint64_t run(const char *spec, unsigned n, bool both, la_fault_stats *st) {
  struct wire w;
  uint64_t hash = 14695981039346656037u;
  uint32_t no[8];
  wire_open(&w, spec);
  for (unsigned i = 0; i < n; i++) {
    put(&w, w.near, LA_ACK, 20);
    for (size_t got; (got = take(&w, w.far, no, 1)) > 0;)
      hash = (hash ^ no[0]) * 1099511628211u;
    if (both) {
      w.sent--;
      put(&w, w.far, LA_ACK, 20);
      take(&w, w.near, no, 8);
    }
  }
  la_fault_stats_get(w.near, st);
  wire_close(&w);
  return hash;
}

static void test_probabilities(void **unused) {
  (void)unused;
  la_fault_stats st;
  run("seed=11,drop=5%,dup=2%,reorder=1%,corrupt=0.5%", 20000, true, &st);
  for (unsigned i = 0; i < 2; i++) {
    assert_int_equal(st.packets[i], 20000);
    assert_in_range(st.dropped[i], 900, 1100); /* 3 standard deviations */
    assert_in_range(st.duplicated[i], 320, 440);
    assert_in_range(st.reordered[i], 150, 240);
    assert_in_range(st.corrupted[i], 65, 125);
    assert_int_equal(st.overflowed[i], 0);
  }
  run("drop:out:data:25%", 4000, true, &st);
  assert_in_range(st.dropped[1], 900, 1100);
  assert_int_equal(st.dropped[0], 0);
}

static void test_deterministic(void **unused) {
  (void)unused;
  static const char spec[] = "seed=5,drop=5%,dup=5%,reorder=5%,corrupt=5%,delay=1ms,drop:out:data:3%";
  la_fault_stats st[2];
  uint64_t one = run(spec, 3000, true, &st[0]);
  assert_int_equal(run(spec, 3000, true, &st[1]), one);
  assert_memory_equal(&st[0], &st[1], sizeof st[0]);
  assert_int_equal(run(spec, 3000, false, &st[1]), one); /* whatever comes the other way */
  assert_int_not_equal(run("seed=6,drop=5%,dup=5%,reorder=5%", 3000, true, &st[0]),
                       run("seed=7,drop=5%,dup=5%,reorder=5%", 3000, true, &st[1]));
}

/* ---- corruption ---- */

static uint32_t datagram(uint8_t *p, unsigned version, uint8_t proto, uint32_t payload, bool summed) {
  struct ip_hdr ip = {.proto = proto, .ttl = 64, .len = 8 + payload};
  ip.src = (la_addr){.family = (uint8_t)version, .b = {10, 0, 0, 1}};
  ip.dst = (la_addr){.family = (uint8_t)version, .b = {10, 0, 0, 2}};
  uint32_t hlen = version == 4 ? la__ip4_build(&ip, p) : la__ip6_build(&ip, p);
  uint8_t *u = p + hlen;
  memset(u, 0, 8);
  memset(u + 8, 0xa5, payload);
  unsigned at = proto == IP_PROTO_UDP ? 6 : 2; /* ICMP's sum is the second word */
  u[at == 6 ? 0 : 4] = 9;
  if (proto == IP_PROTO_UDP)
    be16_put(u + 4, ip.len);
  uint32_t pseudo = proto == IP_PROTO_ICMP ? 0 : la__ip_pseudo_sum(&ip.src, &ip.dst, proto, ip.len);
  if (summed)
    be16_put(u + at, la__sum_finish(la__sum(pseudo, u, ip.len)));
  return hlen + ip.len;
}

/* Whether a receiver with the addresses of `was` would take it. */
static bool taken(const uint8_t *p, uint32_t len, const uint8_t *was) {
  struct ip_hdr h, before;
  unsigned v = la__ip_version(p, len);
  enum la_drop d = v == 4 ? la__ip4_parse(&h, p, len, false) : v == 6 ? la__ip6_parse(&h, p, len) : LA_DROP_IP_INHDR;
  if (d != LA_DROP_NONE)
    return false;
  v == 4 ? la__ip4_parse(&before, was, len, true) : la__ip6_parse(&before, was, len);
  if (!la_addr_same(&h.dst, &before.dst))
    return false;
  uint32_t pseudo = h.proto == IP_PROTO_ICMP ? 0 : la__ip_pseudo_sum(&h.src, &h.dst, h.proto, h.len);
  if (h.proto == IP_PROTO_UDP && !be16_get(p + h.hlen + 6))
    return true;
  return !la__sum_finish(la__sum(pseudo, p + h.hlen, h.len));
}

static void test_corrupt(void **unused) {
  (void)unused;
  struct wire w;
  la_fault_stats st;
  wire_open(&w, "corrupt=100%,seed=4");
  static const uint32_t sizes[] = {0, 1, 2, 3, 100, 1001};
  unsigned sent = 0, headers = 0;
  for (unsigned i = 0; i < 24000; i++) {
    uint8_t p[MTU];
    la_frame f = {.data = p}, in[1];
    uint32_t size = sizes[i / 8 % 6];
    unsigned v = i & 1 ? 6 : 4;
    if (i & 2)
      f.len = segment(p, v, LA_ACK, i, size);
    else
      f.len = datagram(p, v, i & 4 ? IP_PROTO_UDP : v == 4 ? IP_PROTO_ICMP : IP_PROTO_ICMP6, size, true);
    assert_true(taken(p, f.len, p));
    f.flags = LA_FRAME_SUM_OK;
    w.far->send(w.far, &f);
    assert_int_equal(w.near->recv(w.near, in, 1), 1);
    sent++;
    assert_int_equal(in[0].len, f.len);
    assert_int_equal(in[0].flags & LA_FRAME_SUM_OK, 0);
    assert_memory_not_equal(in[0].data, p, f.len);
    headers += memcmp(in[0].data, p, v == 4 ? IP4_HEADER : IP6_HEADER) != 0;
    if (taken(in[0].data, f.len, p))
      fail_msg("packet %u: not to be seen", i);
  }
  la_fault_stats_get(w.near, &st);
  assert_int_equal(st.corrupted[0], sent);
  assert_in_range(headers, sent / 10, sent * 9 / 10); /* headers as well as payloads */
  wire_close(&w);
}

/* No sum covers these: UDP without one over IPv6, an unknown protocol over IPv6, no IP at all. */
static void test_uncovered(void **unused) {
  (void)unused;
  struct wire w;
  la_fault_stats st;
  wire_open(&w, "corrupt=100%");
  for (unsigned i = 0; i < 300; i++) {
    uint8_t p[MTU];
    la_frame f = {.data = p}, in[1];
    f.len = datagram(p, i % 3 == 2 ? 4 : 6, i % 3 ? 99 : IP_PROTO_UDP, 50, false);
    if (i % 3 == 2)
      p[0] = 0x75;
    w.near->send(w.near, &f);
    assert_int_equal(w.far->recv(w.far, in, 1), 1);
    assert_memory_equal(in[0].data, p, f.len);
  }
  la_fault_stats_get(w.near, &st);
  assert_int_equal(st.corrupted[1], 0);
  wire_close(&w);
}

/* ---- the rest ---- */

/* More packets wait in the inner driver than the loop takes at once, and all are swallowed: recv must not stop halfway. */
/* Each segment of a frame has a fate of its own, in both directions, and bears a finished checksum. */
static void test_cuts(void **unused) {
  (void)unused;
  struct wire w = {.now = LA_SEC};
  la_driver *a;
  char err[160] = "";
  assert_true(la_pair_new_offload(MTU, DEPTH, LA_OFFLOAD_SUM | LA_OFFLOAD_TSO4 | LA_OFFLOAD_TSO6, &a, &w.far));
  w.near = la_fault_new(a, "drop:any:data:2", err, sizeof err);
  assert_non_null(w.near);
  assert_int_equal(w.near->offload, 0);
  for (unsigned version = 4; version <= 6; version += 2)
    for (unsigned out = 0; out < 2; out++) {
      static uint8_t big[65535];
      la_frame f = {.data = big, .flags = LA_FRAME_GSO | LA_FRAME_SUM_PARTIAL, .gso_size = 1000}, in[8];
      la_driver *from = out ? w.near : w.far, *to = out ? w.far : w.near;
      la_fault_stats st;
      f.len = segment(big, version, LA_ACK, 500, 3500);
      uint32_t head = f.len - 3500;
      big[head - 4]++; /* the sum does not matter */
      assert_true(from->send(from, &f));
      unsigned n = (unsigned)to->recv(to, in, 8);
      assert_int_equal(n, version == 4 ? 3 : 4); /* the second of the first frame is gone */
      for (unsigned i = 0; i < n; i++) {
        unsigned no = i && version == 4 ? i + 1 : i;
        assert_int_equal(in[i].flags, 0);
        assert_int_equal(in[i].len, head + (no < 3 ? 1000 : 500));
        assert_int_equal(be32_get(in[i].data + (version == 4 ? IP4_HEADER : IP6_HEADER) + 4), 500 + 1000 * no);
        assert_true(taken(in[i].data, in[i].len, in[i].data));
      }
      la_fault_stats_get(w.near, &st);
      assert_int_equal(st.packets[out], version == 4 ? 4 : 8);
      assert_int_equal(st.dropped[out], 1);
    }
  wire_close(&w);
}

static void test_dry(void **unused) {
  (void)unused;
  struct wire w;
  uint32_t no[4];
  wire_open(&w, "drop:in:any:1-60");
  for (unsigned i = 0; i < DEPTH; i++)
    put(&w, w.far, LA_ACK, 0);
  assert_int_equal(take(&w, w.near, no, 4), 4);
  assert_int_equal(no[0], 61);
  assert_int_equal(w.near->deadline(w.near), LA_NEVER);
  assert_int_equal(w.near->received, 4);
  wire_close(&w);
}

/* What is held back at the end goes with the driver; too much is not held. */
static void test_held(void **unused) {
  (void)unused;
  struct wire w;
  la_fault_stats st;
  wire_open(&w, "delay=1s");
  for (unsigned i = 0; i < 20000; i++)
    put(&w, w.near, LA_ACK, 0);
  put(&w, w.far, LA_ACK, 0);
  assert_string_equal(arrivals(&w, w.near), "");
  la_fault_stats_get(w.near, &st);
  assert_int_equal(st.overflowed[1], 20000 - 16384);
  w.now += LA_SEC;
  assert_string_equal(arrivals(&w, w.near), "20001");
  assert_int_equal(w.near->dropped, 16384 - DEPTH); /* the pair's depth */
  put(&w, w.near, LA_ACK, 0);
  wire_close(&w);
}

static void test_spec(void **unused) {
  (void)unused;
  static const struct {
    const char *spec, *says; /* says NULL: right */
  } rows[] = {
    {"drop=5%,dup=2%,reorder=1%,corrupt=0.5%,delay=20ms,jitter=5ms,seed=7", NULL},
    {"drop=100%,dup=0%,reorder=99.9999%,delay=60s,jitter=0us", NULL},
    {"delay=0.25ms,delay:any:any:4-:60000ms,corrupt:out:ack:all", NULL},
    {"seed=999999999999999999", NULL},
    {"", "item 1 at character 1, '': an item is missing"},
    {"seed=1,", "item 2 at character 8, '': an item is missing"},
    {"seed=1,,dup=1%", "item 2 at character 8, '': an item is missing"},
    {"drop", "item 1 at character 1, 'drop': an item is as drop=5% or drop:in:fin:3"},
    {"drop=5", "item 1 at character 1, 'drop=5': a probability"},
    {"dup=2%,drop=101%", "item 2 at character 8, 'drop=101%': a probability"},
    {"drop=100.0001%", "'drop=100.0001%': a probability"},
    {"drop=%", "a probability"},
    {"drop=.5%", "a probability"},
    {"drop=5.%", "a probability"},
    {"drop=1.2.3%", "a probability"},
    {"drop=-1%", "a probability"},
    {"drop= 1%", "a probability"},
    {"drop=0.0000001%", "a probability"},
    {"drop=999999999%", "a probability"},
    {"delay=20", "item 1 at character 1, 'delay=20': a time"},
    {"delay=61s", "a time"},
    {"jitter=60000001us", "a time"},
    {"delay=ms", "a time"},
    {"delay=5%", "a time"},
    {"seed=x", "'seed=x': a seed"},
    {"seed=", "a seed"},
    {"seed=1234567890123456789", "a seed"},
    {"loss=5%", "item 1 at character 1, 'loss=5%': there is seed=, drop="},
    {"=5%", "there is seed="},
    {"seed=1, drop=5%", "item 2 at character 8, ' drop=5%': there is"},
    {"lose:in:fin:3", "a rule begins with drop"},
    {"drop:", "then comes the direction"},
    {"drop:up:fin:3", "then comes the direction"},
    {"drop:in", "then comes what"},
    {"drop:in:fins:3", "what: any, syn"},
    {"drop:in:fin", "then comes which of them"},
    {"drop:in:fin:", "which packets"},
    {"drop:in:fin:0", "which packets"},
    {"drop:in:fin:x", "which packets"},
    {"drop:in:fin:-3", "which packets"},
    {"drop:in:fin:3-2", "which packets"},
    {"drop:in:fin:2-x", "which packets"},
    {"drop:in:fin:200%", "a probability"},
    {"drop:in:fin:3:5ms", "'drop:in:fin:3:5ms': nothing may follow"},
    {"delay:in:fin:3", "a delay rule ends with how late"},
    {"delay:in:fin:3:", "a time"},
    {"delay:in:fin:3:5", "a time"},
    {"delay:in:fin:3:5ms:", "nothing may follow"},
  };
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    char err[160] = "";
    bool ok = la_fault_check(rows[i].spec, err, sizeof err);
    if (ok != !rows[i].says || (rows[i].says && !strstr(err, rows[i].says)))
      fail_msg("%s: %s", rows[i].spec, ok ? "taken" : err);
    assert_int_equal(la_fault_check(rows[i].spec, NULL, 0), ok);
  }
}

/* The 33rd rule is refused; a long wrong item is cut; a wrong spec leaves the inner driver to the caller. */
static void test_spec_limits(void **unused) {
  (void)unused;
  char spec[33 * 15 + 1] = "", err[160];
  la_driver *a, *b;
  for (unsigned i = 0; i < 32; i++)
    strcat(spec, i ? ",drop:in:fin:3" : "drop:in:fin:3");
  assert_true(la_fault_check(spec, err, sizeof err));
  strcat(spec, ",drop:in:fin:3");
  assert_false(la_fault_check(spec, err, sizeof err));
  assert_string_equal(err, "item 33 at character 449, 'drop:in:fin:3': there may be 32 rules");
  memset(spec, 'a', 400);
  assert_false(la_fault_check(spec, err, sizeof err));
  assert_true(la_pair_new(MTU, 2, &a, &b));
  assert_null(la_fault_new(a, "drop=5", err, sizeof err));
  assert_non_null(strstr(err, "'drop=5'"));
  la_driver *f = la_fault_new(a, "drop=5%", NULL, 0);
  assert_non_null(f);
  assert_int_equal(f->mtu, MTU);
  assert_int_equal(f->fd, -1);
  f->close(f);
  la_frame out = {.data = (const uint8_t *)"x", .len = 1};
  assert_false(b->send(b, &out)); /* it closed what it owned */
  b->close(b);
}

int main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_rules),         cmocka_unit_test(test_rule_delay), cmocka_unit_test(test_delay),
    cmocka_unit_test(test_reorder),       cmocka_unit_test(test_corrupt),    cmocka_unit_test(test_uncovered),
    cmocka_unit_test(test_probabilities), cmocka_unit_test(test_cuts),       cmocka_unit_test(test_dry),
    cmocka_unit_test(test_deterministic), cmocka_unit_test(test_held),       cmocka_unit_test(test_spec),
    cmocka_unit_test(test_spec_limits),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

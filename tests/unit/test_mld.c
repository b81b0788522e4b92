/* SPDX-License-Identifier: MIT */
/* RFC 3810, RFC 2710: groups told to routers and switches: what is sent, byte by byte, when, in which version; and what is not believed. */
#include "tests/unit/ether_test.h"

#define OURS "fe80::12:3456"
#define GROUP "ff02::1:ff12:3456"

/* Packets computed apart from the code under test: header, hop-by-hop header with Router Alert, message. */
#define HEAD_TO(len, from, to) "\x60\0\0\0\0" len "\0\1" from to "\x3a\0\5\2\0\0\1\0"
#define NOBODY "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"
#define WE "\xfe\x80\0\0\0\0\0\0\0\0\0\0\0\x12\x34\x56"
#define FF02_16 "\xff\2\0\0\0\0\0\0\0\0\0\0\0\0\0\x16"
#define FF02_2 "\xff\2\0\0\0\0\0\0\0\0\0\0\0\0\0\2"
#define TO_GROUP "\xff\2\0\0\0\0\0\0\0\0\0\1\xff\x12\x34\x56"
static const char JOIN_NOBODY[] = HEAD_TO("\x24", NOBODY, FF02_16) "\x8f\0\x3b\x22\0\0\0\1\4\0\0\0" TO_GROUP;
static const char IS[] = HEAD_TO("\x24", WE, FF02_16) "\x8f\0\x0a\x39\0\0\0\1\2\0\0\0" TO_GROUP;
static const char OLD_REPORT[] = HEAD_TO("\x20", WE, TO_GROUP) "\x83\0\xe4\xe9\0\0\0\0" TO_GROUP;
#define ONE "\xfe\x80\0\0\0\0\0\0\0\0\0\0\0\0\0\1"
static const char LEAVE[] = HEAD_TO("\x24", ONE, FF02_16) "\x8f\0\x3d\xa0\0\0\0\1\3\0\0\0" TO_GROUP;
static const char OLD_DONE[] = HEAD_TO("\x20", ONE, FF02_2) "\x84\0\x4b\xb9\0\0\0\0" TO_GROUP;

static void start(struct node *n, uint8_t seed, unsigned reports, unsigned dad) {
  node_config(n, seed);
  n->cfg.mld_reports = (uint8_t)reports;
  n->cfg.dad_transmits = (uint8_t)dad;
  node_start(n);
  assert_int_equal(la_link_add_ether(n->s, 1500, OUR_MAC), 1);
}
/* A frame that is exactly this, to that address of Ethernet. */
static void is_packet(const struct seen *o, const char *want, size_t size, const char *mac) {
  assert_int_equal(o->raw.len, ETH_HEADER + size - 1);
  assert_memory_equal(o->raw.b + ETH_HEADER, want, size - 1);
  assert_memory_equal(o->eth.dst, mac, 6);
}
static uint8_t record(const struct seen *o) { return o->raw.b[ETH_HEADER + 56]; }

/* Nothing, until this comes; when. */
static la_time next_frame(struct node *n, struct seen *o) {
  for (unsigned i = 0; i < 10; i++) {
    la_time t = la_deadline(n->s);
    assert_true(t != LA_NEVER);
    la_tick(n->s, t);
    events(n, NULL);
    if (take(n, o, t))
      return t;
  }
  fail();
  return 0;
}
/* Ready at `t`, with all that is told at the start over. */
static void quiet(struct node *n, uint8_t seed, const char *a, const char *b, la_time t) {
  struct seen o;
  start(n, seed, 1, 0);
  node_addr(n, 1, a, 64);
  if (b)
    node_addr(n, 1, b, 64);
  la_tick(n->s, t);
  while (take(n, &o, t))
    ;
  nothing(n, t + 30 * LA_SEC);
  assert_int_equal(la_deadline(n->s), LA_NEVER);
}

struct ask {
  const char *src, *dst, *group;
  unsigned len, code, type, hops, delay, alert, spoil;
};
static void give_mld(struct node *n, struct ask a, la_time now) {
  struct {
    uint8_t b[IP6_HEADER + 8 + 64];
  } f = {{0}};
  struct ip_hdr h = {.src = addr(a.src), .dst = addr(a.dst), .ttl = (uint8_t)a.hops, .len = (uint16_t)(8 + a.len)};
  la_addr g = addr(a.group);
  la__ip6_build(&h, f.b);
  uint8_t *p = f.b + IP6_HEADER, *m = p + 8, mac[6];
  memcpy(p, "\x3a\0\1\0\5\2\0\0", 8); /* PadN of two, then Router Alert */
  if (!a.alert)
    p[4] = 1;
  p[7] = a.alert > 1;
  m[0] = (uint8_t)a.type;
  m[1] = (uint8_t)a.code;
  be16_put(m + 4, a.delay);
  memcpy(m + 8, g.b, 16);
  be16_put(m + 2, la__sum_finish(la__sum(la__ip_pseudo_sum(&h.src, &h.dst, IP_PROTO_ICMP6, a.len), m, a.len)) ^ a.spoil);
  la__eth_group(&h.dst, mac);
  give(n, la__addr_multicast(&h.dst) ? mac : OUR_MAC, PEER_MAC, ETH_IP6, f.b, IP6_HEADER + h.len, now);
}
static const struct ask general = {"fe80::9", "ff02::1", "::", 28, 0, 130, 1, 10000, 1, 0};
static const struct ask general1 = {"fe80::9", "ff02::1", "::", 24, 0, 130, 1, 10000, 1, 0};

/* A join is told at once, and once more within a second; from our own address as soon as there is one. */
static void joins(void **state) {
  (void)state;
  for (uint8_t seed = 1; seed < 20; seed++) {
    struct node n;
    struct seen o;
    start(&n, seed, 2, 1);
    node_addr(&n, 1, OURS, 64);
    la_time t0 = LA_SEC, asked = 0, again = 0, named = 0;
    la_tick(n.s, t0);
    assert_true(take(&n, &o, t0));
    is_packet(&o, JOIN_NOBODY, sizeof JOIN_NOBODY, "\x33\x33\0\0\0\x16");
    for (unsigned i = 0; i < 5; i++) { /* a question, the repetition, an announcement, the report and its repetition */
      la_time t = next_frame(&n, &o);
      if (o.is_nd && o.nd.type == ND_SOLICIT) {
        asked = t;
      } else if (!o.is_nd && la__addr_unspecified(&o.ip.src)) {
        again = t;
        is_packet(&o, JOIN_NOBODY, sizeof JOIN_NOBODY, "\x33\x33\0\0\0\x16");
        assert_in_range(t - t0, 0, LA_SEC);
      } else if (!o.is_nd) {
        la_addr us = addr(OURS);
        assert_true(la_addr_same(&o.ip.src, &us) && record(&o) == MLD_TO_EXCLUDE);
        assert_in_range(t - (named ? named : asked + LA_SEC), 0, named ? LA_SEC : 0);
        named = t;
      }
    }
    assert_true(asked && again && named);
    assert_int_equal(la_deadline(n.s), LA_NEVER);
    node_free(&n);
  }
}

/* A general query: each group within the time that it allows, whatever the seed; an answer that is due earlier is not put off. */
static void general_query(void **state) {
  (void)state;
  la_time least = LA_NEVER, most = 0;
  for (uint8_t seed = 1; seed < 60; seed++) {
    struct node n;
    struct seen o;
    quiet(&n, seed, OURS, "fe80::12:9999", LA_SEC);
    la_time t0 = 100 * LA_SEC;
    give_mld(&n, general, t0);
    assert_int_equal(dropped(&n, LA_DROP_ICMP), 0);
    la_time first = la_deadline(n.s);
    give_mld(&n, (struct ask){"fe80::9", "ff02::1", "::", 28, 0, 130, 1, 0xffff, 1, 0}, t0); /* 2^13 + ... : more than two hours */
    assert_true(la_deadline(n.s) == first);
    bool seen[2] = {false, false};
    for (unsigned i = 0; i < 2; i++) {
      la_time t = next_frame(&n, &o);
      assert_in_range(t - t0, 0, 10 * LA_SEC);
      unsigned which = o.raw.b[ETH_HEADER + 75] == 0x99;
      if (!which)
        is_packet(&o, IS, sizeof IS, "\x33\x33\0\0\0\x16");
      assert_int_equal(record(&o), MLD_IS_EXCLUDE);
      assert_false(seen[which]);
      seen[which] = true;
      least = t - t0 < least ? t - t0 : least;
      most = t - t0 > most ? t - t0 : most;
    }
    assert_int_equal(la_deadline(n.s), LA_NEVER);
    node_free(&n);
  }
  assert_true(least < LA_SEC && most > 9 * LA_SEC);
}

/* Long delays of version 2 are of floating point: 0x8000 stands for 32,768 ms. */
static void long_delays(void **state) {
  (void)state;
  la_time most = 0;
  for (uint8_t seed = 1; seed < 60; seed++) {
    struct node n;
    struct seen o;
    struct ask a = general;
    quiet(&n, seed, OURS, NULL, LA_SEC);
    a.delay = seed % 2 ? 0x8000 : 0x9fff; /* 0x1fff << 4 = 131,056 ms */
    give_mld(&n, a, 100 * LA_SEC);
    la_time t = next_frame(&n, &o) - 100 * LA_SEC, may = (seed % 2 ? 32768 : 131056) * LA_MS;
    assert_in_range(t, 0, may);
    most = t * 10 > may * 9 ? most | seed % 2 << 1 | !(seed % 2) : most;
    node_free(&n);
  }
  assert_int_equal(most, 3); /* each reached the last tenth of its range */
}

/* A query for one group, sent to it, or to us: nobody else's group answers; sources do not matter. */
static void one_group(void **state) {
  (void)state;
  struct node n;
  struct seen o;
  quiet(&n, 1, OURS, "fe80::1", LA_SEC);
  struct ask a = {"fe80::9", GROUP, GROUP, 28, 0, 130, 1, 1000, 1, 0};
  for (unsigned i = 0; i < 3; i++) {
    la_time t0 = (100 + 10 * i) * LA_SEC;
    a.dst = i == 1 ? OURS : GROUP;
    a.len = i == 2 ? 44 : 28; /* with a source */
    give_mld(&n, a, t0);
    assert_in_range(next_frame(&n, &o) - t0, 0, LA_SEC);
    is_packet(&o, IS, sizeof IS, "\x33\x33\0\0\0\x16");
    assert_int_equal(la_deadline(n.s), LA_NEVER);
  }
  a.group = a.dst = "ff02::1:ff00:77"; /* not ours */
  give_mld(&n, a, 200 * LA_SEC);
  assert_int_equal(dropped(&n, LA_DROP_OTHERHOST), 1);
  a.dst = "ff02::1";
  give_mld(&n, a, 200 * LA_SEC);
  assert_int_equal(la_deadline(n.s), LA_NEVER);
  node_free(&n);
}

/* Version 1 is answered in version 1, for 260 s from the last such query; another's report is enough. */
static void version1(void **state) {
  (void)state;
  struct node n;
  struct seen o;
  quiet(&n, 1, OURS, NULL, LA_SEC);
  la_time t0 = 100 * LA_SEC, t;
  give_mld(&n, general1, t0);
  t = next_frame(&n, &o);
  assert_in_range(t - t0, 0, 10 * LA_SEC);
  is_packet(&o, OLD_REPORT, sizeof OLD_REPORT, "\x33\x33\xff\x12\x34\x56");
  t0 = 200 * LA_SEC;
  give_mld(&n, general, t0); /* the newer router speaks too */
  next_frame(&n, &o);
  is_packet(&o, OLD_REPORT, sizeof OLD_REPORT, "\x33\x33\xff\x12\x34\x56");

  give_mld(&n, general1, t0 + 20 * LA_SEC);
  assert_true(la_deadline(n.s) != LA_NEVER);
  struct ask report = {"fe80::7", GROUP, GROUP, 24, 0, 131, 1, 0, 1, 0};
  give_mld(&n, report, t0 + 20 * LA_SEC);
  assert_int_equal(la_deadline(n.s), LA_NEVER);

  t0 += 280 * LA_SEC;
  give_mld(&n, general, t0 - 1); /* the last of version 1 was 260 s ago, less one */
  t = la_deadline(n.s);
  give_mld(&n, report, t0 - 1);
  assert_int_equal(la_deadline(n.s), LA_NEVER);
  give_mld(&n, general, t0);
  give_mld(&n, report, t0); /* in version 2 each answers for himself */
  next_frame(&n, &o);
  is_packet(&o, IS, sizeof IS, "\x33\x33\0\0\0\x16");
  node_free(&n);
}

/* RFC 3810 6.2: what may not draw an answer. */
static void not_believed(void **state) {
  (void)state;
  static const struct ask rows[] = {
    {"fd00::9", "ff02::1", "::", 28, 0, 130, 1, 0, 1, 0},      /* not link-local */
    {"::", "ff02::1", "::", 28, 0, 130, 1, 0, 1, 0},           /* from nobody */
    {"fe80::9", "ff02::1", "::", 28, 0, 130, 2, 0, 1, 0},      /* it may have been forwarded */
    {"fe80::9", "ff02::1", "::", 28, 0, 130, 255, 0, 1, 0},    /* */
    {"fe80::9", "ff02::1", "::", 28, 0, 130, 1, 0, 0, 0},      /* no Router Alert */
    {"fe80::9", "ff02::1", "::", 28, 0, 130, 1, 0, 2, 0},      /* one for something else */
    {"fe80::9", "ff02::1", "::", 26, 0, 130, 1, 0, 1, 0},      /* of no version */
    {"fe80::9", "ff02::1", "::", 20, 0, 130, 1, 0, 1, 0},      /* short */
    {"fe80::9", "ff02::1", "::", 28, 1, 130, 1, 0, 1, 0},      /* code */
    {"fe80::9", "ff02::1", "::", 28, 0, 130, 1, 0, 1, 0x100},  /* damaged */
    {"fe80::9", "ff02::1", "fd00::1", 28, 0, 130, 1, 0, 1, 0}, /* no group */
    {"fd00::9", "ff02::1", "ff02::5", 24, 0, 131, 1, 0, 1, 0}, /* a report from afar */
  };
  struct node n;
  quiet(&n, 1, OURS, NULL, LA_SEC);
  for (unsigned i = 0; i < sizeof rows / sizeof *rows; i++) {
    give_mld(&n, rows[i], 100 * LA_SEC);
    assert_int_equal(dropped(&n, LA_DROP_ICMP), i + 1);
    assert_int_equal(la_deadline(n.s), LA_NEVER);
  }
  node_free(&n);
}

/* An address that another has: its group is left, twice, unless a second address needs it; in version 1 by Done. */
static void leaves(void **state) {
  (void)state;
  for (unsigned v1 = 0; v1 < 2; v1++)
    for (unsigned shared = 0; shared < 2; shared++) {
      struct node n;
      struct seen o;
      start(&n, 1, 2, 1);
      node_addr(&n, 1, "fe80::1", 64);
      la_time t = LA_SEC;
      la_tick(n.s, t);
      for (unsigned i = 0; i < 6; i++) /* two joins from nobody, a question, an announcement, two joins by name */
        next_frame(&n, &o);
      assert_int_equal(la_deadline(n.s), LA_NEVER);
      t = 100 * LA_SEC;
      la_tick(n.s, t);
      if (v1)
        give_mld(&n, (struct ask){"fe80::9", "ff02::1", "ff02::1:ff00:99", 24, 0, 130, 1, 0, 1, 0}, t);
      node_addr(&n, 1, "fd00::12:3456", 64);
      if (shared)
        node_addr(&n, 1, "fd01::12:3456", 64);
      la_tick(n.s, t);
      assert_true(take(&n, &o, t)); /* the join: one, for both */
      assert_false(take(&n, &o, t));
      struct nd_msg m = nd_advert("fd00::12:3456", PEER_MAC, false, false);
      give_nd(&n, NULL, PEER_MAC, &m, "fd00::12:3456", "ff02::1", t);
      events(&n, NULL);
      for (unsigned i = 0; !shared && i < 2; i++) {
        la_time at = next_frame(&n, &o);
        if (v1)
          is_packet(&o, OLD_DONE, sizeof OLD_DONE, "\x33\x33\0\0\0\2");
        else
          is_packet(&o, LEAVE, sizeof LEAVE, "\x33\x33\0\0\0\x16");
        assert_in_range(at - t, 0, i ? (v1 ? 10 : 1) * LA_SEC : 0);
      }
      if (shared) {
        while (la_deadline(n.s) != LA_NEVER) { /* the join once more, and what is asked and told about the other address */
          next_frame(&n, &o);
          assert_true(o.is_nd || (v1 ? o.raw.b[ETH_HEADER + 48] == MLD1_REPORT : record(&o) == MLD_TO_EXCLUDE));
        }
      } else {
        assert_int_equal(la_deadline(n.s), LA_NEVER);
        give_mld(&n, (struct ask){"fe80::9", "ff02::1", GROUP, 28, 0, 130, 1, 0, 1, 0}, t + 20 * LA_SEC);
        assert_int_equal(la_deadline(n.s), LA_NEVER); /* forgotten */
      }
      node_free(&n);
    }
}

/* mld_reports 0: not a word; and links without Ethernet have none to say. */
static void silent(void **state) {
  (void)state;
  struct node n;
  start(&n, 1, 0, 0);
  node_addr(&n, 1, OURS, 64);
  nothing(&n, LA_SEC);
  give_mld(&n, general, 2 * LA_SEC);
  nothing(&n, 30 * LA_SEC);
  node_free(&n);
}

int main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(joins),    cmocka_unit_test(general_query), cmocka_unit_test(long_delays), cmocka_unit_test(one_group),
    cmocka_unit_test(version1), cmocka_unit_test(not_believed),  cmocka_unit_test(leaves),      cmocka_unit_test(silent),
  };
  return cmocka_run_group_tests(tests, 0, 0);
}

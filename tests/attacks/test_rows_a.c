/* SPDX-License-Identifier: MIT */
/* From somebody who does not see the traffic: rows A1 to A15, each with the bound that it must keep (row.h). */
#include "tests/attacks/row.h"
#include "tests/unit/ether_test.h"

#include "base/prng.h"

enum { SHOTS = 2000 };

static uint32_t below(struct prng *r, uint32_t n) { return (uint32_t)la__prng_below(r, n); }

/* A connection that somebody attacks who knows addresses and ports: a million bytes of sequence numbers lie in its window. */
static struct dlg *victim(struct prng *r) {
  struct dlg *d = dlg_new(NULL);
  la__prng_seed(r, 1);
  establish(d, PASSIVE_OPEN);
  row_works(d);
  return d;
}

static void a1_blind_rst(void **state) {
  (void)state;
  struct prng r;
  struct dlg *d = victim(&r);
  uint32_t next = row_info(d).rcv_nxt - d->f.iss, wnd = row_info(d).rcv_wnd;
  struct row w = row_of(d, "A1 RST inside and outside the window");
  for (unsigned i = 0; i < SHOTS; i++) {
    uint32_t seq = i % 2 ? next + 1 + below(&r, wnd - 1) : next + wnd + below(&r, 1u << 31);
    hit(&w, inject(d, i % 4 < 2 ? RST : RST | ACK, seq, below(&r, 1u << 31), i % 3));
  }
  row_holds(&w, (struct bounds){.memory = 0, .work = 700, .percent = 1});
  row_works(d);
  inject(d, RST, row_info(d).rcv_nxt - d->f.iss, 0, 0); /* the one that counts */
  expect_end(d, LA_BY_PEER, LA_HOW_RESET, LA_WHY_PEER_RESET, LA_ECONNRESET);
  dlg_free(d);
}

static void a2_blind_syn(void **state) {
  (void)state;
  struct prng r;
  struct dlg *d = victim(&r);
  struct row w = row_of(d, "A2 SYN into a connection");
  for (unsigned i = 0; i < SHOTS; i++)
    hit(&w, inject(d, i % 2 ? SYN : SYN | ACK, below(&r, UINT32_MAX), below(&r, UINT32_MAX), 0));
  row_holds(&w, (struct bounds){.memory = 0, .work = 700, .percent = 1});
  row_works(d);
  dlg_free(d);
}

static void a3_blind_data(void **state) {
  (void)state;
  struct prng r;
  struct dlg *d = victim(&r);
  uint32_t next = row_info(d).rcv_nxt - d->f.iss, una = row_info(d).snd_una - d->f.irs, most = 65535;
  struct row w = row_of(d, "A3 text and FIN with a guessed ACK");
  for (unsigned i = 0; i < SHOTS; i++) { /* all that is not within [SND.UNA - MAX.SND.WND, SND.NXT] */
    uint32_t ack = una + 1 + below(&r, UINT32_MAX - most - 2);
    hit(&w, inject(d, i % 5 ? ACK : ACK | FIN, next + (i % 3 ? below(&r, 1000) : 0), ack, 1 + i % 100));
  }
  assert_int_equal(row_info(d).unread, 0);
  row_holds(&w, (struct bounds){.memory = 0, .work = 700, .percent = 1});
  row_works(d);
  dlg_free(d);
}

/* What one connection's attacker can see of another's: nothing. */
static void a4_challenge_oracle(void **state) {
  (void)state;
  uint64_t seen[2];
  for (unsigned noise = 0; noise < 2; noise++) {
    struct dlg *d = dlg_new(NULL);
    establish(d, PASSIVE_OPEN);
    struct flow spied = d->f;
    dlg_other(d, 7777);
    establish(d, PASSIVE_OPEN);
    struct flow own = d->f;
    struct row w = row_of(d, noise ? "A4 challenges, the other's budget used up" : "A4 challenges, nobody else about");
    for (unsigned i = 0; i < 100; i++) {
      dlg_advance(d, 100 * LA_MS);
      d->f = spied;
      for (unsigned j = 0; noise && j < 100; j++)
        hit(&w, inject(d, RST, 100, 0, 0));
      dlg_forget(d);
      uint64_t before = d->sent;
      d->f = own;
      hit(&w, inject(d, RST, 100, 0, 0));
      seen[noise] = (i ? seen[noise] << 1 | seen[noise] >> 63 : 0) ^ (d->sent - before);
    }
    row_holds(&w, (struct bounds){.memory = 0, .work = 700, .percent = noise ? 1 : 25});
    dlg_free(d);
  }
  assert_int_equal(seen[0], seen[1]); /* to the instant */
}

static void a8_stamp_poisoning(void **state) {
  (void)state;
  struct prng r;
  la__prng_seed(&r, 8);
  struct dlg *d = dlg_new(NULL);
  d->f.syn.have |= TCP_OPT_TS;
  d->f.ts_base = 1000;
  establish(d, PASSIVE_OPEN);
  row_works(d);
  uint32_t next = row_info(d).rcv_nxt - d->f.iss, wnd = row_info(d).rcv_wnd;
  struct row w = row_of(d, "A8 stamps of the future");
  for (unsigned i = 0; i < SHOTS; i++) { /* outside the window; and inside, but beyond what was acknowledged */
    uint32_t seq = i % 2 ? next + wnd + below(&r, 1u << 30) : next + 1 + below(&r, 1000);
    hit(&w, inject(d, ACK, seq, row_info(d).snd_una - d->f.irs, 0, .ts_back = 0u - (1u << 30)));
  }
  row_holds(&w, (struct bounds){.memory = 0, .work = 900, .percent = 1});
  row_works(d);
  inject(d, RST, row_info(d).rcv_nxt - d->f.iss, 0, 0, .ts_back = 1u << 20); /* PAWS is not for RST */
  expect_end(d, LA_BY_PEER, LA_HOW_RESET, LA_WHY_PEER_RESET, LA_ECONNRESET);
  dlg_free(d);
}

static void a12_land(void **state) {
  (void)state;
  struct dlg *d = dlg_new(NULL);
  dlg_listen(d);
  d->f.peer = d->f.us;
  d->f.rport = d->f.lport;
  struct row w = row_of(d, "A12 from our own address and port");
  for (unsigned i = 0; i < SHOTS; i++)
    hit(&w, inject(d, i % 64, i, i, i % 7));
  row_holds(&w, (struct bounds){.memory = 0, .work = 500, .percent = 0});
  assert_int_equal(dlg_stats(d).half_open, 0);
  dlg_free(d);
}

static void a13_sources_that_cannot_be(void **state) {
  (void)state;
  static const uint8_t four[][4] = {{255, 255, 255, 255}, {224, 0, 0, 1}, {239, 255, 255, 255}, {0, 0, 0, 0},   {0, 1, 2, 3},
                                    {127, 0, 0, 1},       {127, 9, 9, 9}, {240, 0, 0, 1},       {10, 0, 0, 255}};
  static const uint8_t six[][3] = {{0xff, 0x02, 1}, {0xff, 0x0e, 1}, {0, 0, 0}, {0, 0, 1}}; /* first two bytes, and the last */
  struct dlg *d = dlg_new(NULL);
  dlg_listen(d);
  struct row w = row_of(d, "A13 broadcast, multicast, loopback, nobody");
  for (unsigned v6 = 0; v6 < 2; v6++) {
    if (v6)
      dlg_use6(d);
    for (unsigned i = 0; i < (v6 ? sizeof six / sizeof *six : sizeof four / sizeof *four); i++)
      for (unsigned flags = 0; flags < 64; flags++) {
        d->f.peer = (la_addr){.family = v6 ? 6 : 4};
        if (v6) {
          memcpy(d->f.peer.b, six[i], 2);
          d->f.peer.b[15] = six[i][2];
        } else {
          memcpy(d->f.peer.b, four[i], 4);
        }
        hit(&w, inject(d, flags, 1, 1, flags % 3));
      }
  }
  row_holds(&w, (struct bounds){.memory = 0, .work = 500, .percent = 0});
  assert_int_equal(dlg_stats(d).half_open, 0);
  dlg_free(d);
}

/* On the link itself: answers to questions that nobody asked make no entry and draw nothing. */
static void a15_forged_neighbours(void **state) {
  (void)state;
  struct node n;
  ether_simple(&n);
  la_stats before = stats_of(&n), after;
  uint64_t most = 0;
  for (unsigned i = 0; i < SHOTS; i++) {
    char who[24], six[24];
    snprintf(who, sizeof who, "10.0.0.%u", 2 + i % 250);
    snprintf(six, sizeof six, "fd00::%x", 2 + i % 250);
    uint64_t from = blocks;
    if (i % 2) {
      give_arp(&n, i % 4 == 1 ? ALL_MAC : OUR_MAC, i % 8 < 4 ? ARP_REPLY : ARP_REQUEST, OTHER_MAC, who, who, 2 * LA_SEC);
    } else {
      struct nd_msg m = nd_advert(six, OTHER_MAC, i % 4 == 0, true);
      give_nd(&n, i % 4 ? NULL : OUR_MAC, OTHER_MAC, &m, six, i % 4 ? "ff02::1" : "fd00::1", 2 * LA_SEC);
    }
    most = blocks - from > most ? blocks - from : most;
  }
  after = stats_of(&n);
  nothing(&n, 2 * LA_SEC);
  print_message("A15 %u forged: %u neighbours, %llu bytes more (0), work %llu (900)\n", SHOTS, after.neighbours,
                (unsigned long long)(after.bytes_allocated - before.bytes_allocated), (unsigned long long)most);
  assert_int_equal(after.neighbours, 0);
  assert_true(after.bytes_allocated <= before.bytes_allocated && most > 20 && most <= 900);
  node_free(&n);
}

int main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(a1_blind_rst),
    cmocka_unit_test(a2_blind_syn),
    cmocka_unit_test(a3_blind_data),
    cmocka_unit_test(a4_challenge_oracle),
    cmocka_unit_test(a8_stamp_poisoning),
    cmocka_unit_test(a12_land),
    cmocka_unit_test(a13_sources_that_cannot_be),
    cmocka_unit_test(a15_forged_neighbours),
  };
  return cmocka_run_group_tests(tests, 0, 0);
}

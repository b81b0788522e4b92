/* SPDX-License-Identifier: MIT */
/* Exhaustion: the rows of B that test_flood.c and test_work.c do not have, each with the bound that it must keep (row.h). */
#include "tests/attacks/row.h"
#include "tests/unit/ether_test.h"

enum { MANY = 500 };

static void few_orphans(la_config *c) { c->max_orphans = 64; }
static void small_buffer(la_config *c) { c->rcvbuf = c->rcvbuf_max = 65536; }

/* A stranger opens, is accepted, and what the application does then is told to him. */
static void opens(struct dlg *d, unsigned i, bool closes) {
  dlg_forget(d);
  dlg_other(d, (uint16_t)(10000 + i));
  establish(d, PASSIVE_OPEN);
  if (closes)
    la_close(d->s, d->conn, d->now);
  dlg_forget(d);
  d->nev = 0;
}

/* Peers that acknowledge our FIN and never send theirs: a minute after CLOSE each is gone, and never are there more than 64. */
static void b7_fin_wait_2(void **state) {
  (void)state;
  struct dlg *d = dlg_new(few_orphans);
  dlg_reach(d, LA_FIN_WAIT_2, PASSIVE_OPEN, false); /* whose application reads on */
  struct flow kept = d->f;
  la_conn conn = d->conn;
  struct row w = row_of(d, "B7 FIN-WAIT-2 that never ends");
  uint32_t most = 0;
  for (unsigned i = 0; i < MANY; i++) {
    opens(d, i, true);
    hit(&w, inject(d, ACK, 1, 2, 0));
    most = dlg_stats(d).orphans > most ? dlg_stats(d).orphans : most;
  }
  assert_true(most >= 60 && most <= 64);
  row_holds(&w, (struct bounds){.memory = 32 << 10, .work = 1500, .percent = 200});
  dlg_advance(d, 61 * LA_SEC);
  assert_int_equal(dlg_stats(d).orphans, 0);
  dlg_advance(d, 86400 * LA_SEC);
  d->f = kept;
  d->conn = conn;
  expect_state(d, LA_FIN_WAIT_2);
  dlg_free(d);
}

/* LAST-ACK and CLOSING whose peer is silent, acknowledges a part, or shuts its window: gone within R2 and a last interval. */
static void b9_last_ack(void **state) {
  (void)state;
  for (unsigned st = 0; st < 2; st++)
    for (unsigned peer = 0; peer < 3; peer++) {
      struct dlg *d = dlg_new(NULL);
      establish(d, ACTIVE_OPEN);
      assert_int_equal(dlg_send(d, 1, 1000), 1000);
      if (st == 0)
        inject(d, ACK | FIN, 1, 1, 0);
      assert_int_equal(la_close(d->s, d->conn, d->now), LA_OK);
      dlg_forget(d);
      if (st == 1)
        inject(d, ACK | FIN, 1, 1, 0);
      dlg_pump(d);
      expect_state(d, st ? LA_CLOSING : LA_LAST_ACK);
      struct row w = row_of(d, st ? "B9 CLOSING" : "B9 LAST-ACK");
      for (la_time t = d->now; d->now < t + 600 * LA_SEC && dlg_state(d) != LA_CLOSED;) {
        dlg_advance(d, LA_SEC);
        if (!d->nout)
          continue;
        dlg_forget(d);
        if (peer && dlg_state(d) != LA_CLOSED)
          hit(&w, inject(d, ACK, 2, peer == 1 ? 501 : 1, 0, .wnd = peer == 2 ? ZERO_WINDOW : 0));
      }
      expect_state(d, LA_CLOSED);
      assert_true(d->now < 400 * LA_SEC && d->sent < 40);
      if (peer)
        row_holds(&w, (struct bounds){.memory = 24 << 10, .work = 1500, .percent = 2500});
      dlg_free(d);
    }
}

struct tally {
  unsigned close_wait;
  la_time since;
};
static bool tally(void *ctx, const la_each_rec *r) {
  struct tally *t = ctx;
  t->close_wait += r->state == LA_CLOSE_WAIT;
  t->since = r->state == LA_CLOSE_WAIT ? r->since : t->since;
  return true;
}

/* An application that never closes: it is seen, with its age, for a week; nothing is sent; and keepalive finds who has died. */
static void b10_close_wait(void **state) {
  (void)state;
  struct dlg *d = dlg_new(NULL);
  struct row w = row_of(d, "B10 CLOSE-WAIT leaks");
  for (unsigned i = 0; i < MANY; i++) {
    opens(d, i, false);
    hit(&w, inject(d, FIN | ACK, 1, 1, 0));
    d->nev = 0;
  }
  uint64_t sent = d->sent;
  la_time since = d->now;
  dlg_advance(d, 7 * 86400 * LA_SEC);
  struct tally t = {0};
  la_each(d->s, tally, &t);
  assert_int_equal(t.close_wait, MANY);
  assert_true(since - t.since < LA_SEC && d->sent == sent);
  assert_int_equal(row_info(d).waiting, LA_WAITS_APP_CLOSE);
  row_holds(&w, (struct bounds){.memory = MANY * 400, .work = 1500, .percent = 200});
  assert_int_equal(la_set_option(d->s, d->conn, LA_OPT_KEEPALIVE, 1, d->now), LA_OK);
  dlg_advance(d, 3 * 3600 * LA_SEC);
  expect_end(d, LA_BY_CLOCK, LA_HOW_RESET, LA_WHY_KEEPALIVE, LA_ETIMEDOUT);
  dlg_free(d);
}

/* A life with a transfer each way, of which the n-th allocation fails, and all after it. What must come back does (dlg_free). */
static bool lives(uint64_t at, bool from, uint64_t *calls) {
  struct dlg *d = dlg_new(NULL);
  uint64_t before = d->mem.calls;
  d->mem.fail_at = from ? 0 : before + at;
  d->mem.fail_from = from ? before + at : 0;
  la_listen_opts o = {.port = d->f.lport, .backlog = 4};
  bool there = la_listen(d->s, &o, &d->listener) == LA_OK;
  uint8_t got[4096];
  for (unsigned i = 0; there && i < 3; i++) {
    dlg_offer(d, (struct shot){.flags = SYN});
    dlg_pump(d);
    for (size_t k = 0; k < d->nout; k++)
      if (d->out[k].seg.flags == (SYN | ACK))
        d->f.irs = d->out[k].seg.seq;
    dlg_offer(d, (struct shot){.flags = ACK, .seq = 1, .ack = 1});
    dlg_pump(d);
    if (la_accept(d->s, d->listener, NULL, &d->conn) != LA_OK)
      continue;
    dlg_offer(d, (struct shot){.flags = ACK, .seq = 1401, .ack = 1, .len = 1400}); /* behind a hole */
    dlg_offer(d, (struct shot){.flags = ACK, .seq = 1, .ack = 1, .len = 1400});
    la_recv(d->s, d->conn, got, sizeof got);
    dlg_send(d, 1, 4000);
    dlg_pump(d);
    la_close(d->s, d->conn, d->now);
    dlg_advance(d, 10 * LA_SEC);
    break;
  }
  *calls = d->mem.calls - before;
  bool failed = d->mem.calls - before >= at;
  d->mem.fail_at = d->mem.fail_from = 0;
  dlg_free(d);
  return failed;
}
static void b13_memory_fails(void **state) {
  (void)state;
  uint64_t calls, n[2] = {0};
  for (unsigned from = 0; from < 2; from++)
    while (lives(n[from] + 1, from, &calls))
      n[from]++;
  print_message("B13: %llu allocations failed alone, %llu with all that followed; every byte came back\n", (unsigned long long)n[0],
                (unsigned long long)n[1]);
  assert_true(n[0] >= 8 && n[1] >= 5);
}

/* The peer sends as fast as the window lets it, and nobody reads, in order and behind a hole. */
static void b14_nobody_reads(void **state) {
  (void)state;
  for (unsigned hole = 0; hole < 2; hole++) {
    struct dlg *d = dlg_new(small_buffer);
    establish(d, PASSIVE_OPEN);
    uint32_t at = 1 + hole, buffer = row_info(d).rcv_wnd;
    struct row w = row_of(d, hole ? "B14 nobody reads, behind a hole" : "B14 nobody reads");
    for (unsigned i = 0; i < 4000; i++) {
      hit(&w, inject(d, ACK, at, 1, 1000));
      dlg_forget(d);
      la_info_rec f = row_info(d);
      at = hole ? at + 1000 : f.rcv_nxt - d->f.iss;
      d->nev = 0;
    }
    assert_true(hole ? row_info(d).unread == 0 : row_info(d).rcv_wnd == 0);
    row_holds(&w, (struct bounds){.memory = 4 * (uint64_t)buffer, .work = 1500, .percent = 10});
    dlg_free(d);
  }
}

/* Addresses without end on our link, who ask for us, and whom we are made to ask for (RFC 6583). */
static void b16_neighbours(void **state) {
  (void)state;
  struct node n;
  node_config(&n, 1);
  n.cfg.arp_probes = n.cfg.arp_announcements = n.cfg.dad_transmits = 0;
  n.cfg.max_neighbours = 32;
  ether_start(&n);
  la_time t = 2 * LA_SEC;
  struct seen o;
  while (take(&n, &o, t))
    ;
  uint64_t held = stats_of(&n).bytes_allocated, most_held = 0, most = 0, asked = 0, answered = 0;
  for (unsigned i = 0; i < 4000; i++) {
    char who[40];
    uint64_t from = blocks;
    if (i % 2) {
      struct tcp_seg seg = {.sport = 5, .dport = 9, .seq = 1, .flags = LA_SYN, .wnd = 1000}; /* our RST needs to know where he is */
      snprintf(who, sizeof who, "fd00::%x:%x", i, i);
      give_tcp(&n, OUR_MAC, who, "fd00::1", &seg, t);
    } else {
      snprintf(who, sizeof who, "10.0.0.%u", 2 + i / 2 % 250);
      give_arp(&n, ALL_MAC, ARP_REQUEST, OTHER_MAC, who, "10.0.0.1", t);
    }
    while (take(&n, &o, t)) {
      asked += o.is_nd || (o.is_arp && o.arp.op == ARP_REQUEST);
      answered += o.is_arp && o.arp.op == ARP_REPLY;
    }
    uint64_t now = stats_of(&n).bytes_allocated;
    most_held = now - held > most_held && now > held ? now - held : most_held;
    most = blocks - from > most ? blocks - from : most;
    assert_true(stats_of(&n).neighbours <= 32);
    t += LA_MS;
  }
  print_message("B16 4000 strangers in 4 s: %llu answers, %llu questions, %llu bytes held (65536), work %llu (6000)\n",
                (unsigned long long)answered, (unsigned long long)asked, (unsigned long long)most_held, (unsigned long long)most);
  assert_true(answered <= 2000 && asked <= 2000 && most_held <= 65536 && most > 20 && most <= 6000);
  node_free(&n);
}

int main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(b7_fin_wait_2),    cmocka_unit_test(b9_last_ack),      cmocka_unit_test(b10_close_wait),
    cmocka_unit_test(b13_memory_fails), cmocka_unit_test(b14_nobody_reads), cmocka_unit_test(b16_neighbours),
  };
  return cmocka_run_group_tests(tests, 0, 0);
}

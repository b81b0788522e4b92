/* SPDX-License-Identifier: MIT */
/* A listener under load: full accept queue as on Linux (SYN and final ACK dropped, record kept), bounded half-open records. */
#include "sim/scens.h"

#define FLOOD 1000u
#define HALF_OPEN 64u

static void queue_full(struct sim *s) {
  struct world *w = la__sim_world(s, "accept queue of 2 is full");
  struct duo d = la__duo_make(s, w);
  la__host_boot(d.a);
  la__host_boot(d.b);
  struct lsn *l = la__app_listen_manual(d.b, PORT, 2);
  struct conn *c[3];
  for (unsigned i = 0; i < 2; i++) {
    c[i] = la__app_connect(d.a, &d.b->addr, PORT, 0, NULL);
    la__until_open(c[i], 200 * LA_SEC);
    la__settle(w, 10 * LA_SEC);
  }
  la_time t = w->now;
  c[2] = la__app_connect(d.a, &d.b->addr, PORT, 0, NULL);
  la__run_for(w, 5 * LA_SEC + w->delay);
  unsigned answers = la__count(w, d.b, K_ANY, t, w->now), syns = la__count(w, d.a, K_SYN, t, w->now - w->delay);
  la_stats st;
  la__stats(d.b, &st);
  struct conn *s1 = la__app_accept(l);
  la_time accepted = w->now;
  la__until_open(c[2], 200 * LA_SEC);
  struct conn *s2 = la__app_accept(l);
  la__settle(w, LA_SEC);
  struct conn *s3 = la__app_accept(l);
  CLAIM_CALM(s, c[0]->at_open != LA_NEVER && c[1]->at_open != LA_NEVER, "two connections are established without anybody accepting");
  CLAIM_CALM(s, syns >= 2 && answers == 0, "the third SYN, sent %u times, gets no answer: neither SYN,ACK nor RST (%u segments)", syns,
             answers);
  CLAIM_CALM(s, st.drops[LA_DROP_TCP_LISTEN_OVERFLOW] == syns, "each is counted: %s", la_drop_name(LA_DROP_TCP_LISTEN_OVERFLOW));
  CLAIM_CALM(s, s1 && s2 && s3 && c[2]->at_open >= accepted && c[2]->at_open != LA_NEVER,
             "one is accepted: the SYN that comes again is answered, all three are served");
  CLAIM_CALM(s, s1 && s2 && s3 && s1->peer == c[0] && s2->peer == c[1] && s3->peer == c[2], "in the order in which they were established");
}

static void last_ack_dropped(struct sim *s) {
  struct world *w = la__sim_world(s, "accept queue of 1 becomes full in mid-handshake");
  w->drawn = false;
  struct duo d = la__duo_make(s, w);
  la__host_boot(d.a);
  la__host_boot(d.b);
  struct lsn *l = la__app_listen_manual(d.b, PORT, 1);
  struct conn *c1 = la__app_connect(d.a, &d.b->addr, PORT, 0, NULL), *c2 = la__app_connect(d.a, &d.b->addr, PORT, 0, NULL);
  la__run_for(w, 4 * w->delay + 10 * LA_MS);
  unsigned half = la__records(d.b, LA_KIND_HALF_OPEN), whole = la__records(d.b, LA_KIND_CONN);
  la__run_for(w, 5 * LA_SEC);
  unsigned again = la__count(w, d.b, K_SYN_ACK, 0, w->now), still = la__records(d.b, LA_KIND_HALF_OPEN);
  struct conn *s1 = la__app_accept(l);
  for (unsigned i = 0; i < 60 && !(s1 && la__records(d.b, LA_KIND_CONN) == 2); i++) {
    la__run_for(w, LA_SEC);
    if (!s1)
      s1 = la__app_accept(l);
  }
  struct conn *s2 = la__app_accept(l);
  CLAIM_QUICK(s, c1->at_open != LA_NEVER && c2->at_open != LA_NEVER && half == 1 && whole == 1,
              "two SYNs are answered, the second final ACK is dropped: %u connection, %u half-open", whole, half);
  CLAIM_QUICK(s, still == 1 && again > 2, "its record is kept, and its SYN,ACK sent again (%u in all)", again);
  CLAIM_QUICK(s, s1 && s2, "once there is room it comes into being");
  size_t n = 0;
  if (s2 && s2->peer) {
    la__app_send(s2->peer, 100);
    la__until_received(s2, 100, 100 * LA_SEC);
    n = s2->rx_len;
  }
  CLAIM_QUICK(s, n == 100, "and works: %zu of 100 bytes", n);
}

static void flood(struct sim *s, bool cookies) {
  struct world *w = la__sim_world(s, "%u SYNs from forged addresses%s", FLOOD, cookies ? ", answered with cookies" : "");
  w->drawn = false;
  struct duo d = la__duo_make(s, w);
  d.b->cfg.max_half_open = HALF_OPEN;
  d.b->cfg.syn_cookies = cookies;
  la__duo_boot(&d, NULL);
  unsigned most = 0;
  uint64_t bytes = 0, bytes_most = 0;
  la_stats st;
  la_time last = w->now + (FLOOD - 1) * LA_MS + w->delay;
  for (unsigned i = 0; w->now <= last; i++) {
    la_addr from = la__sim_addr(w, 1000 + i);
    struct tcp_seg syn = {.sport = (uint16_t)(2000 + i),
                          .dport = PORT,
                          .seq = i * 7919,
                          .wnd = 65535,
                          .flags = LA_SYN,
                          .opt = {.have = TCP_OPT_MSS, .mss = (uint16_t)(SIM_MTU - la__sim_headers(w))}};
    if (i < FLOOD)
      la__inject_from(w, &from, d.b, &syn);
    la__run_for(w, LA_MS);
    la__stats(d.b, &st);
    most = st.half_open > most ? st.half_open : most;
    if (!bytes && st.half_open_evicted + st.syncookies_sent)
      bytes = st.bytes_allocated;
    bytes_most = st.bytes_allocated > bytes_most ? st.bytes_allocated : bytes_most;
  }
  bool served = la__duo_open(&d, 0);
  la__app_send(d.c, 100);
  la__until_received(d.s, 100, 100 * LA_SEC);
  size_t got = d.s->rx_len;
  la_stats after;
  la__stats(d.b, &after);
  CLAIM_CALM(s, st.half_open == HALF_OPEN && most == HALF_OPEN, "never more than the configured %u half-open records (%u)", HALF_OPEN,
             most);
  if (cookies)
    CLAIM_CALM(s, after.half_open_evicted == 0 && after.syncookies_sent > FLOOD - HALF_OPEN && after.syncookies_recv == 1,
               "each past that is answered without a record: %llu cookies went out, %llu came back",
               (unsigned long long)after.syncookies_sent, (unsigned long long)after.syncookies_recv);
  else
    CLAIM_CALM(s, st.half_open_evicted == FLOOD - HALF_OPEN, "each past that evicts another, and is counted: %llu",
               (unsigned long long)st.half_open_evicted);
  /* The table may need its first overflow buckets, once. */
  CLAIM_CALM(s, bytes && bytes_most - bytes <= 1024, "from then on all the rest of the flood takes at most 1 KiB (%llu bytes)",
             (unsigned long long)(bytes_most - bytes));
  CLAIM(s, served && got == 100, "in the midst of it an honest client is served");
  la_info_rec i;
  CLAIM_CALM(s, la__app_info(d.s, &i) && i.window_scaled && i.sack && i.timestamps && i.mss == SIM_MTU - la__sim_headers(w) - 12,
             "and has all that was agreed: window scale, SACK, timestamps, segments of %u bytes", i.mss);
  la__app_abort(d.c);
  la__run_for(w, 70 * LA_SEC);
  la__stats(d.b, &st);
  CLAIM(s, st.half_open == 0, "63 s later, after their SYN,ACKs' last retry, all half-open records are gone (%u)", st.half_open);
}
void la__scen_backlog(struct sim *s) {
  queue_full(s);
  last_ack_dropped(s);
  flood(s, false);
  flood(s, true);
}

/* SPDX-License-Identifier: MIT */
/* One pair, two incarnations: RFC 9293 3.4.3 (quiet time), 3.6.1 (MAY-2, SHLD-4), RFC 6191, RFC 7323 5 (PAWS). */
#include "sim/scens.h"

static const struct conduct at_once = {.close_at_eof = true};

#define BULK 500000u

/*
 * ISNs advance by 250,000 a second (RFC 6528). A first incarnation that sends faster than that leaves segments under way
 * whose numbers lie ahead of the next one's ISN: only time (2MSL) or timestamps can tell them from new ones.
 * The first incarnation sends BULK bytes in a fraction of a second; its 5th segment comes again `late` afterwards.
 */
static struct duo first_incarnation(struct sim *s, struct world *w, bool time_wait, bool timestamps) {
  struct duo d = la__duo_make(s, w);
  struct host *h[2] = {d.a, d.b};
  for (unsigned i = 0; i < 2; i++) {
    h[i]->mtu = 65535; /* few segments, so that the ladder stays readable */
    h[i]->cfg.time_wait = time_wait;
    h[i]->cfg.timestamps = timestamps;
    h[i]->cfg.sndbuf = h[i]->cfg.rcvbuf = 1 << 20;
    h[i]->cfg.delayed_ack = 0;
  }
  la__duo_boot(&d, &at_once);
  la__duo_open(&d, CPORT);
  la__rule(w, d.a, K_DATA, F_DUPLICATE, 5, 1)->extra = 900 * LA_MS; /* within any MSL */
  la__app_send(d.c, BULK);
  la__app_close(d.c);
  la__until_state(d.c, LA_TIME_WAIT, 300 * LA_SEC);
  return d;
}
/* The second one: a little at first, the rest after the duplicate has come. */
static void second_incarnation(struct duo *d) {
  la__until_end(d->s, 300 * LA_SEC);
  la__duo_open(d, CPORT);
  la__app_send(d->c, 1000);
  la__run_for(d->w, 2 * LA_SEC);
  la__app_send(d->c, BULK - 1000);
  la__app_close(d->c);
  la__until_end(d->s, 300 * LA_SEC);
}
static const struct pkt *duplicate(const struct world *w) {
  for (size_t i = 0; i < w->nlog; i++)
    if (w->log[i]->duplicate)
      return w->log[i];
  return la__seg(w, NULL, K_SYN, 1000); /* none */
}

void la__scen_old_duplicate(struct sim *s) {
  struct world *w = la__sim_world(s, "with TIME-WAIT");
  w->may_corrupt = s->opt.failing; /* a record for which there was no memory guards nothing */
  struct duo d = first_incarnation(s, w, true, false);
  struct conn *early = la__app_connect(d.a, &d.b->addr, PORT, CPORT, NULL);
  la__until_left(d.c, LA_TIME_WAIT, 10000 * LA_SEC);
  const struct pkt *dup = duplicate(w);
  second_incarnation(&d);
  CLAIM(s, early->err == LA_EADDRINUSE, "the next incarnation cannot begin while duplicates may live: %s", la_err_name(early->err));
  CLAIM_CALM(s, dup->no && dup->drop != LA_DROP_NONE && dup->arrived < d.c->at_open, "the duplicate comes before it, and is dropped: %s",
             la_drop_name(dup->drop));
  CLAIM(s, d.s->rx_len == BULK && !d.s->rx_bad, "after 2MSL the next incarnation's application gets its own %zu bytes and nothing else",
        d.s->rx_len);
  la__run_out(w);

  w = la__sim_world(s, "without TIME-WAIT and timestamps");
  w->may_corrupt = true;
  d = first_incarnation(s, w, false, false);
  second_incarnation(&d);
  dup = duplicate(w);
  CLAIM_USUAL(s, dup->arrived > d.c->at_open && dup->arrived < d.s->at_end, "the duplicate of the first incarnation arrives in the second");
  CLAIM_USUAL(s, dup->drop == LA_DROP_NONE && d.s->rx_bad, "and its old bytes reach the application: what TIME-WAIT is for");
  la__run_out(w);

  w = la__sim_world(s, "without TIME-WAIT, with timestamps");
  w->may_corrupt = !la__usual(s); /* both within one tick of the timestamps' clock: PAWS cannot tell */
  w->drawn = false;
  d = first_incarnation(s, w, false, true);
  second_incarnation(&d);
  dup = duplicate(w);
  CLAIM_USUAL(s, dup->arrived > d.c->at_open && dup->drop == LA_DROP_TCP_RFC7323_PAWS, "PAWS knows the duplicate by its timestamp: %s",
              la_drop_name(dup->drop));
  CLAIM_USUAL(s, d.s->rx_len == BULK && !d.s->rx_bad, "the second incarnation's application gets its own %zu bytes", d.s->rx_len);
  la__run_out(w);
}

/* Two stacks: the server carries TIME-WAIT, the client comes again from the same port. */
static void same_port_again(struct sim *s, bool timestamps) {
  struct world *w = la__sim_world(s, "two stacks, %s timestamps", timestamps ? "with" : "without");
  struct duo d = la__duo_make(s, w);
  w->drawn = timestamps;
  d.a->cfg.timestamps = d.b->cfg.timestamps = timestamps;
  la__duo_boot(&d, NULL);
  la__duo_open(&d, CPORT);
  la__settle(w, LA_SEC);
  d.c->how = at_once;
  la__app_close(d.s);
  la__until_end(d.c, 300 * LA_SEC);
  struct conn *old = d.s;
  uint32_t used = la__seg(w, d.b, K_FIN, 1)->seg.seq;
  la__run_for(w, s->opt.msl / 2);
  la_time since = w->now;
  la__duo_open(&d, CPORT);
  const struct pkt *syn = la__seg_since(w, d.a, K_SYN, 1, since), *sa = la__seg_since(w, d.b, K_SYN_ACK, 1, since);
  bool in_time = syn->arrived < la__tw_since(old) + 2 * s->opt.msl; /* over a slow path, and a small MSL, it comes too late */
  la__claim(s, in_time, d.c->at_open != LA_NEVER && la__when(d.s, LA_SYN_RECEIVED) == syn->arrived,
            "the pair is open again before 2MSL is over");
  la__claim(s, in_time, la__path_is(d.s, "TIME-WAIT SYN-RECEIVED ESTABLISHED"), "server: %s", la__path(d.s));
  CLAIM_CALM(s, sa->seg.ack == syn->seg.seq + 1 && (int32_t)(sa->seg.seq - used) > 0,
             "its ISS is greater than every number of the old one (by %u)", sa->seg.seq - used);
  CLAIM_CALM(s, la__records(d.b, LA_KIND_TIME_WAIT) == 0, "the old record is gone");
  la__app_send(d.c, 1000);
  la__until_received(d.s, 1000, 100 * LA_SEC);
  CLAIM(s, d.s->rx_len == 1000 && !d.s->rx_bad, "the new connection works: %zu of 1000 bytes", d.s->rx_len);
  d.c->how = at_once;
  la__app_close(d.s);
  la__run_out(w);
}

/* The ISN clock alone would not do: the old connection was faster than it. */
static void past_the_clock(struct sim *s) {
  struct world *w = la__sim_world(s, "after %u bytes in a fraction of a second", BULK);
  w->drawn = false;
  struct duo d = la__duo_make(s, w);
  d.a->mtu = d.b->mtu = 65535;
  d.b->cfg.sndbuf = d.a->cfg.rcvbuf = 1 << 20;
  la__duo_boot(&d, NULL);
  la__duo_open(&d, CPORT);
  d.c->how = at_once;
  la__app_send(d.s, BULK);
  la__app_close(d.s);
  la__until_end(d.c, 300 * LA_SEC);
  uint32_t used = la__seg(w, d.b, K_FIN, 1)->seg.seq + la__seg(w, d.b, K_FIN, 1)->seg.len;
  la_time lasted = w->now - SIM_EPOCH;
  la__run_for(w, 2 * LA_MS);
  la_time since = w->now;
  la__duo_open(&d, CPORT);
  const struct pkt *sa = la__seg_since(w, d.b, K_SYN_ACK, 1, since);
  CLAIM_USUAL(s, lasted / (4 * LA_US) < BULK, "in which ISNs advance by %u only", (unsigned)(lasted / (4 * LA_US)));
  CLAIM_CALM(s, sa->no && (int32_t)(sa->seg.seq - used) > 0, "the new ISS is still greater than every number of the old one (by %u)",
             sa->seg.seq - used);
}

enum stamp { TS_NONE, TS_OLDER, TS_EQUAL, TS_NEWER };
static void taken_over(struct sim *s, bool old_ts, enum stamp ts, bool greater, bool want) {
  static const char *const names[] = {"no timestamp", "older timestamp", "equal timestamp", "newer timestamp"};
  struct world *w = la__sim_world(s, "SYN with %s, %s seq, after a connection %s timestamps", names[ts], greater ? "greater" : "smaller",
                                  old_ts ? "with" : "without");
  w->drawn = false;
  struct duo d = la__duo_make(s, w);
  la__host_boot(d.b);
  d.l = la__app_listen(d.b, PORT, 16, false, NULL);
  struct script p = {.w = w, .a = d.a, .b = d.b, .lport = CPORT, .iss = 1000000, .ts = old_ts, .ts_val = 70000};
  la__script_open(&p);
  d.s = w->nconns ? w->conn[0] : la__app_nobody(d.b);
  la__app_close(d.s);
  la__run_for(w, 2 * w->delay);
  la__script_sync(&p);
  la__script_send(&p, LA_FIN | LA_ACK, NULL, 0);
  la__run_for(w, LA_MS);
  bool waiting = la__records(d.b, LA_KIND_TIME_WAIT) == 1;
  la_time since = w->now;
  p.nxt = greater ? p.nxt + 1000 : p.nxt - 1000;
  p.ts = ts != TS_NONE;
  p.ts_val = ts == TS_OLDER ? p.ts_val - 10 : ts == TS_NEWER ? p.ts_val + 10 : p.ts_val;
  la__script_send(&p, LA_SYN, NULL, 0);
  bool in_time = la__quick(s) && s->opt.delay < s->opt.msl, still = la__records(d.b, LA_KIND_TIME_WAIT) == 1;
  bool over = la__count(w, d.b, K_SYN_ACK, since, LA_NEVER) == 1;
  unsigned answers = la__count(w, d.b, K_ANY, since, LA_NEVER);
  if (want)
    la__claim(s, in_time, waiting && over && !still, "it takes TIME-WAIT over");
  else
    la__claim(s, in_time, waiting && !over && still && answers <= 1 && la__count(w, d.b, K_ACK, since, LA_NEVER) == answers,
              "TIME-WAIT stays, and at most an ACK is the answer (%u)", answers);
  la__run_out(w);
}

void la__scen_time_wait_new_syn(struct sim *s) {
  same_port_again(s, true);
  same_port_again(s, false);
  past_the_clock(s);
  taken_over(s, true, TS_NEWER, true, true);
  taken_over(s, true, TS_NEWER, false, true);
  taken_over(s, true, TS_EQUAL, true, true);
  taken_over(s, true, TS_EQUAL, false, false);
  taken_over(s, true, TS_OLDER, true, false);
  taken_over(s, true, TS_OLDER, false, false);
  taken_over(s, true, TS_NONE, true, true);
  taken_over(s, true, TS_NONE, false, false);
  taken_over(s, false, TS_NONE, true, true);
  taken_over(s, false, TS_NONE, false, false);
  taken_over(s, false, TS_NEWER, true, true);
  taken_over(s, false, TS_NEWER, false, true);
}

static struct duo reboot(struct sim *s, struct world *w, bool quiet) {
  struct duo d = la__duo(s, w, NULL);
  la__duo_open(&d, 0);
  la__settle(w, LA_SEC);
  la__host_crash(d.b);
  d.b->cfg.quiet_time = quiet;
  la__host_boot(d.b);
  la__app_listen(d.b, PORT, 16, false, NULL);
  return d;
}
void la__scen_quiet_time(struct sim *s) {
  la_time msl = s->opt.msl;
  struct world *w = la__sim_world(s, "quiet");
  struct duo d = reboot(s, w, true);
  la_time t = d.b->booted;
  /* Old data and a new SYN come while the server is quiet, near enough to its end that they are sent again after it. */
  la__run_until(w, t + msl - (msl > 8 * LA_SEC ? 4 * LA_SEC : msl / 2));
  la__app_send(d.c, 100);
  struct conn *n = la__app_connect(d.a, &d.b->addr, PORT, 0, NULL);
  la__app_listen(d.a, PORT, 4, false, NULL);
  la__run_until(w, t + msl - LA_MS);
  struct conn *early = la__app_connect(d.b, &d.a->addr, PORT, 0, NULL);
  la_stats st;
  la__stats(d.b, &st);
  unsigned came = 0;
  for (size_t i = 0; i < w->nlog; i++)
    came += w->log[i]->to == d.b && w->log[i]->arrived > t && w->log[i]->arrived <= w->now;
  la__run_until(w, t + msl - 1);
  unsigned sent = la__count(w, d.b, K_ANY, t, w->now);
  la__run_until(w, t + msl);
  struct conn *own = la__app_connect(d.b, &d.a->addr, PORT, 0, NULL);
  la__until_open(own, 200 * LA_SEC);
  la__until_open(n, 200 * LA_SEC);
  la__until_end(d.c, 200 * LA_SEC);
  CLAIM(s, sent == 0, "for one MSL of %s after its restart the server sends no segment at all (%u)", la__secs(msl), sent);
  la__claim(s, came >= 2, st.drops[LA_DROP_QUIET_TIME] == came,
            "the old connection's data and the new SYN are dropped and counted: %s (%u)", la_drop_name(LA_DROP_QUIET_TIME), came);
  CLAIM(s, early->err == LA_EQUIET, "1 ms before the end an open of its own is refused: %s", la_err_name(early->err));
  CLAIM(s, own->err == LA_OK && own->at_open != LA_NEVER, "after one MSL it opens: %s", la_err_name(own->err));
  CLAIM(s, n->at_open != LA_NEVER && n->at_open >= t + msl, "the client's SYN, sent again, is then answered");
  CLAIM(s, d.c->end.err == LA_ECONNRESET && d.c->at_end >= t + msl, "and the old connection's data draws RST: %s",
        la_err_name(d.c->end.err));

  w = la__sim_world(s, "not quiet");
  w->drawn = false;
  d = reboot(s, w, false);
  la__run_for(w, msl / 2);
  t = w->now;
  n = la__app_connect(d.a, &d.b->addr, PORT, 0, NULL);
  la__until_open(n, 200 * LA_SEC);
  CLAIM_QUICK(s, n->at_open == t + 2 * w->delay, "by default it answers at once");
}

/* SPDX-License-Identifier: MIT */
/* Windows that are small, shut, shrink, or grow with the path. */
#include "sim/scens.h"

#include "base/seq.h"

enum { KB = 1024, TAKEN_BACK = 40 * KB };

/* A reader that takes little at a time from a small buffer. */
struct reader {
  unsigned segments, short_ones, updates;
  size_t got;
};
static struct reader slow_reader(struct sim *s, size_t bytes, la_time each) {
  struct world *w = la__sim_world(s, each ? "read 100 bytes at a time" : "read at once");
  struct conduct how = {.no_read = each != 0};
  struct reader r = {0};
  w->delay = 5 * LA_MS;
  struct duo d = la__duo_make(s, w);
  d.b->cfg.rcvbuf = 8 * KB;
  d.b->cfg.rcvbuf_max = 0;
  la__duo_boot(&d, &how);
  la__duo_open(&d, 0);
  la__app_set(d.c, LA_OPT_NODELAY, 1);
  la__app_send(d.c, bytes);
  if (!each) {
    la__until_received(d.s, bytes, 100 * LA_SEC);
    r.got = d.s->rx_len;
  } else {
    for (unsigned k = 0; k < 2000 && r.got < bytes; k++) {
      la__app_take(d.s, 100);
      r.got = d.s->rx_len;
      la__run_for(w, each);
    }
  }
  for (size_t k = 0; k < w->nlog; k++) {
    const struct pkt *p = w->log[k];
    bool data = p->from == d.a && p->seg.len;
    r.segments += data;
    r.short_ones += data && p->seg.len < 1000 && p->retransmit != 2;
    r.updates += p->from == d.b && la__is_kind(p, K_ACK);
  }
  la__duo_release(&d);
  return r;
}

void la__scen_silly_window(struct sim *s) {
  struct reader slow = slow_reader(s, 50 * KB, 10 * LA_MS), fast = slow_reader(s, 50 * KB, 0);
  s->prefix[0] = 0;
  CLAIM_CALM(s, slow.got == 50 * KB && fast.got == 50 * KB, "all of 50 KiB are read, by 100 bytes or as they come");
  CLAIM_CALM(s, slow.short_ones <= 4, "the slow reader's window opens by whole segments (RFC 9293 3.8.6.2.2): %u segments are short",
             slow.short_ones);
  CLAIM_CALM(s, slow.segments <= 2 * fast.segments, "%u segments instead of %u; one for each read would be 512", slow.segments,
             fast.segments);
}

/* The window shuts, and the update that opens it is lost. */
static void probes(struct sim *s, bool lost) {
  struct world *w = la__sim_world(s, lost ? "the update is lost" : "the window stays shut for ten minutes");
  struct conduct how = {.no_read = true};
  w->drawn = lost;
  struct duo d = la__duo_make(s, w);
  d.b->cfg.rcvbuf = 8 * KB;
  d.b->cfg.rcvbuf_max = 0;
  la__duo_boot(&d, &how);
  la__duo_open(&d, 0);
  la__app_send(d.c, 20 * KB);
  la__run_for(w, lost ? 10 * LA_SEC : 600 * LA_SEC);
  la_info_rec i;
  la__app_info(d.c, &i);
  unsigned n = 0;
  for (size_t k = 0; k < w->nlog; k++)
    n += w->log[k]->retransmit == 2;
  if (!lost)
    CLAIM_QUICK(s, n >= 8 && n <= 12 && d.c->nends == 0,
                "%u probes in 10 minutes, each later than the one before (RFC 9293 3.8.6.1), and the connection lives", n);
  CLAIM_QUICK(s, i.snd_wnd == 0 && i.waiting == LA_WAITS_PEER_WINDOW && i.unsent > 0, "the window is shut, and more waits");
  la_time t = w->now;
  if (lost)
    la__rule(w, d.b, K_ACK, F_LOSE, 1, 1);
  d.s->how.no_read = false;
  la__app_recv(d.s);
  la__host_kick(d.b);
  la__until_received(d.s, 20 * KB, 300 * LA_SEC);
  la_time took = w->now - t;
  CLAIM_CALM(s, d.s->rx_len == 20 * KB && !d.s->rx_bad, "it opens: all of 20 KiB arrive");
  if (lost)
    CLAIM_QUICK(s, took > 2 * w->delay + 100 * LA_MS && took < 20 * LA_SEC, "though nobody is told so: the next probe finds out, %s later",
                la__secs(took));
  else
    CLAIM_USUAL(s, took < 200 * LA_MS, "the update is enough: %s", la__secs(took));
  la__duo_release(&d);
}
void la__scen_zero_window(struct sim *s) {
  probes(s, true);
  probes(s, false);
}

/* A peer that takes back what it has offered (RFC 9293 3.8.6: SHLD-14 says it should not). */
static void shrinks(struct sim *s, bool shrink) {
  struct world *w = la__sim_world(s, shrink ? "the peer's window shrinks" : "it stays");
  w->drawn = shrink;
  w->delay = 10 * LA_MS;
  struct duo d = la__duo_make(s, w);
  la__host_boot(d.b);
  la__app_listen(d.b, PORT, 16, false, NULL);
  struct script p = {.w = w, .a = d.a, .b = d.b, .lport = CPORT, .iss = 1000000};
  la__script_open(&p);
  if (!w->nconns)
    return;
  struct conn *c = w->conn[w->nconns - 1];
  uint32_t una = p.ack;
  la__app_send(c, TAKEN_BACK);
  la__run_for(w, 2 * w->delay);
  struct tcp_seg ack = {.sport = CPORT, .dport = PORT, .seq = p.nxt, .ack = una + 2920, .flags = LA_ACK, .wnd = shrink ? 2000 : 65535};
  la__inject(d.a, d.b, &ack);
  la_time t = w->now + w->delay;
  la__run_for(w, 60 * LA_SEC);
  uint32_t furthest = una;
  for (size_t k = 0; k < w->nlog; k++)
    if (w->log[k]->from == d.b && w->log[k]->sent >= t && w->log[k]->seg.len && seq_gt(w->log[k]->seg.seq + w->log[k]->seg.len, furthest))
      furthest = w->log[k]->seg.seq + w->log[k]->seg.len;
  if (shrink)
    CLAIM_QUICK(s, furthest == una || furthest - una <= 4920, "nothing beyond its new edge is sent from then on: up to %u of 4920",
                furthest - una);
  else
    CLAIM_QUICK(s, furthest - una > 14600, "more is sent: up to %u", furthest - una);
  ack.wnd = 65535;
  for (unsigned k = 0; k < 40 && ack.ack - una < TAKEN_BACK; k++) {
    uint32_t next = ack.ack;
    for (size_t i = 0; i < w->nlog; i++) /* it acknowledges what it has, in order */
      if (w->log[i]->from == d.b && !w->log[i]->lost && seq_leq(w->log[i]->seg.seq, next) &&
          seq_gt(w->log[i]->seg.seq + w->log[i]->seg.len, next) && w->log[i]->arrived <= w->now)
        next = w->log[i]->seg.seq + w->log[i]->seg.len;
    ack.ack = next;
    la__inject(d.a, d.b, &ack);
    la__run_for(w, LA_SEC);
  }
  la_info_rec i;
  CLAIM_QUICK(s, ack.ack - una == TAKEN_BACK && la__app_info(c, &i) && i.unacked == 0 && i.unsent == 0,
              "the window opens again: all of 40 KiB arrive, and the connection is none the worse");
  la__script_release(&p, c);
}
void la__scen_window_shrinks(struct sim *s) {
  shrinks(s, true);
  shrinks(s, false);
}

/* 40 Mbit/s over 100 ms are 500 KB; buffers begin with 64 KiB. */
struct tuned {
  la_time took;
  uint32_t chunks;
  int64_t peak, idle;
};
static struct tuned tuned(struct sim *s, bool on) {
  struct world *w = la__sim_world(s, on ? "buffers that grow" : "buffers of 64 KiB");
  struct tuned r = {0};
  la_stats st;
  w->delay = 50 * LA_MS;
  struct duo d = la__duo_make(s, w);
  d.a->cfg.sndbuf = d.b->cfg.rcvbuf = 64 * KB;
  d.a->cfg.sndbuf_max = d.b->cfg.rcvbuf_max = on ? 4096 * KB : 0;
  d.b->in = (struct wire){.rate = 40000000 / 8, .queue = 1024 * KB};
  la__duo_boot(&d, NULL);
  la__duo_open(&d, 0);
  la__app_set(d.c, LA_OPT_NODELAY, 1);
  la_time t = w->now;
  la__app_send(d.c, 8192 * KB);
  for (unsigned k = 0; k < 4000 && d.s->rx_len < 8192 * KB; k++) {
    la__run_for(w, 10 * LA_MS);
    la__stats(d.a, &st);
    r.peak = (int64_t)st.chunks > r.peak ? (int64_t)st.chunks : r.peak;
  }
  r.took = w->now - t;
  la__run_for(w, 10 * LA_SEC);
  la__stats(d.a, &st);
  r.chunks = st.chunks;
  la__stats(d.b, &st);
  r.chunks += st.chunks;
  int64_t v = 0;
  la__app_send(d.c, 1); /* the first byte after the pause: now what was learnt of the path is old */
  la__run_for(w, LA_SEC);
  if (d.c->open && !d.c->nends)
    la_get_option(d.a->st, d.c->handle, LA_OPT_SNDBUF, &v);
  r.idle = v;
  la__duo_release(&d);
  return r;
}

void la__scen_buffer_tuning(struct sim *s) {
  struct tuned with = tuned(s, true), without = tuned(s, false);
  s->prefix[0] = 0;
  CLAIM_CALM(s, without.took > 12 * LA_SEC, "64 KiB a round trip of 100 ms: 8 MiB take %s of a path that could do it in 2 s",
             la__secs(without.took));
  CLAIM_CALM(s, with.took * 3 < without.took, "buffers that grow with the path: %s", la__secs(with.took));
  CLAIM_CALM(s, with.peak > 64 && with.chunks == 0, "%u chunks of 4 KiB were in use at most; ten seconds later none is",
             (unsigned)with.peak);
  CLAIM_CALM(s, with.idle <= 128 * KB, "after the pause the send buffer is small again: %u bytes", (unsigned)with.idle);
}

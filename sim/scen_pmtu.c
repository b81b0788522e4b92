/* SPDX-License-Identifier: MIT */
/* Paths that take less than the link: told by routers (RFC 1191, 8201, 5927 7.2), or found out (RFC 4821). */
#include "sim/scens.h"

enum { KB = 1024, NARROW = 1300 };

struct found {
  size_t came;
  la_time took; /* LA_NEVER: not all came */
  uint32_t mss, again, ssthresh, longest;
  unsigned too_long, backoff;
  la_stats st;
};
static struct duo path(struct sim *s, const char *what, enum la_mtu_probing probing) {
  struct world *w = la__sim_world(s, "%s", what);
  struct duo d = la__duo_make(s, w);
  w->delay = 10 * LA_MS;
  d.a->cfg.mtu_probing = (uint8_t)probing;
  d.a->cfg.tlp = 1;
  return d;
}
static bool start(struct duo *d) {
  la__duo_boot(d, NULL);
  bool open = la__duo_open(d, 0);
  la__app_set(d->c, LA_OPT_NODELAY, 1);
  return open;
}

/* `bytes` more, and what the sender has learnt when they are there, or when `limit` has passed. */
static struct found send(struct duo *d, size_t bytes, la_time limit) {
  struct found f = {.took = LA_NEVER};
  struct world *w = d->w;
  la_info_rec i = {.mss = 0};
  la_time since = w->now;
  size_t had = d->s->rx_len, first = w->nlog;
  unsigned lost = d->b->in.too_long;
  la__app_send(d->c, bytes);
  if (la__until_received(d->s, had + bytes, limit))
    f.took = w->now - since;
  la__app_info(d->c, &i);
  la__stats(d->a, &f.st);
  f.came = d->s->rx_len - had;
  f.mss = i.mss;
  f.again = i.retransmits;
  f.ssthresh = i.ssthresh;
  f.backoff = i.backoff;
  f.too_long = d->b->in.too_long - lost;
  for (size_t k = first; k < w->nlog; k++)
    if (w->log[k]->from == d->a && w->log[k]->len > f.longest)
      f.longest = w->log[k]->len;
  return f;
}
static uint32_t fits(const struct world *w) { return NARROW - la__sim_headers(w) - 12; } /* timestamps */

void la__scen_pmtu_icmp(struct sim *s) {
  struct duo d = path(s, "a router that speaks", LA_MTU_PROBING_OFF);
  d.b->in.mtu = NARROW;
  start(&d);
  struct found f = send(&d, 300 * KB, 60 * LA_SEC);
  CLAIM_CALM(s, d.s->rx_len == 300 * KB && !d.s->rx_bad, "all of 300 KiB arrive");
  CLAIM_CALM(s, f.mss == fits(d.w) && f.backoff == 0 && f.took < LA_SEC,
             "after %s: the first flight is too long, and goes again at once in segments of %u bytes (RFC 1191)", la__secs(f.took), f.mss);
  CLAIM_CALM(s, f.too_long <= 11 && f.ssthresh > 1u << 30, "%u packets were too long, and that was no congestion (RFC 8201 5.4)",
             f.too_long);
  struct found before = f;
  uint32_t least = s->opt.ipv6 ? 1280 : 576;
  la_time since = d.w->now;
  la__app_send(d.c, 8 * KB);
  la__run_for(d.w, LA_MS);
  const struct pkt *p = la__seg_since(d.w, d.a, K_DATA, 1, since);
  la_addr forger = la__sim_addr(d.w, 66);
  if (la__calm(s))
    la__inject_too_big(d.w, &forger, p, least);
  f = send(&d, 100 * KB, 60 * LA_SEC);
  CLAIM_CALM(s, f.mss == before.mss && f.st.pmtu_pending == 1,
             "a forger who sees the packets claims %u: what it quotes is acknowledged, and the size stays %u (RFC 5927 7.2)", least, f.mss);
  la__duo_release(&d);
  struct duo q = path(s, "a router that says nothing", LA_MTU_PROBING_OFF);
  q.b->in.mtu = NARROW;
  q.b->in.silent = true;
  start(&q);
  struct found silent = send(&q, 300 * KB, 60 * LA_SEC);
  la__duo_give_up(&q);
  s->prefix[0] = 0;
  CLAIM_CALM(s, silent.came == 0 && silent.too_long > 5, "when no router says so nothing arrives in 60 s, whatever is sent (%u times)",
             silent.too_long);
}

/* The path narrows after the first 100 KiB. */
static struct found narrowed(struct sim *s, enum la_mtu_probing probing) {
  struct duo d = path(s, probing ? "with black hole detection" : "without", probing);
  start(&d);
  send(&d, 100 * KB, 60 * LA_SEC);
  d.b->in.mtu = NARROW;
  d.b->in.silent = true;
  struct found f = send(&d, 4000 * KB, 120 * LA_SEC);
  (f.took == LA_NEVER ? la__duo_give_up : la__duo_release)(&d);
  return f;
}

void la__scen_pmtu_blackhole(struct sim *s) {
  struct found with = narrowed(s, LA_MTU_PROBING_BLACK_HOLE), without = narrowed(s, LA_MTU_PROBING_OFF);
  uint32_t most = NARROW - (s->opt.ipv6 ? 60 : 40) - 12;
  s->prefix[0] = 0;
  CLAIM_CALM(s, without.came == 0 && without.st.pmtu_black_holes == 0, "without it nothing arrives any more: %zu bytes in 120 s",
             without.came);
  CLAIM_CALM(s, with.came == 4000 * KB && with.st.pmtu_black_holes == 1, "with it all of 4000 KiB arrive, in %s", la__secs(with.took));
  CLAIM_CALM(s, with.took > 6 * LA_SEC && with.took < 12 * LA_SEC, "three time-outs, doubling from 1 s, say that it is no bad luck");
  CLAIM_CALM(s, with.mss <= most && with.mss + 8 > most, "then longer segments are tried again: %u bytes of at most %u", with.mss, most);
  CLAIM_CALM(s, with.st.pmtu_probes > with.st.pmtu_probes_passed && with.st.pmtu_probes_passed > 0, "%u probes, %u of them acknowledged",
             (unsigned)with.st.pmtu_probes, (unsigned)with.st.pmtu_probes_passed);
}

static struct found from_below(struct sim *s, const char *what, enum la_mtu_probing probing, bool narrow) {
  struct duo d = path(s, what, probing);
  d.b->in.mtu = narrow ? NARROW : 0;
  d.b->in.silent = true;
  start(&d);
  struct found f = send(&d, 3000 * KB, 60 * LA_SEC);
  (f.took == LA_NEVER ? la__duo_give_up : la__duo_release)(&d);
  return f;
}

void la__scen_pmtu_probe(struct sim *s) {
  struct found wide = from_below(s, "a path like the link", LA_MTU_PROBING_ALWAYS, false);
  struct found with = from_below(s, "a narrower path, probed", LA_MTU_PROBING_ALWAYS, true);
  struct found without = from_below(s, "a narrower path, not probed", LA_MTU_PROBING_OFF, true);
  uint32_t most = NARROW - (s->opt.ipv6 ? 60 : 40) - 12;
  s->prefix[0] = 0;
  CLAIM_CALM(s, without.came == 0, "without probing nothing arrives: %zu bytes in 60 s", without.came);
  CLAIM_CALM(s, with.came == 3000 * KB && with.backoff == 0 && with.took < 2 * LA_SEC,
             "with it all of 3000 KiB arrive, in %s, without a time-out", la__secs(with.took));
  CLAIM_CALM(s, with.mss <= most && with.mss + 8 > most && with.longest > NARROW, "segments grow to %u bytes of at most %u", with.mss,
             most);
  CLAIM_CALM(s, with.too_long == with.st.pmtu_probes - with.st.pmtu_probes_passed, "only probes are too long: %u", with.too_long);
  CLAIM_CALM(s, with.ssthresh > 1u << 30, "and their loss is no congestion: slow start goes on");
  CLAIM_CALM(s, wide.mss > 1500 - (s->opt.ipv6 ? 60 : 40) - 12 - 8 && wide.again == 0,
             "where the path is as wide as the link: up to %u bytes, nothing lost", wide.mss);
}

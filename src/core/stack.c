/* SPDX-License-Identifier: MIT */
/* The instance: configuration, creation, clock, counters. */
#include "core/stack.h"

#include "base/bytes.h"
#include "base/sum.h"

static void preset_linux(la_config *c) {
  c->rto_min = c->rto_var_min = 200 * LA_MS;
  c->tlp = c->frto = 1;
  c->mtu_probing = LA_MTU_PROBING_OFF;
  c->minshall = 1;
  c->send_pieces = 1;
  c->sndbuf_max = 4u << 20; /* tcp_wmem, tcp_rmem */
  c->rcvbuf_max = 6u << 20;
  c->delayed_ack = 40 * LA_MS; /* TCP_ATO_MIN */
  c->quick_acks = 16;          /* TCP_MAX_QUICKACKS */
  c->rcv_start = 65535;
  c->arp_probes = c->arp_announcements = 0;
  c->mute_unsent = c->bare_segments = c->empty_probes = c->edge_acks = c->prompt_syn = 1;
  c->syn_limit = 127 * LA_SEC; /* tcp_syn_retries 6 */
  c->r2 = 924600 * LA_MS;      /* tcp_retries2 15, from an RTO of 200 ms to 120 s */
}

void la_config_init(la_config *c, enum la_preset preset) {
  memset(c, 0, sizeof *c);
  c->size = sizeof *c;
  c->msl = 30 * LA_SEC;
  c->time_wait = 1;
  c->r1 = 3;
  c->synack_retries = 5;
  c->syn_cookies = 1;
  c->r2 = 120 * LA_SEC;        /* at least 100 s: SHLD-11 */
  c->syn_limit = 180 * LA_SEC; /* MUST-23 */
  c->rto_initial = LA_SEC;
  c->rto_min = LA_SEC;
  c->rto_max = 120 * LA_SEC;
  c->rto_var_min = LA_MS;
  c->delayed_ack = 200 * LA_MS;
  c->fin_wait_2 = 60 * LA_SEC;
  c->challenge_gap = 500 * LA_MS;
  c->max_conns = 1u << 21;
  c->max_half_open = 65536;
  c->max_time_wait = 1u << 21;
  c->max_orphans = 65536;
  c->max_listeners = 4096;
  c->max_chunks = 65536;
  c->sndbuf = 262144;
  c->rcvbuf = 262144;
  c->max_ooo = 64;
  c->max_sent = 512;
  c->dsack = 1;
  c->dupthresh = 3;
  c->replies = 256;
  c->reply_bytes = 1u << 20;
  c->rst_per_sec = 1000;
  c->icmp_per_sec = 1000;
  c->frag_datagrams = 256;
  c->frag_bytes = 1u << 20;
  c->max_udp = 4096;
  c->udp_rcvbuf = 262144;
  c->arp_probes = c->neigh_probes = 3;
  c->arp_announcements = 2;
  c->dad_transmits = 1;
  c->mld_reports = 2; /* RFC 3810 9.1 */
  c->neigh_retrans = LA_SEC;
  c->neigh_reachable = 30 * LA_SEC;
  c->neigh_delay = 5 * LA_SEC;
  c->max_neighbours = 1024;
  c->neigh_queue = 16;
  c->neigh_queue_all = 256;
  c->frag_time4 = 30 * LA_SEC;
  c->frag_time6 = 60 * LA_SEC; /* RFC 8200 4.5 */
  c->port_lo = 32768;
  c->port_hi = 60999;
  c->timestamps = c->sack = c->window_scale = 1;
  c->ttl = 64;
  c->cc = LA_CC_CUBIC;
  c->ecn = 2;
  c->slow_start_after_idle = c->hystart = 1;
  c->mtu_probing = LA_MTU_PROBING_BLACK_HOLE;
  c->base_mss = 1024;
  c->pmtu_expires = 600 * LA_SEC;
  if (preset == LA_PRESET_LINUX)
    preset_linux(c);
}

static bool sums_valid(const la_sums *f) { return !f->sum == !f->copy_sum; }

static bool power_of_two(uint32_t n) { return n && !(n & (n - 1)); }

static bool clocks_valid(const la_config *c) {
  return c->msl > 0 && c->msl <= 86400 * LA_SEC && c->rto_initial >= LA_MS && c->rto_initial <= 60 * LA_SEC && c->rto_min > 0 &&
         c->rto_min <= c->rto_max && c->rto_var_min <= c->rto_max && c->rto_max <= 86400 * LA_SEC && c->delayed_ack < 500 * LA_MS &&
         c->quick_acks <= 31 && c->synack_retries <= 5 && c->r1 > 0 && c->r2 > 0 && c->syn_limit > 0 && c->fin_wait_2 > 0 &&
         c->challenge_gap <= 60 * LA_SEC && c->frag_time4 > 0 && c->frag_time4 <= 120 * LA_SEC && c->frag_time6 > 0 &&
         c->frag_time6 <= 120 * LA_SEC;
}

static bool neighbours_valid(const la_config *c) {
  return c->arp_probes <= 10 && c->arp_announcements <= 10 && c->dad_transmits <= 10 && c->mld_reports <= 10 && c->neigh_probes > 0 &&
         c->neigh_probes <= 20 && c->neigh_retrans >= LA_MS && c->neigh_retrans <= 60 * LA_SEC && c->neigh_reachable >= LA_MS &&
         c->neigh_reachable <= 3600 * LA_SEC && c->neigh_delay >= LA_MS && c->neigh_delay <= 60 * LA_SEC && c->max_neighbours > 0 &&
         c->max_neighbours <= 1u << 20 && c->neigh_queue > 0 && c->neigh_queue_all > 0;
}

static bool limits_valid(const la_config *c) {
  uint32_t most = 1u << 29; /* an index leaves three bits of a reference to kind and family */
  return c->max_conns > 0 && c->max_conns < most && c->max_half_open > 0 && c->max_half_open < most && c->max_time_wait < most &&
         c->max_listeners > 0 && c->max_listeners <= 1u << 23 && c->max_chunks > 0 && c->sndbuf >= 2048 && c->sndbuf <= 1u << 30 &&
         c->rcvbuf >= 2048 && c->rcvbuf <= 1u << 30 && c->rcvbuf_max <= 1u << 30 && c->sndbuf_max <= 1u << 30 && c->max_ooo > 0 &&
         c->max_ooo <= 4096 && c->max_sent >= 8 && c->max_sent <= 4096 && c->dupthresh > 0 && power_of_two(c->replies) &&
         c->replies >= 16 && c->replies <= 65536 && c->reply_bytes >= 4096 && c->frag_datagrams < most && c->max_udp < most &&
         c->udp_rcvbuf >= 2048 && c->udp_rcvbuf <= 1u << 29 && c->port_lo > 0 && c->port_lo <= c->port_hi && c->ttl > 0 && c->cc < LA_CCS &&
         c->ecn <= 2 && c->mtu_probing <= LA_MTU_PROBING_ALWAYS && c->base_mss >= 68 && c->pmtu_expires > 0 &&
         (!c->trace || power_of_two(c->trace_cap));
}

la_stack *la_stack_new(const la_config *cfg) {
  if (!cfg || cfg->size != sizeof *cfg || !cfg->alloc.alloc || !cfg->alloc.free || !clocks_valid(cfg) || !limits_valid(cfg) ||
      !neighbours_valid(cfg) || !sums_valid(&cfg->sums))
    return 0;
  struct mem m = {cfg->alloc, 0};
  la_stack *s = mem_alloc(&m, sizeof *s);
  if (!s)
    return 0;
  memset(s, 0, sizeof *s);
  s->mem = m;
  la__tcp_init(&s->tcp, &s->mem, cfg);
  if (!cfg->sums.sum)
    s->tcp.cfg.sums = (la_sums){la__sum, la__copy_sum};
  la__frags_init(s);
  la__neighs_init(s);
  la__udp_init(&s->udp, &s->mem, &s->tcp.chunks, cfg);
  s->echo_bucket.tokens = s->error_bucket.tokens = cfg->icmp_per_sec;
  return s;
}

void la_stack_free(la_stack *s) {
  if (!s)
    return;
  for (uint32_t i = 1; i <= LA_LINKS_MAX; i++)
    la__outring_done(s, &s->answers[i]);
  for (uint32_t i = 1; i <= LA_LINKS_MAX; i++)
    la__outring_done(s, &s->datagrams[i]);
  la__frags_done(s);
  la__neighs_done(s);
  la__udp_done(&s->udp);
  la__tcp_done(&s->tcp);
  struct mem m = s->mem;
  mem_free(&m, s, sizeof *s);
}

void la_tick(la_stack *s, la_time now) {
  la__tcp_now(&s->tcp, now);
  la__frags_tick(s);
  la__dad_tick(s);
  la__mld_tick(s);
  la__neighs_tick(s);
  la__tcp_tick(&s->tcp);
}

la_time la_deadline(const la_stack *s) {
  for (uint32_t i = 1; i <= s->nlinks; i++)
    if (s->answers[i].head != s->answers[i].tail || s->datagrams[i].head != s->datagrams[i].tail)
      return s->tcp.now;
  if (s->udp.event_head != SLAB_NONE || s->tcp.chunks.back || la__neighs_ready(s))
    return s->tcp.now;
  la_time at[] = {la__frags_deadline(s), la__tcp_deadline(&s->tcp), la__neighs_deadline(s), la__dad_deadline(s), la__mld_deadline(s)},
          first = LA_NEVER;
  for (unsigned i = 0; i < sizeof at / sizeof *at; i++)
    first = at[i] < first ? at[i] : first;
  return first;
}

void la_stats_get(const la_stack *s, la_stats *out) {
  const struct tcp *t = &s->tcp;
  *out = t->stats;
  out->conns = t->conn[0].used + t->conn[1].used;
  out->half_open = t->half[0].used + t->half[1].used;
  out->time_wait = t->tw[0].used + t->tw[1].used;
  out->listeners = t->listeners.used;
  out->udp_sockets = s->udp.socks.used;
  out->chunks = t->chunks.used;
  out->neighbours = s->neighs.slab.used;
  out->neigh_waiting = s->neighs.waiting;
  out->bytes_allocated = s->mem.used;
}

void la_trim(la_stack *s) {
  struct tcp *t = &s->tcp;
  for (unsigned i = 0; i < 2; i++) {
    la__slab_trim(&t->conn[i]);
    la__slab_trim(&t->half[i]);
    la__slab_trim(&t->tw[i]);
  }
  la__slab_trim(&t->listeners);
  la__spares_drop(t);
  la__slab_trim(&t->sndqs);
  la__slab_trim(&t->rcvqs);
  la__slab_trim(&t->wishes);
  la__table_trim(&t->table);
  la__ports_trim(&t->ports, t->mem);
  la__slab_trim(&s->frags.slab);
  la__slab_trim(&s->neighs.slab);
  la__slab_trim(&s->udp.socks);
  for (uint32_t i = 1; i <= s->nlinks; i++)
    if (s->datagrams[i].v && s->datagrams[i].head == s->datagrams[i].tail) {
      la__outring_done(s, &s->datagrams[i]);
      s->datagrams[i].v = 0; /* made anew when something is sent */
    }
  la__chunks_trim(&t->chunks);
}

size_t la_trace_read(la_stack *s, la_trace_rec *out, size_t max, uint64_t *lost) {
  size_t n = la__trace_get(&s->tcp.trace, out, max);
  if (lost)
    *lost = s->tcp.trace.lost;
  return n;
}

/* SPDX-License-Identifier: MIT */
/* TCP_INFO: what the stack knows of a connection, in Linux's words and units (segments where Linux counts segments). */
#include "posix/posix.h"

#include "base/bytes.h"

static uint32_t us_of(la_time t) { return t / LA_US > UINT32_MAX ? UINT32_MAX : (uint32_t)(t / LA_US); }

static void windows(const la_info_rec *r, la_tcp_info *i) {
  i->tcpi_rto = us_of(r->rto);
  i->tcpi_rtt = us_of(r->srtt);
  i->tcpi_rttvar = us_of(r->rttvar);
  i->tcpi_min_rtt = us_of(r->min_rtt);
  i->tcpi_snd_mss = r->mss;
  i->tcpi_snd_cwnd = r->mss ? r->cwnd / r->mss : 0;
  i->tcpi_snd_ssthresh = r->ssthresh >= 1u << 30 || !r->mss ? 0x7fffffff : r->ssthresh / r->mss;
  i->tcpi_unacked = r->segs_out;
  i->tcpi_notsent_bytes = r->unsent;
  i->tcpi_snd_wnd = r->snd_wnd;
  i->tcpi_rcv_wnd = r->rcv_wnd;
  i->tcpi_rcv_space = i->tcpi_rcv_ssthresh = r->rcv_wnd;
}

/* What our SYN said: what the link takes, or less when TCP_MAXSEG asked for that. */
static uint32_t announced_mss(const la_posix *p, const struct psock *k, uint32_t most) {
  int64_t asked;
  return la_get_option(p->s, k->conn, LA_OPT_MSS, &asked) == LA_OK && asked && asked < most ? (uint32_t)asked : most;
}

void la__sk_tcp_info(la_posix *p, const struct psock *k, la_tcp_info *i) {
  la_info_rec r;
  memset(i, 0, sizeof *i);
  i->tcpi_state = (uint8_t)la__sk_state(p, k);
  i->tcpi_reordering = 3;
  const struct listener *l = la__sk_listener(p, k);
  if (l) { /* Linux shows the accept queue and its limit here */
    i->tcpi_unacked = l->queued;
    i->tcpi_sacked = l->backlog - 1;
  }
  if (!k->conn.gen || la_info(p->s, k->conn, &r) != LA_OK)
    return;
  i->tcpi_retransmits = i->tcpi_backoff = r.backoff;
  i->tcpi_probes = r.keepalive_sent;
  i->tcpi_options =
    (uint8_t)((r.timestamps ? LA_TCPI_OPT_TIMESTAMPS : 0) | (r.sack ? LA_TCPI_OPT_SACK : 0) | (r.window_scaled ? LA_TCPI_OPT_WSCALE : 0) |
              (r.ecn ? LA_TCPI_OPT_ECN : 0) | (r.ecn_seen ? LA_TCPI_OPT_ECN_SEEN : 0));
  i->tcpi_delivered_ce = r.delivered_ce;
  i->tcpi_snd_wscale = r.snd_wscale & 15u;
  i->tcpi_rcv_wscale = r.rcv_wscale & 15u;
  i->tcpi_pmtu = r.pmtu;
  i->tcpi_advmss = announced_mss(p, k, p->s->mtu[r.link] - (r.local.family == 6 ? 60 : 40));
  const struct conn *c = la__sk_conn(p, k);
  i->tcpi_rcv_mss = la__rcv_mss(c);
  i->tcpi_ato = c->ato * 1000u;
  i->tcpi_total_retrans = r.retransmits;
  i->tcpi_ca_state = (uint8_t)r.ca_state;
  i->tcpi_sacked = r.segs_sacked;
  i->tcpi_lost = r.segs_lost;
  i->tcpi_retrans = r.segs_retrans;
  i->tcpi_reord_seen = r.reord_seen;
  i->tcpi_dsack_dups = r.dsacks;
  if (r.reordering)
    i->tcpi_reordering = r.reordering;
  i->tcpi_bytes_acked = r.bytes_out;
  i->tcpi_bytes_received = r.bytes_in;
  i->tcpi_bytes_sent = r.bytes_out + r.unacked;
  i->tcpi_pacing_rate = r.pacing_rate;
  i->tcpi_max_pacing_rate = k->o.pacing;
  windows(&r, i);
}

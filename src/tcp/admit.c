/* SPDX-License-Identifier: MIT */
/*
 * Admission: a listener may leave it to the application which SYNs are answered, say after it has dialled upstream.
 *
 * The half-open record is made as ever, but no SYN-ACK goes out. It waits on the list HALF_NEW until its event has been taken, then on
 * HALF_ASKED for la_admit or la_reject; the SYN's retransmissions are absorbed meanwhile. Both lists wait as long as all SYN-ACKs
 * would together: then the record goes in silence. A handle is the record's reference with its ISS as the check: no two records of a
 * slot share one but by a chance of 2^-32.
 */
#include "base/check.h"
#include "tcp/tcp.h"

static la_time admit_limit(const struct tcp *t) { return (t->cfg.rto_initial << (t->cfg.synack_retries + 1)) - t->cfg.rto_initial; }

void la__admit_ask(struct tcp *t, ref_t r) {
  struct half *h = la__half_at(t, r);
  h->retries = HALF_NEW;
  h->due = t->now + admit_limit(t);
  la__fifo_push(&t->synack[HALF_NEW], r);
}

static void move(struct tcp *t, ref_t r, unsigned to) {
  struct half *h = la__half_at(t, r);
  la__fifo_del(&t->synack[h->retries], r);
  h->retries = (uint8_t)to;
}

ref_t la__admit_next(struct tcp *t) {
  ref_t r = t->synack[HALF_NEW].head;
  if (r == FIFO_NONE)
    return REF_NONE;
  move(t, r, HALF_ASKED);
  la__fifo_push(&t->synack[HALF_ASKED], r);
  return r;
}

ref_t la__admit_handle(const struct tcp *t, la_syn s) {
  if (ref_kind(s.ref) != REF_HALF)
    return REF_NONE;
  const struct half *h = la__slab_get(&t->half[ref_six(s.ref)], ref_index(s.ref));
  return h && la__admit_pending(h) && h->iss == s.check ? s.ref : REF_NONE;
}

void la__admit(struct tcp *t, ref_t r) {
  struct key k;
  move(t, r, 0);
  la__half_arm(t, r);
  struct half *h = la__half_at(t, r);
  la__half_key(h, ref_six(r), &k);
  la__syn_ack(t, h, &k, 0); /* without room for it now, it goes at the first retry */
}

void la__admit_refuse(struct tcp *t, ref_t r, bool rst) {
  struct half *h = la__half_at(t, r);
  struct key k;
  la__half_key(h, ref_six(r), &k);
  struct tcp_seg syn = {.seq = h->irs, .flags = LA_SYN};
  struct path path = {.link = h->link};
  la__half_end(t, r, LA_ON_POLICY, (struct ending){LA_BY_LOCAL, rst ? LA_HOW_RESET : LA_HOW_SILENT, LA_WHY_REJECTED, LA_ECONNABORTED});
  if (rst)
    la__answer_rst(t, &k, &syn, &path, LA_LISTEN);
}

/* Nobody has seen our number yet: only the SYN again, or a RST that knows the peer's, can mean anything. */
void la__admit_input(struct tcp *t, ref_t r, const struct key *k, const struct tcp_seg *seg, const struct path *path) {
  const struct half *h = la__half_at(t, r);
  if (seg->flags & LA_RST) {
    if (seg->seq == h->irs + 1) {
      t->stats.resets_in++;
      la__half_end(t, r, LA_ON_RST, (struct ending){LA_BY_PEER, LA_HOW_RESET, LA_WHY_PEER_RESET, LA_OK});
    } else {
      la__drop(t, k, 0, seg, LA_DROP_TCP_INVALID_SEQUENCE);
    }
  } else if (seg->flags & LA_ACK) {
    la__drop(t, k, 0, seg, LA_DROP_TCP_INVALID_ACK_SEQUENCE);
    la__answer_rst(t, k, seg, path, LA_SYN_RECEIVED);
  } else {
    la__drop(t, k, 0, seg, seg->flags & LA_SYN ? LA_DROP_TCP_INVALID_SYN : LA_DROP_TCP_NO_ACK);
  }
}

void la__admit_tick(struct tcp *t) {
  for (unsigned i = HALF_NEW; i < HALF_LISTS; i++)
    while (t->synack[i].head != FIFO_NONE && la__half_at(t, t->synack[i].head)->due <= t->now)
      la__half_end(t, t->synack[i].head, LA_ON_TIMEOUT, (struct ending){LA_BY_CLOCK, LA_HOW_SILENT, LA_WHY_SYN_ACK_TIMEOUT, LA_OK});
}

/* SPDX-License-Identifier: MIT */
/*
 * The machine: RFC 9293 in the names of its text.
 *
 * Three causes - a segment (input.c), a call (call.c), an expiry (timers.c) - change state and leave notes in `todo`;
 * output.c is the one place where a connection's segments are made. Answers that belong to no connection are descriptors in
 * the ring of the link they go to. Nothing here calls up: the rooms above read events, answers and descriptors.
 *
 * `struct tcp` is embedded in la_stack. `now` and `frame` are those of the call under way.
 */
#ifndef LA_TCP_TCP_H
#define LA_TCP_TCP_H

#include "base/bucket.h"
#include "base/prng.h"
#include "base/trace_ring.h"
#include "mem/slab.h"
#include "mem/table.h"
#include "tcp/conn.h"
#include "tcp/ports.h"
#include "wire/icmp.h"
#include "wire/tcp_wire.h"

#include <lastack/watch.h>

#define TCP_RETRIES_MAX 6 /* expiry lists of SYN-ACK retries: 1, 2, 4, 8, 16, 32 s */
enum {
  HALF_NEW = TCP_RETRIES_MAX,
  HALF_ASKED,
  HALF_LISTS
}; /* and two for SYNs on which the application has not been asked, or not answered */
#define LISTEN_BUCKETS 64u
#define PATHS_KNOWN 64u
/* What is known of the path to a destination (pmtu.c), for la_config.pmtu_expires. */
struct path_known {
  la_addr to;
  uint32_t zone;
  la_time at;         /* when it was learnt */
  uint32_t mtu, high; /* what passes (0: a free entry), and what is not yet known not to */
  uint8_t fails;      /* probes lost */
};
/* A pair that was found a moment ago (pairs.c). */
#define PAIRS_RECENT 16u
struct pair_recent {
  uint64_t addrs, hash;
  uint32_t ports;
  ref_t ref; /* REF_NONE: it is not in the table, or in TIME-WAIT */
};
#define ANSWER_RESERVE 4u /* answers that one frame, or one expiry, may need */

/* Where a segment comes from or goes to. */
struct path {
  uint8_t link; /* towards the peer */
  uint32_t mtu; /* of that link */
  uint8_t in;   /* the link that a segment came in on */
};

/* A segment that belongs to no connection. */
struct answer {
  struct key key;
  struct tcp_seg seg; /* without payload */
  uint8_t ttl, tos;
  uint8_t state; /* of the record it speaks for, for the trace */
  uint8_t fresh; /* la_trace_rec.fresh */
  uint8_t retransmit;
};

struct tcp_link {
  uint32_t mtu;
  uint16_t gso[2]; /* by family, IPv4 and IPv6: the longest packet that the device cuts into segments; 0: none */
  bool gso_cwr;    /* also one whose first segment bears CWR */
  ref_t dirty_head, dirty_tail;
  struct answer *ring;
  uint32_t head, tail; /* written, read: totals */
};

/* What output.c hands to core/tx.c for one frame. */
struct tcp_out {
  struct key key;
  struct tcp_seg seg; /* seg.len is the payload in refs */
  uint8_t ttl, tos;
  struct spool_refs refs; /* buf and owner are the frame's */
};

struct tcp {
  la_config cfg;
  struct mem *mem;
  struct slab conn[2], half[2], tw[2]; /* by family: 0 IPv4, 1 IPv6 */
  struct slab listeners, sndqs, rcvqs, wishes;
  struct sndq *sndq_spare; /* the latest that were not needed any more: the next begins soon. Still the slabs', until la_trim */
  struct rcvq *rcvq_spare;
  struct chunk_pool chunks;
  struct table table;
  struct pair_recent recent[PAIRS_RECENT];
  struct wheel wheel;
  struct fifo synack[HALF_LISTS]; /* half-open records by their `retries` */
  struct fifo tw_list;
  struct ports ports;
  struct tcp_link link[LA_LINKS_MAX + 1];
  uint32_t bucket[LISTEN_BUCKETS];   /* listeners by port */
  ref_t event_head, event_tail;      /* connections with events */
  uint32_t levent_head, levent_tail; /* listeners with events */
  struct prng prng;
  uint8_t key_table[16], key_isn[16], key_port[16], key_cookie[16];
  uint32_t port_step;
  struct trace_ring trace;
  la_stats stats;
  la_time now, started, quiet_until;
  la_time cookies_until; /* SYN cookies of ours may be under way */
  la_time cookies_wait;  /* one came back and there was no room: until then what follows it is not reset */
  uint32_t frame;        /* under way; 0 in calls and expiries */
  uint32_t gen;
  bool progress; /* a segment has shown that ours arrive: set by ack.c and data.c, cleared by the core */
  struct bucket rst;
  ref_t landed; /* this connection's next text is at its place already, but not counted: land.c */
  struct path_known path[PATHS_KNOWN];
  uint32_t paths; /* of them in use */
};

bool la__tcp_init(struct tcp *t, struct mem *m, const la_config *cfg);
void la__tcp_done(struct tcp *t);
/* Gives the machine a link; false: memory. */
bool la__tcp_link(struct tcp *t, uint8_t link, uint32_t mtu);
/* How long packets for its device to cut may be, by family; 0: it cuts none. */
void la__tcp_link_gso(struct tcp *t, uint8_t link, uint32_t most4, uint32_t most6, bool cwr);
/* Every entry from above passes through here: time never goes back. */
void la__tcp_now(struct tcp *t, la_time now);
bool la__tcp_quiet(const struct tcp *t);

/* input.c: one segment. The core has checked addresses. LA_DROP_TCP_CSUM: an unverified one is damaged; nothing has happened. */
enum la_drop la__tcp_input(struct tcp *t, const struct key *key, struct tcp_seg *seg, const struct path *path);
enum la_drop la__tcp_input_of(struct tcp *t, ref_t r, const struct key *key, struct tcp_seg *seg,
                              const struct path *path); /* of its record */
/* true when a frame's answers have room. */
bool la__tcp_may_input(const struct tcp *t);
/* output.c: the next segment for a link; false when there is none. */
bool la__tcp_output(struct tcp *t, uint8_t link, struct tcp_out *out);
static inline bool la__tcp_link_waits(const struct tcp *t, uint8_t link) {
  return t->link[link].head != t->link[link].tail || t->link[link].dirty_head != REF_NONE;
}
bool la__tcp_has_output(const struct tcp *t);
/* timers.c */
void la__tcp_tick(struct tcp *t);
la_time la__tcp_deadline(const struct tcp *t);

/* conn.c: records, keys, lists */
struct conn *la__conn_new(struct tcp *t, const struct key *key);
struct conn *la__conn_at(const struct tcp *t, ref_t r);
struct conn *la__conn_handle(const struct tcp *t, la_conn h); /* NULL: stale */
static inline la_conn conn_handle(const struct conn *c) { return (la_conn){c->self, c->gen}; }
struct half *la__half_at(const struct tcp *t, ref_t r);
struct tw *la__tw_at(const struct tcp *t, ref_t r);
struct listener *la__listener_at(const struct tcp *t, uint32_t index);
void la__conn_key(const struct conn *c, struct key *k);
void la__half_key(const struct half *h, bool six, struct key *k);
void la__tw_key(const struct tw *w, bool six, struct key *k);
void la__addr_store(uint8_t *dst, const struct key *k);
uint64_t la__key_hash(const struct tcp *t, const struct key *k);
uint64_t la__ref_hash(void *ctx, uint32_t ref);
ref_t la__lookup(struct tcp *t, const struct key *k, uint64_t hash);
uint32_t la__next_gen(struct tcp *t);
void la__conn_dirty(struct tcp *t, struct conn *c, unsigned todo);
void la__conn_event(struct tcp *t, struct conn *c, unsigned bits);
void la__conn_detach(struct tcp *t, struct conn *c);    /* out of the table, clocks off */
void la__conn_drop_send(struct tcp *t, struct conn *c); /* buffers */
void la__conn_drop_recv(struct tcp *t, struct conn *c);
void la__conn_unmake(struct tcp *t, struct conn *c); /* its slot; it is in no table and no list */
void la__conn_maybe_free(struct tcp *t, struct conn *c);
void la__conn_orphan(struct tcp *t, struct conn *c, bool on);
struct sndq *la__conn_sndq(struct tcp *t, struct conn *c); /* these are made when there is none; NULL: memory */
struct rcvq *la__conn_rcvq(struct tcp *t, struct conn *c);
void la__spares_drop(struct tcp *t);
struct wish *la__conn_wish(struct tcp *t, struct conn *c);

struct ending {
  enum la_who who;
  enum la_how how;
  enum la_why why;
  int err;
};

/* clocks of a connection: LA_NEVER is off; ack_due is delack.c's */
void la__clock_set(struct tcp *t, struct conn *c, enum conn_clock kind, la_time at);
void la__ack_clock(struct tcp *t, struct conn *c);
void la__pace_clock(struct tcp *t, struct conn *c);
void la__clocks_renew(struct tcp *t, struct conn *c); /* after the node has fired */
void la__life_clock(struct tcp *t, struct conn *c, la_time at);
la_time la__life_end(const struct conn *c);                      /* when it must have ended */
struct ending la__life_ending(const struct conn *c, la_time at); /* and how, when that comes */

/* state.c: the only writer of conn.state */
void la__state_init(struct tcp *t, struct conn *c, enum la_state from, enum la_cause cause); /* of a new connection */
void la__state(struct tcp *t, struct conn *c, enum la_cause cause);
enum la_state la__state_next(enum la_state from, enum la_cause cause, bool passive);
void la__trace_record(struct tcp *t, const struct key *k, enum la_state from, enum la_cause cause, bool passive, uint8_t fresh);

/* trace.c: a record of this instant and frame, with the connection's present state; NULL when tracing is off. k, c may be NULL */
la_trace_rec *la__trace_rec(struct tcp *t, const struct key *k, const struct conn *c, enum la_trace_type type);
void la__trace_seg(la_trace_rec *r, const struct tcp_seg *seg);

/* account.c: la_config.metrics, which may be NULL but for la__account_moved, which comes before the state is written */
void la__account_moved(struct tcp *t, const struct conn *c, enum la_state to);
void la__account_time(struct tcp *t, enum la_state st, la_time since); /* `st` is left */
void la__account_end(struct tcp *t, enum la_why why, enum la_first first);
enum la_first la__first_fin(const struct conn *c);
la_time la__state_since(const struct conn *c); /* of a connection that has not ended */
la_time la__half_since(const struct tcp *t, const struct half *h);

/* reason.c: endings and drops */
void la__conn_end(struct tcp *t, struct conn *c, struct ending e, la_time tw_until);
/* Ends a synchronized or opening connection at once: state, table, buffers, END; `rst` also sends one. */
void la__conn_kill(struct tcp *t, struct conn *c, enum la_cause cause, struct ending e, bool rst);
void la__conn_release_ending(const struct conn *c, struct ending *e);
void la__end_fill(const struct tcp *t, const struct conn *c, la_end *out);
void la__record_end(struct tcp *t, const struct key *k, uint8_t fresh, enum la_state at, struct ending e);
void la__drop(struct tcp *t, const struct key *k, const struct conn *c, const struct tcp_seg *seg, enum la_drop d);
void la__trace_in_put(struct tcp *t, const struct key *k, const struct conn *c, const struct tcp_seg *seg, enum la_state st, uint32_t wnd);
static inline void la__trace_in(struct tcp *t, const struct key *k, const struct conn *c, const struct tcp_seg *seg, enum la_state st,
                                uint32_t wnd) {
  if (la__trace_on(&t->trace))
    la__trace_in_put(t, k, c, seg, st, wnd);
}

/* answer.c */
struct answer *la__answer(struct tcp *t, uint8_t link, const struct key *k); /* zeroed, or NULL when the ring is full */
void la__answer_rst(struct tcp *t, const struct key *k, const struct tcp_seg *seg, const struct path *path, enum la_state st);
bool la__answers_room(const struct tcp *t, uint8_t link, uint32_t n);
/* At most one in challenge_gap for the record whose stamp *at is (0: never yet); true: send. */
bool la__gap_passed(const struct tcp *t, uint16_t *at);

/* isn.c */
void la__keys_init(struct tcp *t);
uint32_t la__isn(const struct tcp *t, const struct key *k);                          /* RFC 6528 */
uint32_t la__ts_offset(const struct tcp *t, const struct key *k);                    /* RFC 7323 5.4, per pair */
uint32_t la__numbers(const struct tcp *t, const struct key *k, uint32_t *ts_offset); /* both: the ISN is returned */
static inline uint32_t tcp_ts_now(const struct tcp *t, uint32_t off) { return (uint32_t)(t->now / LA_MS) + off; }

/* listen.c */
struct listener *la__listener_handle(const struct tcp *t, la_listener h); /* NULL: stale */
struct listener *la__listener_find(const struct tcp *t, const struct key *k, uint8_t link);
bool la__local_free(const struct tcp *t, const la_listen_opts *o); /* may it listen there? */
int la__listener_new(struct tcp *t, const la_listen_opts *o, struct listener **out);
void la__listener_del(struct tcp *t, struct listener *l);
void la__listen_input(struct tcp *t, struct listener *l, const struct key *k, const struct tcp_seg *seg, const struct path *path,
                      ref_t replaces);
void la__half_input(struct tcp *t, ref_t r, const struct key *k, const struct tcp_seg *seg, const struct path *path);
void la__half_tick(struct tcp *t);
void la__half_del(struct tcp *t, ref_t r);
void la__half_arm(struct tcp *t, ref_t r);
void la__half_end(struct tcp *t, ref_t r, enum la_cause cause, struct ending e);
struct answer *la__syn_ack(struct tcp *t, const struct half *h, const struct key *k, uint8_t again); /* NULL: no room */
void la__listener_queue(struct tcp *t, struct listener *l, struct conn *c);

/* admit.c: SYNs that the application decides on */
static inline bool la__admit_pending(const struct half *h) { return h->retries >= HALF_NEW; }
void la__admit_ask(struct tcp *t, ref_t r);
ref_t la__admit_next(struct tcp *t);                   /* of the next event; REF_NONE: none */
ref_t la__admit_handle(const struct tcp *t, la_syn h); /* REF_NONE: stale */
void la__admit(struct tcp *t, ref_t r);
void la__admit_refuse(struct tcp *t, ref_t r, bool rst);
void la__admit_input(struct tcp *t, ref_t r, const struct key *k, const struct tcp_seg *seg, const struct path *path);
void la__admit_tick(struct tcp *t);

/* cookie.c: h as la__half would fill it */
uint32_t la__cookie_make(struct tcp *t, const struct key *k, const struct half *h); /* the SYN-ACK's sequence number */
uint32_t la__cookie_ts(const struct tcp *t, const struct half *h);                  /* and its TSval */
/* true: fills in iss, irs, mss, have, wscale (the peer's) and ts_recent from the segment that brings the cookie back. */
bool la__cookie_open(struct tcp *t, const struct key *k, const struct tcp_seg *seg, struct half *h);

/* handshake.c */
/* take_tw: a TIME-WAIT record of the pair gives way where la__tw_reusable says so. */
int la__connect(struct tcp *t, const struct key *k, const struct path *path, bool reuse, bool take_tw, struct conn **out);
int la__port_choose(struct tcp *t, struct key *k); /* fills in lport */
void la__syn_sent_input(struct tcp *t, struct conn *c, const struct key *k, const struct tcp_seg *seg, const struct path *path);
struct conn *la__half_promote(struct tcp *t, ref_t r, const struct key *k, const struct tcp_seg *seg);
struct conn *la__cookie_promote(struct tcp *t, struct half *h, const struct key *k, const struct tcp_seg *seg); /* h is the caller's */
void la__conn_established(struct tcp *t, struct conn *c, enum la_cause cause);
/* A SYN's options, but for timestamps' values; and its window. */
uint32_t la__mss_for(uint32_t mtu, bool six); /* without options */
void la__offer(const struct tcp *t, uint32_t mtu, bool six, uint32_t rcvbuf, const struct wish *w, struct tcp_opts *o);
uint16_t la__syn_window(uint32_t rcvbuf, const struct wish *w);

/* input.c's later steps, also for the segment that completes a handshake */
void la__conn_input_acked(struct tcp *t, struct conn *c, const struct key *k, struct tcp_seg *seg, const struct path *path);
void la__challenge(struct tcp *t, struct conn *c);

/* ack.c */
void la__ack_input(struct tcp *t, struct conn *c, const struct tcp_seg *seg);
uint32_t la__snd_end(const struct conn *c); /* sequence number after the last queued byte: the FIN's, when there is one */
void la__rto_arm(struct tcp *t, struct conn *c);
void la__rearm(struct tcp *t, struct conn *c); /* retransmission, persist or keepalive clock as the state now demands */
la_time la__limit(const struct tcp *t, const struct conn *c);
/* How many bytes may wait to be sent, and how many do: UINT32_MAX unless the application has set a low-water mark. */
uint32_t la__takes_now(const struct conn *c);
uint32_t la__unsent_most(const struct conn *c);
uint32_t la__unsent(const struct conn *c);
bool la__unsent_low(const struct conn *c);                         /* low enough to tell that there is room */
la_time la__fin_wait_2(const struct tcp *t, const struct conn *c); /* until when an orphan may stay there */
/* A limit of LA_NEVER, or near it, is one that is never reached. */
static inline la_time la__after(la_time at, la_time d) { return d < LA_NEVER - at ? at + d : LA_NEVER; }

/* data.c */
/* Seventh and eighth step: text and FIN. false: the connection has left for TIME-WAIT or CLOSED. */
bool la__data_input(struct tcp *t, struct conn *c, const struct key *k, struct tcp_seg *seg, const struct path *path);
uint32_t la__rcv_window(const struct conn *c);
void la__recv_settle(struct tcp *t, struct conn *c); /* frees the receive queue when nothing is in it */
uint32_t la__rmss(const struct tcp *t, const struct conn *c);
bool la__window_update_due(const struct tcp *t, const struct conn *c);
bool la__window_holds(const struct tcp *t, const struct conn *c); /* it can be announced at least as wide as last time */
uint16_t la__window_field(const struct tcp *t, struct conn *c);

/* land.c */
/* Verifies a segment that is not yet, for the record `r` or REF_NONE; perhaps its text is then in its place (seg->landed). */
bool la__land_verify(struct tcp *t, ref_t r, struct tcp_seg *seg);
void la__land_forget(struct tcp *t); /* what has landed is not taken after all */
size_t la__text_put(struct tcp *t, struct conn *c,
                    const struct tcp_seg *seg); /* in order, nothing ahead; returns how many bytes had room */
static inline bool la__post_told(const la_post *b) { return b->len >= (b->least < b->cap ? b->least : b->cap) && b->len; }
void la__text_move(struct tcp *t, struct rcvq *q);   /* from the rope to posted buffers */
void la__post_forget(struct tcp *t, struct conn *c); /* the buffers are the application's again */

/* delack.c: when text is acknowledged */
void la__ack_text(struct tcp *t, struct conn *c, const struct tcp_seg *seg, bool in_order, bool had_hole);
void la__ack_sent(const struct tcp *t, struct conn *c);                 /* by the segment that is about to go */
void la__ack_answered(const struct tcp *t, struct conn *c);             /* it carries text */
void la__ack_quick(const struct tcp *t, struct conn *c, unsigned most); /* the next ACKs, at most so many, go at once */
void la__ack_expired(struct tcp *t, struct conn *c);                    /* ack_due has come */
void la__ack_read(struct tcp *t, struct conn *c);                       /* the application has taken bytes */
void la__ack_set_quick(struct tcp *t, struct conn *c, bool on);         /* LA_OPT_QUICKACK */
bool la__ack_is_quick(const struct conn *c);
la_time la__ack_at(const struct tcp *t, const struct conn *c); /* LA_NEVER: no ACK is due */
uint32_t la__rcv_mss(const struct conn *c);

/* urgent.c */
void la__urgent_input(struct tcp *t, struct conn *c, const struct tcp_seg *seg); /* sixth step */
uint32_t la__urgent(const struct conn *c);                                       /* from the first unread byte to RCV.UP */

/* timewait.c */
void la__tw_enter(struct tcp *t, struct conn *c, enum la_cause cause);
/* true: the segment is a SYN that may take over: treat it as for a listener, in place of the record. */
bool la__tw_input(struct tcp *t, ref_t r, const struct key *k, const struct tcp_seg *seg, const struct path *path);
void la__tw_del(struct tcp *t, ref_t r, enum la_cause cause);
void la__tw_forget(struct tcp *t, ref_t r, enum la_cause cause); /* the same, when another record has taken its table entry */
void la__tw_tick(struct tcp *t);
bool la__tw_reusable(const struct tcp *t, ref_t r); /* by a connection of our own */

/* timers.c: one connection's clocks */
void la__conn_touch(struct tcp *t, struct conn *c); /* a segment came: keepalive starts anew */

/* rtt.c: RFC 6298 */
void la__rtt_sample(struct conn *c, la_time rtt);
la_time la__rto(const struct tcp *t, const struct conn *c);        /* without back-off */
la_time la__rto_backed(const struct tcp *t, const struct conn *c); /* doubled for each expiry, up to rto_max (5.5) */

/* ecn.c: RFC 3168 */
bool la__ecn_asked(const struct tcp *t, const struct tcp_seg *syn); /* may a SYN's wish be granted? */
void la__ecn_text(struct tcp *t, struct conn *c, const struct tcp_seg *seg);
bool la__ecn_ack(struct tcp *t, struct conn *c, const struct tcp_seg *seg, uint32_t acked); /* true: a mark to be heeded */
/* Marks a segment about to go; `fresh`: it carries bytes that were never sent. */
void la__ecn_mark(struct conn *c, struct tcp_seg *seg, uint8_t *tos, bool fresh);

/* eor.c */
bool la__eor_mark(struct tcp *t, struct conn *c); /* what is queued so far ends a record; false: no memory */
void la__eor_done(struct tcp *t, struct sndq *q);
uint32_t la__eor_cut(const struct sndq *q, uint32_t seq, uint32_t n); /* how many of n bytes from seq belong to one record */
void la__eor_acked(struct sndq *q, uint32_t una);

/* tune.c: buffers that fit the path */
void la__tune_send(const struct tcp *t, struct conn *c);
void la__tune_recv(struct tcp *t, struct conn *c);
void la__tune_idle(const struct tcp *t, struct conn *c);

/* cc_bbr.c */
void la__bbr_done(struct tcp *t, struct conn *c); /* frees its state */

/* pace.c */
bool la__paced(const struct conn *c);
uint64_t la__pace_rate(const struct conn *c); /* bytes a second; UINT64_MAX: no measure yet, and no limit */
bool la__pace_ready(struct tcp *t, struct conn *c);
void la__pace_sent(const struct tcp *t, struct conn *c, uint32_t bytes);

/* icmp_error.c */
struct icmp_error {
  enum icmp_kind kind;
  uint32_t seq;   /* of the segment that it quotes */
  uint32_t size;  /* of the packet that carried it, by its header */
  uint32_t mtu;   /* TOO_BIG */
  bool from_host; /* sent by the destination itself */
  bool neighbour; /* sent by nobody: our own link finds no way to the next hop */
};
/* false: it means nothing to us. */
bool la__tcp_icmp(struct tcp *t, const struct key *k, const struct icmp_error *e);

/* pmtu.c: the length of segments that the path takes */
uint32_t la__mss_most(const struct tcp *t, const struct conn *c); /* as far as the link, the peer and the application allow */
uint32_t la__pmtu(const struct tcp *t, const struct conn *c);     /* bytes of the longest packet */
void la__pmtu_open(struct tcp *t, struct conn *c);                /* `mss` is la__mss_most: is less known of the path? */
void la__pmtu_attach(struct tcp *t, struct conn *c);              /* a send queue was made */
bool la__pmtu_too_big(struct tcp *t, struct conn *c, const struct icmp_error *e); /* false: it means nothing */
bool la__pmtu_timeout(struct tcp *t, struct conn *c);    /* true: for the path's sake; all goes again, and nothing more is to be done */
bool la__pmtu_lost_again(struct tcp *t, struct conn *c); /* a second copy was lost; true as above */
void la__pmtu_acked(struct tcp *t, struct conn *c);      /* SND.UNA moved, and that may mean something */
/* The length of a probe that may go now in place of an ordinary segment, of `avail` bytes of which `usable` may go; 0: none. */
uint32_t la__pmtu_probe(const struct tcp *t, const struct conn *c, uint32_t avail, uint32_t usable);
void la__pmtu_probe_sent(struct tcp *t, struct conn *c, uint32_t seq, uint32_t n);
/* Is there anything to find out yet? What is closer is not worth a loss. */
static inline bool la__pmtu_open_end(const struct conn *c) { return c->sndq && c->sndq->pmtu.high >= c->mss + 8u; }
bool la__pmtu_probe_lost(struct tcp *t, struct conn *c); /* losses were found; true: the probe is the only one */

/* call.c: CLOSE and ABORT of RFC 9293 3.10 */
void la__tcp_shutdown(struct tcp *t, struct conn *c, enum la_cause cause);
void la__tcp_close(struct tcp *t, struct conn *c);
void la__tcp_abort(struct tcp *t, struct conn *c, enum la_why why);
/* More is about to be queued (or no longer): a last segment that is not full waits for it. */
void la__tcp_more(struct tcp *t, struct conn *c, bool more);

#endif

/* SPDX-License-Identifier: MIT */
/* What loss recovery knows while something is outstanding; see recovery.c, rack.c and sack.c for what it means. */
#ifndef LA_TCP_RECOVERY_H
#define LA_TCP_RECOVERY_H

#include "tcp/sent.h"

#include <lastack/tcp.h>

struct tcp;
struct conn;
struct tcp_seg;
struct tcp_opts;

enum recovery_flag {
  REC_UNDO = 1,        /* undo_marker is valid: if it turns out that nothing was lost, the reduction is taken back */
  REC_RESTORE = 2,     /* cwnd and ssthresh were noted then */
  REC_STAMP = 4,       /* retrans_stamp is valid */
  REC_FRTO = 8,        /* RFC 5682: the time-out may have been spurious */
  REC_HOLD = 16,       /* its step 2b: new data go before what is lost */
  REC_ADVANCED = 32,   /* RACK's newest delivery has changed since losses were looked for */
  REC_DSACK = 64,      /* dsack_round is valid */
  REC_TLP = 128,       /* a probe is out, and everything up to tlp_high is in doubt */
  REC_TLP_OLD = 256,   /* it was no new data */
  REC_TLP_DUE = 512,   /* it is to be sent */
  REC_REOPENED = 1024, /* what is lost goes again for other reasons than loss: new bytes may ride on it */
  REC_PATH = 2048      /* Recovery, but only of a probe of the path's MTU: cwnd stays */
};

struct recovery {
  la_time rack_at, rack_rtt;     /* RACK.xmit_ts, RACK.rtt */
  uint32_t rack_order, rack_end; /* RACK.end_seq */
  uint32_t dsack_round;          /* RACK.dsack_round */
  uint32_t high_seq;             /* SND.NXT when the present state began */
  uint32_t recover;              /* RFC 6582 */
  uint32_t prr_from;             /* RFC 6937's RecoverFS; 0: cwnd is not to be reduced */
  uint32_t prr_delivered, prr_out;
  uint32_t undo_marker;           /* SND.UNA then */
  uint32_t undo_retrans;          /* segments sent again since, less those that the peer had twice */
  bool undo_none;                 /* none was */
  uint32_t retrans_stamp;         /* our timestamp when the first of them went */
  uint32_t tlp_high;              /* TLP.end_seq */
  uint32_t dups;                  /* without SACK: bytes that duplicate ACKs stand for */
  uint32_t fack;                  /* the end of the highest bytes that were reported */
  uint32_t dsacked;               /* segments that the peer says it had twice */
  uint32_t reord_seen;            /* times that the path was seen to reorder */
  uint16_t flags;                 /* enum recovery_flag */
  uint8_t state;                  /* enum la_ca_state */
  uint8_t rtos;                   /* time-outs in a row without progress */
  uint8_t reo_steps, reo_persist; /* RACK.reo_wnd_mult less 1, RACK.reo_wnd_persist */
};

/* What one segment's ACK field, SACK blocks and window have told. */
enum news_flag {
  NEWS_ACKED = 1,        /* SND.UNA moved */
  NEWS_SACKED = 2,       /* bytes are reported for the first time */
  NEWS_ORIG = 4,         /* of what was outstanding when the state began, bytes that went only once have come */
  NEWS_AGAIN = 8,        /* bytes that went more than once were acknowledged */
  NEWS_DSACK = 16,       /* something came twice */
  NEWS_DSACK_TLP = 32,   /* and that was the probe */
  NEWS_DUP = 64,         /* a duplicate ACK (RFC 5681 2) */
  NEWS_PURE = 128,       /* neither text nor another window */
  NEWS_LOST = 256,       /* losses were found */
  NEWS_LOST_AGAIN = 512, /* among them of what had been sent again */
  NEWS_CLOCK = 1024,     /* recovery has set the clock */
  NEWS_REARM = 2048,     /* what was reported left before the head was sent again: the time-out starts anew */
  NEWS_OLD = 4096,       /* its ACK is below SND.UNA: only its blocks mean something */
  NEWS_MARK = 8192       /* an echo of CE (RFC 3168) */
};
struct news {
  uint32_t una;       /* before */
  uint32_t fack;      /* before */
  uint32_t delivered; /* bytes newly acknowledged or reported */
  uint32_t reord;     /* the lowest byte that came late; valid when `late` */
  bool late;
  unsigned what;
  la_time rtt;     /* the sample that it gave; 0: none */
  la_time sent_at; /* when the first of what was reported newly, and went but once, had left; LA_NEVER: none */
};

/* recovery.c */
void la__recovery_init(struct tcp *t, struct conn *c);
void la__recovery_done(struct conn *c);       /* everything is acknowledged, or nothing will be */
uint32_t la__pipe(const struct conn *c);      /* bytes on their way, as far as is known (RFC 6675) */
uint32_t la__cwnd_room(const struct conn *c); /* bytes that cwnd lets go now */
void la__recovery_input(struct tcp *t, struct conn *c, const struct tcp_seg *seg, struct news *n);
void la__recovery_timeout(struct tcp *t, struct conn *c);
void la__recovery_reorder_timeout(struct tcp *t, struct conn *c);
/* All of it again, and nobody's congestion: the window was closed, or segments were too long for the path. */
void la__recovery_resend(struct tcp *t, struct conn *c);
enum sent_kind { SENT_NEW, SENT_LOST_BEFORE, SENT_WINDOW_PROBE, SENT_TAIL_PROBE, SENT_PATH_PROBE };
/* Segments [lo, hi) go out now, `last` begins the last one; what lies below old_nxt had been sent before. */
void la__recovery_sent(struct tcp *t, struct conn *c, uint32_t lo, uint32_t hi, uint32_t last, uint32_t old_nxt, enum sent_kind kind);
void la__recovery_lost(struct conn *c, unsigned i, struct news *n); /* marks a record lost, unless it was reported */
void la__recovery_cwr(struct tcp *t, struct conn *c);               /* a mark of congestion while nothing is outstanding */
void la__recovery_cwr_once(struct tcp *t, struct conn *c);          /* a loss that is already repaired */

/* prr.c */
void la__prr(struct conn *c, const struct news *n);

/* rack.c */
void la__rack_advance(const struct tcp *t, struct conn *c, const struct sent_rec *s);
void la__rack_duplicates(struct conn *c, const struct news *n);
void la__rack_recovered(struct conn *c);
la_time la__rack_remaining(const struct tcp *t, const struct conn *c, const struct sent_rec *s, la_time wnd);
void la__rack_input(struct tcp *t, struct conn *c, struct news *n);
void la__rack_expired(struct tcp *t, struct conn *c, struct news *n);
bool la__tlp_arm(struct tcp *t, struct conn *c, bool advancing); /* false: the time-out is the clock to be set */
void la__tlp_expired(struct tcp *t, struct conn *c);
void la__tlp_input(struct tcp *t, struct conn *c, const struct tcp_seg *seg, const struct news *n);

/* sack.c */
unsigned la__sack_count(const struct conn *c); /* blocks that the next segment carries */
void la__sack_out(struct tcp *t, struct conn *c, struct tcp_opts *o);
void la__sack_duplicate(struct tcp *t, struct conn *c, uint32_t lo, uint32_t hi);
void la__sack_input(struct tcp *t, struct conn *c, const struct tcp_seg *seg, struct news *n);

#endif

/* SPDX-License-Identifier: MIT */
/*
 * What happened between two ends, as a list of events in causal order from which every form of drawing is made: a ladder on a terminal,
 * SVG, HTML, Mermaid. Fed with the items of a ladder, as they happen. It stays small whatever it is fed: long transfers are folded
 * into one event that counts them, while opening, release, losses and states stay; when even those are too many, only the middle is folded.
 */
#ifndef LA_DRAW_DRAWING_H
#define LA_DRAW_DRAWING_H

#include "draw/ladder.h"

enum { DRAWING_KEEP = 4096 /* events, before the drawing folds while it is fed */, DRAWING_SHOW = 240 /* of the finished one */ };

/* Segments that are not drawn one by one. [0]: sent by the left side, [1]: by the right one. */
struct draw_fold {
  uint64_t segs[2], bytes[2], acks[2]; /* segs: those with data */
  uint64_t other;                      /* SYN, FIN, RST, where there are too many of them */
  uint64_t lost, again, notes;
  la_time until;
};
struct draw_event {
  struct ladder_item item; /* item.text is this event's own */
  bool fold;               /* stands for `folded`; the item has only its instant then */
  bool dull;               /* may be folded */
  unsigned depth;          /* nothing but an ACK or data: 0; worth showing: 1; opening and release: 2; never folded: 3 */
  struct draw_event *pair; /* of a SEND its ARRIVE or LOST, and back. NULL: still on its way, or its SEND was not seen */
  const char *clock;       /* whose expiry it was; ran since clock_from. Static storage */
  la_time clock_from;
  struct draw_fold folded;
  size_t index, run; /* its place in the list; fold.c: the number of its run */
};
/* What is remembered of a side while it is fed. */
struct draw_side {
  enum la_state state;
  la_time entered;          /* the state */
  la_time heard, heard_new; /* the latest arrival; the latest that acknowledged something new */
  la_time oldest;           /* since when something is unacknowledged */
  la_time probed;           /* the latest probe */
  uint32_t acked, nxt, fin; /* of what it sent: acknowledged up to; sent up to; past its FIN */
  uint32_t shaken;          /* past its SYN: who says so first ends the opening */
  bool has_state, has_syn, has_fin, fin_acked, shook, scales;
  uint8_t wscale;
  struct draw_sent {
    uint32_t seq;
    la_time at;
  } sent[64]; /* the latest, by number */
  /* A clock that still runs when the drawing ends. */
  const char *waits;
  la_time waits_from, waits_until;
};

struct drawing {
  char heading[320], verdict[1024]; /* may be empty */
  char name[2][96];                 /* of the ends */
  la_time zero;
  struct draw_event **event;
  size_t n, cap;
  struct draw_event **flying; /* SENDs without a pair */
  size_t nflying, flying_cap;
  struct draw_side side[2];
  bool out_of_memory; /* what came after that is missing */
};

/* NULL: memory. */
struct drawing *la__drawing_new(const char *left, const char *right, la_time zero);
void la__drawing_free(struct drawing *d);
/* Items in causal order; text is copied. */
void la__drawing_put(struct drawing *d, const struct ladder_item *it);
/* A clock of a side still runs when the drawing ends: drawn until `until`. `name` is static. */
void la__drawing_wait(struct drawing *d, enum ladder_side side, const char *name, la_time from, la_time until);
/* Left becomes right. */
void la__drawing_flip(struct drawing *d);
/* Folds long transfers, and whatever is more than `show` events. Called by whoever draws; it may be called again. */
void la__drawing_fold(struct drawing *d, size_t show);
/* "37 segments, 51,100 bytes, 37 ACKs" into buf of 160 bytes; returns buf. */
char *la__drawing_fold_text(const struct drawing *d, const struct draw_fold *f, char *buf);
/* Bytes of window that a segment offers: scaled where both SYNs were seen. */
uint32_t la__drawing_window(const struct drawing *d, const struct ladder_item *it);
/* On a terminal. */
void la__drawing_ladder(const struct drawing *d, FILE *out, const struct ladder_style *style);
/* "17 ms", "2.5 s", "3.1 h" into buf of 32 bytes; returns buf. Exact where it is short. */
char *la__drawing_time(la_time t, char *buf);

/* A page or file of them. */
struct draw_claim {
  const char *text;
  bool ok, skipped;
};
struct draw_doc {
  const char *title, *lead; /* may be NULL */
  struct drawing **drawing;
  size_t n, cap;
  struct draw_claim *claim;
  size_t nclaims;
  char left_out[160]; /* what is not drawn, and how to choose it; may be empty */
};
/* Takes d over; false: memory, and d is freed. */
bool la__doc_add(struct draw_doc *doc, struct drawing *d);
void la__doc_free(struct draw_doc *doc);

#endif

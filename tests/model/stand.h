/* SPDX-License-Identifier: MIT */
/*
 * One stack on a stand: all its memory in one arena, so that a connection in a given state can be put back as it was by copying, before
 * each of many segments. Only pages that were written since the picture was taken are copied: the first write to a page is
 * noticed by its protection, and from then on the page counts as written.
 */
#ifndef TESTS_MODEL_STAND_H
#define TESTS_MODEL_STAND_H

#include <stddef.h>

#include <lastack/lastack.h>

#include "tests/model/places.h"

enum { STAND_LPORT = 80, STAND_RPORT = 40000 };

struct stand {
  la_stack *s;
  la_link link;
  la_time now;
  bool six, has_conn, has_listener;
  la_conn conn;
  la_listener listener;
  struct pair pair;
  uint32_t stream; /* the sequence number of the peer's first byte */
  unsigned nout;   /* all that were sent since stand_clear, the first SIDE_OUT kept */
  struct heard out[SIDE_OUT];
  unsigned events; /* m_event, since stand_clear */
  la_end end;
  unsigned nend;
};

/* The one stand: its arena is at the same address from beginning to end. Never fails: it stops the program. */
void stand_open(struct stand *t, bool six, enum la_preset preset);
void stand_close(struct stand *t);
void stand_listen(struct stand *t);
void stand_connect(struct stand *t);
/* A segment from the peer; what comes of it is not asked for yet. With MSS option where it bears SYN. */
void stand_inject(struct stand *t, const struct m_seg *seg);
/* Events and output, until there is no more. */
void stand_pump(struct stand *t);
void stand_clear(struct stand *t);
void stand_pass(struct stand *t, la_time ns);
/* The record of the pair, or LISTEN or CLOSED. */
enum la_state stand_state(struct stand *t);
/* When the clock of the pair's TIME-WAIT record strikes; 0: there is none. */
la_time stand_2msl(struct stand *t);
/* Reads what is unread and compares it with the peer's bytes. */
bool stand_read_matches(struct stand *t, uint32_t n);
/* stand_open, and on to a place. */
void stand_place(struct stand *t, const struct place *p, bool six, bool ts, enum la_preset preset, struct m_tcb *tcb);
_Noreturn void stand_die(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* Takes the picture; puts it back. */
void stand_keep(const struct stand *t);
void stand_back(struct stand *t);
unsigned stand_pages(void);

#endif

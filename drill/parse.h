/* SPDX-License-Identifier: MIT */
/* The parts of the parser. Each takes the tokens of what it is named after; after a failure what it gives is not used, but never NULL. */
#ifndef LA_DRILL_PARSE_H
#define LA_DRILL_PARSE_H

#include "drill/lex.h"

/* A value; `result`: after the = of a call, where `WORD (…)` is a word and a note, not a call, unless nothing stands between. */
struct value *la__parse_value(struct reader *r, bool result);
struct drill_call *la__parse_call(struct reader *r, const struct drill_event *e);
struct drill_packet *la__parse_packet(struct reader *r);
void la__parse_tcp_options(struct reader *r, struct drill_packet *p);
void la__parse_icmp(struct reader *r, struct drill_packet *p);
void la__parse_seq(struct reader *r, uint32_t *seq, uint32_t *end, uint32_t *payload); /* 1:1001(1000) */
la_time la__parse_time(struct reader *r, const char *what);                            /* seconds, exactly */

#endif

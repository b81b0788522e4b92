/* SPDX-License-Identifier: MIT */
/* Why a connection ended, in one line of English. */
#ifndef LA_DRAW_EXPLAIN_H
#define LA_DRAW_EXPLAIN_H

#include "capture/verdict.h"

enum { EXPLAIN_TEXT = 1024, EXPLAIN_END = 64 };
/* Writes the line, without a newline, into buf of EXPLAIN_TEXT bytes, and returns buf. */
char *la__explain_text(const struct flow *c, const struct verdict *v, char *buf);
/* "10.0.0.1:80" or "[fd00::1]:80" into buf of EXPLAIN_END bytes; returns buf. */
char *la__explain_end(const struct flow *c, unsigned end, char *buf);
/* "17 ms", "2.5 s", "3.1 h" into buf of 32 bytes; returns buf. */
char *la__explain_time(la_time d, char *buf);
/* What a reason means. Static storage. */
const char *la__explain_reason(enum reason r);

#endif

/* SPDX-License-Identifier: MIT */
/* How a connection ended, in one line of English. */
#ifndef LA_DRAW_ENDING_H
#define LA_DRAW_ENDING_H

#include <lastack/tcp.h>

enum { ENDING_TEXT = 512 };
/* Writes the line, without a newline, into buf of ENDING_TEXT bytes, and returns buf. */
char *la__ending_text(const la_end *end, char *buf);

/* The clock that made a transition, as "2MSL" or "R2"; NULL when no clock did. Static storage. */
const char *la__clock_name(const la_trace_rec *transition);

#endif

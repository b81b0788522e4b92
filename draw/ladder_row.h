/* SPDX-License-Identifier: MIT */
/* One row of a ladder, and how it is printed. Internal to draw/. */
#ifndef LA_DRAW_LADDER_ROW_H
#define LA_DRAW_LADDER_ROW_H

#include "draw/ladder.h"

enum row_form {
  ROW_STATE,
  ROW_NOTE,
  ROW_DEPARTURE, /* sent, still on its way */
  ROW_WHOLE,     /* sent and arrived */
  ROW_ARRIVAL,   /* the second row of a segment whose departure was printed before */
  ROW_LOST
};
struct ladder_row {
  enum row_form form;
  struct ladder_item item; /* item.text is NULL: see text */
  int state[2];            /* states to print at the sides, or -1 */
  char text[160];
};
void la__ladder_print_head(FILE *out, const struct ladder_style *style, const char *left, const char *right);
void la__ladder_print_row(FILE *out, const struct ladder_style *style, const struct ladder_row *row, la_time zero);
/* "SYN,ACK" and so on into buf, at least 40 bytes. */
void la__ladder_flags(uint8_t flags, char *buf);

#endif

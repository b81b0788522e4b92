/* SPDX-License-Identifier: MIT */
/* Text put together piece by piece in a buffer: lines come by the million, and most of their time would be printf's. */
#ifndef LA_DRAW_LINE_H
#define LA_DRAW_LINE_H

#include <stdint.h>
#include <string.h>

struct line {
  char *at, *end; /* what would not fit before `end` is cut off; one byte is there for the 0 */
};

static inline void la__line_put(struct line *l, const char *s, size_t n) {
  size_t room = (size_t)(l->end - l->at);
  n = n < room ? n : room;
  memcpy(l->at, s, n);
  l->at += n;
}
static inline void la__line_text(struct line *l, const char *s) { la__line_put(l, s, strlen(s)); }
#define LINE(l, literal) la__line_put(l, "" literal, sizeof(literal) - 1)

static inline char *la__digits(char *end, uint64_t n) {
  do
    *--end = (char)('0' + n % 10);
  while (n /= 10);
  return end;
}
static inline void la__line_number(struct line *l, uint64_t n) {
  char digits[20], *p = la__digits(digits + sizeof digits, n);
  la__line_put(l, p, (size_t)(digits + sizeof digits - p));
}
/* In `width` digits at least, at most 20. */
static inline void la__line_padded(struct line *l, uint64_t n, unsigned width) {
  char digits[20], *end = digits + sizeof digits, *p = la__digits(end, n);
  while (p > end - width)
    *--p = '0';
  la__line_put(l, p, (size_t)(end - p));
}

#endif

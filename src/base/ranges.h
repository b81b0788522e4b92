/* SPDX-License-Identifier: MIT */
/*
 * A bounded set of disjoint half-open intervals of sequence numbers, ordered from a base: which bytes beyond
 * RCV.NXT have come. All members lie within 2^31 of each other. Adjacent intervals merge. O(log n) search.
 */
#ifndef LA_BASE_RANGES_H
#define LA_BASE_RANGES_H

#include <stdbool.h>
#include <stdint.h>

struct range {
  uint32_t lo, hi; /* lo <= x < hi, modulo 2^32; never empty */
};
struct ranges {
  struct range *v; /* the owner's array of `cap` */
  uint16_t n, cap;
};
/* Adds [lo, hi), lo before hi. false, and nothing changed, when it would need more than cap intervals. */
bool la__ranges_add(struct ranges *r, uint32_t lo, uint32_t hi);
/* Removes all below `upto` (a partly covered interval is cut). */
void la__ranges_cut(struct ranges *r, uint32_t upto);
/* Index of the first interval that ends beyond x; n when none does. */
unsigned la__ranges_beyond(const struct ranges *r, uint32_t x);
/* Index of the interval that holds x, or -1. */
int la__ranges_find(const struct ranges *r, uint32_t x);

#endif

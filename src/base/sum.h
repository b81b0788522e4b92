/* SPDX-License-Identifier: MIT */
/*
 * The Internet checksum (RFC 1071), 64-bit portable. A partial sum is a uint32_t in host order of the
 * big-endian 16-bit words, folded to at most 17 bits; partial sums of even-length runs add up.
 */
#ifndef LA_BASE_SUM_H
#define LA_BASE_SUM_H

#include <stddef.h>
#include <stdint.h>

/* Adds n bytes to a partial sum. An odd n pads with a zero byte, so only the last run may be odd. */
uint32_t la__sum(uint32_t partial, const void *data, size_t n);
/* Copies n bytes and returns their sum added to `partial`. */
uint32_t la__copy_sum(void *dst, const void *src, size_t n, uint32_t partial);
/* A partial sum of a run that starts at an odd offset: its bytes swapped. */
static inline uint32_t la__sum_odd(uint32_t p) {
  p = (p & 0xffff) + (p >> 16);
  p = (p & 0xffff) + (p >> 16);
  return (p >> 8 | p << 8) & 0xffff;
}
/* The 16 bits to put into a header: the complement of the folded sum. */
static inline uint16_t la__sum_finish(uint32_t p) {
  p = (p & 0xffff) + (p >> 16);
  p = (p & 0xffff) + (p >> 16);
  return (uint16_t)~p;
}

#endif

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

/*
 * Headers are whole words of 32 bits: their sum with those of `sum` in the CPU's own order (RFC 1071 2), folded to 16 bits, without a call.
 * n is a multiple of 4, and not large.
 */
static inline uint32_t la__sum_words(uint64_t sum, const uint8_t *p, uint32_t n) {
  uint64_t w;
  uint32_t h;
  for (; n >= 8; n -= 8, p += 8) {
    __builtin_memcpy(&w, p, 8);
    sum += w;
    sum += sum < w;
  }
  if (n) {
    __builtin_memcpy(&h, p, 4);
    sum += h;
    sum += sum < h;
  }
  sum = (sum & 0xffffffff) + (sum >> 32);
  sum = (sum & 0xffffffff) + (sum >> 32);
  sum = (sum & 0xffff) + (sum >> 16);
  return (uint32_t)((sum & 0xffff) + (sum >> 16));
}
/* 16 bits of the network's order in the CPU's, and back. */
static inline uint32_t la__sum_order(uint32_t v) {
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
  return (v >> 8 | v << 8) & 0xffff;
#else
  return v & 0xffff;
#endif
}

#endif

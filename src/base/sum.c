/* SPDX-License-Identifier: MIT */
/* Words are added in the machine's own order and swapped once at the end: RFC 1071 2 (B). */
#include "base/sum.h"

#include "base/bytes.h"

static uint64_t fold32(uint64_t s) { return (s & 0xffffffffu) + (s >> 32); }

static uint32_t to_host_words(uint64_t s) {
  s = fold32(fold32(s));
  uint32_t p = (uint32_t)((s & 0xffff) + (s >> 16));
  p = (p & 0xffff) + (p >> 16);
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
  p = (p >> 8 | p << 8) & 0xffff;
#endif
  return p;
}

/* Reads at most 8 bytes into a word, as memory would hold them with zeros behind. */
static uint64_t tail(const uint8_t *p, size_t n) {
  uint64_t w = 0;
  memcpy(&w, p, n);
  return w;
}

static uint64_t sum_words(const uint8_t *p, size_t n) {
  uint64_t a = 0, b = 0, w[4];
  for (; n >= 32; p += 32, n -= 32) {
    memcpy(w, p, 32);
    a += (w[0] & 0xffffffffu) + (w[0] >> 32) + (w[1] & 0xffffffffu) + (w[1] >> 32);
    b += (w[2] & 0xffffffffu) + (w[2] >> 32) + (w[3] & 0xffffffffu) + (w[3] >> 32);
  }
  for (; n >= 8; p += 8, n -= 8)
    a += fold32(tail(p, 8));
  if (n)
    b += fold32(tail(p, n));
  return a + b;
}

static uint32_t combine(uint32_t partial, uint64_t words) {
  uint32_t s = partial + to_host_words(words);
  return (s & 0xffff) + (s >> 16);
}

uint32_t la__sum(uint32_t partial, const void *data, size_t n) { return combine(partial, sum_words(data, n)); }

uint32_t la__copy_sum(void *dst, const void *src, size_t n, uint32_t partial) {
  uint8_t *d = dst;
  const uint8_t *p = src;
  uint64_t a = 0, w[4];
  size_t left = n;
  for (; left >= 32; p += 32, d += 32, left -= 32) {
    memcpy(w, p, 32);
    memcpy(d, w, 32);
    a += (w[0] & 0xffffffffu) + (w[0] >> 32) + (w[1] & 0xffffffffu) + (w[1] >> 32);
    a += (w[2] & 0xffffffffu) + (w[2] >> 32) + (w[3] & 0xffffffffu) + (w[3] >> 32);
  }
  memcpy(d, p, left);
  return combine(partial, a + sum_words(p, left));
}

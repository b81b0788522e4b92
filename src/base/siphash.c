/* SPDX-License-Identifier: MIT */
#include "base/siphash.h"

struct sip {
  uint64_t v0, v1, v2, v3;
};

static inline uint64_t rotl(uint64_t x, unsigned n) { return x << n | x >> (64 - n); }

/* Byte by byte in the source; compilers make one load of it where the CPU is little-endian. */
static inline uint64_t le64(const uint8_t *p) {
  return (uint64_t)p[0] | (uint64_t)p[1] << 8 | (uint64_t)p[2] << 16 | (uint64_t)p[3] << 24 | (uint64_t)p[4] << 32 | (uint64_t)p[5] << 40 |
         (uint64_t)p[6] << 48 | (uint64_t)p[7] << 56;
}

#define INLINED static inline __attribute__((always_inline)) /* at -O2 too: a hash of 16 bytes is all rounds */

INLINED void one_round(struct sip *s) {
  s->v0 += s->v1;
  s->v1 = rotl(s->v1, 13) ^ s->v0;
  s->v0 = rotl(s->v0, 32);
  s->v2 += s->v3;
  s->v3 = rotl(s->v3, 16) ^ s->v2;
  s->v0 += s->v3;
  s->v3 = rotl(s->v3, 21) ^ s->v0;
  s->v2 += s->v1;
  s->v1 = rotl(s->v1, 17) ^ s->v2;
  s->v2 = rotl(s->v2, 32);
}

/* 1 to 4 of them, a constant; written out, since compilers leave a loop of so few at -O2. */
INLINED void rounds(struct sip *s, unsigned n) {
  one_round(s);
  if (n > 1)
    one_round(s);
  if (n > 2)
    one_round(s);
  if (n > 3)
    one_round(s);
}

/* Inlined into both callers, so that the round counts are constants there. */
INLINED uint64_t sip(const uint8_t key[16], const uint8_t *p, size_t n, unsigned c, unsigned d) {
  uint64_t k0 = le64(key), k1 = le64(key + 8);
  struct sip s = {k0 ^ 0x736f6d6570736575u, k1 ^ 0x646f72616e646f6du, k0 ^ 0x6c7967656e657261u, k1 ^ 0x7465646279746573u};
  uint64_t last = (uint64_t)n << 56;
  for (; n >= 8; n -= 8, p += 8) {
    uint64_t m = le64(p);
    s.v3 ^= m;
    rounds(&s, c);
    s.v0 ^= m;
  }
  for (; n; n--)
    last |= (uint64_t)p[n - 1] << 8 * (n - 1);
  s.v3 ^= last;
  rounds(&s, c);
  s.v0 ^= last;
  s.v2 ^= 0xff;
  rounds(&s, d);
  return s.v0 ^ s.v1 ^ s.v2 ^ s.v3;
}

uint64_t la__siphash13(const uint8_t key[16], const void *data, size_t n) {
  return n == 16 ? sip(key, data, 16, 1, 3) : sip(key, data, n, 1, 3); /* two of IPv4's addresses and ports: no loops */
}

uint64_t la__siphash24(const uint8_t key[16], const void *data, size_t n) { return sip(key, data, n, 2, 4); }

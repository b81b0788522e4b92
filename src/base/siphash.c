/* SPDX-License-Identifier: MIT */
#include "base/siphash.h"

#include <stdbool.h>

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

/* A word goes in by one round, or two; three, or four, end it. Written out, since compilers leave a loop of so few at -O2. */
INLINED void take(struct sip *s, uint64_t m, bool strong) {
  s->v3 ^= m;
  one_round(s);
  if (strong)
    one_round(s);
  s->v0 ^= m;
}

/* Inlined into its callers, so that `strong` is a constant there: SipHash-2-4 instead of SipHash-1-3. */
INLINED uint64_t sip(const uint8_t key[16], const uint8_t *p, size_t n, bool strong) {
  uint64_t k0 = le64(key), k1 = le64(key + 8);
  struct sip s = {k0 ^ 0x736f6d6570736575u, k1 ^ 0x646f72616e646f6du, k0 ^ 0x6c7967656e657261u, k1 ^ 0x7465646279746573u};
  uint64_t last = (uint64_t)n << 56;
  for (; n >= 8; n -= 8, p += 8)
    take(&s, le64(p), strong);
  for (; n; n--)
    last |= (uint64_t)p[n - 1] << 8 * (n - 1);
  take(&s, last, strong);
  s.v2 ^= 0xff;
  one_round(&s);
  one_round(&s);
  one_round(&s);
  if (strong)
    one_round(&s);
  return s.v0 ^ s.v1 ^ s.v2 ^ s.v3;
}

uint64_t la__siphash13(const uint8_t key[16], const void *data, size_t n) {
  return n == 16 ? sip(key, data, 16, false) : sip(key, data, n, false); /* two of IPv4's addresses and ports: no loops */
}

uint64_t la__siphash24(const uint8_t key[16], const void *data, size_t n) { return sip(key, data, n, true); }

/* SPDX-License-Identifier: MIT */
#include "base/prng.h"

static uint64_t rotl(uint64_t x, unsigned n) { return x << n | x >> (64 - n); }

void la__prng_seed(struct prng *r, uint64_t seed) {
  for (unsigned i = 0; i < 4; i++) { /* splitmix64 */
    seed += 0x9e3779b97f4a7c15u;
    uint64_t z = seed;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
    z = (z ^ z >> 27) * 0x94d049bb133111ebu;
    r->s[i] = z ^ z >> 31;
  }
}

uint64_t la__prng_next(struct prng *r) {
  uint64_t out = rotl(r->s[1] * 5, 7) * 9, t = r->s[1] << 17;
  r->s[2] ^= r->s[0];
  r->s[3] ^= r->s[1];
  r->s[1] ^= r->s[2];
  r->s[0] ^= r->s[3];
  r->s[2] ^= t;
  r->s[3] = rotl(r->s[3], 45);
  return out;
}

/* Multiply and take the high half; the few products that would favour some results are drawn again. */
uint32_t la__prng_below(struct prng *r, uint32_t n) {
  uint32_t reject = -n % n;
  for (;;) {
    uint64_t m = (la__prng_next(r) >> 32) * n;
    if ((uint32_t)m >= reject)
      return (uint32_t)(m >> 32);
  }
}

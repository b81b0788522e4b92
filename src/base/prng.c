/* SPDX-License-Identifier: MIT */
#include "base/prng.h"
#include "base/check.h"

static inline uint64_t rotl(uint64_t x, unsigned n) { return x << n | x >> (64 - n); }

void la__prng_seed(struct prng *r, uint64_t seed) {
  for (unsigned i = 0; i < 4; i++) { /* splitmix64: never four zeros, the one state that xoshiro may not have */
    uint64_t z = seed += 0x9e3779b97f4a7c15u;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
    z = (z ^ z >> 27) * 0x94d049bb133111ebu;
    r->s[i] = z ^ z >> 31;
  }
}

uint64_t la__prng_next(struct prng *r) {
  uint64_t *s = r->s;
  uint64_t out = rotl(s[1] * 5, 7) * 9;
  uint64_t t = s[1] << 17;
  s[2] ^= s[0];
  s[3] ^= s[1];
  s[1] ^= s[2];
  s[0] ^= s[3];
  s[2] ^= t;
  s[3] = rotl(s[3], 45);
  return out;
}

uint32_t la__prng_below(struct prng *r, uint32_t n) {
  LA_CHECK(n > 0);
  /* The high half of x * n is uniform once the 2^32 mod n lowest products are thrown away (Lemire 2019). */
  uint64_t m = (la__prng_next(r) >> 32) * n;
  if ((uint32_t)m < n) {
    uint32_t least = (0u - n) % n;
    while ((uint32_t)m < least)
      m = (la__prng_next(r) >> 32) * n;
  }
  return (uint32_t)(m >> 32);
}

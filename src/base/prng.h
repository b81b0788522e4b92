/* SPDX-License-Identifier: MIT */
/* Random numbers from a seed, the same on every platform: xoshiro256**, seeded by splitmix64. Not for secrets. */
#ifndef LA_BASE_PRNG_H
#define LA_BASE_PRNG_H

#include <stdint.h>

struct prng {
  uint64_t s[4];
};
void la__prng_seed(struct prng *r, uint64_t seed);
uint64_t la__prng_next(struct prng *r);
/* Uniform in 0 .. n-1, without modulo bias; n > 0. */
uint32_t la__prng_below(struct prng *r, uint32_t n);

#endif

/* SPDX-License-Identifier: MIT */
#include "base/siphash.h"

static uint64_t rotl(uint64_t x, unsigned n) { return x << n | x >> (64 - n); }

static uint64_t le64(const uint8_t *p) {
  uint64_t v = 0;
  for (unsigned i = 0; i < 8; i++)
    v |= (uint64_t)p[i] << (8 * i);
  return v;
}

static inline void rounds(uint64_t v[4], unsigned n) {
  while (n--) {
    v[0] += v[1];
    v[1] = rotl(v[1], 13) ^ v[0];
    v[0] = rotl(v[0], 32);
    v[2] += v[3];
    v[3] = rotl(v[3], 16) ^ v[2];
    v[0] += v[3];
    v[3] = rotl(v[3], 21) ^ v[0];
    v[2] += v[1];
    v[1] = rotl(v[1], 17) ^ v[2];
    v[2] = rotl(v[2], 32);
  }
}

static inline uint64_t siphash(const uint8_t key[16], const uint8_t *p, size_t n, unsigned c, unsigned d) {
  uint64_t k0 = le64(key), k1 = le64(key + 8);
  uint64_t v[4] = {k0 ^ 0x736f6d6570736575u, k1 ^ 0x646f72616e646f6du, k0 ^ 0x6c7967656e657261u, k1 ^ 0x7465646279746573u};
  uint64_t last = (uint64_t)n << 56;
  for (; n >= 8; p += 8, n -= 8) {
    uint64_t m = le64(p);
    v[3] ^= m;
    rounds(v, c);
    v[0] ^= m;
  }
  for (unsigned i = 0; i < n; i++)
    last |= (uint64_t)p[i] << (8 * i);
  v[3] ^= last;
  rounds(v, c);
  v[0] ^= last;
  v[2] ^= 0xff;
  rounds(v, d);
  return v[0] ^ v[1] ^ v[2] ^ v[3];
}

uint64_t la__siphash13(const uint8_t key[16], const void *data, size_t n) { return siphash(key, data, n, 1, 3); }
uint64_t la__siphash24(const uint8_t key[16], const void *data, size_t n) { return siphash(key, data, n, 2, 4); }

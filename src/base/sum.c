/* SPDX-License-Identifier: MIT */
/*
 * Sums in the CPU's own byte order, 64 bits at a time with end-around carry: the one's complement sum does not
 * care how its 16-bit words are grouped, nor in which order their bytes lie as long as all agree (RFC 1071 2).
 * The bytes of the result are swapped once, at the end. Several accumulators keep the additions independent.
 */
#include "base/sum.h"
#include "base/bytes.h"

/* The builtins stay inline under -ffreestanding, where a plain memcpy would be a call. */
static inline uint64_t load(const uint8_t *p) {
  uint64_t w;
  memcpy(&w, p, 8);
  return w;
}

static inline void store(uint8_t *p, uint64_t w) { memcpy(p, &w, 8); }

static inline uint64_t add(uint64_t a, uint64_t w) {
  a += w;
  return a + (a < w);
}

/* To 16 bits of big-endian words; 0 only for 0. */
static inline uint32_t fold(uint64_t s) {
  s = (s & 0xffffffff) + (s >> 32);
  s = (s & 0xffffffff) + (s >> 32);
  s = (s & 0xffff) + (s >> 16);
  s = (s & 0xffff) + (s >> 16);
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
  s = (s >> 8 | s << 8) & 0xffff;
#endif
  return (uint32_t)s;
}

static inline uint32_t join(uint32_t partial, uint32_t sum) {
  partial = (partial & 0xffff) + (partial >> 16) + sum;
  return (partial & 0xffff) + (partial >> 16);
}

/* The last n < 8 bytes: which 16 bits of a word they are added to does not matter, only which byte of those comes first. */
static inline uint64_t tail(const uint8_t *p, size_t n) {
  uint64_t sum = 0;
  if (n & 4) {
    uint32_t w;
    __builtin_memcpy(&w, p, 4);
    sum = w;
    p += 4;
  }
  if (n & 2) {
    uint16_t w;
    __builtin_memcpy(&w, p, 2);
    sum += w;
    p += 2;
  }
  if (n & 1) {
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
    sum += *p;
#else
    sum += (uint64_t)*p << 8;
#endif
  }
  return sum;
}

#if defined __SSE2__ || defined __aarch64__
/* Where every machine of the kind has vectors of 16 bytes: the halves of two 64-bit lanes are added up apart, so that nothing carries. */
#define BLOCK 64
typedef uint64_t lanes __attribute__((vector_size(16)));

static inline lanes halves(const uint8_t *p) {
  lanes v;
  memcpy(&v, p, 16);
  return (v & 0xffffffff) + (v >> 32);
}

static uint64_t sum_blocks(const uint8_t *p, size_t n) {
  lanes a = {0, 0}, b = {0, 0};
  for (; n >= BLOCK; n -= BLOCK, p += BLOCK) {
    a += halves(p) + halves(p + 16);
    b += halves(p + 32) + halves(p + 48);
  }
  a += b;
  return add(a[0], a[1]);
}

static inline lanes move(uint8_t *q, const uint8_t *p) {
  lanes v;
  __builtin_memcpy(&v, p, 16);
  __builtin_memcpy(q, &v, 16);
  return (v & 0xffffffff) + (v >> 32);
}

static uint64_t copy_blocks(uint8_t *q, const uint8_t *p, size_t n) {
  lanes a = {0, 0}, b = {0, 0};
  for (; n >= BLOCK; n -= BLOCK, p += BLOCK, q += BLOCK) {
    a += move(q, p) + move(q + 16, p + 16);
    b += move(q + 32, p + 32) + move(q + 48, p + 48);
  }
  a += b;
  return add(a[0], a[1]);
}
#else
#define BLOCK 32
static uint64_t sum_blocks(const uint8_t *p, size_t n) {
  uint64_t a = 0, b = 0, c = 0, d = 0;
  for (; n >= BLOCK; n -= BLOCK, p += BLOCK) {
    a = add(a, load(p));
    b = add(b, load(p + 8));
    c = add(c, load(p + 16));
    d = add(d, load(p + 24));
  }
  return add(add(a, b), add(c, d));
}

static uint64_t copy_blocks(uint8_t *q, const uint8_t *p, size_t n) {
  uint64_t a = 0, b = 0, c = 0, d = 0;
  for (; n >= BLOCK; n -= BLOCK, p += BLOCK, q += BLOCK) {
    uint64_t w = load(p), x = load(p + 8), y = load(p + 16), z = load(p + 24);
    store(q, w);
    store(q + 8, x);
    store(q + 16, y);
    store(q + 24, z);
    a = add(a, w);
    b = add(b, x);
    c = add(c, y);
    d = add(d, z);
  }
  return add(add(a, b), add(c, d));
}
#endif

uint32_t la__sum(uint32_t partial, const void *data, size_t n) {
  const uint8_t *p = data;
  uint64_t a = 0;
  if (n >= BLOCK) {
    a = sum_blocks(p, n);
    p += n / BLOCK * BLOCK;
    n %= BLOCK;
  }
  for (; n >= 8; n -= 8, p += 8)
    a = add(a, load(p));
  if (n)
    a = add(a, tail(p, n));
  return join(partial, fold(a));
}

uint32_t la__copy_sum(void *dst, const void *src, size_t n, uint32_t partial) {
  const uint8_t *p = src;
  uint8_t *q = dst;
  uint64_t a = 0;
  if (n >= BLOCK) {
    a = copy_blocks(q, p, n);
    p += n / BLOCK * BLOCK;
    q += n / BLOCK * BLOCK;
    n %= BLOCK;
  }
  for (; n >= 8; n -= 8, p += 8, q += 8) {
    uint64_t w = load(p);
    store(q, w);
    a = add(a, w);
  }
  if (n) {
    for (size_t i = 0; i < n; i++)
      q[i] = p[i];
    a = add(a, tail(p, n));
  }
  return join(partial, fold(a));
}

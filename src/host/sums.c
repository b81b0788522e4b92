/* SPDX-License-Identifier: MIT */
/*
 * The Internet checksum, alone or while copying, by x86-64's wide vectors.
 *
 * 64-bit lanes are added up twice: as they are, modulo 2^64, and their upper halves alone. From the two the sum of all 32-bit halves
 * follows without a carry anywhere: lower halves = first - 2^32 * second. Words are in the CPU's order until the end (RFC 1071 2).
 */
#include "host/sums.h"

#include "base/sum.h"

#include <lastack/link.h>

static bool always(void) { return true; }

#if defined __x86_64__
#include <immintrin.h>

/* 32-bit halves added up, to 16 bits in the CPU's order; 0 only for 0. */
static inline uint32_t fold(uint64_t s) {
  s = (s & 0xffffffff) + (s >> 32);
  s = (s & 0xffffffff) + (s >> 32);
  s = (s & 0xffff) + (s >> 16);
  return (uint32_t)((s & 0xffff) + (s >> 16));
}

/* To host order, unless the sum stands the other way round already; and added to `partial`. */
static inline uint32_t settle(uint32_t sum, bool swapped, uint32_t partial) {
  if (!swapped)
    sum = (sum >> 8 | sum << 8) & 0xffff;
  partial = (partial & 0xffff) + (partial >> 16) + sum;
  return (partial & 0xffff) + (partial >> 16);
}

/* ---- AVX-512: what is less than a vector by a mask ---- */

#define WIDE __attribute__((target("avx512f,avx512bw")))

struct wide {
  __m512i all, high;
};
WIDE static inline void wide_add(struct wide *w, __m512i v) {
  w->all = _mm512_add_epi64(w->all, v);
  w->high = _mm512_add_epi64(w->high, _mm512_srli_epi64(v, 32));
}
/* The halves' sum stays below 2^48 for any run of less than 2^32 bytes. */
WIDE static inline uint32_t wide_end(const struct wide *a, const struct wide *b, bool swapped, uint32_t partial) {
  __m512i high = _mm512_add_epi64(a->high, b->high), all = _mm512_add_epi64(a->all, b->all);
  __m512i low = _mm512_sub_epi64(all, _mm512_slli_epi64(high, 32));
  return settle(fold((uint64_t)_mm512_reduce_add_epi64(_mm512_add_epi64(low, high))), swapped, partial);
}
WIDE static inline __mmask64 first(size_t n) { return ((__mmask64)1 << n) - 1; }

WIDE static bool avx512_here(void) { return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw"); }

enum { ALIGN_FROM = 192 }; /* shorter runs are not worth it */

/*
 * Long runs begin with the few bytes up to an aligned address: vectors that cross cache lines cost half as much again. After an odd
 * number of them all that follows counts the other way round; so these few are taken that way as well, by a vector that begins one byte
 * earlier (a byte that the mask leaves out), and the sum is turned at the end.
 */
WIDE static uint32_t avx512_sum(uint32_t partial, const void *data, size_t n) {
  const uint8_t *p = data;
  struct wide a = {_mm512_setzero_si512(), _mm512_setzero_si512()}, b = a;
  size_t head = n < ALIGN_FROM ? 0 : -(uintptr_t)p & 63, odd = head & 1;
  if (head) {
    wide_add(&b, _mm512_maskz_loadu_epi8(first(head) << odd, p - odd));
    p += head;
    n -= head;
  }
  for (; n >= 128; n -= 128, p += 128) {
    wide_add(&a, _mm512_loadu_si512(p));
    wide_add(&b, _mm512_loadu_si512(p + 64));
  }
  if (n >= 64) {
    wide_add(&a, _mm512_loadu_si512(p));
    p += 64;
    n -= 64;
  }
  if (n)
    wide_add(&b, _mm512_maskz_loadu_epi8(first(n), p));
  return wide_end(&a, &b, odd, partial);
}

WIDE static uint32_t avx512_copy_sum(void *dst, const void *src, size_t n, uint32_t partial) {
  const uint8_t *p = src;
  uint8_t *q = dst;
  struct wide a = {_mm512_setzero_si512(), _mm512_setzero_si512()}, b = a;
  size_t head = n < ALIGN_FROM ? 0 : -(uintptr_t)q & 63, odd = head & 1;
  if (head) { /* aligned writing matters more than aligned reading */
    __m512i v = _mm512_maskz_loadu_epi8(first(head) << odd, p - odd);
    _mm512_mask_storeu_epi8(q - odd, first(head) << odd, v);
    wide_add(&b, v);
    p += head;
    q += head;
    n -= head;
  }
  for (; n >= 128; n -= 128, p += 128, q += 128) {
    __m512i v = _mm512_loadu_si512(p), w = _mm512_loadu_si512(p + 64);
    _mm512_storeu_si512(q, v);
    _mm512_storeu_si512(q + 64, w);
    wide_add(&a, v);
    wide_add(&b, w);
  }
  if (n >= 64) {
    __m512i v = _mm512_loadu_si512(p);
    _mm512_storeu_si512(q, v);
    wide_add(&a, v);
    p += 64;
    q += 64;
    n -= 64;
  }
  if (n) {
    __m512i v = _mm512_maskz_loadu_epi8(first(n), p);
    _mm512_mask_storeu_epi8(q, first(n), v);
    wide_add(&b, v);
  }
  return wide_end(&a, &b, odd, partial);
}

/* ---- AVX2: without masks for bytes, what alignment would cost is about what it would save ---- */

#define HALF __attribute__((target("avx2")))

struct half {
  __m256i all, high;
};
HALF static inline void half_add(struct half *h, __m256i v) {
  h->all = _mm256_add_epi64(h->all, v);
  h->high = _mm256_add_epi64(h->high, _mm256_srli_epi64(v, 32));
}
HALF static inline uint64_t half_end(const struct half *a, const struct half *b) {
  __m256i high = _mm256_add_epi64(a->high, b->high), all = _mm256_add_epi64(a->all, b->all);
  __m256i sum = _mm256_add_epi64(_mm256_sub_epi64(all, _mm256_slli_epi64(high, 32)), high);
  __m128i two = _mm_add_epi64(_mm256_castsi256_si128(sum), _mm256_extracti128_si256(sum, 1));
  return (uint64_t)_mm_cvtsi128_si64(two) + (uint64_t)_mm_extract_epi64(two, 1);
}
HALF static inline __m256i half_load(const uint8_t *p) { return _mm256_loadu_si256((const __m256i *)(const void *)p); }
HALF static inline void half_store(uint8_t *q, __m256i v) { _mm256_storeu_si256((__m256i *)(void *)q, v); }

/* Less than a vector: 8, 4, 2 and 1 bytes at a time, by halves of 32 bits. A single byte stands low, as at an even place in memory. */
static inline uint64_t few(const uint8_t *p, size_t n) {
  uint64_t sum = 0, w = 0;
  for (; n >= 8; n -= 8, p += 8) {
    __builtin_memcpy(&w, p, 8);
    sum += (w & 0xffffffff) + (w >> 32);
  }
  w = 0;
  if (n & 4) {
    __builtin_memcpy(&w, p, 4); /* the low half: this is little-endian */
    sum += w;
    p += 4;
  }
  w = 0;
  if (n & 2) {
    __builtin_memcpy(&w, p, 2);
    sum += w;
    p += 2;
  }
  return n & 1 ? sum + *p : sum;
}

static inline uint64_t few_copied(uint8_t *q, const uint8_t *p, size_t n) {
  size_t at = 0;
  for (; at + 8 <= n; at += 8)
    __builtin_memcpy(q + at, p + at, 8);
  if (n & 4) {
    __builtin_memcpy(q + at, p + at, 4);
    at += 4;
  }
  if (n & 2) {
    __builtin_memcpy(q + at, p + at, 2);
    at += 2;
  }
  if (n & 1)
    q[at] = p[at];
  return few(p, n);
}

HALF static bool avx2_here(void) { return __builtin_cpu_supports("avx2"); }

HALF static uint32_t avx2_sum(uint32_t partial, const void *data, size_t n) {
  const uint8_t *p = data;
  struct half a = {_mm256_setzero_si256(), _mm256_setzero_si256()}, b = a;
  for (; n >= 64; n -= 64, p += 64) {
    half_add(&a, half_load(p));
    half_add(&b, half_load(p + 32));
  }
  if (n >= 32) {
    half_add(&a, half_load(p));
    p += 32;
    n -= 32;
  }
  return settle(fold(half_end(&a, &b) + few(p, n)), false, partial);
}

HALF static uint32_t avx2_copy_sum(void *dst, const void *src, size_t n, uint32_t partial) {
  const uint8_t *p = src;
  uint8_t *q = dst;
  struct half a = {_mm256_setzero_si256(), _mm256_setzero_si256()}, b = a;
  for (; n >= 64; n -= 64, p += 64, q += 64) {
    __m256i v = half_load(p), w = half_load(p + 32);
    half_store(q, v);
    half_store(q + 32, w);
    half_add(&a, v);
    half_add(&b, w);
  }
  if (n >= 32) {
    __m256i v = half_load(p);
    half_store(q, v);
    half_add(&a, v);
    p += 32;
    q += 32;
    n -= 32;
  }
  return settle(fold(half_end(&a, &b) + few_copied(q, p, n)), false, partial);
}
#endif

const struct sums_kind la__sums_kinds[] = {
#if defined __x86_64__
  {"avx512", avx512_here, {avx512_sum, avx512_copy_sum}},
  {"avx2", avx2_here, {avx2_sum, avx2_copy_sum}},
#endif
  {"built in", always, {la__sum, la__copy_sum}},
};
const unsigned la__sums_nkinds = sizeof la__sums_kinds / sizeof *la__sums_kinds;

la_sums la_host_sums(void) {
  const struct sums_kind *k = la__sums_kinds;
  while (!k->here())
    k++;
  return k->sums;
}

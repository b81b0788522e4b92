/* SPDX-License-Identifier: MIT */
/* Big-endian loads and stores, and a bounded cursor that remembers an overrun instead of making one. */
#ifndef LA_BASE_BYTES_H
#define LA_BASE_BYTES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The embedder's, as a freestanding compiler expects them anyway. */
void *memcpy(void *restrict dst, const void *restrict src, size_t n);
void *memmove(void *dst, const void *src, size_t n);
void *memset(void *dst, int c, size_t n);
int memcmp(const void *a, const void *b, size_t n);
/* -ffreestanding alone would make calls of even the shortest copies. */
#if defined __GNUC__
#define memcpy __builtin_memcpy
#define memmove __builtin_memmove
#define memset __builtin_memset
#define memcmp __builtin_memcmp
#endif

static inline uint16_t be16_get(const uint8_t *p) { return (uint16_t)(p[0] << 8 | p[1]); }
static inline uint32_t be32_get(const uint8_t *p) { return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3]; }
static inline void be16_put(uint8_t *p, uint32_t v) {
  p[0] = (uint8_t)(v >> 8);
  p[1] = (uint8_t)v;
}
static inline void be32_put(uint8_t *p, uint32_t v) {
  be16_put(p, v >> 16);
  be16_put(p + 2, v);
}

/* Reading: past the end every read gives 0 and `bad` stays set. */
struct rd {
  const uint8_t *p, *end;
  bool bad;
};
static inline struct rd rd_of(const uint8_t *p, size_t n) { return (struct rd){p, p + n, false}; }
static inline size_t rd_left(const struct rd *r) { return (size_t)(r->end - r->p); }
static inline const uint8_t *rd_take(struct rd *r, size_t n) {
  if (r->bad || rd_left(r) < n) {
    r->bad = true;
    return 0;
  }
  r->p += n;
  return r->p - n;
}
static inline uint8_t rd_u8(struct rd *r) {
  const uint8_t *p = rd_take(r, 1);
  return p ? *p : 0;
}
static inline uint16_t rd_u16(struct rd *r) {
  const uint8_t *p = rd_take(r, 2);
  return p ? be16_get(p) : 0;
}
static inline uint32_t rd_u32(struct rd *r) {
  const uint8_t *p = rd_take(r, 4);
  return p ? be32_get(p) : 0;
}

#endif

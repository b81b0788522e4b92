/* SPDX-License-Identifier: MIT */
#include "base/bucket.h"

bool la__bucket_take(struct bucket *b, uint32_t rate, la_time now, struct prng *r) {
  if (rate == 0)
    return true;
  la_time gap = LA_SEC / rate + 1;
  if (now - b->at >= gap) {
    uint64_t n = (now - b->at) / gap;
    b->at += n * gap;
    uint32_t cap = rate - la__prng_below(r, rate / 8 + 1);
    b->tokens = n > cap || b->tokens + n > cap ? cap : b->tokens + (uint32_t)n;
  }
  if (b->tokens == 0)
    return false;
  b->tokens--;
  return true;
}

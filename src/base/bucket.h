/* SPDX-License-Identifier: MIT */
/* A token bucket for answers that anybody may ask for. Its size is jittered, so that its level tells an observer little (CVE-2016-5696). */
#ifndef LA_BASE_BUCKET_H
#define LA_BASE_BUCKET_H

#include "base/prng.h"

#include <lastack/stack.h>

struct bucket {
  la_time at; /* refilled up to here */
  uint32_t tokens;
};
/* Begins with `at` zero and the tokens of a second. Takes one token of `rate` a second; false: none is left. A rate of 0 is no limit. */
bool la__bucket_take(struct bucket *b, uint32_t rate, la_time now, struct prng *r);

#endif

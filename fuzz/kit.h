/* SPDX-License-Identifier: MIT */
/* What a fuzzer (fuzz_*.c) tells main.c of itself. libFuzzer and AFL++ need LLVMFuzzerTestOneInput alone. */
#ifndef LA_FUZZ_KIT_H
#define LA_FUZZ_KIT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct prng;
struct fuzz_kit {
  size_t most;        /* bytes of an input */
  unsigned long runs; /* unless --runs says otherwise */
  /* Writes the i-th input to begin with (there is a first one), and returns its size; 0: there is no more. */
  size_t (*seed)(unsigned i, uint8_t *out);
  /* Changes an input in place, and returns its new size. NULL: some bytes change, now and then its end. */
  size_t (*change)(struct prng *r, uint8_t *data, size_t n);
  /* Runs an input; what it says must be the same twice. NULL: LLVMFuzzerTestOneInput does. */
  uint64_t (*digest)(const uint8_t *data, size_t n);
  bool drifts; /* what was run is changed again, not only what it begins with */
};
extern const struct fuzz_kit fuzz_kit;

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#endif

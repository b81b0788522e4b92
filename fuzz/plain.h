/* SPDX-License-Identifier: MIT */
/* What the small fuzzers (fuzz_parse.c, fuzz_struct.c) share: they run under libFuzzer, AFL++, or plain_main.c. */
#ifndef LA_FUZZ_PLAIN_H
#define LA_FUZZ_PLAIN_H

#include <stddef.h>
#include <stdint.h>

enum { PLAIN_MAX = 1024 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
/* The i-th input to begin with, and its size; 0: there is no more. */
size_t plain_seed(unsigned i, uint8_t out[PLAIN_MAX]);

#endif

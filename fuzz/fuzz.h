/* SPDX-License-Identifier: MIT */
/*
 * Fuzzing of the whole stack. An input is a small program: eight bytes of configuration, then operations of eight bytes each:
 * segments of a scripted peer that knows, more or less, where the connection stands; damaged, cut and repeated frames; ICMP;
 * calls of the application; jumps of the clock. Whatever it says, the invariants of fuzz_stack.c must hold after each operation.
 */
#ifndef LA_FUZZ_FUZZ_H
#define LA_FUZZ_FUZZ_H

#include <stddef.h>
#include <stdint.h>

enum { FUZZ_HEAD = 8, FUZZ_OPS_MAX = 256, FUZZ_MAX = FUZZ_HEAD + 8 * FUZZ_OPS_MAX };

/* One operation as it lies in the input. */
struct fuzz_op {
  uint8_t kind, who, a, b;
  uint8_t x[4];
};
enum fuzz_kind { OP_SEGMENT, OP_DAMAGED, OP_ICMP, OP_REPLAY, OP_CALL, OP_TIME, OP_STREAM, OP_RESET_PEER, OP_FRAGMENTS, OP_UDP, OP_KINDS };
/* Above it in `kind`: what is sent is held by an asynchronous driver; the next operation comes in the same turn. */
enum { KIND_MASK = 63, KIND_HOLD = 64, KIND_GO_ON = 128 };

/* Runs one input; a violated invariant aborts. Returns a hash of everything that the stack said. */
uint64_t fuzz_run(const uint8_t *data, size_t size);

/* seeds.c: dialogues that go through a connection's life; 0 past the last. */
size_t fuzz_seed(unsigned i, uint8_t out[FUZZ_MAX]);
/* Changes an input of at most FUZZ_MAX bytes in place, by operations; returns its new size. */
size_t fuzz_mutate(uint8_t *data, size_t size, uint64_t seed);

#endif

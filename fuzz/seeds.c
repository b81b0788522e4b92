/* SPDX-License-Identifier: MIT */
/* Where the fuzzers begin: whole dialogues, and changes to them operation by operation. */
#include "fuzz/fuzz.h"
#include "fuzz/kit.h"

#include <string.h>

#include "base/prng.h"

/* Flags of a segment. */
enum { F = 1, S = 2, R = 4, P = 8, A = 16, E = 64, W = 128 };
/* Segments: `b` picks SEQ and ACK (0: exactly what the stack expects), x[2] the length, x[3] the window. */
#define SEG(who, flags, len) \
  { \
    OP_SEGMENT, who, flags, 0, { 0, 0, len, 7 } \
  }
#define AHEAD(who, flags, by, len) \
  { \
    OP_SEGMENT, who, flags, 1, { by, 0, len, 7 } \
  }
#define CALL(who, what, n) \
  { \
    OP_CALL, who, what, n, { 0, 0, 0, 0 } \
  }
#define TIME(how) \
  { \
    OP_TIME, 0, how, 0, { 0, 0, 0, 0 } \
  }
#define STREAM(who, what, n) \
  { \
    OP_STREAM, who, what, n, { 0, 0, 0, 0 } \
  }
#define BULK STREAM8(0, SEND, 255), STREAM8(0, SEND, 255), STREAM8(0, SEND, 255), STREAM8(0, SEND, 255), STREAM8(0, SEND, 255)
#define STREAM8(who, what, n) \
  { \
    OP_STREAM, who, what, n, { 1, 0, 0, 0 } \
  }
/* The peer has all before the `una`-th segment from the last, and reports the one `from` before the last and n more. */
#define REPORT(who, flags, una, from, n) \
  { \
    OP_SEGMENT, (who) | 16, (flags) | A, 8 | 32, { from, (una) << 4, n << 2 | n, 7 } \
  }
/* It has all, and one came twice. */
#define TWICE(who, from) \
  { \
    OP_SEGMENT, (who) | 16, A, 32, { from, 0, 0, 7 } \
  }
/* As in fuzz_stack.c. */
enum { LISTEN, CONNECT, ACCEPT, SHUTDOWN, CLOSE, ABORT, CLOSE_BY, OPTION = 8, ADMIT = 12, REJECT };
enum { SEND, RECV, LEND = 2, POST = 4, TAKE = 6, LOOK = 8 };
#define OPEN(who) SEG(who, S, 0), SEG(who, A, 0), CALL(who, ACCEPT, 0)

static const struct fuzz_op four_segments[] = {CALL(0, LISTEN, 0), OPEN(0),          SEG(0, A, 4),      STREAM(0, SEND, 5), SEG(0, A, 0),
                                               STREAM(0, RECV, 9), SEG(0, A | F, 0), CALL(0, CLOSE, 0), SEG(0, A, 0),       TIME(9)};
static const struct fuzz_op we_close_first[] = {CALL(0, LISTEN, 0), OPEN(1), CALL(0, CLOSE, 0), SEG(1, A, 0), SEG(1, A | F, 3),
                                                SEG(1, A | F, 0),   TIME(6), SEG(1, S, 0),      TIME(10)};
static const struct fuzz_op active[] = {
  CALL(4, CONNECT, 0),  SEG(4, S | A, 0), STREAM(0, SEND, 200), SEG(4, A, 0),     TIME(6),           SEG(4, A, 0),
  CALL(0, SHUTDOWN, 0), SEG(4, A, 7),     STREAM(0, RECV, 0),   SEG(4, A | F, 0), CALL(0, CLOSE, 0), TIME(10)};
static const struct fuzz_op crossing[] = {CALL(5, CONNECT, 0), SEG(5, S, 0),     SEG(5, S | A, 0), STREAM(0, SEND, 3),
                                          CALL(0, CLOSE, 0),   SEG(5, A | F, 0), SEG(5, A, 0),     TIME(9)};
static const struct fuzz_op holes[] = {CALL(0, LISTEN, 0),     OPEN(2),           AHEAD(2, A, 10, 4), AHEAD(2, A, 40, 4),
                                       AHEAD(2, A | F, 80, 3), SEG(2, A, 5),      SEG(2, A, 5),       SEG(2, A, 6),
                                       STREAM(0, RECV, 255),   CALL(0, CLOSE, 0), SEG(2, A, 0),       TIME(9)};
static const struct fuzz_op loss[] = {CALL(0, LISTEN, 0),
                                      OPEN(3),
                                      STREAM(0, SEND, 255),
                                      {OP_SEGMENT, 3, A, 8, {0, 20, 0, 7}},
                                      {OP_SEGMENT, 3, A, 8, {0, 20, 0, 7}},
                                      {OP_SEGMENT, 3, A, 8, {0, 20, 0, 7}},
                                      {OP_SEGMENT, 3, A, 8, {0, 20, 0, 7}},
                                      TIME(5),
                                      TIME(6),
                                      SEG(3, A, 0),
                                      {OP_SEGMENT, 3, A, 0, {0, 0, 0, 0}},
                                      STREAM(0, SEND, 100),
                                      TIME(6),
                                      TIME(7),
                                      SEG(3, A, 0),
                                      CALL(0, CLOSE_BY, 3),
                                      TIME(8)};
static const struct fuzz_op resets[] = {CALL(0, LISTEN, 0),
                                        OPEN(0),
                                        OPEN(1),
                                        SEG(0, R, 0),
                                        CALL(1, ABORT, 0),
                                        SEG(1, A, 5),
                                        SEG(2, A, 0),
                                        CALL(4, CONNECT, 0),
                                        SEG(4, R | A, 0),
                                        {OP_ICMP, 1, 0, 0, {0, 0, 0, 0}},
                                        TIME(9)};
static const struct fuzz_op idle[] = {
  CALL(0, LISTEN, 0), OPEN(0), {OP_CALL, 0, 8, 1, {0, 0, 0, 0}}, TIME(11), TIME(12), SEG(0, A, 0), TIME(13), SEG(0, A, 3),
  TIME(11),           TIME(11)};

static const struct fuzz_op pieces[] = {CALL(0, LISTEN, 0),
                                        OPEN(0),
                                        {OP_FRAGMENTS, 0, A, 0, {3, 0, 5, 7}},
                                        {OP_FRAGMENTS, 1, S, 0, {1, 2, 5, 7}},
                                        {OP_UDP, 0, 0, 0, {0, 0, 0, 0}},
                                        {OP_UDP, 1, 4, 0, {3, 0, 0, 0}},
                                        {OP_UDP, 0, 3, 0, {0, 200, 0, 0}},
                                        {OP_UDP, 1, 2, 0, {5, 0, 0, 0}},
                                        {OP_FRAGMENTS, 0, A | F, 4, {2, 9, 5, 7}},
                                        CALL(0, CLOSE, 0),
                                        TIME(9)};

static const struct fuzz_op reported[] = {CALL(0, LISTEN, 0),
                                          OPEN(0),
                                          BULK,
                                          REPORT(0, 0, 6, 4, 0),
                                          REPORT(0, 0, 6, 4, 1),
                                          REPORT(0, 0, 6, 4, 2),
                                          TIME(2),
                                          REPORT(0, 0, 3, 1, 0),
                                          SEG(0, A, 0),
                                          BULK,
                                          TIME(5),
                                          REPORT(0, 0, 2, 0, 0),
                                          TWICE(0, 2),
                                          TIME(6),
                                          TWICE(0, 1),
                                          CALL(0, CLOSE, 0),
                                          TIME(6)};
static const struct fuzz_op late[] = {CALL(0, LISTEN, 0),
                                      OPEN(0),
                                      BULK,
                                      TIME(7),
                                      REPORT(0, 0, 5, 3, 0),
                                      {OP_SEGMENT, 24, A, 8, {0, 4 << 4, 0, 7}},
                                      TIME(3),
                                      TWICE(0, 3),
                                      TWICE(0, 2),
                                      {OP_SEGMENT, 16, A, 8, {0, 2 << 4, 0, 0}},
                                      TIME(6),
                                      {OP_SEGMENT, 16, A, 8, {0, 2 << 4, 0, 7}},
                                      TIME(7),
                                      SEG(0, A, 7)};
static const struct fuzz_op marked[] = {CALL(0, LISTEN, 0),
                                        SEG(0, S | E | W, 0),
                                        SEG(0, A, 0),
                                        CALL(0, ACCEPT, 0),
                                        BULK,
                                        TIME(3),
                                        {OP_SEGMENT, 16, A | E, 8, {0, 4 << 4, 0, 7}},
                                        SEG(128, A | P, 7),
                                        SEG(192, A | P, 7),
                                        TIME(3),
                                        SEG(128, A | W, 7),
                                        SEG(128, A, 7),
                                        STREAM8(0, RECV, 255),
                                        REPORT(0, E, 2, 0, 0),
                                        TIME(7)};
static const struct fuzz_op paced[] = {CALL(0, LISTEN, 0), OPEN(1), CALL(0, OPTION, 17), BULK,   TIME(4), SEG(1, A, 0), TIME(6), BULK,
                                       CALL(0, CLOSE, 0),  TIME(7), SEG(1, A, 0),        TIME(9)};
static const struct fuzz_op admitted[] = {CALL(0, LISTEN, 32), SEG(0, S, 0),        CALL(0, ADMIT, 0), SEG(0, A, 0), CALL(0, ACCEPT, 0),
                                          SEG(1, S, 0),        CALL(0, REJECT, 1),  SEG(2, S, 0),      TIME(9),      SEG(3, S, 0),
                                          CALL(0, REJECT, 0),  STREAM(0, SEND, 10), SEG(0, A, 7),      TIME(9)};
static const struct fuzz_op stream_in[] = {CALL(0, LISTEN, 0), OPEN(0),      SEG(0, A, 7), SEG(0, A, 7),          TIME(2), SEG(0, A, 7),
                                           SEG(0, A, 7),       SEG(0, A, 7), SEG(0, A, 7), STREAM8(0, RECV, 255), TIME(3), SEG(0, A, 7),
                                           SEG(0, A, 7),       SEG(0, A, 7), TIME(4),      STREAM8(0, RECV, 255), TIME(5)};
static const struct fuzz_op lent[] = {CALL(0, LISTEN, 0),
                                      OPEN(0),
                                      STREAM8(0, POST, 200),
                                      STREAM(0, POST, 99),
                                      STREAM8(0, POST, 255),
                                      SEG(0, A, 7),
                                      AHEAD(0, A, 40, 7),
                                      SEG(0, A, 7),
                                      STREAM(0, TAKE, 0),
                                      SEG(0, A, 7),
                                      STREAM8(0, LEND, 255),
                                      STREAM(0, SEND, 99),
                                      STREAM8(0, LEND, 200),
                                      SEG(0, A, 7),
                                      STREAM(0, TAKE, 0),
                                      STREAM(0, TAKE, 0),
                                      STREAM(0, TAKE, 0),
                                      SEG(0, A, 7),
                                      STREAM(0, LOOK, 99),
                                      STREAM8(0, POST, 255),
                                      SEG(0, A, 7),
                                      STREAM8(0, LEND, 255),
                                      SEG(0, A | F, 7),
                                      STREAM(0, TAKE, 0),
                                      CALL(0, CLOSE, 0),
                                      SEG(0, A, 0),
                                      TIME(9)};

static const struct {
  const struct fuzz_op *op;
  size_t n;
} seeds[] = {
#define ROW(s) \
  { s, sizeof s / sizeof s[0] }
  ROW(four_segments), ROW(we_close_first), ROW(active), ROW(crossing), ROW(holes), ROW(loss),     ROW(resets),    ROW(idle),
  ROW(pieces),        ROW(reported),       ROW(late),   ROW(marked),   ROW(paced), ROW(admitted), ROW(stream_in), ROW(lent),
};
enum { SEEDS = sizeof seeds / sizeof seeds[0] };

/* Each dialogue with two configurations. */
size_t fuzz_seed(unsigned i, uint8_t out[FUZZ_MAX]) {
  static const uint8_t head[2][FUZZ_HEAD] = {{0}, {15, 0, 3}};
  if (i >= 2 * SEEDS)
    return 0;
  size_t n = seeds[i / 2].n * sizeof(struct fuzz_op);
  memcpy(out, head[i & 1], FUZZ_HEAD);
  memcpy(out + FUZZ_HEAD, seeds[i / 2].op, n);
  return FUZZ_HEAD + n;
}

static void random_op(struct prng *r, struct fuzz_op *o) {
  uint64_t v = la__prng_next(r);
  memcpy(o, &v, sizeof *o);
  o->kind = (uint8_t)la__prng_below(r, OP_KINDS);
  if (la__prng_below(r, 8) == 0)
    o->kind |= la__prng_below(r, 2) ? KIND_HOLD : KIND_GO_ON;
  if (la__prng_below(r, 2))
    o->b = 0;
}

static void change_byte(struct prng *r, uint8_t *data, size_t size) {
  uint8_t *p = &data[la__prng_below(r, (uint32_t)size)];
  switch (la__prng_below(r, 4)) {
  case 0:
    *p ^= (uint8_t)(1u << la__prng_below(r, 8));
    break;
  case 1:
    *p = (uint8_t)(*p + la__prng_below(r, 9) - 4);
    break;
  case 2:
    *p = 0;
    break;
  default:
    *p = (uint8_t)la__prng_next(r);
    break;
  }
}

/* Opens a gap of n operations at `at`; as many as fit. */
static uint32_t open_gap(struct fuzz_op *op, uint32_t *count, uint32_t at, uint32_t n) {
  if (n > FUZZ_OPS_MAX - *count)
    n = FUZZ_OPS_MAX - *count;
  memmove(op + at + n, op + at, (*count - at) * sizeof *op);
  *count += n;
  return n;
}

static void change_ops(struct prng *r, struct fuzz_op *op, uint32_t *count) {
  uint32_t at = la__prng_below(r, *count + 1), n = 1 + la__prng_below(r, 4);
  struct fuzz_op part[4];
  switch (la__prng_below(r, 5)) {
  case 0: /* new ones */
    n = open_gap(op, count, at, n);
    for (uint32_t i = 0; i < n; i++)
      random_op(r, &op[at + i]);
    break;
  case 1: /* fewer */
    if (n > *count - at)
      n = *count - at;
    memmove(op + at, op + at + n, (*count - at - n) * sizeof *op);
    *count -= n;
    break;
  case 2: /* some again, elsewhere */
    if (*count < n)
      break;
    memcpy(part, op + la__prng_below(r, *count - n + 1), n * sizeof *op);
    n = open_gap(op, count, at, n);
    memcpy(op + at, part, n * sizeof *op);
    break;
  case 3: { /* a piece of a dialogue */
    uint32_t s = la__prng_below(r, SEEDS), from = la__prng_below(r, (uint32_t)seeds[s].n), len = (uint32_t)seeds[s].n - from;
    n = open_gap(op, count, at, len);
    memcpy(op + at, seeds[s].op + from, n * sizeof *op);
    break;
  }
  default: /* two change places */
    if (*count >= 2) {
      uint32_t i = la__prng_below(r, *count), k = la__prng_below(r, *count);
      part[0] = op[i];
      op[i] = op[k];
      op[k] = part[0];
    }
    break;
  }
}

size_t fuzz_mutate(uint8_t *data, size_t size, uint64_t seed) {
  struct prng r;
  la__prng_seed(&r, seed);
  if (size < FUZZ_HEAD + sizeof(struct fuzz_op))
    size = fuzz_seed(la__prng_below(&r, 2 * SEEDS), data);
  struct fuzz_op op[FUZZ_OPS_MAX];
  uint32_t count = (uint32_t)((size - FUZZ_HEAD) / sizeof op[0]);
  if (count > FUZZ_OPS_MAX)
    count = FUZZ_OPS_MAX;
  memcpy(op, data + FUZZ_HEAD, count * sizeof op[0]);
  for (uint32_t n = 1 + la__prng_below(&r, 5); n; n--) {
    if (la__prng_below(&r, 3))
      change_ops(&r, op, &count);
    else if (count)
      change_byte(&r, (uint8_t *)op, count * sizeof op[0]);
  }
  if (la__prng_below(&r, 4) == 0)
    change_byte(&r, data, FUZZ_HEAD);
  memcpy(data + FUZZ_HEAD, op, count * sizeof op[0]);
  return FUZZ_HEAD + count * sizeof op[0];
}

/* libFuzzer */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  fuzz_run(data, size);
  return 0;
}

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max, unsigned seed);
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max, unsigned seed) {
  static uint8_t b[FUZZ_MAX];
  if (size > FUZZ_MAX)
    size = FUZZ_MAX;
  memcpy(b, data, size);
  size = fuzz_mutate(b, size, seed);
  if (size > max)
    size = max;
  memcpy(data, b, size);
  return size;
}

static size_t change(struct prng *r, uint8_t *data, size_t n) { return fuzz_mutate(data, n, la__prng_next(r)); }

const struct fuzz_kit fuzz_kit = {
  .most = FUZZ_MAX,
  .runs = 2000,
  .seed = fuzz_seed,
  .change = change,
  .digest = fuzz_run,
  .drifts = true,
};

/* SPDX-License-Identifier: MIT */
/*
 * The fuzzer without libFuzzer: a fixed number of inputs from a seed, for every compiler and every test run.
 *     fuzz_stack [--runs N | --seconds N] [--seed N] [--corpus DIR] [FILE...]
 * FILEs are run as they are. --corpus writes the dialogues it begins with, and ends. A failing input is left as ./fuzz-failed.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/prng.h"
#include "fuzz/fuzz.h"

enum { POOL = 64 };
static struct input {
  size_t n;
  uint8_t b[FUZZ_MAX];
} pool[POOL], now;

static void on_abort(int sig) {
  FILE *f = fopen("fuzz-failed", "wb");
  if (f) {
    fwrite(now.b, 1, now.n, f);
    fclose(f);
    fprintf(stderr, "the input is in ./fuzz-failed\n");
  }
  signal(sig, SIG_DFL);
  raise(sig);
}

static int run_file(const char *path) {
  FILE *f = fopen(path, "rb");
  if (!f) {
    perror(path);
    return 1;
  }
  now.n = fread(now.b, 1, sizeof now.b, f);
  fclose(f);
  fuzz_run(now.b, now.n);
  return 0;
}

static int write_corpus(const char *dir) {
  for (unsigned i = 0; (now.n = fuzz_seed(i, now.b)); i++) {
    char path[4096];
    snprintf(path, sizeof path, "%s/dialogue-%02u", dir, i);
    FILE *f = fopen(path, "wb");
    if (!f || fwrite(now.b, 1, now.n, f) != now.n || fclose(f)) {
      perror(path);
      return 1;
    }
  }
  return 0;
}

/* The pool drifts: what was run takes the place of something in it now and then, so that changes add up. */
static unsigned long fuzz(unsigned long runs, time_t until, uint64_t seed) {
  struct prng r;
  la__prng_seed(&r, seed);
  unsigned seeds = 0;
  while (seeds < POOL && (pool[seeds].n = fuzz_seed(seeds, pool[seeds].b)))
    fuzz_run(pool[seeds].b, pool[seeds].n), seeds++;
  unsigned used = seeds;
  unsigned long i = 0;
  for (; until ? time(NULL) < until : i < runs; i++) {
    now = pool[la__prng_below(&r, used)];
    now.n = fuzz_mutate(now.b, now.n, la__prng_next(&r));
    uint64_t said = fuzz_run(now.b, now.n);
    if (i % 16 == 0 && fuzz_run(now.b, now.n) != said) {
      fprintf(stderr, "the same input, another output\n");
      abort();
    }
    if (used < POOL)
      pool[used++] = now;
    else if (la__prng_below(&r, 4) == 0)
      pool[seeds + la__prng_below(&r, POOL - seeds)] = now;
  }
  return i;
}

int main(int argc, char **argv) {
  unsigned long runs = 2000, seconds = 0, seed = 1;
  int i = 1;
  for (; i + 1 < argc && strncmp(argv[i], "--", 2) == 0; i += 2) {
    char *end;
    unsigned long v = strtoul(argv[i + 1], &end, 10);
    if (strcmp(argv[i], "--corpus") == 0)
      return write_corpus(argv[i + 1]);
    if (*end) {
      fprintf(stderr, "fuzz_stack: not a number: %s\n", argv[i + 1]);
      return 2;
    }
    if (strcmp(argv[i], "--runs") == 0)
      runs = v;
    else if (strcmp(argv[i], "--seconds") == 0)
      seconds = v;
    else if (strcmp(argv[i], "--seed") == 0)
      seed = v;
    else
      break;
  }
  if (i < argc && strncmp(argv[i], "--", 2) == 0) {
    fprintf(stderr, "fuzz_stack: no such option: %s\n", argv[i]);
    return 2;
  }
  signal(SIGABRT, on_abort);
  signal(SIGILL, on_abort);
  if (i < argc) {
    int failed = 0;
    for (; i < argc; i++)
      failed |= run_file(argv[i]);
    return failed;
  }
  printf("%lu inputs\n", fuzz(runs, seconds ? time(NULL) + (time_t)seconds : 0, seed));
  return 0;
}

/* SPDX-License-Identifier: MIT */
/*
 * The fuzzers without libFuzzer: so many inputs from a seed, for every compiler and every test run.
 *     fuzz_WHAT [--runs N | --seconds N] [--seed N] [--corpus DIR] [FILE...]
 * FILEs are run as they are. --corpus writes the inputs it begins with, and ends. A failing input is left as ./fuzz-failed.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/prng.h"
#include "fuzz/kit.h"

enum { POOL = 64 };
struct input {
  size_t n;
  uint8_t *b;
};
static struct input pool[POOL], now;

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

static void copy(struct input *to, const struct input *from) {
  if (!to->b && !(to->b = malloc(fuzz_kit.most)))
    abort();
  to->n = from->n;
  memcpy(to->b, from->b, from->n);
}

static uint64_t run(void) {
  if (fuzz_kit.digest)
    return fuzz_kit.digest(now.b, now.n);
  LLVMFuzzerTestOneInput(now.b, now.n);
  return 0;
}

static int run_file(const char *path) {
  FILE *f = fopen(path, "rb");
  if (!f) {
    perror(path);
    return 1;
  }
  now.n = fread(now.b, 1, fuzz_kit.most, f);
  fclose(f);
  run();
  return 0;
}

static int write_corpus(const char *dir) {
  for (unsigned i = 0; (now.n = fuzz_kit.seed(i, now.b)); i++) {
    char path[4096];
    snprintf(path, sizeof path, "%s/seed-%03u", dir, i);
    FILE *f = fopen(path, "wb");
    size_t done = f ? fwrite(now.b, 1, now.n, f) : 0;
    if (!f || fclose(f) || done != now.n) {
      perror(path);
      return 1;
    }
  }
  return 0;
}

static void damage(struct prng *r) {
  for (unsigned n = la__prng_below(r, 12); n && now.n; n--) {
    size_t at = la__prng_below(r, (uint32_t)now.n);
    if (la__prng_below(r, 2))
      now.b[at] = (uint8_t)la__prng_next(r);
    else
      now.b[at] ^= (uint8_t)(1u << la__prng_below(r, 8));
  }
  if (la__prng_below(r, 4) == 0) { /* longer, or shorter */
    size_t n = la__prng_below(r, (uint32_t)fuzz_kit.most + 1);
    if (n > now.n)
      memset(now.b + now.n, (int)la__prng_below(r, 256), n - now.n);
    now.n = n;
  }
}

static void change(struct prng *r) {
  if (fuzz_kit.change)
    now.n = fuzz_kit.change(r, now.b, now.n);
  else
    damage(r);
}

/* First the seeds as they are. The pool drifts: what was run takes the place of something in it now and then, so that changes add up. */
static unsigned long fuzz(unsigned long runs, time_t until, uint64_t seed) {
  struct prng r;
  la__prng_seed(&r, seed);
  unsigned seeds = 0, used;
  for (; (now.n = fuzz_kit.seed(seeds, now.b)); seeds++) {
    run();
    if (seeds < POOL)
      copy(&pool[seeds], &now);
  }
  used = seeds < POOL ? seeds : POOL;
  unsigned long i = 0;
  for (; until ? time(NULL) < until : i < runs; i++) {
    if (fuzz_kit.drifts)
      copy(&now, &pool[la__prng_below(&r, used)]);
    else
      now.n = fuzz_kit.seed((unsigned)(i % seeds), now.b);
    change(&r);
    uint64_t said = run();
    if (fuzz_kit.digest && i % 16 == 0 && run() != said) {
      fprintf(stderr, "the same input, another output\n");
      abort();
    }
    if (!fuzz_kit.drifts)
      continue;
    if (used < POOL)
      copy(&pool[used++], &now);
    else if (la__prng_below(&r, 4) == 0)
      copy(&pool[POOL - 1 - la__prng_below(&r, seeds < POOL ? POOL - seeds : POOL / 2)], &now);
  }
  return i;
}

static unsigned long number(const char *text) {
  char *end;
  unsigned long v = strtoul(text, &end, 10);
  if (!*text || *end) {
    fprintf(stderr, "fuzz: not a number: %s\n", text);
    exit(2);
  }
  return v;
}

int main(int argc, char **argv) {
  unsigned long runs = fuzz_kit.runs, seconds = 0, seed = 1;
  int i = 1, failed = 0;
  now.b = malloc(fuzz_kit.most);
  if (!now.b)
    abort();
  for (; i + 1 < argc && strncmp(argv[i], "--", 2) == 0; i += 2) {
    if (strcmp(argv[i], "--corpus") == 0)
      return write_corpus(argv[i + 1]);
    if (strcmp(argv[i], "--runs") == 0)
      runs = number(argv[i + 1]);
    else if (strcmp(argv[i], "--seconds") == 0)
      seconds = number(argv[i + 1]);
    else if (strcmp(argv[i], "--seed") == 0)
      seed = number(argv[i + 1]);
    else
      break;
  }
  if (i < argc && strncmp(argv[i], "--", 2) == 0) {
    fprintf(stderr, "fuzz: no such option: %s\n", argv[i]);
    return 2;
  }
  signal(SIGABRT, on_abort);
  signal(SIGILL, on_abort);
  if (i < argc) {
    for (; i < argc; i++)
      failed |= run_file(argv[i]);
  } else {
    printf("%lu inputs\n", fuzz(runs, seconds ? time(NULL) + (time_t)seconds : 0, seed));
  }
  for (unsigned k = 0; k < POOL; k++)
    free(pool[k].b);
  free(now.b);
  return failed;
}

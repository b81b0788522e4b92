/* SPDX-License-Identifier: MIT */
/*
 * A small fuzzer without libFuzzer: so many inputs from a seed, for every compiler and every test run.
 *     fuzz_parse [--runs N] [--seed N] [--corpus DIR] [FILE...]
 * FILEs are run as they are. --corpus writes what it begins with, and ends. A failing input is left as ./fuzz-failed.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/prng.h"
#include "fuzz/plain.h"

static uint8_t now[PLAIN_MAX];
static size_t now_n;

static void on_abort(int sig) {
  FILE *f = fopen("fuzz-failed", "wb");
  if (f) {
    fwrite(now, 1, now_n, f);
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
  now_n = fread(now, 1, sizeof now, f);
  fclose(f);
  return LLVMFuzzerTestOneInput(now, now_n);
}

static int write_corpus(const char *dir) {
  for (unsigned i = 0; (now_n = plain_seed(i, now)); i++) {
    char path[4096];
    snprintf(path, sizeof path, "%s/seed-%02u", dir, i);
    FILE *f = fopen(path, "wb");
    if (!f || fwrite(now, 1, now_n, f) != now_n || fclose(f)) {
      perror(path);
      return 1;
    }
  }
  return 0;
}

static void damage(struct prng *r) {
  for (unsigned n = la__prng_below(r, 12); n && now_n; n--) {
    size_t at = la__prng_below(r, (uint32_t)now_n);
    if (la__prng_below(r, 2))
      now[at] = (uint8_t)la__prng_next(r);
    else
      now[at] ^= (uint8_t)(1u << la__prng_below(r, 8));
  }
  if (la__prng_below(r, 4) == 0) /* longer, or shorter */
    now_n = la__prng_below(r, PLAIN_MAX + 1);
}

int main(int argc, char **argv) {
  unsigned long runs = 10000, seed = 7;
  unsigned seeds = 0;
  struct prng r;
  int i = 1;
  signal(SIGABRT, on_abort);
  signal(SIGILL, on_abort);
  for (; i + 1 < argc && argv[i][0] == '-'; i += 2) {
    if (strcmp(argv[i], "--runs") == 0)
      runs = strtoul(argv[i + 1], NULL, 10);
    else if (strcmp(argv[i], "--seed") == 0)
      seed = strtoul(argv[i + 1], NULL, 10);
    else if (strcmp(argv[i], "--corpus") == 0)
      return write_corpus(argv[i + 1]);
    else
      return 2;
  }
  if (i < argc) {
    int failed = 0;
    for (; i < argc; i++)
      failed |= run_file(argv[i]);
    return failed;
  }
  la__prng_seed(&r, seed);
  while (plain_seed(seeds, now))
    seeds++;
  for (unsigned long n = 0; n < runs; n++) {
    now_n = plain_seed((unsigned)(n % seeds), now);
    if (n >= seeds) /* first as they are */
      damage(&r);
    LLVMFuzzerTestOneInput(now, now_n);
  }
  printf("%lu inputs\n", runs);
  return 0;
}

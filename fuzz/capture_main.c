/* SPDX-License-Identifier: MIT */
/*
 * The fuzzer of captures without libFuzzer: damaged captures of every link type, both forms and families, the same for the same seed.
 *     fuzz_capture [--runs N] [--seed N] [--corpus DIR] [FILE...]
 * FILEs are run as they are. --corpus writes the captures it begins with, and ends. A failing input is left as ./fuzz-failed.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/prng.h"
#include "tests/unit/tape.h"

enum { MOST = 1 << 16 };
static const char *const scripts[] = {">S <SA >A >A10 <A >FA <A +99 <A4 >R",
                                      ">S <SA >A >A10 => ~> (<A5) <A7 k> +75000 k> <A >FA <FAa-1 >A <A +500 new >S <SA >A <RA",
                                      "<A10b >A >A3000o <A >Aw0 +60000 k< +1000 k< other >S <RA other >S5 +1000 ~> +2000 ~>",
                                      ">S <SA >A >A31c +9000 ~> +900000 ~> ~> ~> ~> <RAt200 <A1 >R"};
enum { SCRIPTS = sizeof scripts / sizeof scripts[0], SEEDS = SCRIPTS * TAPE_LINKS * 4 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static uint8_t now[MOST];
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

static void seed_capture(unsigned k, struct tape *t) {
  tape_init(t, (enum tape_link)(k / 4 % TAPE_LINKS), k & 1 ? 6 : 4, k & 2);
  t->snap = k % 7 == 3 ? 60 : 262144;
  t->fragment = k % 5 == 2 ? 8 : 0;
  tape_play(t, scripts[k / 4 / TAPE_LINKS]);
}

static int write_corpus(const char *dir) {
  for (unsigned k = 0; k < SEEDS; k++) {
    struct tape t;
    char path[4096];
    seed_capture(k, &t);
    snprintf(path, sizeof path, "%s/tape-%03u", dir, k);
    FILE *f = fopen(path, "wb");
    if (!f || fwrite(t.data, 1, t.len, f) != t.len || fclose(f) != 0) {
      perror(path);
      return 1;
    }
    tape_free(&t);
  }
  return 0;
}

static void damage(struct prng *r, struct tape *t) {
  static const uint8_t odd[] = {0, 1, 4, 5, 6, 0x45, 0x60, 0x7f, 0x80, 0xff};
  for (unsigned n = la__prng_below(r, 9); n; n--) {
    size_t at = la__prng_below(r, (uint32_t)t->len);
    if (la__prng_below(r, 2))
      t->data[at] = odd[la__prng_below(r, sizeof odd)];
    else
      t->data[at] ^= (uint8_t)(1u << la__prng_below(r, 8));
  }
  size_t at = la__prng_below(r, (uint32_t)t->len), n = la__prng_below(r, (uint32_t)(t->len - at));
  switch (la__prng_below(r, 6)) {
  case 0: /* a piece is missing */
    memmove(t->data + at, t->data + at + n, t->len - at - n);
    t->len -= n;
    break;
  case 1: /* the end */
    t->len = at;
    break;
  case 2: /* a piece is somewhere else, too */
    memmove(t->data + la__prng_below(r, (uint32_t)(t->len - n)), t->data + at, n);
    break;
  default:
    break;
  }
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

int main(int argc, char **argv) {
  unsigned long runs = 10000, seed = 7;
  struct prng r;
  int i = 1;
  signal(SIGABRT, on_abort);
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
  for (int first = i; i < argc; i++)
    if (run_file(argv[i]) != 0)
      return 1;
    else if (i + 1 == argc && first < argc)
      return 0;
  la__prng_seed(&r, seed);
  for (unsigned long n = 0; n < runs; n++) {
    struct tape t;
    seed_capture((unsigned)(n % SEEDS), &t);
    if (n >= SEEDS) /* first as they are */
      damage(&r, &t);
    now_n = t.len < MOST ? t.len : MOST;
    memcpy(now, t.data, now_n);
    tape_free(&t);
    LLVMFuzzerTestOneInput(now, now_n);
  }
  printf("%lu captures\n", runs);
  return 0;
}

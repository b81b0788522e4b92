/* SPDX-License-Identifier: MIT */
/* What the programs of the benchmark share: time of the processor, the application's data, results. No part of any stack. */
#ifndef LA_BENCH_BENCH_H
#define LA_BENCH_BENCH_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

__attribute__((noreturn)) static inline void die(const char *what) {
  fprintf(stderr, "bench: %s\n", what);
  exit(1);
}

/* Seconds of processor time of this process, in user mode and in the kernel: other people's load does not count. */
static inline double cpu_now(void) {
  struct rusage u;
  getrusage(RUSAGE_SELF, &u);
  return (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) + 1e-6 * (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec);
}

static inline double wall_now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/*
 * The application's data: the sender's buffer holds a pattern, which it sends again and again; the receiver puts what comes into a
 * buffer of the same size, at the same places, so that comparing the two at the end tells of any byte that went astray.
 */
enum { APP_BYTES = 65536 };

static inline void app_fill(uint8_t *buf) {
  uint32_t x = 1;
  for (unsigned i = 0; i < APP_BYTES; i++) {
    x = x * 1664525 + 1013904223;
    buf[i] = (uint8_t)(x >> 24);
  }
}

/* One result a line: tools/bench.sh reads them. */
static inline void result(const char *what, double value) { printf("%s %.9g\n", what, value); }

static inline unsigned long number_arg(int argc, char **argv, int i, unsigned long otherwise) {
  return i < argc ? strtoul(argv[i], NULL, 10) : otherwise;
}

#endif

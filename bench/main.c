/* SPDX-License-Identifier: MIT */
/* bench_lastack ROW ARGUMENT...: one sample of one row for our stack; `./dev bench` runs it. */
#include "pair.h"

static const struct {
  const char *name;
  int (*main)(int argc, char **argv);
} rows[] = {{"bulk", bulk_main},       {"cycles", cycles_main},       {"bytes", bytes_main}, {"million", million_main},
            {"worst", worst_main},     {"keepalive", keepalive_main}, {"tun", tun_main},     {"tunfloor", tunfloor_main},
            {"capture", capture_main}, {"explain", explain_main}};

int main(int argc, char **argv) {
  for (unsigned i = 0; argc > 1 && i < sizeof rows / sizeof rows[0]; i++)
    if (strcmp(argv[1], rows[i].name) == 0)
      return rows[i].main(argc - 1, argv + 1);
  fprintf(stderr, "usage: bench_lastack ROW ARGUMENT...\n");
  return 2;
}

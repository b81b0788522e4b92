/* SPDX-License-Identifier: MIT */
/*
 * Writes captures for tests and measurements to the standard output:
 *   tape SCRIPT [ethernet|vlan|qinq|sll|sll2|null|loop|raw] [4|6] [pcap|pcapng] [SNAPLEN] [FRAGMENT]
 *   tape --bulk N    N connections, ten frames each, two hundred open at a time
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/tape.h"

static int flush(struct tape *t) {
  size_t n = fwrite(t->data, 1, t->len, stdout);
  bool ok = n == t->len;
  t->len = 0;
  return ok ? 0 : 1;
}

static int bulk(unsigned long n) {
  static const char *const steps[] = {">S", "<SA", ">A", ">A100", "<A600", ">A", ">FA", "<A", "<FA", ">A"};
  enum { STEPS = sizeof steps / sizeof steps[0], AT_ONCE = 200 };
  static struct tape_end ends[AT_ONCE][2];
  struct tape t;
  tape_init(&t, TAPE_ETHERNET, 4, false);
  for (unsigned long i = 0; i < n; i += AT_ONCE) {
    for (unsigned c = 0; c < AT_ONCE; c++) {
      uint32_t isn = (uint32_t)(i + c) * 2654435761u;
      ends[c][0] = (struct tape_end){.nxt = isn, .got = ~isn};
      ends[c][1] = (struct tape_end){.nxt = ~isn, .got = isn};
    }
    for (unsigned s = 0; s < STEPS; s++)
      for (unsigned c = 0; c < AT_ONCE && i + c < n; c++) {
        memcpy(t.end, ends[c], sizeof t.end);
        t.port[0] = (uint16_t)(1024 + (i + c) % 60000);
        t.port[1] = (uint16_t)(80 + (i + c) / 60000);
        t.at -= LA_MS - 1000;
        tape_play(&t, steps[s]);
        memcpy(ends[c], t.end, sizeof t.end);
      }
    if (flush(&t))
      return 1;
  }
  tape_free(&t);
  return fflush(stdout) ? 1 : 0;
}

static enum tape_link link_of(const char *name) {
  static const char *const names[TAPE_LINKS] = {"ethernet", "vlan", "qinq", "sll", "sll2", "null", "loop", "raw"};
  for (unsigned i = 0; i < TAPE_LINKS; i++)
    if (strcmp(name, names[i]) == 0)
      return (enum tape_link)i;
  fprintf(stderr, "tape: %s: no such link\n", name);
  exit(2);
}

int main(int argc, char **argv) {
  struct tape t;
  if (argc == 3 && strcmp(argv[1], "--bulk") == 0)
    return bulk(strtoul(argv[2], NULL, 10));
  if (argc < 2 || argv[1][0] == '-') {
    fprintf(stderr, "usage: see the source\n");
    return 2;
  }
  tape_init(&t, argc > 2 ? link_of(argv[2]) : TAPE_ETHERNET, argc > 3 && argv[3][0] == '6' ? 6 : 4,
            argc > 4 && strcmp(argv[4], "pcapng") == 0);
  if (argc > 5)
    t.snap = (unsigned)atoi(argv[5]);
  if (argc > 6)
    t.fragment = (uint32_t)atoi(argv[6]);
  tape_play(&t, argv[1]);
  int status = flush(&t);
  tape_free(&t);
  return fflush(stdout) ? 1 : status;
}

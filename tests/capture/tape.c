/* SPDX-License-Identifier: MIT */
/*
 * Writes captures for tests and measurements to the standard output:
 *   tape SCRIPT [ethernet|vlan|qinq|sll|sll2|null|loop|raw] [4|6] [pcap|pcapng] [SNAPLEN] [FRAGMENT]
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

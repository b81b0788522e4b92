/* SPDX-License-Identifier: MIT */
/* The faults of a wire, as text says them: see la_fault_new in <lastack/link.h>. */
#ifndef LA_LINK_FAULT_SPEC_H
#define LA_LINK_FAULT_SPEC_H

#include <lastack/link.h>

enum { FAULT_RULES = 32, FAULT_MILLION = 1000000 };
enum fault_dir { FAULT_IN, FAULT_OUT, FAULT_DIRS };
enum fault_action { FAULT_DROP, FAULT_DUP, FAULT_REORDER, FAULT_CORRUPT, FAULT_DELAY, FAULT_ACTIONS };
/* Bits of what a packet is; a rule is about all packets that have its bit. */
enum fault_what {
  FAULT_ANY = 1,
  FAULT_SYN = 2,
  FAULT_SYNACK = 4,
  FAULT_FIN = 8,
  FAULT_RST = 16,
  FAULT_ACK = 32,
  FAULT_DATA = 64,
};

struct fault_rule {
  enum fault_action action;
  unsigned dirs; /* bits: 1 << fault_dir */
  unsigned what; /* one of fault_what */
  uint64_t first, last;
  uint32_t ppm;  /* of those from first to last, in millionths */
  la_time delay; /* FAULT_DELAY */
};

struct fault_spec {
  uint64_t seed;
  uint32_t ppm[FAULT_DELAY]; /* by action, in millionths */
  la_time delay, jitter;
  struct fault_rule rule[FAULT_RULES];
  unsigned rules;
};

/* false: `err` says which item is wrong, and how. */
bool la__fault_parse(struct fault_spec *s, const char *text, char *err, size_t err_cap);

#endif

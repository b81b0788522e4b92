/* SPDX-License-Identifier: MIT */
/* What the kernel and lastack do with a segment, side by side, and the classes of what they do differently (docs/decisions.md). */
#ifndef TESTS_MODEL_CLASSES_H
#define TESTS_MODEL_CLASSES_H

#include "tests/model/grid.h"

struct question {
  const struct place *place;
  bool six, ts;
  uint32_t n;     /* of the grid */
  struct m_tcb t; /* lastack's, before */
  struct m_seg seg;
};

/* Numbers relative to SND.NXT and RCV.NXT. */
struct outcome {
  enum m_state state;
  unsigned n;
  struct {
    unsigned flags;
    uint32_t seq, ack, len;
    int32_t echo; /* TSecr, from TS.Recent; 99: none */
  } out[2];
  bool has_app, eof, urgent;
  int err;
  uint32_t unread;
};

enum difference {
#define CLASS(name, text) C_##name,
#include "tests/model/class_list.h"
#undef CLASS
  CLASSES
};
extern const char *const class_name[CLASSES];

bool outcome_same(const struct outcome *a, const struct outcome *b);
/* CLASSES: none fits. */
enum difference class_of(const struct question *q, const struct outcome *ours, const struct outcome *theirs);
void outcome_print(const struct outcome *o);
void question_print(const struct question *q);

#endif

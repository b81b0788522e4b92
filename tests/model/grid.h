/* SPDX-License-Identifier: MIT */
/* The grid of segments that each place meets, and the comparison. */
#ifndef TESTS_MODEL_GRID_H
#define TESTS_MODEL_GRID_H

#include "tests/model/stand.h"

enum { G_FLAGS = 64, G_SEQ = 13, G_ACK = 9, G_TEXT = 4, G_WND = 2, G_TS = 4, GRID = G_FLAGS * G_SEQ * G_ACK * G_TEXT * G_WND * G_TS };
extern const struct m_sizes grid_sizes;

struct digits {
  unsigned flags, seq, ack, text, wnd, ts;
};
enum { TS_NONE, TS_OLD, TS_NEW, TS_SAME };
struct digits grid_digits(uint32_t n);
void grid_print(uint32_t n);
/* The n-th segment, made relative to the connection. */
void grid_segment(uint32_t n, const struct m_tcb *t, struct m_seg *seg);
/* What the stack did, against what the model says of it. false: `why` lists the differences. */
bool grid_compare(const struct m_tcb *before, const struct m_result *r, struct stand *st, char *why, size_t cap);
/* Prints the case, the model's view and the stack's. */
void grid_explain(const struct place *p, bool six, uint32_t n, const struct m_tcb *t, const struct m_seg *seg, const struct m_result *r,
                  struct stand *st);

#endif

/* SPDX-License-Identifier: MIT */
/* The application's memory that the stack holds: sent by reference, posted for receiving. It comes back once, and is left alone then. */
#ifndef LA_FUZZ_LEND_H
#define LA_FUZZ_LEND_H

#include "fuzz/fuzz.h"
#include "fuzz/watch.h"

struct lend;
struct lend *lend_new(void);
/*
 * One call, when the operation asks for it (bits 1 to 3 of `a`): bytes sent by reference, a buffer posted, taken, or all taken back, a
 * look at what waits. `check`: what has come is fuzz_byte's.
 */
bool lend_op(struct lend *l, la_stack *s, struct watch *w, la_conn c, const la_info_rec *r, const struct fuzz_op *o, bool check);
void lend_event(struct lend *l, const la_event *e);
/* By then everything must have come back. */
void lend_free(struct lend *l);

#endif

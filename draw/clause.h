/* SPDX-License-Identifier: MIT */
/* What RFC 9293 says of a state and of a change, in short words, with the number of the clause. Static storage throughout. */
#ifndef LA_DRAW_CLAUSE_H
#define LA_DRAW_CLAUSE_H

#include <lastack/trace.h>

struct clause_state {
  const char *means;  /* one sentence */
  const char *waits;  /* for what */
  const char *clocks; /* that run meanwhile */
  const char *next;   /* how it goes on */
};
const struct clause_state *la__clause_state(enum la_state st);

/* Where the text tells of a change: "RFC 9293 3.10.7.4, eighth: check the FIN bit". */
const char *la__clause_of(enum la_state from, enum la_cause cause);
/* As in the RFC's figure 5: what happens ("rcv FIN", "close") and what goes out in answer ("snd ACK"; NULL: nothing). */
const char *la__clause_event(enum la_cause cause);
const char *la__clause_answer(enum la_state from, enum la_cause cause);

#endif

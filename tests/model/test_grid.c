/* SPDX-License-Identifier: MIT */
/* A sample of the table (`./dev table` is the whole), state by state; and that an answer is not repeated for ever. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "tests/model/sweep.h"

enum { STRIDE = 53 };

static void state_agrees(void **state) {
  struct sweep w = {.stride = STRIDE, .shown = 3};
  sweep_state(&w, *state);
  assert_true(w.cases > 0);
  assert_int_equal(w.wrong, 0);
}

/* The same segment ten times: no ACK storm, and a challenge only once. */
static void repeated(void **state) {
  (void)state;
  struct stand st;
  struct m_tcb t;
  char name[80];
  for (unsigned p = 0; p < nplaces; p++) {
    stand_place(&st, &places[p], false, false, LA_PRESET_RFC, &t);
    stand_keep(&st);
    for (unsigned flags = 0; flags < 64; flags++)
      for (int seq = -2; seq <= 2; seq++) {
        struct m_seg seg = {.flags = flags, .seq = t.rcv_nxt + (uint32_t)(seq * 70), .ack = t.snd_nxt, .wnd = SIDE_OPEN_WND};
        seg.len = flags & M_PSH ? 20 : 0;
        stand_back(&st);
        for (unsigned i = 0; i < 10; i++) {
          stand_inject(&st, &seg);
          stand_pump(&st);
        }
        /* What occupies sequence space may draw an ACK each time, and a stranger its RST; nothing else may. */
        bool may = flags & (M_PSH | M_FIN) || (!(flags & M_RST) && stand_state(&st) <= LA_LISTEN);
        if (st.nout > (may ? 11 : 2))
          fail_msg("%s, flags %x, seq %d: %u answers", place_name(&places[p], name, sizeof name), flags, seq, st.nout);
      }
    stand_back(&st);
    stand_close(&st);
  }
}

#define STATE(name) \
  { name, state_agrees, NULL, NULL, (void *)(name) }
int main(void) {
  const struct CMUnitTest tests[] = {
    STATE("CLOSED"),     STATE("LISTEN"),     STATE("SYN-SENT"), STATE("SYN-RECEIVED"), STATE("ESTABLISHED"), STATE("FIN-WAIT-1"),
    STATE("FIN-WAIT-2"), STATE("CLOSE-WAIT"), STATE("CLOSING"),  STATE("LAST-ACK"),     STATE("TIME-WAIT"),   cmocka_unit_test(repeated),
  };
  return cmocka_run_group_tests(tests, 0, 0);
}

/* SPDX-License-Identifier: MIT */
/*
 * cycles OTHERS TIMEWAIT CYCLES: how fast connections come and go beside OTHERS that are ESTABLISHED and TIMEWAIT records in TIME-WAIT.
 * A cycle is a handshake, a byte each way, a release with four segments; the clock then moves on so far that in the long run one
 * TIME-WAIT record ends for each that begins.
 */
#include "pair.h"

enum { STANDING_LEAST = 1000 }; /* TIME-WAIT records of our own where the row asks for none */

static void cycle(struct pair *p, unsigned long n, la_time step) {
  la_conn c, s;
  pair_open_idle(p, n, &c, &s);
  pair_release(p, c, s);
  p->now += step;
  pair_tick(p);
}

int cycles_main(int argc, char **argv) {
  unsigned long others = number_arg(argc, argv, 1, 0), standing = number_arg(argc, argv, 2, 0);
  unsigned long cycles = number_arg(argc, argv, 3, 200000), n = 0;
  la_conn c, s;
  la_stats st;
  unsigned long most = standing > STANDING_LEAST ? standing : STANDING_LEAST;
  unsigned long room = most * 5 / 4; /* pairs that come and go */
  la_time step = 60 * LA_SEC / most;
  struct pair *p = pair_new(others + room, NULL);
  for (; n < others; n++) {
    pair_open_idle(p, n, &c, &s);
    p->now += 10 * LA_US;
    pair_tick(p);
  }
  for (unsigned long i = 0; i < most; i++)
    cycle(p, others + n++ % room, step);
  la_stats_get(p->client.stack, &st);
  if (st.conns != others || st.time_wait + 2 < most || st.time_wait > most + 2)
    die("the records are not there");
  double began = cpu_now();
  for (unsigned long i = 0; i < cycles; i++)
    cycle(p, others + n++ % room, step);
  result("cycles_s", (double)cycles / (cpu_now() - began));
  la_stats_get(p->client.stack, &st);
  if (st.conns != others || st.time_wait + 2 < most || st.time_wait > most + 2)
    die("the records are not there any more");
  pair_free(p);
  return 0;
}

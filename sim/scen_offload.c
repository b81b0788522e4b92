/* SPDX-License-Identifier: MIT */
/* Segments that share frames: between stack and device several go as one, on the wire each by itself. */
#include <string.h>

#include "sim/scens.h"

#define BYTES 300000u

struct outcome {
  struct world *w;
  const struct host *a, *b;
  unsigned acks;
  la_time took;
};

/* The client sends, the server answers with a line, both close. */
static struct outcome carry(struct sim *s, enum sim_offload what, const char *heading) {
  struct world *w = la__sim_world(s, "%s", heading);
  struct duo d = la__duo_make(s, w);
  la__sim_offload(d.a, what);
  la__sim_offload(d.b, what);
  la__duo_boot(&d, NULL);
  la__duo_open(&d, 0);
  la__app_set(d.c, LA_OPT_NODELAY, 1); /* the last bytes wait for nobody's delayed ACK */
  la_time t = w->now;
  la__app_send(d.c, BYTES);
  la__until_received(d.s, BYTES, 1000 * LA_SEC);
  struct outcome o = {.w = w, .a = d.a, .b = d.b, .took = w->now - t};
  la__app_send(d.s, 5000);
  la__until_received(d.c, 5000, 1000 * LA_SEC);
  la__app_close(d.c);
  la__until_eof(d.s, 1000 * LA_SEC);
  la__app_close(d.s);
  la__run_out(w);
  CLAIM(s, d.s->rx_len == BYTES && !d.s->rx_bad && d.c->rx_len == 5000 && !d.c->rx_bad, "all bytes arrive, as they were written");
  for (size_t i = 0; i < w->nlog; i++)
    o.acks += w->log[i]->from == d.b && la__is_kind(w->log[i], K_ACK);
  return o;
}

/* The first packet in which two runs differ; both the same: how many there are. */
static size_t differs(const struct world *a, const struct world *b) {
  size_t i = 0;
  while (i < a->nlog && i < b->nlog && a->log[i]->sent == b->log[i]->sent && a->log[i]->len == b->log[i]->len &&
         memcmp(a->log[i]->raw, b->log[i]->raw, a->log[i]->len) == 0)
    i++;
  return i;
}

static unsigned sent(const struct outcome *o, const struct host *from) {
  unsigned n = 0;
  for (size_t i = 0; i < o->w->nlog; i++)
    n += o->w->log[i]->from == from && !o->w->log[i]->duplicate;
  return n;
}

void la__scen_offload(struct sim *s) {
  struct outcome plain = carry(s, SIM_NO_OFFLOAD, "without"), cut = carry(s, SIM_CUTS, "the device cuts"),
                 both = carry(s, SIM_CUTS_AND_JOINS, "and the other joins");
  bool usual = la__calm(s) && s->opt.delay == SIM_DELAY;
  size_t same = differs(plain.w, cut.w);
  CLAIM(s, same == plain.w->nlog && same == cut.w->nlog,
        "on the wire it is the same with the device that cuts, each of the %zu packets at its instant and byte for byte", same);
  la__claim(s, usual, cut.a->frames * 3 < sent(&cut, cut.a) * 2 && plain.a->frames == sent(&plain, plain.a),
            "which was given %u frames of at most %u bytes for %u packets", (unsigned)cut.a->frames, cut.a->gso, sent(&cut, cut.a));
  la__claim(s, usual, both.b->joined > 0 && both.acks < plain.acks,
            "segments that come in joined, %u frames of them, draw fewer ACKs: %u instead of %u", (unsigned)both.b->joined, both.acks,
            plain.acks);
  la__claim(s, usual, both.took <= plain.took + 2 * SIM_DELAY, "and all the same come through in %s, where it was %s", la__secs(both.took),
            la__secs(plain.took));
}

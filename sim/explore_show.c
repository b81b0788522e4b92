/* SPDX-License-Identifier: MIT */
/* A run's figures, and a trace as a ladder. */
#include "sim/explore.h"

#include <stdlib.h>
#include <string.h>

/* --- the ladder --- */

static const char *state_of(unsigned side) {
  const struct xp_side *d = &la__xp->side[side];
  const struct tcp *t = &d->s->tcp;
  const struct conn *c = d->cur == XP_NONE ? NULL : la__xp_conn(side, d->inc[d->cur].gen);
  if (c && !(c->flags & CF_DETACHED))
    return la_state_name((enum la_state)c->state);
  return t->tw[0].used ? "TIME-WAIT" : t->half[0].used ? "SYN-RECEIVED" : d->l.gen ? "LISTEN" : "CLOSED";
}

/* Incarnations are named by the order in which their ISNs were drawn: A1, A2. */
static void number(char *buf, size_t cap, unsigned side, unsigned inc, uint32_t seq) {
  const struct xp_side *d = &la__xp->side[side];
  if (inc == XP_NONE)
    snprintf(buf, cap, "%u", seq);
  else
    snprintf(buf, cap, "%c%u+%d", 'A' + side, d->inc[inc].tag + 1u, (int)(seq - d->inc[inc].iss));
}

static void segment(char *buf, size_t cap, const struct xp_frame *f) {
  static const char *const names[] = {"FIN", "SYN", "RST", "PSH", "ACK"};
  char seq[24], ack[24];
  size_t n = 0;
  for (unsigned i = 0; i < 5; i++)
    if (f->flags >> i & 1 && 1u << i != LA_PSH && (1u << i != LA_ACK || !(f->flags & (LA_SYN | LA_FIN | LA_RST))))
      n += (size_t)snprintf(buf + n, cap - n, "%s%s", n ? "," : "", names[i]);
  number(seq, sizeof seq, f->from, f->own, f->seq);
  n += (size_t)snprintf(buf + n, cap - n, " %s", seq);
  if (f->flags & LA_ACK) {
    number(ack, sizeof ack, !f->from, f->peer, f->ack);
    n += (size_t)snprintf(buf + n, cap - n, " ack %s", ack);
  }
  if (f->len)
    snprintf(buf + n, cap - n, " (%u)", f->len);
}

static void line(FILE *out, const char *middle) {
  fprintf(out, "  %4u  %-12s  %-44s  %s\n", la__xp->ticks, state_of(0), middle, state_of(1));
}

void la__xp_ladder(FILE *out, const struct xp_bound *b, const struct xp_move *trace, unsigned n) {
  static const char *const calls[] = {"opens", "writes", "reads", "shuts down", "closes", "aborts"};
  if (!la__xp_start(b))
    return;
  fprintf(out, "  tick  %-12s  %-44s  %s\n", "A", "", "B");
  line(out, "");
  for (unsigned i = 0; i < n; i++) {
    char text[100], seg[80];
    const struct xp_frame *f = &la__xp->frame[trace[i].what];
    unsigned side = trace[i].side;
    const char *note;
    bool told = true;
    switch (trace[i].kind) {
    case XP_DELIVER:
      segment(seg, sizeof seg, f);
      note = f->came ? " (again)" : f->age ? " (late)" : "";
      if (side)
        snprintf(text, sizeof text, "<-- %s%s", seg, note);
      else
        snprintf(text, sizeof text, "%*s%s -->", (int)(40 - strlen(note)), seg, note);
      break;
    case XP_DROP:
      segment(seg, sizeof seg, f);
      snprintf(text, sizeof text, "%*s(%s is lost)", side ? 8 : 4, "", seg);
      told = !f->came; /* what has arrived ends without a word */
      break;
    case XP_TICK:
      snprintf(text, sizeof text, "    . . .");
      break;
    default:
      snprintf(text, sizeof text, "%*c %s", side ? 32 : 1, 'A' + (int)side, calls[trace[i].kind - XP_CALL]);
      break;
    }
    bool fine = la__xp_apply(b, trace[i]);
    if (told)
      line(out, text);
    if (!fine)
      fprintf(out, "        %s\n", la__xp_wrong);
  }
}

/* --- the run --- */

static bool run(FILE *out, const struct xp_bound *b, double seconds) {
  struct xp_result r;
  la__xp_search(b, seconds, (size_t)4 << 30, &r);
  bool right = r.failed == b->fails && (r.failed || r.exhausted);
  fprintf(out, "%s, at most %u in flight: %s\n", b->name, b->k, b->line);
  fprintf(out, "  %llu states, %llu transitions, depth %u, %llu ends; %.1f s, %.0f transitions/s; %llu pairs of one form compared: %s\n",
          (unsigned long long)r.states, (unsigned long long)r.transitions, r.depth, (unsigned long long)r.ends, r.seconds,
          r.seconds > 0 ? (double)r.transitions / r.seconds : 0, (unsigned long long)r.merged,
          r.failed      ? (b->fails ? "the failure was found" : "FAILED")
          : r.exhausted ? (b->fails ? "NOT FOUND" : "exhausted, clean")
                        : "NOT EXHAUSTED");
  if (r.exhausted && !r.failed)
    fprintf(out, "  every state has an end ahead; closed by both and left alone, %u ticks at most\n", r.alone);
  if (r.failed) {
    fprintf(out, "  %s; in %u moves:\n", r.wrong, r.ntrace);
    la__xp_ladder(out, b, r.trace, r.ntrace);
  }
  free(r.trace);
  fflush(out);
  return right;
}

bool la__explore(FILE *out, const char *name, double seconds, bool *known) {
  bool right = true, quick = name && !strcmp(name, "quick");
  *known = false;
  for (size_t i = 0; i < la__xp_nbounds; i++) {
    const struct xp_bound *b = &la__xp_bounds[i];
    char full[40];
    snprintf(full, sizeof full, "%s-%u", b->name, b->k);
    if (name && strcmp(name, b->name) != 0 && strcmp(name, full) != 0 && !(quick && !b->slow))
      continue;
    *known = true;
    right &= run(out, b, seconds);
  }
  return right;
}

const char *la__explore_names(void) {
  static char names[600];
  size_t n = 0;
  for (size_t i = 0; i < la__xp_nbounds && n < sizeof names; i++)
    n += (size_t)snprintf(names + n, sizeof names - n, "%s%s-%u", i ? ", " : "", la__xp_bounds[i].name, la__xp_bounds[i].k);
  return names;
}

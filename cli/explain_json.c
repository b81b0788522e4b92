/* SPDX-License-Identifier: MIT */
/*
 * docs/explain.md has the names. Instants are seconds since 1970, as text: a double cannot hold nanoseconds. Spans are milliseconds.
 * Written by hand: a library's tree of a hundred values a connection takes ten times as long as all the rest.
 */
#include "cli/explain.h"

#include "draw/explain.h"
#include "draw/line.h"

enum { JSON_LINE = 16384 }; /* twice what the longest one takes */

#define KEY(l, name) LINE(l, ",\"" name "\":")
#define NUMBER(l, name, n) (KEY(l, name), la__line_number(l, n))
#define TEXT(l, name, s) (KEY(l, name), quoted(l, s))

static void null(struct line *l) { LINE(l, "null"); }

static void quoted(struct line *l, const char *s) {
  if (!s) {
    null(l);
    return;
  }
  LINE(l, "\"");
  for (size_t n; *s; s += n) {
    for (n = 0; (unsigned char)s[n] >= ' ' && s[n] != '"' && s[n] != '\\'; n++)
      ;
    la__line_put(l, s, n);
    if (!s[n])
      break;
    const char hex[] = "0123456789abcdef", escaped[] = {'\\', 'u', '0', '0', hex[s[n] >> 4 & 15], hex[s[n] & 15]};
    la__line_put(l, escaped, sizeof escaped);
    n++;
  }
  LINE(l, "\"");
}

static void boolean(struct line *l, bool b) { b ? LINE(l, "true") : LINE(l, "false"); }

static void frame(struct line *l, const struct flow_mark *m) { m->frame ? la__line_number(l, m->frame) : null(l); }

/* n times ten to the -digits, exactly; always with a point, so that it reads as a real number. */
static void decimal(struct line *l, uint64_t n, uint64_t one, unsigned digits) {
  uint64_t rest = n % one;
  la__line_number(l, n / one);
  LINE(l, ".");
  while (digits > 1 && rest % 10 == 0) {
    rest /= 10;
    digits--;
  }
  la__line_padded(l, rest, digits);
}

static void ms(struct line *l, la_time d) { decimal(l, d, LA_MS, 6); }

static void moment(struct line *l, la_time at) {
  LINE(l, "\"");
  la__line_number(l, at / LA_SEC);
  LINE(l, ".");
  la__line_padded(l, at % LA_SEC, 9);
  LINE(l, "\"");
}

static const char *who(const struct verdict *v, unsigned end) { return end == 2 ? NULL : end == v->client ? "client" : "server"; }

static void end_counts(struct line *l, const struct flow_end *e) {
  LINE(l, "{\"packets\":");
  la__line_number(l, e->segs);
  NUMBER(l, "bytes", e->bytes);
  KEY(l, "syn_frame");
  frame(l, &e->syn);
  KEY(l, "fin_frame");
  frame(l, &e->fin);
  KEY(l, "rst_frame");
  e->rst ? la__line_number(l, e->rst) : null(l);
  NUMBER(l, "syn_retransmissions", e->syns ? e->syns - 1 : 0);
  NUMBER(l, "fin_retransmissions", e->fins ? e->fins - 1 : 0);
  NUMBER(l, "resets", e->rsts);
  NUMBER(l, "retransmissions", e->again);
  NUMBER(l, "duplicate_frames", e->dups);
  NUMBER(l, "damaged_frames", e->damaged);
  NUMBER(l, "missed_bytes", e->missed);
  NUMBER(l, "bytes_after_peer_close", e->late);
  NUMBER(l, "keepalive_probes", e->probes);
  NUMBER(l, "keepalive_answered", e->probe_answers);
  KEY(l, "keepalive_interval_ms");
  e->probe_interval ? ms(l, e->probe_interval) : null(l);
  NUMBER(l, "zero_windows", e->zero_windows);
}

static void end_of(struct line *l, const struct flow *c, unsigned i) {
  end_counts(l, &c->end[i]);
  KEY(l, "zero_window_ms");
  ms(l, la__flow_zero_window(c, i));
  NUMBER(l, "ttl", c->end[i].ttl);
  TEXT(l, "state", la_state_name(c->track.end[i].state));
  LINE(l, "}");
}

static void states(struct line *l, const struct flow *c, const struct verdict *v) {
  KEY(l, "states");
  for (unsigned i = 0; i < c->nevents; i++) {
    const struct flow_event *e = &c->event[i];
    i ? LINE(l, ",{\"end\":") : LINE(l, "[{\"end\":");
    quoted(l, who(v, e->end));
    TEXT(l, "state", la_state_name((enum la_state)e->state));
    NUMBER(l, "frame", la__event_frame(e));
    KEY(l, "at");
    moment(l, e->at);
    LINE(l, "}");
  }
  c->nevents ? LINE(l, "]") : LINE(l, "[]");
}

/* The names of those that are there, as an array. */
static void candidates(struct line *l, const struct verdict *v) {
  KEY(l, "candidates");
  LINE(l, "[");
  for (unsigned i = 0; i < v->ncandidates; i++) {
    if (i)
      LINE(l, ",");
    quoted(l, la__reason_name(v->candidate[i]));
  }
  LINE(l, "]");
}

static void flaws(struct line *l, const struct verdict *v) {
  bool any = false;
  KEY(l, "capture");
  LINE(l, "[");
  for (unsigned i = 0; i < FLAWS; i++)
    if (v->flaws & 1u << i) {
      if (any)
        LINE(l, ",");
      quoted(l, la__flaw_name(i));
      any = true;
    }
  LINE(l, "]");
}

static void icmp(struct line *l, const struct flow *c) {
  KEY(l, "icmp");
  if (!c->icmp.frame) {
    null(l);
    return;
  }
  LINE(l, "{\"type\":");
  la__line_number(l, c->icmp_type);
  NUMBER(l, "code", c->icmp_code);
  NUMBER(l, "frame", c->icmp.frame);
  LINE(l, "}");
}

static void ending(struct line *l, const struct flow *c, const struct verdict *v) {
  TEXT(l, "closed_first", la__closed_name(v->first_closed));
  TEXT(l, "close_kind", la__kind_name(v->kind));
  TEXT(l, "reason", la__reason_name(v->reason));
  TEXT(l, "certainty", la__certainty_name(v->certainty));
  candidates(l, v);
  TEXT(l, "rst_reason", v->kind == KIND_RESET ? la__rst_reason_name(v->reason) : NULL);
  TEXT(l, "by", who(v, v->by));
  KEY(l, "finding");
  boolean(l, v->finding);
  TEXT(l, "reset_by", c->over == OVER_RESET ? who(v, c->rst.by) : NULL);
  KEY(l, "reset_frame");
  frame(l, &c->rst.mark);
  NUMBER(l, "resets_out_of_line", c->forged);
  KEY(l, "half_closed_ms");
  ms(l, v->half_closed);
  NUMBER(l, "half_closed_bytes", v->half_bytes);
  NUMBER(l, "lost_bytes", v->lost);
  icmp(l, c);
  flaws(l, v);
}

static void time_wait(struct line *l, const struct flow *c, const struct verdict *v) {
  la_time rest = v->time_wait ? v->time_wait_until - v->time_wait_from : 0, all = v->time_wait == 3 ? 2 * rest : rest;
  TEXT(l, "time_wait", !v->time_wait ? "none" : v->time_wait == 3 ? "both" : who(v, v->time_wait == 2));
  KEY(l, "time_wait_until");
  v->time_wait ? moment(l, v->time_wait_until) : null(l);
  KEY(l, "time_wait_port_seconds");
  decimal(l, all, LA_SEC, 9);
  KEY(l, "reused_by");
  c->reused.frame ? la__line_number(l, c->reused_by) : null(l);
  KEY(l, "reuses");
  c->reuses ? la__line_number(l, c->reuses) : null(l);
  KEY(l, "same_as");
  c->nat_of ? la__line_number(l, c->nat_of) : null(l);
}

/* Of what was sent twice nobody knows which one was answered. */
static bool handshake_timed(const struct flow *c) { return c->open.frame && c->end[0].syns == 1 && c->end[1].syns == 1; }

static void connection(struct line *l, const struct flow *c, const struct verdict *v) {
  char a[EXPLAIN_END];
  LINE(l, "{\"id\":");
  la__line_number(l, c->id);
  TEXT(l, "client", la__explain_end(c, v->client, a));
  TEXT(l, "server", la__explain_end(c, !v->client, a));
  NUMBER(l, "first_frame", c->first.frame);
  NUMBER(l, "last_frame", c->last.frame);
  KEY(l, "start");
  moment(l, c->first.at);
  KEY(l, "end");
  moment(l, c->last.at);
}

bool la__explain_json(FILE *out, const struct flow *c, const struct verdict *v) {
  char buf[JSON_LINE], text[EXPLAIN_TEXT];
  struct line l = {buf, buf + sizeof buf};
  connection(&l, c, v);
  ending(&l, c, v);
  KEY(&l, "handshake_rtt_ms");
  handshake_timed(c) ? ms(&l, c->syn_rtt + c->ack_rtt) : null(&l);
  time_wait(&l, c, v);
  TEXT(&l, "zeek_state", la__zeek_state(&c->zeek));
  TEXT(&l, "zeek_history", c->zeek.history);
  TEXT(&l, "zeek_orig", who(v, c->zeek.orig));
  NUMBER(&l, "completeness", la__flow_completeness(c));
  KEY(&l, "client_end");
  end_of(&l, c, v->client);
  KEY(&l, "server_end");
  end_of(&l, c, !v->client);
  states(&l, c, v);
  TEXT(&l, "text", la__explain_text(c, v, text));
  LINE(&l, "}\n");
  /* locked: the thread that draws the bar empties the buffer */
  return fwrite(buf, 1, (size_t)(l.at - buf), out) == (size_t)(l.at - buf);
}

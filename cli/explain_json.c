/* SPDX-License-Identifier: MIT */
/* docs/explain.md has the names. Instants are seconds since 1970, as text: a double cannot hold nanoseconds. Spans are milliseconds. */
#include "cli/explain.h"

#include <jansson.h>
#include <stdlib.h>

#include "draw/explain.h"

static json_t *text(const char *s) { return s ? json_string(s) : json_null(); }
static json_t *number(uint64_t n) { return json_integer((json_int_t)n); }
static json_t *ms(la_time d) { return json_real((double)d / 1e6); }
static json_t *frame(const struct flow_mark *m) { return m->frame ? number(m->frame) : json_null(); }

static json_t *moment(la_time at) {
  char buf[40];
  snprintf(buf, sizeof buf, "%llu.%09llu", (unsigned long long)(at / LA_SEC), (unsigned long long)(at % LA_SEC));
  return json_string(buf);
}

static const char *who(const struct verdict *v, unsigned end) { return end == 2 ? NULL : end == v->client ? "client" : "server"; }

static json_t *end_json(const struct flow *c, unsigned i) {
  const struct flow_end *e = &c->end[i];
  json_t *o = json_object();
  json_object_set_new(o, "packets", number(e->segs));
  json_object_set_new(o, "bytes", number(e->bytes));
  json_object_set_new(o, "syn_frame", frame(&e->syn));
  json_object_set_new(o, "fin_frame", frame(&e->fin));
  json_object_set_new(o, "rst_frame", frame(&e->rst));
  json_object_set_new(o, "syn_retransmissions", number(e->syns ? e->syns - 1 : 0));
  json_object_set_new(o, "fin_retransmissions", number(e->fins ? e->fins - 1 : 0));
  json_object_set_new(o, "resets", number(e->rsts));
  json_object_set_new(o, "retransmissions", number(e->again));
  json_object_set_new(o, "duplicate_frames", number(e->dups));
  json_object_set_new(o, "damaged_frames", number(e->damaged));
  json_object_set_new(o, "missed_bytes", number(e->missed));
  json_object_set_new(o, "bytes_after_peer_close", number(e->late));
  json_object_set_new(o, "keepalive_probes", number(e->probes));
  json_object_set_new(o, "keepalive_answered", number(e->probe_answers));
  json_object_set_new(o, "keepalive_interval_ms", e->probe_interval ? ms(e->probe_interval) : json_null());
  json_object_set_new(o, "zero_windows", number(e->zero_windows));
  json_object_set_new(o, "zero_window_ms", ms(la__flow_zero_window(c, i)));
  json_object_set_new(o, "ttl", number(e->ttl));
  json_object_set_new(o, "state", text(la_state_name(c->track.end[i].state)));
  return o;
}

static json_t *states(const struct flow *c, const struct verdict *v) {
  json_t *a = json_array();
  for (unsigned i = 0; i < c->nevents; i++) {
    const struct flow_event *e = &c->event[i];
    json_array_append_new(a, json_pack("{s:s, s:s, s:I, s:o}", "end", who(v, e->end), "state", la_state_name((enum la_state)e->state),
                                       "frame", (json_int_t)la__event_frame(e), "at", moment(e->at)));
  }
  return a;
}

static void ending(json_t *o, const struct flow *c, const struct verdict *v) {
  json_t *candidates = json_array(), *flaws = json_array();
  for (unsigned i = 0; i < v->ncandidates; i++)
    json_array_append_new(candidates, json_string(la__reason_name(v->candidate[i])));
  for (unsigned i = 0; i < FLAWS; i++)
    if (v->flaws & 1u << i)
      json_array_append_new(flaws, json_string(la__flaw_name(i)));
  json_object_set_new(o, "closed_first", text(la__closed_name(v->first_closed)));
  json_object_set_new(o, "close_kind", text(la__kind_name(v->kind)));
  json_object_set_new(o, "reason", text(la__reason_name(v->reason)));
  json_object_set_new(o, "certainty", text(la__certainty_name(v->certainty)));
  json_object_set_new(o, "candidates", candidates);
  json_object_set_new(o, "rst_reason", text(v->kind == KIND_RESET ? la__rst_reason_name(v->reason) : NULL));
  json_object_set_new(o, "by", text(who(v, v->by)));
  json_object_set_new(o, "finding", json_boolean(v->finding));
  json_object_set_new(o, "reset_by", text(c->over == OVER_RESET ? who(v, c->rst.by) : NULL));
  json_object_set_new(o, "reset_frame", frame(&c->rst.mark));
  json_object_set_new(o, "resets_out_of_line", number(c->forged));
  json_object_set_new(o, "half_closed_ms", ms(v->half_closed));
  json_object_set_new(o, "half_closed_bytes", number(v->half_bytes));
  json_object_set_new(o, "lost_bytes", number(v->lost));
  json_object_set_new(o, "icmp",
                      c->icmp.frame
                        ? json_pack("{s:i, s:i, s:I}", "type", c->icmp_type, "code", c->icmp_code, "frame", (json_int_t)c->icmp.frame)
                        : json_null());
  json_object_set_new(o, "capture", flaws);
}

static void time_wait(json_t *o, const struct flow *c, const struct verdict *v) {
  const char *carrier = !v->time_wait ? "none" : v->time_wait == 3 ? "both" : who(v, v->time_wait == 2);
  double seconds = v->time_wait ? (double)(v->time_wait_until - v->time_wait_from) / 1e9 : 0;
  json_object_set_new(o, "time_wait", text(carrier));
  json_object_set_new(o, "time_wait_until", v->time_wait ? moment(v->time_wait_until) : json_null());
  json_object_set_new(o, "time_wait_port_seconds", json_real(v->time_wait == 3 ? 2 * seconds : seconds));
  json_object_set_new(o, "reused_by", c->reused.frame ? number(c->reused_by) : json_null());
  json_object_set_new(o, "reuses", c->reuses ? number(c->reuses) : json_null());
  json_object_set_new(o, "same_as", c->nat_of ? number(c->nat_of) : json_null());
}

static bool put(FILE *out, json_t *o) {
  char *s = json_dumps(o, JSON_COMPACT | JSON_REAL_PRECISION(15));
  bool ok = s && fputs(s, out) != EOF && fputc('\n', out) != EOF;
  free(s);
  json_decref(o);
  return ok;
}

bool la__explain_json(FILE *out, const struct flow *c, const struct verdict *v) {
  char a[EXPLAIN_END], b[EXPLAIN_END], line[EXPLAIN_TEXT];
  json_t *o = json_object();
  json_object_set_new(o, "id", number(c->id));
  json_object_set_new(o, "client", text(la__explain_end(c, v->client, a)));
  json_object_set_new(o, "server", text(la__explain_end(c, !v->client, b)));
  json_object_set_new(o, "first_frame", number(c->first.frame));
  json_object_set_new(o, "last_frame", number(c->last.frame));
  json_object_set_new(o, "start", moment(c->first.at));
  json_object_set_new(o, "end", moment(c->last.at));
  ending(o, c, v);
  json_object_set_new(o, "handshake_rtt_ms", c->syn_rtt || c->ack_rtt ? ms(c->syn_rtt + c->ack_rtt) : json_null());
  time_wait(o, c, v);
  json_object_set_new(o, "zeek_state", text(la__zeek_state(&c->zeek)));
  json_object_set_new(o, "zeek_history", text(c->zeek.history));
  json_object_set_new(o, "zeek_orig", text(who(v, c->zeek.orig)));
  json_object_set_new(o, "completeness", number(c->completeness));
  json_object_set_new(o, "client_end", end_json(c, v->client));
  json_object_set_new(o, "server_end", end_json(c, !v->client));
  json_object_set_new(o, "states", states(c, v));
  json_object_set_new(o, "text", text(la__explain_text(c, v, line)));
  return put(out, o);
}

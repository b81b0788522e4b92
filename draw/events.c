/* SPDX-License-Identifier: MIT */
/*
 * A connection's END stands in two records, and the transition to CLOSED follows it: connection_closed waits for that, so that it is the
 * last that is told of a connection unless TIME-WAIT outlives it. Metrics are told when they have changed since they were last told; what
 * was told is kept in a direct-mapped table, so that memory does not grow with the connections.
 */
#include "draw/events.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

enum { TOLD = 1024 };
struct told {
  uint32_t gen, cwnd, ssthresh, retransmits;
  la_time srtt;
  uint8_t state;
  const char *host;
};

struct events {
  FILE *out;
  struct events_opts opts;
  const char *host;
  unsigned run;
  enum { END_NONE, END_HALF, END_WHOLE } pending; /* half: the second record is yet to come */
  la_trace_rec end_rec;
  la_end end;
  uint64_t lost;
  struct told told[TOLD];
};

bool la__events_detail(const char *text, unsigned *detail) {
  static const char *const names[] = {"segments", "recovery"};
  *detail = 0;
  for (const char *at = text;; at++) {
    size_t n = strcspn(at, ",");
    unsigned i = 0;
    while (i < 2 && !(strlen(names[i]) == n && strncmp(at, names[i], n) == 0))
      i++;
    if (i == 2)
      return false;
    *detail |= 1u << i;
    at += n;
    if (!*at)
      return true;
  }
}

__attribute__((format(printf, 2, 3))) static void put(struct events *e, const char *fmt, ...) {
  va_list ap;
  va_start(ap, fmt);
  vfprintf(e->out, fmt, ap);
  va_end(ap);
}

static void string(struct events *e, const char *s) {
  fputc('"', e->out);
  for (; *s; s++)
    if ((unsigned char)*s < ' ' || *s == '"' || *s == '\\')
      fprintf(e->out, "\\u%04x", (unsigned char)*s);
    else
      fputc(*s, e->out);
  fputc('"', e->out);
}

struct events *la__events_new(FILE *out, const struct events_opts *opts) {
  struct events *e = calloc(1, sizeof *e);
  if (!e)
    return NULL;
  e->out = out;
  e->opts = *opts;
  put(e, "{\"name\":\"log_started\",\"schema\":1,\"lastack\":\"" LA_VERSION "\",\"title\":");
  string(e, opts->title);
  if (opts->virtual_time)
    put(e, ",\"clock\":\"virtual\"");
  else
    put(e, ",\"clock\":\"real\",\"unix_ms\":%llu.%06llu", (unsigned long long)opts->unix_ns / 1000000,
        (unsigned long long)opts->unix_ns % 1000000);
  put(e, ",\"detail\":[%s%s%s]}\n", opts->detail & EVENTS_SEGMENTS ? "\"segments\"" : "",
      opts->detail == (EVENTS_SEGMENTS | EVENTS_RECOVERY) ? "," : "", opts->detail & EVENTS_RECOVERY ? "\"recovery\"" : "");
  return e;
}

/* ---- parts of lines ---- */

static void ms(struct events *e, const char *name, la_time t) {
  put(e, "\"%s\":%llu.%06llu", name, (unsigned long long)(t / LA_MS), (unsigned long long)(t % LA_MS));
}
static la_time since_zero(const struct events *e, la_time at) { return at > e->opts.zero ? at - e->opts.zero : 0; }

static void end_point(struct events *e, const char *name, const la_addr *a, unsigned port) {
  char text[LA_ADDR_TEXT];
  put(e, ",\"%s\":{\"addr\":\"%s\",\"port\":%u}", name, la_addr_text(a, text), port);
}

/* All that lines have in common. */
static void begin(struct events *e, const char *name, la_time at) {
  put(e, "{");
  ms(e, "time", since_zero(e, at));
  put(e, ",\"name\":\"%s\"", name);
  if (e->run)
    put(e, ",\"run\":%u", e->run);
  if (e->host)
    put(e, ",\"host\":\"%s\"", e->host);
}

static void about(struct events *e, const char *name, const la_trace_rec *r) {
  begin(e, name, r->at);
  if (r->conn_gen)
    put(e, ",\"conn\":%u", r->conn_gen);
  if (r->fresh)
    put(e, ",\"record\":\"%s\"", r->fresh == 1 ? "half-open" : "time-wait");
  if (r->local.family) {
    end_point(e, "local", &r->local, r->local_port);
    end_point(e, "remote", &r->remote, r->remote_port);
  }
  if (r->frame)
    put(e, ",\"frame\":%u", r->frame);
}
static void finish(struct events *e) { put(e, "}}\n"); }

static void flags(struct events *e, unsigned f) {
  static const char *const names[] = {"FIN", "SYN", "RST", "PSH", "ACK", "URG", "ECE", "CWR"};
  bool any = false;
  put(e, "\"flags\":[");
  for (unsigned i = 0; i < 8; i++)
    if (f & 1u << i) {
      put(e, "%s\"%s\"", any ? "," : "", names[i]);
      any = true;
    }
  put(e, "]");
}

/* ---- lines ---- */

static void closed(struct events *e) {
  static const char *const carriers[] = {"nobody", "local", "peer", "both"};
  const la_end *x = &e->end;
  e->pending = END_NONE;
  about(e, "connection_closed", &e->end_rec);
  put(
    e,
    ",\"data\":{\"who\":\"%s\",\"how\":\"%s\",\"why\":\"%s\",\"first_fin\":\"%s\",\"state\":\"%s\",\"error\":\"%s\",\"soft_error\":\"%s\"",
    la_who_name(x->who), la_how_name(x->how), la_why_name(x->why), la_who_name(x->first_fin), la_state_name(x->state), la_err_name(x->err),
    la_err_name(x->soft_err));
  put(e, ",\"opened_by\":\"%s\",\"time_wait\":\"%s\",", x->passive ? "peer" : "local",
      (unsigned)x->time_wait <= LA_TW_BOTH ? carriers[x->time_wait] : "?");
  if (x->time_wait_until)
    ms(e, "time_wait_until", since_zero(e, x->time_wait_until));
  else
    put(e, "\"time_wait_until\":null");
  put(e, ",");
  ms(e, "opened", since_zero(e, x->opened));
  put(e, ",");
  ms(e, "duration", x->ended - x->opened);
  put(e, ",\"in_state_ms\":[%u,%u,%u,%u],\"bytes_in\":%llu,\"bytes_out\":%llu,\"retransmissions\":%u,\"fin_retransmissions\":%u",
      x->in_state_ms[0], x->in_state_ms[1], x->in_state_ms[2], x->in_state_ms[3], (unsigned long long)x->bytes_in,
      (unsigned long long)x->bytes_out, x->retransmits, x->fin_retransmits);
  finish(e);
}

static bool opens(const la_trace_rec *r) {
  if (!r->conn_gen)
    return false;
  return r->who == LA_BY_PEER ? r->from == LA_SYN_RECEIVED && r->to == LA_ESTABLISHED : r->from == LA_CLOSED;
}

static void transition(struct events *e, const la_trace_rec *r) {
  if (opens(r)) {
    about(e, "connection_opened", r);
    put(e, ",\"data\":{\"opened_by\":\"%s\"", la_who_name((enum la_who)r->who));
    finish(e);
  }
  about(e, "state_updated", r);
  put(e, ",\"data\":{\"from\":\"%s\",\"to\":\"%s\",\"cause\":\"%s\"", la_state_name((enum la_state)r->from),
      la_state_name((enum la_state)r->to), la_cause_name((enum la_cause)r->cause));
  finish(e);
}

static void record_closed(struct events *e, const la_trace_rec *r) {
  about(e, "record_closed", r);
  put(e, ",\"data\":{\"who\":\"%s\",\"how\":\"%s\",\"why\":\"%s\",\"state\":\"%s\"", la_who_name((enum la_who)r->who),
      la_how_name((enum la_how)r->how), la_why_name((enum la_why)r->why), la_state_name((enum la_state)r->from));
  finish(e);
}

static void segment(struct events *e, const la_trace_rec *r) {
  static const char *const again[] = {"first", "retransmission", "window probe", "keepalive probe", "tail loss probe"};
  bool out = r->type == LA_TRACE_OUT;
  about(e, out ? "segment_sent" : "segment_received", r);
  put(e, ",\"data\":{");
  flags(e, r->flags);
  put(e, ",\"seq\":%u,\"ack\":%u,\"length\":%u,\"window\":%u,\"state\":\"%s\"", r->seq, r->ack, r->len, r->wnd,
      la_state_name((enum la_state)(out ? r->to : r->from)));
  if (out)
    put(e, ",\"sent\":\"%s\"", r->retransmit < 5 ? again[r->retransmit] : "?");
  finish(e);
}

static void dropped(struct events *e, const la_trace_rec *r) {
  about(e, "segment_dropped", r);
  put(e, ",\"data\":{\"reason\":\"%s\"", la_drop_name((enum la_drop)r->drop));
  finish(e);
}

/* As the connection is now, which is when all that came with this record has been dealt with. */
static void metrics(struct events *e, la_stack *s, const la_trace_rec *r) {
  static const char *const names[] = {"open", "disorder", "reduced", "recovery", "loss"};
  la_info_rec i;
  if (la_info(s, (la_conn){r->conn_index, r->conn_gen}, &i) || !i.cwnd || i.state == LA_CLOSED || i.state == LA_TIME_WAIT)
    return;
  struct told now = {.gen = r->conn_gen,
                     .cwnd = i.cwnd,
                     .ssthresh = i.ssthresh,
                     .srtt = i.srtt,
                     .retransmits = i.retransmits,
                     .state = (uint8_t)i.ca_state,
                     .host = e->host};
  struct told *t = &e->told[(r->conn_gen * 2654435761u >> 7) % TOLD];
  if (t->gen == now.gen && t->cwnd == now.cwnd && t->ssthresh == now.ssthresh && t->srtt == now.srtt && t->state == now.state &&
      t->retransmits == now.retransmits && t->host == now.host)
    return;
  *t = now;
  la_trace_rec only = {.at = r->at, .conn_gen = r->conn_gen};
  about(e, "metrics_updated", &only);
  put(e, ",\"data\":{\"cwnd\":%u,\"ssthresh\":", i.cwnd);
  if (i.ssthresh < 0x7fffffff)
    put(e, "%u", i.ssthresh);
  else
    put(e, "null");
  put(e, ",\"bytes_in_flight\":%u,\"unsent\":%u,\"smoothed_rtt_us\":%llu,\"rtt_variance_us\":%llu,\"min_rtt_us\":%llu,\"rto_us\":%llu",
      i.unacked, i.unsent, (unsigned long long)(i.srtt / LA_US), (unsigned long long)(i.rttvar / LA_US),
      (unsigned long long)(i.min_rtt / LA_US), (unsigned long long)(i.rto / LA_US));
  put(e, ",\"recovery\":\"%s\",\"congestion\":\"%s\",\"retransmissions\":%u", (unsigned)i.ca_state <= LA_CA_LOSS ? names[i.ca_state] : "?",
      la_cc_name(i.congestion), i.retransmits);
  finish(e);
}

static void one(struct events *e, const la_trace_rec *r) {
  if (e->pending == END_HALF) {
    la_trace_rec end = e->end_rec;
    e->pending = la_trace_end_get(&end, r, &e->end) ? END_WHOLE : END_NONE;
    if (e->pending == END_WHOLE)
      return;
  }
  bool last = e->pending == END_WHOLE && r->type == LA_TRACE_TRANSITION && r->conn_gen == e->end.conn.gen;
  if (e->pending == END_WHOLE && !last)
    closed(e);
  switch (r->type) {
  case LA_TRACE_TRANSITION:
    transition(e, r);
    break;
  case LA_TRACE_END:
    if (r->conn_gen) {
      e->end_rec = *r;
      e->pending = END_HALF;
    } else {
      record_closed(e, r);
    }
    break;
  case LA_TRACE_IN:
  case LA_TRACE_OUT:
    if (e->opts.detail & EVENTS_SEGMENTS)
      segment(e, r);
    break;
  case LA_TRACE_DROP:
    if (e->opts.detail & EVENTS_SEGMENTS)
      dropped(e, r);
    break;
  default:
    break;
  }
  if (last)
    closed(e);
}

void la__events_from(struct events *e, const char *host, unsigned run) {
  if (e->pending == END_WHOLE && (host != e->host || run != e->run))
    closed(e);
  e->host = host;
  e->run = run;
}

void la__events_started(struct events *e, la_time at) {
  begin(e, "stack_started", at);
  put(e, ",\"data\":{");
  finish(e);
}

void la__events_put(struct events *e, la_stack *s, const la_trace_rec *recs, size_t n) {
  for (size_t i = 0; i < n; i++) {
    one(e, &recs[i]);
    if (s && e->opts.detail & EVENTS_RECOVERY && recs[i].conn_gen && (recs[i].type == LA_TRACE_IN || recs[i].type == LA_TRACE_OUT))
      metrics(e, s, &recs[i]);
  }
}

void la__events_lost(struct events *e, uint64_t lost) {
  if (lost == e->lost)
    return;
  put(e, "{\"name\":\"records_lost\",\"data\":{\"count\":%llu}}\n", (unsigned long long)(lost - e->lost));
  e->lost = lost;
}

void la__events_flush(struct events *e) {
  if (e->pending == END_WHOLE)
    closed(e);
  fflush(e->out);
}

bool la__events_free(struct events *e) {
  if (!e)
    return true;
  la__events_flush(e);
  bool ok = !ferror(e->out);
  free(e);
  return ok;
}

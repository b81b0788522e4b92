/* SPDX-License-Identifier: MIT */
/* Answers: one JSON object a line. Every name and word in them is ours, so nothing needs to be escaped but the program's own name. */
#include "core/stack.h"
#include "host/monitor.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

void la__tell_add(struct tell *t, const char *fmt, ...) {
  va_list ap;
  if (t->full)
    return;
  va_start(ap, fmt);
  int n = vsnprintf(t->buf + t->n, t->cap - t->n, fmt, ap);
  va_end(ap);
  if (n < 0 || (size_t)n >= t->cap - t->n)
    t->full = true;
  else
    t->n += (size_t)n;
}
#define add la__tell_add

/* What was written since `from` is a line; if it did not fit, there is none. */
static bool line(struct tell *t, size_t from) {
  add(t, "}\n");
  if (!t->full)
    return true;
  t->full = false;
  t->n = from;
  return false;
}

static void number(struct tell *t, const char *name, uint64_t v) { add(t, ",\"%s\":%llu", name, (unsigned long long)v); }
static void word(struct tell *t, const char *name, const char *v) { add(t, ",\"%s\":\"%s\"", name, v); }
static void truth(struct tell *t, const char *name, bool v) { add(t, ",\"%s\":%s", name, v ? "true" : "false"); }
static void number_or_null(struct tell *t, const char *name, bool known, uint64_t v) {
  if (known)
    number(t, name, v);
  else
    add(t, ",\"%s\":null", name);
}

static uint64_t ms_since(la_time at, la_time now) { return now > at ? (now - at) / LA_MS : 0; }
static uint64_t ms_until(la_time at, la_time now) { return at > now ? (at - now + LA_MS - 1) / LA_MS : 0; }
static void in_ms(struct tell *t, const char *name, la_time at, la_time now) { number_or_null(t, name, at != LA_NEVER, ms_until(at, now)); }

static void end_point(struct tell *t, const char *name, const la_addr *a, unsigned port) {
  char text[LA_ADDR_TEXT];
  add(t, ",\"%s\":{\"addr\":\"%s\",\"port\":%u}", name, la_addr_text(a, text), port);
}

static void escaped(struct tell *t, const char *s) {
  for (; *s; s++)
    if ((unsigned char)*s < ' ' || *s == '"' || *s == '\\' || (unsigned char)*s >= 127)
      add(t, "\\u%04x", (unsigned)(unsigned char)*s);
    else
      add(t, "%c", *s);
}

bool la__tell_hello(struct tell *t, const char *name, unsigned stacks, la_time now) {
  size_t from = t->n;
  add(t, "{\"v\":%d,\"lastack\":\"" LA_VERSION "\",\"pid\":%ld,\"name\":\"", MONITOR_VERSION, (long)getpid());
  escaped(t, name);
  add(t, "\"");
  number(t, "stacks", stacks);
  number(t, "clock_ns", now);
  return line(t, from);
}

bool la__tell_end(struct tell *t, uint64_t records) {
  size_t from = t->n;
  add(t, "{\"end\":true");
  number(t, "records", records);
  return line(t, from);
}

bool la__tell_error(struct tell *t, const char *text) {
  size_t from = t->n;
  add(t, "{\"end\":true,\"error\":\"");
  escaped(t, text);
  add(t, "\"");
  return line(t, from);
}

/* ---- records ---- */

static void numbers(struct tell *t, const la_info_rec *i) {
  static const char *const recovery[] = {
    [LA_CA_OPEN] = "open", [LA_CA_DISORDER] = "disorder", [LA_CA_CWR] = "reduced", [LA_CA_RECOVERY] = "recovery", [LA_CA_LOSS] = "loss"};
  number(t, "unread", i->unread);
  number(t, "unsent", i->unsent);
  number(t, "unacked", i->unacked);
  number(t, "send_window", i->snd_wnd);
  number(t, "receive_window", i->rcv_wnd);
  number(t, "mss", i->mss);
  number(t, "pmtu", i->pmtu);
  number(t, "bytes_in", i->bytes_in);
  number(t, "bytes_out", i->bytes_out);
  number_or_null(t, "srtt_us", i->srtt, i->srtt / LA_US);
  number_or_null(t, "rttvar_us", i->srtt, i->rttvar / LA_US);
  number_or_null(t, "min_rtt_us", i->min_rtt, i->min_rtt / LA_US);
  number_or_null(t, "rto_us", i->rto, i->rto / LA_US);
  number(t, "cwnd", i->cwnd);
  number_or_null(t, "ssthresh", i->ssthresh < 0x7fffffff, i->ssthresh);
  word(t, "congestion", la_cc_name(i->congestion));
  word(t, "recovery", (unsigned)i->ca_state <= LA_CA_LOSS ? recovery[i->ca_state] : "?");
  number_or_null(t, "pacing_rate", i->pacing_rate != UINT64_MAX, i->pacing_rate);
  number(t, "retransmissions", i->retransmits);
  number(t, "fin_retransmissions", i->fin_retransmits);
  number(t, "backoff", i->backoff);
  number(t, "keepalive_probes", i->keepalive_sent);
  number(t, "segments_out", i->segs_out);
  number(t, "segments_sacked", i->segs_sacked);
  number(t, "segments_lost", i->segs_lost);
  number(t, "reordering", i->reordering);
  truth(t, "timestamps", i->timestamps);
  truth(t, "sack", i->sack);
  truth(t, "ecn", i->ecn);
  add(t, ",\"window_scale\":[%u,%u]", i->window_scaled ? i->snd_wscale : 0u, i->window_scaled ? i->rcv_wscale : 0u);
}

static void story(struct tell *t, const la_story *s, la_time now) {
  word(t, "blame", la_who_name(s->blame));
  word(t, "clock", la_clock_name(s->clock));
  in_ms(t, "clock_ms", s->clock_at, now);
  in_ms(t, "ends_ms", s->ends_at, now);
  word(t, "end_who", la_who_name(s->end_who));
  word(t, "end_how", la_how_name(s->end_how));
  word(t, "end_why", la_why_name(s->end_why));
  add(t, ",\"steps\":[");
  for (unsigned i = 0; i < s->nsteps; i++)
    add(t, "%s{\"state\":\"%s\",\"ms_ago\":%llu}", i ? "," : "", la_state_name(s->step[i].state),
        (unsigned long long)ms_since(s->step[i].at, now));
  add(t, "]");
}

static void connection(struct tell *t, la_stack *st, const la_each_rec *r, la_time now) {
  la_info_rec i;
  la_story s;
  number(t, "id", r->conn.gen);
  if (la_info(st, r->conn, &i) || la_story_get(st, r->conn, &s))
    return; /* a slot whose last RST is still to leave */
  number(t, "age_ms", ms_since(s.step[0].at, now));
  word(t, "opened_by", i.passive ? "peer" : "local");
  truth(t, "closed_by_application", i.closed_by_app);
  truth(t, "ended", s.ended);
  word(t, "waiting", la_waiting_name(i.waiting));
  word(t, "soft_error", la_err_name(i.soft_err));
  story(t, &s, now);
  numbers(t, &i);
}

static void other(struct tell *t, const la_each_rec *r, la_time now) {
  bool tw = r->kind == LA_KIND_TIME_WAIT;
  word(t, "waiting", la_waiting_name(tw ? LA_WAITS_2MSL : LA_WAITS_PEER_ACK));
  word(t, "blame", la_who_name(tw ? LA_BY_CLOCK : LA_BY_PEER));
  word(t, "clock", la_clock_name(tw ? LA_CLOCK_2MSL : LA_CLOCK_SYN_ACK));
  in_ms(t, "clock_ms", r->deadline, now);
  if (!tw)
    number(t, "syn_acks_again", r->queued);
}

bool la__tell_record(struct tell *t, unsigned stack, la_stack *s, const la_each_rec *r, la_time now) {
  static const char *const kinds[] = {[LA_KIND_CONN] = "connection",
                                      [LA_KIND_HALF_OPEN] = "half-open",
                                      [LA_KIND_TIME_WAIT] = "time-wait",
                                      [LA_KIND_LISTENER] = "listener",
                                      [LA_KIND_UDP] = "udp"};
  size_t from = t->n;
  add(t, "{\"kind\":\"%s\"", kinds[r->kind]);
  number(t, "stack", stack);
  if (r->kind != LA_KIND_UDP)
    word(t, "state", la_state_name(r->state));
  end_point(t, "local", &r->local, r->local_port);
  if (r->kind != LA_KIND_LISTENER)
    end_point(t, "remote", &r->remote, r->remote_port);
  if (r->link)
    number(t, "link", r->link);
  if (r->since)
    number(t, "in_state_ms", ms_since(r->since, now));
  if (r->kind == LA_KIND_CONN) {
    connection(t, s, r, now);
  } else if (r->kind == LA_KIND_LISTENER) {
    number(t, "queued", r->queued);
    number(t, "backlog", r->backlog);
  } else if (r->kind != LA_KIND_UDP) {
    other(t, r, now);
  }
  return line(t, from);
}

/* ---- counters ---- */

bool la__tell_stats(struct tell *t, unsigned stack, la_stack *s) {
  const la_metrics *m = s->tcp.cfg.metrics;
  la_stats st;
  size_t from = t->n;
  la_stats_get(s, &st);
  add(t, "{\"kind\":\"stats\"");
  number(t, "stack", stack);
#define N(member) number(t, #member, (uint64_t)st.member)
  N(frames_in), N(frames_out), N(segments_in), N(segments_out), N(retransmits), N(resets_in), N(resets_out);
  N(challenge_acks), N(challenge_acks_limited), N(syncookies_sent), N(syncookies_recv), N(syncookies_failed);
  N(time_wait_recycled), N(half_open_evicted), N(orphans_aborted), N(time_wait_rst_ignored), N(rst_limited);
  N(opened_active), N(opened_passive), N(ended), N(conns), N(half_open), N(time_wait), N(orphans), N(listeners), N(chunks);
  N(bytes_allocated), N(udp_sockets), N(udp_in), N(udp_out);
#undef N
  add(t, ",\"drops\":{");
  for (unsigned d = LA_DROP_NONE + 1, n = 0; d < LA_DROPS; d++)
    if (st.drops[d])
      add(t, "%s\"%s\":%llu", n++ ? "," : "", la_drop_name((enum la_drop)d), (unsigned long long)st.drops[d]);
  add(t, "}");
  if (m) {
    add(t, ",\"states\":{\"LISTEN\":%u", st.listeners);
    for (unsigned i = LA_SYN_SENT; i < LA_STATES; i++)
      add(t, ",\"%s\":%u", la_state_name((enum la_state)i),
          m->now[i] + (i == LA_SYN_RECEIVED ? st.half_open
                       : i == LA_TIME_WAIT  ? st.time_wait
                                            : 0));
    add(t, "}");
  }
  return line(t, from);
}

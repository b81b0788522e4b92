/* SPDX-License-Identifier: MIT */
/*
 * The counters in the text format of Prometheus, written without libc: a line at a time into a small buffer, and from there to the caller.
 * Several stacks are added up first, line by line; there is no label by which they, or peers, could be told apart.
 */
#include "base/bytes.h"
#include "core/stack.h"

#include <lastack/watch.h>

struct text {
  bool (*put)(void *ctx, const char *text, size_t len);
  void *ctx;
  bool bad;
  size_t n;
  char buf[512];
};

static void flush(struct text *t) {
  if (t->n && !t->bad)
    t->bad = !t->put(t->ctx, t->buf, t->n);
  t->n = 0;
}

static void add_char(struct text *t, char c) {
  if (t->n == sizeof t->buf)
    flush(t);
  t->buf[t->n++] = c;
}
static void add(struct text *t, const char *s) {
  while (*s)
    add_char(t, *s++);
}
static void add_number(struct text *t, uint64_t v) {
  char digits[20];
  unsigned n = 0;
  do
    digits[n++] = (char)('0' + v % 10);
  while (v /= 10);
  while (n)
    add_char(t, digits[--n]);
}
/* Milliseconds as seconds. */
static void add_seconds(struct text *t, uint64_t ms) {
  add_number(t, ms / 1000);
  ms %= 1000;
  if (!ms)
    return;
  add_char(t, '.');
  for (uint64_t unit = 100; ms; ms %= unit, unit /= 10)
    add_char(t, (char)('0' + ms / unit));
}

static void head(struct text *t, const char *name, const char *type, const char *help) {
  add(t, "# HELP lastack_");
  add(t, name);
  add_char(t, ' ');
  add(t, help);
  add(t, "\n# TYPE lastack_");
  add(t, name);
  add_char(t, ' ');
  add(t, type);
  add_char(t, '\n');
}

/* `lastack_name{key="value",key2="value2"} `: keys may be NULL. Names of states and reasons have nothing to be escaped. */
static void series(struct text *t, const char *name, const char *key, const char *value, const char *key2, const char *value2) {
  add(t, "lastack_");
  add(t, name);
  if (key) {
    add_char(t, '{');
    add(t, key);
    add(t, "=\"");
    add(t, value);
    if (key2) {
      add(t, "\",");
      add(t, key2);
      add(t, "=\"");
      add(t, value2);
    }
    add(t, "\"}");
  }
  add_char(t, ' ');
}

static void line(struct text *t, const char *name, const char *key, const char *value, uint64_t v) {
  series(t, name, key, value, 0, 0);
  add_number(t, v);
  add_char(t, '\n');
}

/* ---- what can be told without la_config.metrics ---- */

#define AT(member) offsetof(la_stats, member)
struct counter {
  const char *name, *help, *key, *value; /* help NULL: another series of the family above */
  uint16_t at;
  uint8_t bytes;
  bool gauge;
};
#define COUNTER(name, help, key, value, member) \
  { name, help, key, value, AT(member), sizeof(((la_stats *)0)->member), false }
#define GAUGE(name, help, member) \
  { name, help, 0, 0, AT(member), sizeof(((la_stats *)0)->member), true }

static const struct counter counters[] = {
  COUNTER("frames_total", "IP packets.", "direction", "in", frames_in),
  COUNTER("frames_total", 0, "direction", "out", frames_out),
  COUNTER("segments_total", "TCP segments.", "direction", "in", segments_in),
  COUNTER("segments_total", 0, "direction", "out", segments_out),
  COUNTER("retransmissions_total", "Segments sent again, SYN and FIN included.", 0, 0, retransmits),
  COUNTER("resets_total", "RST segments.", "direction", "in", resets_in),
  COUNTER("resets_total", 0, "direction", "out", resets_out),
  COUNTER("resets_limited_total", "RSTs not sent for want of a token.", 0, 0, rst_limited),
  COUNTER("opened_total", "Connections opened: active by us, passive by the peer.", "side", "active", opened_active),
  COUNTER("opened_total", 0, "side", "passive", opened_passive),
  COUNTER("challenge_acks_total", "Challenge ACKs (RFC 5961).", "result", "sent", challenge_acks),
  COUNTER("challenge_acks_total", 0, "result", "limited", challenge_acks_limited),
  COUNTER("syncookies_total", "SYN cookies (RFC 4987).", "result", "sent", syncookies_sent),
  COUNTER("syncookies_total", 0, "result", "accepted", syncookies_recv),
  COUNTER("syncookies_total", 0, "result", "failed", syncookies_failed),
  COUNTER("time_wait_recycled_total", "TIME-WAIT records that gave way to others before their time.", 0, 0, time_wait_recycled),
  COUNTER("time_wait_resets_ignored_total", "RSTs that met TIME-WAIT (RFC 1337).", 0, 0, time_wait_rst_ignored),
  COUNTER("half_open_evicted_total", "Half-open records that gave way to others.", 0, 0, half_open_evicted),
  COUNTER("orphans_aborted_total", "Closed connections reset because there were too many.", 0, 0, orphans_aborted),
  COUNTER("icmp_out_total", "ICMP messages sent.", "kind", "echo_reply", echo_replies),
  COUNTER("icmp_out_total", 0, "kind", "error", icmp_errors_out),
  COUNTER("icmp_limited_total", "ICMP messages not sent for want of a token.", 0, 0, icmp_limited),
  COUNTER("fragments_total", "IP fragments received.", 0, 0, fragments_in),
  COUNTER("reassembled_total", "Packets put together from fragments.", 0, 0, reassembled),
  COUNTER("reassembly_failed_total", "Packets whose fragments were given up.", "cause", "evicted", frags_evicted),
  COUNTER("reassembly_failed_total", 0, "cause", "timed_out", frags_timed_out),
  COUNTER("datagrams_total", "UDP datagrams taken by a socket, and sent.", "direction", "in", udp_in),
  COUNTER("datagrams_total", 0, "direction", "out", udp_out),
  GAUGE("orphans", "Connections that the application has closed and that have not ended.", orphans),
  GAUGE("udp_sockets", "UDP sockets.", udp_sockets),
  GAUGE("buffer_chunks", "Chunks of 4 KiB that hold payload.", chunks),
  GAUGE("allocated_bytes", "Memory held from the allocator.", bytes_allocated),
};

static uint64_t read_member(const la_stats *st, const struct counter *c) {
  const uint8_t *p = (const uint8_t *)st + c->at;
  uint64_t wide = 0;
  uint32_t narrow = 0;
  if (c->bytes == sizeof wide)
    memcpy(&wide, p, sizeof wide);
  else
    memcpy(&narrow, p, sizeof narrow);
  return wide + narrow;
}

static uint64_t sum_member(const la_stack *const *s, size_t n, const struct counter *c) {
  uint64_t sum = 0;
  for (size_t i = 0; i < n; i++) {
    la_stats st;
    la_stats_get(s[i], &st);
    sum += read_member(&st, c);
  }
  return sum;
}

static void plain(struct text *t, const la_stack *const *s, size_t n) {
  for (size_t i = 0; i < sizeof counters / sizeof counters[0]; i++) {
    const struct counter *c = &counters[i];
    if (c->help)
      head(t, c->name, c->gauge ? "gauge" : "counter", c->help);
    line(t, c->name, c->key, c->value, sum_member(s, n, c));
  }
}

static void drops(struct text *t, const la_stack *const *s, size_t n) {
  head(t, "drops_total", "counter", "Packets dropped, by reason; Linux's names where it has one.");
  for (unsigned d = LA_DROP_NONE + 1; d < LA_DROPS; d++) {
    uint64_t sum = 0;
    for (size_t i = 0; i < n; i++)
      sum += s[i]->tcp.stats.drops[d];
    line(t, "drops_total", "reason", la_drop_name((enum la_drop)d), sum);
  }
}

/* ---- what needs it, or records that are counted anyway ---- */

static const la_metrics *metrics_of(const la_stack *s) { return s->tcp.cfg.metrics; }

static uint64_t in_state(const la_stack *s, unsigned st) {
  const struct tcp *t = &s->tcp;
  uint64_t n = metrics_of(s)->now[st];
  if (st == LA_LISTEN)
    n += t->listeners.used;
  if (st == LA_SYN_RECEIVED)
    n += t->half[0].used + t->half[1].used;
  if (st == LA_TIME_WAIT)
    n += t->tw[0].used + t->tw[1].used;
  return n;
}

static void connections(struct text *t, const la_stack *const *s, size_t n) {
  head(t, "connections", "gauge", "Connections now, by state: half-open and TIME-WAIT records and listeners included.");
  for (unsigned st = LA_LISTEN; st < LA_STATES; st++) {
    uint64_t sum = 0;
    for (size_t i = 0; i < n; i++)
      sum += metrics_of(s[i]) ? in_state(s[i], st) : 0;
    line(t, "connections", "state", la_state_name((enum la_state)st), sum);
  }
}

static void ends(struct text *t, const la_stack *const *s, size_t n) {
  head(t, "ends_total", "counter", "Connections and half-open records that ended, by reason and by who closed first.");
  for (unsigned why = LA_WHY_NONE + 1; why < LA_WHYS; why++)
    for (unsigned first = 0; first < LA_FIRSTS; first++) {
      uint64_t sum = 0;
      for (size_t i = 0; i < n; i++)
        sum += metrics_of(s[i]) ? metrics_of(s[i])->ends[why][first] : 0;
      series(t, "ends_total", "reason", la_why_name((enum la_why)why), "closed_first", la_first_name((enum la_first)first));
      add_number(t, sum);
      add_char(t, '\n');
    }
}

static void time_in(struct text *t, const la_stack *const *s, size_t n, unsigned st) {
  const char *name = la_state_name((enum la_state)st);
  uint64_t count = 0, ms = 0;
  for (unsigned k = 0; k < LA_TIMES; k++) {
    for (size_t i = 0; i < n; i++)
      count += metrics_of(s[i]) ? metrics_of(s[i])->times[st][k] : 0;
    add(t, "lastack_state_seconds_bucket{state=\"");
    add(t, name);
    add(t, "\",le=\"");
    if (k == LA_TIMES - 1)
      add(t, "+Inf");
    else
      add_seconds(t, (uint64_t)1 << 2 * k);
    add(t, "\"} ");
    add_number(t, count);
    add_char(t, '\n');
  }
  for (size_t i = 0; i < n; i++)
    ms += metrics_of(s[i]) ? metrics_of(s[i])->time_ms[st] : 0;
  series(t, "state_seconds_sum", "state", name, 0, 0);
  add_seconds(t, ms);
  add_char(t, '\n');
  line(t, "state_seconds_count", "state", name, count);
}

bool la_metrics_write(const la_stack *const *stacks, size_t n, bool (*put)(void *ctx, const char *text, size_t len), void *ctx) {
  struct text t = {.put = put, .ctx = ctx};
  bool any = false;
  for (size_t i = 0; i < n; i++)
    any = any || metrics_of(stacks[i]);
  if (any) {
    connections(&t, stacks, n);
    ends(&t, stacks, n);
  }
  drops(&t, stacks, n);
  if (any) {
    head(&t, "state_seconds", "histogram", "How long states lasted that have been left. TIME-WAIT: from when 2MSL last began.");
    for (unsigned st = LA_SYN_SENT; st < LA_STATES; st++)
      time_in(&t, stacks, n, st);
  }
  plain(&t, stacks, n);
  flush(&t);
  return !t.bad;
}

struct into {
  char *buf;
  size_t cap, n;
};
static bool put_into(void *ctx, const char *text, size_t len) {
  struct into *o = ctx;
  size_t room = o->n < o->cap ? o->cap - o->n : 0;
  if (room)
    memcpy(o->buf + o->n, text, len < room ? len : room);
  o->n += len;
  return true;
}

size_t la_metrics_text(const la_stack *s, char *buf, size_t cap) {
  struct into o = {buf, cap, 0};
  la_metrics_write(&s, 1, put_into, &o);
  return o.n;
}

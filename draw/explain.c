/* SPDX-License-Identifier: MIT */
#include "draw/explain.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "draw/drawing.h"
#include "draw/line.h"

enum { SMALL_SEGMENT = 512 }; /* passes everywhere */

struct text {
  struct line l;
  bool begun;
};

__attribute__((format(printf, 2, 3))) static void add(struct text *t, const char *fmt, ...) {
  va_list ap;
  size_t room = (size_t)(t->l.end - t->l.at);
  va_start(ap, fmt);
  int n = vsnprintf(t->l.at, room + 1, fmt, ap);
  va_end(ap);
  if (n > 0)
    t->l.at += (size_t)n < room ? (size_t)n : room;
}

static void put(struct text *t, const char *s) { la__line_text(&t->l, s); }
#define PUT(t, literal) LINE(&(t)->l, literal)

/* "before NUMBERafter" */
#define COUNT(t, before, n, after) (PUT(t, before), la__line_number(&(t)->l, n), PUT(t, after))

/* Before each part but the first. */
static void part(struct text *t) {
  if (t->begun)
    PUT(t, "; ");
  t->begun = true;
}

static void end_text(struct line *l, const struct flow *c, unsigned end) {
  la_addr a = {.family = c->family};
  char text[LA_ADDR_TEXT];
  memcpy(a.b, c->end[end].addr, sizeof a.b);
  if (c->family == 6)
    LINE(l, "[");
  la__line_text(l, la_addr_text(&a, text));
  c->family == 6 ? LINE(l, "]:") : LINE(l, ":");
  la__line_number(l, c->end[end].port);
}

char *la__explain_end(const struct flow *c, unsigned end, char *buf) {
  struct line l = {buf, buf + EXPLAIN_END - 1};
  end_text(&l, c, end);
  *l.at = 0;
  return buf;
}

char *la__explain_time(la_time d, char *buf) {
  if (d && d < LA_MS)
    snprintf(buf, 32, "0.%03u ms", (unsigned)(d / LA_US));
  else
    la__drawing_time(d ? d : 1, buf);
  return d ? buf : memcpy(buf, "0 ms", 5);
}

static const struct {
  const char *means, *hint;
} words[REASONS] = {
  [REASON_OPEN] = {"still open", NULL},
  [REASON_CLOSE] = {"both sides closed", NULL},
  [REASON_CLOSING] = {"the capture ends within the release", NULL},
  [REASON_OPENING] = {"the capture ends within the opening", NULL},
  [REASON_REFUSED] = {"refused: nobody listens there", "start the service, or correct address and port"},
  [REASON_SYN_UNANSWERED] = {"SYN unanswered",
                             "host down, or a filter that drops without a word; capture at the server to see whether the SYN comes"},
  [REASON_SYN_FILTERED] = {"SYN turned away by ICMP", "a router or filter on the way rejects it"},
  [REASON_SYN_ACK_UNANSWERED] = {"SYN-ACK unanswered", "the way back is broken, the SYN's source was forged, or the client has gone"},
  [REASON_SYN_ACK_REFUSED] =
    {"SYN-ACK answered with RST",
     "the SYN's source was forged, probes for ports or checks a server's health, or the client has given up meanwhile"},
  [REASON_NOT_ACCEPTED] = {"opened, but not accepted", "the listener was closed meanwhile, or its queue is full (tcp_abort_on_overflow)"},
  [REASON_ABORT] = {"abort: closed with linger 0, or the program's own abort", "whoever sets SO_LINGER to 0 loses what is on the way"},
  [REASON_UNREAD] = {"closed with unread data", "read to the end of the stream before closing"},
  [REASON_DATA_AFTER_CLOSE] = {"data for a closed socket",
                               "whoever writes treats end-of-stream as half-close, the other side had closed fully"},
  [REASON_HALF_OPEN] = {"the peer knew nothing of the connection", "it was restarted, or its side was given up silently"},
  [REASON_RESTART] = {"a new SYN on an open connection: the client had lost it", "the client was restarted, or reuses its port too soon"},
  [REASON_KEEPALIVE] = {"keepalive probes unanswered", "the peer or the way to it has gone"},
  [REASON_RETRANSMIT] = {"retransmissions unanswered", "the peer or the way to it has gone"},
  [REASON_LAST_ACK] = {"FIN never acknowledged", "the peer has gone without its last ACK"},
  [REASON_INJECTED] = {"RST that its supposed sender did not send",
                       "something on the way forges resets: firewall, intrusion prevention, censor"},
  [REASON_IDLE_CUT] = {"forgotten on the way while idle", "keepalive shorter than the middlebox's idle limit"},
  [REASON_CLOSE_WAIT] = {"in CLOSE-WAIT: its application does not close", "close the socket after end-of-stream"},
  [REASON_FIN_WAIT_2] = {"closed too late: FIN-WAIT-2 had timed out", "close within a minute of the peer's end-of-stream"},
  [REASON_PORT_REUSE] = {"the pair was to rest in TIME-WAIT and was used again",
                         "more local addresses or ports, longer connections, or let the other side close first"},
  [REASON_ICMP] = {"ICMP: the destination cannot be reached", NULL},
  [REASON_OTHER] = {"told by the stack", NULL},
};

const char *la__explain_reason(enum reason r) { return words[r].means; }

static const char *who(const struct verdict *v, unsigned end) { return end == v->client ? "client" : "server"; }

static unsigned long long ull(uint64_t n) { return n; }

static void opening(struct text *t, const struct flow *c, const struct verdict *v) {
  if (v->first_closed == CLOSED_BOTH) {
    part(t);
    add(t, "closed first: both at once (frames %llu, %llu)", ull(c->end[v->client].fin.frame), ull(c->end[!v->client].fin.frame));
  } else if (v->first_closed != CLOSED_NONE) {
    part(t);
    PUT(t, "closed first: ");
    put(t, la__closed_name(v->first_closed));
    COUNT(t, " (frame ", c->end[c->first_fin].fin.frame, ")");
  }
}

static void half(struct text *t, const struct flow *c, const struct verdict *v) {
  char time[32];
  if (!v->half_bytes || c->first_fin == 2)
    return;
  const struct flow_end *late = &c->end[!c->first_fin], *closed = &c->end[c->first_fin];
  part(t);
  if (v->reason == REASON_DATA_AFTER_CLOSE)
    add(t, "%s kept writing %s", who(v, !c->first_fin), la__explain_time(late->late_last - closed->fin.at, time));
  else
    add(t, "half-closed %s, %llu bytes meanwhile", la__explain_time(v->half_closed, time), ull(v->half_bytes));
}

static const char *certainty(const struct verdict *v) {
  return v->certainty == CERTAIN_OBSERVED ? "certain" : la__certainty_name(v->certainty);
}

static void tag(struct text *t, const struct verdict *v) {
  PUT(t, " [");
  put(t, certainty(v));
  if (v->certainty == CERTAIN_AMBIGUOUS)
    for (unsigned i = 0; i < v->ncandidates; i++)
      add(t, "%s%s", i ? " or " : ": ", la__reason_name(v->candidate[i]));
  PUT(t, "]");
}

static void alternatives(struct text *t, const struct verdict *v) {
  for (unsigned i = 0; i < v->ncandidates; i++) {
    if (i)
      PUT(t, ", or ");
    put(t, words[v->candidate[i]].means);
  }
}

static void reason(struct text *t, const struct flow *c, const struct verdict *v) {
  char time[32];
  part(t);
  if (v->kind == KIND_RESET) {
    put(t, who(v, c->rst.by));
    COUNT(t, " reset (frame ", c->rst.mark.frame, "): ");
    alternatives(t, v);
  } else if (v->kind == KIND_FOUR || v->kind == KIND_THREE || v->kind == KIND_SIMULTANEOUS) {
    put(t, la__kind_name(v->kind));
    PUT(t, " release");
  } else {
    if (v->by != 2)
      add(t, "%s: ", who(v, v->by));
    alternatives(t, v);
    if (v->reason == REASON_OPEN && v->silent >= LA_SEC)
      add(t, ", silent for %s", la__explain_time(v->silent, time));
  }
  tag(t, v);
  if (v->reason == REASON_SYN_UNANSWERED || v->reason == REASON_SYN_FILTERED) {
    part(t);
    add(t, "%u SYN%s in %s", c->end[v->client].syns, c->end[v->client].syns == 1 ? "" : "s",
        la__explain_time(c->end[v->client].last.mark.at - c->end[v->client].syn.at, time));
  }
  if (c->icmp.frame) {
    part(t);
    add(t, "ICMP type %u code %u (frame %llu)", c->icmp_type, c->icmp_code, ull(c->icmp.frame));
  }
}

static void cost(struct text *t, const struct flow *c, const struct verdict *v) {
  char time[32];
  if (v->lost) {
    part(t);
    add(t, "%llu byte%s lost", ull(v->lost), v->lost == 1 ? "" : "s");
  }
  if (v->time_wait) {
    part(t);
    PUT(t, "TIME-WAIT: ");
    put(t, v->time_wait == 3 ? "both" : who(v, v->time_wait == 2));
  }
  if (c->reused.frame && v->time_wait && v->time_wait_until == c->reused.at) {
    part(t);
    add(t, "pair used again after %s (frame %llu)", la__explain_time(c->reused.at - c->over_at, time), ull(c->reused.frame));
  }
  if (c->forged) {
    part(t);
    add(t, "%u RST%s out of line (frame %llu)", c->forged, c->forged == 1 ? "" : "s", ull(c->forged_first.frame));
  }
  for (unsigned i = 0; i < 2; i++)
    if (c->end[i].fins > 1) {
      part(t);
      add(t, "%s sent FIN %u times", who(v, i), c->end[i].fins);
    }
  for (unsigned i = 0; i < 2; i++)
    if (la__flow_zero_window(c, i)) {
      part(t);
      add(t, "%s's window closed for %s", who(v, i), la__explain_time(la__flow_zero_window(c, i), time));
    }
}

static void flaws(struct text *t, const struct flow *c, const struct verdict *v) {
  bool any = false;
  for (unsigned i = 0; i < FLAWS; i++) {
    if (!(v->flaws & 1u << i) || 1u << i == FLAW_VLAN || 1u << i == FLAW_OFFLOAD || 1u << i == FLAW_GRO || 1u << i == FLAW_FRAGMENTS)
      continue; /* of no consequence for the verdict */
    if (!any)
      part(t);
    add(t, "%s%s", any ? ", " : "capture: ", la__flaw_name(i));
    if (1u << i == FLAW_NAT)
      add(t, " (as C%llu)", ull(c->nat_of));
    any = true;
  }
}

/* Retransmissions that go unanswered: is it the peer, or the path, and which way? */
static void hint_silence(struct text *t, const struct flow *c, const struct verdict *v) {
  const struct flow_end *me = &c->end[v->by], *peer = &c->end[!v->by];
  if (me->deaf > 1)
    add(t, "the %s's ACKs do not reach the %s: that direction of the path is broken", who(v, !v->by), who(v, v->by));
  else if (c->icmp.frame && la__icmp_too_big(c->family, c->icmp_type, c->icmp_code))
    PUT(t, "the path asks for smaller segments (ICMP), and the sender does not heed it");
  else if (peer->zero_at)
    add(t, "the %s's window stayed closed, and then it did not answer any more", who(v, !v->by));
  else if (me->last.len > me->through && me->last.len > SMALL_SEGMENT && c->open.frame)
    add(t, "up to %u bytes a segment went through, %u do not: a path MTU black hole? (ICMP filtered, MSS too large)", me->through,
        me->last.len);
  else
    put(t, words[v->reason].hint);
}

/* The lines of the table know the reason alone; what else is known may say more. */
static void hint(struct text *t, const struct flow *c, const struct verdict *v) {
  const char *h = words[v->reason].hint;
  if (!h)
    return;
  part(t);
  PUT(t, "hint: ");
  if (v->reason == REASON_DATA_AFTER_CLOSE && v->by != 2 && !c->end[!v->by].late_text)
    PUT(t, "only a farewell of TLS (close_notify) was lost: harmless");
  else if (v->reason == REASON_DATA_AFTER_CLOSE && v->by != 2 && !c->end[!v->by].late_aware)
    add(t, "data and FIN crossed: whoever closes idle connections should have more patience than the %s", who(v, !v->by));
  else if (v->reason == REASON_DATA_AFTER_CLOSE)
    add(t, "the %s treats end-of-stream as half-close, the %s had closed fully", who(v, !v->by), who(v, v->by));
  else if (v->reason == REASON_RETRANSMIT && v->by != 2)
    hint_silence(t, c, v);
  else if (v->reason == REASON_ABORT && c->open.frame && !c->end[0].bytes && !c->end[1].bytes)
    PUT(t, "not a byte was carried: a health check or a port scan does that");
  else
    put(t, h);
}

char *la__explain_text(const struct flow *c, const struct verdict *v, char *buf) {
  struct text t = {{buf, buf + EXPLAIN_TEXT - 1}, false};
  COUNT(&t, "C", c->id, " ");
  end_text(&t.l, c, v->client);
  PUT(&t, " > ");
  end_text(&t.l, c, !v->client);
  PUT(&t, "  ");
  opening(&t, c, v);
  half(&t, c, v);
  reason(&t, c, v);
  cost(&t, c, v);
  flaws(&t, c, v);
  hint(&t, c, v);
  *t.l.at = 0;
  return buf;
}

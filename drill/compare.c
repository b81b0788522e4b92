/* SPDX-License-Identifier: MIT */
/* An outbound packet against what the script expects, field by field: what a script leaves out is not compared. */
#include "drill/run.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* ---- text ---- */

struct text {
  char *buf;
  size_t cap, len;
  enum packet_field mark;
  size_t *from, *to;
};
__attribute__((format(printf, 2, 3))) static void add(struct text *t, const char *fmt, ...) {
  va_list ap;
  va_start(ap, fmt);
  int n = vsnprintf(t->buf + t->len, t->cap - t->len, fmt, ap);
  va_end(ap);
  if (n > 0)
    t->len = t->len + (size_t)n < t->cap ? t->len + (size_t)n : t->cap - 1;
}
static void begin(struct text *t, enum packet_field f) {
  if (t->mark == f && t->from)
    *t->from = t->len;
}
static void end(struct text *t, enum packet_field f) {
  if (t->mark == f && t->to)
    *t->to = t->len;
}

static void text_ip(struct text *t, const struct drill_ip *ip) {
  static const char *const ecn[] = {"noecn", "ect1", "ect0", "ce"};
  begin(t, FIELD_IP);
  if (ip->check == DRILL_ECN_IS)
    add(t, " [%s]", ecn[ip->tos & 3]);
  else if (ip->check == DRILL_ECN_ECT01)
    add(t, " [ect01]");
  else if (ip->check == DRILL_TOS_IS && (ip->tos || t->mark == FIELD_IP)) {
    if (ip->tos < 4)
      add(t, " [%s]", ecn[ip->tos]);
    else
      add(t, " [tos 0x%02x]", ip->tos);
  }
  if (ip->has_ttl && t->mark == FIELD_IP)
    add(t, " [ttl %u]", ip->ttl);
  end(t, FIELD_IP);
}

static void text_flags(struct text *t, const struct drill_packet *p) {
  static const struct {
    uint8_t bit;
    char c;
  } letters[] = {{LA_FIN, 'F'}, {LA_SYN, 'S'}, {LA_RST, 'R'}, {LA_PSH, 'P'}, {LA_URG, 'U'}};
  char s[16];
  unsigned n = 0;
  for (unsigned i = 0; i < sizeof letters / sizeof *letters; i++)
    if (p->flags & letters[i].bit)
      s[n++] = letters[i].c;
  if (!p->has_ace) {
    if (p->flags & LA_ECE)
      s[n++] = 'E';
    if (p->flags & LA_CWR)
      s[n++] = 'W';
    if (p->ace & 4)
      s[n++] = 'A';
  }
  if (p->flags & LA_ACK)
    s[n++] = '.';
  if (p->has_ace)
    s[n++] = (char)('0' + (p->ace & 7));
  if (!n)
    s[n++] = '-';
  add(t, " ");
  begin(t, FIELD_FLAGS);
  add(t, "%.*s", (int)n, s);
  end(t, FIELD_FLAGS);
}

static void text_option(struct text *t, const struct drill_opt *o) {
  switch (o->kind) {
  case DRILL_OPT_EOL:
    add(t, "eol");
    return;
  case DRILL_OPT_NOP:
    add(t, "nop");
    return;
  case DRILL_OPT_MSS:
    add(t, "mss %u", o->a);
    return;
  case DRILL_OPT_WSCALE:
    add(t, "wscale %u", o->a);
    return;
  case DRILL_OPT_SACKOK:
    add(t, "sackOK");
    return;
  case DRILL_OPT_TS:
    add(t, "TS val %u ecr %u", o->a, o->b);
    return;
  case DRILL_OPT_SACK:
    add(t, "sack");
    for (unsigned i = 0; i < o->blocks; i++)
      add(t, " %u:%u", o->from[i], o->to[i]);
    return;
  default:
    add(t, o->kind == DRILL_OPT_FO ? "FO" : o->kind == DRILL_OPT_MD5 ? "md5" : "kind %u", o->kind);
    if (o->len > 2)
      add(t, " ");
    for (unsigned i = 0; i + 2 < o->len && i < sizeof o->bytes; i++)
      add(t, "%02x", o->bytes[i]);
  }
}

static void text_tcp(struct text *t, const struct drill_packet *p) {
  text_flags(t, p);
  add(t, " ");
  begin(t, FIELD_SEQ);
  add(t, "%u:%u(%u)", p->seq, p->end, p->payload);
  end(t, FIELD_SEQ);
  begin(t, FIELD_ACK);
  if (p->has_ack)
    add(t, " ack %u", p->ack);
  end(t, FIELD_ACK);
  begin(t, FIELD_WIN);
  if (p->has_win)
    add(t, " win %u", p->win);
  end(t, FIELD_WIN);
  begin(t, FIELD_URG);
  if (p->has_urg)
    add(t, " urg %u", p->urg);
  end(t, FIELD_URG);
  begin(t, FIELD_OPTIONS);
  if (p->any_options)
    add(t, " <...>");
  for (unsigned i = 0; i < p->nopts; i++) {
    add(t, i ? "," : " <");
    text_option(t, &p->opts[i]);
  }
  if (p->nopts)
    add(t, ">");
  end(t, FIELD_OPTIONS);
}

char *la__packet_text(const struct drill_packet *p, char *buf, size_t cap, enum packet_field field, size_t *from, size_t *to) {
  struct text t = {.buf = buf, .cap = cap, .mark = field, .from = from, .to = to};
  buf[0] = 0;
  if (from && to)
    *from = *to = 0;
  begin(&t, FIELD_WHOLE);
  add(&t, "%s", p->dir == DRILL_IN ? "<" : ">");
  text_ip(&t, &p->ip);
  if (p->proto == DRILL_TCP) {
    text_tcp(&t, p);
  } else if (p->proto == DRILL_UDP) {
    add(&t, " ");
    begin(&t, FIELD_SEQ);
    add(&t, "udp (%u)", p->payload);
    end(&t, FIELD_SEQ);
  } else {
    begin(&t, FIELD_FLAGS);
    add(&t, " icmp type_%u code_%u", p->icmp_type, p->icmp_code);
    end(&t, FIELD_FLAGS);
  }
  end(&t, FIELD_WHOLE);
  return buf;
}

/* ---- comparison ---- */

struct verdict {
  char *why;
  size_t cap;
};
static bool same(const struct verdict *v, const char *name, uint32_t want, uint32_t got) {
  if (want == got)
    return true;
  snprintf(v->why, v->cap, "%s: %u expected, %u sent", name, want, got);
  return false;
}

static bool same_ip(const struct verdict *v, const struct drill_ip *want, const struct drill_ip *got) {
  unsigned ecn = got->tos & 3u;
  if (want->check == DRILL_ECN_ECT01 && ecn != 1 && ecn != 2) {
    snprintf(v->why, v->cap, "ECN bits: ect0 or ect1 expected, %u sent", ecn);
    return false;
  }
  if (want->check == DRILL_ECN_IS && !same(v, "ECN bits", want->tos & 3u, ecn))
    return false;
  if (want->check == DRILL_TOS_IS && !same(v, "TOS", want->tos, got->tos))
    return false;
  return !want->has_ttl || same(v, "TTL", want->ttl, got->ttl);
}

static bool same_flags(const struct verdict *v, const struct drill_packet *want, const struct drill_packet *got) {
  unsigned plain = LA_FIN | LA_SYN | LA_RST | LA_PSH | LA_ACK | LA_URG;
  if ((want->flags & plain) == (got->flags & plain) && (want->ace & 7) == (got->ace & 7))
    return true;
  snprintf(v->why, v->cap, "flags differ");
  return false;
}

static bool same_option(const struct verdict *v, const struct drill_opt *w, const struct drill_opt *g) {
  switch (w->kind) {
  case DRILL_OPT_TS: /* ecr is not compared, val by whoever knows the clock */
    return true;
  case DRILL_OPT_MSS:
    return same(v, "mss", w->a, g->a);
  case DRILL_OPT_WSCALE:
    return same(v, "wscale", w->a, g->a);
  case DRILL_OPT_SACK:
    if (!same(v, "SACK blocks", w->blocks, g->blocks))
      return false;
    for (unsigned i = 0; i < w->blocks; i++)
      if (!same(v, "SACK block's start", w->from[i], g->from[i]) || !same(v, "SACK block's end", w->to[i], g->to[i]))
        return false;
    return true;
  default:
    if (!same(v, "option's length", w->len, g->len))
      return false;
    if (w->len > 2 && memcmp(w->bytes, g->bytes, w->len - 2u) != 0) {
      snprintf(v->why, v->cap, "value of option %u", w->kind);
      return false;
    }
    return true;
  }
}

/* RFC 9293 3.1 gives options no order, and lets a sender pad as it likes: each that is written must be there, once, and no other. */
static bool pads(const struct drill_opt *o) { return o->kind == DRILL_OPT_EOL || o->kind == DRILL_OPT_NOP; }
static bool same_options(const struct verdict *v, const struct drill_packet *want, const struct drill_packet *got) {
  uint64_t taken = 0; /* bit i: got->opts[i] */
  if (want->any_options)
    return true;
  for (unsigned i = 0; i < want->nopts; i++) {
    unsigned j = 0;
    if (pads(&want->opts[i]))
      continue;
    while (j < got->nopts && (taken >> j & 1 || got->opts[j].kind != want->opts[i].kind))
      j++;
    if (j == got->nopts) {
      snprintf(v->why, v->cap, "options differ");
      return false;
    }
    if (!same_option(v, &want->opts[i], &got->opts[j]))
      return false;
    taken |= (uint64_t)1 << j;
  }
  for (unsigned j = 0; j < got->nopts; j++)
    if (!pads(&got->opts[j]) && !(taken >> j & 1)) {
      snprintf(v->why, v->cap, "options differ");
      return false;
    }
  return true;
}

bool la__packet_options_in_order(const struct drill_packet *want, const struct drill_packet *got) {
  if (want->any_options)
    return true;
  if (want->nopts != got->nopts)
    return false;
  for (unsigned i = 0; i < want->nopts; i++)
    if (want->opts[i].kind != got->opts[i].kind)
      return false;
  return true;
}

static bool window_near(const struct drill_packet *want, const struct drill_packet *got, unsigned shift, uint32_t mss) {
  uint32_t apart = want->win > got->win ? want->win - got->win : got->win - want->win;
  if (!want->has_win || !apart || want->flags & LA_SYN)
    return false;
  return want->flags & LA_RST || (want->win && got->win && apart << shift < mss);
}

bool la__packet_liberties(const struct drill_packet *want, struct drill_packet *got, unsigned shift, uint32_t mss) {
  bool window = window_near(want, got, shift, mss), push = want->payload && got->payload && (got->flags & ~want->flags & LA_PSH);
  if (window)
    got->win = want->win;
  if (push)
    got->flags &= (uint8_t)~LA_PSH;
  return window || push;
}

enum packet_field la__packet_differs(const struct drill_packet *want, const struct drill_packet *got, char *why, size_t cap) {
  struct verdict v = {why, cap};
  if (want->proto != got->proto) {
    snprintf(why, cap, "another protocol");
    return FIELD_WHOLE;
  }
  if (!same_ip(&v, &want->ip, &got->ip))
    return FIELD_IP;
  if (want->proto == DRILL_ICMP)
    return same(&v, "ICMP type", want->icmp_type, got->icmp_type) && same(&v, "ICMP code", want->icmp_code, got->icmp_code) ? FIELD_NONE
                                                                                                                            : FIELD_FLAGS;
  if (want->proto == DRILL_UDP)
    return same(&v, "payload", want->payload, got->payload) ? FIELD_NONE : FIELD_SEQ;
  if (!same_flags(&v, want, got))
    return FIELD_FLAGS;
  if (!same(&v, "sequence number", want->seq, got->seq) || !same(&v, "payload", want->payload, got->payload))
    return FIELD_SEQ;
  if (!same(&v, "acknowledgment", want->has_ack ? want->ack : 0, got->ack))
    return FIELD_ACK;
  if (want->has_win && !same(&v, "window", want->win, got->win))
    return FIELD_WIN;
  if (!same(&v, "urgent pointer", want->has_urg ? want->urg : 0, got->urg))
    return FIELD_URG;
  return same_options(&v, want, got) ? FIELD_NONE : FIELD_OPTIONS;
}

/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "drill/parse.h"

/* ---- what stands in [] or () before the flags ---- */

static void tos(struct reader *r, struct drill_packet *p, enum drill_ecn check, uint8_t value, struct place at) {
  if (p->ip.check != DRILL_ECN_ANY)
    la__lex_fail(r, at, "the type of service is given twice");
  else if (check == DRILL_ECN_ECT01 && p->dir == DRILL_IN)
    la__lex_fail(r, at, "expected one value for an incoming packet, found ect01");
  p->ip.check = check;
  p->ip.tos = value;
}

static void ip_field(struct reader *r, struct drill_packet *p) {
  static const struct {
    const char *word;
    enum drill_ecn check;
    uint8_t value;
  } ecns[] = {{"noecn", DRILL_ECN_IS, 0},
              {"ect1", DRILL_ECN_IS, 1},
              {"ect0", DRILL_ECN_IS, 2},
              {"ce", DRILL_ECN_IS, 3},
              {"ect01", DRILL_ECN_ECT01, 0}}; /* RFC 3168 5 */
  struct place at = r->tok.at;
  for (size_t i = 0; i < sizeof ecns / sizeof *ecns; i++)
    if (la__lex_take_word(r, ecns[i].word)) {
      tos(r, p, ecns[i].check, ecns[i].value, at);
      return;
    }
  if (la__lex_take_word(r, "tos"))
    tos(r, p, DRILL_TOS_IS, (uint8_t)la__lex_number(r, 0xff, "a type of service"), at);
  else if (!p->ip.has_ttl && la__lex_take_word(r, "ttl")) {
    p->ip.has_ttl = true;
    p->ip.ttl = (uint8_t)la__lex_number(r, 0xff, "a time to live");
  } else if (!p->ip.has_flow && la__lex_take_word(r, "flowlabel")) {
    p->ip.has_flow = true;
    p->ip.flow = (uint32_t)la__lex_number(r, 0xfffff, "a flow label");
  } else
    la__lex_expected(r, "noecn, ect0, ect1, ect01, ce, tos, ttl or flowlabel");
}

static void ip_fields(struct reader *r, struct drill_packet *p) {
  char close = la__lex_is(r, '[') ? ']' : la__lex_is(r, '(') ? ')' : 0;
  if (!close)
    return;
  la__lex_next(r);
  do
    ip_field(r, p);
  while (la__lex_take(r, ','));
  la__lex_expect(r, close, "after the fields of the IP header");
}

/* ---- TCP ---- */

static void flag(struct reader *r, struct drill_packet *p, char c, struct place at) {
  static const char letters[] = "FSRP.UEW";
  const char *found = strchr(letters, c == 'C' ? 'W' : c);
  uint8_t bit = 0, ace = 0;
  if (found)
    bit = (uint8_t)(1u << (found - letters));
  else if (c == 'A')
    ace = 4;
  else if (c >= '0' && c <= '7') {
    if (p->has_ace || p->ace)
      la__lex_fail(r, at, "the flag '%c' contradicts the ECN flags before it", c);
    p->has_ace = true;
    p->ace = (uint8_t)(c - '0');
    p->flags |= (uint8_t)((p->ace & 1 ? 64 : 0) | (p->ace & 2 ? 128 : 0));
    return;
  } else {
    la__lex_fail(r, at, "expected flags of F S R P U E W C A . 0-7, or - for none, found '%c'", c);
    return;
  }
  ace |= (uint8_t)((bit & 64 ? 1 : 0) | (bit & 128 ? 2 : 0));
  if (ace && p->has_ace)
    la__lex_fail(r, at, "the flag '%c' contradicts the number before it", c);
  else if ((bit && p->flags & bit) || (ace && p->ace & ace))
    la__lex_fail(r, at, "the flag '%c' is there twice", c);
  p->ace |= ace;
  p->flags |= bit;
}

/* One token's letters; of a number that begins with a dot the dot is ACK. */
static void flag_token(struct reader *r, struct drill_packet *p) {
  struct place at = r->tok.at;
  for (const char *c = r->tok.text; *c && !r->failed; c++, at.column++)
    flag(r, p, *c, at);
  la__lex_next(r);
}

static void flags(struct reader *r, struct drill_packet *p) {
  if (la__lex_take(r, '-'))
    return;
  bool some = false;
  if (r->tok.kind == TOKEN_WORD) {
    flag_token(r, p);
    some = true;
  }
  if (la__lex_is(r, '.')) {
    flag(r, p, '.', r->tok.at);
    la__lex_next(r);
  } else if (r->tok.kind == TOKEN_DECIMAL && *r->tok.text == '.')
    flag_token(r, p);
  else if (!some)
    la__lex_expected(r, "a packet's flags");
}

void la__parse_seq(struct reader *r, uint32_t *seq, uint32_t *end, uint32_t *payload) {
  *seq = (uint32_t)la__lex_number(r, UINT32_MAX, "a sequence number");
  la__lex_expect(r, ':', "after the first sequence number");
  struct place at = r->tok.at;
  *end = (uint32_t)la__lex_number(r, UINT32_MAX, "a sequence number after the last");
  la__lex_expect(r, '(', "and a number of bytes");
  *payload = (uint32_t)la__lex_number(r, 0xffff, "a number of bytes");
  la__lex_expect(r, ')', "after the number of bytes");
  if (!r->failed && *end != (uint32_t)(*seq + *payload))
    la__lex_fail(r, at, "expected %u, which is %u and %u bytes, found %u", (uint32_t)(*seq + *payload), *seq, *payload, *end);
}

static void tcp(struct reader *r, struct drill_packet *p) {
  flags(r, p);
  la__parse_seq(r, &p->seq, &p->end, &p->payload);
  if (la__lex_take_word(r, "ack")) {
    p->has_ack = true;
    p->ack = (uint32_t)la__lex_number(r, UINT32_MAX, "an acknowledgment number");
  }
  if (la__lex_take_word(r, "win")) {
    p->has_win = true;
    p->win = (uint32_t)la__lex_number(r, 0xffff, "a window");
  } else if (p->dir == DRILL_IN)
    la__lex_expected(r, "the window of an incoming segment");
  if (la__lex_take_word(r, "urg")) {
    p->has_urg = true;
    p->urg = (uint16_t)la__lex_number(r, 0xffff, "an urgent pointer");
  }
  if (la__lex_is(r, '<'))
    la__parse_tcp_options(r, p);
}

/* ---- the rest ---- */

static void ports(struct reader *r, struct drill_packet *p) {
  if (r->tok.kind != TOKEN_INTEGER)
    return;
  p->sport = (uint16_t)la__lex_number(r, 0xffff, "a port");
  la__lex_expect(r, '>', "between two ports");
  p->dport = (uint16_t)la__lex_number(r, 0xffff, "a port");
}

static void udp(struct reader *r, struct drill_packet *p) {
  p->proto = DRILL_UDP;
  la__lex_next(r);
  ports(r, p);
  la__lex_expect(r, '(', "and a number of bytes");
  p->payload = (uint32_t)la__lex_number(r, 0xffff, "a number of bytes");
  la__lex_expect(r, ')', "after the number of bytes");
}

static bool unsupported(struct reader *r) {
  static const char *const words[][2] = {{"gre", "gre encapsulation"},
                                         {"GREv0", "gre encapsulation"},
                                         {"mpls", "mpls encapsulation"},
                                         {"encap", "encapsulation"},
                                         {"ipv4", "ipv4 encapsulation"},
                                         {"ipv6", "ipv6 encapsulation"},
                                         {"sctp", "SCTP"},
                                         {"dccp", "DCCP"},
                                         {"udplite", "UDP-Lite"}};
  for (size_t i = 0; i < sizeof words / sizeof *words; i++)
    if (la__lex_is_word(r, words[i][0])) {
      struct place at = r->tok.at;
      bool encap = !strcmp(words[i][0], "encap");
      if (encap)
        la__lex_next(r);
      la__lex_fail(r, at, "not supported: %.20s%s%s", encap ? r->tok.text ? r->tok.text : "" : "", encap ? " " : "", words[i][1]);
      return true;
    }
  return false;
}

struct drill_packet *la__parse_packet(struct reader *r) {
  struct drill_packet *p = la__arena_get(r->arena, sizeof *p);
  const char *from = r->tok.from;
  p->at = r->tok.at;
  p->source = "";
  p->dir = la__lex_is(r, '<') ? DRILL_IN : DRILL_OUT;
  la__lex_next(r);
  if (unsupported(r))
    return p;
  ip_fields(r, p);
  if (unsupported(r))
    return p;
  if (la__lex_is_word(r, "udp"))
    udp(r, p);
  else if (la__lex_is_word(r, "icmp"))
    la__parse_icmp(r, p);
  else {
    ports(r, p);
    tcp(r, p);
  }
  p->source = la__lex_source(r, from);
  return p;
}

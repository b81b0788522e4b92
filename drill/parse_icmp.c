/* SPDX-License-Identifier: MIT */
/* `icmp TYPE [CODE] [mtu N] [id N] [what it quotes]`; the words mean other numbers for IPv6. */
#include <string.h>

#include "drill/parse.h"

struct name {
  const char *word;
  uint8_t num;
};
struct type {
  const char *word;
  uint8_t num;
  const struct name *codes;
};

static const struct name unreachable4[] = {/* RFC 792, RFC 1122 3.2.2.1, RFC 1812 5.2.7.1 */
                                           {"net_unreachable", 0},
                                           {"host_unreachable", 1},
                                           {"protocol_unreachable", 2},
                                           {"port_unreachable", 3},
                                           {"frag_needed", 4},
                                           {"source_route_failed", 5},
                                           {"net_unknown", 6},
                                           {"host_unknown", 7},
                                           {"source_host_isolated", 8},
                                           {"net_prohibited", 9},
                                           {"host_prohibited", 10},
                                           {"net_unreachable_for_tos", 11},
                                           {"host_unreachable_for_tos", 12},
                                           {"packet_filtered", 13},
                                           {"precedence_violation", 14},
                                           {"precedence_cutoff", 15},
                                           {NULL, 0}};
static const struct type types4[] = {{"echo_reply", 0, NULL},          {"unreachable", 3, unreachable4},
                                     {"source_quench", 4, NULL},       {"redirect", 5, NULL},
                                     {"echo_request", 8, NULL},        {"time_exceeded", 11, NULL},
                                     {"parameter_problem", 12, NULL},  {"timestamp_request", 13, NULL},
                                     {"timestamp_reply", 14, NULL},    {"information_request", 15, NULL},
                                     {"information_reply", 16, NULL},  {"address_mask_request", 17, NULL},
                                     {"address_mask_reply", 18, NULL}, {NULL, 0, NULL}};

static const struct name unreachable6[] =
  {/* RFC 4443 3.1 */
   {"net_unreachable", 0},  {"no_route", 0}, {"admin_prohibited", 1}, {"not_neighbour", 2}, {"address_unreachable", 3},
   {"port_unreachable", 4}, {NULL, 0}};
static const struct name exceeded6[] = {{"exceeded_hop_limit", 0}, {"exceeded_frag_time", 1}, {NULL, 0}};
static const struct name parameter6[] = {{"header_field", 0}, {"unknown_next_header", 1}, {"unknown_option", 2}, {NULL, 0}};
static const struct type types6[] = {{"unreachable", 1, unreachable6},
                                     {"packet_too_big", 2, NULL},
                                     {"time_exceeded", 3, exceeded6},
                                     {"parameter_problem", 4, parameter6},
                                     {"echo_request", 128, NULL},
                                     {"echo_reply", 129, NULL},
                                     {NULL, 0, NULL}};

/* type_N and code_N: any number. */
static bool by_number(const char *word, const char *prefix, uint8_t *num) {
  size_t n = strlen(prefix);
  unsigned value = 0;
  if (strncmp(word, prefix, n) != 0 || !word[n])
    return false;
  for (const char *p = word + n; *p; p++) {
    if (*p < '0' || *p > '9' || (value = value * 10 + (unsigned)(*p - '0')) > 255)
      return false;
  }
  *num = (uint8_t)value;
  return true;
}

static const struct name *read_type(struct reader *r, struct drill_packet *p, bool v6) {
  p->icmp_word = r->tok.text;
  if (r->tok.kind != TOKEN_WORD) {
    la__lex_expected(r, "the type of an ICMP message");
    return NULL;
  }
  const struct name *codes = NULL;
  if (!by_number(p->icmp_word, "type_", &p->icmp_type)) {
    const struct type *t = v6 ? types6 : types4;
    while (t->word && strcmp(t->word, p->icmp_word) != 0)
      t++;
    if (!t->word) {
      la__lex_expected(r, "the type of an ICMPv%c message", v6 ? '6' : '4');
      return NULL;
    }
    p->icmp_type = t->num;
    codes = t->codes;
  }
  la__lex_next(r);
  return codes;
}

static void read_code(struct reader *r, struct drill_packet *p, const struct name *codes) {
  if (r->tok.kind != TOKEN_WORD || la__lex_is_word(r, "mtu") || la__lex_is_word(r, "id"))
    return;
  p->icmp_code_word = r->tok.text;
  if (!by_number(p->icmp_code_word, "code_", &p->icmp_code)) {
    while (codes && codes->word && strcmp(codes->word, p->icmp_code_word) != 0)
      codes++;
    if (!codes || !codes->word) {
      la__lex_expected(r, "a code of ICMP's '%.40s', mtu, id or what it quotes", p->icmp_word);
      return;
    }
    p->icmp_code = codes->num;
  }
  la__lex_next(r);
}

static void read_echoed(struct reader *r, struct drill_packet *p) {
  uint32_t end;
  p->has_echoed = true;
  if (la__lex_is_word(r, "udp") || la__lex_is_word(r, "raw")) {
    p->echoed_raw = la__lex_is_word(r, "raw");
    p->echoed = DRILL_UDP;
    la__lex_next(r);
    la__lex_expect(r, '(', "and a number of bytes");
    p->echoed_payload = (uint32_t)la__lex_number(r, 0xffff, "a number of bytes");
    la__lex_expect(r, ')', "after the number of bytes");
  } else
    la__parse_seq(r, &p->echoed_seq, &end, &p->echoed_payload);
  la__lex_expect(r, ']', "after what the message quotes");
}

void la__parse_icmp(struct reader *r, struct drill_packet *p) {
  bool v6 = r->s->family == DRILL_IP6;
  p->proto = DRILL_ICMP;
  la__lex_next(r);
  read_code(r, p, read_type(r, p, v6));
  struct place at = r->tok.at;
  if (la__lex_take_word(r, "mtu")) {
    p->has_mtu = true;
    p->mtu = (uint32_t)la__lex_number(r, v6 ? UINT32_MAX : 0xffff, "an MTU");
    if (p->icmp_type != (v6 ? 2 : 3) || p->icmp_code != (v6 ? 0 : 4))
      la__lex_fail(r, at, "an MTU belongs to %s only", v6 ? "packet_too_big" : "unreachable frag_needed");
  }
  if (la__lex_take_word(r, "id")) {
    p->has_id = true;
    p->id = (uint16_t)la__lex_number(r, 0xffff, "an identifier");
  }
  if (la__lex_take(r, '['))
    read_echoed(r, p);
}

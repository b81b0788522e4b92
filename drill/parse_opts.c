/* SPDX-License-Identifier: MIT */
/* TCP options: `<mss 1460,sackOK,TS val 100 ecr 0,nop,wscale 7>`, or `<...>` for any. */
#include <string.h>

#include "drill/parse.h"

static unsigned hex_value(char c) { return c <= '9' ? (unsigned)(c - '0') : (unsigned)((c | 32) - 'a' + 10); }

/* Digits in pairs, which may be none, into the option's bytes from `at` on. */
static void hex_blob(struct reader *r, struct drill_opt *o, size_t at, size_t max, const char *what) {
  if (r->tok.kind != TOKEN_WORD && r->tok.kind != TOKEN_INTEGER)
    return;
  const char *text = r->tok.text;
  size_t len = r->tok.len, bad = strspn(text, "0123456789abcdefABCDEF");
  if (bad != len)
    la__lex_expected(r, "%s in hexadecimal digits", what);
  else if (len % 2)
    la__lex_fail(r, r->tok.at, "expected %s in pairs of hexadecimal digits, found %zu digits", what, len);
  else if (len / 2 > max)
    la__lex_fail(r, r->tok.at, "expected %s of at most %zu bytes, found %zu", what, max, len / 2);
  if (r->failed)
    return;
  for (size_t i = 0; i < len; i += 2)
    o->bytes[at + i / 2] = (uint8_t)(hex_value(text[i]) << 4 | hex_value(text[i + 1]));
  o->len = (uint8_t)(o->len + len / 2);
  la__lex_next(r);
}

static void sack(struct reader *r, struct drill_opt *o) {
  bool more = true;
  for (; more && !r->failed; more = r->tok.kind == TOKEN_INTEGER) {
    if (o->blocks == 4) {
      la__lex_fail(r, r->tok.at, "more than four sack blocks");
      return;
    }
    o->from[o->blocks] = (uint32_t)la__lex_number(r, UINT32_MAX, "the left edge of a sack block");
    la__lex_expect(r, ':', "in the sack block");
    o->to[o->blocks++] = (uint32_t)la__lex_number(r, UINT32_MAX, "the right edge of a sack block");
    o->len = (uint8_t)(o->len + 8);
  }
}

/* ECN e0b 1 ceb 0 e1b 1: counters of 24 bits; which comes first gives the kind of the option, and ceb is always the second. */
static void accecn(struct reader *r, struct drill_opt *o) {
  static const char *const orders[2][3] = {{"e0b", "ceb", "e1b"}, {"e1b", "ceb", "e0b"}};
  bool first1 = la__lex_is_word(r, "e1b");
  if (!first1 && !la__lex_is_word(r, "e0b")) {
    la__lex_expected(r, "e0b or e1b");
    return;
  }
  o->kind = first1 ? DRILL_OPT_ACCECN1 : DRILL_OPT_ACCECN0;
  for (size_t i = 0; i < 3 && la__lex_take_word(r, orders[first1][i]); i++) {
    uint32_t n = (uint32_t)la__lex_number(r, 0xffffff, "a counter of bytes");
    uint8_t *b = o->bytes + i * 3;
    b[0] = (uint8_t)(n >> 16);
    b[1] = (uint8_t)(n >> 8);
    b[2] = (uint8_t)n;
    o->len = (uint8_t)(o->len + 3);
  }
}

static uint32_t stamp(struct reader *r, const char *word, bool *any) {
  if (!la__lex_take_word(r, word))
    la__lex_expected(r, "'%s' in the timestamps", word);
  *any = r->tok.kind == TOKEN_ELLIPSIS || la__lex_is(r, '*');
  if (!*any)
    return (uint32_t)la__lex_number(r, UINT32_MAX, "a timestamp");
  la__lex_next(r);
  return 0;
}

enum shape { PLAIN, NUMBER, SACKS, STAMPS, DIGEST, COOKIE, EXPERIMENT, COUNTERS };
static const struct option {
  const char *name, *value;
  enum drill_opt_kind kind;
  enum shape shape;
  uint8_t len;
  uint32_t max;
} options[] = {
  {"eol", NULL, DRILL_OPT_EOL, PLAIN, 1, 0},
  {"nop", NULL, DRILL_OPT_NOP, PLAIN, 1, 0},
  {"mss", "a segment size", DRILL_OPT_MSS, NUMBER, 4, 0xffff},
  {"wscale", "a window scale", DRILL_OPT_WSCALE, NUMBER, 3, 0xff},
  {"sackOK", NULL, DRILL_OPT_SACKOK, PLAIN, 2, 0},
  {"sack", NULL, DRILL_OPT_SACK, SACKS, 2, 0},
  {"TS", NULL, DRILL_OPT_TS, STAMPS, 10, 0},
  {"md5", "a digest", DRILL_OPT_MD5, DIGEST, 2, 16},
  {"FO", "a cookie", DRILL_OPT_FO, COOKIE, 2, 38},
  {"FOEXP", "a cookie", DRILL_OPT_EXP, EXPERIMENT, 4, 36},
  {"ECN", NULL, DRILL_OPT_ACCECN0, COUNTERS, 2, 0},
};

static void value(struct reader *r, const struct option *row, struct drill_opt *o) {
  switch (row->shape) {
  case PLAIN:
    break;
  case NUMBER:
    o->a = (uint32_t)la__lex_number(r, row->max, row->value);
    break;
  case SACKS:
    sack(r, o);
    break;
  case STAMPS:
    o->a = stamp(r, "val", &o->a_any);
    o->b = stamp(r, "ecr", &o->b_any);
    break;
  case DIGEST:
    if (r->tok.kind != TOKEN_WORD && r->tok.kind != TOKEN_INTEGER)
      la__lex_expected(r, "a digest in hexadecimal digits");
    hex_blob(r, o, 0, row->max, row->value);
    break;
  case COOKIE:
    hex_blob(r, o, 0, row->max, row->value);
    break;
  case EXPERIMENT: /* RFC 6994 3.1; RFC 7413 appendix A: the experiment's number is 0xf989 */
    o->bytes[0] = 0xf9;
    o->bytes[1] = 0x89;
    hex_blob(r, o, 2, row->max, row->value);
    break;
  case COUNTERS:
    accecn(r, o);
  }
}

static void one(struct reader *r, struct drill_opt *o) {
  for (size_t i = 0; i < sizeof options / sizeof *options; i++)
    if (la__lex_take_word(r, options[i].name)) {
      o->kind = (uint8_t)options[i].kind;
      o->len = options[i].len;
      value(r, &options[i], o);
      return;
    }
  la__lex_expected(r, "a TCP option");
}

void la__parse_tcp_options(struct reader *r, struct drill_packet *p) {
  struct place at = r->tok.at;
  la__lex_next(r);
  if (r->tok.kind == TOKEN_ELLIPSIS) {
    p->any_options = true;
    if (p->dir == DRILL_IN)
      la__lex_fail(r, at, "expected the options of an incoming segment, found <...>");
    else
      la__lex_next(r);
    la__lex_expect(r, '>', "after <...");
    return;
  }
  p->opts = la__arena_get(r->arena, DRILL_OPTS_MAX * sizeof *p->opts);
  unsigned len = 0;
  do {
    struct place one_at = r->tok.at;
    struct drill_opt o = {0};
    if (r->tok.kind == TOKEN_INTEGER && p->nopts && p->opts[p->nopts - 1].kind == DRILL_OPT_SACK) { /* sack 1:2,3:4 */
      o = p->opts[--p->nopts];
      len -= o.len;
      sack(r, &o);
    } else
      one(r, &o);
    if (r->failed)
      return;
    len += o.len;
    if (len > 40) {
      la__lex_fail(r, one_at, "the options have more than 40 bytes");
      return;
    }
    p->opts[p->nopts++] = o;
  } while (la__lex_take(r, ','));
  if (la__lex_expect(r, '>', "or ',' in the TCP options") && len % 4)
    la__lex_fail(r, at, "the options have %u bytes, which is no multiple of 4: nop or eol is missing", len);
}

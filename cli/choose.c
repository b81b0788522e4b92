/* SPDX-License-Identifier: MIT */
/*
 * Filters in the manner of ss(8):
 *     state NAME, exclude NAME          NAME: a state, or all, connected, synchronized, bucket, big, closing
 *     sport, dport [OP] [:]PORT         OP: = == != < > <= >= or eq neq lt gt le ge; without: =
 *     src, dst [OP] ADDR[/LEN][:PORT]   OP: = or !=; IPv6 in brackets where a port follows
 *     and, or, not, ( )                 as words of their own; and binds closer, and may be left out
 */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "cli/ask.h"

enum op { OP_EQ, OP_NE, OP_LT, OP_GT, OP_LE, OP_GE, OPS };
enum node_type { NODE_AND, NODE_OR, NODE_NOT, NODE_PORT, NODE_ADDR };
struct term {
  enum node_type type;
  int a, b; /* of and, or, not: others; -1: none, which is true */
  bool remote;
  enum op op;
  uint16_t port; /* 0: any */
  la_addr addr;
  unsigned len;
};
enum { TERMS = 64 };
struct choice {
  unsigned states;
  int root;
  unsigned n;
  struct term t[TERMS];
};

struct parser {
  const char *cmd;
  char **word;
  unsigned n, at, depth;
  unsigned include, exclude;
  struct choice *f;
};

static const char *peek(const struct parser *p) { return p->at < p->n ? p->word[p->at] : NULL; }
static bool is(const struct parser *p, const char *a, const char *b) {
  const char *w = peek(p);
  return w && (strcmp(w, a) == 0 || strcmp(w, b) == 0);
}
static bool accept(struct parser *p, const char *a, const char *b) {
  bool yes = is(p, a, b);
  p->at += yes;
  return yes;
}
static const char *need(struct parser *p, const char *after) {
  if (p->at == p->n)
    la__usage(p->cmd, "filter: something must follow %s", after);
  return p->word[p->at++];
}

static int make(struct parser *p, struct term t) {
  if (p->f->n == TERMS)
    la__usage(p->cmd, "filter: more than %d terms", TERMS);
  p->f->t[p->f->n] = t;
  return (int)p->f->n++;
}

static unsigned states_of(const struct parser *p, const char *name) {
  static const struct {
    const char *name;
    unsigned states;
  } sets[] = {
    {"all", STATES_ALL},
    {"connected", STATES_CONNECTED},
    {"synchronized", STATES_CONNECTED & ~(1u << LA_SYN_SENT)},
    {"bucket", STATES_BUCKET},
    {"big", STATES_ALL & ~STATES_BUCKET},
    {"closing", 1u << LA_CLOSING},
    {"established", 1u << LA_ESTABLISHED},
    {"syn-recv", 1u << LA_SYN_RECEIVED},
    {"listening", 1u << LA_LISTEN},
    {"close", 1u << LA_CLOSED},
  };
  for (size_t i = 0; i < sizeof sets / sizeof sets[0]; i++)
    if (strcasecmp(name, sets[i].name) == 0)
      return sets[i].states;
  for (unsigned st = 0; st < LA_STATES; st++)
    if (strcasecmp(name, la_state_name((enum la_state)st)) == 0)
      return 1u << st;
  la__usage(p->cmd, "state %s: no such state", name);
}

static enum op operator_of(struct parser *p) {
  static const char *const words[OPS][3] = {{"=", "==", "eq"}, {"!=", "neq", "ne"}, {"<", "lt", "lt"},
                                            {">", "gt", "gt"}, {"<=", "leq", "le"}, {">=", "geq", "ge"}};
  for (unsigned i = 0; i < OPS; i++)
    if (accept(p, words[i][0], words[i][1]) || accept(p, words[i][2], words[i][2]))
      return (enum op)i;
  return OP_EQ;
}

static uint16_t port_of(const struct parser *p, const char *what, const char *text) {
  return (uint16_t)la__number(p->cmd, what, *text == ':' ? text + 1 : text, 1, 65535);
}

static int port_term(struct parser *p, bool remote) {
  const char *what = remote ? "dport" : "sport";
  struct term t = {.type = NODE_PORT, .remote = remote, .op = operator_of(p)};
  t.port = port_of(p, what, need(p, what));
  return make(p, t);
}

/* ADDR, ADDR/LEN, ADDR:PORT, [ADDR]:PORT, [ADDR]/LEN, :PORT, *:PORT */
static void address(const struct parser *p, const char *what, const char *text, struct term *t) {
  char addr[LA_ADDR_TEXT + 1];
  const char *rest = text;
  bool bracket = *text == '[';
  size_t n = bracket ? strcspn(++rest, "]") : strcspn(rest, strchr(text, ':') != strrchr(text, ':') ? "/" : "/:");
  if (n >= sizeof addr)
    la__usage(p->cmd, "%s %s: not an address", what, text);
  memcpy(addr, rest, n);
  addr[n] = 0;
  rest += n + (bracket && rest[n]);
  if (n && strcmp(addr, "*") != 0 && !la_addr_parse(addr, &t->addr))
    la__usage(p->cmd, "%s %s: %s is not an address", what, text, addr);
  t->len = t->addr.family == 4 ? 32 : t->addr.family == 6 ? 128 : 0;
  if (*rest == '/') {
    char *end;
    unsigned long len = strtoul(rest + 1, &end, 10);
    if (!isdigit((unsigned char)rest[1]) || len > t->len)
      la__usage(p->cmd, "%s %s: the prefix length is not a whole number up to %u", what, text, t->len);
    t->len = (unsigned)len;
    rest = end;
  }
  if (*rest == ':' && rest[1] != '*')
    t->port = port_of(p, what, rest);
  else if (*rest && strcmp(rest, ":*") != 0)
    la__usage(p->cmd, "%s %s: not an address", what, text);
}

static int addr_term(struct parser *p, bool remote) {
  const char *what = remote ? "dst" : "src";
  struct term t = {.type = NODE_ADDR, .remote = remote, .op = operator_of(p)};
  if (t.op > OP_NE)
    la__usage(p->cmd, "%s: addresses are compared with = or !=", what);
  address(p, what, need(p, what), &t);
  return make(p, t);
}

static int either(struct parser *p);

static int factor(struct parser *p) {
  if (p->depth > TERMS)
    la__usage(p->cmd, "filter: too deep");
  if (accept(p, "not", "!")) {
    p->depth++;
    int e = factor(p);
    p->depth--;
    return make(p, (struct term){.type = NODE_NOT, .a = e});
  }
  if (accept(p, "(", "(")) {
    p->depth++;
    int e = either(p);
    if (!accept(p, ")", ")"))
      la__usage(p->cmd, "filter: ) is missing");
    p->depth--;
    return e;
  }
  if (accept(p, "sport", "sport"))
    return port_term(p, false);
  if (accept(p, "dport", "dport"))
    return port_term(p, true);
  if (accept(p, "src", "src"))
    return addr_term(p, false);
  if (accept(p, "dst", "dst"))
    return addr_term(p, true);
  la__usage(p->cmd, "%s: not understood in a filter", need(p, "the filter so far"));
}

static int both(struct parser *p) {
  int e = factor(p);
  while (peek(p) && !is(p, "or", "||") && !is(p, "|", ")") && !is(p, "state", "exclude")) {
    if (!accept(p, "and", "&&"))
      accept(p, "&", "&");
    int other = factor(p);
    e = make(p, (struct term){.type = NODE_AND, .a = e, .b = other});
  }
  return e;
}

static int either(struct parser *p) {
  int e = both(p);
  while (accept(p, "or", "||") || accept(p, "|", "|")) {
    int other = both(p);
    e = make(p, (struct term){.type = NODE_OR, .a = e, .b = other});
  }
  return e;
}

struct choice *la__choose_new(const char *cmd, char **words, unsigned n, unsigned states) {
  struct choice *f = calloc(1, sizeof *f);
  struct parser p = {.cmd = cmd, .word = words, .n = n, .f = f};
  if (!f)
    abort();
  f->root = -1;
  while (p.at < n) {
    if (accept(&p, "state", "state")) {
      p.include |= states_of(&p, need(&p, "state"));
    } else if (accept(&p, "exclude", "exclude")) {
      p.exclude |= states_of(&p, need(&p, "exclude"));
    } else {
      int e = either(&p);
      if (is(&p, ")", ")"))
        la__usage(cmd, "filter: ) without (");
      f->root = f->root < 0 ? e : make(&p, (struct term){.type = NODE_AND, .a = f->root, .b = e});
    }
  }
  f->states = (p.include ? p.include : p.exclude ? STATES_ALL : states) & ~p.exclude;
  return f;
}

void la__choose_free(struct choice *f) { free(f); }

static bool compare(enum op op, unsigned a, unsigned b) {
  switch (op) {
  case OP_EQ:
    return a == b;
  case OP_NE:
    return a != b;
  case OP_LT:
    return a < b;
  case OP_GT:
    return a > b;
  case OP_LE:
    return a <= b;
  default:
    return a >= b;
  }
}

static bool within(const struct term *t, const la_addr *a, uint16_t port) {
  if (t->port && t->port != port)
    return false;
  if (!t->addr.family)
    return true;
  if (t->addr.family != a->family)
    return false;
  for (unsigned bit = 0; bit < t->len; bit++)
    if ((t->addr.b[bit / 8] ^ a->b[bit / 8]) & 0x80 >> bit % 8)
      return false;
  return true;
}

static bool holds(const struct choice *f, int i, const struct row *r) {
  const struct term *t = &f->t[i];
  switch (t->type) {
  case NODE_AND:
    return holds(f, t->a, r) && holds(f, t->b, r);
  case NODE_OR:
    return holds(f, t->a, r) || holds(f, t->b, r);
  case NODE_NOT:
    return !holds(f, t->a, r);
  case NODE_PORT:
    return compare(t->op, t->remote ? r->rport : r->lport, t->port);
  default:
    return within(t, t->remote ? &r->remote : &r->local, t->remote ? r->rport : r->lport) == (t->op == OP_EQ);
  }
}

bool la__choose_match(const struct choice *f, const struct row *r) {
  return (r->kind == ROW_UDP || f->states & 1u << r->state) && (f->root < 0 || holds(f, f->root, r));
}

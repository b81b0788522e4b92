/* SPDX-License-Identifier: MIT */
#include "link/fault_spec.h"

#include <stdio.h>
#include <string.h>

#define DELAY_MAX (60 * LA_SEC)
enum { NUMBER_DIGITS = 18, WHOLE_DIGITS = 8, FRACTION_DIGITS = 6, SHOWN = 40 };

/* A piece of the text, not zero-terminated. */
struct piece {
  const char *p;
  size_t n;
};

static bool is(struct piece t, const char *word) { return t.n == strlen(word) && !memcmp(t.p, word, t.n); }

/* Cuts off what stands before `mark`, or all there is when it does not occur; false when nothing is left to cut. */
static bool cut(struct piece *rest, char mark, struct piece *out) {
  if (!rest->p)
    return false;
  const char *at = memchr(rest->p, mark, rest->n);
  *out = (struct piece){rest->p, at ? (size_t)(at - rest->p) : rest->n};
  *rest = at ? (struct piece){at + 1, rest->n - out->n - 1} : (struct piece){NULL, 0};
  return true;
}

/* Whole numbers: digits and nothing else. */
static bool whole(struct piece t, uint64_t *out) {
  *out = 0;
  for (size_t i = 0; i < t.n; i++) {
    if (t.p[i] < '0' || t.p[i] > '9')
      return false;
    *out = *out * 10 + (uint64_t)(t.p[i] - '0');
  }
  return t.n > 0 && t.n <= NUMBER_DIGITS;
}

/* "1.5" gives 1500000; at most 8 digits before the point and 6 behind. */
static bool millionths(struct piece t, uint64_t *out) {
  struct piece before, after = {"", 0};
  uint64_t w, f = 0;
  bool fraction = memchr(t.p, '.', t.n);
  cut(&t, '.', &before);
  if (fraction)
    after = t;
  if (!whole(before, &w) || before.n > WHOLE_DIGITS || (fraction && (!whole(after, &f) || after.n > FRACTION_DIGITS)))
    return false;
  for (size_t i = after.n; i < FRACTION_DIGITS; i++)
    f *= 10;
  *out = w * FAULT_MILLION + f;
  return true;
}

static bool ends(struct piece *t, const char *tail) {
  size_t n = strlen(tail);
  if (t->n < n || memcmp(t->p + t->n - n, tail, n))
    return false;
  t->n -= n;
  return true;
}

/* Each of the following returns NULL, or what is wrong. */

static const char *percent(struct piece t, uint32_t *ppm) {
  uint64_t m;
  if (!ends(&t, "%") || !millionths(t, &m) || m > 100 * (uint64_t)FAULT_MILLION)
    return "a probability is a number from 0 to 100 and a %";
  *ppm = (uint32_t)(m / 100);
  return NULL;
}

static const char *duration(struct piece t, la_time *out) {
  la_time unit = ends(&t, "us") ? LA_US : ends(&t, "ms") ? LA_MS : ends(&t, "s") ? LA_SEC : 0;
  uint64_t m;
  if (!unit || !millionths(t, &m) || m > DELAY_MAX / unit * FAULT_MILLION)
    return "a time is a number and us, ms or s, up to 60 s";
  *out = m * unit / FAULT_MILLION; /* below 2^56 */
  return NULL;
}

static const char *which(struct piece t, struct fault_rule *r) {
  static const char wrong[] = "which packets: a number from 1, a range as 2-5 or 4-, a probability as 10%, or all";
  struct piece low;
  r->first = 1;
  r->last = UINT64_MAX;
  r->ppm = FAULT_MILLION;
  if (is(t, "all"))
    return NULL;
  if (t.n && t.p[t.n - 1] == '%')
    return percent(t, &r->ppm);
  bool range = memchr(t.p, '-', t.n);
  cut(&t, '-', &low);
  if (!whole(low, &r->first) || !r->first)
    return wrong;
  if (!range)
    r->last = r->first;
  else if (t.n && (!whole(t, &r->last) || r->last < r->first))
    return wrong;
  return NULL;
}

static const char *const actions[FAULT_ACTIONS] = {"drop", "dup", "reorder", "corrupt", "delay"};

static int action(struct piece t) {
  for (int i = 0; i < FAULT_ACTIONS; i++)
    if (is(t, actions[i]))
      return i;
  return -1;
}

static const char *kind(struct piece t, unsigned *what) {
  static const char *const kinds[] = {"any", "syn", "synack", "fin", "rst", "ack", "data"};
  for (unsigned i = 0; i < sizeof kinds / sizeof *kinds; i++)
    if (is(t, kinds[i])) {
      *what = 1u << i;
      return NULL;
    }
  return "what: any, syn, synack, fin, rst, ack or data";
}

static const char *rule(struct fault_spec *s, struct piece item) {
  struct fault_rule *r = &s->rule[s->rules];
  struct piece part;
  if (s->rules == FAULT_RULES)
    return "there may be 32 rules";
  *r = (struct fault_rule){0};
  cut(&item, ':', &part);
  int a = action(part);
  if (a < 0)
    return "a rule begins with drop, dup, reorder, corrupt or delay";
  r->action = (enum fault_action)a;
  if (!cut(&item, ':', &part) || !(is(part, "in") || is(part, "out") || is(part, "any")))
    return "then comes the direction: in, out or any";
  r->dirs = is(part, "any") ? 1u << FAULT_IN | 1u << FAULT_OUT : 1u << (is(part, "in") ? FAULT_IN : FAULT_OUT);
  const char *bad = cut(&item, ':', &part) ? kind(part, &r->what) : "then comes what: any, syn, synack, fin, rst, ack or data";
  if (!bad)
    bad = cut(&item, ':', &part) ? which(part, r) : "then comes which of them: a number, a range, a probability or all";
  if (bad)
    return bad;
  if (r->action == FAULT_DELAY && !cut(&item, ':', &part))
    return "a delay rule ends with how late, as 200ms";
  if (r->action == FAULT_DELAY && (bad = duration(part, &r->delay)))
    return bad;
  if (item.p)
    return "nothing may follow";
  s->rules++;
  return NULL;
}

static const char *setting(struct fault_spec *s, struct piece item) {
  struct piece name;
  cut(&item, '=', &name);
  if (is(name, "seed"))
    return whole(item, &s->seed) ? NULL : "a seed is a whole number of at most 18 digits";
  if (is(name, "delay"))
    return duration(item, &s->delay);
  if (is(name, "jitter"))
    return duration(item, &s->jitter);
  int a = action(name);
  return a < 0 ? "there is seed=, drop=, dup=, reorder=, corrupt=, delay= and jitter=" : percent(item, &s->ppm[a]);
}

bool la__fault_parse(struct fault_spec *s, const char *text, char *err, size_t err_cap) {
  struct piece rest = {text, strlen(text)}, item;
  *s = (struct fault_spec){.seed = 1};
  for (unsigned n = 1; cut(&rest, ',', &item); n++) {
    const char *bad;
    if (!item.n)
      bad = "an item is missing";
    else if (memchr(item.p, '=', item.n))
      bad = setting(s, item);
    else if (memchr(item.p, ':', item.n))
      bad = rule(s, item);
    else
      bad = "an item is as drop=5% or drop:in:fin:3";
    if (!bad)
      continue;
    if (err && err_cap)
      snprintf(err, err_cap, "item %u at character %u, '%.*s': %s", n, (unsigned)(item.p - text) + 1, item.n < SHOWN ? (int)item.n : SHOWN,
               item.p, bad);
    return false;
  }
  return true;
}

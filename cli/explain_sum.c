/* SPDX-License-Identifier: MIT */
/* Totals of lastack explain. */
#include "cli/explain.h"

#include <stdlib.h>
#include <string.h>

#include "draw/explain.h"

/* Space-saving counts (Metwally et al. 2005): of servers beyond the table's size the least frequent one gives its place and its count. */
static void count_peer(struct rollup *r, const struct flow *c, const struct verdict *v) {
  const struct flow_end *e = &c->end[!v->client];
  uint64_t h = 0;
  for (size_t i = 0; i < sizeof e->addr; i++)
    h = (h ^ e->addr[i]) * 0x100000001b3u;
  struct peer *set = r->peer[(h ^ h >> 29) % PEER_SETS], *least = set;
  for (size_t i = 0; i < PEER_WAYS; i++) {
    struct peer *p = &set[i];
    if (p->family == c->family && memcmp(p->addr, e->addr, sizeof p->addr) == 0) {
      p->conns++;
      p->findings += v->finding;
      return;
    }
    if (p->conns < least->conns)
      least = p;
  }
  *least = (struct peer){.family = c->family, .conns = least->conns + 1, .findings = v->finding};
  memcpy(least->addr, e->addr, sizeof least->addr);
}

void la__rollup_add(struct rollup *r, const struct flow *c, const struct verdict *v, la_time now) {
  la_time age = now - c->first.at;
  r->conns++;
  r->findings += v->finding;
  r->kind[v->kind]++;
  r->first_closed[v->first_closed]++;
  r->reason[v->reason]++;
  if (v->kind == KIND_RESET)
    r->resets[v->reason]++;
  if (v->reason == REASON_OPEN && v->kind != KIND_HALF) {
    r->open++;
    r->open_longest = age > r->open_longest ? age : r->open_longest;
  } else if (v->kind == KIND_HALF) {
    r->half_open++;
    r->half_longest = v->half_closed > r->half_longest ? v->half_closed : r->half_longest;
  }
  if (v->time_wait)
    r->port_seconds += (double)(v->time_wait_until - v->time_wait_from) / 1e9 * (v->time_wait == 3 ? 2 : 1);
  count_peer(r, c, v);
}

static int by_count(const void *a, const void *b) {
  const struct peer *p = a, *q = b;
  return p->conns < q->conns ? 1 : p->conns > q->conns ? -1 : memcmp(p->addr, q->addr, sizeof p->addr);
}

static unsigned long long ull(uint64_t n) { return n; }

static void list(FILE *out, const char *title, const uint64_t *counts, size_t n, const char *(*name)(size_t)) {
  bool any = false;
  for (size_t i = 0; i < n; i++)
    if (counts[i]) {
      fprintf(out, "%s%s %llu", any ? ", " : title, name(i), ull(counts[i]));
      any = true;
    }
  if (any)
    fputc('\n', out);
}

static const char *kind(size_t i) { return la__kind_name((enum close_kind)i); }
static const char *closed(size_t i) { return la__closed_name((enum first_closed)i); }
static const char *reason(size_t i) { return la__reason_name((enum reason)i); }

static void print_capture(FILE *out, const struct flows_stats *s) {
  const struct {
    uint64_t n;
    const char *what;
  } rows[] = {{s->cut, "cut within a header by the snap length"},
              {s->malformed, "malformed"},
              {s->fragments, "IP fragments"},
              {s->unknown_link, "of a link type that is not known"},
              {s->drops, "dropped by the capturer"}};
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
    if (rows[i].n)
      fprintf(out, "capture: %llu packet%s %s\n", ull(rows[i].n), rows[i].n == 1 ? "" : "s", rows[i].what);
}

void la__rollup_print(FILE *out, struct rollup *r, const struct flows_stats *s) {
  char time[32], addr[LA_ADDR_TEXT];
  fprintf(out, "\n%llu connection%s, %llu finding%s; %llu packets, %llu of them TCP\n", ull(r->conns), r->conns == 1 ? "" : "s",
          ull(r->findings), r->findings == 1 ? "" : "s", ull(s->frames), ull(s->tcp));
  list(out, "closes: ", r->kind, sizeof r->kind / sizeof r->kind[0], kind);
  list(out, "closed first: ", r->first_closed, sizeof r->first_closed / sizeof r->first_closed[0], closed);
  list(out, "resets: ", r->resets, REASONS, reason);
  list(out, "reasons: ", r->reason, REASONS, reason);
  if (r->open)
    fprintf(out, "open: %llu, the longest for %s\n", ull(r->open), la__explain_time(r->open_longest, time));
  if (r->half_open)
    fprintf(out, "half-closed: %llu, the longest for %s\n", ull(r->half_open), la__explain_time(r->half_longest, time));
  if (r->port_seconds > 0)
    fprintf(out, "TIME-WAIT: %.0f port-seconds\n", r->port_seconds);
  struct peer *p = r->peer[0];
  qsort(p, (size_t)PEER_SETS * PEER_WAYS, sizeof *p, by_count);
  for (size_t i = 0; p[i].conns && i < PEERS_SHOWN; i++) {
    la_addr a = {.family = p[i].family};
    memcpy(a.b, p[i].addr, sizeof a.b);
    fprintf(out, "%s%s %llu (%llu)", i ? ", " : "servers by connections (findings): ", la_addr_text(&a, addr), ull(p[i].conns),
            ull(p[i].findings));
  }
  if (p->conns)
    fputc('\n', out);
  print_capture(out, s);
}

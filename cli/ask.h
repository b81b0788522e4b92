/* SPDX-License-Identifier: MIT */
/* Asking running stacks on their Unix sockets (docs/monitor.md), and what they answer as rows. Shared by ss, top and metrics. */
#ifndef LA_CLI_ASK_H
#define LA_CLI_ASK_H

#include <jansson.h>

#include "cli/cli.h"

enum { ASK_PATH = 512, ASK_ERR = 200 };

/* Whom to ask, and about what: a child of the parsers of ss, top and metrics, which give it as their child's input. */
struct asked {
  const char *cmd, *path;
  char **words; /* as many as there are arguments; NULL: none are expected */
  unsigned nwords;
};
extern const struct argp_child la__asked_children[];

struct sources {
  char (*path)[ASK_PATH];
  size_t n;
};
/* `given`, or all sockets in the default folders. */
void la__sources_find(struct sources *s, const char *given);
void la__sources_free(struct sources *s);
/* "no running stack in /run/…" */
int la__sources_none(const char *cmd, const char *given);

/*
 * Sends a request and gives each line that comes back to fn, which may keep a reference of its own. false: err says why; nobody listens
 * there, or may be asked by us: err is empty.
 */
bool la__ask(const char *path, const char *request, void (*fn)(void *ctx, json_t *line), void *ctx, char err[ASK_ERR]);
/* GET /metrics: the body, to be freed; NULL as above. */
char *la__ask_metrics(const char *path, size_t *len, char err[ASK_ERR]);

enum row_kind { ROW_CONNECTION, ROW_HALF_OPEN, ROW_TIME_WAIT, ROW_LISTENER, ROW_UDP, ROW_KINDS };
struct row {
  json_t *o;
  enum row_kind kind;
  unsigned pid, stack, stacks; /* stacks: of its process */
  uint32_t id;                 /* of a connection; 0: none */
  enum la_state state;         /* LA_CLOSED for UDP */
  bool ended;
  la_addr local, remote;
  uint16_t lport, rport;
  uint64_t in_state_ms, age_ms, recv_q, send_q, bytes, srtt_us, retransmits;
  char name[16]; /* ID as it is shown: 12, or 1/12 */
};
struct rows {
  struct row *v;
  size_t n, cap;
  unsigned processes;
  bool bad;
  char err[ASK_ERR]; /* of the first that was bad */
};
/* Everything that all of them tell. id 0: all records. */
void la__rows_get(struct rows *r, const struct sources *s, uint32_t id);
void la__rows_free(struct rows *r);

/* 0 when it is not there, or null. */
uint64_t la__row_number(const struct row *r, const char *name);
bool la__row_has(const struct row *r, const char *name); /* there, and not null */
const char *la__row_word(const struct row *r, const char *name);

/* "1.234s", "5m12s", "3h02m", "12d04h"; "12ms" */
#define SPAN_TEXT 24
char *la__span(uint64_t ms, char buf[SPAN_TEXT]);
#define END_TEXT 64
/* "10.0.0.1:80", "[fd00::1]:80"; "*:*" for none */
char *la__end_point(const la_addr *a, unsigned port, char buf[END_TEXT]);

/* ---- choose.c: words in the manner of ss(8) ---- */

struct choice;
/* Ends the program on a word that it does not understand. `states`: as no `state` or `exclude` says otherwise. */
struct choice *la__choose_new(const char *cmd, char **words, unsigned n, unsigned states);
void la__choose_free(struct choice *f);
bool la__choose_match(const struct choice *f, const struct row *r);
/* Sets of states as bits 1 << enum la_state. UDP sockets are in none. */
#define STATES_ALL ((1u << LA_STATES) - 1)
#define STATES_CONNECTED (STATES_ALL & ~(1u << LA_CLOSED | 1u << LA_LISTEN))
#define STATES_BUCKET (1u << LA_SYN_RECEIVED | 1u << LA_TIME_WAIT)

/* ---- why.c ---- */

/* The story of one connection. */
void la__why(FILE *out, const struct row *r);

#endif

/* SPDX-License-Identifier: MIT */
/* What most scenarios begin with: a client and a server, a listener, one connection. */
#ifndef LA_SIM_DUO_H
#define LA_SIM_DUO_H

#include "sim/claim.h"

#define PORT 80
#define CPORT 5000 /* where the client's own port matters */

struct duo {
  struct sim *sim;
  struct world *w;
  struct host *a, *b; /* client, server */
  struct lsn *l;
  struct conn *c, *s; /* the client's end, the server's; never NULL once la__duo_open was called */
};

/* Two hosts, down: their cfg may still be changed. Then la__duo_boot. */
struct duo la__duo_make(struct sim *s, struct world *w);
/* Boots both; the server listens at PORT with that conduct (NULL: reads, and never closes by itself). */
void la__duo_boot(struct duo *d, const struct conduct *server);
/* Both of the above. */
struct duo la__duo(struct sim *s, struct world *w, const struct conduct *server);
/* The client connects (lport 0: any); time passes until both applications have the connection, at most 200 s. */
bool la__duo_open(struct duo *d, uint16_t lport);
/*
 * What a run ends with whose claims are about something else, for its drawing: the client closes, the server reads to the end and closes,
 * and time passes until nothing is left. Nothing is done where allocations fail: each of these runs is about one of them.
 */
void la__duo_release(struct duo *d);
void la__duo_give_up(struct duo *d); /* the same where nothing comes through: the client resets */
/* The accepted end that mirrors c, or a stand-in. */
struct conn *la__accepted(struct duo *d, const struct conn *c);
/* Time passes until a connection's state is (or has been) `st`. false: not within `limit`. */
bool la__until_state(struct conn *c, enum la_state st, la_time limit);
bool la__until_end(struct conn *c, la_time limit);
bool la__until_open(struct conn *c, la_time limit);
bool la__until_eof(struct conn *c, la_time limit);
bool la__until_received(struct conn *c, size_t n, la_time limit);
/* Time passes until neither end has unacknowledged or undelivered bytes. */
bool la__until_all_acked(struct conn *c, la_time limit);
/*
 * At least that much time passes, and until nothing is on the way (but late packets), nothing waits to be acknowledged, and nothing
 * was sent for half a second: whatever the delay, what comes next begins in quiet.
 */
void la__settle(struct world *w, la_time least);
/* Time passes until 1 ms before TIME-WAIT of `c` must end, however often a FIN restarts it; returns when that is. */
la_time la__until_last_ms(struct conn *c);
bool la__until_left(struct conn *c, enum la_state st, la_time limit);
/* Records of a kind on a host now, by la_each. */
unsigned la__records(const struct host *h, enum la_kind kind);

/* A scripted client on host `a` (which never boots) that talks to a stack on `b`. Numbers as the client counts them. */
struct script {
  struct world *w;
  struct host *a, *b;
  uint16_t lport;
  uint32_t iss, irs, nxt, ack; /* nxt: next to send; ack: next expected */
  bool ts;
  uint32_t ts_val, ts_ecr;
  bool open;
};
/* Sends a segment and lets its delay pass (twice). `nxt` advances by what it occupies. */
struct pkt *la__script_send(struct script *p, uint8_t flags, const void *data, uint32_t len);
bool la__script_open(struct script *p); /* three segments */
void la__script_sync(struct script *p); /* takes ack and ts_ecr from the latest segment of the stack */
/* As la__duo_release, the stack's application closing first: the script acknowledges what comes until the FIN, and sends its own. */
void la__script_release(struct script *p, struct conn *c);

#endif

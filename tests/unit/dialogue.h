/* SPDX-License-Identifier: MIT */
/*
 * Dialogues: one stack against a scripted peer in virtual time.
 *
 *     struct dlg *d = dlg_new(NULL);             (or with a function that changes the configuration)
 *     dlg_listen(d);
 *     inject(d, SYN, 0, 0, 0);                   from the peer: flags, SEQ, ACK, bytes of payload
 *     expect(d, SYN | ACK, 0, 1, 0);             from the stack
 *     inject(d, ACK, 1, 1, 0);
 *     expect_nothing(d);
 *     dlg_free(d);                               also checks that every byte of memory came back
 *
 * Sequence numbers are relative: the peer's to flow.iss, the stack's to flow.irs, which the first SYN that is expected sets.
 * Nothing leaves the stack before something asks for it (expect…, dlg_pump, dlg_advance), so that two inject()s in a
 * row are one batch of input. expect() takes the next segment of the present flow; segments of other flows wait.
 */
#ifndef TESTS_UNIT_DIALOGUE_H
#define TESTS_UNIT_DIALOGUE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "wire/icmp.h"
#include "wire/ip.h"
#include "wire/tcp_wire.h"

#include <lastack/lastack.h>

enum { FIN = LA_FIN, SYN = LA_SYN, RST = LA_RST, PSH = LA_PSH, ACK = LA_ACK, URG = LA_URG, ECE = LA_ECE, CWR = LA_CWR };

/* Counts, fails at will, checks sizes on the way back. */
struct dlg_mem {
  uint64_t calls, live, blocks;
  uint64_t fail_at;   /* this call fails (1, 2, …); 0: none */
  uint64_t fail_from; /* this one and all after it fail; 0: none */
};
la_alloc dlg_alloc(struct dlg_mem *m);

/* One connection as its peer sees it. A test with several keeps copies and assigns d->f. */
struct flow {
  la_addr us, peer; /* us: the stack */
  uint16_t lport, rport;
  uint32_t iss, irs; /* the peer's and the stack's initial sequence numbers */
  bool irs_known;
  bool ts;              /* timestamps agreed: inject adds them by itself */
  uint32_t ts_base;     /* the peer's clock at time 0, in ms */
  uint32_t ts_ecr;      /* the stack's latest TSval */
  struct tcp_opts syn;  /* options of the peer's SYN and SYN-ACK */
  struct tcp_opts from; /* options of the stack's SYN or SYN-ACK, as it came */
};

/* A segment that the stack has sent. */
struct dlg_seg {
  la_time at;
  la_addr src, dst;
  uint8_t ttl, tos;
  struct tcp_seg seg; /* data: in bytes */
  uint8_t *bytes;
};

struct dlg {
  la_stack *s;
  la_link link;
  la_time now;
  struct dlg_mem mem;
  struct flow f;
  la_conn conn;         /* dlg_connect, dlg_accept, establish */
  la_listener listener; /* dlg_listen */
  struct dlg_seg *out;  /* sent, not yet expected */
  size_t nout, out_cap;
  la_event *ev;
  size_t nev, ev_cap;
  bool hold_events;             /* dlg_pump leaves events in the stack */
  uint8_t tos;                  /* of the packets that are injected */
  uint16_t wnd;                 /* the peer's window field unless a shot says otherwise */
  uint64_t sent;                /* segments from the stack in all */
  uint64_t bytes_in, bytes_out; /* of packets, headers too */
  char log[48][160];            /* what happened last, for failures */
  unsigned nlog;
};

/* What inject() and expect() may be told beside the first four. */
#define ZERO_WINDOW (-1)
struct shot {
  unsigned flags;
  uint32_t seq, ack, len;
  int32_t wnd;         /* 0: d->wnd; ZERO_WINDOW: 0 */
  const void *data;    /* NULL: dlg_byte() of each position */
  struct tcp_opts opt; /* have 0: SYN: flow.syn; else timestamps when they are agreed */
  bool plain;          /* no options at all */
  uint32_t ts_back;    /* TSval is this many ms before the peer's clock */
  uint16_t urp;
  uint32_t damage; /* this bit of the segment, counted from 1, flips on the way */
};
struct want {
  unsigned flags;
  uint32_t seq, ack, len;
  la_time at;    /* 0: any instant */
  int32_t wnd;   /* 0: any; ZERO_WINDOW: 0; the field, unscaled */
  bool absolute; /* seq and ack are absolute */
  bool no_ack_check;
};
struct dlg *dlg_new(void (*tweak)(la_config *c));
struct dlg *dlg_new_peer(void (*tweak)(la_config *c)); /* the same with the addresses (and ports) the other way round */
void dlg_free(struct dlg *d);
void dlg_use6(struct dlg *d);                  /* the flow's addresses: IPv6 */
void dlg_other(struct dlg *d, uint16_t rport); /* a new flow from another port of the peer */

size_t dlg_offer(struct dlg *d, struct shot s); /* la_input's result */
void dlg_inject(struct dlg *d, struct shot s, const char *file, int line);
const struct dlg_seg *dlg_expect(struct dlg *d, struct want w, const char *file, int line);
void dlg_expect_nothing(struct dlg *d, const char *file, int line);
/* PSH is left out of the comparison unless it is wanted. The result lives until the next call that pumps. */
#define inject(d, f, s, a, n, ...) dlg_inject(d, (struct shot){.flags = f, .seq = s, .ack = a, .len = n, __VA_ARGS__}, __FILE__, __LINE__)
#define expect(d, f, s, a, n, ...) dlg_expect(d, (struct want){.flags = f, .seq = s, .ack = a, .len = n, __VA_ARGS__}, __FILE__, __LINE__)
#define expect_at(d, t, f, s, a, n) expect(d, f, s, a, n, .at = t)
/* A segment without ACK draws RST,ACK with SEQ 0; `a` is relative to the peer's ISS as always. */
#define expect_rst_ack(d, a) expect(d, RST | ACK, 0u - (d)->f.irs, a, 0)
#define expect_nothing(d) dlg_expect_nothing(d, __FILE__, __LINE__)

/* Any packet: the IP header is made here. */
size_t dlg_ip(struct dlg *d, const la_addr *src, const la_addr *dst, uint8_t proto, const void *payload, uint32_t len);
/* An ICMP error from `from` that quotes a segment of ours with that sequence number (relative); only `quoted` bytes of its TCP header. */
size_t dlg_icmp(struct dlg *d, const la_addr *from, uint8_t type, uint8_t code, uint32_t word, uint32_t seq, uint32_t quoted);

/* Takes output and events at the present instant. */
void dlg_pump(struct dlg *d);
/* Lets time pass; every deadline on the way is kept, and what is sent carries its instant. */
void dlg_advance(struct dlg *d, la_time ns);
void dlg_until(struct dlg *d, la_time at);
void dlg_forget(struct dlg *d); /* drops what was sent and not expected */

void dlg_listen(struct dlg *d); /* on flow.lport, any address, backlog 16 */
int dlg_connect(struct dlg *d); /* from flow.lport to the peer */
int dlg_accept(struct dlg *d);
enum dlg_side { PASSIVE_OPEN, ACTIVE_OPEN };
/* The whole handshake, events taken; the stack's and the peer's next sequence numbers are 1. */
void establish(struct dlg *d, enum dlg_side side);
/*
 * A connection in a state, by the shortest way, with events and END taken; CLOSED and LISTEN: none. From FIN-WAIT-1 on `closed` tells
 * la_close from la_shutdown. Results: the next sequence number that each side would use.
 */
struct place {
  uint32_t peer, us;
};
struct place dlg_reach(struct dlg *d, enum la_state st, enum dlg_side side, bool closed);
/* The peer's byte at a position of its stream, and the stack's; dlg_send queues such. */
uint8_t dlg_byte(uint32_t pos);
ptrdiff_t dlg_send(struct dlg *d, uint32_t pos, size_t n);

/* The state of the present flow's record, of whatever kind; LISTEN when only a listener has the port, else CLOSED. */
enum la_state dlg_state(struct dlg *d);
void dlg_expect_state(struct dlg *d, enum la_state st, const char *file, int line);
#define expect_state(d, st) dlg_expect_state(d, st, __FILE__, __LINE__)
const la_event *dlg_expect_event(struct dlg *d, enum la_event_type type, const char *file, int line);
void dlg_expect_no_event(struct dlg *d, const char *file, int line);
#define expect_event(d, type) dlg_expect_event(d, type, __FILE__, __LINE__)
#define expect_no_event(d) dlg_expect_no_event(d, __FILE__, __LINE__)
la_end dlg_expect_end(struct dlg *d, enum la_who who, enum la_how how, enum la_why why, int err, const char *file, int line);
#define expect_end(d, who, how, why, err) dlg_expect_end(d, who, how, why, err, __FILE__, __LINE__)

la_stats dlg_stats(const struct dlg *d);
const char *dlg_flags(unsigned flags, char buf[32]);
_Noreturn void dlg_fail(struct dlg *d, const char *file, int line, const char *fmt, ...) __attribute__((format(printf, 4, 5)));

#endif

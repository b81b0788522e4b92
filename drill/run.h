/* SPDX-License-Identifier: MIT */
/*
 * Running a script: one stack in virtual time, its socket layer, and the script as application and as peer.
 *
 * Theory of operation. The events of a script run in their order (run.c). Time stands still while one runs; between two the clock jumps
 * to whichever comes first: the next event, a clock of the stack, the time-out of a call that waits (clock.c). What the stack sends is
 * kept in a queue with its instant; an outbound packet of the script takes the oldest that belongs to the socket under test and compares
 * it (compare.c), in the script's numbers (peer.c maps ports, sequence numbers and timestamps between the script and the live
 * connection). Calls go to la_posix (calls*.c); one that waits is repeated whenever the layer says that it is due.
 *
 * The first failure ends the run. Everything allocated for a run hangs off it and goes with it, so nothing is freed one by one.
 */
#ifndef LA_DRILL_RUN_H
#define LA_DRILL_RUN_H

#include "draw/drawing.h"
#include "drill/script.h"

#include "core/stack.h"

#include <lastack/posix.h>
#include <stdio.h>

enum {
  DRILL_FDS = 64,          /* descriptors of a script at a time */
  DRILL_TS_MAPS = 1024,    /* timestamps remembered of a connection */
  DRILL_PACKET_MAX = 65535 /* bytes */
};
/* Virtual time at the script's instant 0: late enough for anything to lie before it. */
#define DRILL_EPOCH (3600 * LA_SEC)

/* What holds for every script of a command line. */
enum drill_preset {
  DRILL_PRESET_OWN, /* as the script wants, or else FreeBSD's or Linux's: whichever it was written for */
  DRILL_PRESET_LINUX,
  DRILL_PRESET_RFC,
  DRILL_PRESET_FREEBSD
};
struct drill_settings {
  enum drill_preset preset;
  const struct drill_option *options; /* in packetdrill's names; they win over the script's; may be NULL */
  struct events *events;              /* draw/events.h: gets every trace record; NULL for none */
};

enum sock_phase { /* of a socket as the script tells it, in packetdrill's words */
                  SOCK_INIT,
                  SOCK_NEW,
                  SOCK_CONNECTING,
                  SOCK_SYN_SENT,
                  SOCK_SYN_ACKED,
                  SOCK_LISTENING,
                  SOCK_SYN_CAME,
                  SOCK_SYN_ACK_SENT,
                  SOCK_SYN_ACK_ACKED
};
struct ends {
  la_addr local, remote;
  uint16_t lport, rport;
  uint32_t local_isn, remote_isn;
};
struct ts_map {
  uint32_t script, live;
};
/* A socket, or a connection that no accept has returned yet: what is known of it in the script and live. */
struct sock {
  struct sock *next;
  enum sock_phase phase;
  int protocol;
  int fd; /* the script's; -1: none */
  struct ends script, live;
  bool syn_again;   /* the peer has sent another SYN since the handshake, */
  uint32_t syn_seq; /* with this number */
  struct ts_map *ts;
  unsigned nts;
  bool ts_found;
  struct ts_map ts_first;
};

struct fd_map {
  int script, live;
};

/* A packet that crossed the wire, as bytes and taken apart. */
struct wire {
  struct wire *next;  /* all of them, in order */
  struct wire *queue; /* outbound ones that no event has taken */
  la_time at;
  bool out;
  uint8_t again; /* la_trace_rec.retransmit */
  uint32_t number;
  struct ip_hdr ip;
  enum drill_proto proto;
  struct tcp_seg seg;
  const uint8_t *header; /* of TCP, UDP or ICMP */
  uint16_t sport, dport;
  uint32_t payload_len;
  const uint8_t *payload;
  uint32_t len;
  uint8_t data[];
};

struct moment; /* report.c: what the ladder shows besides packets */
struct call;   /* calls.h */
struct tuning; /* tuning.h */
struct expr_vars;

struct run {
  const struct script *script;
  const struct drill_settings *settings;
  void *arena;
  struct tuning *tuning;
  la_stack *stack;
  la_posix *posix;
  la_link link;
  la_trace_rec *trace;

  la_time now;                      /* live; `now - DRILL_EPOCH` is the script's */
  const struct drill_event *event;  /* under way */
  const struct drill_event *before; /* the one before it, */
  la_time at, at_end, before_at;    /* and their instants in the script, resolved */
  la_time offset;                   /* what `+` counted from */
  unsigned events, steps;           /* done */

  struct sock *socks, *under_test;
  uint16_t next_port;
  struct fd_map fds[DRILL_FDS];
  unsigned nfds;
  struct call *calls; /* that wait */

  struct wire *wires, **wires_end, *queue, **queue_end;
  struct moment *moments, **moments_end;
  struct expr_vars *vars; /* of code */

  bool failed;
  struct place fail_at;
  char *failure; /* one line, or several */
  char *detail;  /* expected and actual, drawn under each other; may be NULL */

  char **notes; /* what was not done, each once */
  unsigned nnotes;
  struct nstat {
    la_stats asked, since, now; /* asked: when it was last */
    bool zeros;                 /* it names counters that are zero too */
  } nstat;
  unsigned liberties; /* of a script for FreeBSD: packets that differ in what RFC 9293 leaves free: see la__packet_liberties */
  unsigned reordered; /* packets that had the script's options in another order, or padded otherwise */
};

/* ---- run.c ---- */

/* Runs `s`. Never NULL except for want of memory. */
struct run *la__drill_run(const struct script *s, const struct drill_settings *settings);
void la__drill_free(struct run *r);

/* The run has failed; the first message stays. Always false. */
__attribute__((format(printf, 3, 4))) bool la__drill_fail(struct run *r, struct place at, const char *fmt, ...);
/* Something of the script was not done. Each text once. */
__attribute__((format(printf, 2, 3))) void la__drill_note(struct run *r, const char *fmt, ...);
void *la__drill_alloc(struct run *r, size_t n); /* zeroed */
__attribute__((format(printf, 2, 3))) char *la__drill_text(struct run *r, const char *fmt, ...);

/* Did something that should happen from `from` to `to` happen in time? `since`: what the tolerance in per cent is counted from. */
bool la__drill_in_time(struct run *r, struct place at, const char *what, enum drill_time_kind kind, la_time from, la_time to, la_time since,
                       la_time happened);

/* ---- clock.c ---- */

static inline la_time drill_script_time(la_time live) { return live < DRILL_EPOCH ? 0 : live - DRILL_EPOCH; }
/* Everything that can happen now happens: clocks, events, output, calls that were due. false: the run has failed. */
bool la__clock_settle(struct run *r);
/* Time passes until the script's instant `until`. */
bool la__clock_until(struct run *r, la_time until);
/* Time passes to the next thing that happens by itself; false also when nothing will until `until` (script; LA_NEVER: at all). */
bool la__clock_step(struct run *r, la_time until);
/* A packet of the script comes in. */
bool la__clock_input(struct run *r, const uint8_t *data, uint32_t len);

/* ---- setup.c ---- */

/* DRILL_PRESET_OWN: no such name. */
enum drill_preset la__drill_preset(const char *name);

/* The stack as options and commands so far want it. Called before the first event that needs it. */
bool la__setup_stack(struct run *r);

/* ---- packets.c, peer.c, compare.c, decode.c ---- */

bool la__packet_event(struct run *r, const struct drill_packet *p);
/* Bytes of an inbound packet, with live numbers; 0: failed. */
uint32_t la__packet_build(struct run *r, struct sock *k, const struct drill_packet *p, uint8_t *out);
/* Takes bytes apart: false when they are no IP packet. */
bool la__packet_decode(struct wire *w);
/* The live packet in the script's numbers and form. */
struct drill_packet *la__packet_as_script(struct run *r, struct sock *k, const struct wire *w);

struct sock *la__sock_new(struct run *r);
struct sock *la__sock_fd(const struct run *r, int script_fd);
/* Whose the script's packet is; a SYN may make a new one. NULL: failed. */
struct sock *la__sock_of_packet(struct run *r, const struct drill_packet *p);
/* Is this live packet one of k's? Learns the local address of a connection that k opens. */
void la__sock_learns(struct sock *k, const struct drill_packet *p, const struct wire *w); /* from a SYN-ACK that goes out */
bool la__sock_sends(struct run *r, struct sock *k, const struct wire *w);
/* Offsets that turn a sequence number of the script into a live one. */
uint32_t la__sock_local_offset(const struct sock *k, bool syn);
uint32_t la__sock_remote_offset(const struct sock *k, bool syn);

/* The name of the first field that differs, with both values in `why`, or NULL. */
enum packet_field { FIELD_NONE, FIELD_IP, FIELD_FLAGS, FIELD_SEQ, FIELD_ACK, FIELD_WIN, FIELD_URG, FIELD_OPTIONS, FIELD_WHOLE };
enum packet_field la__packet_differs(const struct drill_packet *want, const struct drill_packet *got, char *why, size_t cap);
/*
 * What RFC 9293 leaves free and other systems do in another way: a window that differs, shifted, by less than `mss` (3.8.6.2.2) or stands
 * in a RST, and PSH on text (3.9.1.2 asks for it on the last that is queued only). Where `got` differs so, what is expected is put in.
 */
bool la__packet_liberties(const struct drill_packet *want, struct drill_packet *got, unsigned shift, uint32_t mss);
/* Options that do not differ: have they also the order and the padding that the script has? */
bool la__packet_options_in_order(const struct drill_packet *want, const struct drill_packet *got);
/* As a script writes it. *from and *to (may be NULL) get the columns of `field`. */
char *la__packet_text(const struct drill_packet *p, char *buf, size_t cap, enum packet_field field, size_t *from, size_t *to);

/* ---- calls.c, values.c, symbols.c ---- */

bool la__call_event(struct run *r, const struct drill_call *c);
/* Repeats the calls that are due. */
bool la__calls_retry(struct run *r);
/* The earliest time-out of a call that waits, live. */
la_time la__calls_deadline(const struct run *r);
/* Lets the calls that still wait end, or fails. */
bool la__calls_finish(struct run *r);

bool la__symbol(const char *name, int64_t *out);
/* A number: an integer, a symbol, a | b, htons(…). On failure the run fails with the value's place. */
bool la__value_int(struct run *r, const struct value *v, int64_t *out);
const struct value *la__value_field(const struct value *v, const char *name);

/* ---- commands.c, code.c, report.c ---- */

bool la__command_event(struct run *r, const char *text, struct place at);
/* nstat.c: `options` are letters; grep over what the last one would have printed. false: the run has failed. */
void la__nstat(struct run *r, const char *options);
bool la__nstat_grep(struct run *r, const char *pattern, struct place at);
bool la__code_event(struct run *r, const char *text, struct place at);

void la__report_note(struct run *r, bool left, const char *text);
void la__report_trace(struct run *r);
/* NULL: memory. */
struct drawing *la__report_draw(const struct run *r);
/* The failure with its ladder. */
void la__report_print(FILE *out, const struct run *r, bool ladder);

#endif

/* SPDX-License-Identifier: MIT */
/*
 * The swarm: worlds drawn from seeds, each a plan (swarm_plan.h) that is run to its end under an oracle.
 *
 *   swarm_draw.c    seed -> plan            swarm_plan.c   plan <-> text
 *   swarm_run.c     events, hosts' loops    swarm_net.c    the way between them    swarm_mangle.c  what happens to packets there
 *   swarm_app.c     the applications        swarm_call.c   how they open, configure, end    swarm_lend.c   what they lend to the stack
 *   swarm_trace.c, swarm_watch.c            what the stack tells, and what it is, held against the laws
 *   swarm_explain.c                         the ends: does what the world did account for them?
 *   swarm_shrink.c  plan -> smaller plan    swarm_show.c   its ladder              swarm.c         many worlds, and figures
 *
 * Unlike the scenarios' world (world.h) nothing is kept of what has passed, unless a run is to be drawn: a world costs a few
 * milliseconds. A world depends on its plan alone: integers, one heap of events, nothing that depends on addresses of memory or on their
 * size. Its digest is the sum of what the stacks sent and told.
 */
#ifndef LA_SIM_SWARM_H
#define LA_SIM_SWARM_H

#include "base/prng.h"
#include "core/stack.h"
#include "sim/swarm_ask.h"

enum { SW_ENDS = 1024, SW_PAIRS = 1024, SW_TRACE = 2048, SW_NAT = 256, SW_MTU = 65536, SW_HELD = 4 };

enum sw_law {
  SW_FINE,
  SW_TRANSITION,
  SW_SILENT,
  SW_ONE_FIN,
  SW_NUMBERS,
  SW_EDGE,
  SW_SENT,
  SW_STREAM,
  SW_CLOCK,
  SW_TIME_WAIT,
  SW_ONE_END,
  SW_REASON,
  SW_COMPLETE,
  SW_READY,
  SW_ANSWERS,
  SW_LIMITS,
  SW_BOUND,
  SW_LENT,
  SW_LEFT,
  SW_TRAP,
  SW_LAWS
};
const char *la__sw_law_text(enum sw_law law);

/* What the figures count by state: swarm_figures.c says which of these can be. */
enum sw_seen {
  SEEN_SYN,
  SEEN_SYN_ACK,
  SEEN_ACK,
  SEEN_DATA,
  SEEN_FIN,
  SEEN_RST,
  SEEN_ODD,
  SEEN_DROPPED, /* then one for each reason */
  SEEN_CALL = SEEN_DROPPED + LA_DROPS,
  SEEN_SEND = SEEN_CALL,
  SEEN_RECV,
  SEEN_SHUTDOWN,
  SEEN_DEAF,
  SEEN_CLOSE,
  SEEN_CLOSE_BY,
  SEEN_ABORT,
  SEEN_OPTION,
  SEEN_AGAIN, /* clocks: what they made go out, or what they ended */
  SEEN_PROBE,
  SEEN_KEEPALIVE,
  SEEN_TAIL,
  SEEN_LIMIT,
  SEEN_2MSL,
  SEEN_TROUBLE,
  SEEN_EVENTS
};

struct sw_figures {
  uint64_t worlds, failed, virtual_s, segments, bytes, lost, events, conns, ends, half_open, inherent;
  uint64_t why[LA_WHYS], how[LA_HOWS], cell[LA_STATES][SEEN_EVENTS];
};
void la__sw_sum(struct sw_figures *to, const struct sw_figures *from);

struct sw_world;
struct sw_host;
struct sw_end;

/* Both ends of a connection as one host sees them, over all incarnations: a key is never given up while the world lasts. */
struct sw_pair {
  uint64_t key;
  uint32_t stamp; /* of the world: else it is free */
  uint32_t boot, inc;
  uint8_t state;
  bool has_iss, has_fin, has_edge, reset, fin_mine;
  uint32_t iss, fin, edge, sent_end; /* sent_end: behind the furthest byte that was sent */
  bool has_sent;
  la_time closed;         /* on the host's clock */
  la_time tw_due, tw_fin; /* on the host's clock; tw_fin: of the FIN that came last in TIME-WAIT */
  uint32_t tw_end;        /* behind that FIN */
  la_time tw_fin_before;  /* the same of the one before, should this one be dropped */
  uint32_t tw_end_before;
  uint64_t lost_at, rst_at, rst_out; /* on the world's: the last packet of ours that did not come; the last RST that came. 0: none */
  uint64_t head_at, said_at,
    comes_at;               /* on the world's: when what covers SND.UNA has come, or will; when that was sent which came last. 0: not yet */
  la_time in_at, in_before; /* on the host's: the latest segment that was not dropped, and the one before */
  uint64_t began, hurt_at;  /* an ICMP error came */
  uint64_t waited;          /* on the world's: when it left TIME-WAIT last */
  struct sw_end *end;       /* the application's, of this incarnation */
};

/* One application's end of a connection. */
struct sw_end {
  struct sw_world *w;
  struct sw_host *h;
  struct sw_flow *f;
  const struct sw_end_plan *plan;
  unsigned id, side, boot;
  la_conn handle;
  struct sw_end *peer;
  struct sw_pair *pair;
  uint32_t iss;     /* the opener's */
  uint32_t own_iss; /* has_own: a passive end's own, which no trace tells where its SYN,ACK was a cookie */
  uint16_t lport, rport;
  bool alive;  /* the handle means something */
  bool closed; /* by the application */
  bool has_own, ended, crashed, passive, opened, eof, risky;
  bool fin_done, act_done, eof_done, deaf, cc_done;
  bool post_off;                    /* it reads by la_recv now */
  struct sw_posts *posts;           /* swarm_lend.c; NULL: none yet */
  unsigned read_edges, write_edges; /* how many READABLE may come: one at first (WRITABLE: none), one after each LA_AGAIN */
  bool read_armed, write_armed, told_fin;
  bool aborted, limited;                                                           /* it did so; a time limit of its own was set */
  uint8_t way;                                                                     /* how it closed */
  uint64_t tx, rx, tx_fin;                                                         /* bytes written and read; tx at the time of its FIN */
  uint64_t began, since, tx_next, rd_next, rd_back, fin_at, eof_at, end_at, timer; /* on the world's clock; UINT64_MAX: not yet */
  la_end end;
  /* what the oracle remembers, on the host's clock */
  uint32_t una, nxt, rcv, edge;
  uint8_t state;
  bool rst_due;            /* it has ended by a RST of its own, which must go out in this turn */
  bool seen, owes, probed; /* probed: a persist clock ran since SND.UNA moved, and may have lengthened the limit */
  la_time moved, owed_at, open_at, entered, closed_at,
    kill_at; /* moved: SND.UNA; owed_at: since when something is outstanding; open_at: when the peer's window was last open */
};

struct sw_flow {
  struct sw_world *w;
  const struct sw_flow_plan *plan;
  unsigned no, made, tries;
  la_listener listener;
  bool listening, accepting;
  uint64_t heard; /* when it last listened, or did not: the time of the latest change */
  struct sw_end *last[2];
  bool ever_deaf; /* there was a time at which nobody listened, since start */
};

struct sw_memory {
  struct prng prng;
  uint64_t bytes, failed;
  int64_t blocks;
  uint32_t budget, fail;
  bool none;
};

struct sw_host {
  struct sw_world *w;
  const struct sw_host_plan *plan;
  unsigned no, boots;
  la_stack *st; /* NULL: down */
  la_config cfg;
  la_link link;
  uint64_t speed, base, stop_until, wake; /* wake, stop_until: on the world's clock */
  la_time now, ticked, before;            /* on its own: this call, the latest tick, the one before */
  uint64_t spin_at;
  unsigned spins;
  struct sw_memory mem;
  struct sw_ref *refs; /* swarm_lend.c: what it has lent to the stack */
  la_frame held[SW_HELD];
  unsigned nheld;
  uint64_t baseline, boot_at, crash_at;
  struct prng noise;
  unsigned in_burst;
  uint64_t busy;
  uint64_t last_in[SW_HOSTS];
  uint32_t pmtu, delay_more;
  bool delayed; /* delay_more was more than 0 once: what left then may still be on its way */
  uint64_t cut_until[SW_HOSTS + 1];
  uint8_t cut_how;
  struct {
    uint64_t key;
    uint16_t in, out;
  } nat[SW_NAT];
  unsigned nnat;
  uint16_t nat_next;
  uint64_t forgot_at, forged_at, hard_at, corrupted, frames_in, alone_out; /* the first three: last time on the world's clock */
  uint64_t inputs, outputs;
  struct la_metrics metrics;
  la_trace_rec ring[SW_TRACE];
  struct sw_pair pair[SW_PAIRS];
};

struct sw_pkt {
  struct sw_pkt *next;
  uint32_t len, cap;
  uint8_t from, to;
  bool natted;
  uint16_t flags, gso_size; /* of la_frame, where it goes uncut */
  uint32_t id;
  uint8_t *data;
};

enum sw_event_kind { SW_EV_ARRIVE, SW_EV_APP, SW_EV_FLOW, SW_EV_ACCEPT, SW_EV_FAULT, SW_EV_FAULT_OVER, SW_EV_FINALE, SW_EV_ADMIT };
struct sw_event {
  uint64_t at, order;
  enum sw_event_kind kind;
  uint32_t index;
  union {
    struct sw_pkt *pkt;
    la_syn syn;
  };
};

struct sw_log; /* swarm_show.c: what is kept to be drawn */
struct sw_world {
  const struct sw_plan *plan;
  uint64_t now, order, digest, events, lifetime, segments;
  uint32_t stamp;
  struct sw_event *heap;
  size_t nheap, heap_cap;
  struct sw_pkt *free[3];
  struct sw_host host[SW_HOSTS];
  struct sw_flow flow[SW_FLOWS];
  struct sw_end end[SW_ENDS];
  unsigned nends;
  bool finale;
  struct prng prng;
  enum sw_law broken;
  uint64_t broken_at;
  char words[240];
  struct sw_figures fig;
  struct sw_log *log; /* NULL: nothing is kept */
};

/* swarm_run.c. A world's memory is used again and again; NULL: memory. */
struct sw_world *la__sw_new(void);
void la__sw_free(struct sw_world *w);
/* Runs a plan. What came of it is in w->broken, words, digest, fig. `log` may be NULL. */
void la__sw_run(struct sw_world *w, const struct sw_plan *p, struct sw_log *log);
void la__sw_post(struct sw_world *w, uint64_t at, enum sw_event_kind kind, uint32_t index, struct sw_pkt *pkt);
void la__sw_post_syn(struct sw_world *w, uint64_t at, uint32_t flow, la_syn syn);
void la__sw_set_now(struct sw_host *h);
void la__sw_turn(struct sw_host *h); /* its loop runs: after a call, or when something is due */
void la__sw_wake(struct sw_host *h); /* ... at this instant, after what is under way */
void la__sw_crash(struct sw_host *h);
void la__sw_boot(struct sw_host *h);
void la__sw_drain(struct sw_host *h);
la_time la__sw_local(const struct sw_host *h, uint64_t at);
uint64_t la__sw_global(const struct sw_host *h, la_time at); /* the first instant at which its clock shows that */
static inline void sw_mix(struct sw_world *w, uint64_t v) {
  w->digest = (w->digest ^ v) * UINT64_C(0x9e3779b97f4a7c15);
  w->digest ^= w->digest >> 29;
}
/* A law is broken: the first one is kept, and the world ends. */
void la__sw_broken(struct sw_world *w, enum sw_law law, const char *fmt, ...) __attribute__((format(printf, 3, 4)));

/* swarm_net.c */
la_addr la__sw_addr(unsigned host, bool six); /* SW_ROUTER: the router's; SW_PUBLIC + n: of n's NAT */
enum { SW_ROUTER = 253, SW_PUBLIC = 100 };
void la__sw_send(struct sw_host *from, const la_frame *f);
void la__sw_pkt_free(struct sw_world *w, struct sw_pkt *p);
void la__sw_fault(struct sw_world *w, unsigned index, bool over);
struct sw_pkt *la__sw_pkt(struct sw_world *w, uint32_t len);
void la__sw_launch(struct sw_pkt *p, struct sw_host *from, struct sw_host *to, struct sw_world *w); /* on its way; owns p */
uint64_t la__sw_fate(struct sw_world *w, struct sw_host *from, struct sw_host *to, struct sw_pkt *p);
/* swarm_mangle.c */
void la__sw_icmp(struct sw_host *to, const struct sw_pkt *about, enum icmp_kind kind, uint32_t mtu, bool from_host, uint32_t guess);
bool la__sw_mangle(struct sw_host *from, struct sw_host *to, struct sw_pkt *p); /* false: damaged */
void la__sw_forge(struct sw_host *to, uint64_t n);
void la__sw_forge_in_sight(struct sw_host *from, uint64_t n);
bool la__sw_nat_out(struct sw_host *h, struct sw_pkt *p);
bool la__sw_nat_in(struct sw_host *h, struct sw_pkt *p);

/* swarm_app.c, swarm_call.c */
void la__sw_pattern(unsigned id, uint64_t at, uint8_t *dst, size_t n);
bool la__sw_same(unsigned id, uint64_t at, const uint8_t *p, size_t n);
void la__sw_app(struct sw_end *e);
void la__sw_told(struct sw_host *h, const la_event *ev);
void la__sw_close(struct sw_end *e, enum sw_way way);
void la__sw_flow(struct sw_flow *f); /* its next connection */
void la__sw_listen(struct sw_flow *f, bool on);
void la__sw_accept(struct sw_flow *f);
void la__sw_admit(struct sw_world *w, unsigned flow, la_syn syn);
void la__sw_finale(struct sw_world *w);
void la__sw_options(struct sw_end *e, bool passive);
bool la__sw_usable(const struct sw_end *e);
void la__sw_end_timer(struct sw_end *e, uint64_t at);
static inline uint64_t sw_us(uint64_t us) { return us * 1000; }
struct sw_end *la__sw_end_new(struct sw_flow *f, unsigned side, struct sw_host *h);
void la__sw_got(struct sw_end *e, const uint8_t *p, size_t n); /* has read them */
void la__sw_meet(struct sw_end *e);                            /* an accepted connection finds the one that opened it */

/* swarm_lend.c */
ptrdiff_t la__sw_lend(struct sw_end *e, size_t n); /* as la_send */
void la__sw_released(struct sw_host *h, const la_event *ev);
void la__sw_refs_over(struct sw_host *h, bool must_be_back);
ptrdiff_t la__sw_take(struct sw_end *e);                   /* as la_recv, from posted buffers */
ptrdiff_t la__sw_look(struct sw_end *e, size_t most);      /* as la_recv, where the bytes lie */
size_t la__sw_posted(const struct sw_end *e, bool *ready); /* bytes in posted buffers; should they be told of? */
void la__sw_unpost(struct sw_end *e);                      /* the loan is over */
void la__sw_posts_over(struct sw_end *e);

/* swarm_trace.c, swarm_watch.c, swarm_explain.c */
struct sw_pair *la__sw_pair(struct sw_host *h, const la_addr *remote, uint16_t lport, uint16_t rport, bool make);
void la__sw_record(struct sw_host *h, const la_trace_rec *r);
void la__sw_sent(struct sw_host *h, const uint8_t *raw, uint32_t len);
void la__sw_watch(struct sw_host *h);       /* cheap: after each turn */
void la__sw_watch_stack(struct sw_host *h); /* all of it: every so often */
void la__sw_watch_over(struct sw_host *h);  /* when all is over */
void la__sw_explain(struct sw_end *e);
void la__sw_seen(struct sw_end *e, enum sw_seen what);
const struct conn *la__sw_conn(const struct sw_end *e); /* NULL: gone */
void la__sw_world_over(struct sw_world *w);

/* swarm_figures.c */
void la__sw_print_figures(FILE *out, const struct sw_figures *f);
bool la__sw_possible(enum la_state st, unsigned what);

/* swarm_show.c */
struct sw_log *la__sw_log_new(void);
void la__sw_log_free(struct sw_log *l);
void la__sw_log_packet(struct sw_log *l, const struct sw_world *w, const struct sw_pkt *p, uint8_t again, bool lost, uint64_t at);
void la__sw_log_arrived(struct sw_log *l, const struct sw_world *w, const struct sw_pkt *p);
void la__sw_log_state(struct sw_log *l, const struct sw_host *h, enum la_state st, const la_trace_rec *r);
__attribute__((format(printf, 3, 4))) void la__sw_log_note(struct sw_log *l, const struct sw_host *h, const char *fmt, ...);
/* The ladder of two hosts. */
void la__sw_log_draw(FILE *out, const struct sw_log *l, unsigned left, unsigned right, const char *prefix);

/* swarm_shrink.c; what swarm.c offers is in swarm_ask.h */
/* The smallest plan found that still breaks the same law. */
void la__sw_shrink(struct sw_plan *p, enum sw_law law);
/* What running a plan in a child comes to: SW_FINE, a law, or SW_TRAP. */
enum sw_law la__sw_try(const struct sw_plan *p);

#endif

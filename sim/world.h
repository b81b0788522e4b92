/* SPDX-License-Identifier: MIT */
/*
 * The simulated world: virtual time, hosts (each a stack, or a scripted peer without one) and the network between them.
 * A run is a pure function of the scenario, the options and the seed. Scenarios are straight-line C: they call for the
 * applications (la__app_*), let time pass (la__run_*) and then look at the log.
 *
 * An application's call takes effect at once, but its segments leave when time is let pass: calls made at one instant on
 * several hosts are simultaneous, and calls made on one host are seen together by la_output.
 */
#ifndef LA_SIM_WORLD_H
#define LA_SIM_WORLD_H

#include "base/prng.h"
#include "sim/failing.h"
#include "wire/arp.h"
#include "wire/icmp.h"
#include "wire/nd.h"
#include "wire/tcp_wire.h"
#include "wire/udp_wire.h"

#include <lastack/lastack.h>

#define SIM_EPOCH (1000 * LA_SEC) /* virtual time starts here */
#define SIM_MSL (30 * LA_SEC)
#define SIM_DELAY (10 * LA_MS)
#define SIM_DAY (86400 * LA_SEC)
#define SIM_MTU 1500
#define SIM_HOSTS 4
#define SIM_EARLY 32
#define SIM_PACKETS 100000u /* no scenario needs more; what is sent beyond is lost */

struct events;
/* What devices do. Cutting alone changes nothing on the wire. */
enum sim_offload { SIM_NO_OFFLOAD, SIM_CUTS, SIM_CUTS_AND_JOINS };

struct sim_opts {
  uint64_t seed;
  la_time msl, delay;
  bool ipv6;
  uint8_t offload;         /* enum sim_offload: of every host's device, with sizes drawn from the seed */
  unsigned drop;           /* this segment of each run is lost; 0: none */
  struct failing *failing; /* failing.h: which allocations fail; NULL for none */
  struct events *events;   /* draw/events.h: gets every trace record; NULL for none */
};

struct world;
struct conn;
struct events;

/* Kinds of segments, for rules and queries. */
enum kind {
  K_ANY,
  K_SYN, /* without ACK */
  K_SYN_ACK,
  K_FIN,
  K_RST,
  K_DATA,   /* with payload, never a SYN */
  K_ACK,    /* nothing but an acknowledgment */
  K_TW_ACK, /* the same, from TIME-WAIT */
  K_PROBE,  /* keepalive probes */
  K_ASK,    /* for a neighbour's hardware address: ARP or Neighbor Discovery */
  K_TELL    /* the answer, or unasked */
};

/* An allocator that counts, and fails where told. */
struct counting {
  uint64_t bytes;
  int64_t blocks;
  struct failing *failing;
  bool refuses;
};

/* The last hop to a host: what all who send to it share. Rate 0: no limit, no queue. */
struct wire {
  uint64_t rate;    /* bytes a second */
  uint32_t queue;   /* bytes that may wait; what finds no room is lost */
  uint32_t mark_at; /* with so many waiting what is ECT is marked CE, and what is not is lost; 0: never */
  uint32_t loss;    /* of 100,000 packets, whatever waits */
  uint32_t mtu;     /* what is longer is lost; 0: nothing is */
  bool silent;      /* and no router says so */
  struct prng prng;
  la_time busy; /* until then it sends what waits */
  unsigned overflowed, marked, lost, too_long;
  uint32_t deepest; /* the most that waited */
};

struct host {
  struct world *w;
  struct wire in;
  la_time far; /* so much longer is the way to it, and from it */
  unsigned no; /* from 0 */
  const char *name;
  la_addr addr;
  uint32_t mtu;
  uint8_t mac[ETH_ADDR];   /* on an Ethernet */
  uint8_t offload;         /* enum sim_offload */
  uint32_t gso;            /* the longest frame then */
  uint64_t frames, joined; /* handed out; taken in that stood for several segments */
  la_config cfg;           /* to be changed before la__host_boot */
  la_stack *st;            /* NULL: down, or a scripted peer */
  la_link link;
  unsigned boots;
  la_time booted;
  struct counting mem;
  struct beside *beside; /* failing.h; NULL: none */
  la_trace_rec *ring;
  la_time wake;                  /* of the armed wake-up; LA_NEVER: none */
  la_trace_rec early[SIM_EARLY]; /* OUT records of frames that wait for a neighbour */
  unsigned nearly;
  uint64_t baseline; /* bytes_allocated at boot */
  la_time spin_at;
  unsigned spins; /* turns at spin_at */
};

/* One packet on the wire. */
struct pkt {
  uint32_t no;                        /* from 1, in order of departure */
  la_time sent, arrived;              /* LA_NEVER: never */
  struct host *from, *to;             /* NULL: nobody we know */
  uint64_t stamp_sent, stamp_arrived; /* causal order: of all that happened in the world */
  bool lost, injected, duplicate, late;
  bool forged; /* ICMP that quotes what was not sent */
  bool tcp, udp;
  enum kind talk; /* K_ASK or K_TELL of neighbours, about `about`; else K_ANY */
  la_addr about;
  struct eth_hdr eth;  /* on an Ethernet */
  enum icmp_kind icmp; /* an ICMP error's; else ICMP_OTHER */
  struct icmp_quote quote;
  struct udp_hdr dgram;
  uint8_t retransmit; /* of the trace's OUT record */
  enum la_drop drop;  /* why the receiver threw it away */
  uint32_t frame_out, frame_in;
  uint32_t wnd;                   /* unscaled, of the OUT record */
  enum la_state sender, receiver; /* states after departure, after arrival (before the application spoke) */
  la_addr src, dst;
  struct tcp_seg seg;
  uint8_t *raw; /* the packet, behind the link's header in `frame` */
  uint32_t len;
  uint8_t *frame;
  uint32_t frame_len;
};

/* What happens to packets of a kind from a host. */
enum fate { F_LOSE, F_DUPLICATE, F_LATE, F_UNREACHABLE };
struct rule {
  struct host *from;
  enum kind kind;
  enum fate fate;
  unsigned first, count, seen; /* the first-th to the (first+count-1)-th seen since the rule was made */
  la_time extra;
};
#define SIM_RULES 8

/* A transition, from the trace. `inc` counts incarnations of one pair on one host. */
struct trans {
  la_time at;
  uint64_t stamp;
  struct host *h;
  la_addr remote;
  uint16_t lport, rport;
  enum la_state from, to;
  enum la_cause cause;
  uint32_t frame;
  unsigned inc;
  const char *clock; /* whose expiry it was, or NULL */
};

/* What a person would be told beside the arrows. */
struct note {
  la_time at;
  uint64_t stamp;
  struct host *h;
  bool crash; /* all that h knew is gone */
  char text[120];
};

/* How an accepted or opened connection's application behaves by itself. */
struct conduct {
  bool no_read;      /* never reads */
  bool close_at_eof; /* closes eof_after when it has read end-of-stream */
  la_time eof_after;
};

struct seen {
  la_time at;
  enum la_event_type type;
  int err;
};
#define SIM_SEEN 64

/* An application's end of a connection, with all that it saw. Stays valid until the world is freed. */
struct conn {
  struct host *h;
  unsigned id, boot;
  la_conn handle;
  int err;       /* of la_connect */
  bool open;     /* the handle is (or was) a connection's, and its host has not crashed since */
  bool closed;   /* by us */
  bool released; /* closed and END taken: the handle is gone */
  bool passive;
  la_addr remote;
  uint16_t lport, rport;
  unsigned inc;
  struct conduct how;
  struct conn *peer; /* the other application's end, when known */
  uint8_t *tx;       /* what la_send took */
  size_t tx_len, tx_cap, tx_want;
  bool fin_wanted, close_wanted; /* as soon as all is taken */
  size_t rx_len;
  bool rx_bad;                              /* something came that the peer had not written there */
  int recv_err, send_err;                   /* the last failures but LA_AGAIN */
  la_time at_open, at_eof, at_end, at_recv; /* LA_NEVER: not yet. at_recv: the latest bytes */
  struct seen seen[SIM_SEEN];
  unsigned nseen, nends;
  la_end end;
};

struct lsn {
  struct host *h;
  la_listener handle;
  int err;
  bool open, manual; /* manual: the scenario accepts */
  struct conduct how;
  unsigned accepts;
};

/* An application's UDP socket. */
struct usock {
  struct host *h;
  la_udp handle;
  int err; /* of the latest call */
  bool open;
  uint16_t port;
  unsigned received; /* datagrams */
  uint8_t last[2048];
  size_t last_len; /* the latest */
  la_addr from;
  uint16_t from_port;
  unsigned errors;
  la_time err_at; /* the latest error */
  int err_told;
  la_addr err_remote;
  uint16_t err_port;
};

typedef void (*sim_call)(void *ctx);

/* Violated invariants: how often, and the first in words. */
enum law {
  LAW_TRANSITIONS,
  LAW_ONE_END,
  LAW_ONE_FIN,
  LAW_CHECKSUMS,
  LAW_CLOSED_SILENT,
  LAW_STREAM,
  LAW_WINDOW,
  LAW_CLOCKS,
  LAW_NOTHING_LEFT,
  LAW_BESIDE,
  LAWS
};
struct laws {
  unsigned checked[LAWS], broken[LAWS];
  char first[LAWS][200];
};

struct event;
struct track;
struct world {
  struct sim_opts opt;
  unsigned no; /* of the scenario's runs, from 1 */
  char heading[96];
  bool drawn;       /* its ladder is worth showing */
  bool may_corrupt; /* a contrast in which the stream law is meant to break */
  bool ended;
  size_t shown_log, shown_trans; /* what came after them was only tidying up */
  la_time now;
  la_time delay; /* one way */
  bool ether;    /* the hosts are stations of one Ethernet; set before they boot */
  bool cut;      /* nothing passes */
  struct host *host[SIM_HOSTS];
  unsigned nhosts;
  struct rule rule[SIM_RULES];
  unsigned nrules;
  struct event *heap;
  size_t nheap, heap_cap;
  uint64_t order, stamp;
  struct join *join;    /* for frames that come in joined */
  struct pkt *arriving; /* while la_input has it */
  struct pkt **log;
  size_t nlog, log_cap;
  struct trans *trans;
  size_t ntrans, trans_cap;
  struct note *note;
  size_t nnotes, notes_cap;
  struct conn **conn;
  size_t nconns, conns_cap;
  struct lsn **lsn;
  size_t nlsns, lsns_cap;
  struct usock **usock;
  size_t nusocks, usocks_cap;
  struct track *track;
  size_t ntracks, tracks_cap;
  struct laws laws;
};

/* world.c */
struct world *la__world_new(const struct sim_opts *opt, const char *heading);
/* Ends all that is still open, lets every clock run out, checks that nothing is left, frees the stacks. The log stays. */
void la__world_end(struct world *w);
void la__world_free(struct world *w);
/* The n-th address of the world's network, 1 to 65535, of the options' family: 10.0.x.y or fd00::x:y. Hosts have 1, 2, … */
la_addr la__sim_addr(const struct world *w, unsigned n);
unsigned la__sim_headers(const struct world *w); /* bytes of an IP and a TCP header */
/* A new host, down, with the preset's configuration and the options' MSL. */
struct host *la__host_new(struct world *w, const char *name);
/* Before it boots: its device cuts, and perhaps joins, frames of a size that is drawn from the seed. */
void la__sim_offload(struct host *h, enum sim_offload what);
void la__host_boot(struct host *h);  /* with a new secret */
void la__host_crash(struct host *h); /* all state is lost, nothing is sent */
void la__host_kick(struct host *h);  /* its loop runs at this instant, after what is already due */
void la__host_drain(struct host *h); /* takes the trace */
void la__at(struct world *w, la_time at, sim_call fn, void *ctx);
void la__event_arrive(struct world *w, la_time at, struct pkt *p);
void la__run_until(struct world *w, la_time t); /* everything due at t included */
void la__run_for(struct world *w, la_time d);
void la__run_out(struct world *w); /* until nothing is due any more (at most 400 days) */
bool la__run_while(struct world *w, bool (*going)(void *ctx), void *ctx, la_time limit); /* false: the limit came first */
void la__note(struct host *h, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void *la__grow(void *v, size_t *cap, size_t n, size_t size);

/* net.c */
struct rule *la__rule(struct world *w, struct host *from, enum kind kind, enum fate fate, unsigned first, unsigned count);
bool la__is_kind(const struct pkt *p, enum kind k);
/* A segment built by hand from `from` (or in its name); ports and numbers as in `seg`, at most 1024 bytes. */
struct pkt *la__inject(struct host *from, struct host *to, const struct tcp_seg *seg);
struct pkt *la__inject_from(struct world *w, const la_addr *src, struct host *to, const struct tcp_seg *seg);
/*
 * An ICMP error from any address (a router's, or a host's) to the sender of `about`, which it quotes; arrives after one delay. With
 * `seq` as the quoted segment's sequence number: whoever has not seen it must guess.
 */
struct pkt *la__inject_icmp(struct world *w, const la_addr *from, const struct pkt *about, enum icmp_kind kind, uint32_t seq);
struct pkt *la__inject_too_big(struct world *w, const la_addr *from, const struct pkt *about, uint32_t mtu);
void la__net_send(struct host *from, const la_frame *f);
unsigned la__ecn_of(const struct pkt *p); /* the ECN field: 0 is not ECT */
void la__net_arrive(struct world *w, struct pkt *p);

/* app.c */
struct lsn *la__app_listen(struct host *h, uint16_t port, uint32_t backlog, bool reuse, const struct conduct *how);
struct lsn *la__app_listen_manual(struct host *h, uint16_t port, uint32_t backlog);
void la__app_unlisten(struct lsn *l);
struct conn *la__app_accept(struct lsn *l);  /* NULL: none waits */
struct conn *la__app_nobody(struct host *h); /* stands for a connection that did not come about */
struct conn *la__app_connect(struct host *h, const la_addr *to, uint16_t port, uint16_t lport, const struct conduct *how);
void la__app_send(struct conn *c, size_t n); /* n more bytes of the connection's own pattern */
void la__app_recv(struct conn *c);           /* reads all there is */
void la__app_take(struct conn *c, size_t n); /* reads n bytes at most, of 256 */
void la__app_shutdown(struct conn *c);
void la__app_close(struct conn *c);
void la__app_abort(struct conn *c);
/* What a program does that is told to stop: its listeners are closed, and each connection with la_close_by. */
void la__app_stop(struct host *h, la_time deadline);
void la__app_set(struct conn *c, enum la_opt opt, int64_t v);
bool la__app_info(struct conn *c, la_info_rec *i);
void la__app_event(struct host *h, const la_event *e);
unsigned la__app_saw(const struct conn *c, enum la_event_type t);
la_time la__app_saw_at(const struct conn *c, enum la_event_type t); /* the first; LA_NEVER: never */
la_time la__app_saw_since(const struct conn *c, enum la_event_type t, la_time since);
bool la__app_told(const struct conn *c, la_time at, int err); /* TROUBLE with that error, at that instant */

/* app_udp.c */
struct usock *la__app_udp(struct host *h, uint16_t port, const la_addr *remote, uint16_t rport); /* remote NULL: not connected */
void la__app_udp_send(struct usock *u, const la_addr *to, uint16_t port, const void *data, size_t n);
void la__app_udp_close(struct usock *u);
void la__app_udp_event(struct host *h, const la_event *e);

/* watch.c: states as the trace tells them, and the laws */
void la__watch_trace(struct host *h, const la_trace_rec *r);
void la__watch_sent(struct pkt *p);
void la__watch_late(struct pkt *p); /* it may have waited: its OUT record has been read before */
enum la_state la__watch_state(const struct host *h, const la_addr *remote, uint16_t lport, uint16_t rport, unsigned *inc);
void la__law_host(struct host *h);
void la__law_ended(struct host *h);
void la__law(struct world *w, enum law law, bool held, const char *fmt, ...) __attribute__((format(printf, 4, 5)));
const char *la__law_text(enum law law);

/* query.c */
/* The n-th (from 1) segment of a kind that left `from` (NULL: any) at or after `since`; a zeroed one when there is none. */
const struct pkt *la__seg_since(const struct world *w, const struct host *from, enum kind k, unsigned n, la_time since);
const struct pkt *la__seg(const struct world *w, const struct host *from, enum kind k, unsigned n);
unsigned la__count(const struct world *w, const struct host *from, enum kind k, la_time since, la_time until); /* since <= sent < until */
la_time la__when(const struct conn *c, enum la_state to);                                                      /* LA_NEVER: never */
la_time la__left(const struct conn *c, enum la_state from);
/* When the 2MSL of its TIME-WAIT began: on entry, or with the latest FIN of the peer's that arrived in it. LA_NEVER: it was never there. */
la_time la__tw_since(const struct conn *c);
/* Did it last 2MSL from then, to the nanosecond? */
bool la__tw_exact(const struct conn *c);
enum la_state la__state_at(const struct conn *c, la_time t);
enum la_cause la__cause(const struct conn *c, enum la_state to); /* of that transition */
/* "CLOSED SYN-SENT ESTABLISHED": states of the incarnation in order; static storage, good until the 4th next call. */
const char *la__path(const struct conn *c);
bool la__path_is(const struct conn *c, const char *path);
bool la__path_ends(const struct conn *c, const char *tail);
void la__stats(const struct host *h, la_stats *st); /* zero when it is down */

#endif

/* SPDX-License-Identifier: MIT */
/*
 * The plan of a world: everything that a seed draws, as data. A plan has a text form, which is what `lastack sim --world FILE` runs
 * again and what shrinking works on: items go, and knobs go back to their usual values. Every knob is a number; times are in
 * microseconds of the world's own clock, those of a configuration in microseconds of its host's.
 */
#ifndef LA_SIM_SWARM_PLAN_H
#define LA_SIM_SWARM_PLAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

enum { SW_HOSTS = 8, SW_FLOWS = 16, SW_FAULTS = 16 };
#define SW_PRESET UINT64_MAX /* as the preset has it */

/* X(name, usual value) */
#define SW_WORLD_KNOBS(X) \
  X(seed, 1) \
  X(length, 60000000) \
  X(finale, 0) /* who is still there then: 0 is closed, 1 aborted, 2 by turns */

/* The configuration of a stack, each a field of la_config; then what is no such field. */
#define SW_CONFIG_KNOBS(X) \
  X(time_wait, SW_PRESET) \
  X(quiet_time, SW_PRESET) \
  X(r1, SW_PRESET) \
  X(icmp_soft, SW_PRESET) \
  X(synack_retries, SW_PRESET) \
  X(syn_cookies, SW_PRESET) \
  X(quick_acks, SW_PRESET) \
  X(bare_segments, SW_PRESET) \
  X(empty_probes, SW_PRESET) \
  X(mute_unsent, SW_PRESET) \
  X(edge_acks, 1) \
  X(prompt_syn, SW_PRESET) \
  X(max_conns, SW_PRESET) \
  X(max_half_open, SW_PRESET) \
  X(max_time_wait, SW_PRESET) \
  X(max_orphans, SW_PRESET) \
  X(max_chunks, SW_PRESET) \
  X(sndbuf, SW_PRESET) \
  X(rcvbuf, SW_PRESET) \
  X(rcv_start, SW_PRESET) \
  X(sndbuf_max, SW_PRESET) \
  X(rcvbuf_max, SW_PRESET) \
  X(max_ooo, SW_PRESET) \
  X(max_sent, SW_PRESET) \
  X(replies, SW_PRESET) \
  X(rst_per_sec, SW_PRESET) \
  X(icmp_per_sec, SW_PRESET) \
  X(port_lo, SW_PRESET) \
  X(port_hi, SW_PRESET) \
  X(cc, SW_PRESET) \
  X(slow_start_after_idle, SW_PRESET) \
  X(ecn, SW_PRESET) \
  X(send_pieces, SW_PRESET) \
  X(minshall, SW_PRESET) \
  X(hystart, SW_PRESET) \
  X(timestamps, SW_PRESET) \
  X(sack, SW_PRESET) \
  X(window_scale, SW_PRESET) \
  X(dsack, SW_PRESET) \
  X(tlp, SW_PRESET) \
  X(frto, SW_PRESET) \
  X(dupthresh, SW_PRESET) \
  X(mtu_probing, SW_PRESET) \
  X(base_mss, SW_PRESET)
/* The same, in microseconds. */
#define SW_CLOCK_KNOBS(X) \
  X(msl, SW_PRESET) \
  X(r2, SW_PRESET) \
  X(syn_limit, SW_PRESET) \
  X(rto_initial, SW_PRESET) \
  X(rto_min, SW_PRESET) \
  X(rto_max, SW_PRESET) \
  X(rto_var_min, SW_PRESET) \
  X(delayed_ack, SW_PRESET) \
  X(fin_wait_2, SW_PRESET) \
  X(challenge_gap, SW_PRESET) \
  X(pmtu_expires, SW_PRESET)
#define SW_HOST_KNOBS(X) \
  X(preset, 0) \
  X(speed, 1048576)   /* its clock: 2^20 is the world's */ \
  X(base, 1000000000) /* which starts there */ \
  X(isn, 0)           /* 1: its first flow's ISN lies just below 2^31, 2: 2^32; 3: its timestamps */ \
  X(isn_before, 0)    /* by so much */ \
  X(mtu, 1500)        /* of its link */ \
  X(pmtu, 65535)      /* of the way to it */ \
  X(silent, 0)        /* 1: and no router tells */ \
  X(rate, 0)          /* bytes a second towards it; 0: no limit */ \
  X(queue, 100000)    /* bytes that may wait for it */ \
  X(delay, 5000)      /* half of a way, to or from it */ \
  X(jitter, 0) \
  X(loss, 0)      /* of 100,000 packets */ \
  X(burst, 0)     /* of 100,000 packets begin a burst of losses */ \
  X(burst_len, 0) /* that many long on average */ \
  X(dup, 0) \
  X(dup_late, 0) \
  X(reorder, 0) \
  X(reorder_by, 0) \
  X(corrupt, 0) \
  X(mark, 0)       /* of what is ECT gets CE */ \
  X(urgent, 0)     /* of segments with text get URG from somebody on the way */ \
  X(ttl_out, 0)    /* is lost, and a router says that its time was exceeded */ \
  X(nat, 0)        /* 1: it is behind one */ \
  X(blocks, 0)     /* its allocator gives no more than these; 0: any number */ \
  X(alloc_fail, 0) /* of 100,000 allocations fail */ \
  X(unchecked, 0)  /* 1: its driver has checked the sums: LA_FRAME_SUM_OK */ \
  X(batch, 0)      /* it looks for input only every so often */ \
  X(offload, 0)    /* enum la_offload: what its device does */ \
  X(gso_max, 0) \
  X(whole, 0)   /* 1: what a sender's device would cut reaches it uncut */ \
  X(vector, 0)  /* la_config.sums: 1: by vector units, where there are any; 2: byte by byte */ \
  X(hold, 0)    /* 1: its driver gives frames back a turn later */ \
  X(metrics, 0) /* 1: counted */

/* What happens to hosts and paths. kind: enum sw_fault. `host` (and `peer`, or SW_HOSTS for all), from `at` for `len`. */
#define SW_FAULT_KNOBS(X) \
  X(kind, 0) \
  X(at, 0) \
  X(len, 0) \
  X(host, 0) \
  X(peer, 8) \
  X(value, 0)

/* A flow: `count` connections in turn from `client` to `server`. */
#define SW_FLOW_KNOBS(X) \
  X(client, 0) \
  X(server, 1) \
  X(six, 0) \
  X(start, 0) \
  X(count, 1) \
  X(gap, 1000000) /* between the end of one and the next */ \
  X(lport, 0)     /* the client's port, or any */ \
  X(both, 0)      /* 1: nobody listens, both connect */ \
  X(backlog, 16) \
  X(reuse, 0) \
  X(at_once, 0) /* 1: the next one does not wait for the one before */ \
  X(admit, 0)   /* 1 yes, 2 later, 3 RST, 4 unreachable, 5 prohibited, 6 silence, 7 by turns */ \
  X(defer, 0) \
  X(listen_at, 0)   /* when the server begins to listen */ \
  X(accept_late, 0) /* how long what can be accepted waits */

/* One end of a flow's connections: `a.` the client's, `b.` the server's. Times count from when it is open. */
#define SW_END_KNOBS(X) \
  X(tx, 0) /* bytes to write */ \
  X(tx_chunk, 16384) \
  X(tx_gap, 0)   /* between chunks */ \
  X(tx_after, 0) /* bytes read before it writes */ \
  X(tx_at, 0) \
  X(rd_chunk, 65536) \
  X(rd_gap, 0) \
  X(rd_stop, 0) /* it stops reading there; 0: nowhere */ \
  X(rd_for, 0)  /* for so long; 0: for ever */ \
  X(fin, 1)     /* when all is written: enum sw_way */ \
  X(fin_late, 0) \
  X(eof, 1) /* when end-of-stream is read: enum sw_way */ \
  X(eof_late, 0) \
  X(act, 0) /* and at act_at: enum sw_way */ \
  X(act_at, 0) \
  X(by, 0) /* WAY_CLOSE_BY: how long */ \
  X(nodelay, 0) \
  X(cork, 0)      /* 1: on; 2: taken off and put on again with each chunk */ \
  X(mark, 0)      /* 1: a record's end after each chunk */ \
  X(keep_idle, 0) /* 0: no keepalive */ \
  X(keep_intvl, 75) \
  X(keep_cnt, 10) \
  X(user_timeout, 0) \
  X(sndbuf, 0) \
  X(rcvbuf, 0) \
  X(cc, 0)       /* 1 + enum la_cc */ \
  X(cc_later, 0) /* the same, with the second chunk */ \
  X(lowat, 0) \
  X(pacing, 0) \
  X(mss, 0) \
  X(clamp, 0) \
  X(fin_wait_2, 0) /* ms; 1 + */ \
  X(quickack, 0)   /* 1: off, 2: on */ \
  X(syn_retries, 0) \
  X(peek, 0) \
  X(ref, 0)         /* sends by la_send_ref: 1 always, 2 by turns */ \
  X(post, 0)        /* so many posted buffers; 0: la_recv */ \
  X(post_cap, 1024) /* of so many bytes each */ \
  X(post_least, 0) \
  X(post_cancel, 0) /* after so many bytes they are taken back; 0: never */ \
  X(consume, 0)     /* 1: reads by la_peek_bufs and la_consume */ \
  X(mtu_probing, 0) /* 1 + enum la_mtu_probing */ \
  X(end_late, 0)    /* how long it keeps a connection that has ended */

enum sw_way { WAY_NONE, WAY_CLOSE, WAY_SHUTDOWN, WAY_ABORT, WAY_LINGER, WAY_CLOSE_BY, WAY_DEAF, WAYS }; /* DEAF: shutdown of reading */
enum sw_fault {
  FAULT_NONE,
  FAULT_CRASH,     /* down, and back without memory */
  FAULT_PARTITION, /* value 1: a router says that the host is unreachable; 2: prohibited, 3: net */
  FAULT_PMTU,      /* the way to it takes only `value` */
  FAULT_NAT,       /* its NAT forgets */
  FAULT_FORGE,     /* somebody who cannot see the traffic sends `value` segments and errors in its peers' names */
  FAULT_ICMP,      /* somebody who can sends it ICMP errors about what it sent: kind in `value` */
  FAULT_LISTEN,    /* its listeners are closed meanwhile */
  FAULT_DELAY,     /* the way takes `value` more */
  FAULT_STOP,      /* its loop stands still */
  FAULT_MEMORY,    /* no allocation succeeds */
  FAULT_SIGHT,     /* somebody who sees the traffic sends its peers, in its name, segments that fit but for their ACK field */
  FAULTS
};

#define SW_FIELD(name, usual) uint64_t name;
struct sw_end_plan {
  SW_END_KNOBS(SW_FIELD)
};
struct sw_flow_plan {
  SW_FLOW_KNOBS(SW_FIELD)
  struct sw_end_plan end[2];
};
struct sw_fault_plan {
  SW_FAULT_KNOBS(SW_FIELD)
};
struct sw_host_plan {
  SW_HOST_KNOBS(SW_FIELD)
  SW_CONFIG_KNOBS(SW_FIELD)
  SW_CLOCK_KNOBS(SW_FIELD)
};
struct sw_plan {
  SW_WORLD_KNOBS(SW_FIELD)
  struct sw_host_plan host[SW_HOSTS];
  struct sw_flow_plan flow[SW_FLOWS];
  struct sw_fault_plan fault[SW_FAULTS];
  unsigned hosts, flows, faults;
};

struct sw_knob {
  const char *name;
  size_t at; /* in its struct */
  uint64_t usual;
};
enum sw_item { SW_ITEM_WORLD, SW_ITEM_HOST, SW_ITEM_FAULT, SW_ITEM_FLOW, SW_ITEM_END, SW_ITEMS };
/* An item's knobs, zero-terminated by name. */
const struct sw_knob *la__sw_knobs(enum sw_item item);
static inline uint64_t *sw_knob_of(void *item, const struct sw_knob *k) { return (uint64_t *)(void *)((char *)item + k->at); }
void la__sw_usual(enum sw_item item, void *p); /* all knobs usual */

void la__sw_draw(struct sw_plan *p, uint64_t seed); /* swarm_draw.c */
void la__sw_print(FILE *out, const struct sw_plan *p);
/* false: `err` (200 bytes) says what is wrong. Lines that begin with # are comments. */
bool la__sw_read(FILE *in, struct sw_plan *p, char *err);
/* Links that do not hold are mended: an item that names one that is not there goes. */
void la__sw_settle(struct sw_plan *p);

#endif

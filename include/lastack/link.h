/* SPDX-License-Identifier: MIT */
/*
 * Links (drivers) and the host loop: the first code with system calls. An embedder with a loop and devices of
 * its own needs none of this. POSIX systems only; TUN on Linux only.
 */
#ifndef LASTACK_LINK_H
#define LASTACK_LINK_H

#include <lastack/ether.h>
#include <lastack/stack.h>
#include <lastack/tcp.h>
#include <lastack/trace.h>

#ifdef __cplusplus
extern "C" {
#endif

/* A driver moves packets between one link of a stack and somewhere else. */
typedef struct la_driver la_driver;
struct la_driver {
  /* Fills up to max input frames whose bytes stay valid until the next call; 0 when none waits. */
  size_t (*recv)(la_driver *d, la_frame *frames, size_t max);
  /* Sends one packet: `data`, then the pieces in buf[]. false: it was dropped (the device's queue is full), which IP allows. */
  bool (*send)(la_driver *d, const la_frame *frame);
  void (*close)(la_driver *d); /* frees d too */
  int fd;                      /* readable when recv has something; -1: none, the driver is polled */
  uint32_t mtu;                /* of IP packets */
  uint32_t header;             /* bytes before each: 0, or LA_ETH_HEADER where the link must be an Ethernet one (la_link_add_ether) */
  uint64_t sent, received, dropped;
  /* For a driver that holds packets back (NULL: none does): recv must be called by then, readable or not; LA_NEVER: nothing is held. */
  la_time (*deadline)(const la_driver *d);
  la_time now; /* whoever calls recv or send sets it to the loop's time before; never backwards */
  /*
   * What send does, for la_link_offload (la_host_add_link calls it); may be lowered before. recv may hand out frames with any flags.
   */
  unsigned offload; /* enum la_offload */
  uint32_t gso_max;
};

/* Two drivers joined in memory: what one sends the other receives, in order, at most `depth` packets under way. false: memory. */
bool la_pair_new(uint32_t mtu, uint32_t depth, la_driver **a, la_driver **b);
/* The same with offload both ways (enum la_offload): frames cross as they are, with LA_OFFLOAD_TSO4 or TSO6 up to 65535 bytes long. */
bool la_pair_new_offload(uint32_t mtu, uint32_t depth, unsigned offload, la_driver **a, la_driver **b);

/* Could a TUN device have this name: 1 to 15 characters, no / and no %. */
bool la_tun_name_valid(const char *name);
/*
 * A TUN device `name` (at most 15 characters; created when it does not exist, opened when it exists and is
 * free). NULL: `err` (at least 160 bytes, may be NULL) gets one line that names the device and the cause.
 */
la_driver *la_tun_open(const char *name, uint32_t mtu, char *err, size_t err_cap);
/* The same, asking the kernel for no more of enum la_offload than `want`: it takes part of it, or nothing, when it cannot do more. */
la_driver *la_tun_open_offload(const char *name, uint32_t mtu, unsigned want, char *err, size_t err_cap);
/* A TAP device: the same with Ethernet frames; the kernel's end of it is an interface, which may be a bridge's port. */
la_driver *la_tap_open(const char *name, uint32_t mtu, char *err, size_t err_cap);
la_driver *la_tap_open_offload(const char *name, uint32_t mtu, unsigned want, char *err, size_t err_cap);
/*
 * An Ethernet interface of this machine (`name`; it must be up) by way of a packet socket: the stack is a station of its own beside
 * the kernel, on the same wire, with the hardware address `mac`, which should not be the interface's, and an IP address that the kernel
 * does not have. The two do not hear each other over it; other hosts hear both. The MTU is the interface's. Checksums and segments may be
 * left to the interface both ways; who lowers `offload` has the stack make them, but frames may still come joined. NULL: as above.
 */
la_driver *la_packet_open(const char *name, const uint8_t mac[LA_MAC], char *err, size_t err_cap);
/* Gives the kernel an address of its own on a TUN or TAP device, beside those it has, and brings the device up. false: as above. */
bool la_tun_host_addr(const char *name, const la_addr *addr, unsigned prefix_len, uint32_t mtu, char *err, size_t err_cap);

/*
 * A wire with faults: wraps a driver, which it then owns, and loses, repeats, reorders, delays and damages packets in both directions.
 * The same spec and the same packets at the same times give the same faults. A spec is a list of items with commas between them:
 *   seed=7                  of the probabilities below; default 1
 *   drop=5% dup=2% reorder=1% corrupt=0.5%
 *                           of all packets, each drawn by itself. reorder: overtaken by the next one to four packets of its direction,
 *                           but late by 10 ms at most. corrupt: some bits of one 16-bit word flip, such that the checksum tells; a packet
 *                           that no checksum covers is left alone. dup: the copy may be reordered by itself
 *   delay=20ms jitter=5ms   each packet is late by `delay` and something between 0 and `jitter`; the order stays. us, ms or s; up to 60 s
 *   drop:in:fin:3           a rule: drop, dup, reorder or corrupt; in (to the stack), out or any; any, syn (without ACK), synack, fin, rst,
 *                           ack (nothing else) or data; which of them: 3, 2-5, 4-, all, or 10%
 *   delay:out:data:2:200ms  a rule of this kind says how late; others may overtake the packet
 * Every rule counts the packets that it is about, retransmissions and those that other items drop included. At most 32 rules.
 * Each segment is a packet: what a device has joined comes in cut, with finished checksums, and the wire offers no offload.
 * NULL, with `inner` still the caller's: memory, or a wrong spec; `err` (at least 160 bytes, may be NULL) names the item and its place.
 */
la_driver *la_fault_new(la_driver *inner, const char *spec, char *err, size_t err_cap);
/* Only looks whether the spec is right. */
bool la_fault_check(const char *spec, char *err, size_t err_cap);
/* What it did so far; [0] in, [1] out. */
typedef struct la_fault_stats {
  uint64_t packets[2], dropped[2], duplicated[2], reordered[2], corrupted[2], delayed[2];
  uint64_t overflowed[2]; /* dropped because too many were held back */
} la_fault_stats;
/* `fault` comes from la_fault_new. */
void la_fault_stats_get(const la_driver *fault, la_fault_stats *out);

/* A pcapng file: raw IP, or Ethernet frames. NULL: `err` as above. */
typedef struct la_pcapng la_pcapng;
la_pcapng *la_pcapng_open(const char *path, char *err, size_t err_cap);
la_pcapng *la_pcapng_open_ether(const char *path, char *err, size_t err_cap);
/* One packet: `at` in nanoseconds since 1970, direction, and a comment (NULL: none; may hold several lines). false: the write failed. */
bool la_pcapng_write(la_pcapng *p, uint64_t at_unix_ns, bool outbound, const void *packet, uint32_t len, const char *comment);
/* false: some write had failed; the errno of the first is left in errno. Frees p. NULL is allowed and true. */
bool la_pcapng_close(la_pcapng *p);

/* The loop: any number of stacks and links on one epoll descriptor. */
typedef struct la_host la_host;
la_host *la_host_new(void);
/* Frees the loop and closes its drivers. The stacks stay the caller's. */
void la_host_free(la_host *h);

/* What the loop tells its owner; each may be NULL. */
typedef struct la_host_hooks {
  void (*work)(void *ctx, la_time now); /* take events, call the application; before output, in each turn */
  /*
   * A packet crossed a link: all of it at frame->data, with the flags that it had (la_frame_segment makes single segments with finished
   * checksums of it). Called after the stack has dealt with it, with the trace records up to then.
   */
  void (*packet)(void *ctx, la_link link, la_time at, bool outbound, uint32_t number, const la_frame *frame, const la_trace_rec *recs,
                 size_t nrecs);
  /* Trace records that no packet caused (calls, clocks). */
  void (*trace)(void *ctx, const la_trace_rec *recs, size_t nrecs);
  void (*ended)(void *ctx, const la_event *end); /* while la_host_drain runs: a connection's END, with its user pointer */
  void *ctx;
} la_host_hooks;
/* Adds a stack; false: memory. */
bool la_host_add_stack(la_host *h, la_stack *s, const la_host_hooks *hooks);
/* Joins a driver, then owned by the loop, to a link of an added stack, and tells the link what it offloads; false: memory or epoll. */
bool la_host_add_link(la_host *h, la_stack *s, la_link link, la_driver *d);
/*
 * Calls fn in the loop's thread when fd is readable (level-triggered). false: memory or epoll; with errno EPERM fd is a
 * regular file or the like, which is always ready and cannot be waited for.
 */
bool la_host_watch(la_host *h, int fd, void (*fn)(void *ctx, int fd), void *ctx);
/*
 * What a watched fd is waited for from now on; at first it is to be readable. Neither: only an error or the end of a pipe or socket,
 * which are always told, again and again until la_host_unwatch. false: not watched.
 */
bool la_host_want(la_host *h, int fd, bool readable, bool writable);
void la_host_unwatch(la_host *h, int fd);
/* The monotonic clock of the loop. */
la_time la_host_now(const la_host *h);
/*
 * One turn: waits at most until `until` (LA_NEVER: no limit) for something to do. false: errno says why: the wait failed, or
 * ENETDOWN: a device is gone.
 */
bool la_host_turn(la_host *h, la_time until);

/*
 * Stopping. A program that is told to stop, or that returns from main, should release its connections instead of leaving its peers with
 * half-open ones:
 *     la_host_stop_on(h, (int[]){SIGINT, SIGTERM}, 2);
 *     while (!la_host_stops(h) && la_host_turn(h, LA_NEVER))
 *       ;
 *     la_host_drain(h, 2 * LA_SEC);
 */
/* These signals become requests to stop: the calling thread blocks them, for good, and the loop reads them. Once a loop. false: errno. */
bool la_host_stop_on(la_host *h, const int *signals, size_t n);
/* A request of the program's own, from the loop's thread. */
void la_host_stop(la_host *h);
/* How many requests to stop there were. */
unsigned la_host_stops(const la_host *h);
/*
 * Closes every listener and, by la_close_by, every connection of every stack, and runs the loop until all connections have ended, which
 * is after `limit` at the latest: then the rest is reset. From then on `work` is not called; events are taken here, and each END is
 * told to `ended`. Connections in TIME-WAIT count as ended. Data that the application has not read makes the release a reset, as always.
 * true: all have ended. false: errno says why not: EINTR: another request to stop came, from somebody impatient; ETIMEDOUT; or as
 * la_host_turn.
 */
bool la_host_drain(la_host *h, la_time limit);
/* The same in parts, for an owner with something to do in each turn: la_host_release, then la_host_turn until la_host_released. */
void la_host_release(la_host *h, la_time limit);
bool la_host_released(const la_host *h);
/*
 * Drains h when the program returns from main or calls exit, unless la_host_free came before. The stacks must live until then, and
 * whatever the hooks refer to; a child process of fork leaves it to its parent. false: memory.
 */
bool la_host_release_at_exit(la_host *h, la_time limit);

/*
 * Lets others look at the stacks of this loop: it answers on a Unix socket, mode 0600, what `lastack ss`, `top` and `metrics` ask, and
 * HTTP's GET /metrics (docs/monitor.md). At most 8 askers at a time, each with 64 KiB of memory and 30 s for its answer; nobody can hold
 * the loop up. path: NULL for PID.sock in $XDG_RUNTIME_DIR/lastack or /run/lastack. name: of the program, told to them; copied. Once a
 * loop; the socket goes with la_host_free. Gauges by state and ends want la_config.metrics. false: `err` (at least 160 bytes, may be
 * NULL) gets one line.
 */
bool la_host_monitor(la_host *h, const char *path, const char *name, char *err, size_t err_cap);

/* Entropy of the system for la_config.secret; false when there is none. */
bool la_host_entropy(void *dst, size_t n);
/* An allocator over malloc. */
la_alloc la_host_alloc(void);
/* The quickest sums for the CPU that this runs on: AVX-512 or AVX2 on x86-64, else what is built in. */
la_sums la_host_sums(void);
/* All three and la_config_init: what is left to the caller is to change fields. false: no entropy. */
bool la_host_config(la_config *cfg, enum la_preset preset);

#ifdef __cplusplus
}
#endif
#endif

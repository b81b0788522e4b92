/* SPDX-License-Identifier: MIT */
/* The words for every number of the public enums: one place, so that API, trace, JSON and drawings speak alike. */
#include <lastack/ether.h>
#include <lastack/tcp.h>
#include <lastack/watch.h>

#define COUNT(t) (sizeof(t) / sizeof(t)[0])

/* A hole in a table reads "?", as a number past its end does. */
static const char *name(const char *const *table, size_t n, size_t i) { return i < n && table[i] ? table[i] : "?"; }

static const char *const errs[] = {
  [-LA_OK] = "OK",
  [-LA_AGAIN] = "EAGAIN",
  [-LA_EINVAL] = "EINVAL",
  [-LA_ENOMEM] = "ENOMEM",
  [-LA_EBADF] = "EBADF",
  [-LA_EADDRINUSE] = "EADDRINUSE",
  [-LA_EADDRNOTAVAIL] = "EADDRNOTAVAIL",
  [-LA_ENETUNREACH] = "ENETUNREACH",
  [-LA_EHOSTUNREACH] = "EHOSTUNREACH",
  [-LA_ECONNREFUSED] = "ECONNREFUSED",
  [-LA_ECONNRESET] = "ECONNRESET",
  [-LA_ECONNABORTED] = "ECONNABORTED",
  [-LA_ETIMEDOUT] = "ETIMEDOUT",
  [-LA_EPIPE] = "EPIPE",
  [-LA_ENOTCONN] = "ENOTCONN",
  [-LA_EQUIET] = "EQUIET",
  [-LA_EMSGSIZE] = "EMSGSIZE",
};
_Static_assert(COUNT(errs) == -LA_EMSGSIZE + 1, "a name for each error");

const char *la_err_name(int err) {
  /* Compared before it is negated: -INT_MIN does not exist. */
  return err <= 0 && err > -(int)COUNT(errs) ? errs[-err] : "EUNKNOWN";
}

static const char *const states[] = {
  [LA_CLOSED] = "CLOSED",           [LA_LISTEN] = "LISTEN",         [LA_SYN_SENT] = "SYN-SENT",     [LA_SYN_RECEIVED] = "SYN-RECEIVED",
  [LA_ESTABLISHED] = "ESTABLISHED", [LA_FIN_WAIT_1] = "FIN-WAIT-1", [LA_FIN_WAIT_2] = "FIN-WAIT-2", [LA_CLOSE_WAIT] = "CLOSE-WAIT",
  [LA_CLOSING] = "CLOSING",         [LA_LAST_ACK] = "LAST-ACK",     [LA_TIME_WAIT] = "TIME-WAIT",
};
_Static_assert(COUNT(states) == LA_STATES, "a name for each state");
const char *la_state_name(enum la_state st) { return name(states, COUNT(states), (size_t)st); }

static const char *const causes[] = {
  [LA_ON_NOTHING] = "nothing",
  [LA_ON_LISTEN] = "listen",
  [LA_ON_CONNECT] = "connect",
  [LA_ON_CLOSE] = "close",
  [LA_ON_SHUTDOWN] = "shutdown",
  [LA_ON_ABORT] = "abort",
  [LA_ON_SYN] = "SYN",
  [LA_ON_SYN_ACK] = "SYN,ACK",
  [LA_ON_ACK_OF_SYN] = "ACK of SYN",
  [LA_ON_FIN] = "FIN",
  [LA_ON_ACK_OF_FIN] = "ACK of FIN",
  [LA_ON_FIN_AND_ACK] = "FIN and ACK of FIN",
  [LA_ON_RST] = "RST",
  [LA_ON_DATA] = "data after close",
  [LA_ON_ICMP] = "ICMP",
  [LA_ON_TIMEOUT] = "time-out",
  [LA_ON_2MSL] = "2MSL",
  [LA_ON_POLICY] = "policy",
};
_Static_assert(COUNT(causes) == LA_CAUSES, "a name for each cause");
const char *la_cause_name(enum la_cause c) { return name(causes, COUNT(causes), (size_t)c); }

static const char *const whos[] = {
  [LA_BY_NOBODY] = "nobody",   [LA_BY_LOCAL] = "local", [LA_BY_PEER] = "peer",
  [LA_BY_NETWORK] = "network", [LA_BY_CLOCK] = "clock", [LA_BY_POLICY] = "policy",
};
_Static_assert(COUNT(whos) == LA_WHOS, "a name for each who");
const char *la_who_name(enum la_who w) { return name(whos, COUNT(whos), (size_t)w); }

static const char *const hows[] = {
  [LA_HOW_OPEN] = "open",
  [LA_HOW_FOUR_SEGMENTS] = "four-segment release",
  [LA_HOW_THREE_SEGMENTS] = "three-segment release",
  [LA_HOW_SIMULTANEOUS] = "simultaneous close",
  [LA_HOW_RESET] = "reset",
  [LA_HOW_SILENT] = "silent",
};
_Static_assert(COUNT(hows) == LA_HOWS, "a name for each how");
const char *la_how_name(enum la_how h) { return name(hows, COUNT(hows), (size_t)h); }

static const char *const whys[] = {
  [LA_WHY_NONE] = "no reason",
  [LA_WHY_CLOSE] = "application close",
  [LA_WHY_ABORT] = "abort",
  [LA_WHY_LINGER] = "close with linger 0",
  [LA_WHY_UNREAD] = "unread data at close",
  [LA_WHY_DATA_AFTER_CLOSE] = "data after full close",
  [LA_WHY_PEER_RESET] = "reset by the peer",
  [LA_WHY_REFUSED] = "no listener",
  [LA_WHY_HALF_OPEN] = "half-open peer answered with RST",
  [LA_WHY_RETRANSMIT] = "retransmission limit",
  [LA_WHY_SYN_TIMEOUT] = "SYN time-out",
  [LA_WHY_SYN_ACK_TIMEOUT] = "SYN-ACK time-out",
  [LA_WHY_KEEPALIVE] = "keepalive exhausted",
  [LA_WHY_USER_TIMEOUT] = "user timeout",
  [LA_WHY_FIN_WAIT_2] = "FIN-WAIT-2 timeout",
  [LA_WHY_LAST_ACK] = "last ACK never came",
  [LA_WHY_ICMP] = "hard ICMP error",
  [LA_WHY_MEMORY] = "evicted for memory",
  [LA_WHY_LISTENER_CLOSED] = "listener closed before accept",
  [LA_WHY_REJECTED] = "rejected by the application",
  [LA_WHY_NEIGHBOUR] = "neighbour does not answer",
};
_Static_assert(COUNT(whys) == LA_WHYS, "a name for each why");
const char *la_why_name(enum la_why w) { return name(whys, COUNT(whys), (size_t)w); }

#define DROP(x) [LA_DROP_##x] = #x
static const char *const drops[] = {
  DROP(NONE),
  DROP(PKT_TOO_SMALL),
  DROP(IP_INHDR),
  DROP(IP_CSUM),
  DROP(IP_INADDRERRORS),
  DROP(OTHERHOST),
  DROP(UNHANDLED_PROTO),
  DROP(FRAGMENT),
  DROP(IP_OPTIONS),
  DROP(TCP_HDR),
  DROP(TCP_CSUM),
  DROP(TCP_FLAGS),
  DROP(NO_SOCKET),
  DROP(TCP_INVALID_SEQUENCE),
  DROP(TCP_OLD_SEQUENCE),
  DROP(TCP_OLD_DATA),
  DROP(TCP_OVERWINDOW),
  DROP(TCP_ZEROWINDOW),
  DROP(TCP_RFC7323_PAWS),
  DROP(TCP_RESET),
  DROP(TCP_INVALID_SYN),
  DROP(TCP_INVALID_RST),
  DROP(TCP_ACK_UNSENT_DATA),
  DROP(TCP_TOO_OLD_ACK),
  DROP(TCP_NO_ACK),
  DROP(TCP_INVALID_ACK_SEQUENCE),
  DROP(TCP_CLOSE),
  DROP(TCP_ABORT_ON_DATA),
  DROP(TCP_LISTEN_OVERFLOW),
  DROP(TCP_TIMEWAIT),
  DROP(TCP_TIMEWAIT_RST),
  DROP(TCP_OFO_QUEUE_PRUNE),
  DROP(QUIET_TIME),
  DROP(NOMEM),
  DROP(LINK_FULL),
  DROP(ICMP),
  DROP(DUP_FRAG),
  DROP(FRAG_OVERLAP),
  DROP(UDP_CSUM),
  DROP(SOCKET_RCVBUFF),
  DROP(DEV_HDR),
  DROP(UNICAST_IN_L2_MULTICAST),
  DROP(ARP),
  DROP(IPV6_NDISC_HOP_LIMIT),
  DROP(IPV6_NDISC_BAD_OPTIONS),
  DROP(IPV6_NDISC_NS_OTHERHOST),
  DROP(NEIGH_FAILED),
  DROP(NEIGH_QUEUEFULL),
  DROP(NEIGH_CREATEFAIL),
  DROP(IP_OUTNOROUTES),
};
#undef DROP
_Static_assert(COUNT(drops) == LA_DROPS, "a name for each drop");
_Static_assert(LA_DROPS <= COUNT(((la_stats *)0)->drops), "a counter for each drop");
const char *la_drop_name(enum la_drop d) { return name(drops, COUNT(drops), (size_t)d); }

static const char *const events[] = {
  [LA_EVENT_SYN] = "SYN",
  [LA_EVENT_ACCEPT] = "ACCEPT",
  [LA_EVENT_ESTABLISHED] = "ESTABLISHED",
  [LA_EVENT_READABLE] = "READABLE",
  [LA_EVENT_WRITABLE] = "WRITABLE",
  [LA_EVENT_PEER_FIN] = "PEER_FIN",
  [LA_EVENT_TROUBLE] = "TROUBLE",
  [LA_EVENT_URGENT] = "URGENT",
  [LA_EVENT_END] = "END",
  [LA_EVENT_RELEASED] = "RELEASED",
  [LA_EVENT_UDP_READABLE] = "UDP_READABLE",
  [LA_EVENT_UDP_WRITABLE] = "UDP_WRITABLE",
  [LA_EVENT_UDP_ERROR] = "UDP_ERROR",
  [LA_EVENT_ADDR_READY] = "ADDR_READY",
  [LA_EVENT_ADDR_DUPLICATE] = "ADDR_DUPLICATE",
};
_Static_assert(COUNT(events) == LA_EVENT_TYPES, "a name for each event");
const char *la_event_name(enum la_event_type t) { return name(events, COUNT(events), (size_t)t); }

static const char *const neigh_states[] = {
  [LA_NEIGH_INCOMPLETE] = "INCOMPLETE", [LA_NEIGH_REACHABLE] = "REACHABLE", [LA_NEIGH_STALE] = "STALE",
  [LA_NEIGH_DELAY] = "DELAY",           [LA_NEIGH_PROBE] = "PROBE",         [LA_NEIGH_STATIC] = "STATIC",
};
_Static_assert(COUNT(neigh_states) == LA_NEIGH_STATES, "a name for each neighbour's state");
const char *la_neigh_state_name(enum la_neigh_state st) { return name(neigh_states, COUNT(neigh_states), (size_t)st); }

static const char *const waitings[] = {
  [LA_WAITS_NOTHING] = "nothing",
  [LA_WAITS_PEER_SYN] = "the peer's SYN",
  [LA_WAITS_PEER_ACK] = "the peer's ACK",
  [LA_WAITS_PEER_WINDOW] = "the peer's window",
  [LA_WAITS_PEER_FIN] = "the peer's FIN",
  [LA_WAITS_APP_READ] = "the application to read",
  [LA_WAITS_APP_CLOSE] = "the application to close",
  [LA_WAITS_2MSL] = "2MSL",
};
_Static_assert(COUNT(waitings) == LA_WAITINGS, "a name for each waiting");
const char *la_waiting_name(enum la_waiting w) { return name(waitings, COUNT(waitings), (size_t)w); }

static const char *const clocks[] = {
  [LA_CLOCK_NONE] = "none",
  [LA_CLOCK_RETRANSMIT] = "retransmission",
  [LA_CLOCK_PERSIST] = "window probe",
  [LA_CLOCK_KEEPALIVE] = "keepalive",
  [LA_CLOCK_REORDER] = "reordering",
  [LA_CLOCK_TAIL_PROBE] = "tail loss probe",
  [LA_CLOCK_DELAYED_ACK] = "delayed ACK",
  [LA_CLOCK_PACING] = "pacing",
  [LA_CLOCK_LIMIT] = "limit",
  [LA_CLOCK_SYN_ACK] = "SYN-ACK",
  [LA_CLOCK_2MSL] = "2MSL",
};
_Static_assert(COUNT(clocks) == LA_CLOCKS, "a name for each clock");
const char *la_clock_name(enum la_clock c) { return name(clocks, COUNT(clocks), (size_t)c); }

static const char *const firsts[] = {
  [LA_FIRST_NOBODY] = "nobody",
  [LA_FIRST_LOCAL] = "local",
  [LA_FIRST_PEER] = "peer",
  [LA_FIRST_BOTH] = "both",
};
_Static_assert(COUNT(firsts) == LA_FIRSTS, "a name for each first");
const char *la_first_name(enum la_first f) { return name(firsts, COUNT(firsts), (size_t)f); }

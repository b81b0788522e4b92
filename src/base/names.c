/* SPDX-License-Identifier: MIT */
/* The vocabulary in words: one table for each enum, as long as the enum. */
#include <lastack/tcp.h>

#define NAME_OF(table, i, count) \
  _Static_assert(sizeof table / sizeof table[0] == (count), "a name for each"); \
  return (unsigned)(i) < (unsigned)(count) ? table[i] : "?"

const char *la_err_name(int err) {
  static const char *const names[] = {
    "OK",           "EAGAIN",       "EINVAL",     "ENOMEM",       "EBADF",     "EADDRINUSE", "EADDRNOTAVAIL", "ENETUNREACH",
    "EHOSTUNREACH", "ECONNREFUSED", "ECONNRESET", "ECONNABORTED", "ETIMEDOUT", "EPIPE",      "ENOTCONN",      "EQUIET"};
  _Static_assert(sizeof names / sizeof names[0] == -LA_EQUIET + 1, "a name for each");
  return err <= 0 && err >= LA_EQUIET ? names[-err] : "EUNKNOWN";
}

const char *la_state_name(enum la_state st) {
  static const char *const names[] = {"CLOSED",     "LISTEN",     "SYN-SENT", "SYN-RECEIVED", "ESTABLISHED", "FIN-WAIT-1",
                                      "FIN-WAIT-2", "CLOSE-WAIT", "CLOSING",  "LAST-ACK",     "TIME-WAIT"};
  NAME_OF(names, st, LA_STATES);
}

const char *la_cause_name(enum la_cause c) {
  static const char *const names[] = {"nothing", "listen",           "connect",    "close",    "shutdown",   "abort",
                                      "SYN",     "SYN,ACK",          "ACK of SYN", "FIN",      "ACK of FIN", "FIN and ACK of FIN",
                                      "RST",     "data after close", "ICMP error", "time-out", "2MSL",       "policy"};
  NAME_OF(names, c, LA_CAUSES);
}

const char *la_who_name(enum la_who w) {
  static const char *const names[] = {"nobody", "local", "peer", "network", "clock", "policy"};
  NAME_OF(names, w, LA_WHOS);
}

const char *la_how_name(enum la_how h) {
  static const char *const names[] = {"open", "four-segment release", "three-segment release", "simultaneous close", "reset", "silent"};
  NAME_OF(names, h, LA_HOWS);
}

const char *la_why_name(enum la_why w) {
  static const char *const names[] = {"none",
                                      "application close",
                                      "application abort",
                                      "close with linger 0",
                                      "unread data at close",
                                      "data after full close",
                                      "reset by peer",
                                      "connection refused",
                                      "half-open peer",
                                      "retransmission limit",
                                      "SYN time-out",
                                      "SYN-ACK time-out",
                                      "keepalive exhausted",
                                      "user timeout",
                                      "FIN-WAIT-2 time-out",
                                      "last ACK never came",
                                      "ICMP error",
                                      "memory eviction",
                                      "listener closed",
                                      "quiet time"};
  NAME_OF(names, w, LA_WHYS);
}

const char *la_drop_name(enum la_drop d) {
  static const char *const names[] = {"NONE",
                                      "PKT_TOO_SMALL",
                                      "IP_INHDR",
                                      "IP_CSUM",
                                      "IP_INADDRERRORS",
                                      "OTHERHOST",
                                      "UNHANDLED_PROTO",
                                      "FRAGMENT",
                                      "IP_OPTIONS",
                                      "TCP_HDR",
                                      "TCP_CSUM",
                                      "TCP_FLAGS",
                                      "NO_SOCKET",
                                      "TCP_INVALID_SEQUENCE",
                                      "TCP_OLD_SEQUENCE",
                                      "TCP_OLD_DATA",
                                      "TCP_OVERWINDOW",
                                      "TCP_ZEROWINDOW",
                                      "TCP_RFC7323_PAWS",
                                      "TCP_RESET",
                                      "TCP_INVALID_SYN",
                                      "TCP_INVALID_RST",
                                      "TCP_ACK_UNSENT_DATA",
                                      "TCP_TOO_OLD_ACK",
                                      "TCP_NO_ACK",
                                      "TCP_INVALID_ACK",
                                      "TCP_CLOSE",
                                      "TCP_ABORT_ON_DATA",
                                      "TCP_LISTEN_OVERFLOW",
                                      "TCP_TIMEWAIT",
                                      "TCP_TIMEWAIT_RST",
                                      "TCP_OFO_QUEUE_PRUNE",
                                      "QUIET_TIME",
                                      "NOMEM",
                                      "LINK_FULL",
                                      "ICMP"};
  NAME_OF(names, d, LA_DROPS);
}

const char *la_event_name(enum la_event_type t) {
  static const char *const names[] = {"ACCEPT", "ESTABLISHED", "READABLE", "WRITABLE", "PEER_FIN", "TROUBLE", "END"};
  NAME_OF(names, t, LA_EVENT_TYPES);
}

const char *la_waiting_name(enum la_waiting w) {
  static const char *const names[] = {"nothing",    "peer's SYN",          "peer's ACK",           "peer's window",
                                      "peer's FIN", "application to read", "application to close", "2MSL"};
  NAME_OF(names, w, LA_WAITINGS);
}

/* SPDX-License-Identifier: MIT */
/* The names of a verdict's parts: what --json writes, so they do not change. */
#include "capture/verdict.h"

const char *la__reason_name(enum reason r) {
  static const char *const names[REASONS] = {[REASON_OPEN] = "open",
                                             [REASON_CLOSE] = "close",
                                             [REASON_CLOSING] = "closing",
                                             [REASON_OPENING] = "opening",
                                             [REASON_REFUSED] = "refused",
                                             [REASON_SYN_UNANSWERED] = "syn-unanswered",
                                             [REASON_SYN_FILTERED] = "syn-filtered",
                                             [REASON_SYN_ACK_UNANSWERED] = "syn-ack-unanswered",
                                             [REASON_SYN_ACK_REFUSED] = "syn-ack-refused",
                                             [REASON_NOT_ACCEPTED] = "not-accepted",
                                             [REASON_ABORT] = "abort",
                                             [REASON_UNREAD] = "unread-data",
                                             [REASON_DATA_AFTER_CLOSE] = "data-after-close",
                                             [REASON_HALF_OPEN] = "half-open",
                                             [REASON_RESTART] = "restart",
                                             [REASON_KEEPALIVE] = "keepalive",
                                             [REASON_RETRANSMIT] = "retransmission-limit",
                                             [REASON_LAST_ACK] = "last-ack",
                                             [REASON_INJECTED] = "rst-injected",
                                             [REASON_IDLE_CUT] = "idle-cut",
                                             [REASON_CLOSE_WAIT] = "close-wait-leak",
                                             [REASON_FIN_WAIT_2] = "fin-wait-2-left",
                                             [REASON_PORT_REUSE] = "port-reuse",
                                             [REASON_ICMP] = "icmp",
                                             [REASON_OTHER] = "other"};
  return names[r];
}

/* include/net/rstreason.h */
const char *la__rst_reason_name(enum reason r) {
  switch (r) {
  case REASON_REFUSED:
  case REASON_HALF_OPEN:
  case REASON_SYN_ACK_REFUSED:
  case REASON_FIN_WAIT_2: /* the socket had gone when the segment came */
    return "NO_SOCKET";
  case REASON_ABORT:
    return "TCP_STATE"; /* linger 0 is tcp_disconnect; TCP_ABORT_ON_LINGER is TCP_LINGER2's */
  case REASON_UNREAD:
    return "TCP_ABORT_ON_CLOSE";
  case REASON_DATA_AFTER_CLOSE:
    return "TCP_ABORT_ON_DATA";
  case REASON_KEEPALIVE:
    return "TCP_KEEPALIVE_TIMEOUT";
  default:
    return NULL;
  }
}

const char *la__certainty_name(enum certainty c) {
  static const char *const names[] = {"observed", "inferred", "ambiguous"};
  return names[c];
}

const char *la__kind_name(enum close_kind k) {
  static const char *const names[] = {"none", "four-segment", "three-segment", "simultaneous", "reset", "half-closed"};
  return names[k];
}

const char *la__closed_name(enum first_closed f) {
  static const char *const names[] = {"none", "client", "server", "both"};
  return names[f];
}

const char *la__flaw_name(unsigned bit) {
  static const char *const names[FLAWS] = {"midstream", "one-sided", "truncated", "missed",    "nat", "duplicates",
                                           "offload",   "damaged",   "vlan",      "fragments", "gro", "tail-missing"};
  return names[bit];
}

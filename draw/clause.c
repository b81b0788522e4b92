/* SPDX-License-Identifier: MIT */
#include "draw/clause.h"

#include <stddef.h>

/* lint: table */
static const struct clause_state states[LA_STATES] = {
  [LA_CLOSED] = {"No connection: nothing is remembered of it.", "nothing", "none",
                 "Whatever arrives here, but a RST, is answered with RST (3.10.7.1)."},
  [LA_LISTEN] = {"A program waits for connections at this port.", "a SYN from anybody", "none",
                 "A SYN is answered with SYN,ACK, and the connection is in SYN-RECEIVED (3.10.7.2)."},
  [LA_SYN_SENT] = {"The connection was asked for, and nobody has answered yet.", "the peer's SYN,ACK (or its SYN, when both open at once)",
                   "retransmission of the SYN, doubling from 1 s; the SYN time-out, at least 3 minutes (3.8.3)",
                   "SYN,ACK opens; RST means that it was refused (3.10.7.3)."},
  [LA_SYN_RECEIVED] = {"Both SYNs are known, ours is not acknowledged yet.", "the ACK of our SYN",
                       "retransmission of the SYN,ACK; a limit on how often",
                       "The ACK opens; a RST sends a listener's connection back to LISTEN (3.10.7.4)."},
  [LA_ESTABLISHED] =
    {"Open: data goes both ways.", "whoever closes first",
     "retransmission while anything is unacknowledged, persist while the peer's window is closed (3.8.6.1), keepalive if it "
     "was asked for (3.8.4), the user time-out",
     "Our close sends FIN: FIN-WAIT-1. The peer's FIN: CLOSE-WAIT (3.6)."},
  [LA_FIN_WAIT_1] = {"We closed first: our FIN is sent and not acknowledged.", "the ACK of our FIN, or the peer's FIN",
                     "retransmission of the FIN; after the last attempt the connection is given up (3.8.3)",
                     "The ACK leads to FIN-WAIT-2, a FIN that crosses ours to CLOSING, both in one segment to TIME-WAIT (3.6)."},
  [LA_FIN_WAIT_2] = {"Our direction is closed and acknowledged; the peer may still send.", "the peer's FIN",
                     "none while the application holds it (half-close, 3.6.1); after a full close FIN-WAIT-2's own limit, 60 s by default",
                     "The peer's FIN leads to TIME-WAIT."},
  [LA_CLOSE_WAIT] = {"The peer has closed its direction; we may still send.", "our own application to close",
                     "no clock of its own: only the application ends it",
                     "Close sends FIN and leads to LAST-ACK. A program that never closes leaks the connection here."},
  [LA_CLOSING] = {"Both closed at once: the FINs crossed, ours is not acknowledged yet.", "the ACK of our FIN", "retransmission of the FIN",
                  "The ACK leads to TIME-WAIT, at both ends (3.6)."},
  [LA_LAST_ACK] = {"Both directions are closed, ours last.", "the ACK of our FIN", "retransmission of the FIN, and a limit on it",
                   "The ACK ends the connection: no TIME-WAIT at this end."},
  [LA_TIME_WAIT] = {"All is acknowledged. The record stays, to answer a FIN that comes again and to let old duplicates die.",
                    "nothing but the clock", "2MSL, which a retransmitted FIN starts anew (3.10.7.4; 60 s by default)",
                    "The clock ends it. A new SYN may take it over sooner (MAY-2, RFC 6191); a RST does not (RFC 1337)."},
};

const struct clause_state *la__clause_state(enum la_state st) { return &states[st < LA_STATES ? st : LA_CLOSED]; }

const char *la__clause_event(enum la_cause cause) {
  static const char *const names[LA_CAUSES] = {
    [LA_ON_LISTEN] = "passive open",
    [LA_ON_CONNECT] = "active open",
    [LA_ON_CLOSE] = "close",
    [LA_ON_SHUTDOWN] = "shutdown",
    [LA_ON_ABORT] = "abort",
    [LA_ON_SYN] = "rcv SYN",
    [LA_ON_SYN_ACK] = "rcv SYN,ACK",
    [LA_ON_ACK_OF_SYN] = "rcv ACK of SYN",
    [LA_ON_FIN] = "rcv FIN",
    [LA_ON_ACK_OF_FIN] = "rcv ACK of FIN",
    [LA_ON_FIN_AND_ACK] = "rcv FIN, ACK of FIN",
    [LA_ON_RST] = "rcv RST",
    [LA_ON_DATA] = "data after close",
    [LA_ON_ICMP] = "ICMP error",
    [LA_ON_TIMEOUT] = "time-out",
    [LA_ON_2MSL] = "timeout 2MSL",
    [LA_ON_POLICY] = "policy",
  };
  return (unsigned)cause < LA_CAUSES && names[cause] ? names[cause] : "";
}

const char *la__clause_answer(enum la_state from, enum la_cause cause) {
  switch (cause) {
  case LA_ON_CONNECT:
    return "snd SYN";
  case LA_ON_SYN:
    return "snd SYN,ACK";
  case LA_ON_SYN_ACK:
  case LA_ON_FIN:
  case LA_ON_FIN_AND_ACK:
    return "snd ACK";
  case LA_ON_CLOSE:
  case LA_ON_SHUTDOWN:
    return from == LA_LISTEN || from == LA_SYN_SENT ? NULL : "snd FIN";
  case LA_ON_ABORT:
    return from == LA_SYN_SENT ? NULL : "snd RST";
  case LA_ON_DATA:
    return "snd RST";
  default:
    return NULL;
  }
}

static const char *on_close(enum la_state from) {
  switch (from) {
  case LA_LISTEN:
  case LA_SYN_SENT:
    return "RFC 9293 3.10.4, CLOSE call: the record is deleted";
  case LA_CLOSE_WAIT:
    return "RFC 9293 3.10.4, CLOSE call in CLOSE-WAIT: FIN is sent, LAST-ACK";
  default:
    return "RFC 9293 3.10.4, CLOSE call: a FIN is queued behind the data, FIN-WAIT-1";
  }
}

static const char *on_rst(enum la_state from) {
  switch (from) {
  case LA_SYN_SENT:
    return "RFC 9293 3.10.7.3, second: check the RST bit: connection refused";
  case LA_SYN_RECEIVED:
    return "RFC 9293 3.10.7.4, second: check the RST bit in SYN-RECEIVED";
  default:
    return "RFC 9293 3.10.7.4, second: check the RST bit, at exactly the next number (RFC 5961 3.2)";
  }
}

static const char *on_syn(enum la_state from) {
  switch (from) {
  case LA_LISTEN:
    return "RFC 9293 3.10.7.2, third: check for a SYN";
  case LA_SYN_SENT:
    return "RFC 9293 3.10.7.3, fourth: check the SYN bit: both open at once (figure 7)";
  default:
    return "RFC 9293 3.10.7.4, MAY-2; RFC 6191: a new incarnation takes TIME-WAIT over";
  }
}

const char *la__clause_of(enum la_state from, enum la_cause cause) {
  switch (cause) {
  case LA_ON_LISTEN:
    return "RFC 9293 3.10.1, OPEN call, passive";
  case LA_ON_CONNECT:
    return "RFC 9293 3.10.1, OPEN call, active: SYN is sent";
  case LA_ON_CLOSE:
    return on_close(from);
  case LA_ON_SHUTDOWN:
    return "RFC 9293 3.6.1, half-close: FIN is sent, and reading goes on";
  case LA_ON_ABORT:
    return "RFC 9293 3.10.5, ABORT call: RST, and what was queued is lost";
  case LA_ON_SYN:
    return on_syn(from);
  case LA_ON_SYN_ACK:
    return "RFC 9293 3.10.7.3, fourth: check the SYN bit: our SYN has been acknowledged";
  case LA_ON_ACK_OF_SYN:
    return "RFC 9293 3.10.7.4, fifth: check the ACK field in SYN-RECEIVED";
  case LA_ON_FIN:
    return "RFC 9293 3.10.7.4, eighth: check the FIN bit";
  case LA_ON_ACK_OF_FIN:
    return "RFC 9293 3.10.7.4, fifth: check the ACK field: our FIN is now acknowledged";
  case LA_ON_FIN_AND_ACK:
    return "RFC 9293 3.10.7.4, fifth and eighth: the ACK of our FIN and the peer's FIN in one segment";
  case LA_ON_RST:
    return on_rst(from);
  case LA_ON_DATA:
    return "RFC 9293 3.6.1: data for a connection that was closed fully; RST (RFC 2525 2.17)";
  case LA_ON_ICMP:
    return "RFC 9293 3.9.2.2, ICMP messages: a hard error (RFC 5927 for what is believed)";
  case LA_ON_TIMEOUT:
    return "RFC 9293 3.10.8, timeouts; 3.8.3, connection failures";
  case LA_ON_2MSL:
    return "RFC 9293 3.10.8, TIME-WAIT timeout: the record is deleted";
  case LA_ON_POLICY:
    return "no clause: the stack's own limits (evicted, recycled, listener closed)";
  default:
    return "RFC 9293 3.3.2, state machine overview";
  }
}

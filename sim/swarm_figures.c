/* SPDX-License-Identifier: MIT */
/* What many worlds come to, and which of state x event they have visited. */
#include "sim/swarm.h"

#include <inttypes.h>

void la__sw_sum(struct sw_figures *to, const struct sw_figures *from) {
  uint64_t *a = (uint64_t *)to;
  const uint64_t *b = (const uint64_t *)from;
  for (size_t i = 0; i < sizeof *to / sizeof *a; i++)
    a[i] += b[i];
}

#define BIT(st) (1u << (st))
enum {
  RECORD = BIT(LA_CLOSED) | BIT(LA_SYN_SENT) | BIT(LA_SYN_RECEIVED) | BIT(LA_ESTABLISHED) | BIT(LA_FIN_WAIT_1) | BIT(LA_FIN_WAIT_2) |
           BIT(LA_CLOSE_WAIT) | BIT(LA_CLOSING) | BIT(LA_LAST_ACK) | BIT(LA_TIME_WAIT),
  SYNC = BIT(LA_ESTABLISHED) | BIT(LA_FIN_WAIT_1) | BIT(LA_FIN_WAIT_2) | BIT(LA_CLOSE_WAIT) | BIT(LA_CLOSING) | BIT(LA_LAST_ACK),
  OWES = BIT(LA_ESTABLISHED) | BIT(LA_FIN_WAIT_1) | BIT(LA_CLOSE_WAIT) | BIT(LA_CLOSING) | BIT(LA_LAST_ACK),
  READS = BIT(LA_ESTABLISHED) | BIT(LA_FIN_WAIT_1) | BIT(LA_FIN_WAIT_2),
  SYNS = BIT(LA_SYN_SENT) | BIT(LA_SYN_RECEIVED)
};

/* In which states an event can be. A drop that is not listed is IP's or UDP's. */
static unsigned possible(unsigned what) {
  if (what < SEEN_DROPPED)
    return RECORD | BIT(LA_LISTEN);
  switch (what) {
  case SEEN_DROPPED + LA_DROP_NO_SOCKET:
    return BIT(LA_CLOSED); /* a TIME-WAIT record gives way only where somebody listens, and has gone when its time is up */
  case SEEN_DROPPED + LA_DROP_TCP_FLAGS:
    return BIT(LA_CLOSED) | SYNS | SYNC;
  case SEEN_DROPPED + LA_DROP_TCP_INVALID_SEQUENCE:
  case SEEN_DROPPED + LA_DROP_TCP_INVALID_RST:
  case SEEN_DROPPED + LA_DROP_TCP_INVALID_SYN:
  case SEEN_DROPPED + LA_DROP_TCP_NO_ACK:
  case SEEN_DROPPED + LA_DROP_TCP_RFC7323_PAWS:
    return BIT(LA_SYN_RECEIVED) | SYNC;
  case SEEN_DROPPED + LA_DROP_TCP_OLD_SEQUENCE:
  case SEEN_DROPPED + LA_DROP_TCP_OLD_DATA:
  case SEEN_DROPPED + LA_DROP_TCP_OVERWINDOW:
  case SEEN_DROPPED + LA_DROP_TCP_ACK_UNSENT_DATA:
  case SEEN_DROPPED + LA_DROP_TCP_TOO_OLD_ACK:
    return SYNC;
  case SEEN_DROPPED + LA_DROP_TCP_ZEROWINDOW:
  case SEEN_DROPPED + LA_DROP_TCP_OFO_QUEUE_PRUNE:
    return READS;
  case SEEN_DROPPED + LA_DROP_TCP_ABORT_ON_DATA:
    return BIT(LA_FIN_WAIT_1) | BIT(LA_FIN_WAIT_2); /* it is told before the state changes */
  case SEEN_DROPPED + LA_DROP_TCP_INVALID_ACK_SEQUENCE:
    return SYNS;
  case SEEN_DROPPED + LA_DROP_TCP_RESET:
    return BIT(LA_CLOSED) | BIT(LA_SYN_SENT);
  case SEEN_DROPPED + LA_DROP_TCP_TIMEWAIT:
  case SEEN_DROPPED + LA_DROP_TCP_TIMEWAIT_RST:
    return BIT(LA_TIME_WAIT);
  case SEEN_DROPPED + LA_DROP_TCP_LISTEN_OVERFLOW:
  case SEEN_DROPPED + LA_DROP_NOMEM:
    return BIT(LA_CLOSED) | BIT(LA_SYN_RECEIVED);
  case SEEN_SEND:
    return BIT(LA_ESTABLISHED) | BIT(LA_CLOSE_WAIT) | BIT(LA_CLOSED);
  case SEEN_RECV:
    return RECORD & ~(unsigned)SYNS;
  case SEEN_SHUTDOWN:
  case SEEN_DEAF:
  case SEEN_CLOSE:
  case SEEN_ABORT:
  case SEEN_CLOSE_BY:
    return RECORD;
  case SEEN_OPTION:
    return BIT(LA_SYN_SENT) | BIT(LA_ESTABLISHED) | BIT(LA_CLOSE_WAIT) | BIT(LA_CLOSED);
  case SEEN_AGAIN:
    return OWES | SYNS;
  case SEEN_PROBE:
    return OWES;
  case SEEN_KEEPALIVE:
    return BIT(LA_ESTABLISHED) | BIT(LA_CLOSE_WAIT) | BIT(LA_FIN_WAIT_2);
  case SEEN_TAIL:
    return OWES;
  case SEEN_LIMIT:
    return SYNC | SYNS;
  case SEEN_2MSL:
    return BIT(LA_TIME_WAIT);
  case SEEN_TROUBLE:
    return SYNC | SYNS | BIT(LA_CLOSED);
  default:
    return 0;
  }
}

bool la__sw_possible(enum la_state st, unsigned what) { return possible(what) >> st & 1; }

static const char *event_name(unsigned what) {
  static const char *const segments[] = {"SYN", "SYN,ACK", "ACK", "text", "FIN", "RST", "odd flags"};
  static const char *const calls[] = {"send",      "recv",      "shutdown",    "shutdown_read", "close",           "close_by",
                                      "abort",     "an option", "sent again",  "window probe",  "keepalive probe", "tail probe",
                                      "its limit", "2MSL",      "a soft error"};
  if (what < SEEN_DROPPED)
    return segments[what];
  return what < SEEN_CALL ? la_drop_name((enum la_drop)(what - SEEN_DROPPED)) : calls[what - SEEN_CALL];
}

static void print_cells(FILE *out, const struct sw_figures *f) {
  unsigned all = 0, visited = 0, missing = 0;
  for (unsigned what = 0; what < SEEN_EVENTS; what++)
    for (unsigned st = 0; st < LA_STATES; st++)
      if (la__sw_possible((enum la_state)st, what)) {
        all++;
        visited += f->cell[st][what] > 0;
      }
  fprintf(out, "state x event: %u of %u cells visited\n", visited, all);
  for (unsigned what = 0; what < SEEN_EVENTS; what++)
    for (unsigned st = 0; st < LA_STATES; st++) {
      bool can = la__sw_possible((enum la_state)st, what);
      if (can && !f->cell[st][what] && missing++ < 40)
        fprintf(out, "  not seen: %s in %s\n", event_name(what), la_state_name((enum la_state)st));
      if (!can && f->cell[st][what] && what >= SEEN_CALL)
        fprintf(out, "  seen, though not foreseen: %s in %s\n", event_name(what), la_state_name((enum la_state)st));
    }
}

void la__sw_print_figures(FILE *out, const struct sw_figures *f) {
  fprintf(out,
          "%" PRIu64 " worlds, %" PRIu64 " failed; %" PRIu64 " virtual hours, %" PRIu64 " segments (%" PRIu64 " lost), %" PRIu64
          " bytes read\n",
          f->worlds, f->failed, f->virtual_s / 3600, f->segments, f->lost, f->bytes);
  fprintf(out, "%" PRIu64 " ends of connections, %" PRIu64 " ENDs, %" PRIu64 " half-open records ended\n", f->conns, f->ends, f->half_open);
  for (unsigned i = 0; i < LA_WHYS; i++)
    if (f->why[i])
      fprintf(out, "  %-32s %" PRIu64 "\n", la_why_name((enum la_why)i), f->why[i]);
  if (f->inherent)
    fprintf(out, "%" PRIu64 " reads of an old duplicate where a pair was used anew without TIME-WAIT\n", f->inherent);
  print_cells(out, f);
}

/* SPDX-License-Identifier: MIT */
/* lastack ss --why: one connection's story in sentences. */
#include <inttypes.h>
#include <string.h>

#include "cli/ask.h"

static void ends_line(FILE *out, const struct row *r) {
  char a[END_TEXT], b[END_TEXT];
  bool passive = strcmp(la__row_word(r, "opened_by"), "peer") == 0;
  fprintf(out, "connection %s of process %u (%s): %s %s %s, %s\n", r->name, r->pid, la__row_word(r, "name"),
          la__end_point(&r->local, r->lport, a), passive ? "<-" : "->", la__end_point(&r->remote, r->rport, b), la_state_name(r->state));
}

static void opened_line(FILE *out, const struct row *r) {
  char span[SPAN_TEXT];
  fprintf(out, "  opened by %s %s ago; %" PRIu64 " bytes in, %" PRIu64 " out, %" PRIu64 " retransmission%s\n",
          strcmp(la__row_word(r, "opened_by"), "peer") == 0 ? "the peer" : "us", la__span(r->age_ms, span), la__row_number(r, "bytes_in"),
          la__row_number(r, "bytes_out"), r->retransmits, r->retransmits == 1 ? "" : "s");
}

static void steps(FILE *out, const struct row *r) {
  const json_t *list = json_object_get(r->o, "steps");
  for (size_t i = 0; i < json_array_size(list); i++) {
    const json_t *s = json_array_get(list, i), *next = json_array_get(list, i + 1);
    const char *state = json_string_value(json_object_get(s, "state"));
    uint64_t ago = (uint64_t)json_integer_value(json_object_get(s, "ms_ago"));
    uint64_t until = next ? (uint64_t)json_integer_value(json_object_get(next, "ms_ago")) : 0;
    char a[SPAN_TEXT], b[SPAN_TEXT];
    fprintf(out, "    %-12s %10s ago, ", state ? state : "?", la__span(ago, a));
    if (next)
      fprintf(out, "for %s\n", la__span(ago > until ? ago - until : 0, b));
    else
      fprintf(out, "still there\n");
  }
}

/* Who must act, in words that say what to look at. */
static const char *remedy(const struct row *r) {
  const char *w = la__row_word(r, "waiting");
  if (strcmp(w, la_waiting_name(LA_WAITS_APP_READ)) == 0)
    return "the local application has bytes to read and does not take them";
  if (strcmp(w, la_waiting_name(LA_WAITS_APP_CLOSE)) == 0)
    return "the peer has closed; the local application has not, and only it can";
  if (strcmp(w, la_waiting_name(LA_WAITS_PEER_FIN)) == 0)
    return "we have closed; the peer's application has not";
  if (strcmp(w, la_waiting_name(LA_WAITS_PEER_WINDOW)) == 0)
    return "the peer's window is closed: its application does not read";
  if (strcmp(w, la_waiting_name(LA_WAITS_PEER_ACK)) == 0)
    return "what we sent has not been acknowledged";
  if (strcmp(w, la_waiting_name(LA_WAITS_PEER_SYN)) == 0)
    return "our SYN has not been answered";
  if (strcmp(w, la_waiting_name(LA_WAITS_2MSL)) == 0)
    return "old duplicates may still be under way";
  return NULL;
}

static void waits(FILE *out, const struct row *r) {
  const char *what = remedy(r), *soft = la__row_word(r, "soft_error"), *who = la__row_word(r, "blame");
  fprintf(out, "  waits for %s", la__row_word(r, "waiting"));
  if (what)
    fprintf(out, ": %s", what);
  fprintf(out, "\n  who must act: %s\n", strcmp(who, "local") == 0 ? "the local application" : strcmp(who, "peer") == 0 ? "the peer" : who);
  if (strcmp(soft, "OK") != 0 && *soft)
    fprintf(out, "  trouble so far: %s\n", soft);
  if (la__row_number(r, "unread") || r->send_q)
    fprintf(out, "  queues: %" PRIu64 " bytes unread, %" PRIu64 " unsent, %" PRIu64 " unacknowledged\n", la__row_number(r, "unread"),
            la__row_number(r, "unsent"), la__row_number(r, "unacked"));
  if (la__row_number(r, "backoff") && strcmp(la__row_word(r, "waiting"), la_waiting_name(LA_WAITS_PEER_WINDOW)) == 0)
    fprintf(out, "  window probes since, each later than the one before: %" PRIu64 "\n", la__row_number(r, "backoff"));
  else if (la__row_number(r, "backoff"))
    fprintf(out, "  sent again without an answer: %" PRIu64 " times\n", la__row_number(r, "backoff"));
  if (la__row_number(r, "keepalive_probes"))
    fprintf(out, "  keepalive probes without an answer: %" PRIu64 "\n", la__row_number(r, "keepalive_probes"));
}

static void path(FILE *out, const struct row *r) {
  if (!la__row_has(r, "cwnd"))
    return;
  if (la__row_has(r, "srtt_us"))
    fprintf(out, "  path: round trip %.3f ms (least %.3f ms), retransmission time-out %.0f ms;", (double)r->srtt_us / 1000,
            (double)la__row_number(r, "min_rtt_us") / 1000, (double)la__row_number(r, "rto_us") / 1000);
  else
    fprintf(out, "  path: round trip not measured;");
  fprintf(out, " cwnd %" PRIu64 ", the peer's window %" PRIu64 " bytes; MSS %" PRIu64 "\n", la__row_number(r, "cwnd"),
          la__row_number(r, "send_window"), la__row_number(r, "mss"));
}

static void outlook(FILE *out, const struct row *r) {
  char span[SPAN_TEXT];
  if (la__row_has(r, "clock_ms"))
    fprintf(out, "  next clock: %s, in %s\n", la__row_word(r, "clock"), la__span(la__row_number(r, "clock_ms"), span));
  else
    fprintf(out, "  next clock: none runs\n");
  if (!la__row_has(r, "ends_ms"))
    fprintf(out, "  nothing ends it by itself\n");
  else
    fprintf(out, "  ends in %s unless something happens before: %s by %s (%s)\n", la__span(la__row_number(r, "ends_ms"), span),
            la__row_word(r, "end_how"), la__row_word(r, "end_who"), la__row_word(r, "end_why"));
}

static void ended(FILE *out, const struct row *r) {
  fprintf(out, "  ended: %s by %s (%s)\n", la__row_word(r, "end_how"), la__row_word(r, "end_who"), la__row_word(r, "end_why"));
  if (!json_is_true(json_object_get(r->o, "closed_by_application")))
    fprintf(out, "  the local application still holds it: it has not closed\n");
}

void la__why(FILE *out, const struct row *r) {
  ends_line(out, r);
  opened_line(out, r);
  steps(out, r);
  if (r->ended) {
    ended(out, r);
    return;
  }
  waits(out, r);
  path(out, r);
  outlook(out, r);
}

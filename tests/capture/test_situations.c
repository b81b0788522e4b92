/* SPDX-License-Identifier: MIT */
/* What operators meet every day, as scripts (tests/unit/tape.h), and what somebody who knows TCP well would say about each. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "draw/explain.h"
#include "tests/unit/tape.h"

#define OPEN ">S <SA >A "

static const struct row {
  const char *name, *script;
  const char *reason; /* of the first connection; a second candidate after a bar */
  enum certainty certainty;
  int finding;
  const char *says; /* a part of the line */
} rows[] = {
  {"port scan, half-open", ">S <SA >R", "syn-ack-refused", CERTAIN_INFERRED, 1, "probes for ports"},
  {"port scan, or a health check", OPEN ">RA", "abort", CERTAIN_INFERRED, 1, "a health check or a port scan does that"},
  {"a balancer's health check", ">S <SA >RA", "syn-ack-refused", CERTAIN_INFERRED, 1, "checks a server's health"},
  {"keepalive race: the request crosses the idle close", OPEN ">A100 <A100 >A +60000 <FA >A200a-1 <R", "data-after-close", CERTAIN_OBSERVED,
   1, "data and FIN crossed: whoever closes idle connections should have more patience than the client"},
  {"a request long after the server's close", OPEN ">A100 <A100 >A +5000 <FA >A +100 >A200 <R", "data-after-close", CERTAIN_OBSERVED, 1,
   "the client treats end-of-stream as half-close, the server had closed fully"},
  {"close_notify meets a closed socket", OPEN ">A500 <A1400 >A >A31c >FA <A31c <FA >R >R", "data-after-close", CERTAIN_OBSERVED, 1,
   "only a farewell of TLS (close_notify) was lost: harmless"},
  {"SYN sent again, answered twice", ">S +1000 ~> <SA +50 ~< >A ~> >A10 <A >FA <FA >A", "close", CERTAIN_OBSERVED, 0,
   "three-segment release"},
  {"SYN answered when its sender had given up", ">S +1000 ~> +2000 ~> +100 <SA >R", "syn-ack-refused", CERTAIN_INFERRED, 1, "given up"},
  {"simultaneous open", ">S <S >SA <SA >A10 <A >FA <FA >A", "close", CERTAIN_OBSERVED, 0, "closed first: client"},
  {"simultaneous close, both FINs sent again", OPEN ">FA <FAa-1 (>A) (<A) +200 ~> ~< <A >A", "close", CERTAIN_OBSERVED, 0,
   "simultaneous release"},
  {"upload behind a half-close", OPEN ">A1000 <A >FA <A +2000 <A5000 >A <FA >A", "close", CERTAIN_OBSERVED, 0,
   "half-closed 2.005 s, 5000 bytes"},
  {"window closed, then abort by who did not read", OPEN "<A1000 >Aw0 +500 k< >Aw0 +1000 k< >Aw0 +2000 k< >Aw0 >RA", "unread-data",
   CERTAIN_INFERRED, 1, "client's window closed for 3.51 s"},
  {"window closed, then abort by who waited", OPEN ">A50 <A1000 >Aw0 +500 k< >Aw0 +1000 k< >Aw0 +2000 k< >Aw0 <RA", "abort|unread-data",
   CERTAIN_AMBIGUOUS, 1, "server reset"},
  {"window closed, then no answer", OPEN "<A1000 >Aw0 +500 k< >Aw0 +1000 k< +2000 k< +4000 k< +8000 k< +9000 other >S",
   "retransmission-limit", CERTAIN_INFERRED, 1, "the client's window stayed closed, and then it did not answer any more"},
  {"window closed for good", OPEN "<A1000 >Aw0 +30000 k< >Aw0 +60000 k< >Aw0", "open", CERTAIN_OBSERVED, 1,
   "client's window closed for 90 s"},
  {"keepalive through a NAT that forgets", OPEN ">A10 <A +60000 k> <A +60000 k> <A +60000 k> +10000 k> +10000 k> +10000 >RA", "keepalive",
   CERTAIN_OBSERVED, 1, "client reset"},
  {"old keepalive with a byte, to a peer that restarted", OPEN ">A10 <A +7200000 k>1 <A +7200000 k>1 <R", "half-open|idle-cut",
   CERTAIN_AMBIGUOUS, 1, "server reset"},
  {"MTU black hole", OPEN ">A100 <A <A1448 <A1448 +200 ~< +400 ~< +800 ~< +1600 ~< +3200 ~< +9000 other >S", "retransmission-limit",
   CERTAIN_INFERRED, 1, "up to 0 bytes a segment went through, 1448 do not"},
  {"MTU black hole, the client still talks",
   OPEN ">A100 <A400 >A <A1448 +200 ~< +400 ~< >A50a-1448 +800 ~< +1600 ~< +3200 ~< >Aa-1448 +6400 ~< +9000 other >S",
   "retransmission-limit", CERTAIN_INFERRED, 1, "up to 400 bytes a segment went through, 1448 do not"},
  {"retransmission limit, seen at the sender", OPEN ">A10 +200 ~> +400 ~> +800 ~> +1600 ~> +3200 ~> +6400 ~> +12000 other >S",
   "retransmission-limit", CERTAIN_INFERRED, 1, "the peer or the way to it has gone"},
  {"retransmission limit, seen at the receiver", OPEN ">A10 <A +200 ~> <A +400 ~> <A +800 ~> <A +1600 ~> <A +3200 ~> <A +12000 other >S",
   "retransmission-limit", CERTAIN_INFERRED, 1, "the server's ACKs do not reach the client"},
  {"given up, and asked later", OPEN ">A10 <A10 >A +1000 <A100 +200 ~< +400 ~< +800 ~< +1600 ~< +3200 ~< +99000 >A <R",
   "retransmission-limit", CERTAIN_INFERRED, 1, "server reset"},
  {"a laptop wakes up in time", OPEN ">A10 <A +40000 <A20 +200 ~< +400 ~< +800 ~< +1600 ~< +3200 >A ~< >A +1000 >A10 <A", "open",
   CERTAIN_OBSERVED, 0, "still open"},
  {"client vanishes, server closes", OPEN ">A10 <A100 >A +5000 <FA +200 ~< +400 ~< +800 ~< +1600 ~< +3200 ~< +9000 other >S",
   "retransmission-limit", CERTAIN_INFERRED, 1, "server sent FIN 6 times"},
  {"4-tuple reused in TIME-WAIT", OPEN ">A10 <A >FA <FA >A +500 new >S <SA >A >A10 <A >FA <FA >A", "port-reuse", CERTAIN_OBSERVED, 1,
   "three-segment release [certain]; TIME-WAIT: client; pair used again after 503 ms"},
  {"4-tuple reused much later", OPEN ">A10 <A >FA <FA >A +61000 new >S <SA >A", "close", CERTAIN_OBSERVED, 0, "three-segment release"},
  {"4-tuple reused while the server leaks CLOSE-WAIT", OPEN ">A10 <A >FA <A +70000 new >S <Aa-1000000 >R +1000 ~> <SA >A",
   "close-wait-leak", CERTAIN_INFERRED, 1, "in CLOSE-WAIT"},
  {"4-tuple reused soon, while the server leaks", OPEN ">A10 <A >FA <A +7000 new >S <SA >A", "close-wait-leak|restart", CERTAIN_AMBIGUOUS,
   1, "server"},
  {"client rebooted", OPEN ">A10 <A new >S <Aa-1000001s-1000001 >R +1000 ~> <SA >A", "restart", CERTAIN_INFERRED, 1,
   "the client had lost it"},
  {"TCP Fast Open", ">S20 <SA >A <A100 >A >FA <FA >A", "close", CERTAIN_OBSERVED, 0, "three-segment release"},
  {"TCP Fast Open, data not taken", ">S20 <SAa-20 >A20s-20 <A >FA <FA >A", "close", CERTAIN_OBSERVED, 0, "three-segment release"},
  {"Fast Open to a closed port", ">S20 <RA", "refused", CERTAIN_OBSERVED, 1, "nobody listens"},
  {"the capture ends in the middle of a transfer", OPEN ">A10 <A <A1448 <A1448", "open", CERTAIN_OBSERVED, 0, "still open [certain]"},
  {"an answer that takes its time", OPEN ">A10 <A +30000 other >S", "open", CERTAIN_OBSERVED, 0, "still open, silent for 30 s [certain]"},
  {"idle for long", OPEN ">A10 <A +90000 other >S", "open", CERTAIN_INFERRED, 0, "still open, silent for 90 s [inferred]"},
  {"idle, but keepalive is answered", OPEN ">A10 <A +75000 k> <A +75000 k> <A +40000 other >S", "open", CERTAIN_OBSERVED, 0, "silent for"},
  {"the capturer lost the tail, data unacknowledged", OPEN ">A10 <A <A100 +5000 other >S", "open|close", CERTAIN_AMBIGUOUS, 0,
   "capture: tail-missing"},
  {"just so long that it may still be sent again", OPEN ">A10 <A <A100 +2500 other >S", "open", CERTAIN_OBSERVED, 0, "still open"},
  {"sent again, and it may come once more", OPEN ">A10 <A <A100 +1000 ~< +2000 ~< +4000 other >S", "open", CERTAIN_OBSERVED, 0,
   "still open"},
  {"the capturer lost the tail, FIN unacknowledged", OPEN ">A10 <A >FA +5000 other >S", "close|closing", CERTAIN_AMBIGUOUS, 0,
   "capture: tail-missing"},
  {"the capturer lost the last ACK", OPEN ">A10 <A >FA <FA +5000 other >S", "close|closing", CERTAIN_AMBIGUOUS, 0, "tail-missing"},
  {"the capture ends within the release", OPEN ">A10 <A >FA <FA", "closing", CERTAIN_OBSERVED, 0, "within the release [certain]"},
  {"unacknowledged before a closed window", OPEN "<A1000 >Aw0 <A1 +5000 other >S", "open", CERTAIN_OBSERVED, 0, "window closed"},
  {"half-closed, tail lost", OPEN ">A10 <A >FA <A <A100 +5000 other >S", "open|close", CERTAIN_AMBIGUOUS, 0, "tail-missing"},
  {"the capture ends after the SYN", ">S", "opening", CERTAIN_OBSERVED, 0, "within the opening [certain]"},
  {"the capture ends after the SYN-ACK", ">S +400 <SA", "opening", CERTAIN_OBSERVED, 0, "within the opening"},
  {"one SYN, and nothing for a second", ">S +1500 other >S", "syn-unanswered", CERTAIN_OBSERVED, 1, "1 SYN in"},
  {"RST with data", OPEN ">A10 <A <RA15", "abort|unread-data", CERTAIN_AMBIGUOUS, 1, "server reset (frame 6)"},
  {"RST for a stray ACK", ">A <R", "half-open", CERTAIN_INFERRED, 1, "capture: midstream"},
  {"RST for data in mid-stream", ">A10 <R", "half-open", CERTAIN_OBSERVED, 1, "capture: midstream"},
  {"RST for the second FIN", OPEN ">A10 <A100 >A >FA <FA >R", "fin-wait-2-left|abort", CERTAIN_AMBIGUOUS, 1, "client reset"},
  {"FIN, then RST at once", OPEN "<A100 >A >FA >RA", "abort|unread-data", CERTAIN_AMBIGUOUS, 1, "closed first: client"},
  {"RST instead of the second FIN", OPEN ">A10 <A100 <FA >A >RA", "abort|unread-data", CERTAIN_AMBIGUOUS, 1, "closed first: server"},
  {"RST in TIME-WAIT", OPEN ">FA <FA >A <R", "close", CERTAIN_OBSERVED, 0, "three-segment release"},
  {"413: the server closes while the upload goes on", OPEN ">A1448 <A300 <FA >A1448 >A1448 <R <R", "data-after-close", CERTAIN_OBSERVED, 1,
   "2896 bytes lost"},
  {"listener's queue full, silently", OPEN ">A10 +200 ~> +400 ~> +400 <SAs-1 >A +800 ~> +1000 <SAs-1 >A +3000 <SAs-1 >A +8000 other >S",
   "not-accepted|syn-ack-unanswered", CERTAIN_AMBIGUOUS, 1, "its queue is full"},
  {"listener's queue full, with RST, data on the way", OPEN ">A10 <R", "not-accepted", CERTAIN_INFERRED, 1, "10 bytes lost"},
  {"a firewall clears both sides", OPEN ">A10 <A +3600000 >RAt200 <RAt200", "idle-cut", CERTAIN_INFERRED, 1,
   "forgotten on the way while idle"},
  {"forgotten on the way, the server speaks first", OPEN ">A10 <A +900000 <A100 +200 ~< +400 ~< +800 ~< +1600 ~< +3200 ~< +9000 other >S",
   "idle-cut|retransmission-limit", CERTAIN_AMBIGUOUS, 1, "forgotten on the way while idle"},
  {"no SYN, SYN-ACK refused", "(>S) <SA >R", "syn-ack-refused", CERTAIN_OBSERVED, 1, "SYN-ACK answered with RST"},
  {"turned away by a router", ">S i>1.1 +1000 ~> i>1.1", "syn-filtered", CERTAIN_OBSERVED, 1, "SYN turned away by ICMP"},
  {"the server unreachable in mid-stream", OPEN ">A10 <A +9000 >A10 +200 ~> i>1.3 +400 ~> +800 ~> +1600 ~> +3200 ~> +9000 other >S", "icmp",
   CERTAIN_INFERRED, 1, "cannot be reached"},
  {"path MTU found out", OPEN ">A1448 i>2.0 +1 >A700s-1448 <Aa-748 >A748s-748 <A >FA <FA >A", "close", CERTAIN_OBSERVED, 0, "; ICMP type "},
  {"path MTU not heeded", OPEN ">A1448 i>2.0 +200 ~> +400 ~> +800 ~> +1600 ~> i>2.0 +3200 ~> +9000 other >S", "retransmission-limit",
   CERTAIN_INFERRED, 1, "the path asks for smaller segments (ICMP)"},
  {"RSTs cross", OPEN ">A10 <A >RA <RA", "abort", CERTAIN_INFERRED, 1, "client reset"},
  {"a volley of forged RSTs, and then the server's answer", OPEN ">A200 <RAt250 <RAt250s1460 <RAt250s4380 <A1000 >R", "rst-injected",
   CERTAIN_OBSERVED, 1, "frame 5"},
  {"last ACK lost", OPEN ">FA <FA (>A) +200 ~< >A", "close", CERTAIN_OBSERVED, 0, "server sent FIN 2 times"},
  {"SYN flood", ">S <SA +1000 ~< +2000 ~<", "syn-ack-unanswered", CERTAIN_OBSERVED, 1, "forged"},
  {"SYN not captured", "(>S) <SA >A >A10 <A >FA <FA >A", "close", CERTAIN_OBSERVED, 0, "closed first: client"},
  {"FIN not captured", OPEN ">A10 <A >A10 <A (>FA) +100 <FA >A", "close|open", CERTAIN_AMBIGUOUS, 0, "capture: missed"},
  {"only the client's packets", ">S (<SA) >A >A10 (<A) >A20 (<A) >FA (<FA) >A", "close|closing", CERTAIN_AMBIGUOUS, 0, "one-sided"},
  {"only the server's packets", "(>S) <SA (>A) (>A10) <A (>FA) <FA (>A)", "close|closing", CERTAIN_AMBIGUOUS, 0, "both sides closed, or "},
  {"only the server's packets, no end", "(>S) <SA (>A) (>A10) <A (>R)", "open", CERTAIN_INFERRED, 0, "one-sided"},
  {"only the client's packets, no end", ">S (<SA) >A >A10 (<R)", "open", CERTAIN_INFERRED, 0, "one-sided"},
  {"half-closed by the server, the client closes after ten minutes", OPEN ">A10 <A <FA >A +600000 >FA <R", "fin-wait-2-left",
   CERTAIN_INFERRED, 1, "within a minute"},
};

static void reasons(const struct verdict *v, char *buf, size_t cap) {
  snprintf(buf, cap, "%s%s%s", la__reason_name(v->reason), v->ncandidates > 1 ? "|" : "",
           v->ncandidates > 1 ? la__reason_name(v->candidate[1]) : "");
}

static void test_situations(void **unused) {
  static struct tape_out o;
  char line[EXPLAIN_TEXT], names[100];
  unsigned bad = 0;
  (void)unused;
  for (size_t i = 0; i < 2 * sizeof rows / sizeof rows[0]; i++) {
    const struct row *r = &rows[i / 2];
    struct tape t;
    size_t k = 0;
    tape_init(&t, i & 1 ? TAPE_SLL2 : TAPE_ETHERNET, i & 1 ? 6 : 4, i & 1);
    char script[400];
    snprintf(script, sizeof script, "%s", r->script);
    for (char *at = script; t.family == 4 && (at = strstr(at, "i>")) != NULL; at += 5) /* the rows have ICMPv6's types */
      memcpy(at + 2, at[2] == '2' ? "3.4" : "3.1", 3);
    tape_play(&t, script);
    tape_read(t.data, t.len, &o);
    tape_free(&t);
    while (k < o.n && o.flow[k].id != 1)
      k++;
    assert_true(k < o.n);
    const struct verdict *v = &o.verdict[k];
    reasons(v, names, sizeof names);
    la__explain_text(&o.flow[k], v, line);
    if (strcmp(names, r->reason) == 0 && v->certainty == r->certainty && v->finding == r->finding && strstr(line, r->says))
      continue;
    print_error("%s: %s, %s, %d\n  %s\n", r->name, names, la__certainty_name(v->certainty), v->finding, line);
    bad++;
  }
  assert_int_equal(bad, 0);
}

/* Of the second connection of a pair: what became of a SYN that met the first one's TIME-WAIT. */
static void test_second(void **unused) {
  static const struct {
    const char *script, *reason;
  } second[] = {{OPEN "<FA >FA <A +500 new >S +1000 ~> +2000 ~>", "port-reuse"},
                {OPEN "<FA >FA <A +500 new >S <RA", "refused"},
                {OPEN "<FA >FA <A +500 new >S <Aa-1000000s-1000000 >R +1000 ~> <SA >A >FA <FA >A", "close"},
                {OPEN "<FA >FA <A +90000 new >S +1000 ~> +2000 ~>", "syn-unanswered"}};
  static struct tape_out o;
  (void)unused;
  for (size_t i = 0; i < sizeof second / sizeof second[0]; i++) {
    struct tape t;
    tape_init(&t, TAPE_RAW, 4, false);
    tape_play(&t, second[i].script);
    tape_read(t.data, t.len, &o);
    tape_free(&t);
    assert_int_equal(o.n, 2);
    assert_string_equal(la__reason_name(o.verdict[1].reason), second[i].reason);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_situations), cmocka_unit_test(test_second)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}

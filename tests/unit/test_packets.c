/* SPDX-License-Identifier: MIT */
/* Inbound packets as bytes: numbers, options, sums; and back again. */
#include "drill/tuning.h"

#include "base/bytes.h"
#include "wire/icmp.h"
#include "wire/tcp_wire.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const struct drill_settings settings = {.preset = LA_PRESET_LINUX};
struct fix {
  struct script *s;
  struct run *r;
  struct sock *k;
};
static void start(struct fix *f, enum drill_family family) {
  struct script_error err = {0};
  char only[] = "0 `true`\n";
  f->s = la__script_parse("x.pkt", only, sizeof only - 1, family, NULL, false, &err);
  assert_non_null(f->s);
  f->r = la__drill_run(f->s, &settings);
  f->k = la__sock_new(f->r);
  f->k->live = (struct ends){.local = f->r->tuning->local,
                             .remote = f->r->tuning->remote,
                             .lport = 8080,
                             .rport = 4000,
                             .local_isn = 1000000,
                             .remote_isn = 2000000};
  f->k->script.local_isn = 500;
}
static void stop(struct fix *f) {
  la__drill_free(f->r);
  la__script_free(f->s);
}
/* The packets of a script. */
static struct script *packets(enum drill_family family, struct drill_packet **out, unsigned n, const char *text) {
  struct script_error err = {0};
  struct script *s = la__script_parse("y.pkt", text, strlen(text), family, NULL, false, &err);
  if (!s)
    fail_msg("%d:%d: %s", err.at.line, err.at.column, err.text);
  unsigned i = 0;
  for (struct drill_event *e = s->events; e; e = e->next)
    if (e->kind == DRILL_PACKET && i < n)
      out[i++] = e->packet;
  assert_int_equal(i, n);
  return s;
}

static struct wire *decoded(struct fix *f, const struct drill_packet *p) {
  static uint8_t bytes[DRILL_PACKET_MAX];
  uint32_t n = la__packet_build(f->r, f->k, p, bytes);
  assert_true(n > 0);
  struct wire *w = la__drill_alloc(f->r, sizeof *w + n);
  w->len = n;
  memcpy(w->data, bytes, n);
  assert_true(la__packet_decode(w)); /* all sums are verified */
  return w;
}

static void tcp(void **state) {
  enum drill_family family = *(enum drill_family *)*state;
  struct fix f;
  struct drill_packet *p[2];
  static const char text[] = "0 < S. 10:10(0) ack 505 win 7 <mss 1000,sackOK,nop,nop,nop,wscale 3>\n"
                             "+0 < [ce] FPU.6 1:4(3) ack 2 win 9 urg 2 <nop,nop,sack 3:5 7:8>\n";
  start(&f, family);
  struct script *s = packets(family, p, 2, text);
  struct wire *w = decoded(&f, p[0]);
  assert_int_equal(w->ip.dst.family, family == DRILL_IP6 ? 6 : 4);
  assert_int_equal(w->sport, 4000);
  assert_int_equal(w->dport, 8080);
  assert_int_equal(w->seg.seq, 10);          /* beside a SYN numbers are absolute, */
  assert_int_equal(w->seg.ack, 1000000 + 5); /* those of the stack counted from its own SYN */
  assert_int_equal(w->seg.opt.mss, 1000);
  assert_int_equal(w->seg.opt.wscale, 3);
  w = decoded(&f, p[1]);
  assert_int_equal(w->ip.tos, 3);
  assert_int_equal(w->seg.seq, 2000001);
  assert_int_equal(w->seg.ack, 1000002);
  assert_int_equal(w->seg.len, 3);
  assert_int_equal(w->seg.wnd, 9);
  assert_int_equal(w->seg.urp, 2);
  assert_int_equal(w->seg.flags, LA_FIN | LA_PSH | LA_URG | LA_ACK | LA_CWR);
  assert_int_equal(w->header[12] & 1, 1); /* .6 is AE and CWR */
  assert_int_equal(w->seg.opt.nsack, 2);
  assert_int_equal(w->seg.opt.sack[1].lo, 1000007);
  w->out = false;
  struct drill_packet *back = la__packet_as_script(f.r, f.k, w);
  assert_int_equal(back->seq, 1);
  assert_int_equal(back->ack, 2);
  assert_int_equal(back->opts[2].from[0], 3);
  assert_int_equal(back->ace, 6);
  la__script_free(s);
  stop(&f);
}

static void icmp(void **state) {
  (void)state;
  struct fix f;
  struct drill_packet *p[1];
  static const char text[] = "0 < icmp unreachable frag_needed mtu 1300 [100:200(100)]\n";
  start(&f, DRILL_IP4);
  struct script *s = packets(DRILL_IP4, p, 1, text);
  struct wire *w = decoded(&f, p[0]);
  struct icmp_msg m;
  struct icmp_quote q;
  assert_int_equal(la__icmp4_parse(&m, w->header, w->ip.len, false), LA_DROP_NONE);
  assert_int_equal(m.kind, ICMP_TOO_BIG);
  assert_int_equal(m.mtu, 1300);
  assert_true(la__icmp_quote(&m, 4, &q));
  assert_true(la_addr_same(&q.ip.src, &f.k->live.local));
  assert_int_equal(q.sport, 8080);
  assert_int_equal(q.dport, 4000);
  assert_int_equal(q.seq, 1000100);
  la__script_free(s);
  stop(&f);
}

static void udp(void **state) {
  (void)state;
  struct fix f;
  struct drill_packet *p[1];
  static const char text[] = "0 < udp (12)\n";
  start(&f, DRILL_IP6);
  struct script *s = packets(DRILL_IP6, p, 1, text);
  struct wire *w = decoded(&f, p[0]);
  assert_int_equal(w->proto, DRILL_UDP);
  assert_int_equal(w->payload_len, 12);
  assert_int_equal(w->dport, 8080);
  la__script_free(s);
  stop(&f);
}

static void unknown_echo(void **state) {
  (void)state;
  struct fix f;
  struct drill_packet *p[1];
  static uint8_t bytes[DRILL_PACKET_MAX];
  static const char text[] = "0 < . 1:1(0) ack 1 win 9 <nop,nop,TS val 5 ecr 77>\n";
  start(&f, DRILL_IP4);
  struct script *s = packets(DRILL_IP4, p, 1, text);
  assert_int_equal(la__packet_build(f.r, f.k, p[0], bytes), 0);
  assert_string_equal(f.r->failure, "TS ecr 77: no outbound packet of the script had that TS val");
  f.r->failed = false;
  struct ts_map maps[] = {{77, 4711}};
  f.k->ts = maps;
  f.k->nts = 1;
  assert_int_equal(decoded(&f, p[0])->seg.opt.ts_ecr, 4711);
  la__script_free(s);
  stop(&f);
}

int main(void) {
  static enum drill_family four = DRILL_IP4, six = DRILL_IP6;
  const struct CMUnitTest tests[] = {cmocka_unit_test_prestate(tcp, &four), cmocka_unit_test_prestate(tcp, &six), cmocka_unit_test(icmp),
                                     cmocka_unit_test(udp), cmocka_unit_test(unknown_echo)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}

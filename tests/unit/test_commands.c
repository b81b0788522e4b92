/* SPDX-License-Identifier: MIT */
/* The shell's language as far as it is read, and sysctls as settings. */
#include "drill/tuning.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const struct drill_settings settings = {.preset = DRILL_PRESET_LINUX};

/* A run of a script that is only this command. */
static struct run *run_of(const char *command, struct script **s) {
  char text[1024];
  struct script_error err;
  snprintf(text, sizeof text, "0 `%s`\n", command);
  *s = la__script_parse("tests/unit/none.pkt", text, strlen(text), DRILL_IP4, NULL, false, &err);
  if (!*s)
    fail_msg("%s: %s", command, err.text);
  struct run *r = la__drill_run(*s, &settings);
  assert_non_null(r);
  assert_false(r->failed);
  return r;
}
static void done(struct run *r, struct script *s) {
  la__drill_free(r);
  la__script_free(s);
}

static void rcvbuf_is(const char *command, uint32_t want) {
  struct script *s;
  struct run *r = run_of(command, &s);
  if (r->tuning->cfg.rcvbuf != want)
    fail_msg("%s: %u, not %u", command, r->tuning->cfg.rcvbuf, want);
  if (r->nnotes)
    fail_msg("%s: %s", command, r->notes[0]);
  done(r, s);
}
static void words(void **state) {
  (void)state;
  rcvbuf_is("sysctl -q net.ipv4.tcp_rmem='1 50001 3'", 50001);
  rcvbuf_is("sysctl -q net/ipv4/tcp_rmem=\"1 $((2*(25000 + 1))) 3\" > /dev/null 2>&1", 50002);
  rcvbuf_is("sysctl -w net.ipv4.tcp_sack=1 \\\n net.ipv4.tcp_rmem=\"1 50003 3\" # that was it", 50003);
  rcvbuf_is("true; : && sysctl -e net.ipv4.tcp_rmem=\"1 50004 3\" || false", 50004);
  rcvbuf_is("../x/set_sysctls.py /proc/sys/net/ipv4/tcp_rmem=\"1 50005 3\" /proc/sys/net/ipv4/tcp_sack=0", 50005);
  rcvbuf_is("echo '1 50006 3' >/proc/sys/net/ipv4/tcp_rmem", 50006);
  rcvbuf_is("# sysctl net.ipv4.tcp_rmem='1 7 3'\nsysctl net.ipv4.tcp_rmem=\"1 $((100028 / 2 - 7)) 3\"", 50007);
}

static void notes(void **state) {
  (void)state;
  struct script *s;
  struct run *r = run_of("ip link; tc qdisc | ip addr; sysctl net.ipv4.tcp_fack=0 net.ipv4.tcp_fack=1 net.ipv4.tcp_sack=x; ./none.sh; "
                         "nstat | grep TcpExtNone; ss -t",
                         &s);
  static const char *const want[] = {"command ip is not executed",
                                     "command tc is not executed",
                                     "sysctl net.ipv4.tcp_fack has no counterpart",
                                     "sysctl net.ipv4.tcp_sack=x is not understood",
                                     "cannot read ./none.sh",
                                     "counter TcpExtNone is not kept",
                                     "command ss is not executed"};
  assert_int_equal(r->nnotes, sizeof want / sizeof *want);
  for (unsigned i = 0; i < r->nnotes; i++)
    assert_string_equal(r->notes[i], want[i]);
  done(r, s);
}

static void settings_of_sysctls(void **state) {
  (void)state;
  struct script *s;
  struct run *r = run_of("sysctl -q net.ipv4.tcp_timestamps=0 net.ipv4.tcp_window_scaling=0 net.ipv4.tcp_syn_retries=1 "
                         "net.ipv4.tcp_retries2=3 net.ipv4.tcp_fin_timeout=7 net.ipv4.tcp_rto_min_us=5000 "
                         "net.ipv4.tcp_congestion_control=reno net.core.somaxconn=9 net.ipv4.tcp_keepalive_intvl=11 "
                         "net.ipv4.tcp_early_retrans=0 net.ipv4.tcp_frto=2 net.ipv4.tcp_reordering=7 net.ipv4.tcp_ecn=1",
                         &s);
  const struct tuning *t = r->tuning;
  assert_int_equal(r->nnotes, 0);
  assert_int_equal(t->cfg.timestamps, 0);
  assert_int_equal(t->cfg.window_scale, 0);
  assert_int_equal(t->cfg.syn_limit, 3 * LA_SEC); /* 1 + 2 s */
  assert_int_equal(t->cfg.r2, 3000 * LA_MS);      /* 0.2 + 0.4 + 0.8 + 1.6 s */
  assert_int_equal(t->cfg.fin_wait_2, 7 * LA_SEC);
  assert_int_equal(t->cfg.rto_min, 5 * LA_MS);
  assert_int_equal(t->cfg.cc, LA_CC_NEWRENO);
  assert_int_equal(t->posix.somaxconn, 9);
  assert_int_equal(t->keepalive[1], 11);
  assert_int_equal(t->cfg.tlp, 0);
  assert_int_equal(t->cfg.frto, 1);
  assert_int_equal(t->cfg.dupthresh, 7);
  assert_int_equal(t->cfg.ecn, 1);
  done(r, s);
}

/* The way back from tcp_retries2 15 is what the preset has. */
static void linux_r2(void **state) {
  (void)state;
  struct script *s;
  struct run *r = run_of("sysctl net.ipv4.tcp_retries2=15 net.ipv4.tcp_syn_retries=6", &s);
  la_config c;
  la_config_init(&c, LA_PRESET_LINUX);
  assert_int_equal(r->tuning->cfg.r2, c.r2);
  assert_int_equal(r->tuning->cfg.syn_limit, c.syn_limit);
  done(r, s);
}

static void settings_of_freebsd(void **state) {
  (void)state;
  struct script *s;
  struct run *r = run_of("kldload -n cc_newreno; sysctl -w net.inet.tcp.rfc1323=2 net.inet.tcp.sack.enable=0 net.inet.tcp.delacktime=100 "
                         "net.inet.tcp.msl=1000 net.inet.tcp.keepinit=5000 net.inet.tcp.keepidle=1500 net.inet.tcp.keepcnt=3 "
                         "net.inet.tcp.finwait2_timeout=7000 net.inet.tcp.rexmit_min=100 net.inet.tcp.recvspace=32768 "
                         "net.inet.tcp.sendspace=1 kern.ipc.maxsockbuf=1048576 net.inet.tcp.cc.algorithm=newreno net.inet.tcp.ecn.enable=1 "
                         "net.inet.tcp.syncookies=0 net.inet.tcp.tolerate_missing_ts=1 net.inet.tcp.blackhole=0 "
                         "net.inet.tcp.hostcache.purgenow=1 kern.ipc.soacceptqueue=9 net.inet.tcp.always_keepalive=1",
                         &s);
  const struct tuning *t = r->tuning;
  assert_int_equal(r->nnotes, 0);
  assert_int_equal(t->cfg.timestamps, 0);
  assert_int_equal(t->cfg.window_scale, 1);
  assert_int_equal(t->cfg.sack, 0);
  assert_int_equal(t->cfg.delayed_ack, 100 * LA_MS);
  assert_int_equal(t->cfg.msl, LA_SEC);
  assert_int_equal(t->cfg.syn_limit, 5 * LA_SEC);
  assert_int_equal(t->keepalive[0], 2);
  assert_int_equal(t->keepalive[1], 0);
  assert_int_equal(t->keepalive[2], 3);
  assert_int_equal(t->cfg.fin_wait_2, 7 * LA_SEC);
  assert_int_equal(t->cfg.rto_min, 300 * LA_MS);
  assert_int_equal(t->cfg.rcvbuf, 32768);
  assert_int_equal(t->cfg.sndbuf, 2048);
  assert_int_equal(t->cfg.rcvbuf_max, 1 << 20);
  assert_int_equal(t->cfg.cc, LA_CC_NEWRENO);
  assert_int_equal(t->cfg.ecn, 1);
  assert_int_equal(t->cfg.syn_cookies, 0);
  assert_int_equal(t->cfg.bare_segments, 1);
  assert_int_equal(t->posix.somaxconn, 9);
  assert_true(t->keepalive_on);
  done(r, s);
  r = run_of("sysctl net.inet.tcp.blackhole=2 net.inet.tcp.insecure_rst=1 net.inet.tcp.delayed_ack=0", &s);
  assert_int_equal(r->nnotes, 2);
  assert_string_equal(r->notes[0], "sysctl net.inet.tcp.blackhole has no counterpart");
  assert_int_equal(r->tuning->cfg.delayed_ack, 0);
  done(r, s);
}

/* Whose defaults a script presumes. */
static void habits(void **state) {
  (void)state;
  struct script *s;
  la_config c;
  struct run *r = run_of("sysctl net.inet.tcp.msl=1000", &s);
  assert_int_equal(r->tuning->cfg.rcvbuf, 65536); /* the command line asked for Linux's clocks, but the buffers are the script's */
  assert_int_equal(r->tuning->cfg.empty_probes, 1);
  la__drill_free(r);
  r = la__drill_run(s, &(struct drill_settings){.preset = DRILL_PRESET_OWN});
  assert_int_equal(r->tuning->cfg.empty_probes, 0);
  assert_int_equal(r->tuning->cfg.delayed_ack, 40 * LA_MS);
  done(r, s);
  la_config_init(&c, LA_PRESET_LINUX);
  r = run_of("sysctl net.ipv4.tcp_sack=1", &s);
  assert_int_equal(r->tuning->cfg.rcvbuf, c.rcvbuf);
  done(r, s);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(words),
                                     cmocka_unit_test(notes),
                                     cmocka_unit_test(settings_of_sysctls),
                                     cmocka_unit_test(linux_r2),
                                     cmocka_unit_test(settings_of_freebsd),
                                     cmocka_unit_test(habits)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}

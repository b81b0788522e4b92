/* SPDX-License-Identifier: MIT */
/* The shell's language as far as it is read, and sysctls as settings. */
#include "drill/tuning.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const struct drill_settings settings = {.preset = LA_PRESET_LINUX};

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
  struct run *r = run_of(
    "ip link; tc qdisc | ip addr; sysctl net.ipv4.tcp_fack=0 net.ipv4.tcp_fack=1 net.ipv4.tcp_sack=x; ./none.sh; nstat >/dev/null", &s);
  static const char *const want[] = {"command ip is not executed",
                                     "command tc is not executed",
                                     "sysctl net.ipv4.tcp_fack has no counterpart",
                                     "sysctl net.ipv4.tcp_sack=x is not understood",
                                     "cannot read ./none.sh",
                                     "command nstat is not executed"};
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

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(words), cmocka_unit_test(notes), cmocka_unit_test(settings_of_sysctls),
                                     cmocka_unit_test(linux_r2)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}

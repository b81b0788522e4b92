/* SPDX-License-Identifier: MIT */
/*
 * Fuzzing of what reads scripts, with libFuzzer (`./dev fuzz SECONDS drill`) or main.c: an input is a script. What is read is written
 * again, value by value, and must be read as the same; the code between %{ and }% runs with a host that knows every name of TCP.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "drill/expr.h"
#include "drill/script.h"
#include "fuzz/kit.h"

static void must(bool holds, const char *what, const char *text) {
  if (!holds) {
    fprintf(stderr, "%s: %s\n", what, text);
    abort();
  }
}

static bool lookup(void *ctx, const char *name, int64_t *value) {
  (void)ctx;
  *value = (int64_t)strlen(name) - 9;
  return !strncmp(name, "tcpi_", 5) || !strncmp(name, "TCP", 3);
}

/* A text that was cut off for want of room cannot be read again. */
static void again(const struct value *v) {
  char text[4096], script[4200], second[4096];
  struct script_error err;
  la__value_text(v, text, sizeof text);
  if (strlen(text) == sizeof text - 1)
    return;
  snprintf(script, sizeof script, "0 f(%s) = 0", text);
  struct script *s = la__script_parse("again", script, strlen(script), DRILL_IP4, NULL, false, &err);
  must(s, err.text, text);
  must(s->events->call->n == 1, "several values", text);
  must(!strcmp(la__value_text(s->events->call->args[0], second, sizeof second), text), second, text);
  la__script_free(s);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  struct script_error err;
  struct script *s = la__script_parse("fuzz", (const char *)data, size, (enum drill_family)(size % 3), NULL, size & 1, &err);
  if (!s) {
    must(err.text[0] && err.at.line > 0 && err.at.column > 0, "no reason", err.text);
    return 0;
  }
  struct expr_vars *vars = la__expr_vars_new();
  const struct expr_host host = {lookup, NULL, NULL};
  for (const struct drill_event *e = s->events; e; e = e->next) {
    struct expr_failure f;
    if (e->kind == DRILL_CODE)
      must(la__expr_run(e->text, e->text_at, vars, &host, &f) == EXPR_HOLDS || f.text[0], "no reason", e->text);
    for (unsigned i = 0; e->call && i < e->call->n; i++)
      again(e->call->args[i]);
  }
  la__expr_vars_free(vars);
  la__script_free(s);
  return 0;
}

/* What it begins with: every kind of line. ./dev fuzz begins with tests/drill as well. */
static const char *const scripts[] = {
  "// a line\n--tolerance_usecs=10000 --ip_version=ipv4\n0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3\n"
  "+0 setsockopt(3, SOL_SOCKET, SO_REUSEADDR, [1], 4) = 0\n+0 bind(3, ..., ...) = 0\n+0 listen(3, 1) = 0\n"
  "+0 < S 0:0(0) win 32792 <mss 1000,sackOK,nop,nop,nop,wscale 7>\n+0 > S. 0:0(0) ack 1 <...>\n+.1 < . 1:1(0) ack 1 win 257\n"
  "+0 accept(3, ..., ...) = 4\n+0 read(4, ..., 0) = -1 EAGAIN (Resource temporarily unavailable)\n",
  "`sysctl -q net.ipv4.tcp_timestamps=0`\n0.000 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3\n0.0...0.2 connect(3, ..., ...) = 0\n"
  "*  > SEWU. 5:1005(1000) ack 7 win 5840 <mss 1460,sack 1:3 9:11,nop,nop,TS val 100 ecr 0,nop,eol>\n"
  "+0 %{ assert tcpi_unacked == 3, tcpi_unacked\nassert TCP_INFO >= -(1 + 2) * 7 and not tcpi_x }%\n",
  "0 poll([{fd=4, events=POLLIN|POLLOUT, revents=0x4}], 1, 50) = 1\n+.5 < icmp unreachable frag_needed mtu 1200 [1:1001(1000)]\n"
  "+0 sendmsg(4, {msg_name(...)=..., msg_iov(1)=[{..., 1000}], msg_flags=0}, MSG_DONTWAIT) = 1000\n+0 > [ect0] udp (20)\n"
  "+0 fcntl(4, F_SETFL, O_RDWR|O_NONBLOCK) = 0\n+0 < P. 1:5(4) ack 1 win 9 urg 3\n+0 close(4) = 0\n"};
enum { SCRIPTS = sizeof scripts / sizeof scripts[0] };

static size_t seed(unsigned i, uint8_t *out) {
  if (i >= SCRIPTS)
    return 0;
  memcpy(out, scripts[i], strlen(scripts[i]));
  return strlen(scripts[i]);
}

const struct fuzz_kit fuzz_kit = {.most = 4096, .runs = 10000, .seed = seed};

/* SPDX-License-Identifier: MIT */
/*
 * Scripts that were written for FreeBSD: what sockets begin with there, and its sysctls.
 *
 * Such a script is known by its commands and by the calls that only FreeBSD has. It presumes FreeBSD's defaults as others presume
 * Linux's, and both are as good as RFC 9293 goes: they change what is offered, how large buffers are and how long clocks run.
 */
#include "drill/tuning.h"

#include <stdlib.h>
#include <string.h>

bool la__freebsd_script(const struct script *s) {
  static const char *const signs[] = {"kldload", "net.inet.", "net.inet6.", "kern.", "TCP_FUNCTION_BLK", "sin_len", "sin6_len", "sa_len"};
  for (const struct drill_event *e = s->events; e; e = e->next) {
    const char *text = e->kind == DRILL_COMMAND ? e->text : e->kind == DRILL_CALL ? e->call->source : "";
    for (size_t i = 0; i < sizeof signs / sizeof *signs; i++)
      if (strstr(text, signs[i]))
        return true;
  }
  for (size_t i = 0; s->init && i < sizeof signs / sizeof *signs; i++)
    if (strstr(s->init, signs[i]))
      return true;
  return false;
}

void la__freebsd_buffers(struct tuning *t) {
  t->cfg.rcvbuf = 65536;
  t->cfg.sndbuf = 32768;
  t->cfg.rcvbuf_max = t->cfg.sndbuf_max = 2u << 20; /* kern.ipc.maxsockbuf: the window scale follows from it */
  t->cfg.rcv_start = 0;
  t->posix.rcvbuf_max = t->posix.sndbuf_max = 2u << 20;
}

void la__freebsd_clocks(struct tuning *t) {
  t->cfg.rto_min = 230 * LA_MS; /* net.inet.tcp.rexmit_min and rexmit_slop */
  t->cfg.rto_var_min = 200 * LA_MS;
  t->cfg.rto_max = 64 * LA_SEC;
  t->cfg.delayed_ack = 40 * LA_MS;
  t->cfg.syn_limit = 75 * LA_SEC; /* net.inet.tcp.keepinit */
  t->cfg.synack_retries = 3;
  t->cfg.minshall = 1; /* what one write leaves over goes with it */
  t->cfg.challenge_gap = 0;
}

static const struct {
  const char *name, *value; /* NULL: any */
} done_so[] = {
  /* what the stack does in just this way, or what cannot make a difference here */
  {"net.inet.tcp.mssdflt", "536"},
  {"net.inet.tcp.v6mssdflt", "1220"},
  {"net.inet.tcp.drop_synfin", "1"},
  {"net.inet.tcp.blackhole", "0"},
  {"net.inet.udp.blackhole", "0"},
  {"net.inet.tcp.path_mtu_discovery", "1"},
  {"net.inet.tcp.initcwnd_segments", "10"},
  {"net.inet.tcp.insecure_rst", "0"},
  {"net.inet.tcp.insecure_syn", "0"},
  {"net.inet.tcp.insecure_ack", "0"},
  {"net.inet.tcp.ts_offset_per_conn", "1"},
  {"net.inet.tcp.fast_finwait2_recycle", "1"},
  {"net.inet.tcp.rfc3042", "1"},
  {"net.inet.tcp.rfc3390", "1"},
  {"net.inet.tcp.rfc3465", "0"},
  {"net.inet.tcp.recvbuf_auto", "1"},
  {"net.inet.tcp.sendbuf_auto", "1"},
  {"net.inet.tcp.fastopen.server_enable", "0"},
  {"net.inet.tcp.fastopen.client_enable", "0"},
  {"net.inet.tcp.functions_default", "freebsd"},
  {"net.inet.tcp.nolocaltimewait", NULL},  /* no peer is on this host, */
  {"net.inet.tcp.hostcache.enable", NULL}, /* and nothing is kept from one connection to another */
  {"net.inet.tcp.hostcache.purgenow", NULL},
  {"net.inet.tcp.hostcache.purge", NULL},
  {"net.inet.tcp.tso", NULL},
  {"kern.timecounter.alloweddeviation", NULL},
};

static uint64_t seconds_up(uint64_t ms) { return (ms + 999) / 1000; }

/* Sysctls that are more than one field, or none of the configuration's. */
static bool irregular(struct run *r, const char *name, uint64_t v) {
  static const char *const keep[3] = {"net.inet.tcp.keepidle", "net.inet.tcp.keepintvl", "net.inet.tcp.keepcnt"};
  struct tuning *t = r->tuning;
  for (unsigned i = 0; i < 3; i++)
    if (strcmp(name, keep[i]) == 0) {
      t->keepalive[i] = (int)(i < 2 ? seconds_up(v) : v);
      return true;
    }
  if (strcmp(name, "net.inet.tcp.always_keepalive") == 0) {
    t->keepalive_on = v != 0;
  } else if (strcmp(name, "net.inet.tcp.rfc1323") == 0) { /* 2: window scaling alone, 3: timestamps alone */
    la__sysctl_set(r, "net.ipv4.tcp_timestamps", v == 1 || v == 3 ? "1" : "0");
    la__sysctl_set(r, "net.ipv4.tcp_window_scaling", v == 1 || v == 2 ? "1" : "0");
  } else if (strcmp(name, "net.inet.tcp.delayed_ack") == 0) {
    la_time d = v ? 40 * LA_MS : 0;
    t->cfg.delayed_ack = v && t->cfg.delayed_ack ? t->cfg.delayed_ack : d;
    if (r->stack)
      r->stack->tcp.cfg.delayed_ack = t->cfg.delayed_ack;
  } else {
    return false;
  }
  return true;
}

bool la__freebsd_sysctl(struct run *r, const char *name, const char *value) {
  char *end;
  uint64_t v = strtoull(value, &end, 0);
  if (end != value && irregular(r, name, v))
    return true;
  for (size_t i = 0; i < sizeof done_so / sizeof *done_so; i++)
    if (strcmp(name, done_so[i].name) == 0 && (!done_so[i].value || strcmp(value, done_so[i].value) == 0))
      return true;
  return false;
}

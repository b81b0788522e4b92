/* SPDX-License-Identifier: MIT */
#include "cli/rig.h"

#include <jansson.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "draw/ending.h"

enum { TRACE_RECS = 8192 };

int la__rig_new(struct rig *r, const char *cmd, const struct rig_opts *opts) {
  uint32_t mtu = opts->mtu ? opts->mtu : RIG_MTU;
  la_config cfg;
  *r = (struct rig){0};
  if (!la_host_config(&cfg, opts->preset))
    return la__fail(cmd, "the system has no randomness to give");
  cfg.arp_probes = opts->no_probe ? 0 : 3; /* unlike Linux: the address may be a slip of the keyboard */
  cfg.arp_announcements = 2;
  cfg.dad_transmits = !opts->no_probe;
  if (opts->msl)
    cfg.msl = opts->msl;
  if (opts->traced) {
    cfg.trace = r->trace = calloc(TRACE_RECS, sizeof *r->trace);
    cfg.trace_cap = TRACE_RECS;
    if (!r->trace)
      return la__fail(cmd, "out of memory");
  }
  r->stack = la_stack_new(&cfg);
  if (r->stack)
    r->link = opts->mac ? la_link_add_ether(r->stack, mtu, opts->mac) : la_link_add(r->stack, mtu);
  if (!r->link) {
    la__rig_free(r);
    return mtu < 576 || mtu > 65535 ? la__fail(cmd, "an MTU of %u is none for IP: 576 to 65535", mtu) : la__fail(cmd, "out of memory");
  }
  return EXIT_OK;
}

int la__rig_addr(struct rig *r, const char *cmd, const struct net_addr *addr) {
  char text[LA_ADDR_TEXT];
  int err = la_addr_add(r->stack, r->link, &addr->addr, addr->prefix_len);
  if (err == LA_OK)
    return EXIT_OK;
  return la__fail(cmd, "%s/%u: not an address that we can have: %s", la_addr_text(&addr->addr, text), addr->prefix_len, la_err_name(err));
}

void la__rig_free(struct rig *r) {
  la_stack_free(r->stack);
  free(r->trace);
  *r = (struct rig){0};
}

int la__signals(const int *signals, size_t n) {
  sigset_t set;
  sigemptyset(&set);
  for (size_t i = 0; i < n; i++)
    sigaddset(&set, signals[i]);
  if (sigprocmask(SIG_BLOCK, &set, NULL))
    return -1;
  return signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}

int la__signal_take(int fd) {
  struct signalfd_siginfo info;
  return read(fd, &info, sizeof info) == (ssize_t)sizeof info ? (int)info.ssi_signo : 0;
}

static json_t *json_end_point(const la_addr *addr, unsigned port) {
  char text[LA_ADDR_TEXT];
  return json_pack("{s:s, s:i}", "addr", la_addr_text(addr, text), "port", (int)port);
}

static void print_json(FILE *out, const la_end *e) {
  static const char *const carriers[] = {"nobody", "local", "peer", "both"};
  const uint32_t *ms = e->in_state_ms;
  json_t *o = json_pack("{s:o, s:o, s:b, s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:I, s:I, s:I, s:I, s:f, s:[I,I,I,I]}", "local",
                        json_end_point(&e->local, e->local_port), "remote", json_end_point(&e->remote, e->remote_port), "passive",
                        e->passive, "how", la_how_name(e->how), "who", la_who_name(e->who), "why", la_why_name(e->why), "first_fin",
                        la_who_name(e->first_fin), "state", la_state_name(e->state), "error", la_err_name(e->err), "time_wait",
                        (unsigned)e->time_wait <= LA_TW_BOTH ? carriers[e->time_wait] : "?", "bytes_in", (json_int_t)e->bytes_in,
                        "bytes_out", (json_int_t)e->bytes_out, "retransmissions", (json_int_t)e->retransmits, "fin_retransmissions",
                        (json_int_t)e->fin_retransmits, "duration_ms", (double)(e->ended - e->opened) / 1e6, "in_state_ms",
                        (json_int_t)ms[0], (json_int_t)ms[1], (json_int_t)ms[2], (json_int_t)ms[3]);
  char *text = o ? json_dumps(o, JSON_COMPACT) : NULL;
  if (text)
    fprintf(out, "%s\n", text);
  free(text);
  json_decref(o);
}

void la__print_end(FILE *out, const la_end *end, bool json) {
  char text[ENDING_TEXT];
  if (json)
    print_json(out, end);
  else
    fprintf(out, "%s\n", la__ending_text(end, text));
  fflush(out);
}

/* SPDX-License-Identifier: MIT */
/* From options to a stack with one link and one address. Defaults are packetdrill's, except that the local address is not random. */
#include "drill/tuning.h"

#include <lastack/link.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { TRACE_CAP = 1024, TOLERANCE_US = 4000, TOLERANCE_PERMILLE = 125, PORT = 8080, MTU = 1500 };

/* ---- options ---- */

struct option_of {
  const char *name;
  bool (*set)(struct tuning *t, const char *value);
  bool no_value;
};

static bool number(const char *v, unsigned long lo, unsigned long hi, unsigned long *out) {
  char *end;
  *out = strtoul(v, &end, 10);
  return *v >= '0' && *v <= '9' && !*end && *out >= lo && *out <= hi;
}
static bool port(const char *v, uint16_t *out) {
  unsigned long n;
  if (!number(v, 1, 65535, &n))
    return false;
  *out = (uint16_t)n;
  return true;
}
/* An address, with or without a prefix length behind it. */
static bool address(const char *v, la_addr *out) {
  char text[LA_ADDR_TEXT];
  snprintf(text, sizeof text, "%.*s", (int)strcspn(v, "/"), v);
  return la_addr_parse(text, out);
}

static bool set_tolerance(struct tuning *t, const char *v) {
  unsigned long n;
  bool ok = number(v, 1, 1000000000, &n);
  t->tolerance = n * LA_US;
  return ok;
}
static bool set_percent(struct tuning *t, const char *v) {
  char *end;
  double d = strtod(v, &end);
  t->tolerance_permille = (unsigned)(d * 10);
  return end != v && !*end && d >= 0 && d <= 100;
}
static bool set_tick(struct tuning *t, const char *v) {
  unsigned long n;
  bool ok = number(v, 0, 1000000, &n);
  t->ts_tick_usecs = (unsigned)n;
  return ok;
}
static bool set_mtu(struct tuning *t, const char *v) {
  unsigned long n;
  bool ok = number(v, 576, 65535, &n);
  t->mtu = (uint32_t)n;
  return ok;
}
static bool set_local(struct tuning *t, const char *v) { return address(v, &t->local); }
static bool set_remote(struct tuning *t, const char *v) { return address(v, &t->remote); }
static bool set_bind_port(struct tuning *t, const char *v) { return port(v, &t->bind_port); }
static bool set_connect_port(struct tuning *t, const char *v) { return port(v, &t->connect_port); }
static bool set_netmask(struct tuning *t, const char *v) {
  la_addr a;
  if (!address(v, &a) || a.family != 4)
    return false;
  t->prefix_len = 0;
  while (t->prefix_len < 32 && a.b[t->prefix_len / 8] & 0x80 >> t->prefix_len % 8)
    t->prefix_len++;
  return true;
}
static bool set_scaled(struct tuning *t, const char *v) {
  (void)v;
  t->ts_ecr_scaled = true;
  return true;
}
static bool set_strict(struct tuning *t, const char *v) {
  (void)v;
  t->strict_segments = true;
  return true;
}
static bool set_exact(struct tuning *t, const char *v) {
  (void)v;
  t->strict = true;
  return true;
}
enum drill_preset la__drill_preset(const char *name) {
  static const char *const names[] = {"", "linux", "rfc", "freebsd"};
  for (unsigned i = DRILL_PRESET_LINUX; i <= DRILL_PRESET_FREEBSD; i++)
    if (strcmp(name, names[i]) == 0)
      return (enum drill_preset)i;
  return DRILL_PRESET_OWN;
}
static bool set_preset(struct tuning *t, const char *v) {
  (void)t;
  return la__drill_preset(v) != DRILL_PRESET_OWN;
}
static bool set_nothing(struct tuning *t, const char *v) {
  (void)t;
  (void)v;
  return true;
}

static const struct option_of options[] = {
  {"tolerance_usecs", set_tolerance, false},
  {"tolerance_percent", set_percent, false},
  {"tcp_ts_tick_usecs", set_tick, false},
  {"tcp_ts_ecr_scaled", set_scaled, true},
  {"strict_segments", set_strict, true},
  {"strict", set_exact, true}, /* ours */
  {"mtu", set_mtu, false},
  {"local_ip", set_local, false},
  {"remote_ip", set_remote, false},
  {"netmask_ip", set_netmask, false},
  {"bind_port", set_bind_port, false},
  {"connect_port", set_connect_port, false},
  {"preset", set_preset, false},      /* ours; taken before the rest */
  {"ip_version", set_nothing, false}, /* the parser's */
  {"define", set_nothing, false},
  /* without meaning here: */
  {"gateway_ip", set_nothing, false},
  {"speed", set_nothing, false},
  {"mss", set_nothing, false}, /* how a device would cut what is received */
  {"is_anyip", set_nothing, true},
  {"send_omit_free", set_nothing, true},
  {"code_command", set_nothing, false},
  {"code_format", set_nothing, false},
  {"code_sockopt", set_nothing, false},
  {"verbose", set_nothing, true},
  {"debug", set_nothing, true},
};

static bool take(struct run *r, const struct drill_option *o) {
  for (; o; o = o->next) {
    size_t i = 0, n = sizeof options / sizeof *options;
    while (i < n && strcmp(options[i].name, o->name) != 0)
      i++;
    if (i == n)
      return la__drill_fail(r, o->at, "--%s is not supported", o->name);
    if (options[i].no_value && o->value)
      return la__drill_fail(r, o->at, "--%s takes no value", o->name);
    if (!options[i].no_value && !o->value)
      return la__drill_fail(r, o->at, "--%s needs a value", o->name);
    if (!options[i].set(r->tuning, o->value))
      return la__drill_fail(r, o->at, "--%s=%s: not a value that it takes", o->name, o->value);
  }
  return true;
}

static void configure(struct run *r, struct tuning *t) {
  enum drill_preset preset = r->settings->preset;
  bool freebsd = la__freebsd_script(r->script);
  for (const struct drill_option *o = r->script->options; o; o = o->next)
    if (strcmp(o->name, "preset") == 0 && o->value)
      preset = la__drill_preset(o->value);
  if (preset == DRILL_PRESET_OWN)
    preset = freebsd ? DRILL_PRESET_FREEBSD : DRILL_PRESET_LINUX;
  la_config_init(&t->cfg, preset == DRILL_PRESET_LINUX ? LA_PRESET_LINUX : LA_PRESET_RFC);
  t->freebsd = freebsd || preset == DRILL_PRESET_FREEBSD;
  if (t->freebsd)
    la__freebsd_buffers(t);
  if (preset == DRILL_PRESET_FREEBSD)
    la__freebsd_clocks(t);
  t->cfg.alloc = la_host_alloc();
  t->cfg.sums = la_host_sums();
  for (unsigned i = 0; i < sizeof t->cfg.secret; i++)
    t->cfg.secret[i] = (uint8_t)(i * 7 + 1); /* every run is the same run */
  r->trace = la__drill_alloc(r, TRACE_CAP * sizeof *r->trace);
  t->cfg.trace = r->trace;
  t->cfg.trace_cap = TRACE_CAP;
  t->cfg.max_conns = t->cfg.max_half_open = t->cfg.max_time_wait = 4096;
}

bool la__tuning_new(struct run *r) {
  struct tuning *t = r->tuning = la__drill_alloc(r, sizeof *t);
  configure(r, t);
  t->posix.size = sizeof t->posix;
  t->tolerance = TOLERANCE_US * LA_US;
  t->tolerance_permille = TOLERANCE_PERMILLE;
  t->mtu = MTU;
  t->bind_port = t->connect_port = PORT;
  t->family = r->script->family;
  bool six = t->family == DRILL_IP6;
  la_addr_parse(six ? "fd3d:fa7b:d17d::1" : "192.168.0.1", &t->local);
  la_addr_parse(six ? "2001:db8::1" : "192.0.2.1", &t->remote);
  t->prefix_len = six ? 48 : 16;
  if (!take(r, r->script->options) || !take(r, r->settings->options))
    return false;
  unsigned family = six ? 6 : 4;
  if (t->local.family != family || t->remote.family != family)
    return la__drill_fail(r, (struct place){1, 1}, "--local_ip or --remote_ip is of another family than --ip_version");
  return true;
}

la_sockaddr la__tuning_sockaddr(const struct tuning *t, const la_addr *a, uint16_t p) {
  la_sockaddr sa = {.family = t->family == DRILL_IP4 ? LA_AF_INET : LA_AF_INET6, .port = p, .addr = *a};
  if (t->family == DRILL_MAPPED && a->family == 4) {
    sa.addr = (la_addr){.family = 6, .b = {[10] = 0xff, 0xff, a->b[0], a->b[1], a->b[2], a->b[3]}};
  }
  return sa;
}

bool la__setup_stack(struct run *r) {
  struct tuning *t = r->tuning;
  struct place at = r->event->at;
  r->stack = la_stack_new(&t->cfg);
  if (!r->stack)
    return la__drill_fail(r, at, "no stack can be made with these settings");
  r->link = la_link_add(r->stack, t->mtu);
  la_addr any = {.family = t->local.family};
  if (!r->link || la_addr_add(r->stack, r->link, &t->local, t->prefix_len) != LA_OK || la_route_add(r->stack, &any, 0, r->link) != LA_OK)
    return la__drill_fail(r, at, "the address or the MTU is not one that a stack takes");
  la_tick(r->stack, r->now);
  r->posix = la_posix_new(r->stack, &t->posix);
  if (!r->posix)
    return la__drill_fail(r, at, "no socket layer can be made with these settings");
  return la__clock_settle(r);
}

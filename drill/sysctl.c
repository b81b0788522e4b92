/* SPDX-License-Identifier: MIT */
/* Linux's and FreeBSD's sysctls as fields of the stack, where it has the same thing. */
#include "drill/tuning.h"

#include <stdlib.h>
#include <string.h>

enum unit { FLAG, COUNT, SECONDS, MILLISECONDS, SLOPPY_MS, MICROSECONDS, SYN_RETRIES, RETRIES, MIDDLE, LAST, CONGESTION, PROBES };

/* `late`: read when it is needed, so that it may change when the stack is there. */
static const struct {
  const char *name;
  enum unit unit;
  size_t offset, size; /* in la_config */
  bool late;
} fields[] = {
#define FIELD(f) offsetof(la_config, f), sizeof((la_config *)0)->f
  {"net.ipv4.tcp_timestamps", FLAG, FIELD(timestamps), true},
  {"net.ipv4.tcp_sack", FLAG, FIELD(sack), true},
  {"net.ipv4.tcp_ecn", COUNT, FIELD(ecn), true},
  {"net.ipv4.tcp_syncookies", FLAG, FIELD(syn_cookies), true},
  {"net.ipv4.tcp_window_scaling", FLAG, FIELD(window_scale), true},
  {"net.ipv4.tcp_synack_retries", COUNT, FIELD(synack_retries), true},
  {"net.ipv4.tcp_syn_retries", SYN_RETRIES, FIELD(syn_limit), true},
  {"net.ipv4.tcp_retries2", RETRIES, FIELD(r2), true},
  {"net.ipv4.tcp_fin_timeout", SECONDS, FIELD(fin_wait_2), true},
  {"net.ipv4.tcp_rto_min_us", MICROSECONDS, FIELD(rto_min), true},
  {"net.ipv4.tcp_rto_min_us", MICROSECONDS, FIELD(rto_var_min), true},
  {"net.ipv4.tcp_rmem", MIDDLE, FIELD(rcvbuf), true},
  {"net.ipv4.tcp_rmem", LAST, FIELD(rcvbuf_max), true},
  {"net.ipv4.tcp_wmem", MIDDLE, FIELD(sndbuf), true},
  {"net.ipv4.tcp_wmem", LAST, FIELD(sndbuf_max), true},
  {"net.ipv4.tcp_dsack", FLAG, FIELD(dsack), true},
  {"net.ipv4.tcp_frto", FLAG, FIELD(frto), true},
  {"net.ipv4.tcp_reordering", COUNT, FIELD(dupthresh), true},
  {"net.ipv4.tcp_early_retrans", PROBES, FIELD(tlp), true},
  {"net.ipv4.tcp_slow_start_after_idle", FLAG, FIELD(slow_start_after_idle), true},
  {"net.ipv4.tcp_congestion_control", CONGESTION, FIELD(cc), true},
  {"net.ipv4.tcp_mtu_probing", COUNT, FIELD(mtu_probing), true},
  {"net.ipv4.tcp_base_mss", COUNT, FIELD(base_mss), true},
  {"net.ipv4.route.mtu_expires", SECONDS, FIELD(pmtu_expires), true},
  {"net.ipv4.tcp_max_tw_buckets", COUNT, FIELD(max_time_wait), false},
  {"net.ipv4.tcp_max_orphans", COUNT, FIELD(max_orphans), true},
  {"net.ipv4.tcp_max_syn_backlog", COUNT, FIELD(max_half_open), false},
  {"net.ipv4.ip_default_ttl", COUNT, FIELD(ttl), true},
  {"net.inet.tcp.sack.enable", FLAG, FIELD(sack), true},
  {"net.inet.tcp.ecn.enable", COUNT, FIELD(ecn), true},
  {"net.inet.tcp.delacktime", MILLISECONDS, FIELD(delayed_ack), true},
  {"net.inet.tcp.msl", MILLISECONDS, FIELD(msl), true},
  {"net.inet.tcp.keepinit", MILLISECONDS, FIELD(syn_limit), true},
  {"net.inet.tcp.finwait2_timeout", MILLISECONDS, FIELD(fin_wait_2), true},
  {"net.inet.tcp.rexmit_min", SLOPPY_MS, FIELD(rto_min), true},
  {"net.inet.tcp.rexmit_initial", MILLISECONDS, FIELD(rto_initial), true},
  {"net.inet.tcp.recvspace", COUNT, FIELD(rcvbuf), true},
  {"net.inet.tcp.sendspace", COUNT, FIELD(sndbuf), true},
  {"kern.ipc.maxsockbuf", COUNT, FIELD(rcvbuf_max), true},
  {"kern.ipc.maxsockbuf", COUNT, FIELD(sndbuf_max), true},
  {"net.inet.tcp.cc.algorithm", CONGESTION, FIELD(cc), true},
  {"net.inet.tcp.syncookies", FLAG, FIELD(syn_cookies), true},
  {"net.inet.tcp.syncache.rexmtlimit", COUNT, FIELD(synack_retries), true},
  {"net.inet.tcp.tolerate_missing_ts", FLAG, FIELD(bare_segments), true},
  {"net.inet.ip.ttl", COUNT, FIELD(ttl), true},
  {"net.inet6.ip6.hlim", COUNT, FIELD(ttl), true},
#undef FIELD
};

static bool whole(const char *v, uint64_t *out) {
  char *end;
  *out = strtoull(v, &end, 0);
  return *v >= '0' && *v <= '9' && (!*end || *end == ' ' || *end == '\t');
}

/* The time that n retransmissions and the last wait take, from `first` doubling up to `most`. */
static la_time backoff(uint64_t n, la_time first, la_time most) {
  la_time sum = 0;
  for (uint64_t i = 0; i <= n && i < 64; i++) {
    sum += first;
    first = first * 2 < most ? first * 2 : most;
  }
  return sum;
}

static bool value_of(const la_config *c, enum unit u, const char *text, uint64_t *out) {
  for (unsigned i = 0; (u == MIDDLE && i < 1) || (u == LAST && i < 2); i++) { /* least, default, most */
    text += strspn(text, " \t");
    text += strcspn(text, " \t");
    text += strspn(text, " \t");
  }
  if (u == CONGESTION) {
    bool reno = strcmp(text, "reno") == 0 || strcmp(text, "newreno") == 0;
    *out = reno ? LA_CC_NEWRENO : LA_CC_CUBIC;
    return reno || strcmp(text, "cubic") == 0;
  }
  if (!whole(text, out))
    return false;
  if (u == FLAG)
    *out = *out != 0;
  else if (u == PROBES)
    *out = *out >= 3; /* 1 and 2 meant something else, which is gone */
  else if (u == SECONDS)
    *out *= LA_SEC;
  else if (u == MILLISECONDS)
    *out *= LA_MS;
  else if (u == SLOPPY_MS) /* FreeBSD adds net.inet.tcp.rexmit_slop, 200 ms */
    *out = (*out + 200) * LA_MS;
  else if (u == MICROSECONDS)
    *out *= LA_US;
  else if (u == SYN_RETRIES)
    *out = backoff(*out, c->rto_initial, c->rto_max);
  else if (u == RETRIES)
    *out = backoff(*out, c->rto_min, c->rto_max);
  return true;
}

/* As much as the stack takes. */
static uint64_t bounded(const char *name, uint64_t v) {
  static const char *const buffers[] = {"net.ipv4.tcp_rmem", "net.ipv4.tcp_wmem", "net.inet.tcp.recvspace", "net.inet.tcp.sendspace",
                                        "kern.ipc.maxsockbuf"};
  if (strcmp(name, "net.ipv4.tcp_synack_retries") == 0 || strcmp(name, "net.inet.tcp.syncache.rexmtlimit") == 0)
    return v > 5 ? 5 : v;
  if (strcmp(name, "net.inet.tcp.ecn.enable") == 0)
    return v > 2 ? 2 : v; /* 3, 4: AccECN, which is not there */
  if (strcmp(name, "net.inet.tcp.delacktime") == 0)
    return v >= 500 * LA_MS ? 499 * LA_MS : v; /* RFC 9293 3.8.6.3 */
  for (size_t i = 0; i < sizeof buffers / sizeof *buffers; i++)
    if (strcmp(name, buffers[i]) == 0)
      return v < 2048 ? 2048 : v > 1u << 30 ? 1u << 30 : v;
  return v;
}

static void store(la_config *c, size_t offset, size_t size, uint64_t v) {
  uint8_t *p = (uint8_t *)c + offset;
  uint8_t v8 = (uint8_t)v;
  uint32_t v32 = (uint32_t)v;
  if (size == 1)
    memcpy(p, &v8, 1);
  else if (size == 4)
    memcpy(p, &v32, 4);
  else
    memcpy(p, &v, 8);
}

/* What the socket layer is made with, and what every socket gets when it is made. */
static bool of_sockets(struct run *r, const char *name, const char *value) {
  struct tuning *t = r->tuning;
  uint64_t v;
  uint32_t *to = strcmp(name, "net.core.rmem_max") == 0        ? &t->posix.rcvbuf_max
                 : strcmp(name, "net.core.wmem_max") == 0      ? &t->posix.sndbuf_max
                 : strcmp(name, "net.core.somaxconn") == 0     ? &t->posix.somaxconn
                 : strcmp(name, "kern.ipc.somaxconn") == 0     ? &t->posix.somaxconn
                 : strcmp(name, "kern.ipc.soacceptqueue") == 0 ? &t->posix.somaxconn
                                                               : NULL;
  if (!to || !whole(value, &v))
    return false;
  if (r->posix)
    la__drill_note(r, "sysctl %s cannot change once there is a socket", name);
  else
    *to = (uint32_t)v;
  return true;
}

static bool of_keepalive(struct run *r, const char *name, const char *value) {
  static const char *const names[3] = {"net.ipv4.tcp_keepalive_time", "net.ipv4.tcp_keepalive_intvl", "net.ipv4.tcp_keepalive_probes"};
  uint64_t v;
  for (unsigned i = 0; i < 3; i++)
    if (strcmp(name, names[i]) == 0 && whole(value, &v)) {
      r->tuning->keepalive[i] = (int)v;
      return true;
    }
  return false;
}

/* Settings that say what the stack does anyway. */
static bool as_it_is(const char *name, const char *value) {
  static const char *const same[][2] = {
    {"net.ipv4.tcp_fack", "0"},
    {"net.ipv4.tcp_notsent_lowat", "4294967295"},
    {"net.ipv4.tcp_no_metrics_save", "1"},
    {"net.ipv4.tcp_mtu_probing", "0"},
    {"net.ipv4.tcp_recovery", "1"},
    {"net.ipv4.tcp_autocorking", "0"},
    {"net.ipv4.tcp_fastopen", "0"},
    {"net.ipv4.tcp_abort_on_overflow", "0"},
    {"net.ipv4.tcp_rfc1337", "1"},
    {"net.ipv4.tcp_pacing_ss_ratio", "200"},
    {"net.ipv4.tcp_pacing_ca_ratio", "120"},
  };
  for (size_t i = 0; i < sizeof same / sizeof *same; i++)
    if (strcmp(name, same[i][0]) == 0 && strcmp(value, same[i][1]) == 0)
      return true;
  return false;
}

void la__sysctl_set(struct run *r, const char *raw, const char *value) {
  char name[128];
  size_t n = 0;
  for (; raw[n] && n < sizeof name - 1; n++)
    name[n] = raw[n] == '/' ? '.' : raw[n];
  name[n] = 0;
  if (of_sockets(r, name, value) || of_keepalive(r, name, value) || la__freebsd_sysctl(r, name, value) || as_it_is(name, value))
    return;
  bool known = false;
  for (size_t i = 0; i < sizeof fields / sizeof *fields; i++) {
    uint64_t v;
    if (strcmp(name, fields[i].name) != 0)
      continue;
    known = true;
    if (!value_of(&r->tuning->cfg, fields[i].unit, value, &v)) {
      la__drill_note(r, "sysctl %s=%s is not understood", name, value);
    } else if (r->stack && !fields[i].late) {
      la__drill_note(r, "sysctl %s cannot change once there is a socket", name);
    } else {
      v = bounded(name, v);
      store(&r->tuning->cfg, fields[i].offset, fields[i].size, v);
      if (r->stack)
        store(&r->stack->tcp.cfg, fields[i].offset, fields[i].size, v);
    }
  }
  if (!known)
    la__drill_note(r, "sysctl %s has no counterpart", name);
}

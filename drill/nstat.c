/* SPDX-License-Identifier: MIT */
/*
 * `nstat | grep NAME`: a check that a counter has moved since nstat was last asked, as scripts write it. Counters have Linux's names; those
 * that the stack does not keep are noted.
 */
#include "drill/tuning.h"

#include <string.h>

static const struct {
  const char *name;
  size_t at;
} counters[] = {
#define COUNTER(name, field) \
  { name, offsetof(la_stats, field) }
#define DROPPED(name, why) \
  { name, offsetof(la_stats, drops) + (why) * sizeof(uint64_t) }
  COUNTER("TcpActiveOpens", opened_active),
  COUNTER("TcpPassiveOpens", opened_passive),
  COUNTER("TcpInSegs", segments_in),
  COUNTER("TcpOutSegs", segments_out),
  COUNTER("TcpRetransSegs", retransmits),
  COUNTER("TcpOutRsts", resets_out),
  DROPPED("TcpInCsumErrors", LA_DROP_TCP_CSUM),
  COUNTER("TcpExtSyncookiesSent", syncookies_sent),
  COUNTER("TcpExtSyncookiesRecv", syncookies_recv),
  COUNTER("TcpExtSyncookiesFailed", syncookies_failed),
  COUNTER("TcpExtTCPChallengeACK", challenge_acks),
  COUNTER("TcpExtTCPACKSkippedChallenge", challenge_acks_limited),
  COUNTER("TcpExtTCPTimeWaitOverflow", time_wait_recycled),
  DROPPED("TcpExtListenOverflows", LA_DROP_TCP_LISTEN_OVERFLOW),
  DROPPED("TcpExtPAWSEstab", LA_DROP_TCP_RFC7323_PAWS),
  DROPPED("TcpExtTCPZeroWindowDrop", LA_DROP_TCP_ZEROWINDOW),
  DROPPED("TcpExtOutOfWindowIcmps", LA_DROP_ICMP),
  COUNTER("TcpExtTCPMTUPSuccess", pmtu_probes_passed),
  COUNTER("UdpInDatagrams", udp_in),
  COUNTER("UdpOutDatagrams", udp_out),
#undef DROPPED
#undef COUNTER
};

static uint64_t value(const la_stats *s, size_t at) {
  uint64_t v;
  memcpy(&v, (const char *)s + at, sizeof v);
  return v;
}

void la__nstat(struct run *r, const char *options) {
  struct nstat *n = &r->nstat;
  la_stats now = {0};
  if (r->stack)
    la_stats_get(r->stack, &now);
  n->since = strchr(options, 'a') ? (la_stats){0} : n->asked;
  n->zeros = strchr(options, 'z') != NULL;
  if (!strchr(options, 's'))
    n->asked = now;
  n->now = now;
}

bool la__nstat_grep(struct run *r, const char *pattern, struct place at) {
  const struct nstat *n = &r->nstat;
  bool known = false;
  for (size_t i = 0; i < sizeof counters / sizeof *counters; i++) {
    if (!strstr(counters[i].name, pattern))
      continue;
    known = true;
    if (n->zeros || value(&n->now, counters[i].at) != value(&n->since, counters[i].at))
      return true;
  }
  if (known)
    return la__drill_fail(r, at, "nstat: %s has not moved", pattern);
  la__drill_note(r, "counter %s is not kept", pattern);
  return true;
}

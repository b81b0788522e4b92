/* SPDX-License-Identifier: MIT */
/* Code between %{ and }%: runs at its instant, with TCP_INFO of the socket under test. lint: table */
#include "drill/expr.h"
#include "drill/calls.h"

#include <stddef.h>
#include <string.h>

#define FIELD(f) \
  { #f, offsetof(la_tcp_info, f), sizeof((la_tcp_info *)0)->f }
static const struct {
  const char *name;
  size_t offset, size;
} fields[] = {
  FIELD(tcpi_state),         FIELD(tcpi_ca_state),
  FIELD(tcpi_retransmits),   FIELD(tcpi_probes),
  FIELD(tcpi_backoff),       FIELD(tcpi_options),
  FIELD(tcpi_rto),           FIELD(tcpi_ato),
  FIELD(tcpi_snd_mss),       FIELD(tcpi_rcv_mss),
  FIELD(tcpi_unacked),       FIELD(tcpi_sacked),
  FIELD(tcpi_lost),          FIELD(tcpi_retrans),
  FIELD(tcpi_fackets),       FIELD(tcpi_last_data_sent),
  FIELD(tcpi_last_ack_sent), FIELD(tcpi_last_data_recv),
  FIELD(tcpi_last_ack_recv), FIELD(tcpi_pmtu),
  FIELD(tcpi_rcv_ssthresh),  FIELD(tcpi_rtt),
  FIELD(tcpi_rttvar),        FIELD(tcpi_snd_ssthresh),
  FIELD(tcpi_snd_cwnd),      FIELD(tcpi_advmss),
  FIELD(tcpi_reordering),    FIELD(tcpi_rcv_rtt),
  FIELD(tcpi_rcv_space),     FIELD(tcpi_total_retrans),
  FIELD(tcpi_pacing_rate),   FIELD(tcpi_max_pacing_rate),
  FIELD(tcpi_bytes_acked),   FIELD(tcpi_bytes_received),
  FIELD(tcpi_segs_out),      FIELD(tcpi_segs_in),
  FIELD(tcpi_notsent_bytes), FIELD(tcpi_min_rtt),
  FIELD(tcpi_data_segs_in),  FIELD(tcpi_data_segs_out),
  FIELD(tcpi_delivery_rate), FIELD(tcpi_busy_time),
  FIELD(tcpi_rwnd_limited),  FIELD(tcpi_sndbuf_limited),
  FIELD(tcpi_delivered),     FIELD(tcpi_delivered_ce),
  FIELD(tcpi_bytes_sent),    FIELD(tcpi_bytes_retrans),
  FIELD(tcpi_dsack_dups),    FIELD(tcpi_reord_seen),
  FIELD(tcpi_rcv_ooopack),   FIELD(tcpi_snd_wnd),
};
#undef FIELD

/* Those that have no address. -1: another name. */
static int bit_field(const la_tcp_info *i, const char *name) {
  if (strcmp(name, "tcpi_snd_wscale") == 0)
    return (int)i->tcpi_snd_wscale;
  if (strcmp(name, "tcpi_rcv_wscale") == 0)
    return (int)i->tcpi_rcv_wscale;
  if (strcmp(name, "tcpi_delivery_rate_app_limited") == 0)
    return (int)i->tcpi_delivery_rate_app_limited;
  if (strcmp(name, "tcpi_fastopen_client_fail") == 0)
    return (int)i->tcpi_fastopen_client_fail;
  return -1;
}

bool la__tcp_info_field(const la_tcp_info *info, const char *name, int64_t *value) {
  for (size_t i = 0; i < sizeof fields / sizeof *fields; i++)
    if (strcmp(fields[i].name, name) == 0) {
      const uint8_t *p = (const uint8_t *)info + fields[i].offset;
      if (fields[i].size == 8)
        memcpy(value, p, 8);
      else if (fields[i].size == 4)
        *value = *(const uint32_t *)p;
      else
        *value = *p;
      return true;
    }
  *value = bit_field(info, name);
  return *value >= 0;
}

static const struct {
  const char *name;
  int64_t value;
} constants[] = {
  {"TCP_CA_Open", LA_TCP_CA_OPEN},         {"TCP_CA_Disorder", LA_TCP_CA_DISORDER}, {"TCP_CA_CWR", LA_TCP_CA_CWR},
  {"TCP_CA_Recovery", LA_TCP_CA_RECOVERY}, {"TCP_CA_Loss", LA_TCP_CA_LOSS},
};

struct seen {
  bool have;
  la_tcp_info info;
};

static bool lookup(void *ctx, const char *name, int64_t *value) {
  const struct seen *s = ctx;
  for (size_t i = 0; i < sizeof constants / sizeof *constants; i++)
    if (strcmp(constants[i].name, name) == 0) {
      *value = constants[i].value;
      return true;
    }
  if (!s->have || strncmp(name, "tcpi_", 5) != 0)
    return la__symbol(name, value);
  return la__tcp_info_field(&s->info, name, value);
}

bool la__code_event(struct run *r, const char *text, struct place at) {
  struct seen s = {.have = false};
  uint32_t len = sizeof s.info;
  if (r->under_test && r->under_test->fd >= 0)
    s.have = la_posix_getsockopt(r->posix, la__fd_live(r, r->under_test->fd), LA_SOL_TCP, LA_TCP_INFO, &s.info, &len) == 0;
  if (!r->vars)
    r->vars = la__expr_vars_new();
  struct expr_host host = {.lookup = lookup, .ctx = &s};
  struct expr_failure f;
  enum expr_result result = la__expr_run(text, at, r->vars, &host, &f);
  if (result == EXPR_HOLDS)
    return true;
  if (result == EXPR_FALSE)
    return la__drill_fail(r, f.at, "assertion: %s", f.text);
  return la__drill_fail(r, f.at, "code: %s%s", f.text, s.have ? "" : " (no TCP socket is under test)");
}

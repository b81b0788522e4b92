/* SPDX-License-Identifier: MIT */
/*
 * What each congestion control carries: a transfer over one bottleneck with random loss, for several losses and round-trip times; and how
 * two flows share it. Integers only, so that the table is the same everywhere.
 */
#include "sim/goodput.h"

enum { KBIT = 10000, QUEUE = 65536, SECONDS = 20, PORT = 80, LOSSES = 5, RTTS = 4, ENOUGH = 1 << 27 };
static const uint32_t losses[LOSSES] = {0, 10, 100, 1000, 5000}; /* of 100,000 */
static const unsigned rtts[RTTS] = {1, 10, 50, 200};             /* ms */

static struct host *host(struct world *w, const char *name, enum la_cc cc) {
  struct host *h = la__host_new(w, name);
  la_config_init(&h->cfg, LA_PRESET_LINUX);
  h->cfg.sums = la_host_sums();
  h->cfg.msl = w->opt.msl;
  h->cfg.cc = (uint8_t)cc;
  return h;
}

/* Flows from hosts of their own to one server, for SECONDS; kbit/s of each. The second one's way is `times` as long. */
static void flows(const struct sim_opts *opt, unsigned n, const enum la_cc *cc, unsigned rtt_ms, unsigned times, uint32_t loss,
                  uint32_t *kbit) {
  static const char *const names[] = {"first", "second"};
  struct world *w = la__world_new(opt, "");
  struct conn *c[2];
  w->delay = rtt_ms * LA_MS / 2;
  struct host *server = host(w, "server", LA_CC_CUBIC);
  server->in.rate = KBIT * 1000 / 8;
  server->in.queue = QUEUE;
  server->in.loss = loss;
  la__prng_seed(&server->in.prng, opt->seed * 1000003u + rtt_ms * 8191u + loss); /* losses of its own for each path, the same for all */
  la__host_boot(server);
  la__app_listen(server, PORT, 16, false, NULL);
  for (unsigned i = 0; i < n; i++) {
    struct host *h = host(w, names[i], cc[i]);
    h->far = i * (times - 1) * w->delay;
    la__host_boot(h);
    c[i] = la__app_connect(h, &server->addr, PORT, 0, NULL);
    la__app_send(c[i], ENOUGH);
  }
  la__run_for(w, SECONDS * LA_SEC);
  for (unsigned i = 0; i < n; i++)
    kbit[i] = c[i]->peer ? (uint32_t)(c[i]->peer->rx_len * 8 / 1000 / SECONDS) : 0;
  la__world_free(w);
}

static void alone(FILE *out, const struct sim_opts *opt) {
  fprintf(out, "Goodput in Mbit/s of one flow: a bottleneck of %u Mbit/s with a queue of %u KiB, the first %u s\n\n", KBIT / 1000,
          QUEUE / 1024, SECONDS);
  fprintf(out, "         RTT    ");
  for (unsigned i = 0; i < LOSSES; i++)
    fprintf(out, "%4u.%02u %%", losses[i] / 1000, losses[i] / 10 % 100);
  fputs(" loss\n", out);
  for (unsigned cc = 0; cc < LA_CCS; cc++)
    for (unsigned r = 0; r < RTTS; r++) {
      fprintf(out, "%-8s %3u ms  ", la_cc_name((enum la_cc)cc), rtts[r]);
      for (unsigned i = 0; i < LOSSES; i++) {
        uint32_t kbit;
        flows(opt, 1, &(enum la_cc){(enum la_cc)cc}, rtts[r], 1, losses[i], &kbit);
        fprintf(out, "%6u.%02u", kbit / 1000, kbit / 10 % 100);
      }
      fputc('\n', out);
    }
}

static void share(FILE *out, const struct sim_opts *opt, enum la_cc a, enum la_cc b, unsigned rtt_ms, unsigned times) {
  uint32_t x[2];
  enum la_cc cc[2] = {a, b};
  char way[32];
  flows(opt, 2, cc, rtt_ms, times, 0, x);
  uint64_t sum = (uint64_t)x[0] + x[1], squares = (uint64_t)x[0] * x[0] + (uint64_t)x[1] * x[1];
  unsigned jain = squares ? (unsigned)(1000 * sum * sum / (2 * squares)) : 0;
  snprintf(way, sizeof way, times > 1 ? "%u, %u" : "%u", rtt_ms, times * rtt_ms);
  fprintf(out, "%-8s %-8s %7s ms %6u.%02u %6u.%02u   %u.%03u\n", la_cc_name(a), la_cc_name(b), way, x[0] / 1000, x[0] / 10 % 100,
          x[1] / 1000, x[1] / 10 % 100, jain / 1000, jain % 1000);
}

static void together(FILE *out, const struct sim_opts *opt) {
  fputs("\nTwo flows that begin together, without random loss: Mbit/s of each, and Jain's index (1: equal shares)\n\n", out);
  for (unsigned a = 0; a < LA_CCS; a++)
    for (unsigned b = a; b < LA_CCS; b++)
      for (unsigned r = 0; r < RTTS; r++)
        share(out, opt, (enum la_cc)a, (enum la_cc)b, rtts[r], 1);
  fputs("\nThe same, where the second one's way is four times as long\n\n", out);
  for (unsigned a = 0; a < LA_CCS; a++)
    for (unsigned b = 0; b < LA_CCS; b++)
      for (unsigned r = 0; r + 1 < RTTS; r++)
        share(out, opt, (enum la_cc)a, (enum la_cc)b, rtts[r], 4);
}

void la__goodput(FILE *out, const struct sim_opts *opt) {
  alone(out, opt);
  together(out, opt);
}

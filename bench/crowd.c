/* SPDX-License-Identifier: MIT */
/*
 * Rows about a great number N of connections:
 *   bytes idle|timewait|halfopen N   bytes of the allocator for each: the whole stack's, of the end that holds the records
 *   million N                        N opened, all with a byte each way, all released, TIME-WAIT drained: the memory is what it was
 *   worst N                          the same twice, each frame by itself: the slowest call of input, tick or output
 *   keepalive N                      processor time for four hours in which N idle connections are kept alive from both ends
 */
#include <limits.h>
#include <malloc.h>

#include "pair.h"

static la_conn *clients, *servers;

static void tune(la_config *c) {
  c->max_half_open = 1u << 21;
  c->max_chunks = 1u << 21;
}

static struct pair *start(unsigned long n, struct pair_times *timed) {
  clients = calloc(n, sizeof *clients);
  servers = calloc(n, sizeof *servers);
  if (!clients || !servers)
    die("no memory");
  struct pair *p = pair_new(n, tune);
  p->timed = timed;
  return p;
}

static void stop(struct pair *p) {
  pair_free(p);
  free(clients);
  free(servers);
}

static la_stats stats(const struct node *n) {
  la_stats st;
  la_stats_get(n->stack, &st);
  return st;
}

static void open_all(struct pair *p, unsigned long n) {
  for (unsigned long i = 0; i < n; i++) {
    pair_open_idle(p, i, &clients[i], &servers[i]);
    p->now += 10 * LA_US;
    pair_tick(p);
  }
  if (stats(&p->client).conns != n || stats(&p->server).conns != n)
    die("not all are open");
}

static void release_all(struct pair *p, unsigned long n) {
  for (unsigned long i = 0; i < n; i++) {
    pair_release(p, clients[i], servers[i]);
    p->now += 10 * LA_US;
    pair_tick(p);
  }
  pair_settle(p); /* the last record leaves the list of those that may have something to send */
  if (stats(&p->client).conns || stats(&p->server).conns || stats(&p->client).time_wait != n)
    die("not all are released");
}

static void drain(struct pair *p) {
  while (stats(&p->client).time_wait) {
    p->now += LA_MS;
    pair_tick(p);
  }
}

int bytes_main(int argc, char **argv) {
  const char *what = argc > 1 ? argv[1] : "";
  unsigned long n = number_arg(argc, argv, 2, 1000000);
  struct pair *p = start(n, NULL);
  uint64_t bytes = 0;
  if (strcmp(what, "idle") == 0) {
    open_all(p, n);
    uint64_t a = stats(&p->client).bytes_allocated, b = stats(&p->server).bytes_allocated;
    bytes = a > b ? a : b;
  } else if (strcmp(what, "timewait") == 0) {
    for (unsigned long i = 0; i < n; i++) {
      pair_open_idle(p, i, &clients[0], &servers[0]);
      pair_release(p, clients[0], servers[0]);
      p->now += 10 * LA_US;
      pair_tick(p);
    }
    if (stats(&p->client).time_wait != n)
      die("the records are not there");
    bytes = stats(&p->client).bytes_allocated;
  } else if (strcmp(what, "halfopen") == 0) {
    for (unsigned long i = 0; i < n; i++) {
      pair_connect(p, i);
      pair_carry(p, &p->client, &p->server);
      while (la_output(p->server.stack, p->server.link, p->out, 1, p->now)) /* the SYN-ACK is lost */
        la_frame_done(p->server.stack, p->out);
    }
    if (stats(&p->server).half_open != n || stats(&p->server).syncookies_sent)
      die("the records are not there");
    bytes = stats(&p->server).bytes_allocated;
  } else {
    die("bytes idle|timewait|halfopen");
  }
  result("bytes_each", (double)bytes / (double)n);
  stop(p);
  return 0;
}

int million_main(int argc, char **argv) {
  unsigned long n = number_arg(argc, argv, 1, 1000000);
  struct pair *p = start(n, NULL);
  uint64_t client = stats(&p->client).bytes_allocated, server = stats(&p->server).bytes_allocated;
  double began = cpu_now();
  open_all(p, n);
  uint64_t most = stats(&p->client).bytes_allocated + stats(&p->server).bytes_allocated;
  release_all(p, n);
  drain(p);
  double took = cpu_now() - began;
  la_trim(p->client.stack);
  la_trim(p->server.stack);
  int64_t left = (int64_t)(stats(&p->client).bytes_allocated - client + stats(&p->server).bytes_allocated - server);
  result("seconds", took);
  result("most_bytes", (double)most);
  result("left_bytes", (double)left);
  stop(p);
  return left != 0;
}

int worst_main(int argc, char **argv) {
  unsigned long n = number_arg(argc, argv, 1, 1000000);
  mallopt(M_TRIM_THRESHOLD, INT_MAX); /* or a free at the end gives hundreds of megabytes back to the kernel at once */
  mallopt(M_MMAP_THRESHOLD, INT_MAX);
  struct pair_times times = {0};
  for (; times.runs < 2; times.runs++) {
    times.calls = 0;
    struct pair *p = start(n, &times);
    open_all(p, n);
    release_all(p, n);
    drain(p);
    stop(p);
  }
  float worst = 0;
  for (size_t i = 0; i < times.calls; i++)
    if (times.least[i] > worst)
      worst = times.least[i];
  result("worst_us", 1e6 * (double)worst);
  result("calls", (double)times.calls);
  free(times.least);
  return 0;
}

int keepalive_main(int argc, char **argv) {
  unsigned long n = number_arg(argc, argv, 1, 1000000);
  struct pair *p = start(n, NULL);
  open_all(p, n);
  for (unsigned long i = 0; i < n; i++)
    if (la_set_option(p->client.stack, clients[i], LA_OPT_KEEPALIVE, 1, p->now) != LA_OK ||
        la_set_option(p->server.stack, servers[i], LA_OPT_KEEPALIVE, 1, p->now) != LA_OK)
      die("no keepalive");
  la_time until = p->now + 4 * 3600 * LA_SEC;
  uint64_t before = p->frames;
  double began = cpu_now();
  while (p->now < until) {
    la_time a = la_deadline(p->client.stack), b = la_deadline(p->server.stack), next = a < b ? a : b;
    p->now = next < until ? next : until;
    pair_tick(p);
    pair_settle(p);
  }
  double took = cpu_now() - began;
  if (stats(&p->client).conns != n || stats(&p->server).conns != n || p->frames - before < 2 * n)
    die("not kept alive");
  result("cpu_s", took);
  result("frames", (double)(p->frames - before));
  stop(p);
  return 0;
}

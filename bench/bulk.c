/* SPDX-License-Identifier: MIT */
/*
 * bulk WINDOW BYTES: one connection from one application buffer to another. Prints Gbit for each second of processor time, both ends,
 * the wire's copy and the application's calls included.
 */
#include "pair.h"

static unsigned long window;

static void tune(la_config *c) {
  c->timestamps = 0; /* so that a segment carries 1460 bytes */
  c->rcvbuf = (uint32_t)window;
  c->sndbuf = (uint32_t)window * 2;
}

struct bulk {
  la_conn from, to;
  uint8_t src[APP_BYTES], dst[APP_BYTES];
  uint64_t sent, got, all;
};

static void feed(struct pair *p, struct bulk *b) {
  while (b->sent < b->all) {
    size_t at = b->sent % APP_BYTES, n = APP_BYTES - at;
    if (n > b->all - b->sent)
      n = (size_t)(b->all - b->sent);
    ptrdiff_t put = la_send(p->client.stack, b->from, b->src + at, n);
    if (put == LA_AGAIN)
      return;
    if (put < 0)
      die("send");
    b->sent += (uint64_t)put;
  }
}

static void take(struct pair *p, struct bulk *b) {
  for (;;) {
    size_t at = b->got % APP_BYTES;
    ptrdiff_t n = la_recv(p->server.stack, b->to, b->dst + at, APP_BYTES - at);
    if (n == LA_AGAIN)
      return;
    if (n <= 0)
      die("recv");
    b->got += (uint64_t)n;
  }
}

static void turn(struct pair *p, struct bulk *b) {
  la_event e;
  p->now += 10 * LA_US;
  pair_tick(p);
  pair_carry(p, &p->client, &p->server);
  while (la_events(p->server.stack, &e, 1))
    take(p, b);
  if (pair_carry(p, &p->server, &p->client) == 0 && b->sent == b->all)
    p->now += 50 * LA_MS; /* the last ACK may wait */
  while (la_events(p->client.stack, &e, 1))
    feed(p, b);
}

int bulk_main(int argc, char **argv) {
  window = number_arg(argc, argv, 1, 65535);
  struct pair *p = pair_new(1, tune);
  struct bulk *b = calloc(1, sizeof *b);
  if (argc > 3 && strcmp(argv[3], "whole") == 0)
    pair_whole(p);
  la_stats st;
  app_fill(b->src);
  b->all = number_arg(argc, argv, 2, 512ul << 20);
  pair_open_idle(p, 0, &b->from, &b->to);
  uint8_t none;
  la_recv(p->server.stack, b->to, &none, 1); /* arms READABLE */
  uint64_t before = p->frames;
  double began = cpu_now();
  feed(p, b);
  while (b->got < b->all)
    turn(p, b);
  double took = cpu_now() - began;
  if (memcmp(b->src, b->dst, APP_BYTES) != 0)
    die("contents differ");
  la_stats_get(p->client.stack, &st);
  if (st.retransmits)
    die("something was sent twice");
  result("gbit_s", 8e-9 * (double)b->all / took);
  result("frames", (double)(p->frames - before));
  free(b);
  pair_free(p);
  return 0;
}

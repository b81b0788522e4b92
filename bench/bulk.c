/* SPDX-License-Identifier: MIT */
/*
 * bulk WINDOW BYTES [whole]: one connection from one application buffer to another: sent by reference, received in posted buffers, so
 * that bytes are copied twice, by the wire and on receipt. recv: the same with la_recv, a copy more. whole: descriptors of up to 64 KiB
 * cross as they are. Prints Gbit for each second of processor time, both ends, the wire's copy and the application's calls included.
 */
#include "pair.h"

static unsigned long window;

static void tune(la_config *c) {
  c->timestamps = 0; /* so that a segment carries 1460 bytes */
  c->rcvbuf = (uint32_t)window;
  c->sndbuf = (uint32_t)window * 2;
}

/* Posted: 64 KiB in four; for frames as long as that two of 64 KiB, so that each finds room. */
enum { REFS = 64, POSTS = 4, POST_BYTES = APP_BYTES / POSTS };

struct bulk {
  struct pair *p;
  la_conn from, to;
  uint8_t src[APP_BYTES], dst[2 * APP_BYTES];
  uint64_t sent, got, all;
  la_ref ref[REFS];
  unsigned lent, back; /* totals */
  la_post post[2 * POSTS];
  bool posted;
};

static void feed(struct pair *p, struct bulk *b) {
  while (b->sent < b->all && b->lent - b->back < REFS) {
    la_ref *r = &b->ref[b->lent % REFS];
    r->data = b->src + b->sent % APP_BYTES;
    r->len = APP_BYTES - b->sent % APP_BYTES;
    if (r->len > b->all - b->sent)
      r->len = (size_t)(b->all - b->sent);
    int put = la_send_ref(p->client.stack, b->from, r);
    if (put == LA_AGAIN)
      return;
    if (put != LA_OK)
      die("send");
    b->lent++;
    b->sent += r->len;
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

/* Each buffer that is full is lent again at once: its bytes lie where the application wanted them. */
static void take_posted(struct pair *p, struct bulk *b) {
  la_post *post;
  ptrdiff_t n;
  while ((n = la_recv_take(p->server.stack, b->to, &post)) > 0) {
    b->got += (uint64_t)n;
    if (la_recv_post(p->server.stack, b->to, post) != LA_OK)
      die("post");
  }
  if (n != LA_AGAIN)
    die("take");
}

static void start(struct pair *p, struct bulk *b) {
  uint8_t none;
  if (!b->posted) {
    la_recv(p->server.stack, b->to, &none, 1); /* arms READABLE */
    return;
  }
  uint32_t each = p->whole ? APP_BYTES : POST_BYTES;
  for (unsigned i = 0; i < (p->whole ? 2 : POSTS); i++) {
    b->post[i] = (la_post){.data = b->dst + i * each, .cap = each, .least = each};
    if (la_recv_post(p->server.stack, b->to, &b->post[i]) != LA_OK)
      die("post");
  }
  take_posted(p, b);
}

/* Whoever has got something deals with it while it is in the cache. */
static void came(void *ctx, struct node *n) {
  struct bulk *b = ctx;
  la_event e;
  while (la_events(n->stack, &e, 1))
    if (n == &b->p->client)
      b->back += e.type == LA_EVENT_RELEASED; /* in the order in which they were lent */
    else if (e.type == LA_EVENT_READABLE)
      b->posted ? take_posted(b->p, b) : take(b->p, b);
}

static void turn(struct pair *p, struct bulk *b) {
  p->now += 10 * LA_US;
  pair_tick(p);
  pair_carry(p, &p->client, &p->server);
  if (pair_carry(p, &p->server, &p->client) == 0 && b->sent == b->all)
    p->now += 50 * LA_MS; /* the last ACK may wait */
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
  b->posted = strcmp(argv[0], "bulk") == 0;
  b->all = number_arg(argc, argv, 2, 512ul << 20);
  b->all -= b->all % APP_BYTES; /* whole buffers */
  pair_open_idle(p, 0, &b->from, &b->to);
  b->p = p;
  p->came = came;
  p->ctx = b;
  start(p, b);
  uint64_t before = p->frames;
  double began = cpu_now();
  feed(p, b);
  while (b->got < b->all)
    turn(p, b);
  double took = cpu_now() - began;
  if (memcmp(b->src, b->dst, APP_BYTES) != 0 || (b->posted && p->whole && memcmp(b->src, b->dst + APP_BYTES, APP_BYTES) != 0))
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

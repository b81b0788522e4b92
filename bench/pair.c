/* SPDX-License-Identifier: MIT */
#include "pair.h"

static void make(struct node *n, bool client, unsigned addrs, void (*tune)(la_config *)) {
  la_config cfg;
  if (!la_host_config(&cfg, LA_PRESET_LINUX))
    die("no entropy");
  memset(cfg.secret, client ? 0x11 : 0x22, sizeof cfg.secret); /* the same at each run, so that runs compare */
  if (tune)
    tune(&cfg);
  n->stack = la_stack_new(&cfg);
  if (!n->stack)
    die("no stack");
  n->link = la_link_add(n->stack, MTU);
  la_link_offload(n->stack, n->link, LA_OFFLOAD_SUM | LA_OFFLOAD_TSO4, 0); /* the wire copies: it cuts and sums on the way */
  la_addr addr = {.family = 4, .b = {10, 0, 0, client ? 1 : 200}};
  for (unsigned i = 0; i < addrs; i++, addr.b[3]++)
    if (la_addr_add(n->stack, n->link, &addr, 24) != LA_OK)
      die("no address");
}

struct pair *pair_new(unsigned long pairs, void (*tune)(la_config *)) {
  unsigned addrs = (unsigned)((pairs + LOCAL_PORTS - 1) / LOCAL_PORTS);
  if (addrs > CLIENT_ADDRS)
    die("too few ports");
  struct pair *p = calloc(1, sizeof *p);
  if (!p)
    die("no memory");
  make(&p->client, true, addrs, tune);
  make(&p->server, false, 1, tune);
  la_listen_opts listen = {.port = PORT, .backlog = 65535};
  if (la_listen(p->server.stack, &listen, &p->server.listener) != LA_OK)
    die("no listener");
  p->now = LA_SEC;
  return p;
}

void pair_free(struct pair *p) {
  la_stack_free(p->client.stack);
  la_stack_free(p->server.stack);
  free(p->whole);
  free(p);
}

/* Time of the thread: a call during which somebody else had the processor is not slow. */
static double thread_now(void) {
  struct timespec t;
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
  return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* What began then is over. */
static void end(struct pair *p, double began) {
  struct pair_times *t = p->timed;
  float took = (float)(thread_now() - began);
  if (t->calls == t->cap) {
    t->cap = t->cap ? t->cap * 2 : 1u << 20;
    t->least = realloc(t->least, t->cap * sizeof *t->least);
    if (!t->least)
      die("no memory");
  }
  if (t->runs == 0 || took < t->least[t->calls])
    t->least[t->calls] = took;
  t->calls++;
}

static size_t output(struct pair *p, struct node *n) {
  if (!p->timed)
    return la_output(n->stack, n->link, p->out, WIRE_BATCH, p->now);
  double began = thread_now();
  size_t got = la_output(n->stack, n->link, p->out, 1, p->now);
  end(p, began);
  return got;
}

static void input(struct pair *p, struct node *n, size_t count) {
  double began = p->timed ? thread_now() : 0;
  size_t took = la_input(n->stack, n->link, p->in, count, p->now);
  if (p->timed)
    end(p, began);
  if (took != count)
    die("a frame was refused");
  if (p->came)
    p->came(p->ctx, n);
}

size_t pair_carry(struct pair *p, struct node *from, struct node *to) {
  size_t n, all = 0, k = 0, len;
  la_flat flat;
  if (p->whole)
    return pair_carry_whole(p, from, to);
  do { /* less than was asked for is all there is */
    n = output(p, from);
    for (size_t i = 0; i < n; i++) {
      la_flat_begin(&flat, from->stack, &p->out[i]);
      bool more = true;
      while (more && (len = la_flat_next(&flat, p->wire[k], MTU)) > 0) {
        more = p->out[i].flags & LA_FRAME_GSO;
        p->in[k].data = p->wire[k];
        p->in[k].len = (uint32_t)len;
        all++;
        if (++k == WIRE_BATCH) {
          input(p, to, k);
          k = 0;
        }
      }
      la_frame_done(from->stack, &p->out[i]);
    }
    if (k)
      input(p, to, k);
    k = 0;
  } while (n == (p->timed ? 1 : WIRE_BATCH));
  p->frames += all;
  return all;
}

void pair_settle(struct pair *p) {
  while (pair_carry(p, &p->client, &p->server) + pair_carry(p, &p->server, &p->client) > 0)
    ;
}

static void tick(struct pair *p, struct node *n) {
  double began = p->timed ? thread_now() : 0;
  la_tick(n->stack, p->now);
  if (p->timed)
    end(p, began);
}

void pair_tick(struct pair *p) {
  tick(p, &p->client);
  tick(p, &p->server);
}

la_event pair_expect(struct node *n, enum la_event_type type) {
  la_event e;
  if (la_events(n->stack, &e, 1) != 1 || e.type != type) {
    fprintf(stderr, "bench: expected %s\n", la_event_name(type));
    exit(1);
  }
  return e;
}

la_conn pair_connect(struct pair *p, unsigned long n) {
  la_connect_opts o = {.remote = {.family = 4, .b = {10, 0, 0, 200}}, .remote_port = PORT, .local = {.family = 4, .b = {10, 0, 0, 1}}};
  o.local.b[3] = (uint8_t)(1 + n / LOCAL_PORTS % CLIENT_ADDRS);
  o.local_port = (uint16_t)(FIRST_LOCAL_PORT + n % LOCAL_PORTS);
  la_conn c;
  if (la_connect(p->client.stack, &o, &c, p->now) != LA_OK)
    die("connect");
  return c;
}

static void byte_over(struct node *from, la_conn a, struct node *to, la_conn b, struct pair *p) {
  uint8_t x = 'x', y = 0;
  if (la_send(from->stack, a, &x, 1) != 1)
    die("send");
  pair_carry(p, from, to);
  pair_expect(to, LA_EVENT_READABLE);
  if (la_recv(to->stack, b, &y, 1) != 1 || y != 'x')
    die("recv");
}

void pair_open_idle(struct pair *p, unsigned long n, la_conn *client, la_conn *server) {
  struct node *c = &p->client, *s = &p->server;
  *client = pair_connect(p, n);
  pair_carry(p, c, s); /* SYN */
  pair_carry(p, s, c); /* SYN-ACK */
  pair_expect(c, LA_EVENT_ESTABLISHED);
  pair_carry(p, c, s); /* ACK */
  pair_expect(s, LA_EVENT_ACCEPT);
  if (la_accept(s->stack, s->listener, NULL, server) != LA_OK || la_accept(s->stack, s->listener, NULL, server) != LA_AGAIN)
    die("accept");
  byte_over(c, *client, s, *server, p);
  byte_over(s, *server, c, *client, p);
}

void pair_release(struct pair *p, la_conn client, la_conn server) {
  struct node *c = &p->client, *s = &p->server;
  uint8_t y;
  la_close(c->stack, client, p->now);
  pair_carry(p, c, s); /* FIN */
  pair_expect(s, LA_EVENT_PEER_FIN);
  pair_carry(p, s, c); /* ACK, before the application reads and closes: so it takes four segments */
  if (la_recv(s->stack, server, &y, 1) != 0)
    die("end of stream");
  la_close(s->stack, server, p->now);
  pair_carry(p, s, c); /* FIN */
  la_event e = pair_expect(c, LA_EVENT_END);
  pair_carry(p, c, s); /* ACK */
  la_event f = pair_expect(s, LA_EVENT_END);
  if (e.end.how != LA_HOW_FOUR_SEGMENTS || f.end.how != LA_HOW_FOUR_SEGMENTS || e.end.time_wait != LA_TW_LOCAL)
    die("not a release with four segments");
}

/* SPDX-License-Identifier: MIT */
/*
 * swarm TUN OUR-ADDR/LEN HOST-ADDR/LEN PORT TOTAL AT-ONCE BYTES: many connections of one stack to the kernel's echo service,
 * contents compared. In each round AT-ONCE connections are all open before any ends. Prints "all TOTAL" when all went well.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <lastack/lastack.h>

enum { PIECE = 4096, MTU = 1500 };

struct client {
  la_conn conn;
  unsigned index; /* of all */
  size_t sent, got;
  bool open, shut, eof;
};

struct swarm {
  la_stack *stack;
  struct client *clients;
  unsigned at_once, open, over;
  size_t bytes;
};

__attribute__((noreturn)) static void die(const char *what, const char *why) {
  printf("error %s: %s\n", what, why);
  exit(1);
}

static unsigned char pattern(unsigned seed, size_t i) { return (unsigned char)(i * 37 + (i >> 8) * 11 + seed * 101); }

static void feed(struct swarm *w, struct client *c, la_time now) {
  unsigned char buf[PIECE];
  while (c->sent < w->bytes) {
    size_t n = w->bytes - c->sent < PIECE ? w->bytes - c->sent : PIECE;
    for (size_t i = 0; i < n; i++)
      buf[i] = pattern(c->index, c->sent + i);
    ptrdiff_t put = la_send(w->stack, c->conn, buf, n);
    if (put == LA_AGAIN)
      return;
    if (put < 0)
      die("send", la_err_name((int)put));
    c->sent += (size_t)put;
  }
  if (!c->shut && la_shutdown(w->stack, c->conn, now) != LA_OK)
    die("shutdown", "refused");
  c->shut = true;
}

static void take(struct swarm *w, struct client *c) {
  unsigned char buf[PIECE];
  ptrdiff_t n;
  while (!c->eof && (n = la_recv(w->stack, c->conn, buf, PIECE)) != LA_AGAIN) {
    if (n < 0)
      die("recv", la_err_name((int)n));
    for (ptrdiff_t i = 0; i < n; i++)
      if (buf[i] != pattern(c->index, c->got + (size_t)i))
        die("content", "differs");
    c->got += (size_t)n;
    c->eof = n == 0;
  }
}

static void event(struct swarm *w, const la_event *ev, la_time now) {
  struct client *c = ev->user;
  if (ev->type == LA_EVENT_ESTABLISHED) {
    c->open = true;
    if (++w->open == w->at_once)
      for (unsigned i = 0; i < w->at_once; i++)
        feed(w, &w->clients[i], now);
  } else if (ev->type == LA_EVENT_END) {
    take(w, c);
    if (ev->end.err != LA_OK || !c->eof || c->got != w->bytes)
      die("end", la_why_name(ev->end.why));
    if (ev->end.retransmits) {
      const uint32_t *ms = ev->end.in_state_ms;
      printf("error: %u segments were sent again, %u FINs of them; ms opening %u, established %u, closing %u and %u\n", ev->end.retransmits,
             ev->end.fin_retransmits, ms[0], ms[1], ms[2], ms[3]);
      exit(1);
    }
    la_close(w->stack, c->conn, now);
    w->over++;
  } else if (ev->type == LA_EVENT_TROUBLE) {
    die("trouble", la_err_name(ev->err));
  } else {
    if (w->open == w->at_once && !c->shut)
      feed(w, c, now);
    take(w, c);
  }
}

static void on_work(void *ctx, la_time now) {
  struct swarm *w = ctx;
  la_event ev;
  while (la_events(w->stack, &ev, 1))
    event(w, &ev, now);
}

static void run_round(struct swarm *w, la_host *h, const la_connect_opts *to, unsigned first) {
  w->open = w->over = 0;
  for (unsigned i = 0; i < w->at_once; i++) {
    struct client *c = &w->clients[i];
    la_connect_opts opts = *to;
    *c = (struct client){.index = first + i};
    opts.user = c;
    int err = la_connect(w->stack, &opts, &c->conn, la_host_now(h));
    if (err)
      die("connect", la_err_name(err));
  }
  la_time limit = la_host_now(h) + 60 * LA_SEC;
  while (w->over < w->at_once) {
    if (!la_host_turn(h, limit))
      die("turn", strerror(errno));
    if (la_host_now(h) >= limit)
      die("round", "no end after a minute");
  }
}

static unsigned parse(char *text, la_addr *out) {
  char *slash = strchr(text, '/');
  if (!slash)
    die(text, "no prefix length");
  *slash = 0;
  if (!la_addr_parse(text, out))
    die(text, "no address");
  return (unsigned)atoi(slash + 1);
}

int main(int argc, char **argv) {
  if (argc != 8)
    return 2;
  la_config cfg;
  la_addr ours, theirs;
  char err[160] = "refused";
  unsigned our_len = parse(argv[2], &ours), their_len = parse(argv[3], &theirs), total = (unsigned)atoi(argv[5]);
  struct swarm w = {.at_once = (unsigned)atoi(argv[6]), .bytes = (size_t)atoi(argv[7])};
  if (!la_host_config(&cfg, LA_PRESET_LINUX) || !(w.stack = la_stack_new(&cfg)))
    die("stack", "refused");
  la_link link = la_link_add(w.stack, MTU);
  la_host *h = la_host_new();
  const la_host_hooks hooks = {.work = on_work, .ctx = &w};
  la_driver *d = la_tun_open(argv[1], MTU, err, sizeof err);
  w.clients = calloc(w.at_once, sizeof *w.clients);
  if (!d || !w.clients || !la_tun_host_addr(argv[1], &theirs, their_len, MTU, err, sizeof err))
    die(argv[1], err);
  if (la_addr_add(w.stack, link, &ours, our_len) || !la_host_add_stack(h, w.stack, &hooks) || !la_host_add_link(h, w.stack, link, d))
    die("loop", "refused");
  printf("ready\n");
  fflush(stdout);
  if (getchar() == EOF) /* the echo service is started when its address is there */
    return 1;
  const la_connect_opts to = {.remote = theirs, .remote_port = (uint16_t)atoi(argv[4])};
  for (unsigned done = 0; done < total; done += w.at_once)
    run_round(&w, h, &to, done);
  la_stats st;
  la_stats_get(w.stack, &st);
  printf("time-wait %u\nall %u\n", st.time_wait, total);
  la_host_free(h);
  la_stack_free(w.stack);
  free(w.clients);
  return 0;
}

/* SPDX-License-Identifier: MIT */
/*
 * An echo server (RFC 862) on a TUN device, driven by the loop that comes with the library. Needs the right to make the device:
 *
 *     tun tun0 10.9.0.1 10.9.0.2 &     the stack is 10.9.0.1, the kernel 10.9.0.2
 *     nc 10.9.0.1 7
 *
 * SIGINT and SIGTERM release what is open before the program ends. There is no state for each connection: what could not yet
 * be sent back is left in the stack's receive buffer, whose window then holds up the peer.
 */
#include <lastack/lastack.h>

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

enum { MTU = 1500, PREFIX = 24, PORT = 7 };
#define DRAIN (2 * LA_SEC)

struct echo {
  la_host *host;
  la_stack *stack;
  la_listener listener;
};

/* Moves what can be moved from a connection's input to its output; at the end of the stream, closes. */
static void echo(struct echo *e, la_conn c, la_time now) {
  char buf[16384];
  ptrdiff_t there, sent;
  while ((there = la_peek(e->stack, c, 0, buf, sizeof buf)) > 0) {
    if ((sent = la_send(e->stack, c, buf, (size_t)there)) <= 0)
      return;                                /* LA_AGAIN: WRITABLE will come. Any other error: END will */
    la_recv(e->stack, c, buf, (size_t)sent); /* consumed, which opens the peer's window */
  }
  if (there != LA_AGAIN) /* 0: the peer's FIN; LA_AGAIN: READABLE will come */
    la_close(e->stack, c, now);
}

/* A connection's last event: `work` gets it, or, while the loop releases everything, the loop tells it. */
static void ended(void *ctx, const la_event *ev) {
  char addr[LA_ADDR_TEXT];
  (void)ctx;
  printf("%s port %u: %s, %s\n", la_addr_text(&ev->end.remote, addr), ev->end.remote_port, la_how_name(ev->end.how),
         la_why_name(ev->end.why));
  fflush(stdout);
}

/* The loop calls this in each turn. */
static void work(void *ctx, la_time now) {
  struct echo *e = ctx;
  la_event ev;
  la_conn c;
  while (la_events(e->stack, &ev, 1))
    switch (ev.type) {
    case LA_EVENT_ACCEPT:
      while (la_accept(e->stack, e->listener, NULL, &c) == LA_OK)
        ;
      break;
    case LA_EVENT_READABLE:
    case LA_EVENT_WRITABLE:
    case LA_EVENT_PEER_FIN:
      echo(e, ev.conn, now);
      break;
    case LA_EVENT_END: /* the handle lives until both la_close and END */
      la_close(e->stack, ev.conn, now);
      ended(ctx, &ev);
      break;
    default:
      break;
    }
}

/* NULL, or what went wrong. */
static const char *set_up(struct echo *e, char **argv) {
  static char err[160];
  la_addr ours, theirs;
  la_config cfg;
  if (!la_addr_parse(argv[2], &ours) || !la_addr_parse(argv[3], &theirs))
    return "that is no address";
  if (!la_host_config(&cfg, LA_PRESET_LINUX))
    return "the system has no randomness to give";

  const la_host_hooks hooks = {.work = work, .ended = ended, .ctx = e};
  const int signals[] = {SIGINT, SIGTERM};
  e->stack = la_stack_new(&cfg);
  e->host = la_host_new();
  if (!e->stack || !e->host || !la_host_add_stack(e->host, e->stack, &hooks) || !la_host_stop_on(e->host, signals, 2))
    return "out of memory";

  la_link link = la_link_add(e->stack, MTU);
  const la_listen_opts opts = {.port = PORT, .backlog = 128};
  if (la_addr_add(e->stack, link, &ours, PREFIX) != LA_OK || la_listen(e->stack, &opts, &e->listener) != LA_OK)
    return "that cannot be our address";

  la_driver *tun = la_tun_open(argv[1], MTU, err, sizeof err);
  if (!tun)
    return err;
  if (!la_host_add_link(e->host, e->stack, link, tun)) { /* else the loop owns the driver from here on */
    tun->close(tun);
    return "out of memory";
  }
  return la_tun_host_addr(argv[1], &theirs, PREFIX, MTU, err, sizeof err) ? NULL : err;
}

int main(int argc, char **argv) {
  struct echo e = {0};
  const char *wrong = argc == 4 ? set_up(&e, argv) : "usage: tun DEVICE OUR-ADDRESS KERNEL-ADDRESS";
  if (!wrong) {
    printf("echo on %s\n", argv[2]);
    fflush(stdout);
    while (!la_host_stops(e.host) && la_host_turn(e.host, LA_NEVER))
      ;
    if (!la_host_stops(e.host) || !la_host_drain(e.host, DRAIN))
      wrong = strerror(errno);
  }
  if (wrong)
    fprintf(stderr, "tun: %s\n", wrong);
  la_host_free(e.host);
  la_stack_free(e.stack);
  return wrong ? 1 : 0;
}

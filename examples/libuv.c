/* SPDX-License-Identifier: MIT */
/*
 * A stack in somebody else's event loop: libuv's. The library's own loop (la_host) is not used; what a foreign loop must do is all here:
 *
 *   - a descriptor: when the driver's becomes readable, run a turn;
 *   - a deadline: after each turn, set one timer to la_deadline, and run a turn when it expires;
 *   - a turn is the contract of <lastack/stack.h>: la_input, la_tick, la_events, la_output.
 *
 * (A driver that holds packets back, as la_fault_new's does, has a deadline of its own: then the earlier of both.)
 *
 * The program greets whoever connects to port 13 of the stack with the time of day (RFC 867) and closes.
 *
 *     libuv tun0 10.9.0.1 10.9.0.2 &   the stack is 10.9.0.1, the kernel 10.9.0.2
 *     nc 10.9.0.1 13
 *
 * SIGINT and SIGTERM release what is open before the program ends.
 */
#include <lastack/lastack.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <uv.h>

enum { MTU = 1500, PREFIX = 24, PORT = 13, BATCH = 32 };
#define PATIENCE (5 * LA_SEC) /* to take the greeting and to close, or be reset */

struct app {
  la_stack *stack;
  la_link link;
  la_listener listener;
  la_driver *driver;
  unsigned open; /* connections whose END has not come */
  bool stopping;
  uv_loop_t loop;
  uv_poll_t readable;
  uv_timer_t timer;
  uv_signal_t signals[2];
};

/* ---- the application ---- */

static void greet(struct app *a, la_conn c, la_time now) {
  time_t t = time(NULL);
  const char *text = ctime(&t);
  la_send(a->stack, c, text, strlen(text)); /* an empty send buffer takes it all */
  la_close_by(a->stack, c, now + PATIENCE, now);
}

static void handle(struct app *a, const la_event *ev, la_time now) {
  la_conn c;
  if (ev->type == LA_EVENT_ACCEPT) {
    while (la_accept(a->stack, a->listener, NULL, &c) == LA_OK) {
      a->open++;
      greet(a, c, now);
    }
  } else if (ev->type == LA_EVENT_END) {
    a->open--;
    printf("port %u: %s, %s\n", ev->end.remote_port, la_how_name(ev->end.how), la_why_name(ev->end.why));
    fflush(stdout);
  }
}

/* ---- the loop's part ---- */

static void on_timer(uv_timer_t *timer);

static void close_all(struct app *a) {
  uv_close((uv_handle_t *)&a->readable, NULL);
  uv_close((uv_handle_t *)&a->timer, NULL);
  for (unsigned i = 0; i < 2; i++)
    uv_close((uv_handle_t *)&a->signals[i], NULL);
}

/* libuv's timers count milliseconds: rounded up, since one that is early would only make the loop spin. */
static void arm(struct app *a, la_time now) {
  la_time at = la_deadline(a->stack);
  if (at == LA_NEVER)
    uv_timer_stop(&a->timer);
  else
    uv_timer_start(&a->timer, on_timer, at > now ? (at - now + LA_MS - 1) / LA_MS : 0, 0);
}

static void output(struct app *a, la_time now) {
  la_frame frame;
  while (la_output(a->stack, a->link, &frame, 1, now)) {
    a->driver->send(a->driver, &frame); /* false: the device's queue was full, a lost packet */
    la_frame_done(a->stack, &frame);
  }
}

/* One turn. The descriptor is level-triggered: what does not fit into one batch makes it readable again. */
static void turn(struct app *a, bool readable) {
  la_frame frames[BATCH];
  la_event ev;
  uv_update_time(&a->loop);
  la_time now = uv_hrtime();
  size_t n = readable ? a->driver->recv(a->driver, frames, BATCH) : 0;
  for (size_t done = 0; done < n;) {
    done += la_input(a->stack, a->link, frames + done, n - done, now);
    if (done < n)
      output(a, now); /* the ring of answers is full: they must leave first */
  }
  la_tick(a->stack, now);
  while (la_events(a->stack, &ev, 1))
    handle(a, &ev, now);
  output(a, now);
  arm(a, now);
  if (a->stopping && !a->open)
    close_all(a); /* nothing is left in the loop: uv_run returns */
}

static void on_readable(uv_poll_t *poll, int status, int events) {
  (void)events;
  if (status < 0)
    uv_stop(poll->loop); /* the device is gone */
  else
    turn(poll->data, true);
}

static void on_timer(uv_timer_t *timer) { turn(timer->data, false); }

/* Accepts no more; what is open ends by itself, at PATIENCE at the latest. */
static void on_signal(uv_signal_t *signal, int number) {
  struct app *a = signal->data;
  (void)number;
  if (!a->stopping)
    la_listener_close(a->stack, a->listener, uv_hrtime());
  a->stopping = true;
  turn(a, false);
}

/* ---- setting up ---- */

/* NULL, or what went wrong. */
static const char *make_stack(struct app *a, const la_addr *ours) {
  la_config cfg;
  if (!la_host_config(&cfg, LA_PRESET_LINUX))
    return "the system has no randomness to give";
  if (!(a->stack = la_stack_new(&cfg)))
    return "out of memory";
  a->link = la_link_add(a->stack, MTU);
  const la_listen_opts opts = {.port = PORT, .backlog = 128};
  if (la_addr_add(a->stack, a->link, ours, PREFIX) != LA_OK || la_listen(a->stack, &opts, &a->listener) != LA_OK)
    return "that cannot be our address";
  return NULL;
}

static const char *make_handles(struct app *a) {
  static const int numbers[2] = {SIGINT, SIGTERM};
  int err = uv_loop_init(&a->loop);
  a->readable.data = a->timer.data = a->signals[0].data = a->signals[1].data = a;
  if (!err)
    err = uv_poll_init(&a->loop, &a->readable, a->driver->fd);
  if (!err)
    err = uv_poll_start(&a->readable, UV_READABLE, on_readable);
  if (!err)
    err = uv_timer_init(&a->loop, &a->timer);
  for (unsigned i = 0; i < 2 && !err; i++)
    if (!(err = uv_signal_init(&a->loop, &a->signals[i])))
      err = uv_signal_start(&a->signals[i], on_signal, numbers[i]);
  return err ? uv_strerror(err) : NULL;
}

static const char *set_up(struct app *a, char **argv) {
  static char err[160];
  la_addr ours, theirs;
  if (!la_addr_parse(argv[2], &ours) || !la_addr_parse(argv[3], &theirs))
    return "that is no address";
  const char *wrong = make_stack(a, &ours);
  if (wrong)
    return wrong;
  if (!(a->driver = la_tun_open(argv[1], MTU, err, sizeof err)) || !la_tun_host_addr(argv[1], &theirs, PREFIX, MTU, err, sizeof err))
    return err;
  return make_handles(a);
}

int main(int argc, char **argv) {
  static struct app a;
  const char *wrong = argc == 4 ? set_up(&a, argv) : "usage: libuv DEVICE OUR-ADDRESS KERNEL-ADDRESS";
  if (!wrong) {
    printf("time of day on %s\n", argv[2]);
    fflush(stdout);
    turn(&a, true);
    uv_run(&a.loop, UV_RUN_DEFAULT);
    wrong = uv_loop_close(&a.loop) ? "the device is gone" : NULL; /* else no handle would be left */
  }
  if (a.driver)
    a.driver->close(a.driver);
  la_stack_free(a.stack);
  if (wrong)
    fprintf(stderr, "libuv: %s\n", wrong);
  return wrong ? 1 : 0;
}

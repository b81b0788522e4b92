/* SPDX-License-Identifier: MIT */
/* lint: theme */
/*
 * Memory that fails under the loop, the drivers and the monitor (src/host, src/link): malloc, calloc and realloc of this program come
 * through here (the linker's --wrap), and each of them is refused once, alone and with all that follow. The stacks have memory of their
 * own that never fails: theirs is the matter of `./dev oom`. Time is virtual: whoever would wait has waited.
 *
 * The world: two connections whose bytes come back, one over a wire with faults, which copies each packet, the other over a plain pair; an
 * observer with more trace records than the loop has room for at first; a watched pipe; and somebody who asks the monitor.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <dirent.h>
#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include <lastack/lastack.h>

enum { BYTES = 20000, RECS = 8192, DEPTH = 64, FEW = 150, TURNS = 20000, MOST = 500, ECHO = 7 };

/* ---- memory, and time ---- */

static struct {
  bool on, ever, hit;
  unsigned at, calls, live;
} mem;
static la_time now_is;

void *__real_malloc(size_t n);
void *__real_calloc(size_t n, size_t size);
void *__real_realloc(void *p, size_t n);
void __real_free(void *p);
int __real_epoll_wait(int fd, struct epoll_event *ev, int max, int ms);
void *__wrap_malloc(size_t n);
void *__wrap_calloc(size_t n, size_t size);
void *__wrap_realloc(void *p, size_t n);
void __wrap_free(void *p);
int __wrap_epoll_wait(int fd, struct epoll_event *ev, int max, int ms);
int __wrap_epoll_pwait2(int fd, struct epoll_event *ev, int max, const struct timespec *t, const sigset_t *set);
int __wrap_clock_gettime(clockid_t id, struct timespec *t);
int __wrap___epoll_pwait2_time64(int fd, struct epoll_event *ev, int max, const struct timespec *t, const sigset_t *set);
int __wrap___clock_gettime64(clockid_t id, struct timespec *t);

static bool refused(void) {
  if (!mem.on || (++mem.calls != mem.at && !(mem.hit && mem.ever && mem.at)))
    return false;
  mem.hit = true;
  errno = ENOMEM;
  return true;
}
static void *given(void *p) {
  mem.live += mem.on && p;
  return p;
}
void *__wrap_malloc(size_t n) { return refused() ? NULL : given(__real_malloc(n)); }
void *__wrap_calloc(size_t n, size_t size) { return refused() ? NULL : given(__real_calloc(n, size)); }
void *__wrap_realloc(void *p, size_t n) {
  void *q = refused() ? NULL : __real_realloc(p, n);
  mem.live += mem.on && q && !p;
  return q;
}
void __wrap_free(void *p) {
  mem.live -= mem.on && p;
  __real_free(p);
}

static int waited(int fd, struct epoll_event *ev, int max, la_time t) {
  int n = __real_epoll_wait(fd, ev, max, 0);
  assert_false(n == 0 && t == LA_NEVER); /* it would wait for ever */
  if (n == 0)
    now_is += t;
  return n;
}
int __wrap_epoll_wait(int fd, struct epoll_event *ev, int max, int ms) {
  return waited(fd, ev, max, ms < 0 ? LA_NEVER : (la_time)ms * LA_MS);
}
int __wrap_epoll_pwait2(int fd, struct epoll_event *ev, int max, const struct timespec *t, const sigset_t *set) {
  (void)set;
  return waited(fd, ev, max, (la_time)t->tv_sec * LA_SEC + (la_time)t->tv_nsec);
}
int __wrap_clock_gettime(clockid_t id, struct timespec *t) {
  (void)id;
  *t = (struct timespec){(time_t)(now_is / LA_SEC), (long)(now_is % LA_SEC)};
  return 0;
}

int __wrap___epoll_pwait2_time64(int fd, struct epoll_event *ev, int max, const struct timespec *t, const sigset_t *set) {
  return __wrap_epoll_pwait2(fd, ev, max, t, set);
}
int __wrap___clock_gettime64(clockid_t id, struct timespec *t) { return __wrap_clock_gettime(id, t); }

static void *own_alloc(void *ctx, size_t n) {
  (void)ctx;
  return __real_malloc(n);
}
static void own_free(void *ctx, void *p, size_t n) {
  (void)ctx;
  (void)n;
  __real_free(p);
}

static unsigned descriptors(void) {
  unsigned n = 0;
  DIR *d = opendir("/proc/self/fd");
  assert_non_null(d);
  while (readdir(d))
    n++;
  closedir(d);
  return n;
}

/* ---- the world ---- */

enum kind { TOLD, DROPPED, LATE, KINDS };
struct end {
  la_stack *s;
  la_conn conn;
  la_listener listener;
  bool server, have, eof, closed;
  size_t sent, got, held;
  uint8_t back[4096]; /* a server's, on their way back */
  unsigned ends;
  la_end end;
};
struct world {
  la_host *h;
  la_driver *d[4], *fault;
  struct end e[4]; /* 0, 2: clients; 1, 3: servers; 0 and 1 have the wire with faults between them */
  la_trace_rec *ring;
  size_t seen; /* trace records of e[0] */
  int pipe[2], asker;
  bool piped, asked;
  size_t heard;
  char dir[40], path[60], answer[1 << 16];
  unsigned told;
};

static uint8_t byte_at(size_t i) { return (uint8_t)(i * 2654435761u >> 11); }

static void client(struct end *e, la_time now) {
  uint8_t buf[1000];
  while (e->sent < BYTES) {
    size_t n = BYTES - e->sent < sizeof buf ? BYTES - e->sent : sizeof buf;
    for (size_t i = 0; i < n; i++)
      buf[i] = byte_at(e->sent + i);
    ptrdiff_t r = la_send(e->s, e->conn, buf, n);
    if (r <= 0)
      break;
    e->sent += (size_t)r;
  }
  if (e->sent == BYTES && !e->eof)
    e->eof = la_shutdown(e->s, e->conn, now) == LA_OK;
  ptrdiff_t n;
  while ((n = la_recv(e->s, e->conn, buf, sizeof buf)) > 0)
    for (ptrdiff_t i = 0; i < n; i++)
      assert_int_equal(buf[i], byte_at(e->got++));
  if (n == 0)
    e->closed = la_close(e->s, e->conn, now) == LA_OK;
}

static void server(struct end *e, la_time now) {
  if (!e->have)
    e->have = la_accept(e->s, e->listener, NULL, &e->conn) == LA_OK;
  while (e->have) {
    ptrdiff_t n = e->held ? la_send(e->s, e->conn, e->back, e->held) : la_recv(e->s, e->conn, e->back, sizeof e->back);
    if (n < 0)
      return;
    if (n == 0) {
      e->have = la_close(e->s, e->conn, now) != LA_OK;
      return;
    }
    if (e->held)
      memmove(e->back, e->back + n, e->held -= (size_t)n);
    else
      e->held = (size_t)n;
  }
}

static void work(void *ctx, la_time now) {
  struct end *e = ctx;
  la_event ev;
  while (la_events(e->s, &ev, 1))
    if (ev.type == LA_EVENT_END && ev.conn.index == e->conn.index && ev.conn.gen == e->conn.gen)
      e->end = ev.end, e->ends++;
  if (e->server)
    server(e, now);
  else if (!e->closed)
    client(e, now);
}

static void packet(void *ctx, la_link link, la_time at, bool out, uint32_t number, const la_frame *f, const la_trace_rec *recs, size_t n) {
  struct end *e = ctx;
  (void)link, (void)at, (void)out, (void)number, (void)recs;
  assert_true(f->len >= 40);
  ((struct world *)((char *)e - offsetof(struct world, e)))->seen += n;
}
static void trace(void *ctx, const la_trace_rec *recs, size_t n) { packet(ctx, 1, 0, false, 0, &(la_frame){.len = 40}, recs, n); }

static void on_pipe(void *ctx, int fd) {
  char c;
  assert_int_equal(read(fd, &c, 1), 1);
  ((struct world *)ctx)->piped = true;
}

static void stack_up(struct world *w, unsigned i) {
  la_config cfg;
  la_config_init(&cfg, LA_PRESET_LINUX);
  cfg.alloc = (la_alloc){own_alloc, own_free, NULL};
  memset(cfg.secret, (int)i + 1, sizeof cfg.secret);
  if (i == 0) {
    cfg.trace = w->ring = __real_calloc(RECS, sizeof *w->ring);
    cfg.trace_cap = RECS;
  }
  struct end *e = &w->e[i];
  la_addr a = {.family = 4, .b = {10, 0, (uint8_t)(i / 2), (uint8_t)(i % 2 + 1)}}, to = a;
  e->s = la_stack_new(&cfg);
  e->server = i & 1;
  assert_true(e->s && la_link_add(e->s, 1500) == 1 && la_addr_add(e->s, 1, &a, 24) == LA_OK);
  if (e->server)
    assert_int_equal(la_listen(e->s, &(la_listen_opts){.port = ECHO, .backlog = 4}, &e->listener), LA_OK);
  la_connect_opts o = {.remote = to, .remote_port = ECHO};
  o.remote.b[3] = 2;
  for (unsigned k = 0; i == 0 && k < FEW; k++) { /* what fills the ring of trace records before the first turn */
    assert_int_equal(la_connect(e->s, &o, &e->conn, now_is), LA_OK);
    la_close(e->s, e->conn, now_is);
  }
  if (!e->server)
    assert_int_equal(la_connect(e->s, &o, &e->conn, now_is), LA_OK);
}

static struct world *world_new(void) {
  struct world *w = __real_calloc(1, sizeof *w);
  assert_non_null(w);
  now_is = 1000 * LA_SEC;
  strcpy(w->dir, "/tmp/lastack-memory.XXXXXX");
  assert_non_null(mkdtemp(w->dir));
  snprintf(w->path, sizeof w->path, "%s/s", w->dir);
  assert_int_equal(pipe(w->pipe), 0);
  assert_int_equal(write(w->pipe[1], "x", 1), 1);
  w->asker = -1;
  for (unsigned i = 0; i < 4; i++)
    stack_up(w, i);
  return w;
}

static void world_free(struct world *w) {
  la_host_free(w->h);
  for (unsigned i = 0; i < 4; i++) {
    if (w->d[i])
      w->d[i]->close(w->d[i]);
    la_stack_free(w->e[i].s);
  }
  close(w->pipe[0]);
  close(w->pipe[1]);
  if (w->asker >= 0)
    close(w->asker);
  assert_int_equal(rmdir(w->dir), 0); /* the monitor's socket has gone with the loop */
  __real_free(w->ring);
  __real_free(w);
}

/* One step of setting up; false: memory, which must have been told. */
static bool step(struct world *w, unsigned i) {
  char err[160] = "";
  const la_host_hooks hooks = {
    .work = work, .packet = i == 3 ? packet : NULL, .trace = i == 3 ? trace : NULL, .ctx = &w->e[i - 3 < 4 ? i - 3 : 0]};
  la_driver *d;
  bool ok;
  switch (i) {
  case 0:
    return (w->h = la_host_new()) != NULL;
  case 1:
    return (w->d[0] || la_pair_new(1500, DEPTH, &w->d[0], &w->d[1])) && (w->d[2] || la_pair_new(1500, DEPTH, &w->d[2], &w->d[3]));
  case 2:
    d = la_fault_new(w->d[0], "delay=1ms,seed=3", err, sizeof err);
    w->fault = w->d[0] = d ? d : w->d[0]; /* else the inner one is still ours */
    assert_true(d || strstr(err, "memory"));
    return d;
  case 3:
  case 4:
  case 5:
  case 6:
    return la_host_add_stack(w->h, w->e[i - 3].s, &hooks);
  case 7:
  case 8:
  case 9:
  case 10:
    ok = la_host_add_link(w->h, w->e[i - 7].s, 1, w->d[i - 7]);
    w->d[i - 7] = ok ? NULL : w->d[i - 7]; /* the loop's now */
    return ok;
  case 11:
    return la_host_watch(w->h, w->pipe[0], on_pipe, w);
  case 12:
    return la_host_stop_on(w->h, (int[]){SIGUSR2}, 1);
  default:
    ok = la_host_monitor(w->h, w->path, "memory", err, sizeof err);
    assert_true(ok || *err);
    assert_true(ok || access(w->path, F_OK) != 0);
    return ok;
  }
}
enum { STEPS = 14 };

static void dial(struct world *w) {
  static const char request[] = "{\"v\":1,\"get\":\"records\"}\n";
  struct sockaddr_un a = {.sun_family = AF_UNIX};
  strcpy(a.sun_path, w->path);
  w->asker = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);
  w->heard = 0;
  assert_int_equal(connect(w->asker, (struct sockaddr *)&a, sizeof a), 0);
  assert_int_equal(send(w->asker, request, sizeof request - 1, MSG_NOSIGNAL), sizeof request - 1);
}
/* Whoever is hung up on asks again. */
static void hear(struct world *w) {
  ssize_t n = recv(w->asker, w->answer + w->heard, sizeof w->answer - 1 - w->heard, 0);
  if (n > 0) {
    w->answer[w->heard += (size_t)n] = 0;
    w->asked |= strstr(w->answer, "{\"end\":true") != NULL;
  } else if (n == 0 || errno != EAGAIN) {
    close(w->asker);
    dial(w);
  }
}

static bool done(const struct end *e) { return e[0].ends == 1 && e[0].closed && e[1].ends == 1; }
static void must_be_whole(const struct end *e) {
  assert_true(done(e));
  assert_int_equal(e[0].got, BYTES);
  assert_int_equal(e[0].end.err, LA_OK);
  assert_int_equal(e[1].end.err, LA_OK);
  assert_int_equal(e[1].end.bytes_in, BYTES);
}

/* false: that many allocations are not made. */
static bool run(unsigned at, bool ever, unsigned kinds[KINDS]) {
  unsigned before = descriptors(), told = 0;
  struct world *w = world_new();
  la_fault_stats f = {0};
  uint64_t lost = 0;
  bool up = true, whole;
  memset(&mem, 0, sizeof mem);
  mem.at = at, mem.ever = ever, mem.on = true;
  for (unsigned i = 0; i < STEPS && up; i++)
    while (!step(w, i)) {
      told++;
      if (ever) { /* then the program gives up */
        up = false;
        break;
      }
      assert_int_equal(told, 1); /* the next try is granted */
    }
  if (up)
    dial(w);
  for (unsigned i = 0; up && i < TURNS && !(done(w->e) && done(w->e + 2) && w->asked && w->piped); i++) {
    assert_true(la_host_turn(w->h, LA_NEVER));
    hear(w);
    if (mem.hit && ever && done(w->e + 2) && w->piped) /* the one beside had no need of that memory */
      mem.at = 0;
  }
  if (up) {
    must_be_whole(w->e);
    must_be_whole(w->e + 2);
    assert_true(w->asked && w->piped);
    la_fault_stats_get(w->fault, &f);
    assert_int_equal(la_trace_read(w->e[0].s, w->ring, 1, &lost), 0);
    assert_int_equal(lost, 0);
    assert_true(w->seen > 2 * FEW);
    whole = la_host_drain(w->h, LA_SEC);
    assert_true(whole);
  }
  if (mem.hit)
    kinds[told ? TOLD : f.overflowed[0] + f.overflowed[1] ? DROPPED : LATE]++;
  world_free(w);
  mem.on = false;
  assert_int_equal(mem.live, 0);
  assert_int_equal(descriptors(), before);
  return mem.hit;
}

static void each_fails(void **state) {
  (void)state;
  unsigned kinds[KINDS] = {0};
  for (unsigned at = 1; at < MOST; at++) {
    bool once = run(at, false, kinds), from = run(at, true, kinds);
    assert_int_equal(once, from);
    if (!once) {
      print_message("%u allocations: %u told, %u packets dropped, %u later\n", at - 1, kinds[TOLD], kinds[DROPPED], kinds[LATE]);
      assert_true(at > 50 && kinds[TOLD] && kinds[DROPPED] && kinds[LATE]);
      return;
    }
  }
  fail_msg("no end of allocations");
}

/* ---- devices ---- */

static la_driver *tun(char *err, size_t cap) { return la_tun_open("lamem0", 1500, err, cap); }
static la_driver *bare(char *err, size_t cap) { return la_tun_open_offload("lamem0", 1500, 0, err, cap); }
static la_driver *tap(char *err, size_t cap) { return la_tap_open("lamem0", 1500, err, cap); }
static la_driver *station(char *err, size_t cap) { return la_packet_open("lamem1", (const uint8_t[LA_MAC]){2, 0, 0, 0, 0, 9}, err, cap); }

/*
 * No memory for a device: it is said, nothing stays open, and the name is not held: the next try has it. Emulators of a machine do not
 * know every device.
 */
static void device(la_driver *(*open_it)(char *, size_t)) {
  char err[160] = "";
  unsigned before = descriptors();
  la_driver *there = open_it(err, sizeof err);
  if (!there) {
    print_message("left out: %s\n", err);
    return;
  }
  there->close(there);
  memset(&mem, 0, sizeof mem);
  mem.at = 1, mem.on = true;
  assert_null(open_it(err, sizeof err));
  assert_true(mem.hit && strstr(err, "memory"));
  assert_int_equal(descriptors(), before);
  la_driver *d = open_it(err, sizeof err);
  assert_non_null(d);
  d->close(d);
  mem.on = false;
  assert_int_equal(mem.live, 0);
  assert_int_equal(descriptors(), before);
}

static void devices_fail(void **state) {
  (void)state;
  char err[160];
  la_driver *wire = unshare(geteuid() ? CLONE_NEWUSER | CLONE_NEWNET : CLONE_NEWNET) ? NULL : la_tap_open("lamem1", 1500, err, sizeof err);
  if (!wire)
    skip(); /* no right to make devices */
  assert_true(la_tun_host_addr("lamem1", &(la_addr){.family = 4, .b = {10, 9, 0, 1}}, 24, 1500, err, sizeof err)); /* brings it up */
  device(tun);
  device(bare);
  device(tap);
  device(station);
  wire->close(wire);
}

static void captures_fail(void **state) {
  (void)state;
  char err[160] = "";
  memset(&mem, 0, sizeof mem);
  mem.at = 1, mem.on = true;
  assert_null(la_pcapng_open("/dev/null", err, sizeof err));
  assert_true(mem.hit && strstr(err, "memory"));
  la_pcapng *p = la_pcapng_open("/dev/null", err, sizeof err);
  assert_true(p && la_pcapng_close(p));
  mem.on = false;
  assert_int_equal(mem.live, 0);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(each_fails), cmocka_unit_test(captures_fail), cmocka_unit_test(devices_fail)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}

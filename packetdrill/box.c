/* SPDX-License-Identifier: MIT */
#include "packetdrill/box.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { FIRST_FD = 200 };        /* out of the way of the process's own */
enum { CLOCKS_MOST = 1000000 }; /* in one jump: far more than any connection has before it gives up */

/* The instant at which this thread's last blocking call was finished; 0: it has been told. */
static _Thread_local la_time ended_at;

static void *heap_alloc(void *ctx, size_t n) {
  (void)ctx;
  return malloc(n);
}
static void heap_free(void *ctx, void *p, size_t n) {
  (void)ctx;
  (void)n;
  free(p);
}

/* What packetdrill's own scripts presume of the system under test. */
struct setup {
  la_config cfg;
  la_addr local, local6;
  uint32_t mtu;
};

static bool number(const char *v, uint32_t *to) {
  char *end;
  errno = 0;
  unsigned long n = strtoul(v, &end, 10);
  if (*v < '0' || *v > '9' || *end || errno || n > UINT32_MAX)
    return false;
  *to = (uint32_t)n;
  return true;
}

static bool item(struct setup *u, const char *name, const char *v) {
  if (strcmp(name, "local") == 0)
    return la_addr_parse(v, &u->local) && u->local.family == 4;
  if (strcmp(name, "local6") == 0)
    return la_addr_parse(v, &u->local6) && u->local6.family == 6;
  if (strcmp(name, "mtu") == 0)
    return number(v, &u->mtu);
  if (strcmp(name, "rcvbuf") == 0)
    return number(v, &u->cfg.rcvbuf);
  if (strcmp(name, "rcvbuf_max") == 0)
    return number(v, &u->cfg.rcvbuf_max);
  if (strcmp(name, "sndbuf") == 0)
    return number(v, &u->cfg.sndbuf);
  if (strcmp(name, "preset") == 0 && strcmp(v, "rfc") == 0) {
    la_config_init(&u->cfg, LA_PRESET_RFC);
    return true;
  }
  return strcmp(name, "preset") == 0 && strcmp(v, "linux") == 0;
}

static bool read_flags(struct setup *u, const char *flags) {
  memset(u, 0, sizeof *u);
  la_config_init(&u->cfg, LA_PRESET_LINUX);
  u->cfg.rcvbuf = 270000;
  u->cfg.rcvbuf_max = 15 << 20;
  u->mtu = 1500;
  la_addr_parse("192.168.0.2", &u->local);
  la_addr_parse("fd3d:fa7b:d17d::2", &u->local6);
  char *copy = strdup(flags ? flags : ""), *save = 0;
  bool ok = copy != 0;
  for (char *at = ok ? strtok_r(copy, ",", &save) : 0; ok && at; at = strtok_r(0, ",", &save)) {
    char *v = strchr(at, '=');
    if (v)
      *v++ = 0;
    ok = v && item(u, at, v);
    if (!ok)
      fprintf(stderr, "lastack: --so_flags: %s: not understood\n", at);
  }
  free(copy);
  return ok;
}

static bool networks(struct box *b, const struct setup *u) {
  const la_addr any = {.family = 4}, any6 = {.family = 6};
  b->link = la_link_add(b->s, u->mtu);
  if (!b->link || la_addr_add(b->s, b->link, &u->local, 16) || la_route_add(b->s, &any, 0, b->link))
    return false;
  return u->mtu < 1280 || (!la_addr_add(b->s, b->link, &u->local6, 48) && !la_route_add(b->s, &any6, 0, b->link));
}

struct box *la__box_new(const char *flags) {
  struct setup u;
  if (!read_flags(&u, flags))
    return 0;
  struct box *b = calloc(1, sizeof *b);
  if (!b)
    return 0;
  u.cfg.alloc = (la_alloc){heap_alloc, heap_free, 0};
  b->last = &b->first;
  b->now = 1000 * LA_SEC;
  b->s = la_stack_new(&u.cfg);
  b->null = open("/dev/null", O_RDWR | O_CLOEXEC);
  b->fds_end = FIRST_FD;
  b->p = b->s && networks(b, &u) ? la_posix_new(b->s, &(la_posix_opts){.size = sizeof(la_posix_opts), .first_fd = FIRST_FD}) : 0;
  if (!b->p) {
    fputs("lastack: --so_flags: a value is out of its range\n", stderr);
    la_stack_free(b->s);
    close(b->null);
    free(b);
    return 0;
  }
  pthread_mutex_init(&b->lock, 0);
  pthread_cond_init(&b->woke, 0);
  la_posix_turn(b->p, b->now);
  return b;
}

/* Where the process itself has the number, or cannot have it, it stays without. */
void la__box_fd_hold(struct box *b, int fd) {
  if (fd >= b->fds_end)
    b->fds_end = fd + 1;
  if (fcntl(fd, F_GETFD) < 0)
    dup3(b->null, fd, O_CLOEXEC);
}

void la__box_fd_drop(struct box *b, int fd) {
  struct stat ours, st;
  if (fd >= FIRST_FD && fd < b->fds_end && fstat(b->null, &ours) == 0 && fstat(fd, &st) == 0 && st.st_rdev == ours.st_rdev &&
      st.st_ino == ours.st_ino)
    close(fd);
}

/* What has come out at this instant joins the queue. false: nothing. */
static bool drain(struct box *b) {
  la_frame f;
  bool any = false;
  while (la_output(b->s, b->link, &f, 1, b->now)) {
    struct packet *k = malloc(sizeof *k + f.total);
    any = true;
    if (k) { /* without memory it is lost, as on any wire */
      k->next = 0;
      k->at = b->now;
      k->len = f.total;
      la_frame_copy(&f, k->bytes, f.total);
      *b->last = k;
      b->last = &k->next;
    }
    la_frame_done(b->s, &f);
  }
  return any;
}

static void finish(struct box *b, struct call **at, long result) {
  struct call *c = *at;
  *at = c->next;
  c->result = result;
  c->ended = b->now;
  c->done = true;
  pthread_cond_broadcast(&b->woke);
}

/* false: all still wait. */
static bool retry(struct box *b) {
  for (struct call **at = &b->blocked; *at; at = &(*at)->next) {
    if (!la_posix_due(b->p, &(*at)->w))
      continue;
    long r = (*at)->go(b, *at);
    if (r != LA_POSIX_BLOCKED) {
      finish(b, at, r);
      return true;
    }
  }
  return false;
}

/* Everything that can happen at this instant happens. */
static void settle(struct box *b) {
  bool more;
  do {
    la_tick(b->s, b->now);
    la_posix_turn(b->p, b->now);
    more = retry(b);
    more |= drain(b);
  } while (more);
}

static la_time next_clock(const struct box *b) {
  la_time at = la_deadline(b->s);
  for (const struct call *c = b->blocked; c; c = c->next)
    if (c->w.until < at)
      at = c->w.until;
  return at <= b->now ? b->now + 1 : at;
}

static void pass_until(struct box *b, la_time until) {
  for (la_time at = next_clock(b); at < until; at = next_clock(b)) {
    b->now = at;
    settle(b);
  }
  b->now = until;
  settle(b);
}

long la__box_call(struct box *b, struct call *c) {
  pthread_mutex_lock(&b->lock);
  c->result = c->go(b, c);
  if (c->result == LA_POSIX_BLOCKED) {
    struct call **end = &b->blocked;
    while (*end)
      end = &(*end)->next;
    *end = c;
    b->asleep++;
    settle(b);
    while (!c->done)
      pthread_cond_wait(&b->woke, &b->lock);
    ended_at = c->ended;
    b->asleep--;
    pthread_cond_broadcast(&b->woke);
  } else {
    settle(b);
  }
  pthread_mutex_unlock(&b->lock);
  return c->result;
}

bool la__box_input(struct box *b, const void *packet, size_t len) {
  pthread_mutex_lock(&b->lock);
  la_frame f = {.data = packet, .len = (uint32_t)len};
  bool taken = len <= UINT32_MAX && la_input(b->s, b->link, &f, 1, b->now) == 1; /* answers are drained after each, so it does not refuse */
  settle(b);
  pthread_mutex_unlock(&b->lock);
  return taken;
}

struct packet *la__box_output(struct box *b) {
  pthread_mutex_lock(&b->lock);
  for (unsigned i = 0; !b->first && i < CLOCKS_MOST; i++) {
    la_time at = next_clock(b);
    if (at == LA_NEVER)
      break;
    b->now = at;
    settle(b);
  }
  struct packet *k = b->first;
  if (k) {
    b->first = k->next;
    if (!b->first)
      b->last = &b->first;
  }
  pthread_mutex_unlock(&b->lock);
  return k;
}

void la__box_sleep(struct box *b, la_time ns) {
  pthread_mutex_lock(&b->lock);
  pass_until(b, b->now + ns);
  pthread_mutex_unlock(&b->lock);
}

la_time la__box_look(struct box *b) {
  pthread_mutex_lock(&b->lock);
  la_time at = ended_at;
  if (!at) {
    at = b->now;
    pass_until(b, b->now + LA_US);
  }
  ended_at = 0;
  pthread_mutex_unlock(&b->lock);
  return at;
}

void la__box_free(struct box *b) {
  pthread_mutex_lock(&b->lock);
  while (b->blocked)
    finish(b, &b->blocked, -EINTR);
  while (b->asleep)
    pthread_cond_wait(&b->woke, &b->lock);
  pthread_mutex_unlock(&b->lock);
  for (int fd = FIRST_FD; fd < b->fds_end; fd++)
    la__box_fd_drop(b, fd);
  close(b->null);
  la_posix_free(b->p);
  la_stack_free(b->s);
  for (struct packet *k = b->first; k;) {
    struct packet *next = k->next;
    free(k);
    k = next;
  }
  pthread_cond_destroy(&b->woke);
  pthread_mutex_destroy(&b->lock);
  free(b);
}

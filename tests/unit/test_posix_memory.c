/* SPDX-License-Identifier: MIT */
/* lint: theme */
/*
 * Memory that fails under the socket layer: each allocation of one side is refused once, alone and with all that follow. A call says
 * ENOMEM or ENOBUFS, as Linux's do, and has changed nothing: made again with memory it works. The connection beside is unharmed.
 */
#include "posix_test.h"

enum { DUPS = 40, MOST = 400, SLICE = 1000 };

static struct {
  bool on, ever, hit;
  unsigned at, calls, told;
} mem;
static la_alloc theirs; /* the guarded one of the side whose memory fails */

static void *alloc(void *ctx, size_t n) {
  (void)ctx;
  if (mem.on && (++mem.calls == mem.at || (mem.hit && mem.ever))) {
    mem.hit = true;
    return NULL;
  }
  return theirs.alloc(theirs.ctx, n);
}
static void give_back(void *ctx, void *p, size_t n) {
  (void)ctx;
  theirs.free(theirs.ctx, p, n);
}
static void tweak(la_config *c) {
  if (c->secret[0] == 2) { /* b */
    theirs = c->alloc;
    c->alloc = (la_alloc){alloc, give_back, NULL};
  }
}

static bool out_of_memory(long r) {
  bool so = r == E(NOMEM) || r == E(NOBUFS);
  mem.told += so;
  assert_true(!so || mem.hit);
  return so;
}
/* Once more, where only one allocation fails; else what could not be is left out. */
#define TRY(r, call) \
  do { \
    (r) = (call); \
    if (out_of_memory(r) && !mem.ever) \
      (r) = (call); \
    assert_true((r) >= 0 || (mem.ever && out_of_memory(r))); \
  } while (0)

static int udp_port(struct duo *d) {
  int fd = la_posix_socket(d->pa, LA_AF_INET, LA_SOCK_DGRAM | LA_SOCK_NONBLOCK, 0);
  la_sockaddr dns = sa4("0.0.0.0", 53);
  SAYS(la_posix_bind(d->pa, fd, &dns), 0);
  return fd;
}

/* All that b does while its memory fails. Returns how many of its descriptors are open. */
static unsigned script(struct duo *d, int fd[DUPS]) {
  unsigned n = 0;
  long r;
  int l = -1, p = -1, u = -1, ep = -1, out, c = tcp_socket(d->pa), at_a = udp_port(d);
  la_sockaddr any = sa4("0.0.0.0", 80), to = sa4("10.0.0.2", 80), dns = sa4("0.0.0.0", 53), far = sa4("10.0.0.1", 53),
              home = sa4("10.0.0.1", 7);
  char b[SLICE] = {0};
  TRY(l, la_posix_socket(d->pb, LA_AF_INET, LA_SOCK_STREAM | LA_SOCK_NONBLOCK, 0));
  if (l >= 0) {
    fd[n++] = l;
    TRY(r, la_posix_bind(d->pb, l, &any));
    if (r == 0)
      TRY(r, la_posix_listen(d->pb, l, 4));
  }
  set_nonblock(d->pa, c);
  SAYS(la_posix_connect(d->pa, c, &to, NULL), E(INPROGRESS));
  duo_pass(d, 4 * LA_SEC); /* a SYN that met no room comes again */
  if (l >= 0 && la_posix_readiness(d->pb, l) & LA_POLLIN) {
    TRY(p, la_posix_accept4(d->pb, l, NULL, LA_SOCK_NONBLOCK, NULL));
    if (p >= 0)
      fd[n++] = p;
  }
  assert_true(mem.ever || p >= 0);
  TRY(u, la_posix_socket(d->pb, LA_AF_INET, LA_SOCK_DGRAM | LA_SOCK_NONBLOCK, 0));
  if (u >= 0) {
    fd[n++] = u;
    TRY(r, la_posix_bind(d->pb, u, &dns));
    la_iovec v[2] = {{b, 600}, {b, 400}};
    la_msghdr m = {.name = &far, .iov = v, .iovlen = 2};
    TRY(r, la_posix_sendmsg(d->pb, u, &m, 0, NULL));
    duo_settle(d);
    if (r >= 0 && !mem.hit)
      SAYS(la_posix_recv(d->pa, at_a, b, sizeof b, 0, NULL), SLICE);
  }
  TRY(ep, la_posix_epoll_create(d->pb, 0));
  if (ep >= 0)
    fd[n++] = ep;
  if (ep >= 0 && p >= 0)
    TRY(r, la_posix_epoll_ctl(d->pb, ep, LA_EPOLL_CTL_ADD, p, &(la_epoll_event){.events = LA_POLLIN}));
  if (p >= 0) {
    TRY(r, la_posix_send(d->pb, p, b, sizeof b, 0, NULL));
    duo_pass(d, LA_SEC);
    if (r > 0 && !mem.ever)
      SAYS(la_posix_recv(d->pa, c, b, sizeof b, 0, NULL), SLICE);
    SAYS(la_posix_send(d->pa, c, b, sizeof b, 0, NULL), SLICE);
    duo_pass(d, 4 * LA_SEC);
    if (!mem.ever)
      SAYS(la_posix_recv(d->pb, p, b, sizeof b, 0, NULL), SLICE);
  }
  TRY(out, la_posix_socket(d->pb, LA_AF_INET, LA_SOCK_STREAM | LA_SOCK_NONBLOCK, 0));
  if (out >= 0) {
    fd[n++] = out;
    r = la_posix_connect(d->pb, out, &home, NULL);
    if (out_of_memory(r) && !mem.ever)
      r = la_posix_connect(d->pb, out, &home, NULL);
    assert_true(r == E(INPROGRESS) || mem.ever);
    duo_settle(d);
  }
  for (unsigned i = n; i < DUPS && n && fd[0] >= 0; i++) { /* the table of descriptors grows */
    int more;
    TRY(more, la_posix_dup(d->pb, fd[0]));
    if (more >= 0)
      fd[n++] = more;
  }
  la_posix_close(d->pa, c, NULL);
  la_posix_close(d->pa, at_a, NULL);
  return n;
}

/* There and back over the connection that stood before. */
static void beside(struct duo *d, int near, int far) {
  char b[SLICE], back[SLICE];
  memset(b, 'b', sizeof b);
  SAYS(la_posix_send(d->pa, far, b, sizeof b, 0, NULL), SLICE);
  duo_pass(d, 4 * LA_SEC);
  SAYS(la_posix_recv(d->pb, near, back, sizeof back, 0, NULL), SLICE);
  assert_memory_equal(b, back, sizeof b);
  SAYS(la_posix_send(d->pb, near, back, sizeof back, 0, NULL), SLICE);
  duo_pass(d, 4 * LA_SEC);
  SAYS(la_posix_recv(d->pa, far, b, sizeof b, 0, NULL), SLICE);
}

static bool run(unsigned at, bool ever, unsigned *told) {
  struct duo d;
  int far, near, fd[DUPS];
  memset(&mem, 0, sizeof mem);
  duo_start_with(&d, tweak);
  int first = server(&d, 9), home = tcp_socket(d.pa);
  la_sockaddr here = sa4("0.0.0.0", 7);
  SAYS(la_posix_bind(d.pa, home, &here), 0);
  SAYS(la_posix_listen(d.pa, home, 4), 0);
  joined(&d, first, 9, &far, &near);
  mem.at = at, mem.ever = ever, mem.on = true;
  unsigned n = script(&d, fd);
  mem.on = false;
  beside(&d, near, far);
  while (n)
    SAYS(la_posix_close(d.pb, fd[--n], NULL), 0);
  duo_pass(&d, 10 * LA_SEC);
  *told += mem.told > 0;
  duo_stop(&d); /* which finds what was not given back */
  return mem.hit;
}

static void each_fails(void **state) {
  (void)state;
  unsigned told = 0;
  for (unsigned at = 1; at < MOST; at++) {
    bool once = run(at, false, &told), from = run(at, true, &told);
    assert_true(once || !from);
    if (!once) {
      print_message("%u allocations, of %u cases %u told\n", at - 1, 2 * (at - 1), told);
      assert_true(at > 15 && told > at);
      return;
    }
  }
  fail_msg("no end of allocations");
}

/* The layer itself. */
static void no_layer(void **state) {
  (void)state;
  struct node n;
  test_mem_init(&n.mem);
  la_config_init(&n.cfg, LA_PRESET_LINUX);
  n.cfg.alloc = n.mem.mem.a;
  node_start(&n);
  n.mem.fail_one_in = 1;
  assert_null(la_posix_new(n.s, NULL));
  n.mem.fail_one_in = 0;
  la_posix *p = la_posix_new(n.s, NULL);
  assert_non_null(p);
  la_posix_free(p);
  node_free(&n);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(each_fails), cmocka_unit_test(no_layer)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}

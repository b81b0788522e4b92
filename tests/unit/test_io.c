/* SPDX-License-Identifier: MIT */
/* Bytes by socket calls: results and errno in each state, flags, vectors, blocking and its time-outs, ioctl. */
#include "tests/unit/posix_test.h"

static char big[1 << 20], got[1 << 20];

static void fill(void) {
  for (size_t i = 0; i < sizeof big; i++)
    big[i] = (char)(i * 31 + i / 251);
}

/* The state of a's socket, and what send and recv say there, first and then. */
enum way { FRESH, LISTENING, OPENING, OPEN, SHUT_W, SHUT_R, SHUT_ALL, PEER_FIN, PEER_FIN_SHUT, RESET, RESET_AFTER_FIN, REFUSED, OVER };
static const struct {
  const char *name;
  enum way way;
  int send1, send2, recv1, recv2;
} state_rows[] = {
  {"fresh", FRESH, E(PIPE), E(PIPE), E(NOTCONN), E(NOTCONN)},
  {"listening", LISTENING, E(PIPE), E(PIPE), E(NOTCONN), E(NOTCONN)},
  {"SYN-SENT", OPENING, E(AGAIN), E(AGAIN), E(AGAIN), E(AGAIN)},
  {"ESTABLISHED", OPEN, 3, 3, E(AGAIN), E(AGAIN)},
  {"after SHUT_WR", SHUT_W, E(PIPE), E(PIPE), E(AGAIN), E(AGAIN)},
  {"after SHUT_RD", SHUT_R, 3, 3, 0, 0},
  {"after SHUT_RDWR", SHUT_ALL, E(PIPE), E(PIPE), 0, 0},
  {"CLOSE-WAIT", PEER_FIN, 3, 3, 0, 0},
  {"LAST-ACK", PEER_FIN_SHUT, E(PIPE), E(PIPE), 0, 0},
  {"reset", RESET, E(CONNRESET), E(PIPE), E(CONNRESET), 0},
  {"reset in CLOSE-WAIT", RESET_AFTER_FIN, E(PIPE), E(PIPE), 0, 0},
  {"refused", REFUSED, E(CONNREFUSED), E(PIPE), E(CONNREFUSED), 0},
  {"released", OVER, E(PIPE), E(PIPE), 0, 0},
};

static void reset_by(struct duo *d, la_posix *p, int fd) {
  la_linger l = {1, 0};
  SAYS(la_posix_setsockopt(p, fd, LA_SOL_SOCKET, LA_SO_LINGER, &l, sizeof l), 0);
  SAYS(la_posix_close(p, fd, NULL), 0);
  duo_settle(d);
}

static int reach(struct duo *d, enum way way) {
  la_sockaddr to = sa4("10.0.0.2", 80), nobody = sa4("10.0.0.2", 81);
  int s = server(d, 80), c = tcp_socket(d->pa), n;
  set_nonblock(d->pa, c);
  if (way == FRESH)
    return c;
  if (way == LISTENING) {
    SAYS(la_posix_listen(d->pa, c, 1), 0);
    return c;
  }
  if (way == OPENING || way == REFUSED) {
    SAYS(la_posix_connect(d->pa, c, way == REFUSED ? &nobody : &to, NULL), E(INPROGRESS));
    if (way == REFUSED)
      duo_settle(d);
    return c;
  }
  joined_with(d, s, 80, c, &n);
  switch (way) {
  case SHUT_W:
  case SHUT_R:
  case SHUT_ALL:
    SAYS(la_posix_shutdown(d->pa, c, way == SHUT_W ? LA_SHUT_WR : way == SHUT_R ? LA_SHUT_RD : LA_SHUT_RDWR), 0);
    break;
  case PEER_FIN:
  case PEER_FIN_SHUT:
    SAYS(la_posix_shutdown(d->pb, n, LA_SHUT_WR), 0);
    duo_settle(d);
    if (way == PEER_FIN_SHUT)
      SAYS(la_posix_shutdown(d->pa, c, LA_SHUT_WR), 0);
    return c;
  case RESET:
    reset_by(d, d->pb, n);
    break;
  case RESET_AFTER_FIN:
    SAYS(la_posix_shutdown(d->pb, n, LA_SHUT_WR), 0);
    duo_settle(d);
    SAYS(tcp_state(d->pa, c), LA_TCP_CLOSE_WAIT);
    reset_by(d, d->pb, n);
    break;
  case OVER:
    SAYS(la_posix_shutdown(d->pb, n, LA_SHUT_WR), 0);
    SAYS(la_posix_shutdown(d->pa, c, LA_SHUT_WR), 0);
    break;
  default:
    break;
  }
  duo_settle(d);
  return c;
}

static void every_state(void **state) {
  (void)state;
  for (unsigned i = 0; i < sizeof state_rows / sizeof state_rows[0]; i++)
    for (unsigned recv = 0; recv < 2; recv++) {
      struct duo d;
      duo_start(&d);
      int c = reach(&d, state_rows[i].way);
      for (unsigned again = 0; again < 2; again++) {
        int want = recv ? (again ? state_rows[i].recv2 : state_rows[i].recv1) : again ? state_rows[i].send2 : state_rows[i].send1;
        long r = recv ? (long)la_posix_recv(d.pa, c, got, 3, 0, NULL) : (long)la_posix_send(d.pa, c, "abc", 3, 0, NULL);
        if (r != want)
          fail_msg("%s, %s, time %u: %ld (%s), not %d (%s)", state_rows[i].name, recv ? "recv" : "send", again + 1, r,
                   la_posix_errno_name((int)r), want, la_posix_errno_name(want));
      }
      duo_stop(&d);
    }
}

static void there_and_back(void **state) {
  (void)state;
  struct duo d;
  duo_start(&d);
  int s = server(&d, 80), c, n;
  fill();
  joined(&d, s, 80, &c, &n);
  SAYS(la_posix_write(d.pa, c, big, 1000, NULL), 1000);
  la_iovec v[3] = {{big + 1000, 500}, {NULL, 0}, {big + 1500, 1500}};
  SAYS(la_posix_writev(d.pa, c, v, 3, NULL), 2000);
  SAYS(la_posix_sendmsg(d.pa, c, &(la_msghdr){.iov = v, .iovlen = 0}, 0, NULL), 0);
  SAYS(la_posix_send(d.pa, c, NULL, 0, 0, NULL), 0);
  v[0].base = big + 3000;
  v[2].base = big + 3500;
  SAYS(la_posix_sendmsg(d.pa, c, &(la_msghdr){.iov = v, .iovlen = 3}, 0, NULL), 2000);
  duo_pass(&d, LA_SEC);
  la_iovec w[2] = {{got, 100}, {got + 100, 3000}};
  SAYS(la_posix_readv(d.pb, n, w, 2, NULL), 3100);
  la_sockaddr from = sa4("1.2.3.4", 5);
  la_msghdr m = {.name = &from, .iov = w, .iovlen = 2, .controllen = 7, .flags = -1};
  w[0].base = got + 3100;
  w[1].base = got + 3200;
  SAYS(la_posix_recvmsg(d.pb, n, &m, 0, NULL), 1900);
  assert_memory_equal(got, big, 5000);
  assert_int_equal(from.family, 0); /* a stream names nobody */
  assert_int_equal(m.controllen, 0);
  assert_int_equal(m.flags, 0);
  SAYS(la_posix_read(d.pb, n, got, 10, NULL), E(AGAIN));
  SAYS(la_posix_read(d.pb, n, got, 0, NULL), 0);
  SAYS(la_posix_recv(d.pb, n, got, 0, 0, NULL), E(AGAIN));   /* recv looks even for nothing */
  SAYS(la_posix_sendto(d.pa, c, big, 1, 0, &from, NULL), 1); /* the address is not looked at */
  duo_settle(&d);
  SAYS(la_posix_recv(d.pb, n, got, 0, 0, NULL), 0);
  SAYS(la_posix_recvfrom(d.pb, n, got, 9, 0, &from, NULL), 1);
  duo_stop(&d);
}

static void bad_arguments(void **state) {
  (void)state;
  struct duo d;
  duo_start(&d);
  int s = server(&d, 80), c, n;
  joined(&d, s, 80, &c, &n);
  la_iovec v[2] = {{big, 100}, {NULL, 100}};
  SAYS(la_posix_send(d.pa, c, NULL, 5, 0, NULL), E(FAULT));
  SAYS(la_posix_writev(d.pa, c, v, 2, NULL), 100); /* what could be read is sent */
  SAYS(la_posix_writev(d.pa, c, v + 1, 1, NULL), E(FAULT));
  SAYS(la_posix_writev(d.pa, c, NULL, 1, NULL), E(FAULT));
  SAYS(la_posix_writev(d.pa, c, v, -1, NULL), E(INVAL));
  SAYS(la_posix_writev(d.pa, c, v, 1025, NULL), E(INVAL));
  SAYS(la_posix_readv(d.pa, c, v, 1025, NULL), E(INVAL));
  SAYS(la_posix_sendmsg(d.pa, c, NULL, 0, NULL), E(FAULT));
  SAYS(la_posix_recvmsg(d.pa, c, NULL, 0, NULL), E(FAULT));
  SAYS(la_posix_sendmsg(d.pa, c, &(la_msghdr){.iov = v, .iovlen = 1025}, 0, NULL), E(MSGSIZE));
  SAYS(la_posix_recvmsg(d.pa, c, &(la_msghdr){.iov = v, .iovlen = 1025}, 0, NULL), E(MSGSIZE));
  v[0].len = v[1].len = SIZE_MAX / 3;
  SAYS(la_posix_writev(d.pa, c, v, 2, NULL), E(INVAL));
  SAYS(la_posix_recv(d.pa, c, NULL, 5, 0, NULL), E(AGAIN)); /* nothing there to be copied */
  SAYS(la_posix_send(d.pa, c, "x", 1, LA_MSG_OOB, NULL), E(OPNOTSUPP));
  SAYS(la_posix_send(d.pa, c, "x", 1, LA_MSG_FASTOPEN, NULL), E(OPNOTSUPP));
  SAYS(la_posix_recv(d.pa, c, got, 1, LA_MSG_OOB, NULL), E(INVAL));
  SAYS(la_posix_recv(d.pa, c, got, 1, LA_MSG_ERRQUEUE, NULL), E(AGAIN));
  duo_settle(&d);
  SAYS(la_posix_recv(d.pb, n, NULL, 5, 0, NULL), E(FAULT));
  v[0] = (la_iovec){got, 60};
  v[1] = (la_iovec){NULL, 60};
  SAYS(la_posix_readv(d.pb, n, v, 2, NULL), 60);
  SAYS(la_posix_recv(d.pb, n, got, 60, 0, NULL), 40); /* nothing was lost */
  duo_stop(&d);
}

static void peek_and_trunc(void **state) {
  (void)state;
  struct duo d;
  duo_start(&d);
  int s = server(&d, 80), c, n;
  fill();
  joined(&d, s, 80, &c, &n);
  SAYS(la_posix_send(d.pa, c, big, 2000, 0, NULL), 2000);
  duo_pass(&d, LA_SEC);
  SAYS(la_posix_recv(d.pb, n, got, 100, LA_MSG_PEEK, NULL), 100);
  SAYS(la_posix_recv(d.pb, n, got, 3000, LA_MSG_PEEK, NULL), 2000);
  assert_memory_equal(got, big, 2000);
  SAYS(la_posix_recv(d.pb, n, NULL, 700, LA_MSG_TRUNC, NULL), 700);
  SAYS(la_posix_recv(d.pb, n, NULL, 3000, LA_MSG_TRUNC | LA_MSG_PEEK, NULL), 1300);
  SAYS(la_posix_recv(d.pb, n, got, 3000, 0, NULL), 1300);
  assert_memory_equal(got, big + 700, 1300);
  la_posix_wait w = {0};
  SAYS(la_posix_fcntl(d.pb, n, LA_F_SETFL, 0), 0);
  SAYS(la_posix_send(d.pa, c, big, 10, 0, NULL), 10);
  duo_settle(&d);
  SAYS(la_posix_recv(d.pb, n, got, 20, LA_MSG_PEEK | LA_MSG_WAITALL, &w), LA_POSIX_BLOCKED);
  SAYS(la_posix_send(d.pa, c, big + 10, 10, 0, NULL), 10);
  duo_pass(&d, LA_SEC); /* Nagle */
  SAYS(la_posix_recv(d.pb, n, got, 20, LA_MSG_PEEK | LA_MSG_WAITALL, &w), 20);
  SAYS(la_posix_recv(d.pb, n, got + 20, 20, 0, NULL), 20);
  assert_memory_equal(got, big, 20);
  assert_memory_equal(got + 20, big, 20);
  duo_stop(&d);
}

static void blocking_recv(void **state) {
  (void)state;
  struct duo d;
  duo_start(&d);
  int s = server(&d, 80), c, n;
  fill();
  joined(&d, s, 80, &c, &n);
  SAYS(la_posix_fcntl(d.pb, n, LA_F_SETFL, 0), 0);
  la_posix_wait w = {0}, all = {0};
  SAYS(la_posix_recv(d.pb, n, got, 100, 0, &w), LA_POSIX_BLOCKED);
  assert_int_equal(w.fd, n);
  assert_int_equal(w.events, LA_POLLIN);
  assert_false(la_posix_due(d.pb, &w));
  SAYS(la_posix_recv(d.pb, n, got, 100, LA_MSG_DONTWAIT, &(la_posix_wait){0}), E(AGAIN));
  SAYS(la_posix_send(d.pa, c, big, 30, 0, NULL), 30);
  duo_settle(&d);
  assert_true(la_posix_due(d.pb, &w));
  SAYS(la_posix_recv(d.pb, n, got, 100, 0, &w), 30);
  SAYS(la_posix_recv(d.pb, n, got + 30, 100, LA_MSG_WAITALL, &all), LA_POSIX_BLOCKED);
  for (unsigned i = 0; i < 3; i++) {
    SAYS(la_posix_send(d.pa, c, big + 30 + 40 * i, 40, 0, NULL), 40);
    duo_pass(&d, LA_SEC);
    SAYS(la_posix_recv(d.pb, n, got + 30, 100, LA_MSG_WAITALL, &all), i < 2 ? LA_POSIX_BLOCKED : 100);
  }
  assert_memory_equal(got, big, 130);
  SAYS(la_posix_recv(d.pb, n, got, 100, 0, NULL), 20);
  all = (la_posix_wait){0};
  SAYS(la_posix_recv(d.pb, n, got, 100, LA_MSG_WAITALL, &all), LA_POSIX_BLOCKED);
  SAYS(la_posix_send(d.pa, c, big, 40, 0, NULL), 40);
  duo_settle(&d);
  SAYS(la_posix_recv(d.pb, n, got, 100, LA_MSG_WAITALL, &all), LA_POSIX_BLOCKED);
  SAYS(la_posix_shutdown(d.pa, c, LA_SHUT_WR), 0);
  duo_settle(&d);
  SAYS(la_posix_recv(d.pb, n, got, 100, LA_MSG_WAITALL, &all), 40); /* the end cuts it short */
  SAYS(la_posix_recv(d.pb, n, got, 100, LA_MSG_WAITALL, &(la_posix_wait){0}), 0);
  duo_stop(&d);
}

static void recv_time_out_and_low_water(void **state) {
  (void)state;
  struct duo d;
  duo_start(&d);
  int s = server(&d, 80), c, n;
  joined(&d, s, 80, &c, &n);
  SAYS(la_posix_fcntl(d.pb, n, LA_F_SETFL, 0), 0);
  la_timeval tv = {0, 250000};
  SAYS(la_posix_setsockopt(d.pb, n, LA_SOL_SOCKET, LA_SO_RCVTIMEO, &tv, sizeof tv), 0);
  la_posix_wait w = {0};
  la_time until = d.now + 250 * LA_MS;
  SAYS(la_posix_recv(d.pb, n, got, 10, 0, &w), LA_POSIX_BLOCKED);
  assert_true(w.until == until);
  duo_pass(&d, 100 * LA_MS);
  SAYS(la_posix_recv(d.pb, n, got, 10, 0, &w), LA_POSIX_BLOCKED);
  assert_true(w.until == until);
  duo_until(&d, until);
  assert_true(la_posix_due(d.pb, &w));
  SAYS(la_posix_recv(d.pb, n, got, 10, 0, &w), E(AGAIN));
  SAYS(set_int(d.pb, n, LA_SOL_SOCKET, LA_SO_RCVLOWAT, 50), 0);
  w = (la_posix_wait){0};
  SAYS(la_posix_recv(d.pb, n, got, 100, 0, &w), LA_POSIX_BLOCKED);
  SAYS(la_posix_send(d.pa, c, big, 49, 0, NULL), 49);
  duo_settle(&d);
  assert_false(la_posix_due(d.pb, &w));
  SAYS(la_posix_readiness(d.pb, n) & LA_POLLIN, 0);
  SAYS(la_posix_recv(d.pb, n, got, 100, 0, &w), LA_POSIX_BLOCKED); /* they are taken, and the call goes on */
  SAYS(la_posix_send(d.pa, c, big, 1, 0, NULL), 1);
  duo_settle(&d);
  SAYS(la_posix_recv(d.pb, n, got, 100, 0, &w), 50);
  w = (la_posix_wait){0};
  SAYS(la_posix_send(d.pa, c, big, 3, 0, NULL), 3);
  duo_settle(&d);
  SAYS(la_posix_recv(d.pb, n, got, 100, 0, &w), LA_POSIX_BLOCKED);
  duo_pass(&d, 250 * LA_MS);
  SAYS(la_posix_recv(d.pb, n, got, 100, 0, &w), 3); /* a time-out gives what there is */
  duo_stop(&d);
}

static void small_buffers(la_config *c) {
  c->sndbuf = c->rcvbuf = 8192;
  c->send_pieces = 0; /* to the byte */
  c->sndbuf_max = c->rcvbuf_max = 0;
}

/* A write of more than fits: part of it without blocking, all of it with. */
static void blocking_send(void **state) {
  (void)state;
  struct duo d;
  duo_start_with(&d, small_buffers);
  int s = server(&d, 80), c, n;
  fill();
  joined(&d, s, 80, &c, &n);
  SAYS(la_posix_send(d.pa, c, big, 20000, 0, NULL), 8192);
  SAYS(la_posix_send(d.pa, c, big, 20000, 0, NULL), E(AGAIN));
  SAYS(la_posix_fcntl(d.pa, c, LA_F_SETFL, 0), 0);
  la_posix_wait w = {0};
  size_t have = 0;
  SAYS(la_posix_send(d.pa, c, big + 8192, 60000, 0, &w), LA_POSIX_BLOCKED);
  assert_int_equal(w.events, LA_POLLOUT);
  assert_false(la_posix_due(d.pa, &w));
  ptrdiff_t r = LA_POSIX_BLOCKED;
  for (unsigned i = 0; i < 1000 && r == LA_POSIX_BLOCKED; i++) {
    duo_pass(&d, 10 * LA_MS);
    ptrdiff_t k = la_posix_recv(d.pb, n, got + have, 5000, 0, NULL);
    have += k > 0 ? (size_t)k : 0;
    if (la_posix_due(d.pa, &w))
      r = la_posix_send(d.pa, c, big + 8192, 60000, 0, &w);
  }
  SAYS(r, 60000);
  for (unsigned i = 0; i < 1000 && have < 68192; i++) {
    duo_pass(&d, 10 * LA_MS);
    ptrdiff_t k = la_posix_recv(d.pb, n, got + have, 5000, 0, NULL);
    have += k > 0 ? (size_t)k : 0;
  }
  assert_int_equal(have, 68192);
  assert_memory_equal(got, big, 68192);
  la_timeval tv = {1, 0};
  SAYS(la_posix_setsockopt(d.pa, c, LA_SOL_SOCKET, LA_SO_SNDTIMEO, &tv, sizeof tv), 0);
  w = (la_posix_wait){0};
  SAYS(la_posix_send(d.pa, c, big, 60000, 0, &w), LA_POSIX_BLOCKED);
  duo_pass(&d, 2 * LA_SEC);
  r = la_posix_send(d.pa, c, big, 60000, 0, &w); /* its time is over: what went */
  assert_in_range(r, 8192, 59999);
  w = (la_posix_wait){0};
  SAYS(la_posix_send(d.pa, c, big, 60000, 0, &w), LA_POSIX_BLOCKED);
  reset_by(&d, d.pb, n);
  assert_true(la_posix_due(d.pa, &w));
  SAYS(la_posix_send(d.pa, c, big, 60000, 0, &w), E(CONNRESET));
  SAYS(la_posix_send(d.pa, c, big, 60000, 0, &(la_posix_wait){0}), E(PIPE));
  duo_stop(&d);
}

/* A writer waits for the connection itself. */
static void blocking_send_in_syn_sent(void **state) {
  (void)state;
  struct duo d;
  duo_start(&d);
  int s = server(&d, 80), c = tcp_socket(d.pa);
  la_sockaddr to = sa4("10.0.0.2", 80);
  la_posix_wait w = {0}, r = {0};
  SAYS(la_posix_connect(d.pa, c, &to, NULL), E(INPROGRESS));
  SAYS(la_posix_send(d.pa, c, "abc", 3, 0, &w), LA_POSIX_BLOCKED);
  SAYS(la_posix_recv(d.pa, c, got, 3, 0, &r), LA_POSIX_BLOCKED);
  duo_settle(&d);
  SAYS(la_posix_send(d.pa, c, "abc", 3, 0, &w), 3);
  assert_false(la_posix_due(d.pa, &r));
  int n = la_posix_accept(d.pb, s, NULL, NULL);
  duo_settle(&d);
  SAYS(la_posix_recv(d.pb, n, got, 3, 0, NULL), 3);
  SAYS(la_posix_close(d.pb, n, NULL), 0);
  duo_settle(&d);
  assert_true(la_posix_due(d.pa, &r));
  SAYS(la_posix_recv(d.pa, c, got, 3, 0, &r), 0);
  duo_stop(&d);
}

/* MSG_MORE holds what is not full until more comes without it. */
static void more(void **state) {
  (void)state;
  struct duo d;
  duo_start(&d);
  int s = server(&d, 80), c, n;
  joined(&d, s, 80, &c, &n);
  SAYS(la_posix_send(d.pa, c, big, 100, LA_MSG_MORE, NULL), 100);
  duo_settle(&d);
  SAYS(la_posix_recv(d.pb, n, got, 1000, 0, NULL), E(AGAIN));
  SAYS(la_posix_send(d.pa, c, big, 100, LA_MSG_MORE, NULL), 100);
  SAYS(la_posix_send(d.pa, c, big, 100, 0, NULL), 100);
  duo_settle(&d);
  SAYS(la_posix_recv(d.pb, n, got, 1000, 0, NULL), 300);
  duo_stop(&d);
}

/* MSG_EOR: what is sent later does not share its segment, and it waits for nothing behind it. */
static void records(void **state) {
  (void)state;
  struct duo d;
  duo_start(&d);
  int s = server(&d, 80), c, n;
  joined(&d, s, 80, &c, &n);
  la_iovec v[2] = {{big, 100}, {big + 100, 200}};
  la_msghdr m = {.iov = v, .iovlen = 2};
  SAYS(la_posix_sendmsg(d.pa, c, &m, LA_MSG_EOR, NULL), 300);
  SAYS(la_posix_send(d.pa, c, big, 150, 0, NULL), 150);
  struct ip_hdr h;
  assert_int_equal(next_segment(&d, &d.a, &h).len, 300);
  duo_stop(&d);
}

static void queue_lengths(void **state) {
  (void)state;
  struct duo d;
  duo_start(&d);
  int s = server(&d, 80), c, n, v = -1;
  SAYS(la_posix_ioctl(d.pb, s, LA_SIOCINQ, &v), E(INVAL));
  SAYS(la_posix_ioctl(d.pb, s, LA_SIOCOUTQ, &v), E(INVAL));
  c = tcp_socket(d.pa);
  SAYS(la_posix_ioctl(d.pa, c, LA_SIOCINQ, &v), 0);
  SAYS(v, 0);
  SAYS(la_posix_ioctl(d.pa, c, 0x1234, &v), E(NOTTY));
  SAYS(la_posix_ioctl(d.pa, c, LA_SIOCINQ, NULL), E(FAULT));
  SAYS(la_posix_ioctl(d.pa, c, LA_FIONBIO, NULL), E(FAULT));
  joined_with(&d, s, 80, c, &n);
  SAYS(la_posix_send(d.pa, c, big, 5000, 0, NULL), 5000);
  SAYS(la_posix_ioctl(d.pa, c, LA_SIOCOUTQNSD, &v), 0);
  SAYS(v, 5000);
  SAYS(la_posix_shutdown(d.pa, c, LA_SHUT_WR), 0);
  SAYS(la_posix_ioctl(d.pa, c, LA_SIOCOUTQ, &v), 0);
  SAYS(v, 5001); /* the FIN counts, as on Linux */
  duo_pass(&d, LA_SEC);
  SAYS(la_posix_ioctl(d.pa, c, LA_SIOCOUTQ, &v), 0);
  SAYS(v, 0);
  SAYS(la_posix_ioctl(d.pb, n, LA_FIONREAD, &v), 0);
  SAYS(v, 5000); /* but not the peer's */
  SAYS(la_posix_ioctl(d.pb, n, LA_SIOCATMARK, &v), 0);
  SAYS(v, 0);
  duo_stop(&d);
}

/* close: unread data resets; SO_LINGER waits, or resets; a descriptor is free at once. */
static void closing(void **state) {
  (void)state;
  struct duo d;
  duo_start(&d);
  int s = server(&d, 80), c, n;
  joined(&d, s, 80, &c, &n);
  SAYS(la_posix_send(d.pb, n, "x", 1, 0, NULL), 1);
  duo_settle(&d);
  SAYS(la_posix_close(d.pa, c, NULL), 0);
  duo_settle(&d);
  SAYS(la_posix_recv(d.pb, n, got, 1, 0, NULL), E(CONNRESET));
  joined(&d, s, 80, &c, &n);
  la_linger l = {1, 5};
  la_posix_wait w = {0};
  SAYS(la_posix_setsockopt(d.pa, c, LA_SOL_SOCKET, LA_SO_LINGER, &l, sizeof l), 0);
  SAYS(la_posix_send(d.pa, c, big, 100, 0, NULL), 100);
  int copy = la_posix_dup(d.pa, c);
  SAYS(la_posix_close(d.pa, copy, &w), 0); /* not the last one */
  SAYS(tcp_state(d.pa, c), LA_TCP_ESTABLISHED);
  SAYS(la_posix_close(d.pa, c, &w), LA_POSIX_BLOCKED);
  assert_true(w.until == d.now + 5 * LA_SEC);
  SAYS(tcp_socket(d.pa), c);
  assert_false(la_posix_due(d.pa, &w));
  duo_settle(&d);
  assert_true(la_posix_due(d.pa, &w));
  SAYS(la_posix_close(d.pa, c, &w), 0); /* acknowledged: FIN-WAIT-2 is not waited for */
  SAYS(la_posix_fcntl(d.pa, c, LA_F_GETFL, 0), LA_O_RDWR);
  c = tcp_socket(d.pa);
  joined_with(&d, s, 80, c, &n);
  SAYS(la_posix_setsockopt(d.pa, c, LA_SOL_SOCKET, LA_SO_LINGER, &l, sizeof l), 0);
  d.cut = true;
  w = (la_posix_wait){0};
  SAYS(la_posix_close(d.pa, c, &w), LA_POSIX_BLOCKED); /* although it is non-blocking */
  duo_pass(&d, 4 * LA_SEC);
  SAYS(la_posix_close(d.pa, c, &w), LA_POSIX_BLOCKED);
  duo_pass(&d, LA_SEC);
  SAYS(la_posix_close(d.pa, c, &w), 0); /* time is up: it goes on alone */
  assert_int_equal(stats_of(&d.a).orphans, 2);
  duo_stop(&d);
}

/* What came before the reset is read first; then the error, once; then nothing more. Nothing more can be sent meanwhile. */
static void unread_before_reset(void **state) {
  (void)state;
  struct duo d;
  duo_start(&d);
  int s = server(&d, 80), c, n;
  joined(&d, s, 80, &c, &n);
  SAYS(la_posix_send(d.pb, n, "abcdef", 6, 0, NULL), 6);
  duo_settle(&d);
  reset_by(&d, d.pb, n);
  int bits = LA_POLLIN | LA_POLLRDNORM | LA_POLLOUT | LA_POLLWRNORM | LA_POLLERR | LA_POLLHUP | LA_POLLRDHUP;
  SAYS(la_posix_readiness(d.pa, c), bits);
  SAYS(la_posix_recv(d.pa, c, got, 4, 0, NULL), 4);
  assert_memory_equal(got, "abcd", 4);
  SAYS(la_posix_recv(d.pa, c, got, 4, LA_MSG_PEEK, NULL), 2);
  SAYS(la_posix_recv(d.pa, c, got, 4, 0, NULL), 2);
  assert_memory_equal(got, "ef", 2);
  SAYS(la_posix_readiness(d.pa, c), bits);
  SAYS(la_posix_recv(d.pa, c, got, 4, 0, NULL), E(CONNRESET));
  SAYS(la_posix_readiness(d.pa, c), bits & ~LA_POLLERR);
  SAYS(la_posix_recv(d.pa, c, got, 4, 0, NULL), 0);
  SAYS(la_posix_send(d.pa, c, "x", 1, 0, NULL), E(PIPE));
  SAYS(so_error(d.pa, c), 0);
  SAYS(la_posix_close(d.pa, c, NULL), 0);
  duo_stop(&d);
}

/* Both directions shut down: what still comes is answered with RST, and the socket hears of it. */
static void data_after_full_shutdown(void **state) {
  (void)state;
  struct duo d;
  duo_start(&d);
  int s = server(&d, 80), c, n;
  joined(&d, s, 80, &c, &n);
  SAYS(la_posix_shutdown(d.pa, c, LA_SHUT_RDWR), 0);
  duo_settle(&d);
  SAYS(la_posix_send(d.pb, n, "x", 1, 0, NULL), 1);
  duo_settle(&d);
  SAYS(so_error(d.pa, c), LA_POSIX_ECONNRESET);
  SAYS(so_error(d.pb, n), LA_POSIX_EPIPE); /* Linux's word for a reset in CLOSE-WAIT */
  duo_stop(&d);
}

int main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(every_state),
    cmocka_unit_test(there_and_back),
    cmocka_unit_test(bad_arguments),
    cmocka_unit_test(peek_and_trunc),
    cmocka_unit_test(blocking_recv),
    cmocka_unit_test(recv_time_out_and_low_water),
    cmocka_unit_test(blocking_send),
    cmocka_unit_test(blocking_send_in_syn_sent),
    cmocka_unit_test(more),
    cmocka_unit_test(records),
    cmocka_unit_test(queue_lengths),
    cmocka_unit_test(closing),
    cmocka_unit_test(data_after_full_shutdown),
    cmocka_unit_test(unread_before_reset),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: MIT */
/* What comes beside the bytes: ancillary data of recvmsg, MSG_MORE with TCP_NODELAY, what the socket holds. */
#include "posix_test.h"

static char got[4096];

struct inq {
  la_cmsghdr h;
  int left;
};

static ptrdiff_t read_inq(la_posix *p, int fd, size_t n, size_t room, struct inq *q, la_msghdr *m) {
  la_iovec v = {got, n};
  memset(q, 0, sizeof *q);
  *m = (la_msghdr){.iov = &v, .iovlen = 1, .control = q, .controllen = room};
  return la_posix_recvmsg(p, fd, m, 0, NULL);
}

/* TCP_INQ: how much is left behind what was read, and the end of the stream as one more. */
static void inq(void **state) {
  (void)state;
  struct duo d;
  struct inq q;
  la_msghdr m;
  duo_start(&d);
  int s = server(&d, 80), c, n;
  joined(&d, s, 80, &c, &n);
  SAYS(set_int(d.pa, c, LA_SOL_TCP, LA_TCP_INQ, 2), E(INVAL));
  SAYS(la_posix_send(d.pb, n, "0123456789", 10, 0, NULL), 10);
  duo_settle(&d);
  SAYS(read_inq(d.pa, c, 2, sizeof q, &q, &m), 2);
  assert_int_equal(m.controllen, 0);
  SAYS(set_int(d.pa, c, LA_SOL_TCP, LA_TCP_INQ, 1), 0);
  SAYS(read_inq(d.pa, c, 2, sizeof q, &q, &m), 2);
  assert_int_equal(m.controllen, sizeof q);
  assert_int_equal(m.flags, 0);
  assert_int_equal(q.h.len, sizeof q.h + sizeof q.left);
  assert_int_equal(q.h.level, LA_SOL_TCP);
  assert_int_equal(q.h.type, LA_TCP_INQ);
  assert_int_equal(q.left, 6);
  SAYS(read_inq(d.pa, c, 2, sizeof q.h + 2, &q, &m), 2); /* no room for all of it, then for nothing */
  assert_int_equal(m.flags, LA_MSG_CTRUNC);
  assert_int_equal(q.h.len, sizeof q.h + 2);
  SAYS(read_inq(d.pa, c, 2, sizeof q.h - 1, &q, &m), 2);
  assert_int_equal(m.flags, LA_MSG_CTRUNC);
  assert_int_equal(m.controllen, 0);
  SAYS(la_posix_shutdown(d.pb, n, LA_SHUT_WR), 0);
  duo_settle(&d);
  SAYS(read_inq(d.pa, c, 1, sizeof q, &q, &m), 1);
  assert_int_equal(q.left, 1);
  SAYS(read_inq(d.pa, c, 9, sizeof q, &q, &m), 1);
  assert_int_equal(q.left, 1);
  duo_stop(&d);
}

/* TCP_NODELAY lets go once what TCP_CORK or MSG_MORE holds back; only what the application has finished is pushed. */
static void nodelay_uncorks_once(void **state) {
  (void)state;
  struct duo d;
  duo_start(&d);
  int s = server(&d, 80), c, n;
  joined(&d, s, 80, &c, &n);
  SAYS(set_int(d.pa, c, LA_SOL_TCP, LA_TCP_CORK, 1), 0);
  for (unsigned i = 0; i < 2; i++) {
    SAYS(la_posix_send(d.pa, c, "ab", 2, 0, NULL), 2);
    duo_settle(&d);
    SAYS(la_posix_recv(d.pb, n, got, 10, 0, NULL), E(AGAIN));
    SAYS(set_int(d.pa, c, LA_SOL_TCP, LA_TCP_NODELAY, 1), 0);
    duo_settle(&d);
    SAYS(la_posix_recv(d.pb, n, got, 10, 0, NULL), 2);
  }
  SAYS(set_int(d.pa, c, LA_SOL_TCP, LA_TCP_CORK, 0), 0);
  for (unsigned more = 0; more < 2; more++) {
    struct pkt p;
    struct tcp_seg seg;
    SAYS(la_posix_send(d.pa, c, "ab", 2, more ? LA_MSG_MORE : 0, NULL), 2);
    SAYS(set_int(d.pa, c, LA_SOL_TCP, LA_TCP_NODELAY, 1), 0);
    assert_true(pkt_out(&d.a, 1, &p, d.now));
    struct ip_hdr h = pkt_check(&p);
    assert_int_equal(la__tcp_parse(&seg, p.b + h.hlen, h.len, 0, true), LA_DROP_NONE);
    assert_int_equal(seg.len, 2);
    assert_int_equal(seg.flags & LA_PSH, more ? 0 : LA_PSH);
    assert_int_equal(pkt_in(&d.b, 1, &p, d.now), 1);
    duo_settle(&d);
  }
  duo_stop(&d);
}

/* SO_MEMINFO's first numbers; TCP_CC_INFO has none. */
static void held(void **state) {
  (void)state;
  struct duo d;
  uint32_t v[9], len = sizeof v;
  duo_start(&d);
  int s = server(&d, 80), c, n;
  joined(&d, s, 80, &c, &n);
  SAYS(la_posix_send(d.pb, n, "0123456789", 10, 0, NULL), 10);
  SAYS(la_posix_getsockopt(d.pb, n, LA_SOL_SOCKET, LA_SO_MEMINFO, v, &len), 0);
  assert_int_equal(len, sizeof v);
  assert_int_equal(v[5], 10); /* SK_MEMINFO_WMEM_QUEUED */
  duo_settle(&d);
  SAYS(la_posix_getsockopt(d.pa, c, LA_SOL_SOCKET, LA_SO_MEMINFO, v, &len), 0);
  assert_int_equal(v[0], 10); /* SK_MEMINFO_RMEM_ALLOC */
  assert_int_equal(v[1], get_int(d.pa, c, LA_SOL_SOCKET, LA_SO_RCVBUF));
  SAYS(la_posix_getsockopt(d.pa, c, LA_SOL_TCP, LA_TCP_CC_INFO, v, &len), 0);
  assert_int_equal(len, 0);
  duo_stop(&d);
}

struct zerocopy {
  la_cmsghdr h;
  uint32_t err;
  uint8_t origin, type, code, pad;
  uint32_t info, data;
  uint8_t offender[28];
};

/* MSG_ZEROCOPY: calls are counted and told as done, together where they follow each other; without the option it means nothing. */
static void zerocopy(void **state) {
  (void)state;
  struct duo d;
  struct zerocopy z;
  la_msghdr m = {.control = &z, .controllen = sizeof z};
  duo_start(&d);
  int s = server(&d, 80), c, n;
  joined(&d, s, 80, &c, &n);
  SAYS(la_posix_send(d.pa, c, "ab", 2, LA_MSG_ZEROCOPY, NULL), 2);
  SAYS(la_posix_recvmsg(d.pa, c, &m, LA_MSG_ERRQUEUE, NULL), E(AGAIN));
  SAYS(set_int(d.pa, c, LA_SOL_SOCKET, LA_SO_ZEROCOPY, 2), E(INVAL));
  SAYS(set_int(d.pa, c, LA_SOL_SOCKET, LA_SO_ZEROCOPY, 1), 0);
  SAYS(la_posix_send(d.pa, c, "ab", 2, 0, NULL), 2);
  SAYS(la_posix_send(d.pa, c, "ab", 0, LA_MSG_ZEROCOPY, NULL), 0);
  SAYS(la_posix_readiness(d.pa, c) & LA_POLLERR, 0);
  for (unsigned round = 0; round < 2; round++) {
    SAYS(la_posix_send(d.pa, c, "ab", 2, LA_MSG_ZEROCOPY, NULL), 2);
    SAYS(la_posix_send(d.pa, c, "ab", 2, LA_MSG_ZEROCOPY, NULL), 2);
    SAYS(la_posix_readiness(d.pa, c) & LA_POLLERR, LA_POLLERR);
    SAYS(so_error(d.pa, c), 0); /* it is no error */
    m.controllen = sizeof z;
    SAYS(la_posix_recvmsg(d.pa, c, &m, LA_MSG_ERRQUEUE, NULL), 0);
    assert_int_equal(m.flags, LA_MSG_ERRQUEUE);
    assert_int_equal(m.controllen, sizeof z.h + 32);
    assert_int_equal(z.h.level, LA_SOL_IP);
    assert_int_equal(z.h.type, LA_IP_RECVERR);
    assert_int_equal(z.err, 0);
    assert_int_equal(z.origin, 5);
    assert_int_equal(z.code, 1);
    assert_int_equal(z.info, 2 * round);
    assert_int_equal(z.data, 2 * round + 1);
    SAYS(la_posix_readiness(d.pa, c) & LA_POLLERR, 0);
  }
  SAYS(la_posix_shutdown(d.pa, c, LA_SHUT_WR), 0);
  SAYS(la_posix_send(d.pa, c, "ab", 2, LA_MSG_ZEROCOPY, NULL), E(PIPE));
  SAYS(la_posix_recv(d.pa, c, got, 1, LA_MSG_ERRQUEUE, NULL), E(AGAIN));
  int u = la_posix_socket(d.pa, LA_AF_INET, LA_SOCK_DGRAM, 0);
  SAYS(set_int(d.pa, u, LA_SOL_SOCKET, LA_SO_ZEROCOPY, 1), E(OPNOTSUPP));
  duo_stop(&d);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(inq), cmocka_unit_test(nodelay_uncorks_once), cmocka_unit_test(held),
                                     cmocka_unit_test(zerocopy)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}

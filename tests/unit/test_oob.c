/* SPDX-License-Identifier: MIT */
/* Urgent data through sockets, as Linux does it: the mark, the byte out of line and in line, MSG_OOB, SIOCATMARK, POLLPRI. */
#include "posix_test.h"

static char got[64];

/* b sends text; the segment gets URG and this pointer on its way to a. */
static void urgent(struct duo *d, int from, const char *text, uint16_t urp) {
  struct pkt p;
  size_t n = strlen(text);
  SAYS(la_posix_send(d->pb, from, text, n, 0, NULL), n);
  assert_true(pkt_out(&d->b, 1, &p, d->now));
  struct ip_hdr h = pkt_check(&p);
  p.b[h.hlen + 13] |= LA_URG;
  be16_put(p.b + h.hlen + 18, urp);
  pkt_sum(&p, 16);
  assert_int_equal(pkt_in(&d->a, 1, &p, d->now), 1);
  duo_settle(d);
}

static int marked(la_posix *p, int fd) {
  int v = -1;
  SAYS(la_posix_ioctl(p, fd, LA_SIOCATMARK, &v), 0);
  return v;
}
static int waiting(la_posix *p, int fd) {
  int v = -1;
  SAYS(la_posix_ioctl(p, fd, LA_FIONREAD, &v), 0);
  return v;
}

#define READS(d, fd, n, flags, text) \
  do { \
    memset(got, 0, sizeof got); \
    SAYS(la_posix_recv((d)->pa, fd, got, n, flags, NULL), strlen(text)); \
    assert_string_equal(got, text); \
  } while (0)

/* "abcXdef", X urgent: a read stops before it, the next leaves it out; MSG_OOB has it meanwhile, once. */
static void out_of_line(void **state) {
  (void)state;
  struct duo d;
  int c, n;
  duo_start(&d);
  int s = server(&d, 80);
  joined(&d, s, 80, &c, &n);
  SAYS(la_posix_recv(d.pa, c, got, 1, LA_MSG_OOB, NULL), E(INVAL));
  urgent(&d, n, "abcXdef", 4);
  SAYS(la_posix_readiness(d.pa, c) & (LA_POLLIN | LA_POLLPRI), LA_POLLIN | LA_POLLPRI);
  SAYS(waiting(d.pa, c), 3);
  SAYS(marked(d.pa, c), 0);
  READS(&d, c, 1, LA_MSG_OOB | LA_MSG_PEEK, "X");
  READS(&d, c, 9, LA_MSG_PEEK, "abc");
  READS(&d, c, 2, 0, "ab");
  READS(&d, c, 9, LA_MSG_WAITALL, "c"); /* the mark ends even this */
  SAYS(marked(d.pa, c), 1);
  READS(&d, c, 5, LA_MSG_OOB, "X");
  SAYS(la_posix_recv(d.pa, c, got, 1, LA_MSG_OOB, NULL), E(INVAL)); /* had */
  SAYS(la_posix_readiness(d.pa, c) & LA_POLLPRI, 0);
  READS(&d, c, 9, LA_MSG_PEEK, "def");
  SAYS(marked(d.pa, c), 1);
  READS(&d, c, 9, 0, "def");
  SAYS(marked(d.pa, c), 0);
  SAYS(waiting(d.pa, c), 0);
  SAYS(la_posix_recv(d.pa, c, got, 1, 0, NULL), E(AGAIN));
  urgent(&d, n, "Yz", 1); /* passed without having been asked for: lost */
  READS(&d, c, 9, 0, "z");
  SAYS(la_posix_recv(d.pa, c, got, 1, LA_MSG_OOB, NULL), E(INVAL));
  duo_stop(&d);
}

/* Alone it makes the socket ready for nothing but POLLPRI; the stream's end lies behind it. */
static void the_byte_alone(void **state) {
  (void)state;
  struct duo d;
  int c, n;
  duo_start(&d);
  int s = server(&d, 80);
  joined(&d, s, 80, &c, &n);
  int ep = la_posix_epoll_create(d.pa, 0);
  la_epoll_event e = {LA_POLLPRI | LA_EPOLLET, 5}, out;
  SAYS(la_posix_epoll_ctl(d.pa, ep, LA_EPOLL_CTL_ADD, c, &e), 0);
  SAYS(la_posix_epoll_wait(d.pa, ep, &out, 1, 0, NULL), 0);
  urgent(&d, n, "X", 1);
  SAYS(la_posix_epoll_wait(d.pa, ep, &out, 1, 0, NULL), 1);
  assert_int_equal(out.events, LA_POLLPRI);
  SAYS(la_posix_readiness(d.pa, c) & (LA_POLLIN | LA_POLLPRI), LA_POLLPRI);
  SAYS(waiting(d.pa, c), 0);
  SAYS(marked(d.pa, c), 1);
  SAYS(la_posix_shutdown(d.pb, n, LA_SHUT_WR), 0);
  duo_settle(&d);
  READS(&d, c, 1, LA_MSG_OOB, "X");
  SAYS(la_posix_recv(d.pa, c, got, 1, 0, NULL), 0);
  duo_stop(&d);
}

/* Announced before it comes; and a pointer that never gets its byte. */
static void not_come_yet(void **state) {
  (void)state;
  struct duo d;
  int c, n;
  duo_start(&d);
  int s = server(&d, 80);
  joined(&d, s, 80, &c, &n);
  urgent(&d, n, "ab", 4);
  SAYS(la_posix_recv(d.pa, c, got, 1, LA_MSG_OOB, NULL), E(AGAIN));
  SAYS(la_posix_readiness(d.pa, c) & (LA_POLLIN | LA_POLLPRI), LA_POLLIN);
  READS(&d, c, 9, 0, "ab");
  SAYS(la_posix_send(d.pb, n, "cX", 2, 0, NULL), 2);
  duo_settle(&d);
  SAYS(la_posix_readiness(d.pa, c) & (LA_POLLIN | LA_POLLPRI), LA_POLLIN | LA_POLLPRI);
  READS(&d, c, 9, 0, "c");
  SAYS(la_posix_recv(d.pa, c, got, 1, 0, NULL), E(AGAIN)); /* X is passed over */
  urgent(&d, n, "ab", 65535);
  READS(&d, c, 9, 0, "ab");
  SAYS(la_posix_shutdown(d.pb, n, LA_SHUT_WR), 0);
  duo_settle(&d);
  SAYS(la_posix_recv(d.pa, c, got, 1, LA_MSG_OOB, NULL), E(INVAL)); /* nothing comes after a FIN */
  SAYS(la_posix_recv(d.pa, c, got, 1, 0, NULL), 0);
  duo_stop(&d);
}

/* SO_OOBINLINE: the byte is read like any other, but a read still ends before it. */
static void in_line(void **state) {
  (void)state;
  struct duo d;
  int c, n;
  duo_start(&d);
  int s = server(&d, 80);
  joined(&d, s, 80, &c, &n);
  SAYS(set_int(d.pa, c, LA_SOL_SOCKET, LA_SO_OOBINLINE, 1), 0);
  urgent(&d, n, "abXc", 3);
  SAYS(waiting(d.pa, c), 4);
  SAYS(la_posix_recv(d.pa, c, got, 1, LA_MSG_OOB, NULL), E(INVAL));
  READS(&d, c, 9, 0, "ab");
  SAYS(marked(d.pa, c), 1);
  SAYS(la_posix_readiness(d.pa, c) & (LA_POLLIN | LA_POLLPRI), LA_POLLIN | LA_POLLPRI);
  READS(&d, c, 9, 0, "Xc");
  SAYS(marked(d.pa, c), 0);
  duo_stop(&d);
}

/* A later pointer takes the place of the earlier one: only one byte is out of line. */
static void the_latest_counts(void **state) {
  (void)state;
  struct duo d;
  int c, n;
  duo_start(&d);
  int s = server(&d, 80);
  joined(&d, s, 80, &c, &n);
  urgent(&d, n, "aX", 2);
  READS(&d, c, 1, LA_MSG_OOB, "X");
  urgent(&d, n, "bY", 2);
  READS(&d, c, 1, LA_MSG_OOB, "Y");
  READS(&d, c, 9, 0, "aXb");
  SAYS(la_posix_send(d.pa, c, "x", 1, LA_MSG_OOB, NULL), E(OPNOTSUPP)); /* RFC 6093 5: not for new applications */
  duo_stop(&d);
}

int main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(out_of_line), cmocka_unit_test(the_byte_alone),    cmocka_unit_test(not_come_yet),
    cmocka_unit_test(in_line),     cmocka_unit_test(the_latest_counts),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

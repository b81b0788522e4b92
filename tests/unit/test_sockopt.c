/* SPDX-License-Identifier: MIT */
/* Socket options: what each reads at first, takes, refuses and reads then; that they reach the connection; TCP_INFO. */
#include "tests/unit/posix_test.h"

#include "wire/tcp_wire.h"

#include <limits.h>

enum { S = LA_SOL_SOCKET, T = LA_SOL_TCP, I = LA_SOL_IP, I6 = LA_SOL_IPV6, END = -99999 };

/* v, and what comes of it: the value then read, or the refusal. */
struct try_row {
  int v, want;
};
struct opt_row {
  const char *name;
  int level, opt, first;
  struct try_row t[8];
};
#define ROW(level, name) #name, level, LA_##name
static const struct opt_row opt_rows[] = {
  {ROW(S, SO_DEBUG), 0, {{1, 1}, {0, 0}, {END, 0}}},
  {ROW(S, SO_REUSEADDR), 0, {{1, 1}, {7, 1}, {0, 0}, {END, 0}}},
  {ROW(S, SO_REUSEPORT), 0, {{1, 1}, {END, 0}}},
  {ROW(S, SO_TYPE), LA_SOCK_STREAM, {{1, E(NOPROTOOPT)}, {END, 0}}},
  {ROW(S, SO_ERROR), 0, {{1, E(NOPROTOOPT)}, {END, 0}}},
  {ROW(S, SO_DONTROUTE), 0, {{1, 1}, {END, 0}}},
  {ROW(S, SO_BROADCAST), 0, {{1, 1}, {END, 0}}},
  {ROW(S, SO_SNDBUF), 262144, {{10000, 20000}, {1, 4608}, {0, 4608}, {-1, 425984}, {INT_MAX, 425984}, {END, 0}}},
  {ROW(S, SO_RCVBUF), 524288, {{10000, 20000}, {1, 2304}, {0, 2304}, {-1, 425984}, {212993, 425984}, {END, 0}}},
  {ROW(S, SO_SNDBUFFORCE), 262144, {{1000000, 2000000}, {INT_MAX, 2147483646}, {END, 0}}},
  {ROW(S, SO_RCVBUFFORCE), 524288, {{1000000, 2000000}, {END, 0}}},
  {ROW(S, SO_KEEPALIVE), 0, {{-3, 1}, {0, 0}, {END, 0}}},
  {ROW(S, SO_OOBINLINE), 0, {{1, 1}, {END, 0}}},
  {ROW(S, SO_PRIORITY), 0, {{6, 6}, {END, 0}}},
  {ROW(S, SO_MARK), 0, {{-5, -5}, {END, 0}}},
  {ROW(S, SO_RCVLOWAT), 1, {{100, 100}, {0, 1}, {-1, INT_MAX}, {END, 0}}},
  {ROW(S, SO_SNDLOWAT), 1, {{5, E(NOPROTOOPT)}, {END, 0}}},
  {ROW(S, SO_ACCEPTCONN), 0, {{1, E(NOPROTOOPT)}, {END, 0}}},
  {ROW(S, SO_PROTOCOL), LA_IPPROTO_TCP, {{1, E(NOPROTOOPT)}, {END, 0}}},
  {ROW(S, SO_DOMAIN), LA_AF_INET, {{1, E(NOPROTOOPT)}, {END, 0}}},
  {ROW(S, SO_ZEROCOPY), 0, {{1, 1}, {0, 0}, {2, E(INVAL)}, {-1, E(INVAL)}, {END, 0}}},
  {ROW(T, TCP_NODELAY), 0, {{5, 1}, {0, 0}, {END, 0}}},
  {ROW(T, TCP_CORK), 0, {{5, 1}, {0, 0}, {END, 0}}},
  {ROW(T, TCP_MAXSEG), 536, {{88, 88}, {87, E(INVAL)}, {32767, 32767}, {32768, E(INVAL)}, {-1, E(INVAL)}, {0, 536}, {END, 0}}},
  {ROW(T, TCP_KEEPIDLE), 7200, {{1, 1}, {0, E(INVAL)}, {32767, 32767}, {32768, E(INVAL)}, {-1, E(INVAL)}, {END, 0}}},
  {ROW(T, TCP_KEEPINTVL), 75, {{1, 1}, {0, E(INVAL)}, {32767, 32767}, {32768, E(INVAL)}, {END, 0}}},
  {ROW(T, TCP_KEEPCNT), 9 + 1, {{1, 1}, {0, E(INVAL)}, {127, 127}, {128, E(INVAL)}, {END, 0}}},
  {ROW(T, TCP_SYNCNT), 6, {{1, 1}, {0, E(INVAL)}, {127, 127}, {128, E(INVAL)}, {END, 0}}},
  {ROW(T, TCP_LINGER2), 60, {{5, 5}, {-7, -1}, {121, 120}, {0, 60}, {END, 0}}},
  {ROW(T, TCP_DEFER_ACCEPT), 0, {{1, 1}, {2, 3}, {4, 7}, {120, 127}, {-1, 0}, {0, 0}, {END, 0}}},
  {ROW(T, TCP_WINDOW_CLAMP), 0, {{5000, 5000}, {1, 1152}, {0, 0}, {END, 0}}},
  {ROW(T, TCP_USER_TIMEOUT), 0, {{5000, 5000}, {-1, E(INVAL)}, {0, 0}, {END, 0}}},
  {ROW(T, TCP_NOTSENT_LOWAT), 0, {{4000, 4000}, {-1, -1}, {0, 0}, {END, 0}}},
  {ROW(S, SO_MAX_PACING_RATE), -1, {{100000, 100000}, {-1, -1}, {END, 0}}},
  {ROW(T, TCP_FASTOPEN), E(NOPROTOOPT), {{1, E(NOPROTOOPT)}, {END, 0}}},
  {ROW(I, IP_TOS), 0, {{0x13, 0x10}, {0xff, 0xfc}, {0, 0}, {END, 0}}},
  {ROW(I, IP_TTL), 64, {{1, 1}, {255, 255}, {256, E(INVAL)}, {0, E(INVAL)}, {-2, E(INVAL)}, {-1, 64}, {END, 0}}},
  {ROW(I, IP_MTU_DISCOVER), 1, {{0, 0}, {5, 5}, {6, E(INVAL)}, {-1, E(INVAL)}, {END, 0}}},
  {ROW(I, IP_RECVERR), 0, {{9, 1}, {END, 0}}},
  {ROW(I, IP_MTU), E(NOTCONN), {{9, E(NOPROTOOPT)}, {END, 0}}},
  {ROW(I, IP_BIND_ADDRESS_NO_PORT), 0, {{1, 1}, {END, 0}}},
  {ROW(I6, IPV6_V6ONLY), E(NOPROTOOPT), {{1, E(NOPROTOOPT)}, {END, 0}}}, /* of an IPv4 socket */
};
static const struct opt_row six_rows[] = {
  {ROW(S, SO_DOMAIN), LA_AF_INET6, {{END, 0}}},
  {ROW(I6, IPV6_UNICAST_HOPS), 64, {{0, 0}, {255, 255}, {256, E(INVAL)}, {-2, E(INVAL)}, {-1, 64}, {END, 0}}},
  {ROW(I6, IPV6_TCLASS), 0, {{0xff, 0xfc}, {-1, 0}, {256, E(INVAL)}, {-2, E(INVAL)}, {END, 0}}},
  {ROW(I6, IPV6_V6ONLY), 0, {{1, 1}, {0, 0}, {END, 0}}},
  {ROW(I6, IPV6_MTU_DISCOVER), 1, {{2, 2}, {6, E(INVAL)}, {END, 0}}},
  {ROW(I6, IPV6_RECVERR), 0, {{1, 1}, {END, 0}}},
  {ROW(I6, IPV6_MTU), E(NOTCONN), {{9, E(NOPROTOOPT)}, {END, 0}}},
  {ROW(I, IP_TTL), 64, {{9, 9}, {END, 0}}}, /* for mapped addresses */
};

static void rows(la_posix *p, int family, const struct opt_row *r, size_t n) {
  for (size_t i = 0; i < n; i++, r++) {
    int fd = la_posix_socket(p, family, LA_SOCK_STREAM, 0), v = get_int(p, fd, r->level, r->opt), now = r->first;
    if (v != r->first)
      fail_msg("%s: at first %d, not %d", r->name, v, r->first);
    for (const struct try_row *t = r->t; t->v != END; t++) {
      int got = set_int(p, fd, r->level, r->opt, t->v);
      now = t->want < 0 && got ? now : t->want;
      if (got == 0)
        got = get_int(p, fd, r->level, r->opt);
      if (got != t->want)
        fail_msg("%s = %d: %d, not %d", r->name, t->v, got, t->want);
      if (get_int(p, fd, r->level, r->opt) != now)
        fail_msg("%s = %d: then %d, not %d", r->name, t->v, get_int(p, fd, r->level, r->opt), now);
    }
    SAYS(la_posix_close(p, fd, NULL), 0);
  }
}

static void every_int(void **state) {
  (void)state;
  struct duo d;
  duo_start(&d);
  rows(d.pa, LA_AF_INET, opt_rows, sizeof opt_rows / sizeof opt_rows[0]);
  rows(d.pa, LA_AF_INET6, six_rows, sizeof six_rows / sizeof six_rows[0]);
  duo_stop(&d);
}

static void lengths(void **state) {
  (void)state;
  struct duo d;
  duo_start(&d);
  la_posix *p = d.pa;
  int fd = tcp_socket(p), v = 1;
  uint32_t len;
  SAYS(la_posix_setsockopt(p, fd, S, LA_SO_KEEPALIVE, &v, 3), E(INVAL));
  SAYS(la_posix_setsockopt(p, fd, S, LA_SO_KEEPALIVE, NULL, 4), E(FAULT));
  SAYS(la_posix_setsockopt(p, fd, S, LA_SO_KEEPALIVE, &v, UINT32_MAX), E(INVAL));
  SAYS(la_posix_setsockopt(p, fd, T, LA_TCP_NODELAY, &v, 3), E(INVAL));
  SAYS(la_posix_setsockopt(p, fd, S, 9999, &v, 4), E(NOPROTOOPT));
  SAYS(la_posix_setsockopt(p, fd, 77, 1, &v, 4), E(NOPROTOOPT));
  SAYS(la_posix_setsockopt(p, fd, T, 9999, &v, 4), E(NOPROTOOPT));
  SAYS(get_int(p, fd, S, 9999), E(NOPROTOOPT));
  uint8_t tos = 0x20, got = 0;
  SAYS(la_posix_setsockopt(p, fd, I, LA_IP_TOS, &tos, 1), 0); /* one byte is enough there */
  len = 1;
  SAYS(la_posix_getsockopt(p, fd, I, LA_IP_TOS, &got, &len), 0);
  assert_int_equal(got, 0x20);
  assert_int_equal(len, 1);
  SAYS(get_int(p, fd, I, LA_IP_TOS), 0x20);
  len = 2;
  v = -1;
  SAYS(la_posix_getsockopt(p, fd, S, LA_SO_TYPE, &v, &len), 0); /* cut off */
  assert_int_equal(len, 2);
  SAYS(la_posix_getsockopt(p, fd, S, LA_SO_TYPE, NULL, &len), E(FAULT));
  SAYS(la_posix_getsockopt(p, fd, S, LA_SO_TYPE, &v, NULL), E(FAULT));
  len = UINT32_MAX;
  SAYS(la_posix_getsockopt(p, fd, S, LA_SO_TYPE, &v, &len), E(INVAL));
  char name[20] = "xxxxxxxxxxxxxxxxxxx";
  len = sizeof name;
  SAYS(la_posix_getsockopt(p, fd, T, LA_TCP_CONGESTION, name, &len), 0);
  assert_int_equal(len, 16);
  assert_string_equal(name, "cubic");
  SAYS(la_posix_setsockopt(p, fd, T, LA_TCP_CONGESTION, "reno", 4), 0);
  SAYS(la_posix_getsockopt(p, fd, T, LA_TCP_CONGESTION, name, &len), 0);
  assert_string_equal(name, "reno");
  SAYS(la_posix_setsockopt(p, fd, T, LA_TCP_CONGESTION, "renown", 6), E(NOENT));
  SAYS(la_posix_setsockopt(p, fd, T, LA_TCP_CONGESTION, "", 0), E(INVAL));
  duo_stop(&d);
}

static void linger_and_timeouts(void **state) {
  (void)state;
  struct duo d;
  duo_start(&d);
  la_posix *p = d.pa;
  int fd = tcp_socket(p);
  la_linger l = {5, 30};
  la_timeval tv = {2, 1000};
  uint32_t len = sizeof l;
  SAYS(la_posix_setsockopt(p, fd, S, LA_SO_LINGER, &l, sizeof l - 1), E(INVAL));
  SAYS(la_posix_setsockopt(p, fd, S, LA_SO_LINGER, &l, sizeof l), 0);
  SAYS(la_posix_getsockopt(p, fd, S, LA_SO_LINGER, &l, &len), 0);
  assert_int_equal(l.onoff, 1);
  assert_int_equal(l.linger, 30);
  for (unsigned i = 0; i < 2; i++) {
    int opt = i ? LA_SO_SNDTIMEO : LA_SO_RCVTIMEO;
    tv = (la_timeval){2, 1000};
    SAYS(la_posix_setsockopt(p, fd, S, opt, &tv, sizeof tv - 1), E(INVAL));
    SAYS(la_posix_setsockopt(p, fd, S, opt, &tv, sizeof tv), 0);
    tv.usec = 1000000;
    SAYS(la_posix_setsockopt(p, fd, S, opt, &tv, sizeof tv), E(DOM));
    tv.usec = -1;
    SAYS(la_posix_setsockopt(p, fd, S, opt, &tv, sizeof tv), E(DOM));
    len = sizeof tv;
    SAYS(la_posix_getsockopt(p, fd, S, opt, &tv, &len), 0);
    assert_true(tv.sec == 2 && tv.usec == 1000);
    tv = (la_timeval){0, 0};
    SAYS(la_posix_setsockopt(p, fd, S, opt, &tv, sizeof tv), 0);
    tv.sec = 9;
    SAYS(la_posix_getsockopt(p, fd, S, opt, &tv, &len), 0);
    assert_true(tv.sec == 0);
  }
  duo_stop(&d);
}

static void many_options(la_posix *p, int fd, uint64_t rate) {
  SAYS(set_int(p, fd, I, LA_IP_TTL, 33), 0);
  SAYS(set_int(p, fd, I, LA_IP_TOS, 0x10), 0);
  SAYS(set_int(p, fd, T, LA_TCP_MAXSEG, 700), 0);
  SAYS(set_int(p, fd, S, LA_SO_RCVBUF, 10000), 0);
  SAYS(set_int(p, fd, S, LA_SO_SNDBUF, 11000), 0);
  SAYS(set_int(p, fd, S, LA_SO_KEEPALIVE, 1), 0);
  SAYS(set_int(p, fd, T, LA_TCP_KEEPIDLE, 11), 0);
  SAYS(set_int(p, fd, T, LA_TCP_USER_TIMEOUT, 12000), 0);
  SAYS(set_int(p, fd, T, LA_TCP_NODELAY, 1), 0);
  SAYS(set_int(p, fd, T, LA_TCP_LINGER2, 3), 0);
  SAYS(set_int(p, fd, T, LA_TCP_NOTSENT_LOWAT, 5000), 0);
  SAYS(la_posix_setsockopt(p, fd, S, LA_SO_MAX_PACING_RATE, &rate, sizeof rate), 0);
  SAYS(la_posix_setsockopt(p, fd, T, LA_TCP_CONGESTION, "reno", 4), 0);
}

/* Set before there is a connection, by either side, they are its own from the first segment on. */
static void before_the_connection(void **state) {
  (void)state;
  struct duo d;
  duo_start(&d);
  int s = tcp_socket(d.pb), c = tcp_socket(d.pa);
  la_sockaddr at = sa4("10.0.0.2", 80);
  uint64_t rate = UINT64_C(5000000000);
  for (unsigned i = 0; i < 2; i++) {
    la_posix *p = i ? d.pb : d.pa;
    int fd = i ? s : c;
    many_options(p, fd, rate);
  }
  SAYS(la_posix_bind(d.pb, s, &at), 0);
  SAYS(la_posix_listen(d.pb, s, 1), 0);
  SAYS(set_int(d.pb, s, T, LA_TCP_KEEPINTVL, 13), 0); /* a listener's may be set later, too */
  SAYS(set_int(d.pa, c, T, LA_TCP_KEEPINTVL, 13), 0);
  SAYS(la_posix_connect(d.pa, c, &at, NULL), E(INPROGRESS));
  struct ip_hdr h;
  struct tcp_seg syn = next_segment(&d, &d.a, &h);
  assert_int_equal(syn.opt.mss, 700);
  assert_int_equal(syn.wnd, 10000);
  assert_int_equal(h.ttl, 33);
  assert_int_equal(h.tos, 0x10);
  duo_pass(&d, 2 * LA_SEC); /* it goes again */
  int n = la_posix_accept(d.pb, s, NULL, NULL);
  assert_true(n >= 0);
  for (unsigned i = 0; i < 2; i++) {
    struct node *node = i ? &d.b : &d.a;
    la_conn conn;
    SAYS(la_posix_conn(i ? d.pb : d.pa, i ? n : c, &conn, NULL), 0);
    static const struct {
      enum la_opt opt;
      int64_t v;
    } want[] = {{LA_OPT_TTL, 33},
                {LA_OPT_TOS, 0x10},
                {LA_OPT_MSS, 700},
                {LA_OPT_RCVBUF, 10000},
                {LA_OPT_SNDBUF, 22000},
                {LA_OPT_KEEPALIVE, 1},
                {LA_OPT_KEEPIDLE, 11},
                {LA_OPT_NODELAY, 1},
                {LA_OPT_FIN_WAIT_2, 3000},
                {LA_OPT_KEEPINTVL, 13},
                {LA_OPT_KEEPCNT, 10},
                {LA_OPT_USER_TIMEOUT, 12000},
                {LA_OPT_NOTSENT_LOWAT, 5000},
                {LA_OPT_MAX_PACING_RATE, 5000000000},
                {LA_OPT_CONGESTION, LA_CC_NEWRENO}};
    for (unsigned k = 0; k < sizeof want / sizeof want[0]; k++) {
      int64_t v = -1;
      assert_int_equal(la_get_option(node->s, conn, want[k].opt, &v), LA_OK);
      if (v != want[k].v)
        fail_msg("side %u, option %d: %lld, not %lld", i, (int)want[k].opt, (long long)v, (long long)want[k].v);
    }
  }
  SAYS(get_int(d.pb, n, T, LA_TCP_KEEPIDLE), 11); /* inherited, as the socket sees it */
  SAYS(get_int(d.pb, n, S, LA_SO_RCVBUF), 20000);
  SAYS(get_int(d.pb, n, T, LA_TCP_MAXSEG), 688); /* with timestamps */
  SAYS(get_int(d.pa, c, T, LA_TCP_MAXSEG), 688);
  SAYS(get_int(d.pa, c, I, LA_IP_MTU), 1500);
  uint64_t back = 0;
  uint32_t len = sizeof back;
  SAYS(la_posix_getsockopt(d.pb, n, S, LA_SO_MAX_PACING_RATE, &back, &len), 0);
  assert_int_equal(back, rate);
  SAYS(get_int(d.pb, n, S, LA_SO_MAX_PACING_RATE), -1); /* does not fit 32 bits */
  SAYS(set_int(d.pa, c, T, LA_TCP_WINDOW_CLAMP, 0), E(INVAL));
  SAYS(set_int(d.pa, c, T, LA_TCP_WINDOW_CLAMP, 4000), 0);
  duo_stop(&d);
}

static void over_ipv6(void **state) {
  (void)state;
  struct duo d;
  duo_start(&d);
  int s = la_posix_socket(d.pb, LA_AF_INET6, LA_SOCK_STREAM, 0), c = la_posix_socket(d.pa, LA_AF_INET6, LA_SOCK_STREAM, 0), n;
  la_sockaddr any = sa6("::", 80), to = sa6("fd00::2", 80), mapped = sa6("::ffff:10.0.0.2", 80), got;
  SAYS(la_posix_bind(d.pb, s, &any), 0);
  SAYS(la_posix_listen(d.pb, s, 4), 0);
  SAYS(set_int(d.pa, c, I6, LA_IPV6_UNICAST_HOPS, 9), 0);
  SAYS(set_int(d.pa, c, I6, LA_IPV6_TCLASS, 0x20), 0);
  SAYS(set_int(d.pa, c, I, LA_IP_TTL, 50), 0);
  SAYS(la_posix_connect(d.pa, c, &to, NULL), E(INPROGRESS));
  struct ip_hdr h;
  next_segment(&d, &d.a, &h);
  assert_int_equal(h.ttl, 9);
  assert_int_equal(h.tos, 0x20);
  duo_pass(&d, 2 * LA_SEC);
  n = la_posix_accept(d.pb, s, &got, NULL);
  assert_true(n >= 0 && got.addr.b[0] == 0xfd);
  SAYS(get_int(d.pa, c, I6, LA_IPV6_MTU), 1500);
  c = la_posix_socket(d.pa, LA_AF_INET6, LA_SOCK_STREAM, 0);
  SAYS(set_int(d.pa, c, I6, LA_IPV6_UNICAST_HOPS, 9), 0);
  SAYS(set_int(d.pa, c, I, LA_IP_TTL, 50), 0);
  SAYS(la_posix_connect(d.pa, c, &mapped, NULL), E(INPROGRESS));
  next_segment(&d, &d.a, &h);
  assert_int_equal(h.src.family, 4); /* over IPv4 in truth */
  assert_int_equal(h.ttl, 50);
  duo_pass(&d, 2 * LA_SEC);
  n = la_posix_accept(d.pb, s, &got, NULL);
  la_sockaddr want = sa6("::ffff:10.0.0.1", got.port);
  assert_true(sa_same(&got, &want));
  SAYS(la_posix_getsockname(d.pb, n, &got), 0);
  assert_true(sa_same(&got, &mapped));
  c = la_posix_socket(d.pa, LA_AF_INET6, LA_SOCK_STREAM, 0);
  SAYS(set_int(d.pa, c, I6, LA_IPV6_V6ONLY, 1), 0);
  SAYS(la_posix_connect(d.pa, c, &mapped, NULL), E(NETUNREACH));
  duo_stop(&d);
}

static void tcp_info(void **state) {
  (void)state;
  struct duo d;
  duo_start(&d);
  int s = server(&d, 80), c, n;
  static char b[20000];
  joined(&d, s, 80, &c, &n);
  la_tcp_info i;
  uint32_t len = sizeof i;
  SAYS(la_posix_send(d.pa, c, b, 14480, 0, NULL), 14480);
  SAYS(la_posix_send(d.pa, c, b, 1000, 0, NULL), 1000);
  d.cut = true;
  duo_settle(&d);
  SAYS(la_posix_getsockopt(d.pa, c, T, LA_TCP_INFO, &i, &len), 0);
  assert_int_equal(len, 280);
  assert_int_equal(i.tcpi_state, LA_TCP_ESTABLISHED);
  assert_int_equal(i.tcpi_snd_mss, 1448);
  assert_int_equal(i.tcpi_snd_cwnd, 10);
  assert_int_equal(i.tcpi_snd_ssthresh, 0x7fffffff);
  assert_int_equal(i.tcpi_unacked, 10);
  assert_int_equal(i.tcpi_notsent_bytes, 1000);
  assert_int_equal(i.tcpi_options, LA_TCPI_OPT_TIMESTAMPS | LA_TCPI_OPT_SACK | LA_TCPI_OPT_WSCALE);
  assert_int_equal(i.tcpi_rto, 200001); /* SRTT and 200 ms */
  assert_int_equal(i.tcpi_bytes_acked, 0);
  assert_int_equal(i.tcpi_bytes_sent, 14480);
  assert_int_equal(i.tcpi_pmtu, 1500);
  assert_int_equal(i.tcpi_advmss, 1460);
  assert_int_equal(i.tcpi_snd_wscale, 7); /* for the 6 MiB to which the buffer may grow */
  duo_pass(&d, 250 * LA_MS);
  SAYS(la_posix_getsockopt(d.pa, c, T, LA_TCP_INFO, &i, &len), 0);
  assert_int_equal(i.tcpi_retransmits, 1);
  assert_int_equal(i.tcpi_total_retrans, 1);
  d.cut = false;
  duo_pass(&d, 10 * LA_SEC);
  SAYS(la_posix_getsockopt(d.pa, c, T, LA_TCP_INFO, &i, &len), 0);
  assert_int_equal(i.tcpi_bytes_acked, 15480);
  assert_int_equal(i.tcpi_unacked, 0);
  SAYS(la_posix_getsockopt(d.pb, n, T, LA_TCP_INFO, &i, &len), 0);
  assert_int_equal(i.tcpi_bytes_received, 15480);
  len = 1;
  i.tcpi_ca_state = 99;
  SAYS(la_posix_getsockopt(d.pb, n, T, LA_TCP_INFO, &i, &len), 0); /* as much as there is room for */
  assert_int_equal(len, 1);
  assert_int_equal(i.tcpi_ca_state, 99);
  duo_stop(&d);
}

/* Any allocation may fail: an errno comes, and nothing is lost or left. */
static void script(struct test_mem *m) {
  struct node n = {.mem = {.fail_at = 0}};
  la_config_init(&n.cfg, LA_PRESET_LINUX);
  n.cfg.alloc = m->mem.a;
  memset(n.cfg.secret, 1, sizeof n.cfg.secret);
  n.s = la_stack_new(&n.cfg);
  if (!n.s)
    return;
  la_link l = la_link_add(n.s, 1500);
  la_addr us = addr("10.0.0.1");
  la_posix *p = l && la_addr_add(n.s, l, &us, 24) == LA_OK ? la_posix_new(n.s, NULL) : NULL;
  if (p) {
    la_posix_turn(p, LA_SEC);
    la_sockaddr at = sa4("10.0.0.1", 80), to = sa4("10.0.0.2", 80);
    int s = la_posix_socket(p, LA_AF_INET, LA_SOCK_STREAM, 0), ep = la_posix_epoll_create(p, 0);
    int c = la_posix_socket(p, LA_AF_INET, LA_SOCK_STREAM, 0);
    if (s >= 0 && ep >= 0 && c >= 0) {
      set_int(p, s, T, LA_TCP_KEEPIDLE, 5);
      set_int(p, c, T, LA_TCP_KEEPIDLE, 5);
      la_posix_bind(p, s, &at);
      la_posix_listen(p, s, 5);
      la_posix_epoll_ctl(p, ep, LA_EPOLL_CTL_ADD, s, &(la_epoll_event){LA_POLLIN, 0});
      int r = la_posix_connect(p, c, &to, NULL);
      assert_true(r == E(INPROGRESS) || r == E(NOBUFS) || r == E(NOMEM));
      for (int i = 0; i < 40; i++)
        la_posix_dup(p, s);
    }
  }
  la_posix_free(p);
  la_stack_free(n.s);
}
static void without_memory(void **state) {
  (void)state;
  test_each_failure(script, 12);
}

int main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(every_int), cmocka_unit_test(lengths),  cmocka_unit_test(linger_and_timeouts), cmocka_unit_test(before_the_connection),
    cmocka_unit_test(over_ipv6), cmocka_unit_test(tcp_info), cmocka_unit_test(without_memory),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

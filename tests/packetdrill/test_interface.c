/* SPDX-License-Identifier: MIT */
/* liblastack-packetdrill.so as packetdrill loads and drives it: the table, the wire by hand, virtual time, calls that block in threads. */
#include "packetdrill/interface.h"
#include "tests/unit/net_test.h"

#include <arpa/inet.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <sys/ioctl.h>

#include "wire/tcp_wire.h"

static const char ours[] = "192.168.7.9", theirs[] = "192.0.2.1";
enum { OUR_PORT = 8080, THEIR_PORT = 40000 };

struct drive {
  void *so;
  struct packetdrill_interface i;
  uint32_t irs; /* the stack's initial sequence number */
  long long at; /* of the latest packet */
};

static void drive_start(struct drive *d, const char *flags) {
  memset(d, 0, sizeof *d);
  d->so = dlopen(LASTACK_PACKETDRILL, RTLD_NOW | RTLD_LOCAL);
  if (!d->so)
    fail_msg("%s", dlerror());
  void (*init)(const char *, struct packetdrill_interface *);
  *(void **)&init = dlsym(d->so, "packetdrill_interface_init");
  assert_non_null(init);
  assert_null(dlsym(d->so, "la_stack_new")); /* nothing else is to be seen */
  init(flags, &d->i);
}
static void drive_stop(struct drive *d) {
  d->i.free(d->i.userdata);
  dlclose(d->so);
}

static long long now_us(struct drive *d) {
  struct timeval tv;
  assert_int_equal(d->i.gettimeofday(d->i.userdata, &tv, NULL), 0);
  return (long long)tv.tv_sec * 1000000 + tv.tv_usec;
}

static struct sockaddr_in where(const char *ip, uint16_t port) {
  struct sockaddr_in sa = {.sin_family = AF_INET, .sin_port = htons(port)};
  assert_int_equal(inet_pton(AF_INET, ip, &sa.sin_addr), 1);
  return sa;
}

/* From the peer; sequence numbers relative to 0 and to the stack's own. */
static void send_seg(struct drive *d, unsigned flags, uint32_t seq, uint32_t ack, const char *text) {
  struct tcp_seg s = {.sport = THEIR_PORT, .dport = OUR_PORT, .seq = seq, .wnd = 32768, .flags = (uint8_t)flags};
  s.ack = flags & LA_ACK ? d->irs + ack : 0;
  if (flags & LA_SYN)
    s.opt = (struct tcp_opts){.have = TCP_OPT_MSS, .mss = 1000};
  struct pkt p;
  uint8_t b[200];
  unsigned hdr = la__tcp_build(&s, b);
  memcpy(b + hdr, text, strlen(text));
  pkt_ip(&p, theirs, ours, IP_PROTO_TCP, b, hdr + (uint32_t)strlen(text));
  pkt_sum(&p, 16);
  assert_int_equal(d->i.netdev_send(d->i.userdata, p.b, p.len), 0);
}

/* From the stack, which must send such a segment next. */
static void want_seg(struct drive *d, unsigned flags, uint32_t seq, uint32_t ack, const char *text) {
  struct pkt p;
  struct tcp_seg s;
  size_t n = sizeof p.b;
  assert_int_equal(d->i.netdev_receive(d->i.userdata, p.b, &n, &d->at), 0);
  assert_true(n > 0);
  p.len = (uint32_t)n;
  struct ip_hdr h = pkt_check(&p);
  assert_int_equal(la__tcp_parse(&s, p.b + h.hlen, h.len, 0, true), LA_DROP_NONE);
  if (flags & LA_SYN)
    d->irs = s.seq - seq;
  assert_int_equal(s.flags & ~LA_PSH, flags);
  assert_int_equal(s.seq - d->irs, seq);
  assert_int_equal(s.ack, ack);
  assert_int_equal(s.len, strlen(text));
  assert_memory_equal(s.data, text, s.len);
}

static int listening(struct drive *d) {
  void *u = d->i.userdata;
  struct sockaddr_in sa = where(ours, OUR_PORT);
  int one = 1, fd = d->i.socket(u, AF_INET, SOCK_STREAM, IPPROTO_TCP);
  assert_true(fd >= 0);
  assert_int_equal(d->i.setsockopt(u, fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one), 0);
  assert_int_equal(d->i.bind(u, fd, (struct sockaddr *)&sa, sizeof sa), 0); /* whatever address the test has made up */
  assert_int_equal(d->i.listen(u, fd, 1), 0);
  return fd;
}

static void handshake(struct drive *d) {
  send_seg(d, LA_SYN, 0, 0, "");
  want_seg(d, LA_SYN | LA_ACK, 0, 1, "");
  send_seg(d, LA_ACK, 1, 1, "");
}

/* Handshake, bytes both ways, release; a clock fires when it is waited for, and an empty wire is told from a busy one. */
static void connection(void **state) {
  (void)state;
  struct drive d;
  drive_start(&d, NULL);
  void *u = d.i.userdata;
  int l = listening(&d);
  handshake(&d);
  struct sockaddr_in from;
  socklen_t len = sizeof from;
  int fd = d.i.accept(u, l, (struct sockaddr *)&from, &len);
  assert_true(fd > l);
  assert_int_equal(len, sizeof from);
  assert_int_equal(ntohs(from.sin_port), THEIR_PORT);
  assert_int_equal(fcntl(fd, F_GETFD), FD_CLOEXEC); /* the process's own close would find something to close */
  assert_int_equal(d.i.write(u, fd, "hello", 5), 5);
  want_seg(&d, LA_ACK, 1, 1, "hello");
  long long first = d.at;
  want_seg(&d, LA_ACK, 1, 1, "hello"); /* not acknowledged: time passes by itself */
  assert_in_range(d.at - first, 200000, 300000);
  assert_true(now_us(&d) >= d.at);
  send_seg(&d, LA_ACK | LA_PSH, 1, 6, "good bye");
  want_seg(&d, LA_ACK, 6, 9, "");
  int waiting = 0;
  assert_int_equal(d.i.ioctl(u, fd, FIONREAD, &waiting), 0);
  assert_int_equal(waiting, 8);
  char got[20];
  struct iovec v[2] = {{got, 4}, {got + 4, 16}};
  assert_int_equal(d.i.readv(u, fd, v, 2), 8);
  assert_memory_equal(got, "good bye", 8);
  assert_int_equal(d.i.fcntl(u, fd, F_SETFL, O_RDWR | O_NONBLOCK), 0);
  assert_int_equal(d.i.recv(u, fd, got, 20, 0), -1);
  assert_int_equal(errno, EAGAIN);
  send_seg(&d, LA_ACK | LA_FIN, 9, 6, "");
  want_seg(&d, LA_ACK, 6, 10, "");
  assert_int_equal(d.i.read(u, fd, got, 20), 0);
  assert_int_equal(d.i.close(u, fd), 0);
  assert_int_equal(fcntl(fd, F_GETFD), -1);
  want_seg(&d, LA_ACK | LA_FIN, 6, 10, "");
  send_seg(&d, LA_ACK, 10, 7, "");
  size_t n = sizeof got;
  assert_int_equal(d.i.netdev_receive(u, got, &n, &d.at), 0);
  assert_int_equal(n, 0); /* nothing can come any more */
  assert_int_equal(d.i.close(u, fd), -1);
  assert_int_equal(errno, EBADF);
  drive_stop(&d);
}

/* usleep passes exactly so much time; looking costs a microsecond, so that whoever spins gets there. */
static void clocks(void **state) {
  (void)state;
  struct drive d;
  drive_start(&d, "preset=rfc,mtu=1400");
  long long t = now_us(&d);
  assert_int_equal(now_us(&d), t + 1);
  assert_int_equal(d.i.usleep(d.i.userdata, 1500), 0);
  assert_int_equal(now_us(&d), t + 1502);
  drive_stop(&d);
}

static void readiness(void **state) {
  (void)state;
  struct drive d;
  drive_start(&d, "");
  void *u = d.i.userdata;
  int l = listening(&d), ep = d.i.epoll_create(u, 1);
  struct epoll_event e = {.events = EPOLLIN, .data.u64 = 77}, out[4];
  assert_int_equal(d.i.epoll_ctl(u, ep, EPOLL_CTL_ADD, l, &e), 0);
  assert_int_equal(d.i.epoll_ctl(u, ep, EPOLL_CTL_ADD, l, &e), -1);
  assert_int_equal(errno, EEXIST);
  long long t = now_us(&d);
  assert_int_equal(d.i.epoll_wait(u, ep, out, 4, 0), 0);
  handshake(&d);
  assert_int_equal(d.i.epoll_wait(u, ep, out, 4, -1), 1);
  assert_int_equal(out[0].events, EPOLLIN);
  assert_int_equal(out[0].data.u64, 77);
  struct pollfd p = {.fd = l, .events = POLLIN | POLLOUT};
  assert_int_equal(d.i.poll(u, &p, 1, 1000), 1);
  assert_int_equal(p.revents, POLLIN);
  assert_int_equal(now_us(&d), t + 1);
  struct tcp_info ti;
  socklen_t len = sizeof ti;
  assert_int_equal(d.i.getsockopt(u, l, IPPROTO_TCP, TCP_INFO, &ti, &len), 0);
  assert_int_equal(ti.tcpi_state, TCP_LISTEN);
  drive_stop(&d);
}

/* A call in another thread, and what it found when it was over. */
struct caller {
  pthread_t thread;
  atomic_int tid; /* once it is on its way into the call */
  struct drive *d;
  int fd, result, err;
  bool read, timed;
  long long ended;
  char got[8];
};
static void *do_call(void *v) {
  struct caller *c = v;
  void *u = c->d->i.userdata;
  atomic_store(&c->tid, (int)gettid());
  c->result = c->read ? (int)c->d->i.read(u, c->fd, c->got, sizeof c->got) : c->d->i.accept(u, c->fd, NULL, NULL);
  c->err = errno;
  if (c->timed)
    c->ended = now_us(c->d);
  return NULL;
}

/* As packetdrill looks whether its own thread sleeps in a call. */
static bool asleep(int tid) {
  char path[64], line[200] = "";
  snprintf(path, sizeof path, "/proc/self/task/%d/stat", tid);
  FILE *f = fopen(path, "r");
  assert_non_null(f);
  size_t n = fread(line, 1, sizeof line - 1, f);
  fclose(f);
  line[n] = 0;
  const char *after = strrchr(line, ')');
  return after && after[1] == ' ' && after[2] == 'S';
}

static void start(struct caller *c, struct drive *d, int fd, bool read, bool timed) {
  memset(c, 0, sizeof *c);
  c->d = d;
  c->fd = fd;
  c->read = read;
  c->timed = timed;
  assert_int_equal(pthread_create(&c->thread, NULL, do_call, c), 0);
  while (!atomic_load(&c->tid) || !asleep(atomic_load(&c->tid)))
    sched_yield();
}
static void finish(struct caller *c) { assert_int_equal(pthread_join(c->thread, NULL), 0); }

static void blocking(void **state) {
  (void)state;
  struct drive d;
  struct caller c;
  drive_start(&d, NULL);
  int l = listening(&d);
  start(&c, &d, l, false, true);
  handshake(&d);
  long long t = now_us(&d);
  d.i.usleep(d.i.userdata, 5000000);
  finish(&c);
  assert_true(c.result > l);
  assert_int_equal(c.ended, t); /* not 5 s later, whenever the thread got to run */
  start(&c, &d, c.result, true, true);
  send_seg(&d, LA_ACK, 1, 1, "late");
  finish(&c);
  assert_int_equal(c.result, 4);
  assert_memory_equal(c.got, "late", 4);
  drive_stop(&d);
}

/* A time-out strikes at its own instant, however far the other thread lets time jump. */
static void blocking_until(void **state) {
  (void)state;
  struct drive d;
  struct caller c;
  drive_start(&d, NULL);
  int l = listening(&d);
  struct timeval tv = {.tv_sec = 2};
  assert_int_equal(d.i.setsockopt(d.i.userdata, l, SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof tv), 0);
  long long t = now_us(&d);
  start(&c, &d, l, false, true);
  d.i.usleep(d.i.userdata, 60000000);
  finish(&c);
  assert_int_equal(c.result, -1);
  assert_int_equal(c.err, EAGAIN);
  assert_int_equal(c.ended, t + 1 + 2000000); /* the look cost a microsecond */
  drive_stop(&d);
}

/* The end of all interrupts what still waits. */
static void end_of_all(void **state) {
  (void)state;
  struct drive d;
  struct caller c;
  drive_start(&d, NULL);
  start(&c, &d, listening(&d), false, false);
  d.i.free(d.i.userdata);
  finish(&c);
  assert_int_equal(c.result, -1);
  assert_int_equal(c.err, EINTR);
  dlclose(d.so);
}

int main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(connection), cmocka_unit_test(clocks),         cmocka_unit_test(readiness),
    cmocka_unit_test(blocking),   cmocka_unit_test(blocking_until), cmocka_unit_test(end_of_all),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

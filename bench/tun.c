/* SPDX-License-Identifier: MIT */
/*
 * tun tx|rx BYTES         one connection between our stack and a socket of the kernel over a TUN device, by the clock on the wall: the
 *                         kernel's end is another process, so two processors work
 * tunfloor tx|rx BYTES [PIECE]  the same driver, offload and bytes a packet, as UDP datagrams: copied, but no TCP at either end
 */
#include <netinet/udp.h>
#include <poll.h>
#include <signal.h>
#include <sys/wait.h>

#include "base/sum.h"
#include "net.h"
#include "pair.h"
#include "wire/ip.h"

enum { OUR = 0x0a630002, THEIR = 0x0a630001, UDP_BYTES = 1460, UDP_HEAD = 8 };
static const la_addr ours = {.family = 4, .b = {10, 99, 0, 2}}, theirs = {.family = 4, .b = {10, 99, 0, 1}};

static la_driver *device(void) {
  char err[160];
  net_own();
  la_driver *d = la_tun_open("bench0", MTU, err, sizeof err);
  if (!d || !la_tun_host_addr("bench0", &theirs, 24, MTU, err, sizeof err))
    die(err);
  return d;
}

static int kernel_socket(int type) {
  int fd = socket(AF_INET, type, 0), on = 1, big = 4 << 20;
  struct sockaddr_in a = net_addr(THEIR, PORT);
  setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &big, sizeof big);
  if (fd < 0 || bind(fd, (struct sockaddr *)&a, sizeof a) != 0 || (type == SOCK_STREAM && listen(fd, 1) != 0))
    die("socket");
  return fd;
}

/* ---- our stack: sends by reference, receives in posted buffers ---- */

enum { REFS = 16, POSTS = 8, POST_BYTES = APP_BYTES / 2 };

struct work {
  la_stack *stack;
  la_conn conn;
  bool tx, open, over;
  uint64_t done, all;
  unsigned lent, back; /* totals */
  double began;
  la_ref ref[REFS];
  la_post post[POSTS];
  uint8_t app[POSTS * POST_BYTES];
};

static void feed(struct work *w, la_time now) {
  while (w->done < w->all && w->lent - w->back < REFS) {
    la_ref *r = &w->ref[w->lent % REFS];
    r->data = w->app;
    r->len = w->all - w->done < APP_BYTES ? (size_t)(w->all - w->done) : APP_BYTES;
    int put = la_send_ref(w->stack, w->conn, r);
    if (put == LA_AGAIN)
      return;
    if (put != LA_OK)
      die("send");
    w->lent++;
    w->done += r->len;
  }
  if (w->done == w->all)
    la_close(w->stack, w->conn, now);
}

static void post(struct work *w, la_post *b) {
  if (la_recv_post(w->stack, w->conn, b) != LA_OK)
    die("post");
}

static void take(struct work *w, la_time now) {
  la_post *b;
  ptrdiff_t n;
  while ((n = la_recv_take(w->stack, w->conn, &b)) > 0) {
    w->done += (uint64_t)n;
    post(w, b);
  }
  if (n == 0)
    la_close(w->stack, w->conn, now);
}

static void opened(struct work *w) {
  w->began = wall_now();
  w->open = true;
  for (unsigned i = 0; !w->tx && i < POSTS; i++) {
    w->post[i] = (la_post){.data = w->app + i * POST_BYTES, .cap = POST_BYTES, .least = POST_BYTES};
    post(w, &w->post[i]);
  }
}

static void on_work(void *ctx, la_time now) {
  struct work *w = ctx;
  la_event e;
  while (la_events(w->stack, &e, 1)) {
    if (e.type == LA_EVENT_ESTABLISHED)
      opened(w);
    w->back += e.type == LA_EVENT_RELEASED; /* in the order in which they were lent */
    if (e.type == LA_EVENT_END)
      w->over = true;
    if (!w->open || w->over)
      continue;
    if (w->tx)
      feed(w, now);
    else
      take(w, now);
  }
}

static void kernel_end(int l, bool tx, uint64_t all) {
  static uint8_t app[APP_BYTES];
  int fd = accept(l, NULL, NULL);
  if (tx) {
    while (read(fd, app, sizeof app) > 0)
      ;
  } else {
    while (all) {
      ssize_t n = write(fd, app, all < sizeof app ? (size_t)all : sizeof app);
      if (n <= 0)
        die("write");
      all -= (uint64_t)n;
    }
  }
  close(fd);
  exit(0);
}

int tun_main(int argc, char **argv) {
  struct work *w = calloc(1, sizeof *w);
  la_config cfg;
  la_host_hooks hooks = {.work = on_work, .ctx = w};
  w->tx = argc > 1 && strcmp(argv[1], "tx") == 0;
  w->all = number_arg(argc, argv, 2, 1ul << 30);
  la_driver *d = device();
  int l = kernel_socket(SOCK_STREAM);
  pid_t child = fork();
  if (child == 0)
    kernel_end(l, w->tx, w->all);
  if (!la_host_config(&cfg, LA_PRESET_LINUX))
    die("no entropy");
  cfg.sndbuf = cfg.rcvbuf = 1u << 20;
  if (!(w->stack = la_stack_new(&cfg)))
    die("no stack");
  la_link link = la_link_add(w->stack, MTU);
  la_host *h = la_host_new();
  la_connect_opts to = {.remote = theirs, .remote_port = PORT};
  if (la_addr_add(w->stack, link, &ours, 24) != LA_OK || !h || !la_host_add_stack(h, w->stack, &hooks) ||
      !la_host_add_link(h, w->stack, link, d) || la_connect(w->stack, &to, &w->conn, la_host_now(h)) != LA_OK)
    die("no way to the kernel");
  while (!w->over && la_host_turn(h, LA_NEVER))
    ;
  double took = wall_now() - w->began;
  waitpid(child, NULL, 0);
  if (w->done != w->all)
    die("not all came over");
  result("gbit_s", 8e-9 * (double)w->all / took);
  la_host_free(h);
  la_stack_free(w->stack);
  free(w);
  return 0;
}

/* ---- the floor ---- */

/* Joined datagrams: as many as fit a packet, of UDP_BYTES each. */
enum { JOINED = 44 * UDP_BYTES };

static void floor_reader(int fd, uint64_t all, int report) { /* reads until nothing comes for a while */
  static uint8_t got[APP_BYTES];
  struct timeval patience = {.tv_usec = 200000};
  double first = 0, last = 0;
  uint64_t there = 0;
  int on = 1;
  setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
  setsockopt(fd, SOL_UDP, UDP_GRO, &on, sizeof on);
  for (unsigned quiet = 0; quiet < 5 && there < all;) {
    ssize_t n = recv(fd, got, sizeof got, 0);
    quiet = n > 0 ? 0 : quiet + 1;
    if (n <= 0)
      continue;
    last = wall_now();
    if (first == 0)
      first = last;
    there += (uint64_t)n;
  }
  double rate = 8e-9 * (double)there / (last - first);
  exit(write(report, &rate, sizeof rate) != sizeof rate);
}

/* The application's bytes are copied once, as la_send does; the rest is the device's work. */
static int floor_tx(la_driver *d, uint64_t all, uint32_t piece) {
  static uint8_t app[APP_BYTES], queue[APP_BYTES];
  int fd = kernel_socket(SOCK_DGRAM), report[2];
  struct ip_hdr h = {.src = ours, .dst = theirs, .proto = IP_PROTO_UDP, .ttl = 64, .len = UDP_HEAD + JOINED};
  if (pipe(report) != 0)
    die("pipe");
  pid_t child = fork();
  if (child == 0)
    floor_reader(fd, all, report[1]);
  for (uint64_t sent = 0; sent < all; sent += JOINED) {
    la_frame f;
    uint32_t ip = la__ip4_build(&h, f.room);
    uint8_t head[UDP_HEAD] = {0, PORT, 0, PORT, (UDP_HEAD + JOINED) >> 8, (UDP_HEAD + JOINED) & 255};
    uint16_t sum = (uint16_t)~la__sum_finish(la__ip_pseudo_sum(&h.src, &h.dst, IP_PROTO_UDP, h.len));
    head[6] = (uint8_t)(sum >> 8);
    head[7] = (uint8_t)sum;
    memcpy(f.room + ip, head, UDP_HEAD);
    memcpy(queue, app, JOINED);
    f.data = f.room;
    f.len = ip + UDP_HEAD;
    f.total = f.len + JOINED;
    f.flags = LA_FRAME_GSO | LA_FRAME_SUM_PARTIAL;
    f.gso_size = UDP_BYTES;
    f.sum_start = (uint16_t)ip;
    f.sum_at = 6;
    f.nbufs = 0;
    for (uint32_t at = 0; at < JOINED; at += f.buf[f.nbufs++].len)
      f.buf[f.nbufs] = (la_buf){queue + at, JOINED - at < piece ? JOINED - at : piece};
    d->send(d, &f);
  }
  double rate = 0, cpu = cpu_now();
  if (read(report[0], &rate, sizeof rate) != sizeof rate)
    die("no report");
  waitpid(child, NULL, 0);
  result("gbit_s", rate);
  result("sender_cpu_s", cpu);
  return 0;
}

static int floor_rx(la_driver *d, uint64_t all) {
  static uint8_t app[APP_BYTES];
  la_frame in[32];
  int fd = kernel_socket(SOCK_DGRAM);
  uint64_t there = 0;
  double first = 0, last = 0;
  pid_t child = fork();
  if (child == 0) {
    struct sockaddr_in to = net_addr(OUR, PORT);
    int each = UDP_BYTES; /* one call makes many datagrams, as one write on a TCP socket does */
    setsockopt(fd, SOL_UDP, UDP_SEGMENT, &each, sizeof each);
    for (;;)
      sendto(fd, app, JOINED, 0, (struct sockaddr *)&to, sizeof to);
  }
  while (there < all) {
    struct pollfd wait = {.fd = d->fd, .events = POLLIN};
    poll(&wait, 1, -1);
    size_t n = d->recv(d, in, 32);
    for (size_t i = 0; i < n; i++) {
      struct ip_hdr h;
      if (la__ip4_parse(&h, in[i].data, in[i].len, false) != LA_DROP_NONE || h.proto != IP_PROTO_UDP)
        continue;
      memcpy(app, in[i].data + h.hlen, h.len);
      there += h.len - UDP_HEAD;
    }
    last = wall_now();
    if (first == 0)
      first = last;
  }
  kill(child, SIGKILL);
  waitpid(child, NULL, 0);
  result("gbit_s", 8e-9 * (double)there / (last - first));
  return 0;
}

int tunfloor_main(int argc, char **argv) {
  uint64_t all = number_arg(argc, argv, 2, 1ul << 30);
  uint32_t piece = (uint32_t)number_arg(argc, argv, 3, 4096); /* as long as the stack's, if not told otherwise */
  if (piece < JOINED / LA_FRAME_BUFS + 1)
    die("a frame has not so many pieces");
  la_driver *d = device();
  int status = argc > 1 && strcmp(argv[1], "tx") == 0 ? floor_tx(d, all, piece) : floor_rx(d, all);
  d->close(d);
  return status;
}

/* SPDX-License-Identifier: MIT */
/*
 * bench_kernel bulk WINDOW BYTES | cycles CYCLES: the rows of bench_lastack for the kernel, in one thread, so that the processor time of
 * both ends is counted. bulk goes over a veth pair with an MTU of 1500 and every offload that can be switched off switched off;
 * cycles over lo, where past 1000 TIME-WAIT records new ones are not kept.
 */
#include <errno.h>
#include <linux/ethtool.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <netinet/tcp.h>
#include <sys/ioctl.h>

#include "net.h"

enum { PORT = 7, CLIENT = 0x0a000001, SERVER = 0x0a0000c8 };

static void put(const char *path, const char *text) {
  int fd = open(path, O_WRONLY);
  if (fd < 0 || write(fd, text, strlen(text)) < 0)
    fprintf(stderr, "bench: %s stays as it is\n", path);
  if (fd >= 0)
    close(fd);
}

static void offloads_off(const char *device) {
  static const uint32_t what[] = {ETHTOOL_STSO, ETHTOOL_SGSO, ETHTOOL_SGRO, ETHTOOL_STXCSUM, ETHTOOL_SRXCSUM};
  int fd = socket(AF_INET, SOCK_DGRAM, 0);
  for (unsigned i = 0; i < sizeof what / sizeof what[0]; i++) {
    struct ethtool_value v = {.cmd = what[i]};
    struct ifreq r = {.ifr_data = (void *)&v};
    snprintf(r.ifr_name, IFNAMSIZ, "%s", device);
    (void)ioctl(fd, SIOCETHTOOL, &r);
  }
  close(fd);
}

static int tcp_socket(unsigned long window) {
  int fd = socket(AF_INET, SOCK_STREAM, 0), on = 1, half = (int)window / 2; /* the kernel doubles it */
  if (fd < 0)
    die("socket");
  setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  if (window) {
    int clamp = (int)window, send = (int)window;
    half = half * 4; /* half of what is asked for goes to bookkeeping; the clamp says what is announced */
    setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &half, sizeof half);
    setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &send, sizeof send);
    setsockopt(fd, IPPROTO_TCP, TCP_WINDOW_CLAMP, &clamp, sizeof clamp);
  }
  return fd;
}

static int listener(uint32_t addr, unsigned long window) {
  int fd = tcp_socket(window);
  struct sockaddr_in a = net_addr(addr, PORT);
  if (bind(fd, (struct sockaddr *)&a, sizeof a) != 0 || listen(fd, 16) != 0)
    die("listen");
  return fd;
}

static int connected(uint32_t addr, unsigned long window) {
  int fd = tcp_socket(window);
  struct sockaddr_in a = net_addr(addr, PORT);
  if (connect(fd, (struct sockaddr *)&a, sizeof a) != 0)
    die("connect");
  return fd;
}

static int bulk(unsigned long window, uint64_t all) {
  static uint8_t src[APP_BYTES], dst[APP_BYTES];
  char command[200];
  uint64_t sent = 0, got = 0;
  net_own();
  int one = open("/proc/self/ns/net", O_RDONLY);
  if (unshare(CLONE_NEWNET) != 0)
    die("unshare");
  int two = open("/proc/self/ns/net", O_RDONLY);
  snprintf(command, sizeof command, "ip link add bench1 mtu 1500 type veth peer name bench0 mtu 1500 netns /proc/%d/fd/%d", getpid(), one);
  if (system(command) != 0 || system("ip addr add 10.0.0.200/24 dev bench1 && ip link set bench1 up") != 0)
    die("no veth");
  offloads_off("bench1");
  int l = listener(SERVER, window);
  if (setns(one, CLONE_NEWNET) != 0 || system("ip addr add 10.0.0.1/24 dev bench0 && ip link set bench0 up") != 0)
    die("no veth");
  offloads_off("bench0");
  put("/proc/sys/net/ipv4/tcp_timestamps", "0");
  int c = connected(SERVER, window), s = accept(l, NULL, NULL);
  fcntl(c, F_SETFL, O_NONBLOCK);
  fcntl(s, F_SETFL, O_NONBLOCK);
  app_fill(src);
  double began = cpu_now();
  while (got < all) {
    size_t at = sent % APP_BYTES, n = all - sent < APP_BYTES - at ? (size_t)(all - sent) : APP_BYTES - at;
    ssize_t k = n ? write(c, src + at, n) : 0;
    if (k < 0 && errno != EAGAIN)
      die("write");
    sent += k > 0 ? (uint64_t)k : 0;
    while ((k = read(s, dst + got % APP_BYTES, APP_BYTES - got % APP_BYTES)) > 0)
      got += (uint64_t)k;
  }
  result("gbit_s", 8e-9 * (double)all / (cpu_now() - began));
  close(two);
  return memcmp(src, dst, APP_BYTES) != 0;
}

static void byte_over(int from, int to) {
  char x = 'x', y = 0;
  if (write(from, &x, 1) != 1 || read(to, &y, 1) != 1 || y != 'x')
    die("a byte went astray");
}

static int cycles(unsigned long rounds) {
  net_own();
  put("/proc/sys/net/ipv4/tcp_max_tw_buckets", "1000");
  int l = listener(INADDR_LOOPBACK, 0);
  double began = cpu_now();
  for (unsigned long i = 0; i < rounds; i++) {
    char none;
    int c = connected(INADDR_LOOPBACK, 0), s = accept(l, NULL, NULL);
    byte_over(c, s);
    byte_over(s, c);
    close(c);
    if (read(s, &none, 1) != 0)
      die("no end of stream");
    close(s);
  }
  result("cycles_s", (double)rounds / (cpu_now() - began));
  return 0;
}

int main(int argc, char **argv) {
  if (argc > 3 && strcmp(argv[1], "bulk") == 0)
    return bulk(number_arg(argc, argv, 2, 0), number_arg(argc, argv, 3, 0));
  if (argc > 2 && strcmp(argv[1], "cycles") == 0)
    return cycles(number_arg(argc, argv, 2, 0));
  fprintf(stderr, "usage: bench_kernel bulk WINDOW BYTES | cycles CYCLES\n");
  return 2;
}

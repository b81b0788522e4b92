/* SPDX-License-Identifier: MIT */
/* A network of the process's own, for the rows that the kernel takes part in. */
#ifndef LA_BENCH_NET_H
#define LA_BENCH_NET_H

#include <fcntl.h>
#include <netinet/in.h>
#include <sched.h>
#include <sys/socket.h>
#include <unistd.h>

#include "bench.h"

/* BBR, where it is the default, arms a timer for each packet, which costs a virtual machine more than the packet; CUBIC is ours, too. */
static inline void net_cubic(void) {
  int fd = open("/proc/sys/net/ipv4/tcp_congestion_control", O_WRONLY);
  if (fd < 0 || (write(fd, "cubic", 5) != 5 && write(fd, "reno", 4) != 4))
    die("tcp_congestion_control");
  close(fd);
}

/* From now on in an empty network namespace, with `lo` up. Ends the process with 77 where that is not allowed. */
static inline void net_own(void) {
  if (unshare(CLONE_NEWNET) != 0 && unshare(CLONE_NEWUSER | CLONE_NEWNET) != 0) {
    fprintf(stderr, "bench: no network namespace: must be root\n");
    exit(77);
  }
  if (system("ip link set lo up") != 0)
    die("ip");
  net_cubic();
}

static inline struct sockaddr_in net_addr(uint32_t host, uint16_t port) {
  struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons(port)};
  a.sin_addr.s_addr = htonl(host);
  return a;
}

#endif

/* SPDX-License-Identifier: MIT */
/*
 * inject DEVICE PORT SHIFT TTL: what a censor on the way does. Waits for a TCP segment with data from PORT that leaves by DEVICE, and sends
 * a RST after it that claims to come from the same end: its number is that of the next byte plus SHIFT, its TTL (hop limit) is TTL.
 * "ready" on stdout when it listens, "sent" when it has.
 */
#include <arpa/inet.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/bytes.h"
#include "base/sum.h"

enum { ETHER = 14, TCP = 20, FLAG_RST = 4, FLAG_ACK = 16 };

/* Makes the RST of the frame. Returns its length; 0: it is no TCP segment with data from that port. */
static size_t forge(uint8_t *frame, size_t n, unsigned port, uint32_t shift, unsigned ttl) {
  uint8_t *ip = frame + ETHER;
  bool four = be16_get(frame + 12) == ETHERTYPE_IP;
  size_t hlen = four ? (ip[0] & 15) * 4u : 40, total = four ? be16_get(ip + 2) : 40u + be16_get(ip + 4);
  if ((!four && be16_get(frame + 12) != ETHERTYPE_IPV6) || ip[four ? 9 : 6] != IPPROTO_TCP || n < ETHER + total)
    return 0;
  uint8_t *tcp = ip + hlen;
  size_t thlen = (tcp[12] >> 4) * 4u, data = total - hlen - thlen;
  if (!data || be16_get(tcp) != port)
    return 0;
  be32_put(tcp + 4, be32_get(tcp + 4) + (uint32_t)data + shift);
  tcp[12] = TCP / 4 << 4;
  tcp[13] = FLAG_RST | FLAG_ACK;
  ip[four ? 8 : 7] = (uint8_t)ttl;
  be16_put(ip + (four ? 2 : 4), (four ? (unsigned)hlen : 0) + TCP);
  if (four) {
    be16_put(ip + 10, 0);
    be16_put(ip + 10, la__sum_finish(la__sum(0, ip, hlen)));
  }
  be16_put(tcp + 16, 0);
  be16_put(tcp + 16, la__sum_finish(la__sum(la__sum(IPPROTO_TCP + TCP, ip + (four ? 12 : 8), four ? 8 : 32), tcp, TCP)));
  return ETHER + hlen + TCP;
}

int main(int argc, char **argv) {
  static uint8_t frame[70000];
  struct sockaddr_ll at = {.sll_family = AF_PACKET, .sll_protocol = htons(ETH_P_ALL)};
  int fd = socket(AF_PACKET, SOCK_RAW, htons(ETH_P_ALL));
  if (argc < 5 || fd < 0 || !(at.sll_ifindex = (int)if_nametoindex(argv[1])) || bind(fd, (struct sockaddr *)&at, sizeof at) != 0) {
    perror("inject");
    return 1;
  }
  setvbuf(stdout, NULL, _IOLBF, 0);
  printf("ready\n");
  for (;;) {
    struct sockaddr_ll from;
    socklen_t len = sizeof from;
    ssize_t n = recvfrom(fd, frame, sizeof frame, 0, (struct sockaddr *)&from, &len);
    if (n < ETHER + 40 || from.sll_pkttype != PACKET_OUTGOING)
      continue;
    size_t rst = forge(frame, (size_t)n, (unsigned)atoi(argv[2]), (uint32_t)atol(argv[3]), (unsigned)atoi(argv[4]));
    if (!rst)
      continue;
    if (send(fd, frame, rst, 0) != (ssize_t)rst) {
      perror("send");
      return 1;
    }
    printf("sent\n");
    return 0;
  }
}

/* SPDX-License-Identifier: MIT */
/*
 * An Ethernet interface of Linux through a packet socket (packet(7)): a station of our own beside the kernel's.
 *
 * The interface is asked to take what is for our address and for groups; one that has no room for another address takes everything, and the
 * stack drops what is not ours. The kernel drops it as well, since neither the hardware address nor the IP address is its own.
 * struct virtio_net_hdr before each frame says what the other side of a veth, or the network card, has left undone or joined: an
 * unfinished checksum, several segments in one. Both are left to the kernel on the way out as well.
 *
 * Dropped here: what the kernel itself sends over the interface, frames of a VLAN (their tag is off, so they would look like ours),
 * and those that are cut short. Many frames are one call to recvmmsg; a ring mapped into memory would spare a copy of each, but its
 * places would have to be of the longest joined frame.
 */
#include "link/vnet.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <net/if_arp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

/* Newer than some systems' headers. */
#ifndef PACKET_IGNORE_OUTGOING
#define PACKET_IGNORE_OUTGOING 23
#endif
enum { BATCH = 32, LONGEST = 65535 + ETH_HLEN + 4, SOCKET_BYTES = 8 << 20, VLAN_ID = 0xfff };

struct slot {
  struct virtio_net_hdr head;
  struct sockaddr_ll from;
  union {
    struct cmsghdr align;
    uint8_t bytes[CMSG_SPACE(sizeof(struct tpacket_auxdata))];
  } aux;
  uint8_t *bytes; /* LONGEST */
};
struct packet {
  la_driver d;
  struct mmsghdr msg[BATCH];
  struct iovec iov[BATCH][2];
  struct slot slot[BATCH];
  uint8_t bytes[];
};

__attribute__((format(printf, 3, 4))) static void explain(char *err, size_t cap, const char *fmt, ...) {
  if (!err || !cap)
    return;
  va_list ap;
  va_start(ap, fmt);
  vsnprintf(err, cap, fmt, ap);
  va_end(ap);
}

/* ---- in ---- */

/* Of a VLAN, and not only a priority (IEEE 802.1Q 9.6). */
static bool tagged(const struct msghdr *m) {
  for (struct cmsghdr *c = CMSG_FIRSTHDR(m); c; c = CMSG_NXTHDR((struct msghdr *)(uintptr_t)m, c))
    if (c->cmsg_level == SOL_PACKET && c->cmsg_type == PACKET_AUXDATA) {
      struct tpacket_auxdata aux;
      memcpy(&aux, CMSG_DATA(c), sizeof aux);
      return aux.tp_status & TP_STATUS_VLAN_VALID && aux.tp_vlan_tci & VLAN_ID;
    }
  return false;
}

/* false: it is not for the stack. */
static bool frame_of(const struct packet *k, unsigned i, la_frame *f) {
  const struct mmsghdr *m = &k->msg[i];
  const struct slot *s = &k->slot[i];
  if (s->from.sll_pkttype == PACKET_OUTGOING || m->msg_hdr.msg_flags & MSG_TRUNC || m->msg_len <= sizeof s->head || tagged(&m->msg_hdr))
    return false;
  f->data = s->bytes;
  f->len = f->total = m->msg_len - (uint32_t)sizeof s->head;
  f->nbufs = 0;
  f->header = ETH_HLEN;
  return la__vnet_read(f, &s->head);
}

static void slots_ready(struct packet *k, unsigned n) {
  for (unsigned i = 0; i < n; i++) {
    struct slot *s = &k->slot[i];
    s->bytes = k->bytes + (size_t)i * LONGEST;
    k->iov[i][0] = (struct iovec){&s->head, sizeof s->head};
    k->iov[i][1] = (struct iovec){s->bytes, LONGEST};
    k->msg[i].msg_hdr = (struct msghdr){.msg_name = &s->from,
                                        .msg_namelen = sizeof s->from,
                                        .msg_iov = k->iov[i],
                                        .msg_iovlen = 2,
                                        .msg_control = &s->aux,
                                        .msg_controllen = sizeof s->aux};
  }
}

static size_t packet_recv(la_driver *d, la_frame *frames, size_t max) {
  struct packet *k = (struct packet *)d;
  unsigned want = max < BATCH ? (unsigned)max : BATCH;
  size_t n = 0;
  while (!n) {
    slots_ready(k, want);
    int got = recvmmsg(d->fd, k->msg, want, MSG_DONTWAIT, NULL);
    if (got < 0 && errno == EINTR)
      continue;
    if (got <= 0)
      break;
    for (unsigned i = 0; i < (unsigned)got; i++)
      if (frame_of(k, i, &frames[n]))
        n++;
      else
        d->dropped++;
  }
  d->received += n;
  return n;
}

/* ---- out ---- */

static bool packet_send(la_driver *d, const la_frame *f) {
  struct virtio_net_hdr h;
  struct iovec v[2 + LA_FRAME_BUFS];
  int n = 0;
  la__vnet_write(f, &h);
  v[n++] = (struct iovec){&h, sizeof h};
  v[n++] = (struct iovec){(void *)(uintptr_t)f->data, f->len};
  for (unsigned i = 0; i < f->nbufs; i++)
    v[n++] = (struct iovec){(void *)(uintptr_t)f->buf[i].data, f->buf[i].len};
  ssize_t put;
  do
    put = writev(d->fd, v, n);
  while (put < 0 && errno == EINTR);
  if (put < 0)
    d->dropped++;
  else
    d->sent++;
  return put >= 0;
}

static void packet_close(la_driver *d) {
  close(d->fd);
  free(d);
}

/* ---- opening ---- */

static bool set(int fd, int opt, int v) { return setsockopt(fd, SOL_PACKET, opt, &v, sizeof v) == 0; }

static bool join(int fd, int index, unsigned short type, const uint8_t *mac) {
  struct packet_mreq m = {.mr_ifindex = index, .mr_type = type, .mr_alen = LA_MAC};
  if (mac)
    memcpy(m.mr_address, mac, LA_MAC);
  return setsockopt(fd, SOL_PACKET, PACKET_ADD_MEMBERSHIP, &m, sizeof m) == 0;
}

/* A queue long enough for a burst of joined frames; with the right for it, past the system's limit. */
static void more_room(int fd) {
  int bytes = SOCKET_BYTES;
  if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &bytes, sizeof bytes))
    setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &bytes, sizeof bytes);
}

/* 0, or an errno; EPROTOTYPE: no Ethernet; ENETDOWN: it is not up. *mtu is the interface's. */
static int attach(int fd, const char *name, const uint8_t *mac, uint32_t *mtu) {
  struct ifreq req = {0};
  struct sockaddr_ll to = {.sll_family = AF_PACKET, .sll_protocol = htons(ETH_P_ALL)};
  memcpy(req.ifr_name, name, strlen(name));
  if (ioctl(fd, SIOCGIFINDEX, &req))
    return errno;
  to.sll_ifindex = req.ifr_ifindex;
  if (ioctl(fd, SIOCGIFHWADDR, &req))
    return errno;
  if (req.ifr_hwaddr.sa_family != ARPHRD_ETHER)
    return EPROTOTYPE;
  if (ioctl(fd, SIOCGIFFLAGS, &req))
    return errno;
  if (!(req.ifr_flags & IFF_UP))
    return ENETDOWN;
  if (ioctl(fd, SIOCGIFMTU, &req))
    return errno;
  *mtu = (uint32_t)req.ifr_mtu;
  set(fd, PACKET_IGNORE_OUTGOING, 1); /* since Linux 4.20; else they are dropped here */
  if (!set(fd, PACKET_VNET_HDR, 1) || !set(fd, PACKET_AUXDATA, 1))
    return errno;
  if (!join(fd, to.sll_ifindex, PACKET_MR_ALLMULTI, NULL) ||
      (!join(fd, to.sll_ifindex, PACKET_MR_UNICAST, mac) && !join(fd, to.sll_ifindex, PACKET_MR_PROMISC, NULL)))
    return errno;
  more_room(fd);
  return bind(fd, (struct sockaddr *)&to, sizeof to) ? errno : 0;
}

la_driver *la_packet_open(const char *name, const uint8_t mac[LA_MAC], char *err, size_t err_cap) {
  if (!la_tun_name_valid(name)) {
    explain(err, err_cap, "%.40s: not a name for a device: 1 to %d characters, no / and no %%", name, IFNAMSIZ - 1);
    return NULL;
  }
  int fd = socket(AF_PACKET, SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC, 0); /* nothing comes before it is bound */
  uint32_t mtu = 0;
  struct packet *k = NULL;
  int e = fd < 0 ? errno : attach(fd, name, mac, &mtu);
  if (!e && !(k = malloc(sizeof *k + (size_t)BATCH * LONGEST)))
    e = ENOMEM;
  if (e == EPERM)
    explain(err, err_cap, "%s: no right to open a packet socket (CAP_NET_RAW)", name);
  else if (e == EPROTOTYPE)
    explain(err, err_cap, "%s: not an Ethernet interface", name);
  else if (e == ENETDOWN)
    explain(err, err_cap, "%s: the interface is down", name);
  else if (e == ENODEV)
    explain(err, err_cap, "%s: there is no such interface", name);
  else if (e)
    explain(err, err_cap, "%s: %s", name, strerror(e));
  if (!e) {
    k->d = (la_driver){.recv = packet_recv, .send = packet_send, .close = packet_close, .fd = fd, .mtu = mtu, .header = ETH_HLEN};
    k->d.offload = LA_OFFLOAD_SUM | LA_OFFLOAD_TSO4 | LA_OFFLOAD_TSO6 | LA_OFFLOAD_TSO_ECN;
    return &k->d;
  }
  if (fd >= 0)
    close(fd);
  return NULL;
}

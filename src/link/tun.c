/* SPDX-License-Identifier: MIT */
/*
 * A TUN device of Linux: IP packets, one read or write each. It vanishes with the descriptor.
 *
 * Where the kernel knows how, each packet has struct virtio_net_hdr before it, and then neither side need finish checksums nor cut:
 * what a socket of the kernel sends in one piece comes in one piece, and the reverse. TUNSETOFFLOAD tells the kernel what we take; it
 * takes all of it itself. A kernel that lacks some of it is asked for less, and in the end for bare packets.
 */
#include "link/vnet.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/if_addr.h>
#include <linux/if_tun.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <poll.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#define TUN_PATH "/dev/net/tun"
enum { TUN_BATCH = 32, ADDR_WAIT_MS = 2000, LONGEST = 65535, READ_ROOM = 4 * 65568 };
/* Newer than some systems' headers. */
enum { OFFLOAD_USO4 = 0x20, OFFLOAD_USO6 = 0x40 };

struct tun {
  la_driver d;
  bool heads;    /* packets have a struct virtio_net_hdr before them */
  uint32_t most; /* of a packet that is read */
  uint32_t room; /* of bytes[]: a batch ends when another packet might not fit */
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

static size_t tun_recv(la_driver *d, la_frame *frames, size_t max) {
  struct tun *t = (struct tun *)d;
  uint32_t head = t->heads ? sizeof(struct virtio_net_hdr) : 0, at = 0;
  size_t n = 0;
  while (n < max && n < TUN_BATCH && t->room - at >= head + t->most) {
    uint8_t *p = t->bytes + at;
    ssize_t got = read(d->fd, p, head + t->most);
    if (got < 0 && errno == EINTR)
      continue;
    if (got <= (ssize_t)head)
      break;
    struct virtio_net_hdr h = {0};
    memcpy(&h, p, head);
    if (!la__vnet_read(&frames[n], &h)) {
      d->dropped++;
      continue;
    }
    frames[n].data = p + head;
    frames[n].len = frames[n].total = (uint32_t)got - head;
    frames[n].nbufs = 0;
    frames[n].header = (uint16_t)d->header;
    n++;
    at += ((uint32_t)got + 15) & ~15u;
  }
  d->received += n;
  return n;
}

static bool put(struct tun *t, const la_frame *f) {
  struct iovec v[2 + LA_FRAME_BUFS];
  struct virtio_net_hdr h;
  int n = 0;
  la__vnet_write(f, &h);
  if (t->heads)
    v[n++] = (struct iovec){&h, sizeof h};
  v[n++] = (struct iovec){(void *)(uintptr_t)f->data, f->len};
  for (unsigned i = 0; i < f->nbufs; i++)
    v[n++] = (struct iovec){(void *)(uintptr_t)f->buf[i].data, f->buf[i].len};
  ssize_t done;
  do
    done = writev(t->d.fd, v, n);
  while (done < 0 && errno == EINTR);
  if (done < 0)
    t->d.dropped++;
  else
    t->d.sent++;
  return done >= 0;
}

static bool tun_send(la_driver *d, const la_frame *frame) {
  struct tun *t = (struct tun *)d;
  unsigned work = frame->flags & (LA_FRAME_SUM_PARTIAL | LA_FRAME_GSO);
  la_frame one;
  if (work != LA_FRAME_GSO && (!work || t->heads))
    return put(t, frame);
  bool ok = true;
  unsigned i = 0;
  for (; la_frame_segment(frame, i, &one); i++)
    ok = put(t, &one) && ok;
  d->dropped += !i;
  return ok && i;
}

static void tun_close(la_driver *d) {
  close(d->fd);
  free(d);
}

static void explain_set(char *err, size_t cap, const char *name, int e) {
  if (e == EBUSY)
    explain(err, cap, "%s: the device is in use by another program", name);
  else if (e == EPERM || e == EACCES)
    explain(err, cap, "%s: no right to make or open such a device (CAP_NET_ADMIN)", name);
  else if (e == EINVAL)
    explain(err, cap, "%s: the name is taken by a device of another kind, or is no name for a device", name);
  else
    explain(err, cap, "%s: %s", name, strerror(e));
}

/* The kernel would take %d as a pattern. */
bool la_tun_name_valid(const char *name) { return *name && strlen(name) < IFNAMSIZ && !strpbrk(name, "%/"); }

/* Asks the kernel for as much of `want` as it has; what that comes to. */
static unsigned offload(int fd, unsigned want) {
  unsigned tso = (want & LA_OFFLOAD_TSO4 ? TUN_F_TSO4 : 0u) | (want & LA_OFFLOAD_TSO6 ? TUN_F_TSO6 : 0u) |
                 (want & LA_OFFLOAD_TSO_ECN ? TUN_F_TSO_ECN : 0u);
  const unsigned tries[] = {TUN_F_CSUM | tso | OFFLOAD_USO4 | OFFLOAD_USO6, TUN_F_CSUM | tso, TUN_F_CSUM};
  for (unsigned i = tso ? 0 : 2; i < 3; i++)
    if (ioctl(fd, TUNSETOFFLOAD, tries[i]) == 0)
      return i < 2 ? want : LA_OFFLOAD_SUM;
  return 0;
}

/* Takes the name. 0, or an errno. */
static int attach(int fd, const char *name, short flags) {
  struct ifreq req = {.ifr_flags = (short)(IFF_NO_PI | flags)};
  memcpy(req.ifr_name, name, strlen(name));
  return ioctl(fd, TUNSETIFF, &req) < 0 ? errno : 0;
}

/* `header`: bytes before each packet; with Ethernet's it is a TAP device. */
static la_driver *device_open(const char *name, uint32_t header, uint32_t mtu, unsigned want, char *err, size_t err_cap) {
  if (!la_tun_name_valid(name)) {
    explain(err, err_cap, "%.40s: not a name for a device: 1 to %d characters, no / and no %%", name, IFNAMSIZ - 1);
    return NULL;
  }
  int fd = open(TUN_PATH, O_RDWR | O_NONBLOCK | O_CLOEXEC);
  if (fd < 0) {
    explain(err, err_cap, "%s: cannot open %s: %s", name, TUN_PATH, strerror(errno));
    return NULL;
  }
  unsigned can = 0;
  bool heads = want & LA_OFFLOAD_SUM && ioctl(fd, TUNGETFEATURES, &can) == 0 && can & IFF_VNET_HDR;
  struct tun *t = NULL;
  int e = attach(fd, name, (short)((header ? IFF_TAP : IFF_TUN) | (heads ? IFF_VNET_HDR : 0)));
  uint32_t most = (heads && mtu < LONGEST ? LONGEST : mtu) + header;
  uint32_t room = heads ? READ_ROOM : TUN_BATCH * ((most + 15) & ~15u);
  if (e)
    explain_set(err, err_cap, name, e);
  else if (!(t = malloc(sizeof *t + room)))
    explain(err, err_cap, "%s: out of memory", name);
  if (!t) {
    close(fd);
    return NULL;
  }
  *t = (struct tun){.heads = heads, .most = most, .room = room};
  t->d = (la_driver){.recv = tun_recv, .send = tun_send, .close = tun_close, .fd = fd, .mtu = mtu, .header = header};
  t->d.offload = heads ? offload(fd, want) : 0;
  t->d.gso_max = LONGEST;
  return &t->d;
}

#define ALL_OFFLOAD (LA_OFFLOAD_SUM | LA_OFFLOAD_TSO4 | LA_OFFLOAD_TSO6 | LA_OFFLOAD_TSO_ECN)

la_driver *la_tun_open_offload(const char *name, uint32_t mtu, unsigned want, char *err, size_t err_cap) {
  return device_open(name, 0, mtu, want, err, err_cap);
}

la_driver *la_tun_open(const char *name, uint32_t mtu, char *err, size_t err_cap) {
  return device_open(name, 0, mtu, ALL_OFFLOAD, err, err_cap);
}

la_driver *la_tap_open_offload(const char *name, uint32_t mtu, unsigned want, char *err, size_t err_cap) {
  return device_open(name, LA_ETH_HEADER, mtu, want, err, err_cap);
}

la_driver *la_tap_open(const char *name, uint32_t mtu, char *err, size_t err_cap) {
  return la_tap_open_offload(name, mtu, ALL_OFFLOAD, err, err_cap);
}

struct answer {
  struct nlmsghdr head;
  union {
    struct nlmsgerr err;
    struct rtmsg route;
    uint8_t room[1024];
  };
};

/* One rtnetlink request of n bytes and its answer. 0 or an errno. */
static int ask(const void *msg, size_t n, struct answer *out) {
  int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
  ssize_t got = fd >= 0 && send(fd, msg, n, 0) == (ssize_t)n ? recv(fd, out, sizeof *out, 0) : -1;
  int err = got < 0 ? errno : (size_t)got < sizeof out->head + sizeof out->route ? EPROTO : 0;
  if (fd >= 0)
    close(fd);
  if (!err && out->head.nlmsg_type == NLMSG_ERROR)
    err = -out->err.error;
  return err;
}

/* By rtnetlink: ioctl would replace an earlier IPv4 address, and cannot turn off IPv6's duplicate address detection. */
static int add_addr(const char *name, const la_addr *addr, unsigned prefix_len) {
  bool six = addr->family == 6;
  size_t n = six ? 16 : 4;
  struct {
    struct nlmsghdr head;
    struct ifaddrmsg msg;
    struct rtattr flags_head;
    uint32_t flags;
    struct rtattr addr_head;
    uint8_t addr[16];
  } m = {
    .head = {.nlmsg_type = RTM_NEWADDR, .nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK | NLM_F_CREATE | NLM_F_REPLACE},
    .msg = {.ifa_family = six ? AF_INET6 : AF_INET, .ifa_prefixlen = (uint8_t)prefix_len, .ifa_index = if_nametoindex(name)},
    .flags_head = {.rta_len = RTA_LENGTH(sizeof m.flags), .rta_type = IFA_FLAGS},
    .flags = six ? IFA_F_NODAD : 0,
    .addr_head = {.rta_len = (unsigned short)RTA_LENGTH(n), .rta_type = IFA_LOCAL},
  };
  struct answer out;
  memcpy(m.addr, addr->b, n);
  m.head.nlmsg_len = (uint32_t)(offsetof(__typeof__(m), addr) + n);
  return ask(&m, m.head.nlmsg_len, &out);
}

/* The kernel accepts packets to a new IPv6 address only when a worker of its own has got round to it, a moment after the call. */
static bool wait_for_addr6(const la_addr *addr) {
  struct {
    struct nlmsghdr head;
    struct rtmsg msg;
    struct rtattr addr_head;
    uint8_t addr[16];
  } m = {
    .head = {.nlmsg_len = sizeof m, .nlmsg_type = RTM_GETROUTE, .nlmsg_flags = NLM_F_REQUEST},
    .msg = {.rtm_family = AF_INET6, .rtm_dst_len = 128},
    .addr_head = {.rta_len = RTA_LENGTH(sizeof m.addr), .rta_type = RTA_DST},
  };
  struct answer out;
  memcpy(m.addr, addr->b, 16);
  for (unsigned i = 0; i < ADDR_WAIT_MS; i++) {
    if (ask(&m, sizeof m, &out) == 0 && out.head.nlmsg_type == RTM_NEWROUTE && out.route.rtm_type == RTN_LOCAL)
      return true;
    poll(NULL, 0, 1);
  }
  errno = ETIMEDOUT;
  return false;
}

static bool set_addr(const char *name, const la_addr *addr, unsigned prefix_len) {
  errno = add_addr(name, addr, prefix_len);
  return !errno && (addr->family == 4 || wait_for_addr6(addr));
}

static bool set_up(int fd, struct ifreq *req, uint32_t mtu) {
  req->ifr_mtu = (int)mtu;
  if (ioctl(fd, SIOCSIFMTU, req) < 0 || ioctl(fd, SIOCGIFFLAGS, req) < 0)
    return false;
  req->ifr_flags |= IFF_UP | IFF_RUNNING;
  return ioctl(fd, SIOCSIFFLAGS, req) >= 0;
}

bool la_tun_host_addr(const char *name, const la_addr *addr, unsigned prefix_len, uint32_t mtu, char *err, size_t err_cap) {
  struct ifreq req = {0};
  char text[LA_ADDR_TEXT];
  if (!*name || strlen(name) >= IFNAMSIZ || (addr->family != 4 && addr->family != 6) || prefix_len > (addr->family == 4 ? 32 : 128)) {
    explain(err, err_cap, "%.40s: no such device or address", name);
    return false;
  }
  memcpy(req.ifr_name, name, strlen(name));
  int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  bool ok = fd >= 0 && set_up(fd, &req, mtu) && set_addr(name, addr, prefix_len); /* IPv6 refuses an address on a device that is down */
  if (!ok)
    explain(err, err_cap, "%s: cannot give it the address %s/%u: %s", name, la_addr_text(addr, text), prefix_len, strerror(errno));
  if (fd >= 0)
    close(fd);
  return ok;
}

/* SPDX-License-Identifier: MIT */
/* A TUN device of Linux: bare IP packets, one read or write each. It vanishes with the descriptor. */
#include <lastack/link.h>

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
enum { TUN_BATCH = 32, ADDR_WAIT_MS = 2000 };

struct tun {
  la_driver d;
  uint8_t bytes[]; /* TUN_BATCH packets of mtu bytes */
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
  size_t n = 0;
  while (n < max && n < TUN_BATCH) {
    uint8_t *p = t->bytes + n * d->mtu;
    ssize_t got = read(d->fd, p, d->mtu);
    if (got < 0 && errno == EINTR)
      continue;
    if (got <= 0)
      break;
    frames[n].data = p;
    frames[n].len = frames[n].total = (uint32_t)got;
    frames[n].flags = 0;
    frames[n].nbufs = 0;
    n++;
  }
  d->received += n;
  return n;
}

static bool tun_send(la_driver *d, const la_frame *frame) {
  struct iovec v[1 + LA_FRAME_BUFS];
  int n = 0;
  v[n++] = (struct iovec){(void *)(uintptr_t)frame->data, frame->len};
  for (unsigned i = 0; i < frame->nbufs; i++)
    v[n++] = (struct iovec){(void *)(uintptr_t)frame->buf[i].data, frame->buf[i].len};
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

static void tun_close(la_driver *d) {
  close(d->fd);
  free(d);
}

static void explain_set(char *err, size_t cap, const char *name, int e) {
  if (e == EBUSY)
    explain(err, cap, "%s: the device is in use by another program", name);
  else if (e == EPERM || e == EACCES)
    explain(err, cap, "%s: no right to make or open a TUN device (CAP_NET_ADMIN)", name);
  else if (e == EINVAL)
    explain(err, cap, "%s: the name is taken by a device that is no TUN, or is no name for a device", name);
  else
    explain(err, cap, "%s: %s", name, strerror(e));
}

/* The kernel would take %d as a pattern. */
bool la_tun_name_valid(const char *name) { return *name && strlen(name) < IFNAMSIZ && !strpbrk(name, "%/"); }

la_driver *la_tun_open(const char *name, uint32_t mtu, char *err, size_t err_cap) {
  if (!la_tun_name_valid(name)) {
    explain(err, err_cap, "%.40s: not a name for a device: 1 to %d characters, no / and no %%", name, IFNAMSIZ - 1);
    return NULL;
  }
  int fd = open(TUN_PATH, O_RDWR | O_NONBLOCK | O_CLOEXEC);
  if (fd < 0) {
    explain(err, err_cap, "%s: cannot open %s: %s", name, TUN_PATH, strerror(errno));
    return NULL;
  }
  struct ifreq req = {.ifr_flags = IFF_TUN | IFF_NO_PI};
  memcpy(req.ifr_name, name, strlen(name));
  struct tun *t = NULL;
  if (ioctl(fd, TUNSETIFF, &req) < 0)
    explain_set(err, err_cap, name, errno);
  else if (!(t = calloc(1, sizeof *t + (size_t)TUN_BATCH * mtu)))
    explain(err, err_cap, "%s: out of memory", name);
  if (!t) {
    close(fd);
    return NULL;
  }
  t->d = (la_driver){.recv = tun_recv, .send = tun_send, .close = tun_close, .fd = fd, .mtu = mtu};
  return &t->d;
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

/* SPDX-License-Identifier: MIT */
/* A TUN device of Linux: bare IP packets, one read or write each. It vanishes with the descriptor. */
#include <lastack/link.h>

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <netinet/in.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#define TUN_PATH "/dev/net/tun"
enum { TUN_BATCH = 32 };

struct tun {
  la_driver d;
  uint8_t bytes[]; /* TUN_BATCH packets of mtu bytes */
};

/* struct in6_ifreq of linux/ipv6.h, which does not go together with netinet/in.h. */
struct addr6_req {
  struct in6_addr addr;
  uint32_t prefix_len;
  int index;
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

la_driver *la_tun_open(const char *name, uint32_t mtu, char *err, size_t err_cap) {
  if (!*name || strlen(name) >= IFNAMSIZ) {
    explain(err, err_cap, "%.40s: a device's name has 1 to %d characters", name, IFNAMSIZ - 1);
    return NULL;
  }
  if (strchr(name, '%') || strchr(name, '/')) {
    explain(err, err_cap, "%s: not a name for a device", name); /* the kernel would take %d as a pattern */
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

static bool set_addr4(int fd, struct ifreq *req, const la_addr *addr, unsigned prefix_len) {
  struct sockaddr_in sin = {.sin_family = AF_INET};
  memcpy(&sin.sin_addr, addr->b, 4);
  memcpy(&req->ifr_addr, &sin, sizeof sin);
  if (ioctl(fd, SIOCSIFADDR, req) < 0)
    return false;
  sin.sin_addr.s_addr = htonl(prefix_len ? ~UINT32_C(0) << (32 - prefix_len) : 0);
  memcpy(&req->ifr_netmask, &sin, sizeof sin);
  return ioctl(fd, SIOCSIFNETMASK, req) >= 0;
}

static bool set_addr6(int fd, struct ifreq *req, const la_addr *addr, unsigned prefix_len) {
  struct addr6_req six = {.prefix_len = prefix_len};
  memcpy(&six.addr, addr->b, 16);
  if (ioctl(fd, SIOCGIFINDEX, req) < 0)
    return false;
  six.index = req->ifr_ifindex;
  return ioctl(fd, SIOCSIFADDR, &six) >= 0;
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
  int fd = socket(addr->family == 4 ? AF_INET : AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  bool ok = fd >= 0;
  /* IPv6 refuses an address on a device that is down. */
  if (ok && addr->family == 4)
    ok = set_addr4(fd, &req, addr, prefix_len) && set_up(fd, &req, mtu);
  else if (ok)
    ok = set_up(fd, &req, mtu) && set_addr6(fd, &req, addr, prefix_len);
  if (!ok)
    explain(err, err_cap, "%s: cannot give it the address %s/%u: %s", name, la_addr_text(addr, text), prefix_len, strerror(errno));
  if (fd >= 0)
    close(fd);
  return ok;
}

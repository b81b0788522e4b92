/* SPDX-License-Identifier: MIT */
/* The layer as a value, and its descriptors. */
#include "posix/posix.h"

#include "base/bytes.h"
#include "base/check.h"

void *la__posix_alloc(la_posix *p, size_t n) {
  void *v = mem_alloc(&p->s->mem, n);
  if (v)
    memset(v, 0, n);
  return v;
}

void la__posix_free(la_posix *p, void *v, size_t n) { mem_free(&p->s->mem, v, n); }

static uint32_t or_else(uint32_t v, uint32_t dflt) { return v ? v : dflt; }

la_posix *la_posix_new(la_stack *s, const la_posix_opts *opts) {
  la_posix_opts o = {.size = sizeof o};
  if (opts)
    o = *opts;
  if (!s || o.size != sizeof o || o.first_fd < 0)
    return 0;
  la_posix *p = mem_alloc(&s->mem, sizeof *p);
  if (!p)
    return 0;
  memset(p, 0, sizeof *p);
  p->s = s;
  p->now = s->tcp.now;
  p->first = o.first_fd ? o.first_fd : 3;
  p->max_fds = or_else(o.max_fds, 1u << 20);
  if (p->max_fds > (uint32_t)(INT32_MAX - p->first))
    p->max_fds = (uint32_t)(INT32_MAX - p->first);
  p->somaxconn = or_else(o.somaxconn, 4096);
  p->sndbuf_max = or_else(o.sndbuf_max, 212992);
  p->rcvbuf_max = or_else(o.rcvbuf_max, 212992);
  return p;
}

void la_posix_turn(la_posix *p, la_time now) {
  if (now > p->now)
    p->now = now;
  la__tcp_now(&p->s->tcp, p->now);
  la__posix_events(p);
}

/* The table. Slot i is descriptor first + i. */
static bool grow(la_posix *p) {
  uint32_t cap = p->cap ? p->cap * 2 : 16;
  if (cap > p->max_fds)
    cap = p->max_fds;
  struct fd_slot *v = la__posix_alloc(p, cap * sizeof *v);
  if (!v)
    return false;
  if (p->cap) /* memcpy's pointers must not be NULL */
    memcpy(v, p->fds, p->cap * sizeof *v);
  la__posix_free(p, p->fds, p->cap * sizeof *v);
  p->fds = v;
  p->cap = cap;
  return true;
}

/* POSIX 2.6: the lowest that is free, and not below `from`. */
int la__fd_new(la_posix *p, struct file *f, int from, bool cloexec) {
  uint32_t least = from > p->first ? (uint32_t)(from - p->first) : 0;
  uint32_t i = least > p->lowest ? least : p->lowest;
  while (i < p->cap && p->fds[i].file)
    i++;
  if (least <= p->lowest)
    p->lowest = i;
  if (i >= p->max_fds)
    return -LA_POSIX_EMFILE;
  while (i >= p->cap)
    if (!grow(p))
      return -LA_POSIX_ENOMEM;
  p->fds[i].file = f;
  p->fds[i].cloexec = cloexec;
  f->refs++;
  return p->first + (int)i;
}

static struct fd_slot *slot_of(const la_posix *p, int fd) {
  if (fd < p->first || (uint32_t)(fd - p->first) >= p->cap)
    return 0;
  struct fd_slot *s = &p->fds[fd - p->first];
  return s->file ? s : 0;
}

struct file *la__fd_file(const la_posix *p, int fd) {
  const struct fd_slot *s = slot_of(p, fd);
  return s ? s->file : 0;
}

int la__fd_sock(const la_posix *p, int fd, struct psock **out) {
  struct file *f = la__fd_file(p, fd);
  if (!f)
    return -LA_POSIX_EBADF;
  if (f->kind != FILE_SOCKET)
    return -LA_POSIX_ENOTSOCK;
  *out = (struct psock *)f;
  return 0;
}

int la__fd_epoll(const la_posix *p, int fd, struct epoll **out) {
  struct file *f = la__fd_file(p, fd);
  if (!f)
    return -LA_POSIX_EBADF;
  if (f->kind != FILE_EPOLL)
    return -LA_POSIX_EINVAL;
  *out = (struct epoll *)f;
  return 0;
}

int la_posix_dup(la_posix *p, int fd) { return la_posix_fcntl(p, fd, LA_F_DUPFD, 0); }

int la_posix_fcntl(la_posix *p, int fd, int cmd, int arg) {
  struct fd_slot *s = slot_of(p, fd);
  if (!s)
    return -LA_POSIX_EBADF;
  switch (cmd) {
  case LA_F_DUPFD:
  case LA_F_DUPFD_CLOEXEC:
    if (arg < 0 || (uint32_t)arg >= p->max_fds)
      return -LA_POSIX_EINVAL;
    return la__fd_new(p, s->file, arg, cmd == LA_F_DUPFD_CLOEXEC);
  case LA_F_GETFD:
    return s->cloexec ? LA_FD_CLOEXEC : 0;
  case LA_F_SETFD:
    s->cloexec = arg & LA_FD_CLOEXEC;
    return 0;
  case LA_F_GETFL:
    return LA_O_RDWR | (s->file->nonblock ? LA_O_NONBLOCK : 0);
  case LA_F_SETFL: /* the access mode, and flags that mean nothing here, are ignored */
    s->file->nonblock = arg & LA_O_NONBLOCK;
    return 0;
  default:
    return -LA_POSIX_EINVAL;
  }
}

/* A close with SO_LINGER that waits for the end of the release: its descriptor is long gone. */
static int close_again(la_posix *p, la_posix_wait *w) {
  la_info_rec i;
  la__posix_events(p);
  if (la_info(p->s, w->conn, &i) != LA_OK || p->now >= w->until)
    return 0;
  return i.state == LA_FIN_WAIT_1 || i.state == LA_CLOSING || i.state == LA_LAST_ACK ? LA_POSIX_BLOCKED : 0;
}

int la_posix_close(la_posix *p, int fd, la_posix_wait *w) {
  if (w && w->began)
    return close_again(p, w);
  struct fd_slot *s = slot_of(p, fd);
  if (!s)
    return -LA_POSIX_EBADF;
  struct file *f = s->file;
  la__posix_events(p);
  *s = (struct fd_slot){0};
  if ((uint32_t)(fd - p->first) < p->lowest)
    p->lowest = (uint32_t)(fd - p->first);
  LA_CHECK(f->refs > 0);
  if (--f->refs)
    return 0;
  la__file_forget(p, f);
  if (f->kind == FILE_SOCKET)
    return la__sk_close(p, (struct psock *)f, w);
  la__epoll_del(p, (struct epoll *)f);
  return 0;
}

void la_posix_free(la_posix *p) {
  if (!p)
    return;
  for (uint32_t i = 0; i < p->cap; i++)
    if (p->fds[i].file)
      la_posix_close(p, p->first + (int)i, 0);
  la__posix_events(p);
  la__posix_free(p, p->fds, p->cap * sizeof *p->fds);
  struct mem *m = &p->s->mem;
  mem_free(m, p, sizeof *p);
}

/* Linux's tcp_ioctl: a FIN of ours counts among the bytes not yet acknowledged, one of the peer's not among the unread. */
static int queue_ioctl(la_posix *p, struct psock *k, unsigned long request, int *arg) {
  const struct conn *c = la__sk_conn(p, k);
  int st = la__sk_state(p, k);
  if (st == LA_TCP_LISTEN)
    return -LA_POSIX_EINVAL;
  uint32_t n = 0;
  if (request == LA_SIOCINQ) {
    n = k->dgram ? la__dg_next(p, k) : la__sk_inq(p, k);
  } else if (c && st != LA_TCP_SYN_SENT && st != LA_TCP_SYN_RECV && st != LA_TCP_CLOSE) {
    uint32_t end = la__snd_end(c) + (c->flags & CF_FIN_QUEUED ? 1 : 0);
    n = end - (request == LA_SIOCOUTQ ? c->snd_una : c->snd_nxt);
  }
  *arg = (int)n;
  return 0;
}

int la_posix_ioctl(la_posix *p, int fd, unsigned long request, int *arg) {
  struct file *f = la__fd_file(p, fd);
  if (!f)
    return -LA_POSIX_EBADF;
  if (request == LA_FIONBIO) {
    if (!arg)
      return -LA_POSIX_EFAULT;
    f->nonblock = *arg != 0;
    return 0;
  }
  if (f->kind != FILE_SOCKET)
    return -LA_POSIX_ENOTTY;
  la__posix_events(p);
  struct psock *k = (struct psock *)f;
  switch (request) {
  case LA_SIOCINQ:
  case LA_SIOCOUTQ:
  case LA_SIOCOUTQNSD:
    if (k->dgram && request == LA_SIOCOUTQNSD)
      return -LA_POSIX_ENOTTY;
    return arg ? queue_ioctl(p, k, request, arg) : -LA_POSIX_EFAULT;
  case LA_SIOCATMARK:
    if (k->dgram)
      return -LA_POSIX_ENOTTY;
    if (!arg)
      return -LA_POSIX_EFAULT;
    *arg = la__sk_mark(p, k) == 0;
    return 0;
  default:
    return -LA_POSIX_ENOTTY;
  }
}

/* SPDX-License-Identifier: MIT */
/*
 * epoll, after Linux's eventpoll: an item stands for one descriptor watched by one instance. What happens to a file puts its items on
 * their instances' ready lists (the edge); epoll_wait takes them off and asks each what holds now (the level). A level-triggered
 * item that was told goes back to the end of the list, an edge-triggered one waits for the next edge, a one-shot one is mute until it
 * is set anew. An item that turns out not to be ready leaves the list silently.
 */
#include "posix/posix.h"

#include "base/bytes.h"
#include "base/check.h"

#define PRIVATE_BITS (LA_EPOLLWAKEUP | LA_EPOLLEXCLUSIVE | LA_EPOLLONESHOT | LA_EPOLLET)

struct item {
  struct epoll *ep;
  struct file *file;
  int fd;
  uint32_t events;
  uint64_t data;
  struct item *next_of_file;
  struct item *next, *prev;             /* of the instance */
  struct item *ready_next, *ready_prev; /* on the ready list, if `ready` */
  bool ready;
};

struct epoll {
  struct file f;
  struct item *items;
  struct item *ready_head, *ready_tail;
  uint32_t nready;
};

static void ready_add(struct item *i) {
  struct epoll *e = i->ep;
  if (i->ready)
    return;
  i->ready = true;
  i->ready_next = 0;
  i->ready_prev = e->ready_tail;
  if (e->ready_tail)
    e->ready_tail->ready_next = i;
  else
    e->ready_head = i;
  e->ready_tail = i;
  e->nready++;
}

static void ready_del(struct item *i) {
  struct epoll *e = i->ep;
  if (!i->ready)
    return;
  i->ready = false;
  if (i->ready_prev)
    i->ready_prev->ready_next = i->ready_next;
  else
    e->ready_head = i->ready_next;
  if (i->ready_next)
    i->ready_next->ready_prev = i->ready_prev;
  else
    e->ready_tail = i->ready_prev;
  e->nready--;
}

void la__wake(struct file *f, unsigned mask) {
  for (struct item *i = f->watchers; i; i = i->next_of_file)
    if (i->events & ~PRIVATE_BITS && (mask == 0 || i->events & mask))
      ready_add(i);
}

static uint32_t holds(la_posix *p, const struct item *i) { return (uint32_t)la__file_readiness(p, i->file) & i->events; }

static void item_del(la_posix *p, struct item *i) {
  struct item **at = &i->file->watchers;
  ready_del(i);
  while (*at != i)
    at = &(*at)->next_of_file;
  *at = i->next_of_file;
  if (i->prev)
    i->prev->next = i->next;
  else
    i->ep->items = i->next;
  if (i->next)
    i->next->prev = i->prev;
  la__posix_free(p, i, sizeof *i);
}

void la__file_forget(la_posix *p, struct file *f) {
  while (f->watchers)
    item_del(p, f->watchers);
}

void la__epoll_del(la_posix *p, struct epoll *e) {
  while (e->items)
    item_del(p, e->items);
  la__posix_free(p, e, sizeof *e);
}

bool la__epoll_ready(la_posix *p, struct epoll *e) {
  for (const struct item *i = e->ready_head; i; i = i->ready_next)
    if (holds(p, i))
      return true;
  return false;
}

int la_posix_epoll_create(la_posix *p, int flags) {
  if (flags & ~LA_O_CLOEXEC)
    return -LA_POSIX_EINVAL;
  struct epoll *e = la__posix_alloc(p, sizeof *e);
  if (!e)
    return -LA_POSIX_ENOMEM;
  e->f.kind = FILE_EPOLL;
  e->f.gen = ++p->gen;
  int fd = la__fd_new(p, &e->f, 0, flags & LA_O_CLOEXEC);
  if (fd < 0)
    la__posix_free(p, e, sizeof *e);
  return fd;
}

static int item_add(la_posix *p, struct epoll *e, struct file *f, int fd, const la_epoll_event *ev) {
  struct item *i = la__posix_alloc(p, sizeof *i);
  if (!i)
    return -LA_POSIX_ENOMEM;
  i->ep = e;
  i->file = f;
  i->fd = fd;
  i->events = ev->events | LA_POLLERR | LA_POLLHUP;
  i->data = ev->data;
  i->next_of_file = f->watchers;
  f->watchers = i;
  i->next = e->items;
  if (i->next)
    i->next->prev = i;
  e->items = i;
  if (holds(p, i))
    ready_add(i);
  return 0;
}

static int item_mod(la_posix *p, struct item *i, const la_epoll_event *ev) {
  if (ev->events & LA_EPOLLEXCLUSIVE || i->events & LA_EPOLLEXCLUSIVE)
    return -LA_POSIX_EINVAL;
  i->events = ev->events | LA_POLLERR | LA_POLLHUP;
  i->data = ev->data;
  if (holds(p, i))
    ready_add(i);
  return 0;
}

int la_posix_epoll_ctl(la_posix *p, int epfd, int op, int fd, const la_epoll_event *event) {
  struct epoll *e;
  struct file *f = la__fd_file(p, fd);
  if (op != LA_EPOLL_CTL_DEL && !event)
    return -LA_POSIX_EFAULT;
  if (!la__fd_file(p, epfd) || !f)
    return -LA_POSIX_EBADF;
  if (la__fd_epoll(p, epfd, &e) || f == &e->f)
    return -LA_POSIX_EINVAL;
  la__posix_events(p);
  struct item *i = f->watchers;
  while (i && (i->ep != e || i->fd != fd))
    i = i->next_of_file;
  switch (op) {
  case LA_EPOLL_CTL_ADD:
    if (f->kind == FILE_EPOLL)
      return -LA_POSIX_ELOOP; /* instances are not nested */
    return i ? -LA_POSIX_EEXIST : item_add(p, e, f, fd, event);
  case LA_EPOLL_CTL_MOD:
    return i ? item_mod(p, i, event) : -LA_POSIX_ENOENT;
  case LA_EPOLL_CTL_DEL:
    if (!i)
      return -LA_POSIX_ENOENT;
    item_del(p, i);
    return 0;
  default:
    return -LA_POSIX_EINVAL;
  }
}

static int collect(la_posix *p, struct epoll *e, la_epoll_event *out, int max) {
  int n = 0;
  for (uint32_t left = e->nready; left && n < max; left--) {
    struct item *i = e->ready_head;
    ready_del(i);
    uint32_t bits = holds(p, i);
    if (!bits)
      continue;
    out[n++] = (la_epoll_event){bits, i->data};
    if (i->events & LA_EPOLLONESHOT)
      i->events &= PRIVATE_BITS;
    else if (!(i->events & LA_EPOLLET))
      ready_add(i);
  }
  return n;
}

int la_posix_epoll_wait(la_posix *p, int epfd, la_epoll_event *events, int max, int timeout, la_posix_wait *w) {
  struct epoll *e;
  if (max <= 0)
    return -LA_POSIX_EINVAL;
  if (!events)
    return -LA_POSIX_EFAULT;
  int err = la__fd_epoll(p, epfd, &e);
  if (!err)
    err = la__resume(&e->f, w);
  if (err)
    return err;
  la__posix_events(p);
  int n = collect(p, e, events, max);
  if (n || timeout == 0)
    return n;
  return la__block(p, &e->f, epfd, LA_POLLIN, false, timeout < 0 ? 0 : (la_time)timeout * LA_MS, 0, w);
}

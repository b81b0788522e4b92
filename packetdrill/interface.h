/* SPDX-License-Identifier: MIT */
/*
 * The binary interface by which packetdrill (--so_filename) drives a stack in user space: a library exports packetdrill_interface_init,
 * which fills in a table of functions. The order of the members is the interface; all but the first get `userdata` first. They return
 * what the system call of their name returns, with errno. Declared here from the facts, so that building needs no packetdrill.
 */
#ifndef PACKETDRILL_INTERFACE_H
#define PACKETDRILL_INTERFACE_H

#include <poll.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <unistd.h>

struct packetdrill_interface {
  void *userdata;
  void (*free)(void *);
  int (*socket)(void *, int domain, int type, int protocol);
  int (*bind)(void *, int fd, const struct sockaddr *addr, socklen_t len);
  int (*listen)(void *, int fd, int backlog);
  int (*accept)(void *, int fd, struct sockaddr *addr, socklen_t *len);
  int (*connect)(void *, int fd, const struct sockaddr *addr, socklen_t len);
  ssize_t (*read)(void *, int fd, void *buf, size_t n);
  ssize_t (*readv)(void *, int fd, const struct iovec *iov, int count);
  ssize_t (*recv)(void *, int fd, void *buf, size_t n, int flags);
  ssize_t (*recvfrom)(void *, int fd, void *buf, size_t n, int flags, struct sockaddr *addr, socklen_t *len);
  ssize_t (*recvmsg)(void *, int fd, struct msghdr *msg, int flags);
  ssize_t (*write)(void *, int fd, const void *buf, size_t n);
  ssize_t (*writev)(void *, int fd, const struct iovec *iov, int count);
  ssize_t (*send)(void *, int fd, const void *buf, size_t n, int flags);
  ssize_t (*sendto)(void *, int fd, const void *buf, size_t n, int flags, const struct sockaddr *addr, socklen_t len);
  ssize_t (*sendmsg)(void *, int fd, const struct msghdr *msg, int flags);
  int (*fcntl)(void *, int fd, int command, ...);
  int (*ioctl)(void *, int fd, unsigned long request, ...);
  int (*close)(void *, int fd);
  int (*shutdown)(void *, int fd, int how);
  int (*getsockopt)(void *, int fd, int level, int name, void *value, socklen_t *len);
  int (*setsockopt)(void *, int fd, int level, int name, const void *value, socklen_t len);
  int (*poll)(void *, struct pollfd *fds, nfds_t n, int timeout);
  int (*netdev_send)(void *, const void *packet, size_t len);                 /* to the stack; 0 or -1 */
  int (*netdev_receive)(void *, void *packet, size_t *len, long long *at_us); /* from it; *len: the room, then the packet's, 0 for none */
  int (*usleep)(void *, useconds_t us);
  int (*gettimeofday)(void *, struct timeval *tv, struct timezone *tz);
  int (*epoll_create)(void *, int size);
  int (*epoll_ctl)(void *, int epfd, int op, int fd, struct epoll_event *event);
  int (*epoll_wait)(void *, int epfd, struct epoll_event *events, int max, int timeout);
  int (*pipe)(void *, int fds[2]);
  int (*splice)(void *, int in, loff_t *in_at, int out, loff_t *out_at, size_t n, unsigned flags);
};

/* `flags`: packetdrill's --so_flags. */
void packetdrill_interface_init(const char *flags, struct packetdrill_interface *out);

#endif

/* SPDX-License-Identifier: MIT */
/*
 * One stack with its socket layer in virtual time, shared by the threads that packetdrill calls from.
 *
 * Time stands still but for three things: usleep lets it pass; netdev_receive, when nothing waits to be sent, jumps to the next clock;
 * and a look at it costs a microsecond, since packetdrill spins until an instant. Every clock on the way fires at its own instant, and
 * packets carry the instant at which they came out.
 *
 * A call that blocks is left with the box and its thread sleeps on `woke`. Whoever makes it possible - by a packet, a call, or by
 * letting time pass - finishes it at that very instant, so that the order of things does not depend on how the kernel schedules
 * threads. The first look of a thread at the time after such a call gives the instant at which the call was finished.
 *
 * packetdrill closes what is left with the system's own close, and opens files beside our sockets. So each descriptor of ours is one of
 * the process too, on /dev/null.
 */
#ifndef PACKETDRILL_BOX_H
#define PACKETDRILL_BOX_H

#include <pthread.h>

#include <lastack/lastack.h>
#include <lastack/posix.h>

struct box;

/* One system call. `go` may be called more than once, by any thread. */
struct call {
  long (*go)(struct box *b, struct call *c); /* as la_posix_*: LA_POSIX_BLOCKED, -errno or a result */
  la_posix_wait w;
  int fd, flags, n;
  void *out, *out2;
  const void *in;
  size_t len;
  long result;
  la_time ended;
  bool done;
  struct call *next;
};

struct packet {
  struct packet *next;
  la_time at;
  uint32_t len;
  uint8_t bytes[];
};

struct box {
  pthread_mutex_t lock;
  pthread_cond_t woke;
  la_stack *s;
  la_posix *p;
  la_link link;
  la_time now;
  int null;                     /* on /dev/null */
  int fds_end;                  /* past the highest descriptor given out */
  struct call *blocked;         /* in the order in which they were made */
  unsigned asleep;              /* threads in them */
  struct packet *first, **last; /* come out, not yet received */
};

/* `flags`: items with commas between them: local=ADDRESS, local6=ADDRESS, preset=linux|rfc, mtu=, rcvbuf=, rcvbuf_max=, sndbuf=.
   NULL: wrong. */
struct box *la__box_new(const char *flags);
void la__box_free(struct box *b); /* calls that are blocked end with EINTR */
long la__box_call(struct box *b, struct call *c);
/* After a call that gave out a descriptor, and after one was closed. */
void la__box_fd_hold(struct box *b, int fd);
void la__box_fd_drop(struct box *b, int fd);
bool la__box_input(struct box *b, const void *packet, size_t len);
/* The next packet, letting time pass until there is one. NULL: no clock runs any more. The caller frees it. */
struct packet *la__box_output(struct box *b);
void la__box_sleep(struct box *b, la_time ns);
la_time la__box_look(struct box *b);

#endif

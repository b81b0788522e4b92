/* SPDX-License-Identifier: MIT */
/*
 * System calls of a script. A call is prepared once (its arguments become what la_posix takes), invoked until it returns something else
 * than LA_POSIX_BLOCKED, and finished (its results are compared). What it does is la_posix's business alone.
 */
#ifndef LA_DRILL_CALLS_H
#define LA_DRILL_CALLS_H

#include "drill/tuning.h"

enum { POLLS_MAX = 32, IOVS_MAX = 64, OPTVAL_MIN = 256 };

struct callee;
struct call {
  struct call *next; /* in r->calls */
  const struct drill_call *c;
  const struct drill_event *event;
  const struct callee *callee;
  la_time began, end; /* of the script */
  la_posix_wait wait;
  bool waits, done; /* waits: in r->calls */

  int fd, fd2; /* live */
  int64_t a, b;
  void *buf;
  size_t n;
  la_sockaddr sa;
  bool has_sa;
  la_iovec iov[IOVS_MAX];
  int niov;
  la_msghdr msg;
  la_pollfd polls[POLLS_MAX];
  la_epoll_event *events;
  int arg;
  uint32_t len;
};

struct callee {
  const char *name;
  uint8_t least, most;                            /* arguments */
  bool fd_result;                                 /* a number >= 0 in the script is a name for whatever descriptor comes */
  bool (*prepare)(struct run *r, struct call *c); /* NULL: the call is not supported */
  ptrdiff_t (*invoke)(struct run *r, struct call *c);
  bool (*finish)(struct run *r, struct call *c, ptrdiff_t result); /* NULL: nothing but the result to compare */
};
extern const struct callee la__calls_sock[], la__calls_io[], la__calls_opt[], la__calls_ready[]; /* each ends with a NULL name */

/* Arguments. On failure the run fails. */
static inline const struct value *call_arg(const struct call *c, unsigned i) { return c->c->args[i]; }
bool la__arg_int(struct run *r, const struct call *c, unsigned i, int64_t *out);
bool la__arg_fd(struct run *r, const struct call *c, unsigned i, int *live);
/* ...: `fallback`; a structure: what it says; a number: only a family (AF_UNSPEC). */
bool la__arg_sockaddr(struct run *r, const struct call *c, unsigned i, const la_sockaddr *fallback, la_sockaddr *out);
/* ...: n zero bytes; 0: NULL; a string: its bytes, with zeros behind. */
bool la__arg_buffer(struct run *r, const struct call *c, unsigned i, size_t n, void **out);
bool la__arg_count(struct run *r, const struct call *c, unsigned i, size_t *out); /* how many bytes */

/* A descriptor of the script that is none of ours gives one that no stack has: the layer then says EBADF. */
int la__fd_live(const struct run *r, int script);
bool la__fd_add(struct run *r, struct place at, int script, int live);
void la__fd_drop(struct run *r, int script);

/* A socket is about to connect, or to send somewhere: as packetdrill, its next SYN is the script's. */
void la__call_connects(struct run *r, int script_fd, const la_sockaddr *to);

/* code.c: a field of TCP_INFO by its name; false: there is none. */
bool la__tcp_info_field(const la_tcp_info *info, const char *name, int64_t *value);

#endif

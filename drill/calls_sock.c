/* SPDX-License-Identifier: MIT */
/* socket, bind, listen, accept, connect, shutdown, close, dup, fcntl, ioctl. */
#include "drill/calls.h"

static bool prep_socket(struct run *r, struct call *c) {
  int64_t domain = r->tuning->family == DRILL_IP4 ? LA_AF_INET : LA_AF_INET6;
  if (call_arg(c, 0)->kind != VALUE_ELLIPSIS && !la__arg_int(r, c, 0, &domain))
    return false;
  c->arg = (int)domain;
  return la__arg_int(r, c, 1, &c->a) && la__arg_int(r, c, 2, &c->b);
}
static ptrdiff_t call_socket(struct run *r, struct call *c) { return la_posix_socket(r->posix, c->arg, (int)c->a, (int)c->b); }

/* The sysctls of keepalive are what sockets are made with. */
static void keepalive_defaults(struct run *r, int live) {
  static const int names[3] = {LA_TCP_KEEPIDLE, LA_TCP_KEEPINTVL, LA_TCP_KEEPCNT};
  for (unsigned i = 0; i < 3; i++)
    if (r->tuning->keepalive[i])
      la_posix_setsockopt(r->posix, live, LA_SOL_TCP, names[i], &r->tuning->keepalive[i], sizeof(int));
}
static bool done_socket(struct run *r, struct call *c, ptrdiff_t result) {
  if (result < 0)
    return true;
  struct sock *k = la__sock_new(r);
  int64_t fd = 0;
  la__value_int(r, c->c->result, &fd);
  k->phase = SOCK_NEW;
  k->fd = (int)fd;
  k->protocol = c->b ? (int)c->b : (c->a & 15) == LA_SOCK_DGRAM ? LA_IPPROTO_UDP : LA_IPPROTO_TCP;
  if (k->protocol == LA_IPPROTO_TCP)
    keepalive_defaults(r, (int)result);
  return true;
}

static bool prep_bind(struct run *r, struct call *c) {
  la_sockaddr ours = la__tuning_sockaddr(r->tuning, &r->tuning->local, r->tuning->bind_port);
  return la__arg_fd(r, c, 0, &c->fd) && la__arg_sockaddr(r, c, 1, &ours, &c->sa);
}
static ptrdiff_t call_bind(struct run *r, struct call *c) { return la_posix_bind(r->posix, c->fd, &c->sa); }

static bool prep_fd_int(struct run *r, struct call *c) { return la__arg_fd(r, c, 0, &c->fd) && la__arg_int(r, c, 1, &c->a); }
static ptrdiff_t call_listen(struct run *r, struct call *c) { return la_posix_listen(r->posix, c->fd, (int)c->a); }
static bool done_listen(struct run *r, struct call *c, ptrdiff_t result) {
  int64_t fd;
  struct sock *k = la__arg_int(r, c, 0, &fd) ? la__sock_fd(r, (int)fd) : NULL;
  if (k && result == 0 && k->phase != SOCK_LISTENING) { /* again: only another backlog */
    k->phase = SOCK_LISTENING;
    if (r->under_test->phase == SOCK_NEW)
      r->under_test = k;
  }
  return !r->failed;
}

static bool prep_accept(struct run *r, struct call *c) {
  c->a = 0;
  return la__arg_fd(r, c, 0, &c->fd) && (c->c->n < 4 || la__arg_int(r, c, 3, &c->a));
}
static ptrdiff_t call_accept(struct run *r, struct call *c) { return la_posix_accept(r->posix, c->fd, &c->sa, &c->wait); }
static ptrdiff_t call_accept4(struct run *r, struct call *c) { return la_posix_accept4(r->posix, c->fd, &c->sa, (int)c->a, &c->wait); }

/* The descriptor belongs to the connection whose peer has that port. */
static bool done_accept(struct run *r, struct call *c, ptrdiff_t result) {
  int64_t fd = 0;
  if (result < 0)
    return true;
  la__value_int(r, c->c->result, &fd);
  for (struct sock *k = r->socks; k; k = k->next)
    if (k->phase >= SOCK_SYN_CAME && k->fd < 0 && k->live.rport == c->sa.port) {
      k->fd = (int)fd;
      return true;
    }
  return la__drill_fail(r, c->c->at, "accept returned a connection that the script has not opened");
}

static bool prep_connect(struct run *r, struct call *c) {
  int64_t fd;
  la_sockaddr peer = la__tuning_sockaddr(r->tuning, &r->tuning->remote, r->tuning->connect_port);
  if (!la__arg_fd(r, c, 0, &c->fd) || !la__arg_int(r, c, 0, &fd) || !la__arg_sockaddr(r, c, 1, &peer, &c->sa))
    return false;
  la__call_connects(r, (int)fd, &c->sa);
  return true;
}
static ptrdiff_t call_connect(struct run *r, struct call *c) { return la_posix_connect(r->posix, c->fd, &c->sa, &c->wait); }

static ptrdiff_t call_shutdown(struct run *r, struct call *c) { return la_posix_shutdown(r->posix, c->fd, (int)c->a); }

static bool prep_fd(struct run *r, struct call *c) { return la__arg_fd(r, c, 0, &c->fd); }
static ptrdiff_t call_close(struct run *r, struct call *c) { return la_posix_close(r->posix, c->fd, &c->wait); }
static bool done_close(struct run *r, struct call *c, ptrdiff_t result) {
  int64_t fd;
  (void)result;
  if (!la__arg_int(r, c, 0, &fd))
    return false;
  la__fd_drop(r, (int)fd);
  return true;
}
static ptrdiff_t call_dup(struct run *r, struct call *c) { return la_posix_dup(r->posix, c->fd); }

static bool prep_fcntl(struct run *r, struct call *c) {
  c->b = 0;
  return prep_fd_int(r, c) && (c->c->n < 3 || la__arg_int(r, c, 2, &c->b));
}
static ptrdiff_t call_fcntl(struct run *r, struct call *c) { return la_posix_fcntl(r->posix, c->fd, (int)c->a, (int)c->b); }

static bool prep_ioctl(struct run *r, struct call *c) {
  int64_t v = 0;
  if (!prep_fd_int(r, c))
    return false;
  const struct value *arg = c->c->n > 2 ? call_arg(c, 2) : NULL;
  if (arg && arg->kind == VALUE_ARRAY && arg->n == 1)
    arg = arg->list[0];
  if (arg && arg->kind != VALUE_ELLIPSIS && !la__value_int(r, arg, &v))
    return false;
  c->b = v;
  c->arg = (int)v;
  return true;
}
static ptrdiff_t call_ioctl(struct run *r, struct call *c) { return la_posix_ioctl(r->posix, c->fd, (unsigned long)c->a, &c->arg); }
static bool done_ioctl(struct run *r, struct call *c, ptrdiff_t result) {
  bool any = c->c->n < 3 || call_arg(c, 2)->kind == VALUE_ELLIPSIS || result < 0;
  return any || c->arg == (int)c->b || la__drill_fail(r, c->c->at, "%s: %d expected, %d came", c->c->source, (int)c->b, c->arg);
}

const struct callee la__calls_sock[] = {
  {"socket", 3, 3, true, prep_socket, call_socket, done_socket},
  {"bind", 3, 3, false, prep_bind, call_bind, NULL},
  {"listen", 2, 2, false, prep_fd_int, call_listen, done_listen},
  {"accept", 3, 3, true, prep_accept, call_accept, done_accept},
  {"accept4", 4, 4, true, prep_accept, call_accept4, done_accept},
  {"connect", 3, 3, false, prep_connect, call_connect, NULL},
  {"shutdown", 2, 2, false, prep_fd_int, call_shutdown, NULL},
  {"close", 1, 1, false, prep_fd, call_close, done_close},
  {"dup", 1, 1, true, prep_fd, call_dup, NULL},
  {"fcntl", 2, 3, false, prep_fcntl, call_fcntl, NULL},
  {"ioctl", 2, 3, false, prep_ioctl, call_ioctl, done_ioctl},
  {"open", 0, 255, false, NULL, NULL, NULL},
  {"pipe", 0, 255, false, NULL, NULL, NULL},
  {"splice", 0, 255, false, NULL, NULL, NULL},
  {"sendfile", 0, 255, false, NULL, NULL, NULL},
  {"cap_set", 0, 255, false, NULL, NULL, NULL},
  {"psp_rx_assoc", 0, 255, false, NULL, NULL, NULL},
  {"psp_tx_assoc", 0, 255, false, NULL, NULL, NULL},
  {NULL, 0, 0, false, NULL, NULL, NULL},
};

/* SPDX-License-Identifier: MIT */
/* read, write and their kin. */
#include "drill/calls.h"

#include <string.h>

enum { CONTROL_MAX = 1024 };

static bool prep_io(struct run *r, struct call *c) {
  return la__arg_fd(r, c, 0, &c->fd) && la__arg_count(r, c, 2, &c->n) && la__arg_buffer(r, c, 1, c->n, &c->buf);
}
static bool prep_io_flags(struct run *r, struct call *c) { return prep_io(r, c) && la__arg_int(r, c, 3, &c->a); }

static ptrdiff_t call_read(struct run *r, struct call *c) { return la_posix_read(r->posix, c->fd, c->buf, c->n, &c->wait); }
static ptrdiff_t call_write(struct run *r, struct call *c) { return la_posix_write(r->posix, c->fd, c->buf, c->n, &c->wait); }
static ptrdiff_t call_recv(struct run *r, struct call *c) { return la_posix_recv(r->posix, c->fd, c->buf, c->n, (int)c->a, &c->wait); }
static ptrdiff_t call_send(struct run *r, struct call *c) { return la_posix_send(r->posix, c->fd, c->buf, c->n, (int)c->a, &c->wait); }

static bool prep_sendto(struct run *r, struct call *c) {
  int64_t fd;
  la_sockaddr peer = la__tuning_sockaddr(r->tuning, &r->tuning->remote, r->tuning->connect_port);
  if (!prep_io_flags(r, c) || !la__arg_int(r, c, 0, &fd))
    return false;
  const struct value *to = call_arg(c, 4);
  int64_t none;
  if ((to->kind == VALUE_INTEGER || (to->kind == VALUE_WORD && strcmp(to->text, "NULL") == 0)) && la__value_int(r, to, &none) && !none)
    return true;
  c->has_sa = true;
  if (!la__arg_sockaddr(r, c, 4, &peer, &c->sa))
    return false;
  la__call_connects(r, (int)fd, &c->sa);
  return true;
}
static ptrdiff_t call_sendto(struct run *r, struct call *c) {
  return la_posix_sendto(r->posix, c->fd, c->buf, c->n, (int)c->a, c->has_sa ? &c->sa : NULL, &c->wait);
}
static ptrdiff_t call_recvfrom(struct run *r, struct call *c) {
  return la_posix_recvfrom(r->posix, c->fd, c->buf, c->n, (int)c->a, &c->sa, &c->wait);
}

/* [{..., 1000}, {..., 500}] */
static bool iovecs(struct run *r, struct call *c, const struct value *v) {
  if (v->kind != VALUE_ARRAY || v->n > IOVS_MAX)
    return la__drill_fail(r, v->at, "an array of at most %d {..., bytes} is expected", IOVS_MAX);
  for (size_t i = 0; i < v->n; i++) {
    const struct value *e = v->list[i];
    int64_t n;
    if (e->kind != VALUE_STRUCT || e->n != 2 || !la__value_int(r, e->list[1], &n) || n < 0 || n > 1 << 26)
      return la__drill_fail(r, e->at, "{..., bytes} is expected");
    c->iov[i].len = (size_t)n;
    const struct value *base = e->list[0];
    c->iov[i].base = base->kind == VALUE_ELLIPSIS || base->kind == VALUE_STRING ? la__drill_alloc(r, (size_t)n + 1) : NULL;
    if (base->kind == VALUE_STRING)
      memcpy(c->iov[i].base, base->text, base->len < (size_t)n ? base->len : (size_t)n);
  }
  c->niov = (int)v->n;
  return true;
}
static bool prep_iov(struct run *r, struct call *c) {
  return la__arg_fd(r, c, 0, &c->fd) && iovecs(r, c, call_arg(c, 1)) && la__arg_int(r, c, 2, &c->a);
}
static ptrdiff_t call_readv(struct run *r, struct call *c) { return la_posix_readv(r->posix, c->fd, c->iov, (int)c->a, &c->wait); }
static ptrdiff_t call_writev(struct run *r, struct call *c) { return la_posix_writev(r->posix, c->fd, c->iov, (int)c->a, &c->wait); }

static bool prep_msg(struct run *r, struct call *c) {
  const struct value *m = call_arg(c, 1), *iov = la__value_field(m, "msg_iov");
  if (!la__arg_fd(r, c, 0, &c->fd) || (c->c->n > 2 && !la__arg_int(r, c, 2, &c->a)))
    return false;
  if (!iov)
    return la__drill_fail(r, m->at, "a message header with msg_iov is expected");
  if (!iovecs(r, c, iov))
    return false;
  c->msg = (la_msghdr){.iov = c->iov, .iovlen = (size_t)c->niov};
  return true;
}
static bool prep_sendmsg(struct run *r, struct call *c) {
  const struct value *m = call_arg(c, 1), *name = la__value_field(m, "msg_name"), *flags = la__value_field(m, "msg_flags");
  int64_t fd, f = 0;
  if (!prep_msg(r, c) || !la__arg_int(r, c, 0, &fd) || (flags && flags->kind != VALUE_ELLIPSIS && !la__value_int(r, flags, &f)))
    return false;
  c->msg.flags = (int)f;
  const struct value *control = la__value_field(m, "msg_control");
  if (control && control->kind == VALUE_ARRAY && control->n)
    return la__drill_fail(r, control->at, "msg_control of what is sent: not supported");
  struct sock *k = la__sock_fd(r, (int)fd);
  if (name && name->kind == VALUE_ELLIPSIS && k && k->phase == SOCK_NEW) { /* as packetdrill: only a new socket needs to be told */
    c->sa = la__tuning_sockaddr(r->tuning, &r->tuning->remote, r->tuning->connect_port);
    c->msg.name = &c->sa;
    la__call_connects(r, (int)fd, &c->sa);
  }
  return true;
}
static ptrdiff_t call_sendmsg(struct run *r, struct call *c) { return la_posix_sendmsg(r->posix, c->fd, &c->msg, (int)c->a, &c->wait); }
static bool prep_recvmsg(struct run *r, struct call *c) {
  if (!prep_msg(r, c))
    return false;
  c->msg.name = &c->sa;
  if (la__value_field(call_arg(c, 1), "msg_control")) {
    c->msg.control = la__drill_alloc(r, CONTROL_MAX);
    c->msg.controllen = CONTROL_MAX;
  }
  return true;
}
static ptrdiff_t call_recvmsg(struct run *r, struct call *c) { return la_posix_recvmsg(r->posix, c->fd, &c->msg, (int)c->a, &c->wait); }

/* {ee_errno=…, ee_origin=…, ee_type=…, ee_code=…, ee_info=…, ee_data=…} against Linux's struct sock_extended_err. */
static bool same_error(struct run *r, const struct value *v, const uint8_t *got, size_t n) {
  static const struct {
    const char *name;
    uint8_t at, size;
  } fields[] = {{"ee_errno", 0, 4}, {"ee_origin", 4, 1}, {"ee_type", 5, 1}, {"ee_code", 6, 1}, {"ee_info", 8, 4}, {"ee_data", 12, 4}};
  if (n < 16)
    return la__drill_fail(r, v->at, "control message: %zu bytes came, no error of the queue", n);
  for (size_t i = 0; i < sizeof fields / sizeof *fields; i++) {
    const struct value *f = la__value_field(v, fields[i].name);
    uint32_t came = got[fields[i].at];
    int64_t want;
    if (!f)
      continue;
    if (fields[i].size == 4)
      memcpy(&came, got + fields[i].at, 4);
    if (!la__value_int(r, f, &want))
      return false;
    if (came != (uint32_t)want)
      return la__drill_fail(r, f->at, "%s: %u expected, %u came", fields[i].name, (uint32_t)want, came);
  }
  return true;
}

/* {cmsg_level=SOL_TCP, cmsg_type=TCP_CM_INQ, cmsg_data=8000} against what stands at `at`. */
static bool same_cmsg(struct run *r, const struct call *c, const struct value *v, size_t at) {
  const struct value *level = la__value_field(v, "cmsg_level"), *type = la__value_field(v, "cmsg_type"),
                     *data = la__value_field(v, "cmsg_data");
  int64_t l, t, d;
  la_cmsghdr h;
  int got;
  if (!level || !type || !data)
    return la__drill_fail(r, v->at, "{cmsg_level=…, cmsg_type=…, cmsg_data=…} is expected");
  if (!la__value_int(r, level, &l) || !la__value_int(r, type, &t))
    return false;
  if (c->msg.controllen < at + sizeof h)
    return la__drill_fail(r, v->at, "no such control message came");
  const uint8_t *p = (const uint8_t *)c->msg.control + at;
  memcpy(&h, p, sizeof h);
  if (h.level != (int)l || h.type != (int)t)
    return la__drill_fail(r, v->at, "control message: level %d, type %d came", h.level, h.type);
  if (data->kind == VALUE_STRUCT && la__value_field(data, "ee_errno"))
    return same_error(r, data, p + sizeof h, h.len - sizeof h);
  if (data->kind == VALUE_STRUCT || data->kind == VALUE_ARRAY)
    return la__drill_fail(r, data->at, "a control message with this: not supported");
  if (!la__value_int(r, data, &d) || h.len < sizeof h + sizeof got)
    return r->failed ? false : la__drill_fail(r, data->at, "control message: it has no number");
  memcpy(&got, p + sizeof h, sizeof got);
  return got == (int)d || la__drill_fail(r, data->at, "control message: %d expected, %d came", (int)d, got);
}

static bool same_control(struct run *r, const struct call *c) {
  const struct value *v = la__value_field(call_arg(c, 1), "msg_control");
  size_t at = 0, n = v && v->kind == VALUE_ARRAY ? v->n : 0;
  if (!v || v->kind == VALUE_ELLIPSIS)
    return true;
  for (size_t i = 0; i < n; i++) {
    la_cmsghdr h;
    if (!same_cmsg(r, c, v->list[i], at))
      return false;
    memcpy(&h, (char *)c->msg.control + at, sizeof h);
    at += (h.len + sizeof(size_t) - 1) & ~(sizeof(size_t) - 1);
  }
  return c->msg.controllen <= at || la__drill_fail(r, v->at, "more control messages came than the script has");
}

static bool done_recvmsg(struct run *r, struct call *c, ptrdiff_t result) {
  const struct value *flags = la__value_field(call_arg(c, 1), "msg_flags");
  int64_t want;
  if (result >= 0 && !same_control(r, c))
    return false;
  if (result < 0 || !flags || flags->kind == VALUE_ELLIPSIS)
    return true;
  if (!la__value_int(r, flags, &want))
    return false;
  return c->msg.flags == (int)want ||
         la__drill_fail(r, flags->at, "msg_flags: 0x%x expected, 0x%x came", (unsigned)want, (unsigned)c->msg.flags);
}

/* What a script says it reads, as bytes, must be what came. */
static bool done_read(struct run *r, struct call *c, ptrdiff_t result) {
  const struct value *v = call_arg(c, 1);
  if (v->kind != VALUE_STRING || result < 0)
    return true;
  size_t n = (size_t)result < v->len ? (size_t)result : v->len;
  return memcmp(c->buf, v->text, n) == 0 || la__drill_fail(r, v->at, "other bytes were read");
}

const struct callee la__calls_io[] = {
  {"read", 3, 3, false, prep_io, call_read, done_read},
  {"write", 3, 3, false, prep_io, call_write, NULL},
  {"recv", 4, 4, false, prep_io_flags, call_recv, done_read},
  {"send", 4, 4, false, prep_io_flags, call_send, NULL},
  {"recvfrom", 6, 6, false, prep_io_flags, call_recvfrom, done_read},
  {"sendto", 6, 6, false, prep_sendto, call_sendto, NULL},
  {"readv", 3, 3, false, prep_iov, call_readv, NULL},
  {"writev", 3, 3, false, prep_iov, call_writev, NULL},
  {"recvmsg", 2, 3, false, prep_recvmsg, call_recvmsg, done_recvmsg},
  {"sendmsg", 2, 3, false, prep_sendmsg, call_sendmsg, NULL},
  {NULL, 0, 0, false, NULL, NULL, NULL},
};

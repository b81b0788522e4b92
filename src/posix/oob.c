/* SPDX-License-Identifier: MIT */
/*
 * Urgent data as Linux shows it. The stack keeps where it ends (tcp/urgent.c); the byte before that end is "the urgent byte", and its
 * place the mark (RFC 6093 2: one byte, by the way everyone reads the pointer). Unless SO_OOBINLINE is set the byte is left out of what
 * is read and may be had with MSG_OOB while it is not passed; a read never crosses the mark, it begins there. POLLPRI: it has come.
 */
#include "posix/posix.h"

uint32_t la__sk_mark(const la_posix *p, const struct psock *k) {
  const struct conn *c = la__sk_conn(p, k);
  uint32_t n = c ? la__urgent(c) : 0;
  return n ? n - 1 : NO_MARK;
}

static bool inline_oob(const struct psock *k) { return k->o.v[O_OOBINLINE]; }

static bool taken(const la_posix *p, const struct psock *k) { return k->oob_taken && k->oob_end == la__sk_conn(p, k)->rcvq->urgent_end; }

/* The byte has come and has not been had yet. */
bool la__sk_oob_ready(const la_posix *p, const struct psock *k) {
  uint32_t mark = la__sk_mark(p, k);
  return mark != NO_MARK && mark < la__sk_unread(p, k) && !taken(p, k);
}

/* What a read would give at most: without the urgent byte when that is the next. */
uint32_t la__sk_readable(const la_posix *p, const struct psock *k) {
  uint32_t n = la__sk_unread(p, k);
  return n && !inline_oob(k) && la__sk_mark(p, k) == 0 ? n - 1 : n;
}

/* FIONREAD: up to the mark. */
uint32_t la__sk_inq(const la_posix *p, const struct psock *k) {
  uint32_t n = la__sk_unread(p, k), mark = la__sk_mark(p, k);
  return inline_oob(k) || mark >= n ? n : mark;
}

/* MSG_OOB. */
ptrdiff_t la__sk_recv_oob(la_posix *p, struct psock *k, void *dst, size_t n, bool peek) {
  const struct conn *c = la__sk_conn(p, k);
  uint32_t mark = la__sk_mark(p, k);
  if (inline_oob(k) || mark == NO_MARK || taken(p, k))
    return -LA_POSIX_EINVAL;
  if (la__sk_state(p, k) == LA_TCP_CLOSE && !(c->flags & CF_FIN_RCVD))
    return -LA_POSIX_ENOTCONN;
  if (mark >= la__sk_unread(p, k)) /* announced, but not come */
    return la__sk_state(p, k) == LA_TCP_CLOSE || la__sk_shut(p, k) & SHUT_RCV ? 0 : -LA_POSIX_EAGAIN;
  if (n && !dst)
    return -LA_POSIX_EFAULT;
  if (!peek) {
    k->oob_taken = true;
    k->oob_end = c->rcvq->urgent_end;
  }
  return n ? la_peek(p->s, k->conn, mark, dst, 1) : 0;
}

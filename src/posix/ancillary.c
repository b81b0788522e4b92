/* SPDX-License-Identifier: MIT */
/*
 * Ancillary data of recvmsg, and the error queue. Of the latter's many uses one is here: what MSG_ZEROCOPY sent may be used again. It may
 * be at once, since la_send copies, and Linux has a code that says so.
 */
#include "posix/posix.h"

#include "base/bytes.h"

enum { ORIGIN_ZEROCOPY = 5, CODE_COPIED = 1 };

/* Linux's struct sock_extended_err, and the address that follows it: of nobody. */
struct extended_err {
  uint32_t err;
  uint8_t origin, type, code, pad;
  uint32_t info, data;
  uint8_t offender[28];
};

/* Behind what is there already; MSG_CTRUNC when it does not fit whole. */
static void put(la_msghdr *msg, size_t room, int level, int type, const void *data, size_t n) {
  la_cmsghdr h = {sizeof h + n, level, type};
  size_t at = msg->controllen;
  if (!msg->control || room < at || room - at < sizeof h) {
    msg->flags |= LA_MSG_CTRUNC;
    return;
  }
  size_t left = room - at - sizeof h;
  if (n > left) {
    msg->flags |= LA_MSG_CTRUNC;
    n = left;
    h.len = sizeof h + n;
  }
  memcpy((char *)msg->control + at, &h, sizeof h);
  memcpy((char *)msg->control + at + sizeof h, data, n);
  size_t end = at + ((h.len + sizeof(size_t) - 1) & ~(sizeof(size_t) - 1));
  msg->controllen = end < room ? end : room;
}

/* TCP_INQ: what is left; the end of the stream counts as one. */
void la__put_inq(const la_posix *p, const struct psock *k, la_msghdr *msg, size_t room) {
  const struct conn *c = la__sk_conn(p, k);
  uint32_t unread = la__sk_unread(p, k);
  int left = unread ? (int)unread : c && c->flags & CF_FIN_RCVD;
  if (k->o.v[O_INQ])
    put(msg, room, LA_SOL_TCP, LA_TCP_INQ, &left, sizeof left);
}

/* A call with MSG_ZEROCOPY has queued bytes. Numbers that follow each other are told together. */
void la__zerocopy_done(struct psock *k) {
  if (!k->o.v[O_ZEROCOPY])
    return;
  if (!k->zc_waits)
    k->zc_first = k->zc_next;
  k->zc_waits = true;
  k->zc_next++;
  la__wake(&k->f, 0);
}

/* MSG_ERRQUEUE: takes what waits there. `msg` may be NULL. */
void la__errqueue_take(struct psock *k, la_msghdr *msg, size_t room) {
  bool six = k->family == LA_AF_INET6;
  struct extended_err e = {.origin = ORIGIN_ZEROCOPY, .code = CODE_COPIED, .info = k->zc_first, .data = k->zc_next - 1};
  k->zc_waits = false;
  if (!msg)
    return;
  msg->flags |= LA_MSG_ERRQUEUE;
  put(msg, room, six ? LA_SOL_IPV6 : LA_SOL_IP, six ? LA_IPV6_RECVERR : LA_IP_RECVERR, &e, 16 + (six ? 28 : 16));
}

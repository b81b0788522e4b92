/* SPDX-License-Identifier: MIT */
/* errno: names, and what the stack's own results are called there. */
#include "posix/posix.h"

static const struct {
  uint8_t no;
  const char *name;
} names[] = {
  {LA_POSIX_ENOENT, "ENOENT"},
  {LA_POSIX_EINTR, "EINTR"},
  {LA_POSIX_EBADF, "EBADF"},
  {LA_POSIX_EAGAIN, "EAGAIN"},
  {LA_POSIX_ENOMEM, "ENOMEM"},
  {LA_POSIX_EACCES, "EACCES"},
  {LA_POSIX_EFAULT, "EFAULT"},
  {LA_POSIX_EEXIST, "EEXIST"},
  {LA_POSIX_EINVAL, "EINVAL"},
  {LA_POSIX_EMFILE, "EMFILE"},
  {LA_POSIX_ENOTTY, "ENOTTY"},
  {LA_POSIX_EPIPE, "EPIPE"},
  {LA_POSIX_EDOM, "EDOM"},
  {LA_POSIX_ELOOP, "ELOOP"},
  {LA_POSIX_EPROTO, "EPROTO"},
  {LA_POSIX_ENOTSOCK, "ENOTSOCK"},
  {LA_POSIX_EDESTADDRREQ, "EDESTADDRREQ"},
  {LA_POSIX_EMSGSIZE, "EMSGSIZE"},
  {LA_POSIX_EPROTOTYPE, "EPROTOTYPE"},
  {LA_POSIX_ENOPROTOOPT, "ENOPROTOOPT"},
  {LA_POSIX_EPROTONOSUPPORT, "EPROTONOSUPPORT"},
  {LA_POSIX_ESOCKTNOSUPPORT, "ESOCKTNOSUPPORT"},
  {LA_POSIX_EOPNOTSUPP, "EOPNOTSUPP"},
  {LA_POSIX_EAFNOSUPPORT, "EAFNOSUPPORT"},
  {LA_POSIX_EADDRINUSE, "EADDRINUSE"},
  {LA_POSIX_EADDRNOTAVAIL, "EADDRNOTAVAIL"},
  {LA_POSIX_ENETDOWN, "ENETDOWN"},
  {LA_POSIX_ENETUNREACH, "ENETUNREACH"},
  {LA_POSIX_ECONNABORTED, "ECONNABORTED"},
  {LA_POSIX_ECONNRESET, "ECONNRESET"},
  {LA_POSIX_ENOBUFS, "ENOBUFS"},
  {LA_POSIX_EISCONN, "EISCONN"},
  {LA_POSIX_ENOTCONN, "ENOTCONN"},
  {LA_POSIX_ETIMEDOUT, "ETIMEDOUT"},
  {LA_POSIX_ECONNREFUSED, "ECONNREFUSED"},
  {LA_POSIX_EHOSTUNREACH, "EHOSTUNREACH"},
  {LA_POSIX_EALREADY, "EALREADY"},
  {LA_POSIX_EINPROGRESS, "EINPROGRESS"},
};

const char *la_posix_errno_name(int err) {
  unsigned no = err < 0 ? 0u - (unsigned)err : (unsigned)err;
  for (unsigned i = 0; i < sizeof names / sizeof names[0]; i++)
    if (names[i].no == no)
      return names[i].name;
  return "EUNKNOWN";
}

int la__errno(int la_err) {
  static const uint8_t of[] = {
    [-LA_AGAIN] = LA_POSIX_EAGAIN,
    [-LA_EINVAL] = LA_POSIX_EINVAL,
    [-LA_ENOMEM] = LA_POSIX_ENOBUFS,
    [-LA_EBADF] = LA_POSIX_EBADF,
    [-LA_EADDRINUSE] = LA_POSIX_EADDRINUSE,
    [-LA_EADDRNOTAVAIL] = LA_POSIX_EADDRNOTAVAIL,
    [-LA_ENETUNREACH] = LA_POSIX_ENETUNREACH,
    [-LA_EHOSTUNREACH] = LA_POSIX_EHOSTUNREACH,
    [-LA_ECONNREFUSED] = LA_POSIX_ECONNREFUSED,
    [-LA_ECONNRESET] = LA_POSIX_ECONNRESET,
    [-LA_ECONNABORTED] = LA_POSIX_ECONNABORTED,
    [-LA_ETIMEDOUT] = LA_POSIX_ETIMEDOUT,
    [-LA_EPIPE] = LA_POSIX_EPIPE,
    [-LA_ENOTCONN] = LA_POSIX_ENOTCONN,
    [-LA_EQUIET] = LA_POSIX_ENETDOWN,
    [-LA_EMSGSIZE] = LA_POSIX_EMSGSIZE,
  };
  unsigned i = 0u - (unsigned)la_err;
  return i < sizeof of ? of[i] : LA_POSIX_EINVAL;
}

/*
 * What a socket whose connection ended so tells once. As on Linux: a reset in CLOSE-WAIT is EPIPE, a time-out says what a router
 * had said (RFC 1122 4.2.3.9), and data after a full shutdown, which we reset, is ECONNRESET.
 */
int la__errno_end(const la_end *end) {
  if (end->why == LA_WHY_PEER_RESET && end->state == LA_CLOSE_WAIT)
    return LA_POSIX_EPIPE;
  if (end->why == LA_WHY_DATA_AFTER_CLOSE)
    return LA_POSIX_ECONNRESET;
  if (end->err == LA_ETIMEDOUT && end->soft_err != LA_OK)
    return la__errno(end->soft_err);
  return la__errno(end->err);
}

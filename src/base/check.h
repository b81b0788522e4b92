/* SPDX-License-Identifier: MIT */
/* Assertions that stay in release builds: a broken invariant stops the program before it corrupts a stream. */
#ifndef LA_BASE_CHECK_H
#define LA_BASE_CHECK_H

#define LA_CHECK(cond) \
  do { \
    if (__builtin_expect(!(cond), 0)) \
      __builtin_trap(); \
  } while (0)

#endif

/* SPDX-License-Identifier: MIT */
/* Sums by the CPU's vector units: each kind, so that tests can try all that the CPU has. */
#ifndef LA_HOST_SUMS_H
#define LA_HOST_SUMS_H

#include <lastack/stack.h>

struct sums_kind {
  const char *name;
  bool (*here)(void); /* does this CPU have it? */
  la_sums sums;
};
/* The quickest first; the last is built in and always here. */
extern const struct sums_kind la__sums_kinds[];
extern const unsigned la__sums_nkinds;

#endif

/* SPDX-License-Identifier: MIT */
/* SipHash (Aumasson, Bernstein 2012) with 64-bit output: 1-3 for tables, 2-4 for ISN, ports and cookies. */
#ifndef LA_BASE_SIPHASH_H
#define LA_BASE_SIPHASH_H

#include <stddef.h>
#include <stdint.h>

uint64_t la__siphash13(const uint8_t key[16], const void *data, size_t n);
uint64_t la__siphash24(const uint8_t key[16], const void *data, size_t n);

#endif

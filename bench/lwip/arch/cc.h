/* SPDX-License-Identifier: MIT */
/* The port that lwIP asks for: a hosted compiler has it all. */
#ifndef LA_BENCH_LWIP_CC_H
#define LA_BENCH_LWIP_CC_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LWIP_PLATFORM_ASSERT(text) (fprintf(stderr, "lwip: %s\n", text), abort())
#define LWIP_RAND() ((u32_t)rand())

#endif

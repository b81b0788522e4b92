/* SPDX-License-Identifier: MIT */
/* A capture of a busy server's traffic, made up: what `lastack explain` is measured with. */
#ifndef LA_BENCH_CAPTURE_H
#define LA_BENCH_CAPTURE_H

#include <stdbool.h>
#include <stdio.h>

/*
 * `conns` connections, a fiftieth of them open at a time, some 1200 bytes of file each: most are short requests, released in three or four
 * segments; some transfer a lot, are refused, unanswered, aborted, retransmit, or stay open. A tenth is IPv6. It is the same file
 * each time. Returns the number of packets; dies when it cannot write.
 */
unsigned long capture_make(FILE *out, unsigned long conns, bool pcapng);

#endif

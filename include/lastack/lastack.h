/* SPDX-License-Identifier: MIT */
/* lastack: a user-space TCP/IP stack. This umbrella includes every public header. */
#ifndef LASTACK_LASTACK_H
#define LASTACK_LASTACK_H

#include <lastack/ether.h>
#include <lastack/link.h>
#include <lastack/posix.h>
#include <lastack/stack.h>
#include <lastack/tcp.h>
#include <lastack/trace.h>
#include <lastack/udp.h>
#include <lastack/watch.h>

#define LA_VERSION "0.1.0"

#endif

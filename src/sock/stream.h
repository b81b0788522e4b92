/* SPDX-License-Identifier: MIT */
/* What the files about the byte stream share. */
#ifndef LA_SOCK_STREAM_H
#define LA_SOCK_STREAM_H

#include "core/stack.h"

/* How much is there beyond `skip` bytes (> 0), or why nothing ever will be; LA_AGAIN arms READABLE. */
ptrdiff_t la__readable(struct conn *c, size_t skip);
/* n > 0 unread bytes are done with: the window may open. */
void la__stream_consume(struct tcp *t, struct conn *c, size_t n);

#endif

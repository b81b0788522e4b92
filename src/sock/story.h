/* SPDX-License-Identifier: MIT */
/* What info.c and story.c say of a connection, each once. */
#ifndef LA_SOCK_STORY_H
#define LA_SOCK_STORY_H

#include "core/stack.h"

/* info.c */
enum la_state la__state_now(const struct tcp *t, const struct conn *c); /* CLOSED once its TIME-WAIT record is gone */
enum la_waiting la__waiting(const struct tcp *t, const struct conn *c);
la_time la__ends_at(const struct tcp *t, const struct conn *c);
/* story.c */
la_time la__since(const struct tcp *t, const struct conn *c); /* when its present state began */

#endif

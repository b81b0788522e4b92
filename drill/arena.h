/* SPDX-License-Identifier: MIT */
/* Memory that is freed all at once: what is got from it is zeroed and lives until la__arena_free. A tool without memory stops. */
#ifndef LA_DRILL_ARENA_H
#define LA_DRILL_ARENA_H

#include <stddef.h>

struct arena;
struct arena *la__arena_new(void);
void *la__arena_get(struct arena *a, size_t n);
char *la__arena_text(struct arena *a, const char *from, size_t n); /* a zero-terminated copy */
void la__arena_free(struct arena *a);

#endif

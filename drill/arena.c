/* SPDX-License-Identifier: MIT */
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "drill/arena.h"

enum { BLOCK = 16384, ALIGN = 16 };

struct block {
  struct block *next;
  size_t used, size;
  _Alignas(ALIGN) unsigned char bytes[];
};
struct arena {
  struct block *first;
};

struct arena *la__arena_new(void) {
  struct arena *a = calloc(1, sizeof *a);
  LA_CHECK(a);
  return a;
}

void *la__arena_get(struct arena *a, size_t n) {
  n = (n + ALIGN - 1) & ~(size_t)(ALIGN - 1);
  struct block *b = a->first;
  if (!b || b->size - b->used < n) {
    size_t size = n > BLOCK ? n : BLOCK;
    b = calloc(1, sizeof *b + size);
    LA_CHECK(b);
    b->size = size;
    b->next = a->first;
    a->first = b;
  }
  void *p = b->bytes + b->used;
  b->used += n;
  return p;
}

char *la__arena_text(struct arena *a, const char *from, size_t n) {
  char *text = la__arena_get(a, n + 1);
  if (n)
    memcpy(text, from, n);
  return text;
}

void la__arena_free(struct arena *a) {
  if (!a)
    return;
  for (struct block *b = a->first, *next; b; b = next) {
    next = b->next;
    free(b);
  }
  free(a);
}

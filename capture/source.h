/* SPDX-License-Identifier: MIT */
/* Bytes of a file, a pipe or memory, in big reads, with the offset of whatever comes next. */
#ifndef LA_CAPTURE_SOURCE_H
#define LA_CAPTURE_SOURCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

struct source {
  int fd; /* -1: memory */
  uint8_t *buf;
  size_t cap, at, end;
  uint64_t base; /* the offset of buf[0] */
  uint64_t size; /* of a regular file; 0: not known */
  bool eof;
  int err; /* errno of a read that failed */
};

/* "-" is the standard input. false: errno says why. */
bool la__source_open(struct source *s, const char *path);
/* A copy is made. */
bool la__source_memory(struct source *s, const void *data, size_t n);
void la__source_close(struct source *s);
/* n bytes in a row, which stay where they are until the next call; NULL: there are fewer, or memory is short. Nothing is consumed. */
const uint8_t *la__source_need(struct source *s, size_t n);
void la__source_skip(struct source *s, size_t n); /* of those needed */
/* Goes on in *buf of *cap bytes (NULL: a new one), and leaves what it had there: what was needed stays where it is. false: no memory. */
bool la__source_swap(struct source *s, uint8_t **buf, size_t *cap);
/* How many bytes la__source_need could give without waiting. */
static inline size_t la__source_left(const struct source *s) { return s->end - s->at; }
static inline uint64_t la__source_offset(const struct source *s) { return s->base + s->at; }
/* As a stdio stream, for libraries that want one. Closing it leaves the source alone. */
FILE *la__source_stream(struct source *s);

#endif

/* SPDX-License-Identifier: MIT */
#include "capture/source.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { CHUNK = 1 << 18 };

bool la__source_open(struct source *s, const char *path) {
  struct stat st;
  *s = (struct source){.fd = strcmp(path, "-") == 0 ? dup(STDIN_FILENO) : open(path, O_RDONLY | O_CLOEXEC)};
  if (s->fd < 0)
    return false;
  if (fstat(s->fd, &st) == 0) {
    if (S_ISREG(st.st_mode))
      s->size = (uint64_t)st.st_size;
    if (S_ISDIR(st.st_mode))
      errno = EISDIR;
  }
  s->cap = CHUNK;
  s->buf = S_ISDIR(st.st_mode) ? NULL : malloc(s->cap);
  if (s->buf)
    return true;
  int e = errno;
  la__source_close(s);
  errno = e;
  return false;
}

bool la__source_memory(struct source *s, const void *data, size_t n) {
  *s = (struct source){.fd = -1, .cap = n ? n : 1, .end = n, .size = n, .eof = true};
  s->buf = malloc(s->cap);
  if (s->buf && n)
    memcpy(s->buf, data, n);
  return s->buf != NULL;
}

void la__source_close(struct source *s) {
  if (s->fd >= 0)
    close(s->fd);
  free(s->buf);
  *s = (struct source){.fd = -1};
}

/* Room for n bytes from `at` on. */
static bool make_room(struct source *s, size_t n) {
  if (s->cap - s->at >= n && s->cap > s->end)
    return true;
  memmove(s->buf, s->buf + s->at, s->end - s->at);
  s->base += s->at;
  s->end -= s->at;
  s->at = 0;
  if (n <= s->cap)
    return true;
  uint8_t *bigger = realloc(s->buf, n);
  if (!bigger) {
    s->err = ENOMEM;
    return false;
  }
  s->buf = bigger;
  s->cap = n;
  return true;
}

/* One read; false at the end. */
static bool fill(struct source *s) {
  while (!s->eof && !s->err) {
    ssize_t got = read(s->fd, s->buf + s->end, s->cap - s->end);
    if (got > 0) {
      s->end += (size_t)got;
      return true;
    }
    if (got == 0)
      s->eof = true;
    else if (errno != EINTR)
      s->err = errno;
  }
  return false;
}

const uint8_t *la__source_need(struct source *s, size_t n) {
  while (s->end - s->at < n)
    if (s->eof || s->err || !make_room(s, n) || !fill(s))
      return NULL;
  return s->buf + s->at;
}

bool la__source_swap(struct source *s, uint8_t **buf, size_t *cap) {
  size_t left = s->end - s->at, n = left > CHUNK ? left : CHUNK;
  if (!*buf || *cap < n) {
    free(*buf);
    *cap = n;
    if (!(*buf = malloc(n)))
      return false;
  }
  memcpy(*buf, s->buf + s->at, left);
  uint8_t *was = s->buf;
  size_t was_cap = s->cap;
  s->buf = *buf;
  s->cap = *cap;
  s->base += s->at;
  s->at = 0;
  s->end = left;
  *buf = was;
  *cap = was_cap;
  return true;
}

void la__source_skip(struct source *s, size_t n) { s->at += n; }

static ssize_t stream_read(void *cookie, char *out, size_t n) {
  struct source *s = cookie;
  if (!la__source_need(s, 1))
    return s->err ? -1 : 0;
  if (n > la__source_left(s))
    n = la__source_left(s);
  memcpy(out, s->buf + s->at, n);
  s->at += n;
  return (ssize_t)n;
}

FILE *la__source_stream(struct source *s) {
  FILE *f = fopencookie(s, "r", (cookie_io_functions_t){.read = stream_read});
  if (f)
    setvbuf(f, NULL, _IOFBF, CHUNK / 4);
  return f;
}

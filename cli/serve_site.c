/* SPDX-License-Identifier: MIT */
/* From a URL's path to an open file: decoding, no escape from the root, directories, content types. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "cli/serve.h"

_Static_assert(sizeof(off_t) == 8, "files past 2 GB, on 32-bit machines too");

static int hex(char c) {
  if (c >= '0' && c <= '9')
    return c - '0';
  c |= 0x20;
  return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Decodes %XX. false: malformed, a zero byte, or longer than fits. */
static bool decode(const char *path, size_t n, char *out, size_t cap) {
  size_t m = 0;
  for (size_t i = 0; i < n; i++) {
    int c = (unsigned char)path[i];
    if (c == '%') {
      if (i + 2 >= n || hex(path[i + 1]) < 0 || hex(path[i + 2]) < 0)
        return false;
      c = hex(path[i + 1]) << 4 | hex(path[i + 2]);
      i += 2;
    }
    if (!c || m + 1 >= cap)
      return false;
    out[m++] = (char)c;
  }
  out[m] = 0;
  return true;
}

/* Kernels before 5.6 and some sandboxes lack openat2: then no symbolic link and no ".." at all. */
static int open_by_steps(int root, const char *path, int flags) {
  int dir = fcntl(root, F_DUPFD_CLOEXEC, 0);
  while (dir >= 0) {
    char name[NAME_MAX + 1];
    size_t n = strcspn(path, "/");
    bool last = path[n + strspn(path + n, "/")] == 0;
    int fd = -1;
    if (n > NAME_MAX)
      errno = ENAMETOOLONG;
    else if (n == 2 && path[0] == '.' && path[1] == '.')
      errno = EXDEV;
    else {
      memcpy(name, path, n);
      name[n] = 0;
      fd = openat(dir, n ? name : ".", (last ? flags : O_PATH | O_DIRECTORY | O_CLOEXEC) | O_NOFOLLOW);
    }
    int e = errno;
    close(dir);
    errno = e;
    if (last || fd < 0)
      return fd;
    dir = fd;
    path += n + strspn(path + n, "/");
  }
  return -1;
}

static int open_beneath(int root, const char *path) {
  const int flags = O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY; /* a FIFO or a terminal must not hold us up */
  struct open_how how = {.flags = (uint64_t)flags, .resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS};
  path += strspn(path, "/");
  if (!*path)
    path = ".";
  int fd = (int)syscall(SYS_openat2, root, path, &how, sizeof how);
  if (fd < 0 && (errno == ENOSYS || errno == EPERM))
    fd = open_by_steps(root, path, flags);
  return fd;
}

static const char *type_of(const char *path) {
  static const struct {
    const char *end, *type;
  } types[] = {
    {".html", "text/html; charset=utf-8"},
    {".htm", "text/html; charset=utf-8"},
    {".txt", "text/plain; charset=utf-8"},
    {".md", "text/plain; charset=utf-8"},
    {".css", "text/css"},
    {".js", "text/javascript"},
    {".json", "application/json"},
    {".xml", "application/xml"},
    {".svg", "image/svg+xml"},
    {".png", "image/png"},
    {".jpg", "image/jpeg"},
    {".jpeg", "image/jpeg"},
    {".gif", "image/gif"},
    {".webp", "image/webp"},
    {".ico", "image/vnd.microsoft.icon"},
    {".pdf", "application/pdf"},
    {".wasm", "application/wasm"},
    {".gz", "application/gzip"},
  };
  size_t n = strlen(path);
  for (size_t i = 0; i < sizeof types / sizeof types[0]; i++) {
    size_t m = strlen(types[i].end);
    if (n > m && strcasecmp(path + n - m, types[i].end) == 0)
      return types[i].type;
  }
  return "application/octet-stream";
}

static int status_of(int err) { return err == EMFILE || err == ENFILE || err == ENOMEM ? 503 : 404; }

/* Takes over fd. */
static int finish(int fd, const char *path, struct site_file *out) {
  struct stat st;
  if (fd < 0)
    return status_of(errno);
  if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode)) {
    close(fd);
    return 404;
  }
  *out = (struct site_file){.fd = fd, .size = (uint64_t)st.st_size, .changed = st.st_mtime, .type = type_of(path)};
  return 200;
}

int la__site_open(const struct site *site, const char *path, size_t n, struct site_file *out) {
  static const char index[] = "index.html";
  char name[PATH_MAX];
  struct stat st;
  if (!n || path[0] != '/' || !decode(path, n, name, sizeof name - sizeof index))
    return 400;
  size_t len = strlen(name);
  if (name[len - 1] == '/')
    strcat(name, index);
  if (site->page >= 0)
    return strcmp(name + strspn(name, "/"), index) == 0 ? finish(fcntl(site->page, F_DUPFD_CLOEXEC, 0), index, out) : 404;
  int fd = open_beneath(site->root, name);
  if (fd >= 0 && fstat(fd, &st) == 0 && S_ISDIR(st.st_mode)) {
    close(fd);
    return 301; /* links relative to it would miss it otherwise */
  }
  return finish(fd, name, out);
}

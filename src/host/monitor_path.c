/* SPDX-License-Identifier: MIT */
/*
 * Where a monitor's socket is. A socket is bound under a name of its own first and moved to its place when it listens, so that whoever
 * finds a socket on which nobody listens may take it for one that a killed process has left.
 */
#include "host/monitor.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

static void say(char *err, size_t cap, const char *path, const char *what) {
  if (err && cap)
    snprintf(err, cap, "%.100s: %s", path, what);
}

bool la__monitor_dir(unsigned i, char *buf, size_t cap) {
  const char *run = getenv("XDG_RUNTIME_DIR");
  bool set = run && run[0] == '/';
  int n = -1;
  if (set && i == 0)
    n = snprintf(buf, cap, "%s/lastack", run);
  else if (i == (set ? 1u : 0u))
    n = snprintf(buf, cap, "/run/lastack");
  else
    return false;
  if (n >= (int)cap)
    buf[0] = 0;
  return true;
}

static bool address(const char *path, struct sockaddr_un *a) {
  *a = (struct sockaddr_un){.sun_family = AF_UNIX};
  if (strlen(path) >= sizeof a->sun_path)
    return false;
  strcpy(a->sun_path, path);
  return true;
}

int la__monitor_connect(const char *path) {
  struct sockaddr_un a;
  if (!address(path, &a)) {
    errno = ENAMETOOLONG;
    return -1;
  }
  int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0 || connect(fd, (struct sockaddr *)&a, sizeof a) == 0)
    return fd;
  int e = errno;
  close(fd);
  errno = e;
  return -1;
}

/* Nobody listens on it: not even a process that is too busy to answer. */
static bool stale(const char *path) {
  struct sockaddr_un a;
  struct stat st;
  if (lstat(path, &st) || !S_ISSOCK(st.st_mode) || !address(path, &a))
    return false;
  int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (fd < 0)
    return false;
  bool refused = connect(fd, (struct sockaddr *)&a, sizeof a) && errno == ECONNREFUSED;
  close(fd);
  return refused;
}

static void sweep(const char *dir) {
  DIR *d = opendir(dir);
  if (!d)
    return;
  for (struct dirent *e; (e = readdir(d));) {
    char path[sizeof e->d_name + MONITOR_PATH + 2];
    size_t n = strlen(e->d_name);
    if (n < 6 || strcmp(e->d_name + n - 5, ".sock") != 0)
      continue;
    if (snprintf(path, sizeof path, "%s/%s", dir, e->d_name) < (int)sizeof path && stale(path))
      unlink(path);
  }
  closedir(d);
}

/* A folder of ours into which nobody else can put anything. */
static bool usable(const char *dir) {
  struct stat st;
  if (!dir[0] || strlen(dir) > MONITOR_PATH - 20 || (mkdir(dir, 0700) && errno != EEXIST))
    return false;
  return lstat(dir, &st) == 0 && S_ISDIR(st.st_mode) && st.st_uid == geteuid() && !(st.st_mode & 022) && access(dir, W_OK | X_OK) == 0;
}

bool la__monitor_default(char *buf, size_t cap, char *err, size_t err_cap) {
  char dir[256];
  for (unsigned i = 0; la__monitor_dir(i, dir, sizeof dir); i++)
    if (usable(dir)) {
      sweep(dir);
      snprintf(buf, cap, "%s/%ld.sock", dir, (long)getpid());
      return true;
    }
  la__monitor_dir(0, dir, sizeof dir);
  say(err, err_cap, dir, "no folder there, and none can be made");
  return false;
}

static int bound(const char *path, char *err, size_t cap) {
  struct sockaddr_un a;
  char own[MONITOR_PATH + 16];
  snprintf(own, sizeof own, "%s.%ld", path, (long)getpid());
  int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  bool made = false;
  if (fd >= 0 && address(own, &a)) {
    unlink(own);
    made = fchmod(fd, 0600) == 0 && bind(fd, (struct sockaddr *)&a, sizeof a) == 0; /* the mode that the name will have */
    if (made && listen(fd, MONITOR_CLIENTS) == 0 && rename(own, path) == 0)
      return fd;
  }
  say(err, cap, path, strerror(errno));
  if (made)
    unlink(own);
  if (fd >= 0)
    close(fd);
  return -1;
}

int la__monitor_listen(const char *path, char *err, size_t cap) {
  struct stat st;
  if (!path[0] || strlen(path) > MONITOR_PATH) {
    say(err, cap, path, "a path of 1 to 90 bytes is needed");
    return -1;
  }
  if (lstat(path, &st) == 0 && !stale(path)) {
    say(err, cap, path, S_ISSOCK(st.st_mode) ? "another stack answers there" : "exists, and is not a socket");
    return -1;
  }
  return bound(path, err, cap);
}

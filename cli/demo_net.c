/* SPDX-License-Identifier: MIT */
/* The kernel's side of the demo: nothing of it outlives the process but a curl that ends by its own time limit. */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/demo.h"

static bool write_file(const char *path, const char *text) {
  int fd = open(path, O_WRONLY | O_CLOEXEC);
  bool ok = fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text);
  if (fd >= 0)
    close(fd);
  return ok;
}

/* As root of a new user namespace a plain user may have a network namespace, where the system allows it. */
static bool user_namespace(void) {
  char map[64];
  unsigned uid = geteuid(), gid = getegid();
  if (unshare(CLONE_NEWUSER | CLONE_NEWNET))
    return false;
  snprintf(map, sizeof map, "0 %u 1\n", uid);
  bool ok = write_file("/proc/self/uid_map", map) && write_file("/proc/self/setgroups", "deny");
  snprintf(map, sizeof map, "0 %u 1\n", gid);
  return write_file("/proc/self/gid_map", map) && ok;
}

bool la__demo_namespace(char *why, size_t cap) {
  if (unshare(CLONE_NEWNET) && (errno != EPERM || !user_namespace())) {
    snprintf(why, cap, "no right to make a network namespace (%s)", strerror(errno));
    return false;
  }
  /* Only so that the drawing shows nothing else: no matter if it fails. */
  write_file("/proc/sys/net/ipv6/conf/all/disable_ipv6", "1");
  write_file("/proc/sys/net/ipv6/conf/default/disable_ipv6", "1");
  return true;
}

bool la__demo_find_curl(char *path, size_t cap) {
  const char *dirs = getenv("PATH");
  if (!dirs || !*dirs)
    dirs = "/usr/bin:/bin";
  while (*dirs) {
    size_t n = strcspn(dirs, ":");
    if (n && (size_t)snprintf(path, cap, "%.*s/curl", (int)n, dirs) < cap && access(path, X_OK) == 0)
      return true;
    dirs += n + (dirs[n] == ':');
  }
  return false;
}

int la__demo_curl(const char *path, const char *url, pid_t *pid, int *out) {
  /* -q: the user's own settings do not matter here; nor does a proxy. */
  const char *const args[] = {
    "curl", "-q", "-sS", "--noproxy", "*", "--max-time", "8", "-o", "/dev/null", "-w", "%{http_code} %{size_download}", url, NULL};
  extern char **environ;
  posix_spawn_file_actions_t files;
  posix_spawnattr_t attr;
  sigset_t none, pipe_only;
  int fds[2];
  if (pipe2(fds, O_CLOEXEC))
    return errno;
  sigemptyset(&none);
  sigemptyset(&pipe_only);
  sigaddset(&pipe_only, SIGPIPE);
  posix_spawn_file_actions_init(&files);
  posix_spawnattr_init(&attr);
  posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
  posix_spawnattr_setsigmask(&attr, &none);
  posix_spawnattr_setsigdefault(&attr, &pipe_only);
  posix_spawn_file_actions_adddup2(&files, fds[1], STDOUT_FILENO);
  int err = posix_spawn(pid, path, &files, &attr, (char *const *)(uintptr_t)args, environ);
  posix_spawn_file_actions_destroy(&files);
  posix_spawnattr_destroy(&attr);
  close(fds[1]);
  if (err)
    close(fds[0]);
  else
    *out = fds[0];
  return err;
}

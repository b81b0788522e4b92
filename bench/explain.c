/* SPDX-License-Identifier: MIT */
/*
 * explain ours|tshark CONNECTIONS [pcapng]   `lastack explain`, or tshark's table of conversations, over a capture made for it: seconds
 *                                            by the processor and by the clock on the wall, and memory. SLOW=1: ten times as many
 * capture CONNECTIONS FILE [pcapng]          makes such a capture and keeps it
 */
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "capture.h"
#include "pair.h"

int capture_main(int argc, char **argv) {
  FILE *f = argc > 2 ? fopen(argv[2], "w") : NULL;
  if (!f)
    die("capture CONNECTIONS FILE [pcapng]");
  result("packets", (double)capture_make(f, number_arg(argc, argv, 1, 1000), argc > 3));
  return fclose(f) == 0 ? 0 : 1;
}

/* It is read once before, so that the disk does not count. */
static double warm(const char *path) {
  static char buf[1 << 20];
  int fd = open(path, O_RDONLY);
  double bytes = 0;
  for (ssize_t n; fd >= 0 && (n = read(fd, buf, sizeof buf)) > 0;)
    bytes += (double)n;
  close(fd);
  return bytes;
}

static void run(const char *path, const char *const *args) {
  double began = wall_now();
  struct rusage u;
  int status;
  pid_t pid = fork();
  if (pid == 0) {
    int null = open("/dev/null", O_WRONLY);
    dup2(null, 1);
    dup2(null, 2);
    execvp(args[0], (char *const *)args);
    _exit(127);
  }
  if (pid < 0 || wait4(pid, &status, 0, &u) != pid || !WIFEXITED(status) || WEXITSTATUS(status) != 0) {
    remove(path);
    die(args[0]);
  }
  result("wall_s", wall_now() - began);
  result("cpu_s", (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) + 1e-6 * (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec));
  result("peak_mib", (double)u.ru_maxrss / 1024);
}

int explain_main(int argc, char **argv) {
  unsigned long n = number_arg(argc, argv, 2, 100000) * (getenv("SLOW") ? 10 : 1);
  const char *form = argc > 3 ? argv[3] : "pcap";
  char path[100];
  struct stat st;
  snprintf(path, sizeof path, "build/bench/work/%lu.%s", n, form);
  if (stat(path, &st) != 0) {
    FILE *f = fopen(path, "w");
    if (!f)
      die(path);
    capture_make(f, n, strcmp(form, "pcapng") == 0);
    if (fclose(f) != 0)
      die(path);
  }
  result("bytes", warm(path));
  const char *const ours[] = {"build/lastack", "explain", path, NULL};
  const char *const theirs[] = {"tshark", "-n", "-q", "-z", "conv,tcp", "-r", path, NULL};
  run(path, argc > 1 && strcmp(argv[1], "tshark") == 0 ? theirs : ours);
  return 0;
}

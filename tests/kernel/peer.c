/* SPDX-License-Identifier: MIT */
/*
 * The kernel's end of a connection, led by the test: a list of steps, a line on stdout after each, so that the test can wait for it.
 *
 *   peer connect ADDR PORT STEP...        peer listen ADDR PORT STEP...     one connection
 *   peer echo ADDR PORT                                                     echo to any number, until killed
 *   peer many ADDR PORT TOTAL AT-ONCE BYTES                                 clients of an echo service, contents compared
 *   peer pattern N                                                          what send:N sends, to stdout
 *
 * Steps, after a line on stdin: wait (for a line on stdin), send:N and recv:N (of the pattern, compared), rest (recv to the end),
 * text:T (~ is CR LF), some
 * (anything), end (anything to the end, or an error), fill (send until it would block), shut, close, reset;
 * and options, before the opening when they come first: rcvbuf:N sndbuf:N keepalive:IDLE,INTERVAL,COUNT quickack:0 quickack:1,
 * port:N (its own)
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { BUF = 65536 };

struct place {
  struct sockaddr_storage sa;
  socklen_t len;
};

struct peer {
  int fd;
  uint64_t sent, got; /* positions in the pattern */
  unsigned seed;
};

static void die(const char *what) {
  printf("error %s in %s\n", strerrorname_np(errno), what);
  exit(1);
}

static unsigned char pattern(unsigned seed, uint64_t i) { return (unsigned char)(i * 31 + (i >> 8) * 7 + (i >> 16) + seed * 101); }

static void fill_pattern(unsigned char *buf, size_t n, unsigned seed, uint64_t at) {
  for (size_t i = 0; i < n; i++)
    buf[i] = pattern(seed, at + i);
}

static void check_pattern(const unsigned char *buf, size_t n, const struct peer *p) {
  for (size_t i = 0; i < n; i++)
    if (buf[i] != pattern(p->seed, p->got + i)) {
      printf("error content at %llu\n", (unsigned long long)(p->got + i));
      exit(1);
    }
}

static struct place place_of(const char *addr, const char *port) {
  struct place p = {.len = sizeof(struct sockaddr_in)};
  struct sockaddr_in *four = (struct sockaddr_in *)&p.sa;
  struct sockaddr_in6 *six = (struct sockaddr_in6 *)&p.sa;
  if (inet_pton(AF_INET, addr, &four->sin_addr) == 1) {
    four->sin_family = AF_INET;
    four->sin_port = htons((uint16_t)atoi(port));
  } else if (inet_pton(AF_INET6, addr, &six->sin6_addr) == 1) {
    six->sin6_family = AF_INET6;
    six->sin6_port = htons((uint16_t)atoi(port));
    p.len = sizeof *six;
  } else {
    errno = EINVAL;
    die(addr);
  }
  return p;
}

static unsigned port_of(const struct sockaddr_storage *sa) {
  return ntohs(sa->ss_family == AF_INET ? ((const struct sockaddr_in *)sa)->sin_port : ((const struct sockaddr_in6 *)sa)->sin6_port);
}

static void set(int fd, int level, int name, int value) {
  if (setsockopt(fd, level, name, &value, sizeof value))
    die("setsockopt");
}

/* ---- steps ---- */

static void send_all(struct peer *p, uint64_t n) {
  unsigned char buf[BUF];
  while (n) {
    size_t want = n < BUF ? n : BUF;
    fill_pattern(buf, want, p->seed, p->sent);
    ssize_t put = send(p->fd, buf, want, MSG_NOSIGNAL);
    if (put < 0)
      die("send");
    p->sent += (uint64_t)put;
    n -= (uint64_t)put;
  }
}

static void fill(struct peer *p) {
  unsigned char buf[BUF];
  for (;;) {
    fill_pattern(buf, BUF, p->seed, p->sent);
    ssize_t put = send(p->fd, buf, BUF, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (put < 0 && errno == EAGAIN)
      return;
    if (put < 0)
      die("send");
    p->sent += (uint64_t)put;
  }
}

/* Up to n bytes, compared; returns how many came before the end. */
static uint64_t recv_checked(struct peer *p, uint64_t n) {
  unsigned char buf[BUF];
  uint64_t all = 0;
  while (all < n) {
    ssize_t got = recv(p->fd, buf, n - all < BUF ? n - all : BUF, 0);
    if (got < 0)
      die("recv");
    if (!got)
      break;
    check_pattern(buf, (size_t)got, p);
    p->got += (uint64_t)got;
    all += (uint64_t)got;
  }
  return all;
}

static void to_the_end(struct peer *p) {
  unsigned char buf[BUF];
  ssize_t got;
  uint64_t all = 0;
  while ((got = recv(p->fd, buf, BUF, 0)) > 0)
    all += (uint64_t)got;
  if (got)
    printf("%s after %llu\n", strerrorname_np(errno), (unsigned long long)all);
  else
    printf("eof after %llu\n", (unsigned long long)all);
}

static void text(struct peer *p, const char *t) {
  for (; *t; t++)
    if (send(p->fd, *t == '~' ? "\r\n" : t, *t == '~' ? 2 : 1, MSG_NOSIGNAL | (t[1] ? MSG_MORE : 0)) < 0)
      die("send");
}

static void close_with(struct peer *p, int on) {
  struct linger l = {on, 0};
  if (on && setsockopt(p->fd, SOL_SOCKET, SO_LINGER, &l, sizeof l))
    die("linger");
  close(p->fd);
  p->fd = -1;
}

static int option(int fd, const char *step) {
  int a, b, c;
  if (sscanf(step, "port:%d", &a) == 1) {
    struct sockaddr_in6 own = {0}; /* of either family: port and any address are at the same place */
    socklen_t len = sizeof own;
    if (getsockname(fd, (struct sockaddr *)&own, &len))
      die("getsockname");
    set(fd, SOL_SOCKET, SO_REUSEADDR, 1);
    own.sin6_port = htons((uint16_t)a);
    if (bind(fd, (const struct sockaddr *)&own, len))
      die("bind");
  } else if (sscanf(step, "rcvbuf:%d", &a) == 1) {
    set(fd, SOL_SOCKET, SO_RCVBUF, a);
  } else if (sscanf(step, "sndbuf:%d", &a) == 1) {
    set(fd, SOL_SOCKET, SO_SNDBUF, a);
  } else if (sscanf(step, "quickack:%d", &a) == 1) {
    set(fd, IPPROTO_TCP, TCP_QUICKACK, a);
  } else if (sscanf(step, "keepalive:%d,%d,%d", &a, &b, &c) == 3) {
    set(fd, IPPROTO_TCP, TCP_KEEPIDLE, a);
    set(fd, IPPROTO_TCP, TCP_KEEPINTVL, b);
    set(fd, IPPROTO_TCP, TCP_KEEPCNT, c);
    set(fd, SOL_SOCKET, SO_KEEPALIVE, 1);
  } else {
    return 0;
  }
  return 1;
}

static void step(struct peer *p, const char *s) {
  unsigned long long n = strchr(s, ':') ? strtoull(strchr(s, ':') + 1, NULL, 10) : UINT64_MAX;
  char line[16];
  if (strcmp(s, "wait") == 0) {
    if (!fgets(line, sizeof line, stdin))
      exit(1);
  } else if (strncmp(s, "send:", 5) == 0) {
    send_all(p, n);
    printf("sent %llu\n", n);
  } else if (strcmp(s, "fill") == 0) {
    fill(p);
    printf("filled\n");
  } else if (strncmp(s, "recv:", 5) == 0) {
    if (recv_checked(p, n) != n)
      die("early end");
    printf("received %llu\n", n);
  } else if (strcmp(s, "rest") == 0) {
    recv_checked(p, n);
    printf("eof at %llu\n", (unsigned long long)p->got);
  } else if (strncmp(s, "text:", 5) == 0) {
    text(p, s + 5);
    printf("text\n");
  } else if (strcmp(s, "some") == 0) {
    if (recv(p->fd, line, sizeof line, 0) <= 0)
      die("some");
    printf("some\n");
  } else if (strcmp(s, "end") == 0) {
    to_the_end(p);
  } else if (strcmp(s, "shut") == 0) {
    if (shutdown(p->fd, SHUT_WR))
      die("shutdown");
    printf("shut\n");
  } else if (strcmp(s, "close") == 0 || strcmp(s, "reset") == 0) {
    close_with(p, *s == 'r');
    printf("%s\n", s);
  } else if (!option(p->fd, s)) {
    printf("error step %s\n", s);
    exit(1);
  }
}

/* ---- one connection ---- */

static int listener(const struct place *at, int backlog) {
  int fd = socket(at->sa.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0)
    die("socket");
  set(fd, SOL_SOCKET, SO_REUSEADDR, 1);
  if (bind(fd, (const struct sockaddr *)&at->sa, at->len) || listen(fd, backlog))
    die("listen");
  return fd;
}

static int one(int server, const struct place *at, char **steps) {
  struct sockaddr_storage sa;
  socklen_t len = sizeof sa;
  struct peer p = {.fd = server ? listener(at, 1) : socket(at->sa.ss_family, SOCK_STREAM, 0)};
  if (p.fd < 0)
    die("socket");
  while (*steps && option(p.fd, *steps))
    steps++;
  if (server) {
    printf("listening\n");
    int fd = accept(p.fd, (struct sockaddr *)&sa, &len);
    if (fd < 0)
      die("accept");
    close(p.fd);
    p.fd = fd;
    printf("accepted %u\n", port_of(&sa));
  } else {
    if (connect(p.fd, (const struct sockaddr *)&at->sa, at->len))
      die("connect");
    getsockname(p.fd, (struct sockaddr *)&sa, &len);
    printf("connected %u\n", port_of(&sa));
  }
  step(&p, "wait"); /* the test looks at both ends */
  for (; *steps; steps++)
    step(&p, *steps);
  printf("over\n");
  return 0;
}

/* ---- many ---- */

static void *echo_one(void *arg) {
  int fd = (int)(intptr_t)arg;
  unsigned char buf[BUF];
  ssize_t got;
  while ((got = recv(fd, buf, BUF, 0)) > 0)
    for (ssize_t at = 0; at < got;) {
      ssize_t put = send(fd, buf + at, (size_t)(got - at), MSG_NOSIGNAL);
      if (put < 0)
        die("send");
      at += put;
    }
  close(fd);
  return NULL;
}

static void start(pthread_t *t, void *(*fn)(void *), void *arg) {
  pthread_attr_t attr;
  pthread_attr_init(&attr);
  pthread_attr_setstacksize(&attr, 512 * 1024);
  if (pthread_create(t, &attr, fn, arg))
    die("pthread_create");
}

_Noreturn static void echo(const struct place *at) {
  int l = listener(at, 1024);
  printf("listening\n");
  for (;;) {
    pthread_t t;
    int fd = accept(l, NULL, NULL);
    if (fd < 0)
      die("accept");
    start(&t, echo_one, (void *)(intptr_t)fd);
    pthread_detach(t);
  }
}

struct crowd {
  struct place at;
  unsigned rounds;
  uint64_t bytes;
  pthread_barrier_t open; /* all are open before any ends */
};
struct client {
  struct crowd *crowd;
  unsigned index;
  pthread_t thread;
};

static void *client(void *arg) {
  struct client *c = arg;
  struct crowd *w = c->crowd;
  for (unsigned i = 0; i < w->rounds; i++) {
    struct peer p = {.fd = socket(w->at.sa.ss_family, SOCK_STREAM, 0), .seed = c->index * w->rounds + i};
    if (p.fd < 0 || connect(p.fd, (const struct sockaddr *)&w->at.sa, w->at.len))
      die("connect");
    pthread_barrier_wait(&w->open);
    send_all(&p, w->bytes);
    shutdown(p.fd, SHUT_WR);
    if (recv_checked(&p, UINT64_MAX) != w->bytes)
      die("early end");
    close(p.fd);
  }
  return NULL;
}

static int many(const struct place *at, unsigned total, unsigned n, uint64_t bytes) {
  struct crowd w = {.at = *at, .rounds = total / n, .bytes = bytes};
  struct client *c = calloc(n, sizeof *c);
  if (!c)
    die("calloc");
  pthread_barrier_init(&w.open, NULL, n);
  for (unsigned i = 0; i < n; i++) {
    c[i] = (struct client){.crowd = &w, .index = i};
    start(&c[i].thread, client, &c[i]);
  }
  for (unsigned i = 0; i < n; i++)
    pthread_join(c[i].thread, NULL);
  free(c);
  printf("all %u\n", w.rounds * n);
  return 0;
}

static int write_pattern(uint64_t n) {
  unsigned char buf[BUF];
  for (uint64_t at = 0; at < n; at += BUF) {
    size_t part = n - at < BUF ? n - at : BUF;
    fill_pattern(buf, part, 0, at);
    if (fwrite(buf, 1, part, stdout) != part)
      return 1;
  }
  return fflush(stdout) != 0;
}

int main(int argc, char **argv) {
  const char *what = argc > 2 ? argv[1] : "";
  if (strcmp(what, "pattern") == 0)
    return write_pattern(strtoull(argv[2], NULL, 10));
  signal(SIGINT, SIG_DFL); /* the shell ignores it for what runs in the background */
  setvbuf(stdout, NULL, _IOLBF, 0);
  if (argc < 4)
    return 2;
  struct place at = place_of(argv[2], argv[3]);
  if (strcmp(what, "connect") == 0 || strcmp(what, "listen") == 0)
    return one(*what == 'l', &at, argv + 4);
  if (strcmp(what, "echo") == 0)
    echo(&at);
  if (strcmp(what, "many") == 0 && argc == 7)
    return many(&at, (unsigned)atoi(argv[4]), (unsigned)atoi(argv[5]), strtoull(argv[6], NULL, 10));
  return 2;
}

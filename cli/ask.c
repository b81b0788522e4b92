/* SPDX-License-Identifier: MIT */
#include "cli/ask.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "host/monitor.h"

enum { PATIENCE = 20 }; /* seconds for the next bytes of an answer */

enum { OPT_SOCKET = 0x7201 };

static const struct argp_option asked_options[] = {
  {"socket", OPT_SOCKET, "PATH", 0, "ask there (default: the sockets in $XDG_RUNTIME_DIR/lastack and /run/lastack)", 1},
  {0},
};

static error_t asked_parse(int key, char *arg, struct argp_state *state) {
  struct asked *a = state->input;
  if (key == OPT_SOCKET)
    a->path = arg;
  else if (key == ARGP_KEY_ARG && a->words)
    a->words[a->nwords++] = arg;
  else
    return la__args_other(key, arg, state, a->cmd);
  return 0;
}
static const struct argp asked_argp = {.options = asked_options, .parser = asked_parse};
const struct argp_child la__asked_children[] = {{.argp = &asked_argp}, {0}};

static void add_source(struct sources *s, const char *dir, const char *name) {
  char(*more)[ASK_PATH] = realloc(s->path, (s->n + 1) * sizeof *more);
  if (!more)
    return;
  s->path = more;
  if (snprintf(s->path[s->n], ASK_PATH, "%s%s%s", dir, *dir ? "/" : "", name) < ASK_PATH)
    s->n++;
}

static int is_socket(const struct dirent *e) {
  size_t n = strlen(e->d_name);
  return n > 5 && strcmp(e->d_name + n - 5, ".sock") == 0;
}

void la__sources_find(struct sources *s, const char *given) {
  char dir[256];
  struct dirent **list;
  *s = (struct sources){0};
  if (given) {
    add_source(s, "", given);
    return;
  }
  for (unsigned i = 0; la__monitor_dir(i, dir, sizeof dir); i++) {
    int n = scandir(dir, &list, is_socket, versionsort);
    for (int k = 0; k < n; k++) {
      add_source(s, dir, list[k]->d_name);
      free(list[k]);
    }
    if (n >= 0)
      free(list);
  }
}

void la__sources_free(struct sources *s) { free(s->path); }

int la__sources_none(const char *cmd, const char *given) {
  char dir[2][256] = {"", ""};
  if (given)
    return la__fail(cmd, "%s: nobody answers there", given);
  for (unsigned i = 0; i < 2; i++)
    if (!la__monitor_dir(i, dir[i], sizeof dir[i]))
      dir[i][0] = 0;
  return la__fail(cmd, "no running stack answers in %s%s%s", dir[0], *dir[1] ? " or " : "", dir[1]);
}

static int open_source(const char *path, char err[ASK_ERR]) {
  struct timeval tv = {.tv_sec = PATIENCE};
  int fd = la__monitor_connect(path);
  err[0] = 0;
  if (fd < 0 && errno != ECONNREFUSED && errno != ENOENT && errno != EACCES)
    snprintf(err, ASK_ERR, "%.120s: %s", path, strerror(errno));
  if (fd >= 0) {
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof tv);
    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &tv, sizeof tv);
  }
  return fd;
}

static bool bad(const char *path, const char *what, char err[ASK_ERR]) {
  snprintf(err, ASK_ERR, "%.120s: %s", path, what);
  return false;
}

static bool send_all(int fd, const char *text) {
  size_t n = strlen(text);
  while (n) {
    ssize_t k = send(fd, text, n, MSG_NOSIGNAL);
    if (k < 0 && errno == EINTR)
      continue;
    if (k <= 0)
      return false;
    text += k;
    n -= (size_t)k;
  }
  return true;
}

/* Reads lines until the one that says "end". */
static bool read_lines(FILE *in, const char *path, void (*fn)(void *ctx, json_t *line), void *ctx, char err[ASK_ERR]) {
  char *line = NULL;
  size_t cap = 0;
  bool over = false, ok = true;
  while (ok && !over && getline(&line, &cap, in) > 0) {
    json_error_t e;
    json_t *o = json_loads(line, 0, &e), *v = json_object_get(o, "v");
    const char *error = json_string_value(json_object_get(o, "error"));
    over = json_is_true(json_object_get(o, "end"));
    if (!json_is_object(o))
      ok = bad(path, "answers with something else than JSON objects", err);
    else if (error)
      ok = bad(path, error, err);
    else if (v && json_integer_value(v) != MONITOR_VERSION)
      ok = bad(path, "speaks another version than ours", err);
    else
      fn(ctx, o);
    json_decref(o);
  }
  free(line);
  return ok && !over ? bad(path, ferror(in) && errno == EAGAIN ? "does not answer" : "the answer breaks off", err) : ok;
}

bool la__ask(const char *path, const char *request, void (*fn)(void *ctx, json_t *line), void *ctx, char err[ASK_ERR]) {
  int fd = open_source(path, err);
  FILE *in = fd < 0 ? NULL : fdopen(fd, "r");
  if (!in) {
    if (fd >= 0)
      close(fd);
    return false;
  }
  bool ok = send_all(fd, request) ? read_lines(in, path, fn, ctx, err) : bad(path, strerror(errno), err);
  fclose(in);
  return ok;
}

char *la__ask_metrics(const char *path, size_t *len, char err[ASK_ERR]) {
  int fd = open_source(path, err);
  char *text = NULL;
  size_t cap = 0;
  *len = 0;
  if (fd < 0)
    return NULL;
  bool ok = send_all(fd, "GET /metrics HTTP/1.0\r\n\r\n");
  for (ssize_t k = 1; ok && k > 0;) {
    if (cap < *len + 65536) {
      char *more = realloc(text, cap = *len + 131072);
      if (!more)
        break;
      text = more;
    }
    k = recv(fd, text + *len, cap - *len - 1, 0);
    ok = k >= 0 || errno == EINTR;
    *len += k > 0 ? (size_t)k : 0;
  }
  close(fd);
  if (text)
    text[*len] = 0;
  char *body = ok && text && strncmp(text, "HTTP/1.1 200 ", 13) == 0 ? strstr(text, "\r\n\r\n") : NULL;
  if (!body) {
    bad(path, ok ? "the answer is not HTTP's" : strerror(errno), err);
    free(text);
    return NULL;
  }
  body += 4;
  *len -= (size_t)(body - text);
  memmove(text, body, *len + 1);
  return text;
}

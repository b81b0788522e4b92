/* SPDX-License-Identifier: MIT */
/* The monitor of an embedder's loop: two stacks, asked by this very program between turns; askers in every state of going away. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <errno.h>
#include <jansson.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "host/monitor.h"

struct two {
  la_host *h;
  la_stack *s[2];
  la_listener l;
  la_conn c;
  char dir[64], path[80];
};

static void turns(struct two *t, unsigned n) {
  while (n--)
    assert_true(la_host_turn(t->h, la_host_now(t->h)));
}

static void work(void *ctx, la_time now) {
  struct two *t = ctx;
  la_event ev;
  (void)now;
  for (unsigned i = 0; i < 2; i++)
    while (la_events(t->s[i], &ev, 1))
      ;
}

/* 10.0.0.1 listens on port 80, 10.0.0.2 has a connection to it. */
static struct two *two_new(void) {
  struct two *t = calloc(1, sizeof *t);
  la_driver *d[2];
  la_config cfg;
  const la_host_hooks hooks = {.work = work, .ctx = t};
  strcpy(t->dir, "/tmp/lastack-test.XXXXXX");
  assert_non_null(mkdtemp(t->dir));
  snprintf(t->path, sizeof t->path, "%s/s", t->dir);
  t->h = la_host_new();
  assert_true(la_pair_new(1500, 64, &d[0], &d[1]));
  for (unsigned i = 0; i < 2; i++) {
    la_addr a = {.family = 4, .b = {10, 0, 0, (uint8_t)(i + 1)}};
    la_config_init(&cfg, LA_PRESET_LINUX);
    cfg.alloc = la_host_alloc();
    cfg.secret[0] = (uint8_t)i;
    t->s[i] = la_stack_new(&cfg);
    assert_int_equal(la_link_add(t->s[i], 1500), 1);
    assert_int_equal(la_addr_add(t->s[i], 1, &a, 24), LA_OK);
    assert_true(la_host_add_stack(t->h, t->s[i], &hooks) && la_host_add_link(t->h, t->s[i], 1, d[i]));
  }
  assert_int_equal(la_listen(t->s[0], &(la_listen_opts){.port = 80, .backlog = 2000}, &t->l), LA_OK);
  la_connect_opts to = {.remote = {.family = 4, .b = {10, 0, 0, 1}}, .remote_port = 80};
  assert_int_equal(la_connect(t->s[1], &to, &t->c, la_host_now(t->h)), LA_OK);
  turns(t, 10);
  return t;
}
static void two_free(struct two *t) {
  la_host_free(t->h);
  la_stack_free(t->s[0]);
  la_stack_free(t->s[1]);
  assert_int_equal(rmdir(t->dir), 0); /* the socket has gone with the loop */
  free(t);
}

static int dial(const char *path) {
  struct sockaddr_un a = {.sun_family = AF_UNIX};
  strcpy(a.sun_path, path);
  int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);
  assert_int_equal(connect(fd, (struct sockaddr *)&a, sizeof a), 0);
  return fd;
}
static void say(int fd, const char *text) { assert_int_equal(send(fd, text, strlen(text), MSG_NOSIGNAL), strlen(text)); }

/* Reads until the answer's last line; NULL: hung up on before that. To be freed. */
static char *hear(struct two *t, int fd) {
  size_t n = 0, cap = 1 << 22;
  char *text = calloc(1, cap);
  for (unsigned i = 0; i < 20000; i++) {
    turns(t, 1);
    ssize_t got = recv(fd, text + n, cap - n - 1, 0);
    if (got == 0 || (got < 0 && errno != EAGAIN))
      break;
    n += got > 0 ? (size_t)got : 0;
    char *last = strstr(text, "{\"end\":true");
    if (last && strchr(last, '\n'))
      return text;
  }
  free(text);
  return NULL;
}

/* The objects of an answer as an array. */
static json_t *ask(struct two *t, const char *request) {
  int fd = dial(t->path);
  say(fd, request);
  char *text = hear(t, fd);
  assert_non_null(text);
  json_t *all = json_array();
  for (char *line = strtok(text, "\n"); line; line = strtok(NULL, "\n")) {
    json_t *o = json_loads(line, 0, NULL);
    if (!o)
      fail_msg("not JSON: %s", line);
    json_array_append_new(all, o);
  }
  free(text);
  close(fd);
  return all;
}
static const char *word(json_t *all, size_t i, const char *name) {
  const char *s = json_string_value(json_object_get(json_array_get(all, i), name));
  return s ? s : "";
}
static long number(json_t *all, size_t i, const char *name) {
  return (long)json_integer_value(json_object_get(json_array_get(all, i), name));
}

static void stacks(void **state) {
  (void)state;
  struct two *t = two_new();
  char err[160];
  assert_true(la_host_monitor(t->h, t->path, "a \"test\"\n", err, sizeof err));
  assert_false(la_host_monitor(t->h, t->path, "x", err, sizeof err)); /* once a loop */
  struct stat st;
  assert_int_equal(lstat(t->path, &st), 0);
  assert_int_equal(st.st_mode & 07777, 0600);
  json_t *a = ask(t, "{\"v\":1,\"get\":\"records\"}\n");
  assert_string_equal(word(a, 0, "name"), "a \"test\"\n");
  assert_int_equal(number(a, 0, "stacks"), 2);
  assert_int_equal(json_array_size(a), 5); /* listener and connection, connection, and the two frames around them */
  assert_string_equal(word(a, 1, "kind"), "listener");
  assert_int_equal(number(a, 1, "queued"), 1);
  assert_string_equal(word(a, 2, "opened_by"), "peer");
  assert_string_equal(word(a, 3, "opened_by"), "local");
  assert_int_equal(number(a, 3, "stack"), 1);
  assert_int_equal(number(a, 4, "records"), 3);
  json_decref(a);
  a = ask(t, "{\"v\":1,\"get\":\"records\",\"stack\":1}\n");
  assert_int_equal(json_array_size(a), 3);
  json_decref(a);
  a = ask(t, " {\t\"get\" : \"stats\" ,\"v\":1 } \r\n");
  assert_int_equal(json_array_size(a), 4);
  assert_int_equal(number(a, 2, "opened_active"), 1);
  assert_null(json_object_get(json_array_get(a, 1), "states")); /* wants la_config.metrics */
  json_decref(a);
  two_free(t);
}

/* More than fits a buffer, read in sips; and the stacks get on meanwhile. */
static void long_answers(void **state) {
  (void)state;
  struct two *t = two_new();
  la_conn c;
  la_connect_opts to = {.remote = {.family = 4, .b = {10, 0, 0, 1}}, .remote_port = 80};
  assert_true(la_host_monitor(t->h, t->path, "x", NULL, 0));
  for (unsigned i = 0; i < 1000; i++) {
    assert_int_equal(la_connect(t->s[1], &to, &c, la_host_now(t->h)), LA_OK);
    if (i % 50 == 0)
      turns(t, 5);
  }
  turns(t, 200);
  json_t *a = ask(t, "{\"v\":1,\"get\":\"records\"}\n");
  assert_int_equal(number(a, json_array_size(a) - 1, "records"), 2003);
  assert_int_equal(json_array_size(a), 2005);
  json_decref(a);
  /* An asker that never reads holds up nobody and is asked again what it wants: nothing. */
  int fd = dial(t->path);
  say(fd, "{\"v\":1,\"get\":\"records\"}\n{\"v\":1,\"get\":\"records\"}\n");
  turns(t, 100);
  assert_true(la_host_turn(t->h, la_host_now(t->h) + LA_MS)); /* it sleeps: no turn of its own for one that does not read */
  a = ask(t, "{\"v\":1,\"get\":\"hello\"}\n");
  assert_int_equal(json_array_size(a), 2);
  json_decref(a);
  char *first = hear(t, fd);
  assert_non_null(first);
  free(first);
  close(fd);
  turns(t, 10);
  two_free(t);
}

/* Places that were left in any state can be had again. */
static void going_away(void **state) {
  (void)state;
  struct two *t = two_new();
  static const char *const said[] = {
    "", "{", "{\"v\":1,\"get\":\"records\"}\n", "GET /metrics HTTP/1.1\r\nHost: x", "\n", "GET / HTTP/1.0\r\n\r\n"};
  assert_true(la_host_monitor(t->h, t->path, "x", NULL, 0));
  for (unsigned i = 0; i < 120; i++) {
    int fd = dial(t->path);
    say(fd, said[i % 6]);
    turns(t, i % 4);
    close(fd);
    turns(t, 1 + i % 3);
  }
  int many[12];
  for (unsigned i = 0; i < 12; i++) { /* eight have a place, the others wait in the socket's queue */
    many[i] = dial(t->path);
    turns(t, 1);
  }
  turns(t, 20);
  for (unsigned i = 0; i < 12; i++)
    close(many[i]);
  turns(t, 20);
  json_t *a = ask(t, "{\"v\":1,\"get\":\"hello\"}\n");
  assert_int_equal(json_array_size(a), 2);
  json_decref(a);
  int fd = dial(t->path); /* still there when the loop goes */
  say(fd, "{\"v\":1,\"get\":\"records\"}\n");
  turns(t, 2);
  two_free(t);
  close(fd);
}

static void metrics(void **state) {
  (void)state;
  struct two *t = two_new();
  char text[65536] = "";
  size_t n = 0;
  assert_true(la_host_monitor(t->h, t->path, "x", NULL, 0));
  int fd = dial(t->path);
  say(fd, "GET /metrics?x=y HTTP/1.1\r\nHost: x\r\n");
  turns(t, 3);
  assert_int_equal(recv(fd, text, sizeof text, 0), -1); /* the request is not whole yet */
  say(fd, "\r\n");
  for (unsigned i = 0; i < 1000; i++) {
    turns(t, 1);
    ssize_t got = recv(fd, text + n, sizeof text - 1 - n, 0);
    if (got == 0)
      break;
    n += got > 0 ? (size_t)got : 0;
  }
  close(fd);
  assert_memory_equal(text, "HTTP/1.1 200 OK\r\n", 17);
  const char *body = strstr(text, "\r\n\r\n"), *length = strstr(text, "Content-Length: ");
  assert_true(body && length);
  assert_int_equal(strlen(body + 4), atol(length + 16));
  assert_non_null(strstr(body, "\nlastack_opened_total{side=\"active\"} 1\n")); /* of both stacks together */
  assert_non_null(strstr(body, "\nlastack_opened_total{side=\"passive\"} 1\n"));
  two_free(t);
}

static void paths(void **state) {
  (void)state;
  struct two *t = two_new();
  char err[160], longest[200];
  memset(longest, 'x', sizeof longest);
  longest[sizeof longest - 1] = 0;
  assert_false(la_host_monitor(t->h, longest, "x", err, sizeof err));
  assert_non_null(strstr(err, "longer than 90 bytes"));
  assert_false(la_host_monitor(t->h, "", "x", err, sizeof err));
  assert_false(la_host_monitor(t->h, "/nonexistent/x", "x", err, sizeof err));
  assert_non_null(strstr(err, "/nonexistent/x: No such file"));
  assert_false(la_host_monitor(t->h, t->dir, "x", err, sizeof err));
  assert_non_null(strstr(err, "not a socket"));
  assert_true(la_host_monitor(t->h, t->path, "x", err, sizeof err)); /* none of that is in the way */
  la_host *other = la_host_new();
  assert_false(la_host_monitor(other, t->path, "x", err, sizeof err));
  assert_non_null(strstr(err, "another stack answers there"));
  la_host_free(other);
  assert_int_equal(access(t->path, F_OK), 0); /* and is still ours */
  two_free(t);
}

/* Whatever comes is answered with an error or understood, and never more is read than was given. */
static void rubbish(void **state) {
  (void)state;
  static const char *const seeds[] = {"{\"v\":1,\"get\":\"records\",\"id\":4294967295,\"stack\":0}", "GET /metrics HTTP/1.1",
                                      "{ \"get\" : \"stats\" , \"v\" : 1 }"};
  uint32_t rnd = 1;
  unsigned good = 0;
  for (unsigned i = 0; i < 200000; i++) {
    char *line = strdup(seeds[i % 3]);
    size_t n = strlen(line);
    for (unsigned k = 0; k < i % 4; k++) {
      rnd = rnd * 1664525u + 1013904223u;
      line[(rnd >> 8) % n] = (char)(rnd >> 24);
    }
    rnd = rnd * 1664525u + 1013904223u;
    if (i % 5 == 0)
      n = (rnd >> 8) % (n + 1);
    char *exact = malloc(n ? n : 1); /* so that the sanitizer sees where it ends */
    memcpy(exact, line, n);
    struct ask a;
    const char *bad = la__monitor_ask(exact, n, &a);
    good += !bad;
    assert_true(bad ? *bad != 0 : a.what <= ASK_HTTP_OTHER);
    free(exact);
    free(line);
  }
  assert_true(good > 30000);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(stacks),  cmocka_unit_test(long_answers), cmocka_unit_test(going_away),
                                     cmocka_unit_test(metrics), cmocka_unit_test(paths),        cmocka_unit_test(rubbish)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}

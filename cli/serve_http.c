/* SPDX-License-Identifier: MIT */
/*
 * HTTP/1.1 GET and HEAD of files (RFC 9110, 9112), over one session.
 *
 * READ: bytes go to http_parser, which is paused after each request, so that a pipelined one waits in `in`. Then HEAD
 * and BODY are sent, each going on where la_send said LA_AGAIN. After the last response: shutdown, and DRAIN reads away what
 * still comes until the peer's FIN: closing with unread data would reset the connection and take the response with it.
 */
#include <fcntl.h>
#include <http_parser.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "cli/serve.h"

enum { IN = 4096, URL = 2048, HEAD = 4096, BLOCK = 65536, DRAIN_MAX = 4 << 20 };
enum phase { PHASE_READ, PHASE_HEAD, PHASE_BODY, PHASE_DRAIN };

struct http {
  enum phase phase;
  bool answer, host_field, keep; /* answer: a request is complete. host_field: the header being parsed is Host */
  unsigned hosts;
  size_t in_from, in_to, url_len, head_from, head_to, block_from, block_to, field_len;
  uint64_t at, size; /* of the body: read so far, in all */
  int fd;            /* of the body plus one; 0: none */
  char *block;
  http_parser parser;
  char field[5]; /* the start of a header's name */
  char in[IN], url[URL], head[HEAD];
};

static int on_begin(http_parser *p) {
  struct http *h = p->data;
  h->url_len = h->hosts = 0;
  h->field_len = 0;
  h->host_field = false;
  return 0;
}

static int on_url(http_parser *p, const char *at, size_t n) {
  struct http *h = p->data;
  size_t room = h->url_len < URL ? URL - h->url_len : 0;
  memcpy(h->url + h->url_len, at, n < room ? n : room);
  h->url_len += n < room ? n : room;
  return 0;
}

/* A name may come in pieces; the value's callback ends it, and comes even for an empty value. */
static int on_field(http_parser *p, const char *at, size_t n) {
  struct http *h = p->data;
  if (h->host_field)
    h->field_len = 0;
  h->host_field = false;
  for (size_t i = 0; i < n; i++, h->field_len++)
    if (h->field_len < sizeof h->field)
      h->field[h->field_len] = at[i];
  return 0;
}

static int on_value(http_parser *p, const char *at, size_t n) {
  struct http *h = p->data;
  (void)at;
  (void)n;
  if (!h->host_field) {
    h->hosts += h->field_len == 4 && strncasecmp(h->field, "host", 4) == 0;
    h->host_field = true;
  }
  return 0;
}

/* A method that will be refused is answered before its body comes. */
static int on_headers(http_parser *p) {
  struct http *h = p->data;
  if (p->method != HTTP_GET && p->method != HTTP_HEAD) {
    h->answer = true;
    http_parser_pause(p, 1);
  }
  return 0;
}

static int on_complete(http_parser *p) {
  struct http *h = p->data;
  h->answer = true;
  http_parser_pause(p, 1);
  return 0;
}

static const http_parser_settings settings = {.on_message_begin = on_begin,
                                              .on_url = on_url,
                                              .on_header_field = on_field,
                                              .on_header_value = on_value,
                                              .on_headers_complete = on_headers,
                                              .on_message_complete = on_complete};

static const char *reason(int status) {
  switch (status) {
  case 200:
    return "OK";
  case 301:
    return "Moved Permanently";
  case 400:
    return "Bad Request";
  case 404:
    return "Not Found";
  case 405:
    return "Method Not Allowed";
  case 414:
    return "URI Too Long";
  case 431:
    return "Request Header Fields Too Large";
  case 501:
    return "Not Implemented";
  case 503:
    return "Service Unavailable";
  case 505:
    return "HTTP Version Not Supported";
  default:
    return "Error";
  }
}

__attribute__((format(printf, 2, 3))) static void put(struct http *h, const char *fmt, ...) {
  va_list ap;
  va_start(ap, fmt);
  int n = vsnprintf(h->head + h->head_to, HEAD - h->head_to, fmt, ap);
  va_end(ap);
  h->head_to += (size_t)n < HEAD - h->head_to ? (size_t)n : HEAD - h->head_to - 1;
}

static void put_date(struct http *h, const char *name, time_t t) {
  struct tm tm;
  char text[64];
  /* The names of days and months must be English: the numbers come from gmtime, the names from here. */
  static const char days[] = "SunMonTueWedThuFriSat", months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
  if (!gmtime_r(&t, &tm) || !strftime(text, sizeof text, "%Y %H:%M:%S GMT", &tm))
    return;
  put(h, "%s: %.3s, %02d %.3s %s\r\n", name, days + 3 * tm.tm_wday, tm.tm_mday, months + 3 * tm.tm_mon, text);
}

static void put_start(struct http *h, int status) {
  h->head_from = h->head_to = 0;
  put(h, "HTTP/1.1 %d %s\r\nServer: lastack/" LA_VERSION "\r\n", status, reason(status));
  put_date(h, "Date", time(NULL));
  put(h, "Connection: %s\r\n", h->keep ? "keep-alive" : "close");
}

/* A response without a file. A HEAD request gets the length of the text but not the text. */
static void answer_text(struct http *h, int status, bool head, const char *path, size_t n) {
  char text[64];
  int len = snprintf(text, sizeof text, "%d %s\n", status, reason(status));
  put_start(h, status);
  if (status == 405)
    put(h, "Allow: GET, HEAD\r\n");
  if (status == 301) {
    /* Never "//host": a browser would take that for another server. */
    for (; n > 1 && path[1] == '/'; n--)
      path++;
    put(h, "Location: %.*s/\r\n", (int)n, path);
  }
  put(h, "Content-Type: text/plain; charset=utf-8\r\nContent-Length: %d\r\n\r\n%s", len, head ? "" : text);
}

static void answer_file(struct http *h, const struct site_file *f, bool head) {
  put_start(h, 200);
  put_date(h, "Last-Modified", f->changed);
  put(h, "Content-Type: %s\r\nContent-Length: %llu\r\n\r\n", f->type, (unsigned long long)f->size);
  h->at = 0;
  h->size = head ? 0 : f->size;
  if (h->size && !(h->block = malloc(BLOCK))) {
    h->keep = false;
    h->size = 0;
    answer_text(h, 503, head, NULL, 0);
  }
  if (h->size)
    h->fd = f->fd + 1;
  else
    close(f->fd);
}

/* The path of the request target, which may be a whole URL. false: there is none. */
static bool target(const struct http *h, const char **path, size_t *n) {
  struct http_parser_url u;
  http_parser_url_init(&u);
  if (http_parser_parse_url(h->url, h->url_len, 0, &u))
    return false;
  if (!(u.field_set & 1 << UF_PATH)) {
    *path = "/"; /* http://host */
    *n = 1;
    return (u.field_set & 1 << UF_HOST) != 0;
  }
  *path = h->url + u.field_data[UF_PATH].off;
  *n = u.field_data[UF_PATH].len;
  return true;
}

static void answer(struct session *s) {
  struct http *h = s->app;
  const http_parser *p = &h->parser;
  bool head = p->method == HTTP_HEAD, known = head || p->method == HTTP_GET;
  const char *path = "";
  size_t n = 0;
  struct site_file f = {.fd = -1};
  int status;
  h->keep = known && http_should_keep_alive(p);
  if (p->http_major != 1)
    status = 505;
  else if (!known)
    status = 405;
  else if (h->url_len >= URL)
    status = 414;
  else if (h->hosts > 1 || (p->http_minor >= 1 && !h->hosts) || !target(h, &path, &n)) /* RFC 9112 3.2 */
    status = 400;
  else
    status = la__site_open(s->server->site, path, n, &f);
  if (status == 400 || status == 503 || status == 505)
    h->keep = false;
  if (status == 200)
    answer_file(h, &f, head);
  else
    answer_text(h, status, head, path, n);
  h->phase = PHASE_HEAD;
}

static void answer_malformed(struct http *h, enum http_errno e) {
  h->keep = false;
  bool word = h->in[h->in_from] >= 'A' && h->in[h->in_from] <= 'Z';
  answer_text(h,
              e == HPE_INVALID_METHOD && word ? 501
              : e == HPE_HEADER_OVERFLOW      ? 431
              : e == HPE_INVALID_VERSION      ? 505
                                              : 400,
              false, NULL, 0);
  h->phase = PHASE_HEAD;
}

/* Each step returns true when the next phase may begin, false when the session must wait or is closed. */
static bool read_request(struct session *s) {
  struct http *h = s->app;
  while (!h->answer) {
    if (h->in_from == h->in_to) {
      ptrdiff_t got = la_recv(s->server->stack, s->conn, h->in, IN);
      if (got == LA_AGAIN)
        return false;
      if (got <= 0) {
        la__session_close(s);
        return false;
      }
      h->in_from = 0;
      h->in_to = (size_t)got;
    }
    size_t n = h->in_to - h->in_from;
    size_t used = http_parser_execute(&h->parser, &settings, h->in + h->in_from, n);
    enum http_errno e = HTTP_PARSER_ERRNO(&h->parser);
    if (e != HPE_OK && e != HPE_PAUSED) {
      answer_malformed(h, e);
      return true;
    }
    h->in_from += used;
  }
  answer(s);
  return true;
}

/* Sends buf[*from, to). false: wait, or the session is closed. */
static bool send_some(struct session *s, const char *buf, size_t *from, size_t to) {
  while (*from < to) {
    ptrdiff_t put_n = la_send(s->server->stack, s->conn, buf + *from, to - *from);
    if (put_n == LA_AGAIN)
      return false;
    if (put_n < 0) {
      la__session_abort(s);
      return false;
    }
    *from += (size_t)put_n;
  }
  return true;
}

static void release(struct http *h) {
  if (h->fd)
    close(h->fd - 1);
  h->fd = 0;
  free(h->block);
  h->block = NULL;
}

static bool send_body(struct session *s) {
  struct http *h = s->app;
  for (;;) {
    if (!send_some(s, h->block, &h->block_from, h->block_to))
      return false;
    if (h->at == h->size)
      return true;
    uint64_t left = h->size - h->at;
    ssize_t got = pread(h->fd - 1, h->block, left < BLOCK ? (size_t)left : BLOCK, (off_t)h->at);
    if (got <= 0) { /* the file has shrunk: a reset says that the promised length will not come (RFC 9112 6.3) */
      la__session_abort(s);
      return false;
    }
    h->at += (uint64_t)got;
    h->block_from = 0;
    h->block_to = (size_t)got;
  }
}

static void next_request(struct session *s) {
  struct http *h = s->app;
  release(h);
  h->answer = false;
  h->block_from = h->block_to = 0;
  if (h->keep) {
    http_parser_pause(&h->parser, 0);
    h->phase = PHASE_READ;
    return;
  }
  la_shutdown(s->server->stack, s->conn, s->server->now);
  h->phase = PHASE_DRAIN;
  h->at = 0;
}

static void drain(struct session *s) {
  struct http *h = s->app;
  ptrdiff_t got;
  while ((got = la_recv(s->server->stack, s->conn, h->in, IN)) > 0 && h->at < DRAIN_MAX)
    h->at += (uint64_t)got;
  if (got != LA_AGAIN)
    la__session_close(s); /* a peer that does not stop is reset */
}

static void http_run(struct session *s) {
  struct http *h = s->app;
  if (!h->parser.data) {
    http_parser_init(&h->parser, HTTP_REQUEST);
    h->parser.data = h;
  }
  for (;;) {
    s->answering = h->phase == PHASE_HEAD || h->phase == PHASE_BODY;
    switch (h->phase) {
    case PHASE_READ:
      if (!read_request(s))
        return;
      break;
    case PHASE_HEAD:
      if (!send_some(s, h->head, &h->head_from, h->head_to))
        return;
      h->phase = PHASE_BODY;
      break;
    case PHASE_BODY:
      if (h->fd && !send_body(s))
        return;
      next_request(s);
      break;
    case PHASE_DRAIN:
      drain(s);
      return;
    }
  }
}

static void http_done(struct session *s) { release(s->app); }

const struct service la__http = {
  .name = "http", .port = 80, .app_size = sizeof(struct http), .idle = 60 * LA_SEC, .run = http_run, .done = http_done};

/* SPDX-License-Identifier: MIT */
/* curl's part, played by a stack of ours: connect, GET, read the whole response, close. */
#include <string.h>

#include "cli/demo.h"

static int on_body(http_parser *p, const char *at, size_t n) {
  struct demo_client *c = p->data;
  (void)at;
  c->bytes += n;
  return 0;
}

static int on_complete(http_parser *p) {
  struct demo_client *c = p->data;
  c->status = p->status_code;
  c->complete = true;
  return 0;
}

static const http_parser_settings settings = {.on_body = on_body, .on_message_complete = on_complete};

int la__demo_client_start(struct demo_client *c, la_stack *s, const la_addr *to, uint16_t port, la_time now) {
  const la_connect_opts opts = {.remote = *to, .remote_port = port};
  *c = (struct demo_client){.stack = s};
  http_parser_init(&c->parser, HTTP_RESPONSE);
  c->parser.data = c;
  return la_connect(s, &opts, &c->conn, now);
}

static void finish(struct demo_client *c) {
  if (!c->closed)
    la_close(c->stack, c->conn, c->now);
  c->closed = true;
}

static void request(struct demo_client *c) {
  static const char text[] = "GET / HTTP/1.1\r\nHost: lastack\r\nUser-Agent: lastack-demo\r\nAccept: */*\r\n\r\n";
  if (la_send(c->stack, c->conn, text, sizeof text - 1) != (ptrdiff_t)sizeof text - 1) {
    c->failed = true; /* an empty send buffer takes it whole */
    finish(c);
  }
}

static void response(struct demo_client *c) {
  char buf[4096];
  ptrdiff_t got;
  while (!c->closed && (got = la_recv(c->stack, c->conn, buf, sizeof buf)) != LA_AGAIN) {
    size_t n = got > 0 ? (size_t)got : 0;
    if (got < 0 || http_parser_execute(&c->parser, &settings, buf, n) != n || (!n && !c->complete))
      c->failed = true;
    if (c->complete || c->failed)
      finish(c);
  }
}

void la__demo_client_work(struct demo_client *c, la_time now) {
  la_event ev;
  c->now = now;
  while (la_events(c->stack, &ev, 1)) {
    if (ev.type == LA_EVENT_ESTABLISHED)
      request(c);
    else if (ev.type == LA_EVENT_READABLE || ev.type == LA_EVENT_PEER_FIN)
      response(c);
    else if (ev.type == LA_EVENT_END) {
      c->ended = true;
      c->failed = c->failed || !c->complete;
      finish(c);
    }
  }
}

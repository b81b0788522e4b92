/* SPDX-License-Identifier: MIT */
/*
 * The smallest embedding: two stacks in one process, one message, close. No device, no event loop, no waiting: what one stack
 * puts out the other takes in, and when both are idle the clock is set to the next deadline.
 */
#include <lastack/lastack.h>
#include <stdio.h>

struct node {
  la_stack *stack;
  la_link link;
  la_listener listener;
  bool ended;
};

static bool node_init(struct node *n, uint8_t last_byte) {
  la_addr addr = {.family = 4, .b = {10, 0, 0, last_byte}};
  la_config cfg;
  /* malloc and free, the system's entropy, the CPU's vector units; firmware brings its own to la_config_init */
  if (!la_host_config(&cfg, LA_PRESET_LINUX) || !(n->stack = la_stack_new(&cfg)))
    return false;
  n->link = la_link_add(n->stack, 1500);
  return la_addr_add(n->stack, n->link, &addr, 24) == LA_OK;
}

/* The application: the client sends when connected, the server prints what comes until the end of the stream; both close. */
static void on_event(struct node *n, const la_event *e, la_time now) {
  char buf[256];
  la_conn conn = e->conn;
  if (e->type == LA_EVENT_ESTABLISHED) {
    la_send(n->stack, conn, "hello, last ACK\n", 16); /* an empty send buffer takes it all */
    la_close(n->stack, conn, now);
  } else if (e->type == LA_EVENT_ACCEPT) {
    la_accept(n->stack, n->listener, NULL, &conn); /* READABLE follows */
  } else if (e->type == LA_EVENT_READABLE || e->type == LA_EVENT_PEER_FIN) {
    ptrdiff_t got;
    while ((got = la_recv(n->stack, conn, buf, sizeof buf)) > 0)
      fwrite(buf, 1, (size_t)got, stdout);
    if (got != LA_AGAIN) /* 0: end of stream */
      la_close(n->stack, conn, now);
  } else if (e->type == LA_EVENT_END) {
    printf("%s: %s, %s\n", e->end.passive ? "server" : "client", la_how_name(e->end.how), la_why_name(e->end.why));
    n->ended = true;
  }
}

/* One turn of the contract in stack.h; what comes out goes into `to`. */
static void turn(struct node *n, struct node *to, la_time now) {
  la_event event;
  la_frame out;
  uint8_t packet[1500];
  la_tick(n->stack, now);
  while (la_events(n->stack, &event, 1))
    on_event(n, &event, now);
  while (la_output(n->stack, n->link, &out, 1, now)) {
    la_frame in = {.data = packet, .len = (uint32_t)la_frame_copy(&out, packet, sizeof packet)};
    la_frame_done(n->stack, &out);
    la_input(to->stack, to->link, &in, 1, now); /* 0 would be a lost packet: TCP sends it again */
  }
}

int main(void) {
  struct node client = {0}, server = {0};
  la_listen_opts listen = {.port = 7, .backlog = 1};
  la_connect_opts connect = {.remote = {.family = 4, .b = {10, 0, 0, 2}}, .remote_port = 7};
  la_conn conn;
  bool ok = node_init(&client, 1) && node_init(&server, 2) && la_listen(server.stack, &listen, &server.listener) == LA_OK &&
            la_connect(client.stack, &connect, &conn, 0) == LA_OK;
  for (la_time now = 0; ok && !(client.ended && server.ended);) {
    turn(&client, &server, now);
    turn(&server, &client, now);
    la_time a = la_deadline(client.stack), b = la_deadline(server.stack);
    now = a < b ? a : b;
  }
  la_stack_free(client.stack);
  la_stack_free(server.stack);
  return ok ? 0 : 1;
}

/* SPDX-License-Identifier: MIT */
#include "side.h"

#include "lwip/init.h"
#include "lwip/ip4.h"
#include "lwip/memp.h"
#include "lwip/netif.h"
#include "lwip/pbuf.h"
#include "lwip/priv/tcp_priv.h"
#include "lwip/tcp.h"

#ifndef SIDE
#define SIDE client_side
#endif

enum { QUEUE = 8192, NETIFS = 24, WIRE_BATCH = 16 };

static const struct side *peer;
static struct netif netifs[NETIFS];
static uint8_t first[4];
static struct pbuf *queue[QUEUE];
static unsigned head, tail;
static bool busy; /* in the middle of something: frames wait */
static struct side_seen seen;
static struct tcp_pcb *latest;

u32_t sys_now(void) { return 0; } /* only its own timers ask, and those are switched off */

/* The link: one copy into a frame of the other side's. */
static err_t output(struct netif *netif, struct pbuf *p, const ip4_addr_t *to) {
  uint8_t *data;
  (void)netif;
  (void)to;
  void *frame = peer->frame_new(p->tot_len, &data);
  if (!frame)
    return ERR_MEM;
  if (p->len == p->tot_len)
    memcpy(data, p->payload, p->len);
  else
    pbuf_copy_partial(p, data, p->tot_len, 0);
  peer->frame_queue(frame);
  seen.frames_out++;
  return ERR_OK;
}

static err_t netif_up(struct netif *n) {
  n->name[0] = 'b';
  n->name[1] = 'n';
  n->mtu = TCP_MSS + 40;
  n->output = output;
  return ERR_OK;
}

static void init(const struct side *other, const uint8_t addr[4], unsigned addrs) {
  ip4_addr_t mask, gateway;
  peer = other;
  memcpy(first, addr, 4);
  lwip_init();
  IP4_ADDR(&mask, 255, 255, 255, 0);
  IP4_ADDR(&gateway, 0, 0, 0, 0);
  for (unsigned i = addrs < NETIFS ? addrs : NETIFS; i-- > 0;) {
    ip4_addr_t a;
    IP4_ADDR(&a, addr[0], addr[1], addr[2], addr[3] + i);
    netif_add(&netifs[i], &a, &mask, &gateway, NULL, netif_up, ip_input);
    netif_set_up(&netifs[i]);
    netif_set_link_up(&netifs[i]);
    netif_set_default(&netifs[i]);
  }
}

static void *frame_new(size_t len, uint8_t **data) {
  struct pbuf *p = pbuf_alloc(PBUF_RAW, (u16_t)len, PBUF_POOL);
  if (p)
    *data = p->payload;
  return p;
}

static size_t deliver(void) {
  size_t n = 0;
  busy = true;
  for (; tail != head; n++)
    ip_input(queue[tail++ % QUEUE], &netifs[0]);
  busy = false;
  return n;
}

/* As between two of ours the frames go over in batches that the cache holds, unless this side is at work itself. */
static void frame_queue(void *frame) {
  if (head - tail == QUEUE)
    abort();
  queue[head++ % QUEUE] = frame;
  if (head - tail >= WIRE_BATCH && !busy)
    deliver();
}

static void tick(void) {
  busy = true;
  tcp_tmr();
  busy = false;
}

/* ---- bulk ---- */

static const uint8_t *src;
static uint8_t *dst;
static size_t app_bytes;
static uint64_t all, sent;

static void push(struct tcp_pcb *pcb) {
  while (sent < all) {
    size_t at = sent % app_bytes, n = app_bytes - at, room = tcp_sndbuf(pcb);
    if (n > all - sent)
      n = (size_t)(all - sent);
    if (n > room)
      n = room;
    if (n > 65535)
      n = 65535;
    if (n == 0 || tcp_write(pcb, src + at, (u16_t)n, 0) != ERR_OK)
      break;
    sent += n;
  }
  tcp_output(pcb);
}

static err_t on_sent(void *arg, struct tcp_pcb *pcb, u16_t n) {
  (void)arg;
  (void)n;
  push(pcb);
  return ERR_OK;
}

static err_t sink_recv(void *arg, struct tcp_pcb *pcb, struct pbuf *p, err_t err) {
  (void)arg;
  (void)err;
  if (!p) {
    seen.eofs++;
    return ERR_OK;
  }
  for (struct pbuf *q = p; q; q = q->next)
    for (size_t done = 0; done < q->len;) {
      size_t at = seen.bytes % app_bytes, n = q->len - done < app_bytes - at ? q->len - done : app_bytes - at;
      memcpy(dst + at, (const uint8_t *)q->payload + done, n);
      done += n;
      seen.bytes += n;
    }
  tcp_recved(pcb, p->tot_len);
  pbuf_free(p);
  return ERR_OK;
}

static void feed(const uint8_t *data, size_t bytes, uint64_t total) {
  src = data;
  app_bytes = bytes;
  all = total;
  tcp_sent(latest, on_sent);
  busy = true;
  push(latest);
  busy = false;
}

static void sink(uint8_t *data, size_t bytes) {
  dst = data;
  app_bytes = bytes;
}

/* ---- cycles ---- */

static err_t byte_recv(void *arg, struct tcp_pcb *pcb, struct pbuf *p, err_t err) {
  (void)arg;
  (void)err;
  if (!p) {
    seen.eofs++;
    return ERR_OK;
  }
  seen.bytes += p->tot_len;
  tcp_recved(pcb, p->tot_len);
  pbuf_free(p);
  return ERR_OK;
}

static void on_err(void *arg, err_t err) {
  (void)arg;
  (void)err;
  seen.errors++;
}

static err_t on_connected(void *arg, struct tcp_pcb *pcb, err_t err) {
  (void)arg;
  (void)err;
  (void)pcb;
  seen.established++;
  return ERR_OK;
}

static bool listener_bulk;

static err_t on_accept(void *arg, struct tcp_pcb *pcb, err_t err) {
  (void)arg;
  (void)err;
  latest = pcb;
  seen.established++;
  tcp_recv(pcb, listener_bulk ? sink_recv : byte_recv);
  tcp_err(pcb, on_err);
  return ERR_OK;
}

static void do_listen(uint16_t port, bool bulk) {
  struct tcp_pcb *pcb = tcp_new();
  listener_bulk = bulk;
  if (tcp_bind(pcb, IP_ADDR_ANY, port) != ERR_OK || !(pcb = tcp_listen(pcb)))
    abort();
  tcp_accept(pcb, on_accept);
}

/* The local end is written where tcp_bind would have put it after looking through all lists for a user of the port. */
static void do_connect(uint8_t last_byte, uint16_t local_port, const uint8_t remote[4], uint16_t port, bool bulk) {
  ip_addr_t to;
  latest = tcp_new();
  if (!latest)
    abort();
  IP4_ADDR(&latest->local_ip, first[0], first[1], first[2], last_byte);
  latest->local_port = local_port;
  IP4_ADDR(&to, remote[0], remote[1], remote[2], remote[3]);
  tcp_recv(latest, bulk ? sink_recv : byte_recv);
  tcp_err(latest, on_err);
  if (tcp_connect(latest, &to, port, on_connected) != ERR_OK)
    abort();
}

static void send_byte(void) {
  uint8_t x = 'x';
  if (tcp_write(latest, &x, 1, TCP_WRITE_FLAG_COPY) != ERR_OK)
    abort();
  tcp_output(latest);
}

static void do_close(void) {
  struct tcp_pcb *pcb = latest;
  tcp_err(pcb, NULL);
  tcp_recv(pcb, NULL);
  if (tcp_close(pcb) != ERR_OK)
    abort();
  tcp_output(pcb);
  seen.closed++;
}

static void abort_time_wait(void) {
  if (tcp_tw_pcbs)
    tcp_abort(tcp_tw_pcbs);
}

static unsigned long count(const struct tcp_pcb *pcb) {
  unsigned long n = 0;
  for (; pcb; pcb = pcb->next)
    n++;
  return n;
}
static unsigned long active(void) { return count(tcp_active_pcbs); }
static unsigned long time_wait(void) { return count(tcp_tw_pcbs); }
static unsigned long pcb_bytes(void) { return memp_pools[MEMP_TCP_PCB]->size; }

const struct side SIDE = {init, frame_new, frame_queue, deliver,         tick,   do_listen, do_connect, feed,
                          sink, send_byte, do_close,    abort_time_wait, active, time_wait, pcb_bytes,  &seen};

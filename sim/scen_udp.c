/* SPDX-License-Identifier: MIT */
/* A datagram that nobody waits for: RFC 1122 3.2.2.1, 4.1.3.1, 4.1.3.3; RFC 4443 3.1; limits RFC 1812 4.3.2.8, RFC 4443 2.4. */
#include "sim/scens.h"

#include <string.h>

#define UNUSED 9
#define OPENED 53
#define RATE 50u
#define DATAGRAMS 300u

static const uint8_t text[] = "a datagram, with enough text that its quote is worth the name";

struct pair {
  struct world *w;
  struct host *a, *b;
};
static struct pair hosts(struct sim *s, const char *heading, uint32_t rate) {
  struct pair p = {.w = la__sim_world(s, "%s", heading)};
  p.a = la__host_new(p.w, "client");
  p.b = la__host_new(p.w, "server");
  if (rate)
    p.b->cfg.icmp_per_sec = rate;
  la__host_boot(p.a);
  la__host_boot(p.b);
  return p;
}
/* The first ICMP error that left `h` at or after `since`. */
static const struct pkt *error_from(const struct world *w, const struct host *h, la_time since) {
  for (size_t i = 0; i < w->nlog; i++)
    if (w->log[i]->from == h && w->log[i]->icmp && w->log[i]->sent >= since && !w->log[i]->injected)
      return w->log[i];
  return la__seg(w, NULL, K_SYN, 1000); /* none */
}

static void unused_port(struct sim *s) {
  struct pair p = hosts(s, "one to an unused port, one to a used one", 0);
  struct world *w = p.w;
  struct usock *u = la__app_udp(p.a, 0, NULL, 0), *other = la__app_udp(p.a, 0, NULL, 0), *at = la__app_udp(p.b, OPENED, NULL, 0);
  la__app_udp_send(other, &p.b->addr, OPENED, text, 10);
  la__run_for(w, 2 * w->delay + LA_MS);
  la_time t = w->now;
  size_t before = w->nlog;
  la__app_udp_send(u, &p.b->addr, UNUSED, text, sizeof text);
  la__run_for(w, 5 * LA_SEC + 2 * w->delay);
  size_t packets = w->nlog - before;
  const struct pkt *e = error_from(w, p.b, t);
  la_stats st;
  la__stats(p.b, &st);
  CLAIM_CALM(s, e->icmp == ICMP_PORT_UNREACH && e->sent == t + w->delay && la_addr_same(&e->dst, &p.a->addr),
             "a datagram to an unused port draws ICMP port unreachable, at once (RFC 1122 4.1.3.1)");
  CLAIM_CALM(s, e->quote.dport == UNUSED && e->quote.sport == u->port && la_addr_same(&e->quote.ip.dst, &p.b->addr),
             "which quotes it: from port %u to port %u", e->quote.sport, e->quote.dport);
  CLAIM_CALM(s,
             u->errors == 1 && u->err_told == LA_ECONNREFUSED && u->err_at == e->arrived && u->err_port == UNUSED &&
               la_addr_same(&u->err_remote, &p.b->addr),
             "the socket that sent it is told %s, and for which address and port", la_err_name(u->err_told));
  CLAIM(s, other->errors == 0 && at->errors == 0, "no other socket is told");
  CLAIM_CALM(s, packets == 2, "an error draws no error: two packets in all (%zu)", packets);
  CLAIM_CALM(s, st.drops[LA_DROP_NO_SOCKET] == 1 && st.icmp_errors_out == 1, "the server counts both: %s, and one error sent",
             la_drop_name(LA_DROP_NO_SOCKET));
  CLAIM_CALM(s, at->received == 1 && at->last_len == 10 && !memcmp(at->last, text, 10) && at->from_port == other->port,
             "a datagram to a port in use arrives whole (%zu bytes), and draws no error", at->last_len);
  /* The socket is none the worse for it. */
  la__app_udp_send(u, &p.b->addr, OPENED, text, sizeof text);
  la__run_for(w, w->delay + LA_MS);
  CLAIM_CALM(s, at->last_len == sizeof text && !memcmp(at->last, text, sizeof text) && at->from_port == u->port,
             "the socket can be used as before: its next datagram arrives (%zu bytes)", at->last_len);
}

/* Errors that quote what no socket sent, and one that comes when its socket is closed. */
static void forged(struct sim *s) {
  struct pair p = hosts(s, "forged and late errors", 0);
  struct world *w = p.w;
  w->drawn = false;
  struct usock *u = la__app_udp(p.a, 0, NULL, 0), *conn = la__app_udp(p.a, 0, &p.b->addr, UNUSED);
  la_time t = w->now;
  la__app_udp_send(u, &p.b->addr, UNUSED, text, sizeof text);
  la__run_for(w, 0);
  if (!w->nlog) {
    CLAIM(s, false, "a datagram is sent");
    return;
  }
  const struct pkt *sent = w->log[0];
  la__run_for(w, 2 * w->delay + LA_MS);
  unsigned told = u->errors;
  /* Forging replaces what would be a TCP sequence number, here length and checksum; the copy's ports are changed beside. */
  struct pkt copy = *sent;
  uint8_t raw[256];
  memcpy(raw, sent->raw, sent->len < sizeof raw ? sent->len : sizeof raw);
  copy.raw = raw;
  uint8_t *ports = raw + (w->opt.ipv6 ? IP6_HEADER : IP4_HEADER);
  la_stats x, y;
  la__stats(p.a, &x);
  for (unsigned i = 0; i < 8; i++) {
    ports[2 + i % 2] ^= (uint8_t)(1 << i); /* another destination port */
    la__inject_icmp(w, &p.b->addr, &copy, ICMP_PORT_UNREACH, 0);
  }
  la__run_for(w, w->delay + LA_MS);
  la__stats(p.a, &y);
  bool deaf = u->errors == told && conn->errors == 0;
  /* A connected socket: its own error reaches it; after it is closed, nobody. */
  la__app_udp_send(conn, NULL, 0, text, 20);
  la__run_for(w, 2 * w->delay + LA_MS);
  unsigned own = conn->errors;
  la__app_udp_send(conn, NULL, 0, text, 20);
  la__run_for(w, 0);
  la__app_udp_close(conn);
  la__run_for(w, 2 * w->delay + LA_MS);
  la_stats z;
  la__stats(p.a, &z);
  CLAIM_CALM(s, told == 1 && u->err_at == t + 2 * w->delay, "the true one is told after one round trip");
  CLAIM_CALM(s, deaf && y.drops[LA_DROP_ICMP] == x.drops[LA_DROP_ICMP] + 8,
             "8 forged ones, about ports to which nothing was sent, are dropped and counted, nobody is told");
  CLAIM_CALM(s, own == 1 && conn->err_told == LA_ECONNREFUSED, "a connected socket is told as well: %s", la_err_name(conn->err_told));
  CLAIM_CALM(s, s->opt.delay == 0 || z.drops[LA_DROP_ICMP] == y.drops[LA_DROP_ICMP] + 1,
             "closed before the answer comes, it is told nothing: the error is dropped and counted");
}

static void flood(struct sim *s) {
  struct pair p = hosts(s, "a flood", RATE);
  struct world *w = p.w;
  w->drawn = false;
  struct usock *u = la__app_udp(p.a, 0, NULL, 0);
  la_time t = w->now;
  for (unsigned i = 0; i < DATAGRAMS; i++) {
    la__app_udp_send(u, &p.b->addr, UNUSED, text, sizeof text);
    la__run_for(w, LA_MS);
  }
  la_time lasted = w->now - t;
  la__run_for(w, 2 * w->delay + LA_MS);
  la_stats st;
  la__stats(p.b, &st);
  uint64_t most = RATE + RATE * lasted / LA_SEC + 1;
  CLAIM(s, st.icmp_errors_out > 0 && st.icmp_errors_out <= most,
        "%u datagrams in %s draw at most the configured %u errors a second, after as many at first: %llu (RFC 1812 4.3.2.8)", DATAGRAMS,
        la__secs(lasted), RATE, (unsigned long long)st.icmp_errors_out);
  CLAIM(s, st.icmp_errors_out + st.icmp_limited == st.drops[LA_DROP_NO_SOCKET], "each that was not told is counted: %llu",
        (unsigned long long)st.icmp_limited);
  CLAIM_CALM(s, st.drops[LA_DROP_NO_SOCKET] == DATAGRAMS && u->errors == st.icmp_errors_out, "and each error reached the sender (%u)",
             u->errors);
}
void la__scen_udp_unreachable(struct sim *s) {
  unused_port(s);
  forged(s);
  flood(s);
}

/* SPDX-License-Identifier: MIT */
/*
 * Fuzzing of an Ethernet link: ARP, Neighbor Discovery, the table of neighbours, addresses on their way to being ours. An input is four
 * bytes of configuration, then operations of eight: frames of some neighbours, right or damaged; packets that must find their way;
 * calls; jumps of the clock. After each one must hold:
 *
 *   1. the table keeps its limits: entries, frames for one neighbour, frames in all; and what is counted is what is there;
 *   2. who is asked, or will be, has a clock; a tick at the deadline gets on;
 *   3. each frame out is well formed and from our address; one for a single station goes to an address that somebody has told;
 *   4. no packet bears an address that is not ours yet, or is somebody else's;
 *   5. at the end all memory comes back.
 *
 *     fuzz_link (main.c), or with libFuzzer: ./dev fuzz SECONDS link
 */
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/prng.h"
#include "base/sum.h"
#include "core/stack.h"
#include "fuzz/kit.h"
#include "fuzz/watch.h"
#include "wire/arp.h"
#include "wire/nd.h"

enum { HEAD = 4, OP = 8, OPS_MAX = 200, MOST = HEAD + OP * OPS_MAX, FRAME = 2048, PEERS = 8, CONNS = 8, TURNS = 2000 };

struct world {
  la_stack *s;
  la_config cfg;
  struct fuzz_memory mem;
  la_time now;
  la_udp udp;
  la_conn conn[CONNS];
  unsigned nconn;
  bool told[256]; /* hardware addresses of neighbours, by their last byte: 02:00:00:00:00:XX */
  bool damaged;   /* then anything may have been told */
};

static const uint8_t ours[ETH_ADDR] = {2, 0, 0, 0, 0, 1}, all[ETH_ADDR] = {255, 255, 255, 255, 255, 255};

static la_addr addr_of(bool six, uint8_t n) {
  la_addr a = six ? (la_addr){6, {0xfd}} : (la_addr){4, {10, 0, 0}};
  a.b[six ? 15 : 3] = n;
  return a;
}
static void mac_of(uint8_t n, uint8_t mac[ETH_ADDR]) {
  memcpy(mac, ours, ETH_ADDR);
  mac[ETH_ADDR - 1] = n;
}

static void give(struct world *w, const uint8_t *b, uint32_t n) {
  uint8_t *exact = malloc(n ? n : 1);
  FUZZ_CHECK(exact);
  memcpy(exact, b, n);
  la_frame f = {.data = exact, .len = n};
  la_input(w->s, 1, &f, 1, w->now);
  free(exact);
}

/* A neighbour's words: kind 0 ARP, 1 solicitation, 2 advertisement, 3 a segment, 4 an echo request. */
static uint32_t speak(struct world *w, const uint8_t *o, uint8_t *to) {
  uint8_t who = (uint8_t)(2 + o[2] % PEERS), about = o[3] & 64 ? 1 : (uint8_t)(1 + o[3] % (PEERS + 3));
  unsigned kind = o[1] % 5;
  bool six = kind == 1 || kind == 2 || (kind > 2 && o[1] & 128);
  struct eth_hdr eth = {.type = six ? ETH_IP6 : ETH_IP4};
  la_addr src = addr_of(six, o[4] & 1 ? about : who), dst = addr_of(six, o[4] & 2 ? about : 1);
  mac_of(o[4] & 4 ? (uint8_t)(0x20 + o[5]) : who, eth.src);
  memcpy(eth.dst, o[4] & 8 ? all : ours, ETH_ADDR);
  w->told[eth.src[5]] = true;
  uint8_t *p = to + ETH_HEADER, *body = p + (six ? IP6_HEADER : IP4_HEADER);
  uint32_t n = 0;
  struct ip_hdr ip = {.src = src, .dst = dst, .ttl = 64, .proto = six ? IP_PROTO_ICMP6 : IP_PROTO_ICMP};
  if (kind == 0) {
    struct arp_pkt a = {.op = o[5] & 1 ? ARP_REPLY : ARP_REQUEST, .spa = src, .tpa = dst};
    if (o[5] & 2)
      memset(a.spa.b, 0, 4);
    memcpy(a.sha, eth.src, ETH_ADDR);
    memcpy(a.tha, ours, ETH_ADDR);
    eth.type = ETH_ARP;
    la__eth_build(&eth, to);
    return ETH_HEADER + la__arp_build(&a, p);
  }
  if (kind < 3) {
    struct nd_msg m = {.type = kind == 1 ? ND_SOLICIT : ND_ADVERT, .target = addr_of(true, about)};
    m.solicited = o[5] & 1;
    m.override = o[5] & 2;
    m.router = o[5] & 4;
    m.has_mac = !(o[5] & 8);
    memcpy(m.mac, eth.src, ETH_ADDR);
    if (o[5] & 16)
      memset(ip.src.b, 0, 16);
    if (o[5] & 32)
      ip.dst = o[5] & 64 ? la__nd_all_nodes() : la__nd_solicited_node(&m.target);
    ip.ttl = o[5] & 128 ? 254 : ND_HOP_LIMIT;
    n = la__nd_build(&m, &ip.src, &ip.dst, body);
  } else if (kind == 3) {
    struct tcp_seg seg = {.sport = 9, .dport = o[5] & 1 ? 80 : 5000, .seq = o[6], .ack = o[7], .flags = o[6], .wnd = 100};
    n = la__tcp_build(&seg, body);
    ip.proto = IP_PROTO_TCP;
    be16_put(body + 16, la__sum_finish(la__sum(la__ip_pseudo_sum(&ip.src, &ip.dst, IP_PROTO_TCP, n), body, n)));
  } else {
    struct icmp_msg m = {.type = six ? ICMP6_ECHO : ICMP4_ECHO, .data = o, .len = 8};
    n = la__icmp_build(&m, body, six ? la__ip_pseudo_sum(&ip.src, &ip.dst, IP_PROTO_ICMP6, 16) : 0);
  }
  ip.len = n;
  la__eth_build(&eth, to);
  return ETH_HEADER + (six ? la__ip6_build(&ip, p) : la__ip4_build(&ip, p)) + n;
}

static void op_frame(struct world *w, const uint8_t *o, bool damage) {
  uint8_t b[FRAME] = {0};
  uint32_t n = speak(w, o, b);
  if (damage) {
    w->damaged = true;
    b[o[6] % n] = o[7];
    if (o[7] & 1)
      n = o[6] < n ? o[6] : n;
  }
  give(w, b, n);
}

static void op_call(struct world *w, const uint8_t *o) {
  uint8_t mac[ETH_ADDR];
  la_addr a = addr_of(o[2] & 1, (uint8_t)(2 + o[3] % (PEERS + 2)));
  switch (o[1] % 7) {
  case 0:
    la_udp_send(w->s, w->udp, &a, 7, o, o[4] % 8);
    break;
  case 1:
    if (w->nconn < CONNS && la_connect(w->s, &(la_connect_opts){.remote = a, .remote_port = 80}, &w->conn[w->nconn], w->now) == LA_OK)
      w->nconn++;
    break;
  case 2:
    mac_of((uint8_t)(0x20 + o[4]), mac);
    w->told[mac[5]] = true;
    la_neigh_set(w->s, 1, &a, mac);
    break;
  case 3:
    la_neigh_del(w->s, 1, &a);
    break;
  case 4:
    la_addr_add(w->s, 1, &(la_addr){a.family, {a.b[0], a.b[1], a.b[2], (uint8_t)(a.family == 4 ? 100 + o[4] % 8 : 9)}}, 24);
    break;
  case 5:
    if (w->nconn) {
      la_abort(w->s, w->conn[--w->nconn], w->now);
      la_close(w->s, w->conn[w->nconn], w->now);
    }
    break;
  default:
    la_trim(w->s);
    break;
  }
}

/* 4: whose words they are. A question for an address that is not ours yet is from nobody. */
static void ours_only(const struct world *w, const la_addr *a) {
  FUZZ_CHECK(la__addr_unspecified(a) || la_addr_state_get(w->s, 1, a) == LA_ADDR_READY);
}

static void look_at(struct world *w, const la_frame *f) {
  static uint8_t b[FRAME];
  uint32_t n = (uint32_t)la_frame_copy(f, b, sizeof b);
  struct eth_hdr h;
  struct arp_pkt a;
  struct ip_hdr ip;
  FUZZ_CHECK(f->header == ETH_HEADER && n == f->total && la__eth_parse(&h, b, n) == LA_DROP_NONE && !memcmp(h.src, ours, ETH_ADDR));
  FUZZ_CHECK(eth_is_group(h.dst) || w->damaged || (!memcmp(h.dst, ours, ETH_ADDR - 1) && w->told[h.dst[5]]));
  if (h.type == ETH_ARP) {
    FUZZ_CHECK(la__arp_parse(&a, b + ETH_HEADER, n - ETH_HEADER) == LA_DROP_NONE && !memcmp(a.sha, ours, ETH_ADDR));
    ours_only(w, &a.spa);
    return;
  }
  bool six = h.type == ETH_IP6;
  enum la_drop why = six ? la__ip6_parse(&ip, b + ETH_HEADER, n - ETH_HEADER) : la__ip4_parse(&ip, b + ETH_HEADER, n - ETH_HEADER, false);
  FUZZ_CHECK(why == LA_DROP_NONE && ip.hlen + ip.len + ETH_HEADER == n);
  ours_only(w, &ip.src);
  struct nd_msg m;
  const uint8_t *body = b + ETH_HEADER + ip.hlen;
  if (la__nd_is(&ip, body, ip.len))
    FUZZ_CHECK(la__nd_parse(&m, &ip, body, ip.len, false) == LA_DROP_NONE);
}

struct tally {
  const struct world *w;
  unsigned entries, waiting;
  bool clock;
};
static bool count(void *ctx, const la_neigh *n) {
  struct tally *t = ctx;
  t->entries++;
  t->waiting += n->waiting;
  FUZZ_CHECK(n->waiting <= t->w->cfg.neigh_queue && (n->waiting == 0 || n->state == LA_NEIGH_INCOMPLETE));
  FUZZ_CHECK(n->probes <= t->w->cfg.neigh_probes);
  t->clock |= n->state == LA_NEIGH_INCOMPLETE || n->state == LA_NEIGH_DELAY || n->state == LA_NEIGH_PROBE;
  return true;
}

static void check(struct world *w) {
  struct tally t = {.w = w};
  la_stats st;
  la_neigh_each(w->s, count, &t);
  la_stats_get(w->s, &st);
  FUZZ_CHECK(t.entries == st.neighbours && t.waiting == st.neigh_waiting);
  FUZZ_CHECK(t.entries <= w->cfg.max_neighbours && t.waiting <= w->cfg.neigh_queue_all);
  FUZZ_CHECK(!t.clock || la_deadline(w->s) != LA_NEVER);
  FUZZ_CHECK(st.bytes_allocated == w->mem.live);
}

static void pump(struct world *w) {
  la_frame f;
  la_event e;
  for (unsigned turns = 0; la_deadline(w->s) <= w->now; turns++) {
    FUZZ_CHECK(turns < TURNS);
    la_tick(w->s, w->now);
    while (la_events(w->s, &e, 1))
      ;
    while (la_output(w->s, 1, &f, 1, w->now)) {
      look_at(w, &f);
      la_frame_done(w->s, &f);
    }
  }
}

static void op_time(struct world *w, const uint8_t *o) {
  static const la_time jumps[] = {LA_MS, 100 * LA_MS, LA_SEC - 1, LA_SEC, 5 * LA_SEC, 16 * LA_SEC, 60 * LA_SEC, 10000 * LA_SEC};
  la_time until = w->now + jumps[o[1] & 7];
  for (unsigned i = 0; i < 100 && la_deadline(w->s) <= until; i++) { /* as a loop would wake up */
    w->now = la_deadline(w->s) > w->now ? la_deadline(w->s) : w->now;
    pump(w);
  }
  w->now = until;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  if (size < HEAD)
    return 0;
  struct world *w = calloc(1, sizeof *w);
  FUZZ_CHECK(w);
  la_config_init(&w->cfg, LA_PRESET_RFC);
  w->cfg.alloc = (la_alloc){fuzz_alloc, fuzz_free, &w->mem};
  memset(w->cfg.secret, data[0], sizeof w->cfg.secret);
  w->cfg.max_neighbours = 1 + data[1] % 8;
  w->cfg.neigh_queue = 1 + (data[1] >> 3) % 4;
  w->cfg.neigh_queue_all = 1 + (data[1] >> 5);
  w->cfg.arp_probes = data[2] & 3;
  w->cfg.arp_announcements = data[2] >> 2 & 3;
  w->cfg.dad_transmits = data[2] >> 4 & 1;
  w->cfg.replies = 16;
  w->cfg.max_chunks = 16;
  w->s = la_stack_new(&w->cfg);
  FUZZ_CHECK(w->s && la_link_add_ether(w->s, 1500, ours) == 1);
  la_addr a4 = addr_of(false, 1), a6 = addr_of(true, 1), far = addr_of(true, 4);
  FUZZ_CHECK(la_addr_add(w->s, 1, &a4, 24) == LA_OK && la_addr_add(w->s, 1, &a6, 64) == LA_OK);
  FUZZ_CHECK(la_route_add_via(w->s, &(la_addr){.family = 6}, 0, 1, &far) == LA_OK);
  FUZZ_CHECK(la_udp_open(w->s, &(la_udp_opts){.port = 5000}, &w->udp) == LA_OK);
  w->mem.fail_one_in = data[3] & 128 ? 2 + (data[3] & 63) : 0;
  w->now = LA_SEC;
  for (size_t at = HEAD; at + OP <= size && at < MOST; at += OP) {
    const uint8_t *o = data + at;
    switch (o[0] % 4) {
    case 0:
      op_frame(w, o, o[0] & 64);
      break;
    case 1:
      op_frame(w, o, false);
      break;
    case 2:
      op_call(w, o);
      break;
    default:
      op_time(w, o);
      break;
    }
    if (!(o[0] & 128))
      pump(w);
    check(w);
  }
  la_stack_free(w->s);
  FUZZ_CHECK(w->mem.live == 0);
  free(w);
  return 0;
}

/* Nothing to begin with, and nothing that is kept: each input is drawn anew. */
static size_t seed(unsigned i, uint8_t *out) {
  memset(out, 0, 200);
  return i ? 0 : 200;
}
static size_t draw(struct prng *r, uint8_t *data, size_t n) {
  n = HEAD + OP * la__prng_below(r, OPS_MAX);
  for (size_t i = 0; i < n; i++)
    data[i] = (uint8_t)la__prng_next(r);
  return n;
}

const struct fuzz_kit fuzz_kit = {.most = MOST, .runs = 10000, .seed = seed, .change = draw};

/* SPDX-License-Identifier: MIT */
/*
 * bench_floor bulk|recv BYTES [SEGMENT]: what no stack with this interface can do without, and nothing else: the limit for the rows
 * bulk_* and recv_*, by the same functions for sums and copies (AVX-512 where the CPU has it). For each segment (of 1460 bytes, if not
 * told otherwise): headers copied and set right; the application's bytes copied onto the wire and summed in one pass; headers read and
 * their sums verified; one lookup of the pair; the payload summed on its way to where it belongs: bulk: to the application; recv: into
 * a queue, and copied once more to the application. And a bare ACK back for each sixteen, since so many cross together, or for each
 * that is longer. No window, no clock, no loss, no order.
 */
#include "base/bytes.h"
#include "base/siphash.h"
#include "base/sum.h"
#include "bench.h"
#include "mem/mem.h"
#include "mem/table.h"
#include "wire/ip.h"
#include "wire/tcp_wire.h"

#include <lastack/link.h>

enum { QUEUE = 65536, HDR = 40, WIRE = 16, WIRE_BYTES = 65536 }; /* as many frames under way as between the stacks: pair.c, whole.c */

static const uint8_t key[16] = "the floor's key";
static struct mem mem;
static struct table table;

static uint64_t pair_hash(const struct ip_hdr *h, const struct tcp_seg *s) {
  uint8_t in[12];
  memcpy(in, h->src.b, 4);
  memcpy(in + 4, h->dst.b, 4);
  memcpy(in + 8, &s->sport, 2);
  memcpy(in + 10, &s->dport, 2);
  return la__siphash13(key, in, sizeof in);
}

static uint64_t hash_of(void *ctx, uint32_t ref) {
  (void)ctx;
  return ref;
}

static la_sums sums;

/* Headers that differ by their sequence number alone; `sum` is that of all else. */
struct headers {
  uint8_t b[HDR];
  uint32_t sum;
};

static void headers_make(struct headers *k, struct ip_hdr *h, struct tcp_seg *s, uint32_t len) {
  h->len = TCP_HEADER + len;
  la__ip4_build(h, k->b);
  la__tcp_build(s, k->b + IP4_HEADER);
  k->sum = la__sum(la__ip_pseudo_sum(&h->src, &h->dst, IP_PROTO_TCP, h->len), k->b + IP4_HEADER, TCP_HEADER);
}

static uint32_t build(uint8_t *wire, const struct headers *k, uint32_t seq, const uint8_t *data, uint32_t len) {
  memcpy(wire, k->b, HDR);
  be32_put(wire + IP4_HEADER + 4, seq);
  be16_put(wire + IP4_HEADER + 16, la__sum_finish(sums.copy_sum(wire + HDR, data, len, k->sum + (seq >> 16) + (seq & 0xffff))));
  return HDR + len;
}

/* Takes a frame: true when it is whole and its pair is known; its payload goes to `dst`. */
static bool take(const uint8_t *wire, uint32_t len, uint8_t *dst, struct tcp_seg *s) {
  struct ip_hdr h;
  struct table_iter it = {0};
  if (la__ip4_parse(&h, wire, len, false) != LA_DROP_NONE || la__tcp_parse(s, wire + h.hlen, h.len, 0, true) != LA_DROP_NONE ||
      la__table_find(&table, pair_hash(&h, s), &it) == TABLE_NONE)
    return false;
  uint32_t sum = la__sum(la__ip_pseudo_sum(&h.src, &h.dst, IP_PROTO_TCP, h.len), wire + h.hlen, TCP_HEADER);
  return la__sum_finish(sums.copy_sum(dst, s->data, s->len, sum)) == 0;
}

int main(int argc, char **argv) {
  static uint8_t src[APP_BYTES], dst[APP_BYTES], rcvq[QUEUE], wire[WIRE_BYTES], back[64];
  uint64_t all = number_arg(argc, argv, 2, 512ul << 20), done = 0, frames = 0;
  uint32_t mss = (uint32_t)number_arg(argc, argv, 3, 1460), cycle = APP_BYTES - APP_BYTES % mss; /* whole segments */
  bool single = mss <= 1460;
  struct ip_hdr to = {.src = {4, {10, 0, 0, 1}}, .dst = {4, {10, 0, 0, 200}}, .proto = IP_PROTO_TCP, .ttl = 64};
  struct ip_hdr fro = {.src = to.dst, .dst = to.src, .proto = IP_PROTO_TCP, .ttl = 64};
  struct tcp_seg there = {.sport = 1024, .dport = 7, .flags = LA_ACK, .wnd = 65535};
  struct tcp_seg here = {.sport = 7, .dport = 1024, .flags = LA_ACK, .wnd = 65535}, in;
  bool posted = argc > 1 && strcmp(argv[1], "bulk") == 0;
  sums = la_host_sums();
  mem.a = la_host_alloc();
  la__table_init(&table, &mem, hash_of, NULL);
  la__table_add(&table, pair_hash(&to, &there), 1);
  la__table_add(&table, pair_hash(&fro, &here), 2);
  static struct headers text, ack;
  headers_make(&text, &to, &there, mss);
  headers_make(&ack, &fro, &here, 0);
  app_fill(src);
  double began = cpu_now();
  while (done < all) {
    uint32_t at = (uint32_t)(done % cycle);
    uint8_t *frame = wire + (single ? frames % WIRE * 2048 : 0);
    uint32_t len = build(frame, &text, (uint32_t)done, src + at, mss);
    if (!take(frame, len, posted ? dst + at : rcvq + at, &in))
      die("floor: a frame is damaged");
    if (!posted)
      memcpy(dst + at, rcvq + at, mss);
    done += mss;
    if (++frames % WIRE == 0 || !single) {
      len = build(back, &ack, 0, back, 0);
      if (!take(back, len, rcvq, &in))
        die("floor: an ACK is damaged");
    }
  }
  result("gbit_s", 8e-9 * (double)done / (cpu_now() - began));
  return memcmp(src, dst, cycle) != 0;
}

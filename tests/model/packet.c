/* SPDX-License-Identifier: MIT */
#include "tests/model/packet.h"

#include <string.h>

#include "base/bytes.h"
#include "base/sum.h"

enum { PERIOD = 251, STREAM = PACKET_MAX + 2 * PERIOD, TCP = 20 };

const uint8_t *packet_bytes(uint32_t pos) {
  static uint8_t stream[STREAM];
  if (!stream[1])
    for (unsigned i = 0; i < STREAM; i++)
      stream[i] = (uint8_t)(1 + i % PERIOD);
  return stream + (pos + 1000 * PERIOD) % PERIOD;
}

static size_t header(uint8_t *p, const struct pair *r, size_t n) {
  memset(p, 0, r->six ? 40 : 20);
  if (r->six) {
    p[0] = 0x60;
    be16_put(p + 4, (uint32_t)n);
    p[6] = 6;
    p[7] = 64;
    memcpy(p + 8, r->from, 16);
    memcpy(p + 24, r->to, 16);
    return 40;
  }
  p[0] = 0x45;
  be16_put(p + 2, (uint32_t)n + 20);
  p[8] = 64;
  p[9] = 6;
  memcpy(p + 12, r->from, 4);
  memcpy(p + 16, r->to, 4);
  be16_put(p + 10, la__sum_finish(la__sum(0, p, 20)));
  return 20;
}

size_t packet_build(uint8_t *buf, const struct pair *r, const struct m_seg *g, uint32_t stream) {
  uint32_t hlen = TCP + (g->ts ? 12 : 0) + (g->flags & M_SYN ? 4 : 0), addresses = r->six ? 32 : 8;
  uint8_t *p = buf + header(buf, r, hlen + g->len), *o = p + TCP;
  be16_put(p, r->sport);
  be16_put(p + 2, r->dport);
  be32_put(p + 4, g->seq);
  be32_put(p + 8, g->ack);
  p[12] = (uint8_t)(hlen / 4 << 4);
  p[13] = (uint8_t)g->flags;
  be16_put(p + 14, g->wnd);
  be16_put(p + 16, 0);
  be16_put(p + 18, g->up);
  if (g->flags & M_SYN) {
    be32_put(o, 0x02040000 | PACKET_MSS);
    o += 4;
  }
  if (g->ts) {
    be32_put(o, 0x0101080a);
    be32_put(o + 4, g->tsval);
    be32_put(o + 8, g->tsecr);
  }
  memcpy(p + hlen, packet_bytes(g->flags & M_SYN ? 0 : g->seq - stream), g->len);
  be16_put(p + 16, la__sum_finish(la__sum(la__sum(6 + hlen + g->len, p - addresses, addresses), p, hlen + g->len)));
  return (size_t)(p - buf) + hlen + g->len;
}

bool packet_parse(const uint8_t *data, size_t total, const struct pair *r, struct heard *h) {
  size_t ip = r->six ? 40 : 20;
  const uint8_t *p = data + ip, *from = data + (r->six ? 8 : 12);
  unsigned size = r->six ? 16 : 4;
  if (total < ip + TCP || data[0] >> 4 != (r->six ? 6 : 4) || data[r->six ? 6 : 9] != 6 || memcmp(from, r->to, size) != 0 ||
      memcmp(from + size, r->from, size) != 0 || be16_get(p) != r->dport || be16_get(p + 2) != r->sport)
    return false;
  uint32_t hlen = (p[12] >> 4) * 4u;
  *h = (struct heard){.flags = p[13] & ~(unsigned)M_PSH, .seq = be32_get(p + 4), .ack = be32_get(p + 8), .wnd = be16_get(p + 14)};
  h->len = (uint32_t)(total - ip) - hlen;
  for (uint32_t i = TCP; i + 1 < hlen && p[i]; i += p[i] == 1 ? 1 : p[i + 1]) {
    if (p[i] != 1 && p[i + 1] < 2)
      return false;
    if (p[i] == 8) {
      h->ts = true;
      h->tsval = be32_get(p + i + 2);
      h->tsecr = be32_get(p + i + 6);
    }
  }
  return true;
}

/* SPDX-License-Identifier: MIT */
/* The machine as a value: setting up and taking down. */
#include "tcp/tcp.h"

#include "base/bytes.h"

enum { PER_BLOCK = 256, PER_BLOCK_SMALL = 16 };

static struct fifo_link *half_link(void *ctx, uint32_t r) { return &la__half_at(ctx, r)->fifo; }
static struct fifo_link *tw_link(void *ctx, uint32_t r) { return &la__tw_at(ctx, r)->fifo; }

bool la__tcp_init(struct tcp *t, struct mem *m, const la_config *cfg) {
  t->cfg = *cfg;
  t->mem = m;
  for (unsigned six = 0; six < 2; six++) {
    la__slab_init(&t->conn[six], m, CONN_BYTES(six), PER_BLOCK, cfg->max_conns);
    la__slab_init(&t->half[six], m, HALF_BYTES(six), PER_BLOCK, cfg->max_half_open);
    la__slab_init(&t->tw[six], m, TW_BYTES(six), PER_BLOCK, cfg->max_time_wait ? cfg->max_time_wait : 1);
  }
  la__slab_init(&t->listeners, m, sizeof(struct listener), PER_BLOCK_SMALL, cfg->max_listeners);
  la__slab_init(&t->sndqs, m, sizeof(struct sndq), PER_BLOCK, cfg->max_conns);
  la__slab_init(&t->wishes, m, sizeof(struct wish), PER_BLOCK, cfg->max_conns);
  uint32_t rcvq = (uint32_t)(sizeof(struct rcvq) + cfg->max_ooo * sizeof(struct range));
  la__slab_init(&t->rcvqs, m, rcvq, PER_BLOCK, cfg->max_conns);
  la__chunks_init(&t->chunks, m, cfg->max_chunks);
  la__table_init(&t->table, m, la__ref_hash, t);
  la__wheel_init(&t->wheel, &t->conn[0], &t->conn[1], 0);
  for (unsigned i = 0; i < HALF_LISTS; i++)
    la__fifo_init(&t->synack[i], half_link, t);
  la__fifo_init(&t->tw_list, tw_link, t);
  for (unsigned i = 0; i < PAIRS_RECENT; i++)
    t->recent[i].ref = REF_NONE;
  for (unsigned i = 0; i < LISTEN_BUCKETS; i++)
    t->bucket[i] = SLAB_NONE;
  for (unsigned i = 0; i <= LA_LINKS_MAX; i++)
    t->link[i].dirty_head = REF_NONE;
  t->event_head = t->event_tail = t->landed = REF_NONE;
  t->levent_head = t->levent_tail = SLAB_NONE;
  t->started = LA_NEVER;
  t->rst.tokens = cfg->rst_per_sec;
  la__trace_init(&t->trace, cfg->trace, cfg->trace_cap);
  la__keys_init(t);
  return true;
}

void la__tcp_done(struct tcp *t) {
  for (unsigned i = 0; i < 2; i++) {
    for (uint32_t j = la__slab_next(&t->conn[i], 0); j != SLAB_NONE; j = la__slab_next(&t->conn[i], j + 1)) {
      struct conn *c = la__slab_at(&t->conn[i], j);
      la__conn_drop_send(t, c);
      la__conn_drop_recv(t, c);
      la__bbr_done(t, c);
    }
    la__slab_done(&t->conn[i]);
    la__slab_done(&t->half[i]);
    la__slab_done(&t->tw[i]);
  }
  la__slab_done(&t->listeners);
  la__slab_done(&t->sndqs);
  la__slab_done(&t->rcvqs);
  la__slab_done(&t->wishes);
  la__table_done(&t->table);
  la__ports_done(&t->ports, t->mem);
  la__chunks_done(&t->chunks);
  for (unsigned i = 0; i <= LA_LINKS_MAX; i++)
    mem_free(t->mem, t->link[i].ring, t->cfg.replies * sizeof(struct answer));
}

bool la__tcp_link(struct tcp *t, uint8_t link, uint32_t mtu) {
  struct tcp_link *l = &t->link[link];
  l->ring = mem_alloc(t->mem, t->cfg.replies * sizeof(struct answer));
  l->mtu = mtu;
  return l->ring != 0;
}

void la__tcp_link_gso(struct tcp *t, uint8_t link, uint32_t most4, uint32_t most6, bool cwr) {
  struct tcp_link *l = &t->link[link];
  l->gso[0] = (uint16_t)most4;
  l->gso[1] = (uint16_t)most6;
  l->gso_cwr = cwr;
}

void la__tcp_now(struct tcp *t, la_time now) {
  if (t->started == LA_NEVER) {
    t->started = t->now = now;
    t->quiet_until = t->cfg.quiet_time ? now + t->cfg.msl : 0;
    la__wheel_init(&t->wheel, &t->conn[0], &t->conn[1], now);
  }
  if (now > t->now)
    t->now = now;
}

bool la__tcp_quiet(const struct tcp *t) { return t->now < t->quiet_until; }

/* SPDX-License-Identifier: MIT */
/* What must not be guessed: initial sequence numbers (RFC 6528), timestamp offsets (RFC 7323 5.4), and their keys. */
#include "base/bytes.h"
#include "base/siphash.h"
#include "tcp/tcp.h"

static void key_derive(const struct tcp *t, const char label[8], uint8_t out[16]) {
  uint8_t in[9];
  memcpy(in, label, 8);
  for (unsigned half = 0; half < 2; half++) {
    in[8] = (uint8_t)half;
    uint64_t h = la__siphash24(t->cfg.secret, in, sizeof in);
    for (unsigned i = 0; i < 8; i++)
      out[half * 8 + i] = (uint8_t)(h >> (8 * i));
  }
}

void la__keys_init(struct tcp *t) {
  key_derive(t, "la table", t->key_table);
  key_derive(t, "la isn  ", t->key_isn);
  key_derive(t, "la ports", t->key_port);
  key_derive(t, "la crumb", t->key_cookie);
  uint64_t seed = la__siphash24(t->cfg.secret, "la prng ", 8);
  la__prng_seed(&t->prng, seed);
}

static uint64_t pair_hash(const struct tcp *t, const struct key *k) {
  uint8_t in[40];
  unsigned w = k->local.family == 6 ? 16 : 4;
  if (w == 16) { /* lengths written out: so compilers make loads and stores of them */
    memcpy(in, k->local.b, 16);
    memcpy(in + 16, k->remote.b, 16);
  } else {
    memcpy(in, k->local.b, 4);
    memcpy(in + 4, k->remote.b, 4);
  }
  be16_put(in + 2 * w, k->lport);
  be16_put(in + 2 * w + 2, k->rport);
  be32_put(in + 2 * w + 4, k->zone);
  return w == 16 ? la__siphash24(t->key_isn, in, 40) : la__siphash24(t->key_isn, in, 16);
}

/* ISN = M + F(localip, localport, remoteip, remoteport, secret), M ticking every 4 us (RFC 9293 3.4.1). */
static uint32_t isn_of(const struct tcp *t, uint64_t h) { return (uint32_t)(t->now / (4 * LA_US)) + (uint32_t)h; }

/* The hash's other half: the same for every incarnation of a pair, so that RFC 6191 can compare them, and unrelated between pairs. */
static uint32_t stamp_of(uint64_t h) { return (uint32_t)(h >> 32); }

uint32_t la__numbers(const struct tcp *t, const struct key *k, uint32_t *ts_offset) {
  uint64_t h = pair_hash(t, k);
  *ts_offset = stamp_of(h);
  return isn_of(t, h);
}

uint32_t la__isn(const struct tcp *t, const struct key *k) { return isn_of(t, pair_hash(t, k)); }

uint32_t la__ts_offset(const struct tcp *t, const struct key *k) { return stamp_of(pair_hash(t, k)); }

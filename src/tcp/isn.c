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
  key_derive(t, "la stamp", t->key_ts);
  key_derive(t, "la ports", t->key_port);
  key_derive(t, "la crumb", t->key_cookie);
  uint64_t seed = la__siphash24(t->cfg.secret, "la prng ", 8);
  la__prng_seed(&t->prng, seed);
}

static uint64_t pair_hash(const uint8_t secret[16], const struct key *k) {
  uint8_t in[40];
  memcpy(in, k->local.b, 16);
  memcpy(in + 16, k->remote.b, 16);
  be16_put(in + 32, k->lport);
  be16_put(in + 34, k->rport);
  be32_put(in + 36, k->zone);
  return la__siphash24(secret, in, sizeof in);
}

/* ISN = M + F(localip, localport, remoteip, remoteport, secret), M ticking every 4 us (RFC 9293 3.4.1). */
uint32_t la__isn(const struct tcp *t, const struct key *k) { return (uint32_t)(t->now / (4 * LA_US)) + (uint32_t)pair_hash(t->key_isn, k); }

/* The same for every incarnation of a pair, so that RFC 6191 can compare them, and unrelated between pairs. */
uint32_t la__ts_offset(const struct tcp *t, const struct key *k) { return (uint32_t)pair_hash(t->key_ts, k); }

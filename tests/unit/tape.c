/* SPDX-License-Identifier: MIT */
#include "tests/unit/tape.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/sum.h"
#include "capture/reader.h"
#include "wire/ip.h"

enum { HEADERS = 14 + 8 + 20 + 40 + 20, BEGIN = 1700000000 };

static void put(struct tape *t, const void *p, size_t n) {
  if (t->len + n > t->cap) {
    t->cap = 2 * (t->len + n);
    if (!(t->data = realloc(t->data, t->cap)))
      abort();
  }
  if (n)
    memcpy(t->data + t->len, p, n);
  t->len += n;
}
static void put32(struct tape *t, uint32_t v) { put(t, &v, 4); }
static void put16s(struct tape *t, uint16_t a, uint16_t b) { put(t, (uint16_t[2]){a, b}, 4); }

static uint32_t linktype(enum tape_link l) {
  static const uint32_t types[] = {1, 1, 1, 113, 276, 0, 108, 101};
  return types[l];
}

void tape_init(struct tape *t, enum tape_link link, unsigned family, bool ng) {
  *t =
    (struct tape){.link = link, .family = family, .ng = ng, .at = BEGIN * (uint64_t)LA_SEC, .id = 1, .snap = 262144, .port = {46444, 7010}};
  t->end[0] = (struct tape_end){.nxt = 0xfffffff0u, .got = 0x70000000u};
  t->end[1] = (struct tape_end){.nxt = 0x70000000u, .got = 0xfffffff0u};
  if (!ng) {
    put32(t, 0xa1b23c4d); /* nanoseconds */
    put16s(t, 2, 4);
    put32(t, 0);
    put32(t, 0);
    put32(t, t->snap);
    put32(t, linktype(link));
    return;
  }
  put32(t, 0x0A0D0D0A);
  put32(t, 28);
  put32(t, 0x1A2B3C4D);
  put16s(t, 1, 0);
  put32(t, 0xffffffff);
  put32(t, 0xffffffff);
  put32(t, 28);
  put32(t, 1);
  put32(t, 32);
  put16s(t, (uint16_t)linktype(link), 0);
  put32(t, 0);
  put16s(t, 9, 1); /* if_tsresol */
  put(t, "\x09\0\0", 4);
  put32(t, 0);
  put32(t, 32);
}

void tape_free(struct tape *t) { free(t->data); }

static void record(struct tape *t, const uint8_t *p, uint32_t n) {
  uint32_t cap = n < t->snap ? n : t->snap, padded = (cap + 3) & ~3u;
  static const uint8_t zero[4];
  if (t->ng) {
    put32(t, 6);
    put32(t, 32 + padded);
    put32(t, 0);
    put32(t, (uint32_t)(t->at >> 32));
    put32(t, (uint32_t)t->at);
    put32(t, cap);
    put32(t, n);
    put(t, p, cap);
    put(t, zero, padded - cap);
    put32(t, 32 + padded);
  } else {
    put32(t, (uint32_t)(t->at / LA_SEC));
    put32(t, (uint32_t)(t->at % LA_SEC));
    put32(t, cap);
    put32(t, n);
    put(t, p, cap);
  }
}

static unsigned link_header(const struct tape *t, uint8_t *p) {
  uint32_t type = t->family == 4 ? 0x0800 : 0x86dd, af = t->family == 4 ? 2 : 30;
  switch (t->link) {
  case TAPE_ETHERNET:
    be16_put(p + 12, type);
    return 14;
  case TAPE_VLAN:
    be16_put(p + 12, 0x8100);
    be16_put(p + 14, 7);
    be16_put(p + 16, type);
    return 18;
  case TAPE_QINQ:
    be16_put(p + 12, 0x88a8);
    be16_put(p + 16, 0x8100);
    be16_put(p + 20, type);
    return 22;
  case TAPE_SLL:
    be16_put(p + 14, type);
    return 16;
  case TAPE_SLL2:
    be16_put(p, type);
    return 20;
  case TAPE_NULL:
    memcpy(p, &af, 4);
    return 4;
  case TAPE_LOOP:
    be32_put(p, af);
    return 4;
  default:
    return 0;
  }
}

struct word {
  uint8_t flags, ttl;
  uint32_t seq, ack, len, wnd;
  bool bad, offload, again, alert;
};

static void ip_packets(struct tape *t, struct ip_hdr *ip, const uint8_t *payload, uint32_t n) {
  uint8_t frame[128 + 65600] = {0};
  uint32_t step = t->fragment && t->family == 4 ? t->fragment : n;
  for (uint32_t at = 0; at < n || at == 0; at += step) {
    uint32_t part = n - at < step ? n - at : step;
    unsigned h = link_header(t, frame);
    ip->len = part;
    unsigned hlen = t->family == 4 ? la__ip4_build(ip, frame + h) : la__ip6_build(ip, frame + h);
    if (t->family == 4) {
      be16_put(frame + h + 4, t->id);
      be16_put(frame + h + 6, step < n ? at / 8 | (at + part < n ? 0x2000u : 0) : 0x4000u);
    }
    memcpy(frame + h + hlen, payload + at, part);
    record(t, frame, h + hlen + part);
  }
}

static void addresses(const struct tape *t, struct ip_hdr *ip, unsigned from) {
  la_addr a[2];
  for (unsigned i = 0; i < 2; i++) {
    a[i] = (la_addr){.family = (uint8_t)t->family};
    a[i].b[0] = t->family == 4 ? 10 : 0xfd;
    a[i].b[t->family == 4 ? 3 : 15] = i ? 9 : 2;
  }
  ip->src = a[from];
  ip->dst = a[!from];
}

static void segment(struct tape *t, unsigned from, const struct word *w) {
  uint8_t tcp[65600] = {0};
  struct ip_hdr ip = {.proto = IP_PROTO_TCP, .ttl = w->ttl, .dont_fragment = true};
  addresses(t, &ip, from);
  be16_put(tcp, t->port[from]);
  be16_put(tcp + 2, t->port[!from]);
  be32_put(tcp + 4, w->seq);
  be32_put(tcp + 8, w->flags & LA_ACK ? w->ack : 0);
  tcp[12] = 5 << 4;
  tcp[13] = w->flags;
  be16_put(tcp + 14, w->wnd);
  memset(tcp + 20, 'x', w->len);
  if (w->alert)
    memcpy(tcp + 20, "\x15\x03\x03", 3);
  uint32_t pseudo = la__ip_pseudo_sum(&ip.src, &ip.dst, IP_PROTO_TCP, 20 + w->len);
  uint32_t sum = w->offload ? 0xffffu ^ la__sum_finish(pseudo) : la__sum_finish(la__sum(pseudo, tcp, 20 + w->len));
  be16_put(tcp + 16, w->bad ? sum ^ 0x1111 : sum);
  t->id++;
  t->end[from].record = t->len;
  ip_packets(t, &ip, tcp, 20 + w->len);
  t->end[from].record_len = t->len - t->end[from].record;
}

static void fail_word(const char *word) {
  fprintf(stderr, "tape: %s?\n", word);
  abort();
}

static void parse(struct tape *t, const char *s, unsigned from, struct word *w) {
  const char *letters = "FSRPAU", *at;
  struct tape_end *me = &t->end[from];
  for (; *s && (at = strchr(letters, *s)) != NULL; s++)
    w->flags |= (uint8_t)(1u << (at - letters));
  w->len = (uint32_t)strtoul(s, (char **)&s, 10);
  w->seq = (w->flags & (LA_RST | LA_ACK)) == LA_RST ? t->end[!from].last_ack : me->nxt;
  w->ack = me->got;
  while (*s) {
    char c = *s++;
    long n = strtol(s, (char **)&s, 10);
    if (c == 's')
      w->seq += (uint32_t)n;
    else if (c == 'a')
      w->ack += (uint32_t)n;
    else if (c == 'w')
      w->wnd = (uint32_t)n;
    else if (c == 't')
      w->ttl = (uint8_t)n;
    else if (c == 'b')
      w->bad = true;
    else if (c == 'c')
      w->alert = true;
    else if (c == 'o')
      w->offload = true;
    else
      fail_word(s - 1);
  }
}

static void copy(struct tape *t, unsigned from) {
  uint8_t *again = malloc(t->end[from].record_len);
  if (!again)
    abort();
  memcpy(again, t->data + t->end[from].record, t->end[from].record_len);
  put(t, again, t->end[from].record_len);
  free(again);
}

/* It quotes the IP header and eight bytes (RFC 792, 4443). Its own checksum is left out. */
static void icmp_error(struct tape *t, const char *s) {
  unsigned from = s[1] == '<', type = 0, code = 0;
  uint8_t body[8 + 40 + 8] = {0};
  struct ip_hdr quoted = {.proto = IP_PROTO_TCP, .ttl = 60, .len = 20};
  addresses(t, &quoted, from);
  if (sscanf(s + 2, "%u.%u", &type, &code) != 2)
    fail_word(s);
  body[0] = (uint8_t)type;
  body[1] = (uint8_t)code;
  unsigned hlen = t->family == 4 ? la__ip4_build(&quoted, body + 8) : la__ip6_build(&quoted, body + 8);
  be16_put(body + 8 + hlen, t->port[from]);
  be16_put(body + 8 + hlen + 2, t->port[!from]);
  be32_put(body + 8 + hlen + 4, t->end[from].last_seq);
  struct ip_hdr ip = {.proto = t->family == 4 ? IP_PROTO_ICMP : IP_PROTO_ICMP6, .ttl = 64, .src = quoted.dst, .dst = quoted.src};
  ip.src.b[t->family == 4 ? 3 : 15] = 1;
  ip_packets(t, &ip, body, 8 + hlen + 8);
}

static void play(struct tape *t, const char *s) {
  bool hidden = *s == '(', probe = s[hidden] == 'k', again = s[hidden] == '~', same = s[hidden] == '=';
  char body[40];
  snprintf(body, sizeof body, "%s", s + hidden + (probe || again || same));
  if (hidden && body[0])
    body[strlen(body) - 1] = 0;
  unsigned from = body[0] == '<';
  struct tape_end *me = &t->end[from], *peer = &t->end[!from];
  struct word w = {.ttl = 64, .wnd = 65535};
  if (body[0] != '<' && body[0] != '>')
    fail_word(s);
  if (same) {
    copy(t, from);
    return;
  }
  parse(t, body + 1, from, &w);
  if (again) {
    w.flags = me->last_flags;
    w.len = me->last_len;
    w.seq = me->last_seq;
    w.ack = me->got;
  } else if (probe) {
    w.flags |= LA_ACK;
    w.seq = me->nxt - 1;
  }
  uint32_t end = w.seq + w.len + ((w.flags & LA_SYN) != 0) + ((w.flags & LA_FIN) != 0);
  if (!probe && !(w.flags & LA_RST)) {
    me->last_flags = w.flags;
    me->last_len = w.len;
    me->last_seq = w.seq;
    if ((int32_t)(end - me->nxt) > 0)
      me->nxt = end;
    peer->got = me->nxt;
  }
  me->last_ack = w.ack;
  if (!hidden)
    segment(t, from, &w);
}

void tape_play(struct tape *t, const char *script) {
  char word[64];
  int n;
  for (; sscanf(script, " %63s%n", word, &n) == 1; script += n) {
    t->at += LA_MS;
    if (word[0] == '+') {
      t->at += strtoull(word + 1, NULL, 10) * LA_MS;
    } else if (word[0] == 'i') {
      icmp_error(t, word);
    } else if (strcmp(word, "other") == 0) {
      t->port[0]++;
    } else if (strcmp(word, "new") == 0) {
      for (unsigned i = 0; i < 2; i++) {
        t->end[i].nxt += 1000000;
        t->end[!i].got = t->end[i].nxt;
      }
    } else {
      play(t, word);
    }
  }
}

struct reading {
  struct tape_out *out;
  struct flows *flows;
};
static void done(void *ctx, struct flow *c) {
  struct reading *r = ctx;
  struct tape_out *o = r->out;
  if (o->n == TAPE_FLOWS)
    return;
  o->flow[o->n] = *c;
  la__verdict(c, r->flows->now, VERDICT_PATIENCE, &o->verdict[o->n++]);
}

void tape_read(const void *data, size_t n, struct tape_out *out) {
  struct reader rd;
  struct flows f;
  struct packet p;
  struct reading r = {out, &f};
  enum reader_result got;
  *out = (struct tape_out){0};
  if (!la__flows_init(&f, done, &r))
    abort();
  if (!la__reader_memory(&rd, data, n)) {
    out->broken = 2;
    snprintf(out->error, sizeof out->error, "%.299s", rd.error);
  } else {
    while ((got = la__reader_next(&rd, &p)) == READER_PACKET)
      la__flows_packet(&f, &p);
    f.broken = got == READER_BROKEN;
    out->broken = f.broken;
    out->offset = rd.offset;
    snprintf(out->error, sizeof out->error, "%.299s", rd.error);
    la__reader_close(&rd);
  }
  la__flows_finish(&f);
  out->stats = f.stats;
  la__flows_free(&f);
}

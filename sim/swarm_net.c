/* SPDX-License-Identifier: MIT */
/*
 * The way between hosts. A packet passes the sender's NAT, the routers (partition, path MTU, time exceeded, loss, bursts) and the last
 * hop of the receiver (rate, queue, delay, jitter, repeats, late ones), then the receiver's NAT. Whatever would live longer than an MSL
 * is lost: a TTL sees to that.
 */
#include "sim/swarm.h"

#include "base/bytes.h"
#include "base/seq.h"

#include <stdlib.h>
#include <string.h>

la_addr la__sw_addr(unsigned host, bool six) {
  la_addr a = {.family = six ? 6 : 4};
  if (six) {
    a.b[0] = 0xfd;
    a.b[15] = (uint8_t)(host + 1);
  } else {
    a.b[0] = 10;
    a.b[1] = 1;
    a.b[3] = (uint8_t)(host + 1);
  }
  return a;
}

/* packets */

static unsigned class_of(uint32_t cap) { return cap <= 128 ? 0 : cap <= 2048 ? 1 : 2; }

struct sw_pkt *la__sw_pkt(struct sw_world *w, uint32_t len) {
  static const uint32_t caps[] = {128, 2048, SW_MTU};
  unsigned c = class_of(len);
  struct sw_pkt *p = w->free[c];
  if (p) {
    w->free[c] = p->next;
  } else {
    p = calloc(1, sizeof *p);
    if (p)
      p->data = malloc(caps[c]);
    if (!p || !p->data)
      abort();
    p->cap = caps[c];
  }
  p->len = len;
  p->natted = false;
  p->flags = p->gso_size = 0;
  return p;
}
void la__sw_pkt_free(struct sw_world *w, struct sw_pkt *p) {
  unsigned c = class_of(p->cap);
  p->next = w->free[c];
  w->free[c] = p;
}

/* Whose address the packet is for; NULL: nobody's. */
static struct sw_host *owner(struct sw_world *w, const struct sw_pkt *p) {
  unsigned last = p->data[0] >> 4 == 6 ? p->data[39] : p->data[19];
  unsigned n = last - 1;
  if (n >= SW_PUBLIC)
    n -= SW_PUBLIC;
  return n < w->plan->hosts ? &w->host[n] : NULL;
}

/* losses */

static bool draw(struct sw_host *h, uint64_t of_100000) { return of_100000 && la__prng_below(&h->noise, 100000) < of_100000; }

static bool lossy(struct sw_host *h) {
  if (h->in_burst) {
    h->in_burst--;
    return true;
  }
  if (draw(h, h->plan->burst) && h->plan->burst_len)
    h->in_burst = la__prng_below(&h->noise, (uint32_t)(2 * h->plan->burst_len));
  return draw(h, h->plan->loss);
}

static bool cut(const struct sw_world *w, const struct sw_host *a, const struct sw_host *b) {
  return a->cut_until[b->no] > w->now || a->cut_until[SW_HOSTS] > w->now;
}

static enum icmp_kind told_kind(unsigned how) { return how == 2 ? ICMP_ADMIN : how == 3 ? ICMP_NET_UNREACH : ICMP_HOST_UNREACH; }

/* true: it goes no further, and perhaps a router said so. */
static bool stopped(struct sw_world *w, struct sw_host *from, struct sw_host *to, const struct sw_pkt *p) {
  if (cut(w, from, to) || cut(w, to, from)) {
    unsigned how = cut(w, from, to) ? from->cut_how : to->cut_how;
    if (how)
      la__sw_icmp(from, p, told_kind(how), 0, false, 0);
    return true;
  }
  uint32_t pmtu = from->pmtu < to->pmtu ? from->pmtu : to->pmtu;
  pmtu = to->plan->mtu < pmtu ? (uint32_t)to->plan->mtu : pmtu;
  if (p->len > pmtu && !(p->flags & LA_FRAME_GSO)) {
    if (!to->plan->silent && !from->plan->silent)
      la__sw_icmp(from, p, ICMP_TOO_BIG, pmtu, false, 0);
    return true;
  }
  if (draw(to, to->plan->ttl_out)) {
    la__sw_icmp(from, p, ICMP_TIME_EXCEEDED, 0, false, 0);
    return true;
  }
  return lossy(from) || (to != from && lossy(to));
}

/* When it comes, if it does; UINT64_MAX: never. */
uint64_t la__sw_fate(struct sw_world *w, struct sw_host *from, struct sw_host *to, struct sw_pkt *p) {
  if (stopped(w, from, to, p))
    return LA_NEVER;
  uint64_t at = w->now + sw_us(from->plan->delay + to->plan->delay) + from->delay_more + to->delay_more;
  if (to->plan->rate) {
    uint64_t busy = to->busy > w->now ? to->busy : w->now;
    uint64_t waits = (busy - w->now) / 1000 * to->plan->rate / 1000000;
    if (waits + p->len > to->plan->queue)
      return LA_NEVER;
    to->busy = busy + (uint64_t)p->len * 1000000 / to->plan->rate * 1000;
    at += to->busy - w->now;
  }
  uint64_t jitter = from->plan->jitter + to->plan->jitter;
  if (jitter)
    at += sw_us(la__prng_below(&to->noise, (uint32_t)jitter));
  if (draw(to, to->plan->reorder))
    at += sw_us(1 + la__prng_below(&to->noise, (uint32_t)to->plan->reorder_by + 1));
  else if (at < to->last_in[from->no]) /* jitter does not reorder */
    at = to->last_in[from->no];
  else
    to->last_in[from->no] = at;
  if (to->plan->batch)
    at += sw_us(to->plan->batch) - at % sw_us(to->plan->batch);
  return at > w->now + w->lifetime ? LA_NEVER : at;
}

/* Onto the last hop, with what may happen there. false: it is damaged. */
static bool fly(struct sw_world *w, struct sw_host *from, struct sw_host *to, struct sw_pkt *p, uint64_t at) {
  if (draw(to, to->plan->dup)) {
    struct sw_pkt *d = la__sw_pkt(w, p->len);
    memcpy(d->data, p->data, p->len);
    d->flags = p->flags;
    d->gso_size = p->gso_size;
    d->from = p->from;
    d->to = p->to;
    d->id = p->id;
    uint64_t late = at + sw_us(la__prng_below(&to->noise, (uint32_t)to->plan->dup_late + 1));
    if (late > w->now + w->lifetime)
      late = w->now + w->lifetime;
    la__sw_post(w, late, SW_EV_ARRIVE, to->no, d);
  }
  bool sound = la__sw_mangle(from, to, p);
  la__sw_post(w, at, SW_EV_ARRIVE, to->no, p);
  return sound;
}

void la__sw_launch(struct sw_pkt *p, struct sw_host *from, struct sw_host *to, struct sw_world *w) {
  uint64_t at = la__sw_fate(w, from, to, p);
  p->from = (uint8_t)from->no;
  p->to = (uint8_t)to->no;
  if (at == LA_NEVER) {
    w->fig.lost++;
    la__sw_pkt_free(w, p);
    return;
  }
  fly(w, from, to, p, at);
}

static void lose(struct sw_world *w, struct sw_host *from, struct sw_pkt *p, struct sw_pair *pair) {
  (void)from;
  w->fig.lost++;
  if (pair)
    pair->lost_at = w->now + 1;
  la__sw_pkt_free(w, p);
}

/* The sender's own pair, by the packet's header, before its NAT. */
static struct sw_pair *pair_of(struct sw_host *h, const struct sw_pkt *p) {
  bool six = p->data[0] >> 4 == 6;
  const uint8_t *tcp = p->data + (six ? IP6_HEADER : IP4_HEADER);
  if (p->data[six ? 6 : 9] != IP_PROTO_TCP)
    return NULL;
  la_addr remote = {.family = six ? 6 : 4};
  memcpy(remote.b, p->data + (six ? 24 : 16), six ? 16 : 4);
  return la__sw_pair(h, &remote, be16_get(tcp), be16_get(tcp + 2), false);
}

/* 64 bytes say enough: headers and where payload begins; that is compared with what was written. */
static void digest(struct sw_world *w, const struct sw_host *h, const struct sw_pkt *p) {
  sw_mix(w, w->now);
  sw_mix(w, (uint64_t)h->no << 32 | p->len);
  uint32_t n = p->len < 80 ? p->len : 80, i = 0;
  for (; i + 8 <= n; i += 8)
    sw_mix(w, (uint64_t)be32_get(p->data + i) << 32 | be32_get(p->data + i + 4));
  for (; i < n; i++)
    sw_mix(w, p->data[i]);
}

/* It will come. Does it carry what is to be acknowledged next? */
static void note_delivery(struct sw_pair *pair, const struct sw_pkt *p, uint64_t at, uint64_t now) {
  unsigned hl = p->data[0] >> 4 == 6 ? IP6_HEADER : IP4_HEADER;
  const uint8_t *t = p->data + hl;
  uint32_t seq = be32_get(t + 4), n = p->len - hl - (t[12] >> 4) * 4u + ((t[13] & LA_FIN) != 0);
  const struct sw_end *e = pair->end;
  if (!pair->has_sent || t[13] & LA_SYN || !seq_lt(seq, pair->sent_end)) { /* not a probe, which nobody looks into */
    pair->said_at = now;
    pair->comes_at = at;
  }
  if (!pair->has_sent || t[13] & LA_SYN || seq_gt(seq + n, pair->sent_end))
    pair->sent_end = seq + n + (t[13] & LA_SYN ? 1 : 0);
  pair->has_sent = true;
  if (e && e->seen && !pair->head_at && e->una - seq < n && !(t[13] & LA_SYN))
    pair->head_at = at;
}

static void one_packet(struct sw_host *h, const la_frame *f, bool uncut) {
  struct sw_world *w = h->w;
  struct sw_pkt *p = la__sw_pkt(w, f->total);
  if (la_frame_copy(f, p->data, p->cap) != f->total || (f->total > h->plan->mtu && !uncut)) {
    la__sw_broken(w, SW_SENT, "host %u: a frame of %u bytes on a link of %u", h->no, f->total, (unsigned)h->plan->mtu);
    la__sw_pkt_free(w, p);
    return;
  }
  if (uncut) {
    p->flags = f->flags;
    p->gso_size = f->gso_size;
  }
  h->outputs++;
  w->segments++;
  p->id = (uint32_t)w->segments;
  p->from = (uint8_t)h->no;
  digest(w, h, p);
  la__sw_sent(h, p->data, p->len);
  struct sw_pair *pair = pair_of(h, p);
  struct sw_host *to = owner(w, p);
  uint64_t at = LA_NEVER;
  if (to && to != h && (!h->plan->nat || la__sw_nat_out(h, p)))
    at = la__sw_fate(w, h, to, p);
  if (to)
    p->to = (uint8_t)to->no;
  if (at != LA_NEVER && to->plan->nat && !la__sw_nat_in(to, p))
    at = LA_NEVER;
  if (w->log)
    la__sw_log_packet(w->log, w, p, 0, at == LA_NEVER, at);
  if (at == LA_NEVER || to->st == NULL) { /* who is down hears nothing, nor when it is up again */
    lose(w, h, p, pair);
    return;
  }
  struct sw_pair was = pair ? *pair : (struct sw_pair){0};
  if (pair)
    note_delivery(pair, p, at, w->now);
  if (!fly(w, h, to, p, at) && pair) {
    was.hurt_at = pair->hurt_at;
    *pair = was;
    pair->lost_at = w->now + 1;
  }
}

/* A frame that is for the device to cut goes as what it would make of it, or uncut to a host that takes it so. */
void la__sw_send(struct sw_host *h, const la_frame *f) {
  struct sw_world *w = h->w;
  if (!(f->flags & (LA_FRAME_GSO | LA_FRAME_SUM_PARTIAL))) {
    one_packet(h, f, false);
    return;
  }
  unsigned last = f->data[f->data[0] >> 4 == 6 ? 39 : 19], n = last - 1u;
  unsigned segments = la_frame_segments(f);
  if (!h->plan->offload || f->total > SW_MTU || segments == 0 ||
      (segments > 1 && !(h->plan->offload & (LA_OFFLOAD_TSO4 | LA_OFFLOAD_TSO6))))
    la__sw_broken(w, SW_SENT, "host %u: a frame for a device that it does not have", h->no);
  if (n < w->plan->hosts && w->host[n].plan->whole && !w->host[n].plan->corrupt && !w->host[n].plan->urgent && !h->plan->nat) {
    one_packet(h, f, true);
    return;
  }
  for (unsigned i = 0; i < segments && !w->broken; i++) {
    la_frame part;
    if (la_frame_segment(f, i, &part))
      one_packet(h, &part, false);
    else
      la__sw_broken(w, SW_SENT, "host %u: segment %u of %u cannot be cut", h->no, i, segments);
  }
}

/* faults */

static void listeners(struct sw_world *w, const struct sw_host *h, bool on) {
  for (unsigned i = 0; i < w->plan->flows; i++)
    if (w->flow[i].plan->server == h->no && !w->flow[i].plan->both)
      la__sw_listen(&w->flow[i], on);
}

static void crash(struct sw_world *w, struct sw_host *h, bool over) {
  if (!over) {
    la__sw_crash(h);
    for (size_t i = 0; i < w->nheap; i++) /* its link goes down with it */
      if (w->heap[i].kind == SW_EV_ARRIVE && (w->heap[i].index == h->no || w->heap[i].pkt->from == h->no))
        w->heap[i].pkt->len = 0;
    return;
  }
  if (h->st)
    return;
  la__sw_boot(h);
  if (!w->finale && h->st)
    listeners(w, h, true);
}

void la__sw_fault(struct sw_world *w, unsigned index, bool over) {
  const struct sw_fault_plan *f = &w->plan->fault[index];
  struct sw_host *h = &w->host[f->host];
  uint64_t until = w->now + sw_us(f->len);
  if (w->log)
    la__sw_log_note(w->log, h, "fault %u (kind %u) %s", index, (unsigned)f->kind, over ? "is over" : "begins");
  switch (f->kind) {
  case FAULT_CRASH:
    crash(w, h, over);
    break;
  case FAULT_PARTITION:
    if (!over) {
      h->cut_until[f->peer < SW_HOSTS ? f->peer : SW_HOSTS] = until;
      h->cut_how = (uint8_t)f->value;
    }
    break;
  case FAULT_PMTU:
    h->pmtu = (uint32_t)(over ? h->plan->pmtu : f->value);
    break;
  case FAULT_NAT:
    if (!over) {
      h->nnat = 0;
      h->forgot_at = w->now + 1;
    }
    break;
  case FAULT_FORGE:
    if (!over)
      la__sw_forge(h, f->value);
    break;
  case FAULT_ICMP:
    if (!over)
      h->hard_at = until;
    h->cut_how = h->cut_how;
    break;
  case FAULT_LISTEN:
    if (h->st && !w->finale)
      listeners(w, h, over);
    break;
  case FAULT_DELAY:
    h->delay_more = over ? 0 : (uint32_t)sw_us(f->value);
    h->delayed = true;
    break;
  case FAULT_STOP:
    if (!over)
      h->stop_until = until;
    break;
  case FAULT_MEMORY:
    h->mem.none = !over;
    break;
  case FAULT_SIGHT:
    if (!over)
      la__sw_forge_in_sight(h, f->value);
    break;
  default:
    break;
  }
}

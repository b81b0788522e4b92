/* SPDX-License-Identifier: MIT */
/*
 * Flows are kept in a direct-mapped cache by their four numbers: a flow whose place is taken by another is forgotten, which
 * costs a verbose listing its relative numbers and nothing else. Each side's transitions that no packet caused (calls,
 * clocks) wait as text and become part of the comment of the next packet that this side sends.
 */
#include "cli/tap.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "capture/track.h"
#include "draw/ending.h"
#include "wire/ip.h"

enum { FLOWS = 4096, COMMENT = 512, FLIGHT = 512 };

struct flow {
  bool used;
  la_addr addr[2]; /* left, right */
  uint16_t port[2];
  struct track track;
  enum la_state state[2];
  char calls[2][COMMENT]; /* transitions by calls and clocks, not yet in a comment */
};

/* A segment between two stacks of ours, from its departure to its arrival. */
struct flight {
  struct ladder_item item;
  char comment[COMMENT];
};

struct tap {
  struct tap_opts opts;
  struct ladder *ladder;
  la_time zero;              /* of the drawing; LA_NEVER: nothing drawn yet */
  int64_t to_unix;           /* from the loop's clock to nanoseconds since 1970 */
  const struct flow *headed; /* whose names head the ladder now */
  uint32_t sent[2], arrived[2];
  struct flight *flight[2]; /* by sender: rings of FLIGHT, with two stacks */
  struct flow flows[FLOWS];
  uint8_t flat[65535 + LA_ETH_HEADER];
};

struct tap *la__tap_new(const struct tap_opts *opts) {
  struct tap *t = calloc(1, sizeof *t);
  struct timespec mono, real;
  if (!t)
    return NULL;
  t->opts = *opts;
  t->zero = LA_NEVER;
  clock_gettime(CLOCK_MONOTONIC, &mono);
  clock_gettime(CLOCK_REALTIME, &real);
  t->to_unix = (int64_t)(real.tv_sec - mono.tv_sec) * 1000000000 + (real.tv_nsec - mono.tv_nsec);
  bool ok = !opts->out || (t->ladder = la__ladder_new(opts->out, &opts->style));
  for (unsigned i = 0; i < 2 && opts->both; i++)
    ok = (t->flight[i] = calloc(FLIGHT, sizeof *t->flight[i])) && ok;
  if (!ok) {
    la__tap_free(t);
    return NULL;
  }
  return t;
}

void la__tap_free(struct tap *t) {
  if (!t)
    return;
  la__ladder_free(t->ladder);
  free(t->flight[0]);
  free(t->flight[1]);
  free(t);
}

void la__tap_settle(struct tap *t) {
  if (t->ladder)
    la__ladder_settle(t->ladder);
}

void la__tap_flush(struct tap *t) {
  if (t->ladder)
    la__ladder_flush(t->ladder);
}

/* The flow of these ends, seen from `side`; a new one if there was none. */
static struct flow *flow_of(struct tap *t, unsigned side, const la_addr *local, uint16_t lport, const la_addr *remote, uint16_t rport) {
  struct flow want = {.used = true};
  want.addr[side] = *local;
  want.addr[!side] = *remote;
  want.port[side] = lport;
  want.port[!side] = rport;
  uint32_t hash = 2166136261u; /* FNV-1a */
  for (unsigned i = 0; i < 2; i++) {
    for (unsigned b = 0; b < sizeof want.addr[i].b; b++)
      hash = (hash ^ want.addr[i].b[b]) * 16777619u;
    hash = (hash ^ (want.port[i] & 0xff)) * 16777619u;
    hash = (hash ^ (want.port[i] >> 8)) * 16777619u;
  }
  struct flow *f = &t->flows[hash % FLOWS];
  if (f->used && la_addr_same(&f->addr[0], &want.addr[0]) && la_addr_same(&f->addr[1], &want.addr[1]) && f->port[0] == want.port[0] &&
      f->port[1] == want.port[1])
    return f;
  *f = want;
  f->state[LADDER_RIGHT] = t->opts.both ? LA_LISTEN : LA_CLOSED;
  if (t->headed == f)
    t->headed = NULL;
  return f;
}

static void put(struct tap *t, const struct ladder_item *it) {
  if (t->ladder)
    la__ladder_put(t->ladder, it);
}

static void put_state(struct tap *t, struct flow *f, unsigned side, enum la_state st, la_time at) {
  f->state[side] = st;
  put(t, &(struct ladder_item){.kind = LADDER_STATE, .side = (enum ladder_side)side, .at = at, .state = st});
}

/* Names the ends of another flow than before, and the states in which they are. */
static void head(struct tap *t, struct flow *f, la_time at) {
  char addr[LA_ADDR_TEXT], names[2][96];
  if (!t->ladder || t->headed == f)
    return;
  if (t->zero == LA_NEVER)
    t->zero = at;
  for (unsigned i = 0; i < 2; i++)
    snprintf(names[i], sizeof names[i], "%s %s:%u", t->opts.names[i], la_addr_text(&f->addr[i], addr), f->port[i]);
  la__ladder_head(t->ladder, names[0], names[1], t->zero);
  t->headed = f;
  put_state(t, f, 0, f->state[0], at);
  put_state(t, f, 1, f->state[1], at);
}

/* A fresh flow learns where it starts from the first transition there is: a listener's connections come from LISTEN. */
static void first_state(struct flow *f, unsigned side, const la_trace_rec *recs, size_t n) {
  for (size_t i = 0; i < n; i++)
    if (recs[i].type == LA_TRACE_TRANSITION) {
      if (f->state[side] == LA_CLOSED && !f->track.end[side].have_isn)
        f->state[side] = (enum la_state)recs[i].from;
      return;
    }
}

static void note_line(char comment[COMMENT], const char *line) {
  size_t n = strlen(comment);
  if (n + strlen(line) + 2 <= COMMENT)
    snprintf(comment + n, COMMENT - n, "%s%s", n ? "\n" : "", line);
}

static void note_transition(struct tap *t, unsigned side, char comment[COMMENT], const la_trace_rec *r) {
  char line[160];
  snprintf(line, sizeof line, "%s: %s -> %s (%s)", t->opts.names[side], la_state_name((enum la_state)r->from),
           la_state_name((enum la_state)r->to), la_cause_name((enum la_cause)r->cause));
  note_line(comment, line);
}

static void note_inferred(struct tap *t, unsigned side, char comment[COMMENT], enum la_state from, enum la_state to) {
  char line[160];
  if (from == to)
    return;
  snprintf(line, sizeof line, "%s: %s -> %s (inferred)", t->opts.names[side], la_state_name(from), la_state_name(to));
  note_line(comment, line);
}

static void note_end(struct tap *t, unsigned side, char comment[COMMENT], const la_trace_rec *r) {
  char line[160];
  snprintf(line, sizeof line, "%s: ended by %s: %s (%s)", t->opts.names[side], la_who_name((enum la_who)r->who),
           la_how_name((enum la_how)r->how), la_why_name((enum la_why)r->why));
  note_line(comment, line);
}

/* A packet of the flow made these records at `side`: states to the ladder, lines to the comment. */
static void apply(struct tap *t, struct flow *f, unsigned side, const la_trace_rec *recs, size_t n, la_time at, char comment[COMMENT]) {
  for (size_t i = 0; i < n; i++) {
    const la_trace_rec *r = &recs[i];
    char line[160];
    if (r->type == LA_TRACE_TRANSITION) {
      note_transition(t, side, comment, r);
      put_state(t, f, side, (enum la_state)r->to, at);
    } else if (r->type == LA_TRACE_DROP) {
      snprintf(line, sizeof line, "%s: dropped: %s", t->opts.names[side], la_drop_name((enum la_drop)r->drop));
      note_line(comment, line);
    } else if (r->type == LA_TRACE_OUT && r->retransmit == LADDER_TAIL_PROBE) {
      snprintf(line, sizeof line, "%s: tail loss probe", t->opts.names[side]);
      note_line(comment, line);
    } else if (r->type == LA_TRACE_END) {
      note_end(t, side, comment, r);
    }
  }
}

static void write_packet(struct tap *t, la_time at, bool outbound, const la_frame *frame, const char *comment) {
  uint64_t when = at + (uint64_t)t->to_unix;
  la_frame one;
  if (!t->opts.pcapng)
    return;
  if (!(frame->flags & (LA_FRAME_GSO | LA_FRAME_SUM_PARTIAL)) || !la_frame_segment(frame, 0, &one)) {
    la_pcapng_write(t->opts.pcapng, when, outbound, frame->data, frame->len, comment);
    return;
  }
  for (unsigned i = 0; la_frame_segment(frame, i, &one); i++) {
    uint32_t len = (uint32_t)la_frame_copy(&one, t->flat, sizeof t->flat);
    la_pcapng_write(t->opts.pcapng, when, outbound, t->flat, len, i ? NULL : comment);
  }
}

/* false: no TCP segment. */
static bool parse(const uint8_t *data, uint32_t len, struct ip_hdr *ip, struct tcp_seg *seg) {
  unsigned version = la__ip_version(data, len);
  if (version == 4 ? la__ip4_parse(ip, data, len, true) != LA_DROP_NONE : version != 6 || la__ip6_parse(ip, data, len) != LA_DROP_NONE)
    return false;
  return ip->proto == IP_PROTO_TCP && !ip->fragment && la__tcp_parse(seg, data + ip->hlen, ip->len, 0, true) == LA_DROP_NONE;
}

static uint8_t sent_again(const la_trace_rec *recs, size_t n) {
  for (size_t i = 0; i < n; i++)
    if (recs[i].type == LA_TRACE_OUT)
      return recs[i].retransmit;
  return 0;
}

static const char *dropped(const la_trace_rec *recs, size_t n) {
  for (size_t i = 0; i < n; i++)
    if (recs[i].type == LA_TRACE_DROP)
      return la_drop_name((enum la_drop)recs[i].drop);
  return NULL;
}

struct packet {
  struct flow *f;
  struct track_seg seg;
  unsigned from; /* the sender's side */
  la_time at;
  const la_frame *frame;
  const la_trace_rec *recs;
  size_t nrecs;
  struct ladder_item item;
};

/* The sender's transitions that wait go with this packet. */
static void take_calls(struct flow *f, unsigned side, char comment[COMMENT]) {
  if (f->calls[side][0])
    note_line(comment, f->calls[side]);
  f->calls[side][0] = 0;
}

static void relative(struct packet *p) {
  p->item.seq = la__track_seq(&p->f->track, p->from, p->seg.seq);
  p->item.ack = la__track_ack(&p->f->track, p->from, p->seg.ack);
}

static void put_as(struct tap *t, struct packet *p, enum ladder_kind kind) {
  p->item.kind = kind;
  p->item.at = p->at;
  put(t, &p->item);
}

/* One stack: what it is given has arrived, what it sends arrives at once. */
static void single(struct tap *t, struct packet *p, unsigned ours) {
  struct track *tr = &p->f->track;
  unsigned theirs = !ours;
  bool outbound = p->from == ours;
  char comment[COMMENT] = "";
  enum la_state before = la__passive_state(tr, theirs);
  bool again = la__track_send(tr, p->from, &p->seg);
  relative(p);
  p->item.id = ++t->sent[p->from];
  p->item.again = outbound ? sent_again(p->recs, p->nrecs) : again ? LADDER_RETRANSMITTED : LADDER_FIRST;
  if (outbound) {
    take_calls(p->f, ours, comment);
    apply(t, p->f, ours, p->recs, p->nrecs, p->at, comment);
    put_as(t, p, LADDER_SEND);
    put_as(t, p, LADDER_ARRIVE);
    la__track_arrive(tr, p->from, &p->seg);
    put_state(t, p->f, theirs, la__passive_state(tr, theirs), p->at);
  } else {
    char why[64];
    const char *drop = dropped(p->recs, p->nrecs);
    if (drop) {
      snprintf(why, sizeof why, "dropped: %s", drop);
      p->item.text = why;
    }
    put_state(t, p->f, theirs, la__passive_state(tr, theirs), p->at);
    put_as(t, p, LADDER_SEND);
    put_as(t, p, LADDER_ARRIVE);
    la__track_arrive(tr, p->from, &p->seg);
    apply(t, p->f, ours, p->recs, p->nrecs, p->at, comment);
  }
  note_inferred(t, theirs, comment, before, la__passive_state(tr, theirs));
  write_packet(t, p->at, outbound, p->frame, comment);
}

/* Two stacks: departure here, arrival at the other one. The file has each packet once, on arrival, as the right one sees it. */
static void departure(struct tap *t, struct packet *p) {
  struct flight *fl = &t->flight[p->from][t->sent[p->from] % FLIGHT];
  la__track_send(&p->f->track, p->from, &p->seg);
  relative(p);
  p->item.id = ++t->sent[p->from];
  p->item.again = sent_again(p->recs, p->nrecs);
  fl->comment[0] = 0;
  take_calls(p->f, p->from, fl->comment);
  apply(t, p->f, p->from, p->recs, p->nrecs, p->at, fl->comment);
  put_as(t, p, LADDER_SEND);
  fl->item = p->item;
}

static void arrival(struct tap *t, struct packet *p) {
  struct flight *fl = &t->flight[p->from][t->arrived[p->from]++ % FLIGHT];
  la__track_arrive(&p->f->track, p->from, &p->seg);
  p->item = fl->item;
  put_as(t, p, LADDER_ARRIVE);
  apply(t, p->f, !p->from, p->recs, p->nrecs, p->at, fl->comment);
  write_packet(t, p->at, p->from == LADDER_RIGHT, p->frame, fl->comment);
}

void la__tap_packet(struct tap *t, enum ladder_side side, la_time at, bool outbound, const la_frame *frame, const la_trace_rec *recs,
                    size_t nrecs) {
  struct ip_hdr ip;
  struct tcp_seg seg;
  struct packet p = {.from = outbound ? side : !side, .at = at, .frame = frame, .recs = recs, .nrecs = nrecs};
  if (frame->len < frame->header || !parse(frame->data + frame->header, frame->len - frame->header, &ip, &seg)) {
    const char *drop = dropped(recs, nrecs);
    char comment[COMMENT] = "";
    if (drop)
      snprintf(comment, sizeof comment, "%s: dropped: %s", t->opts.names[side], drop);
    if (!t->opts.both || !outbound)
      write_packet(t, at, outbound, frame, comment);
    return;
  }
  p.f = flow_of(t, p.from, &ip.src, seg.sport, &ip.dst, seg.dport);
  p.seg = (struct track_seg){seg.flags, seg.seq, seg.ack, seg.len};
  p.item.side = (enum ladder_side)p.from;
  la__ladder_segment(&p.item, &seg);
  p.item.segments = la_frame_segments(frame);
  first_state(p.f, side, recs, nrecs);
  head(t, p.f, at);
  if (!t->opts.both)
    single(t, &p, side);
  else if (outbound)
    departure(t, &p);
  else
    arrival(t, &p);
}

/* What the application or a clock did, in the words of its cause. */
static const char *note_of(const la_trace_rec *r) {
  switch (r->cause) {
  case LA_ON_CONNECT:
    return "connect()";
  case LA_ON_CLOSE:
    return "close()";
  case LA_ON_SHUTDOWN:
    return "shutdown()";
  case LA_ON_ABORT:
    return "abort()";
  case LA_ON_2MSL:
  case LA_ON_TIMEOUT:
    return la__clock_name(r);
  default:
    return la_cause_name((enum la_cause)r->cause);
  }
}

void la__tap_trace(struct tap *t, enum ladder_side side, const la_trace_rec *recs, size_t nrecs) {
  for (size_t i = 0; i < nrecs; i++) {
    const la_trace_rec *r = &recs[i];
    if ((r->type != LA_TRACE_TRANSITION && r->type != LA_TRACE_END) || !r->remote_port)
      continue; /* a listener's own */
    struct flow *f = flow_of(t, side, &r->local, r->local_port, &r->remote, r->remote_port);
    if (r->type == LA_TRACE_END) {
      if (r->how == LA_HOW_RESET) /* our RST is still to be sent, and will carry this */
        note_end(t, side, f->calls[side], r);
      continue;
    }
    first_state(f, side, r, 1);
    head(t, f, r->at);
    put(t, &(struct ladder_item){.kind = LADDER_NOTE, .side = side, .at = r->at, .text = note_of(r)});
    put_state(t, f, side, (enum la_state)r->to, r->at);
    note_transition(t, side, f->calls[side], r);
  }
}

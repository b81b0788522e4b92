/* SPDX-License-Identifier: MIT */
/*
 * Zeek follows each end through inactive, SYN sent, established (or partial, without a SYN), closed and reset, by flags alone; sequence
 * numbers only decide about repeated letters, sizes and gaps. Letters are capitals for the originator. S and H share a mark, F and R have
 * one each, and are written again when their number changes; A, D, I and Q come once; C, T, W and G at the first, tenth, hundredth.
 */
#include "capture/zeek.h"

#include <string.h>

#include "base/seq.h"

enum { SEEN_SYN = 1, SEEN_FIN = 2, SEEN_RST = 4, SEEN_MULTI = 8, SEEN_BOTH = 16, SEEN_DATA = 32, SEEN_ACK = 64 };
#define TOO_FAR (1 << 20) /* a SYN or RST this far off moves nothing */

static void letter(struct zeek *z, const struct zeek_end *e, char c) {
  bool orig = e == &z->end[z->orig];
  if (z->len + 1 < ZEEK_HISTORY)
    z->history[z->len++] = orig ? c : (char)(c | 0x20);
}

/* true: it had been written before, and the caller decides about another one. */
static bool once(struct zeek *z, struct zeek_end *e, uint16_t mark, char c) {
  if (e->seen & mark)
    return true;
  e->seen |= mark;
  letter(z, e, c);
  return false;
}

static struct zeek_more *more_of(struct zeek *z, const struct zeek_end *e) { return &z->more[e - z->end]; }

static void scaled(struct zeek *z, const struct zeek_end *e, struct zeek_count *count, char c) {
  if (!count->due)
    count->due = 1;
  if (++count->n != count->due)
    return;
  letter(z, e, c);
  count->due *= 10;
}

static void become(struct zeek_end *e, enum zeek_end_state st) {
  if (e->state != st) {
    e->prev = e->state;
    e->state = (uint8_t)st;
  }
}

/* The ports that its analyzers register, by which it guesses who is the server where no SYN was seen. */
static bool server_port(uint16_t port) {
  static const uint16_t ports[] = {21,   22,   25,   53,   80,   81,   88,   110,  135,  139,  143,  389,  443,  445,  502,  563,  585,
                                   587,  614,  631,  636,  989,  990,  992,  993,  995,  1080, 1812, 3128, 3268, 3269, 3306, 3389, 5060,
                                   5222, 5223, 5269, 5432, 5900, 6379, 6666, 6667, 6668, 6669, 6697, 8000, 8080, 8443, 8888, 20000};
  for (size_t i = 0; i < sizeof ports / sizeof ports[0]; i++)
    if (ports[i] == port)
      return true;
  return false;
}

static void begin(struct zeek *z, unsigned from, const struct seg *s) {
  bool from_server = server_port(s->sport), to_server = server_port(s->dport), syn = (s->flags & LA_SYN) != 0;
  bool flip = (!syn || (s->flags & LA_ACK)) && from_server && (!to_server || (!syn && s->sport < s->dport));
  z->begun = true;
  z->orig = (uint8_t)(flip ? !from : from);
  if (flip)
    z->history[z->len++] = '^';
}

static void init_end(struct zeek_end *e, const struct seg *s, uint32_t *past) {
  bool syn = (s->flags & LA_SYN) != 0;
  if (e->state == ZEEK_INACTIVE) {
    e->start = e->acked = syn ? s->seq : s->seq - 1;
    e->last = syn ? *past : s->seq;
    e->reached = syn ? s->seq + 1 : s->seq;
  } else if (syn && e->state != ZEEK_CLOSED && (e->state != ZEEK_RESET || e->prev == ZEEK_INACTIVE) &&
             (e->state == ZEEK_RESET || e->state >= ZEEK_PARTIAL || s->seq != e->start)) {
    e->start = e->acked = s->seq;
    e->last = *past;
    e->reached = s->seq + 1;
  }
}

static void history(struct zeek *z, struct zeek_end *e, const struct seg *s) {
  uint32_t rel = s->seq - e->start, fin_rel = rel + s->len;
  bool syn = (s->flags & LA_SYN) != 0, fin = (s->flags & LA_FIN) != 0, rst = (s->flags & LA_RST) != 0;
  if (syn + fin + rst > 1) {
    if (fin && rst)
      once(z, e, SEEN_BOTH, 'I');
    else
      once(z, e, SEEN_MULTI, 'Q');
  } else if (syn) {
    char c = s->flags & LA_ACK ? 'H' : 'S';
    if (once(z, e, SEEN_SYN, c) && rel != e->syn_rel)
      letter(z, e, c);
    e->syn_rel = rel;
  } else if (fin) {
    if (once(z, e, SEEN_FIN, 'F') && fin_rel != e->fin_rel)
      letter(z, e, 'F');
    e->fin_rel = fin_rel;
  } else if (rst) {
    if (once(z, e, SEEN_RST, 'R') && rel != e->rst_rel)
      letter(z, e, 'R');
    e->rst_rel = rel;
  } else if (s->len) {
    once(z, e, SEEN_DATA, 'D');
  } else if (s->flags & LA_ACK) {
    once(z, e, SEEN_ACK, 'A');
  }
}

static void inactive(struct zeek *z, struct zeek_end *e, struct zeek_end *peer, const struct seg *s) {
  bool orig = e == &z->end[z->orig], ack = (s->flags & LA_ACK) != 0;
  if ((s->flags & LA_SYN) && orig) {
    become(e, ack ? ZEEK_SYN_ACK_SENT : ZEEK_SYN_SENT);
  } else if (s->flags & LA_SYN) {
    if (!ack && peer->state == ZEEK_SYN_ACK_SENT && s->seq == e->start) { /* the two were captured in the wrong order */
      z->orig = !z->orig;
      if (z->len + 1 < ZEEK_HISTORY)
        z->history[z->len++] = '^';
      become(peer, ZEEK_ESTABLISHED);
    } else if (peer->state == ZEEK_SYN_SENT) {
      become(peer, ZEEK_ESTABLISHED);
    }
    become(e, ZEEK_ESTABLISHED);
  }
  if (s->flags & LA_FIN)
    become(e, ZEEK_CLOSED);
  if (s->flags & LA_RST)
    become(e, ZEEK_RESET);
  if (e->state != ZEEK_INACTIVE || (!orig && !s->len && peer->state == ZEEK_SYN_SENT))
    return;
  become(e, ack && peer->state == ZEEK_ESTABLISHED ? ZEEK_ESTABLISHED : ZEEK_PARTIAL);
}

static void machine(struct zeek *z, struct zeek_end *e, struct zeek_end *peer, const struct seg *s) {
  bool fin = (s->flags & LA_FIN) != 0, rst = (s->flags & LA_RST) != 0;
  switch (e->state) {
  case ZEEK_INACTIVE:
    inactive(z, e, peer, s);
    break;
  case ZEEK_SYN_SENT:
  case ZEEK_SYN_ACK_SENT:
    if (fin)
      become(e, ZEEK_CLOSED);
    if (rst)
      become(e, ZEEK_RESET);
    break;
  case ZEEK_PARTIAL:
  case ZEEK_ESTABLISHED:
    if ((s->flags & (LA_SYN | LA_ACK)) == LA_SYN && e->state == ZEEK_PARTIAL && peer->state == ZEEK_INACTIVE)
      become(e, ZEEK_SYN_SENT);
    if (fin && !rst) {
      become(e, ZEEK_CLOSED);
      if (peer->state == ZEEK_RESET && peer->prev == ZEEK_CLOSED)
        become(peer, ZEEK_CLOSED);
    }
    if (rst)
      become(e, ZEEK_RESET);
    break;
  case ZEEK_CLOSED:
    if (rst && peer->state != ZEEK_CLOSED)
      become(e, ZEEK_RESET);
    break;
  default:
    break;
  }
}

static void keep_late(struct zeek *z, struct zeek_hole *late, uint32_t lo, uint32_t hi) {
  for (unsigned i = 0; i < ZEEK_HOLES; i++) {
    bool none = late[i].lo == late[i].hi;
    if (!none && late[i].hi != lo)
      continue;
    z->nlate += none;
    late[i] = (struct zeek_hole){none ? lo : late[i].lo, hi};
    return;
  }
}

/* Text that came: what is in order is taken, the rest waits in a few places, enough for the letter G. */
static void text(struct zeek *z, struct zeek_end *e, uint32_t lo, uint32_t hi) {
  struct zeek_hole *late = more_of(z, e)->late;
  if (seq_leq(lo, e->reached))
    e->reached = seq_max(e->reached, hi);
  else
    keep_late(z, late, lo, hi);
  for (unsigned n = 0; n < ZEEK_HOLES && z->nlate; n++)
    for (unsigned i = 0; i < ZEEK_HOLES; i++)
      if (late[i].lo != late[i].hi && seq_leq(late[i].lo, e->reached)) {
        e->reached = seq_max(e->reached, late[i].hi);
        late[i].lo = late[i].hi = 0;
        z->nlate--;
      }
}

static bool up(const struct zeek_end *e) {
  return e->state == ZEEK_ESTABLISHED || (e->state == ZEEK_CLOSED && e->prev == ZEEK_ESTABLISHED);
}

/* `e` sent what the ACK covers. More than ever came is a gap, which counts while the connection is whole. */
static void acknowledged(struct zeek *z, struct zeek_end *e, const struct zeek_end *peer, uint32_t ack) {
  uint32_t fin = e->fin ? 1 : 0;
  if (seq_gt(ack, e->acked))
    e->acked = ack;
  if (!seq_gt(ack, e->reached + fin))
    return;
  if (up(e) && up(peer) && ack - e->reached < 1u << 30)
    scaled(z, e, &more_of(z, e)->gaps, 'G');
  text(z, e, e->reached, ack);
}

void la__zeek_segment(struct zeek *z, unsigned from, const struct seg *s, bool bad_sum) {
  if (!z->begun)
    begin(z, from, s);
  struct zeek_end *e = &z->end[from], *peer = &z->end[!from];
  if (bad_sum) {
    scaled(z, e, &more_of(z, e)->bad, 'C');
    return;
  }
  bool syn = (s->flags & LA_SYN) != 0, fin = (s->flags & LA_FIN) != 0, rst = (s->flags & LA_RST) != 0;
  uint32_t past = s->seq + (rst ? 0 : s->len) + syn + fin;
  init_end(e, s, &past);
  history(z, e, s);
  if (!s->wnd && !rst && peer->state != ZEEK_CLOSED && e->state != ZEEK_RESET)
    scaled(z, e, &more_of(z, e)->zero, 'W');
  e->fin = e->fin || fin;
  if ((s->flags & LA_ACK) && peer->state == ZEEK_INACTIVE)
    peer->start = peer->last = peer->acked = s->ack - 1;
  int32_t ahead = seq_diff(past, e->last);
  if ((syn || rst) && (ahead > TOO_FAR || ahead < -TOO_FAR))
    ;
  else if ((fin && e->last == e->start + 1) || (e->state != ZEEK_RESET && ahead > 0))
    e->last = past;
  else if (e->state != ZEEK_RESET && s->len)
    scaled(z, e, &more_of(z, e)->again, 'T');
  machine(z, e, peer, s);
  if (s->len && !rst)
    text(z, e, s->seq + syn, s->seq + syn + s->len);
  if ((s->flags & LA_ACK) && !rst && peer->state != ZEEK_INACTIVE)
    acknowledged(z, peer, e, s->ack);
}

static uint32_t size(const struct zeek_end *e) {
  uint32_t n = seq_max(e->last, e->acked) - e->start;
  n -= n != 0;
  return n - (n != 0 && e->fin);
}

/* An originator's SYN and RST, and nothing of the responder's. */
static bool syn_then_rst(const struct zeek *z) {
  const char *h = z->history;
  h += *h == '^';
  if (*h != 'S')
    return false;
  size_t n = strcspn(++h, "HAFGIQ");
  return memchr(h, 'R', n) != NULL;
}

const char *la__zeek_state(const struct zeek *z) {
  const struct zeek_end *o = &z->end[z->orig], *r = &z->end[!z->orig];
  bool o_none = o->state == ZEEK_INACTIVE || o->state == ZEEK_PARTIAL, r_none = r->state == ZEEK_INACTIVE || r->state == ZEEK_PARTIAL;
  if (r->state == ZEEK_RESET) {
    if (o->state == ZEEK_SYN_SENT || o->state == ZEEK_SYN_ACK_SENT || (o->state == ZEEK_RESET && !size(o) && !size(r)))
      return "REJ";
    return o_none ? "RSTRH" : "RSTR";
  }
  if (o->state == ZEEK_RESET)
    return !r_none ? "RSTO" : syn_then_rst(z) ? "RSTOS0" : "OTH";
  if (r->state == ZEEK_CLOSED && o->state == ZEEK_CLOSED)
    return "SF";
  if (o->state == ZEEK_CLOSED)
    return r_none ? "SH" : "S2";
  if (r->state == ZEEK_CLOSED)
    return o_none ? "SHR" : "S3";
  if (o->state == ZEEK_SYN_SENT && r->state == ZEEK_INACTIVE)
    return "S0";
  return o->state == ZEEK_ESTABLISHED && r->state == ZEEK_ESTABLISHED ? "S1" : "OTH";
}

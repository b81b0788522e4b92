/* SPDX-License-Identifier: MIT */
/* What is explored, and the state in which each bound begins. */
#include "sim/explore.h"

#include <string.h>

enum { RELEASE = XP_MAY_SHUTDOWN | XP_MAY_CLOSE | XP_MAY_ABORT };

/* clang-format off */
#define BOUND(n, l) \
  .name = n, .line = l, .unit = 1000000, .msl = 1, .time_wait = 3, .size = 1, .isn_step = 2200
#define LONG .limit = 3, .retries = 1
#define SHORT .limit = 2, .retries = 0
#define ABORTS {XP_MAY_ABORT, XP_MAY_ABORT}
#define ANY {RELEASE, RELEASE}
#define READS {RELEASE | XP_MAY_READ, RELEASE | XP_MAY_READ}
#define FROM_A .listens = true, .opens = {1, 0}
#define OPEN BOUND("open", "A opens, B listens; either may abort"), LONG, FROM_A, .may = ABORTS
#define BOTH BOUND("both-open", "both open; either may abort"), LONG, .opens = {1, 1}, .may = ABORTS
#define FREE BOUND("release", "from ESTABLISHED; either may shut down, close, abort"), LONG, FROM_A, .may = ANY, .established = true
#define BYTE(n, l, m) BOUND(n, l), FROM_A, .writes = {1, 0}, .may = m
#define AGAIN(n, l) .name = n, .line = l, .unit = 1500, SHORT, .msl = 1, .size = 1400, .isn_step = 4, .draws = 1, \
  .listens = true, .established = true, .opens = {2, 0}, .writes = {1, 0}, .may = {XP_MAY_CLOSE, XP_MAY_CLOSE}

const struct xp_bound la__xp_bounds[] = {
  {OPEN, .k = 1}, {OPEN, .k = 2}, {OPEN, .k = 3}, {OPEN, .k = 4, .slow = true},
  {BOTH, .k = 1}, {BOTH, .k = 2}, {BOTH, .k = 3, .slow = true},
  {FREE, .k = 1}, {FREE, .k = 2, .slow = true}, {FREE, .k = 3, .slow = true},
  {BYTE("byte", "A opens and writes a byte; either may shut down, close, abort", ANY), LONG, .k = 1, .slow = true},
  {BYTE("byte", "A opens and writes a byte; either may shut down, close, abort; shorter clocks", ANY), SHORT, .k = 2, .slow = true},
  {BYTE("unread", "A has opened and writes a byte, both read when they like, shut down, close, abort", READS), LONG,
   .established = true, .k = 1, .slow = true},
  {BOUND("both-any", "both open; either may shut down, close, abort"), LONG, .opens = {1, 1}, .may = ANY, .k = 1, .slow = true},
  {AGAIN("reuse-short", "A writes, both close, A opens again; TIME-WAIT lasts one MSL"), .time_wait = 1, .k = 2, .fails = true},
  {AGAIN("reuse-edge", "A writes, both close, A opens again; TIME-WAIT lasts two MSL to the instant, segments one"), .time_wait = 2,
   .k = 2, .fails = true, .slow = true},
  {AGAIN("reuse", "A writes, both close, A opens again; TIME-WAIT lasts longer than two MSL"), .time_wait = 3, .k = 1},
  {AGAIN("reuse", "A writes, both close, A opens again; TIME-WAIT lasts longer than two MSL"), .time_wait = 3, .k = 2, .slow = true},
};
/* clang-format on */
const size_t la__xp_nbounds = sizeof la__xp_bounds / sizeof *la__xp_bounds;

/* --- the beginning --- */

static void configure(const struct xp_bound *b, unsigned side, la_config *c) {
  la_config_init(c, LA_PRESET_RFC);
  c->alloc = (la_alloc){la__xp_alloc, la__xp_free, NULL};
  memset(c->secret, 'A' + (int)side, sizeof c->secret);
  la_time unit = b->unit * LA_US;
  c->msl = b->time_wait * unit / 2;
  c->rto_initial = c->rto_min = c->rto_max = c->rto_var_min = unit;
  c->r2 = c->syn_limit = c->fin_wait_2 = b->limit * unit;
  c->synack_retries = b->retries;
  c->syn_cookies = c->ecn = c->timestamps = c->sack = c->window_scale = c->dsack = c->hystart = c->slow_start_after_idle = 0;
  c->delayed_ack = c->challenge_gap = 0;
  c->mtu_probing = LA_MTU_PROBING_OFF;
  c->cc = LA_CC_NEWRENO;
  c->rst_per_sec = 0;
  c->max_conns = c->max_half_open = c->max_time_wait = 4;
  c->max_ooo = 2;
  c->max_sent = 8;
  c->replies = 16;
  c->reply_bytes = 4096;
  c->frag_datagrams = 0;
  c->sndbuf = c->rcvbuf = XP_BUFFER;
}

static bool side_start(const struct xp_bound *b, unsigned side) {
  struct xp_side *d = &la__xp->side[side];
  la_config c;
  configure(b, side, &c);
  la_addr a = {4, {10, 0, 0, (uint8_t)(side + 1)}};
  d->s = la_stack_new(&c);
  if (!d->s || la_link_add(d->s, XP_MTU) != XP_LINK || la_addr_add(d->s, XP_LINK, &a, 24) != LA_OK)
    return false;
  la_tick(d->s, d->now);
  d->cur = XP_NONE;
  d->opens = b->opens[side];
  la_listen_opts l = {.addr = a, .port = XP_PORT_B, .backlog = 2};
  if (side && b->listens && la_listen(d->s, &l, &d->l) != LA_OK)
    return false;
  la_trim(d->s);
  d->idle = d->s->mem.used;
  return true;
}

/* Everything arrives at once, nothing is lost, until all is quiet. */
static bool calm(const struct xp_bound *b) {
  while (la__xp->nframes) {
    if (!la__xp_apply(b, (struct xp_move){XP_DELIVER, 0, 0}))
      return false;
    la__xp_apply(b, (struct xp_move){XP_DROP, 0, 0});
  }
  return true;
}

/*
 * Old numbers are behind the new ones once the next ISN is past all that was written; and the new ones are ahead of an old window, where
 * it would matter: a SYN draws the same answer everywhere, and no other new number meets an old record of a side that writes.
 */
static uint32_t far_apart(const struct xp_bound *b, unsigned side) {
  return b->writes[side] ? (b->draws ? 0 : XP_BUFFER) + (uint32_t)b->writes[side] * b->size + 3 : XP_BUFFER + 3;
}

bool la__xp_start(const struct xp_bound *b) {
  la__xp_patterns();
  la__xp_arena_reset();
  la__xp_wrong[0] = 0;
  la__xp->base = la__xp->side[0].now = la__xp->side[1].now = LA_SEC;
  la__xp->isn_step = b->isn_step * XP_ISN_CLOCK;
  la__xp->step = b->unit * LA_US + XP_ISN_SLACK * la__xp->isn_step;
  la__xp->counts_draws = b->draws;
  for (unsigned side = 0; side < 2; side++)
    la__xp->far[side] = far_apart(b, side);
  for (unsigned side = 0; side < 2; side++)
    if (!side_start(b, side)) {
      la__xp_fail("a stack cannot be made");
      return false;
    }
  if (!b->established)
    return true;
  return la__xp_apply(b, (struct xp_move){XP_CALL + XP_OPEN, 0, 0}) && calm(b);
}

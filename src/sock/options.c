/* SPDX-License-Identifier: MIT */
/* Options of a connection, and of a listener for its connections to come: one row each, with its range and where it lives. */
#include "core/stack.h"

static bool in_range(enum la_opt opt, int64_t v) {
  static const struct {
    int64_t lo, hi;
  } range[] = {
    [LA_OPT_NODELAY] = {0, 1},
    [LA_OPT_KEEPALIVE] = {0, 1},
    [LA_OPT_KEEPIDLE] = {1, 65535},
    [LA_OPT_KEEPINTVL] = {1, 65535},
    [LA_OPT_KEEPCNT] = {1, 255},
    [LA_OPT_USER_TIMEOUT] = {0, INT32_MAX},
    [LA_OPT_LINGER] = {-1, 0},
    [LA_OPT_SNDBUF] = {2048, 1 << 30},
    [LA_OPT_RCVBUF] = {2048, 1 << 30},
    [LA_OPT_TTL] = {1, 255},
    [LA_OPT_TOS] = {0, 255},
    [LA_OPT_CORK] = {0, 1},
    [LA_OPT_MSS] = {88, 32767},
    [LA_OPT_WND_CLAMP] = {1024, 1 << 30},
    [LA_OPT_SYN_RETRIES] = {0, 255},
    [LA_OPT_FIN_WAIT_2] = {-1, INT32_MAX},
    [LA_OPT_QUICKACK] = {0, 1},
    [LA_OPT_DEFER_ACCEPT] = {0, 255},
    [LA_OPT_CONGESTION] = {0, LA_CCS - 1},
    [LA_OPT_SOFT_ERRORS] = {0, 1},
    [LA_OPT_NOTSENT_LOWAT] = {0, 1 << 30},
    [LA_OPT_MAX_PACING_RATE] = {0, INT64_MAX},
    [LA_OPT_MTU_PROBING] = {-1, LA_MTU_PROBING_ALWAYS},
  };
  if ((unsigned)opt >= sizeof range / sizeof range[0])
    return false;
  if (v == 0 && (opt == LA_OPT_MSS || opt == LA_OPT_WND_CLAMP))
    return true;
  return v >= range[opt].lo && v <= range[opt].hi;
}

/* Where the values of a connection, or of a listener, are. */
struct place {
  uint32_t *flags, *rcvbuf, *sndbuf;
  uint8_t *ttl, *tos, *net;
  struct wish *wish;
};

static bool in_wish(enum la_opt opt) {
  return opt == LA_OPT_KEEPIDLE || opt == LA_OPT_KEEPINTVL || opt == LA_OPT_KEEPCNT || opt == LA_OPT_USER_TIMEOUT ||
         (opt >= LA_OPT_CORK && opt <= LA_OPT_SOFT_ERRORS) || opt >= LA_OPT_NOTSENT_LOWAT;
}

static void flag(uint32_t *flags, uint32_t f, bool on) { *flags = on ? *flags | f : *flags & ~f; }

static void put_wish(struct wish *w, enum la_opt opt, int64_t v) {
  switch (opt) {
  case LA_OPT_KEEPIDLE:
    w->keep_idle = (uint16_t)v;
    break;
  case LA_OPT_KEEPINTVL:
    w->keep_intvl = (uint16_t)v;
    break;
  case LA_OPT_KEEPCNT:
    w->keep_cnt = (uint8_t)v;
    break;
  case LA_OPT_USER_TIMEOUT:
    w->user_timeout = (uint32_t)v;
    break;
  case LA_OPT_CORK:
    w->flags = (uint8_t)(v ? w->flags | WISH_CORK : w->flags & ~(WISH_CORK | WISH_MORE));
    break;
  case LA_OPT_MSS:
    w->mss = (uint16_t)v;
    break;
  case LA_OPT_WND_CLAMP:
    w->wnd_clamp = (uint32_t)v;
    break;
  case LA_OPT_SYN_RETRIES:
    w->syn_retries = (uint8_t)v;
    break;
  case LA_OPT_SOFT_ERRORS:
    w->flags = (uint8_t)(v ? w->flags & ~WISH_NO_SOFT : w->flags | WISH_NO_SOFT);
    break;
  case LA_OPT_NOTSENT_LOWAT:
    w->notsent_lowat = (uint32_t)v;
    break;
  case LA_OPT_MAX_PACING_RATE:
    w->pacing_max = (uint64_t)v;
    break;
  case LA_OPT_MTU_PROBING:
    w->mtu_probing = (uint8_t)(v + 1);
    break;
  default:
    w->fin_wait_2 = (int32_t)v;
    break;
  }
}

static void put(const struct place *p, enum la_opt opt, int64_t v) {
  switch (opt) {
  case LA_OPT_NODELAY:
    flag(p->flags, CF_NODELAY, v);
    break;
  case LA_OPT_KEEPALIVE:
    flag(p->flags, CF_KEEPALIVE, v);
    break;
  case LA_OPT_LINGER:
    flag(p->flags, CF_LINGER0, v == 0);
    break;
  case LA_OPT_SNDBUF:
    *p->sndbuf = (uint32_t)v;
    *p->net |= NET_SNDBUF;
    break;
  case LA_OPT_RCVBUF:
    *p->rcvbuf = (uint32_t)v;
    *p->net |= NET_RCVBUF;
    break;
  case LA_OPT_TTL:
    *p->ttl = (uint8_t)v;
    break;
  case LA_OPT_TOS:
    *p->tos = (uint8_t)v;
    break;
  case LA_OPT_CONGESTION:
    *p->net = (uint8_t)((*p->net & ~(unsigned)NET_CC) | (unsigned)v);
    break;
  default:
    put_wish(p->wish, opt, v);
    break;
  }
}

/* What follows from it: a clock to start, stop or move; something that may be sent now. */
static void changed(struct tcp *t, struct conn *c, enum la_opt opt) {
  if (c->flags & CF_ENDED)
    return;
  switch (opt) {
  case LA_OPT_MAX_PACING_RATE:
    if (c->sndq)
      c->sndq->pace_at = c->sndq->pace_wait = 0; /* the old rate says nothing any more */
    la__conn_dirty(t, c, TODO_DATA);
    break;
  case LA_OPT_NODELAY:
    if (c->wish && c->sndq && c->flags & CF_NODELAY) /* what was held back goes at once, as on Linux */
      c->wish->flags |= WISH_PUSH;
    /* fall through */
  case LA_OPT_CORK:
    la__conn_dirty(t, c, TODO_DATA);
    break;
  case LA_OPT_KEEPALIVE:
    c->keep_sent = 0;
    /* fall through */
  case LA_OPT_KEEPIDLE:
    if (c->clock == CLK_NONE || c->clock == CLK_KEEP)
      la__rearm(t, c);
    break;
  case LA_OPT_USER_TIMEOUT:
  case LA_OPT_SYN_RETRIES:
    if (c->life_at != LA_NEVER && c->state != LA_FIN_WAIT_2)
      la__life_clock(t, c, la__limit(t, c));
    break;
  case LA_OPT_RCVBUF:
  case LA_OPT_WND_CLAMP:
    if (c->state >= LA_ESTABLISHED && la__window_update_due(t, c))
      la__conn_dirty(t, c, TODO_WND); /* a shut window may open without a read */
    break;
  default:
    break;
  }
}

int la_set_option(la_stack *s, la_conn h, enum la_opt opt, int64_t v, la_time now) {
  struct tcp *t = &s->tcp;
  struct conn *c = la__conn_handle(t, h);
  if (!c)
    return LA_EBADF;
  if (!in_range(opt, v) || opt == LA_OPT_DEFER_ACCEPT)
    return LA_EINVAL;
  if (in_wish(opt) && !la__conn_wish(t, c))
    return LA_ENOMEM;
  la__tcp_now(t, now);
  if (opt == LA_OPT_QUICKACK) {
    la__ack_set_quick(t, c, v);
    return LA_OK;
  }
  if (opt == LA_OPT_CONGESTION)
    la__cc_choose(t, c, (enum la_cc)v);
  else
    put(&(struct place){&c->flags, &c->rcvbuf, &c->sndbuf, &c->ttl, &c->tos, &c->net, c->wish}, opt, v);
  changed(t, c, opt);
  return LA_OK;
}

int la_listener_set_option(la_stack *s, la_listener h, enum la_opt opt, int64_t v) {
  struct listener *l = la__listener_handle(&s->tcp, h);
  if (!l)
    return LA_EBADF;
  if (!in_range(opt, v) || opt == LA_OPT_QUICKACK)
    return LA_EINVAL;
  if (opt == LA_OPT_DEFER_ACCEPT) {
    l->defer = (uint8_t)v;
    return LA_OK;
  }
  l->wished |= in_wish(opt);
  put(&(struct place){&l->flags, &l->rcvbuf, &l->sndbuf, &l->ttl, &l->tos, &l->net, &l->wish}, opt, v);
  return LA_OK;
}

int la_get_option(la_stack *s, la_conn h, enum la_opt opt, int64_t *v) {
  const struct conn *c = la__conn_handle(&s->tcp, h);
  if (!c)
    return LA_EBADF;
  const struct wish *w = conn_wish(c);
  const int64_t values[] = {
    [LA_OPT_NODELAY] = (c->flags & CF_NODELAY) != 0,
    [LA_OPT_KEEPALIVE] = (c->flags & CF_KEEPALIVE) != 0,
    [LA_OPT_KEEPIDLE] = w->keep_idle,
    [LA_OPT_KEEPINTVL] = w->keep_intvl,
    [LA_OPT_KEEPCNT] = w->keep_cnt,
    [LA_OPT_USER_TIMEOUT] = w->user_timeout,
    [LA_OPT_LINGER] = c->flags & CF_LINGER0 ? 0 : -1,
    [LA_OPT_SNDBUF] = c->sndbuf,
    [LA_OPT_RCVBUF] = c->rcvbuf,
    [LA_OPT_TTL] = c->ttl,
    [LA_OPT_TOS] = c->tos,
    [LA_OPT_CORK] = (w->flags & WISH_CORK) != 0,
    [LA_OPT_MSS] = w->mss,
    [LA_OPT_WND_CLAMP] = w->wnd_clamp,
    [LA_OPT_SYN_RETRIES] = w->syn_retries,
    [LA_OPT_FIN_WAIT_2] = w->fin_wait_2,
    [LA_OPT_QUICKACK] = la__ack_is_quick(c),
    [LA_OPT_DEFER_ACCEPT] = INT64_MIN,
    [LA_OPT_CONGESTION] = la__cc_chosen(c),
    [LA_OPT_SOFT_ERRORS] = !(w->flags & WISH_NO_SOFT),
    [LA_OPT_NOTSENT_LOWAT] = w->notsent_lowat,
    [LA_OPT_MAX_PACING_RATE] = (int64_t)w->pacing_max,
    [LA_OPT_MTU_PROBING] = w->mtu_probing - 1,
  };
  if ((unsigned)opt >= sizeof values / sizeof values[0] || opt == LA_OPT_DEFER_ACCEPT)
    return LA_EINVAL;
  *v = values[opt];
  return LA_OK;
}

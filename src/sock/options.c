/* SPDX-License-Identifier: MIT */
/* Options of a connection: one row each, with its range. */
#include "core/stack.h"

static bool in_range(enum la_opt opt, int64_t v) {
  static const struct {
    int64_t lo, hi;
  } range[] = {
    [LA_OPT_NODELAY] = {0, 1},       [LA_OPT_KEEPALIVE] = {0, 1},       [LA_OPT_KEEPIDLE] = {1, 65535},
    [LA_OPT_KEEPINTVL] = {1, 65535}, [LA_OPT_KEEPCNT] = {1, 255},       [LA_OPT_USER_TIMEOUT] = {0, INT32_MAX},
    [LA_OPT_LINGER] = {-1, 0},       [LA_OPT_SNDBUF] = {2048, 1 << 30}, [LA_OPT_RCVBUF] = {2048, 1 << 30},
    [LA_OPT_TTL] = {1, 255},         [LA_OPT_TOS] = {0, 255},
  };
  return (unsigned)opt < sizeof range / sizeof range[0] && v >= range[opt].lo && v <= range[opt].hi;
}

static void flag(struct conn *c, uint32_t f, bool on) { c->flags = on ? c->flags | f : c->flags & ~f; }

/* The keepalive clock may have to start, stop or move; R2 too. */
static void clocks_changed(struct tcp *t, struct conn *c, enum la_opt opt) {
  if (c->flags & CF_ENDED)
    return;
  if (opt == LA_OPT_USER_TIMEOUT) {
    if (c->life_at != LA_NEVER && c->state != LA_FIN_WAIT_2)
      la__life_clock(t, c, la__limit(t, c));
  } else if (c->clock == CLK_NONE || c->clock == CLK_KEEP) {
    la__rearm(t, c);
  }
}

int la_set_option(la_stack *s, la_conn h, enum la_opt opt, int64_t v, la_time now) {
  struct tcp *t = &s->tcp;
  struct conn *c = la__conn_handle(t, h);
  if (!c)
    return LA_EBADF;
  if (!in_range(opt, v))
    return LA_EINVAL;
  la__tcp_now(t, now);
  switch (opt) {
  case LA_OPT_NODELAY:
    flag(c, CF_NODELAY, v);
    if (!(c->flags & CF_ENDED))
      la__conn_dirty(t, c, TODO_DATA);
    break;
  case LA_OPT_KEEPALIVE:
    flag(c, CF_KEEPALIVE, v);
    c->keep_sent = 0;
    clocks_changed(t, c, opt);
    break;
  case LA_OPT_KEEPIDLE:
    c->keep_idle = (uint16_t)v;
    clocks_changed(t, c, opt);
    break;
  case LA_OPT_KEEPINTVL:
    c->keep_intvl = (uint16_t)v;
    break;
  case LA_OPT_KEEPCNT:
    c->keep_cnt = (uint8_t)v;
    break;
  case LA_OPT_USER_TIMEOUT:
    c->user_timeout = (uint32_t)v;
    clocks_changed(t, c, opt);
    break;
  case LA_OPT_LINGER:
    flag(c, CF_LINGER0, v == 0);
    break;
  case LA_OPT_SNDBUF:
    c->sndbuf = (uint32_t)v;
    break;
  case LA_OPT_RCVBUF:
    c->rcvbuf = (uint32_t)v;
    if (c->state >= LA_ESTABLISHED && !(c->flags & CF_ENDED) && la__window_update_due(t, c))
      la__conn_dirty(t, c, TODO_WND); /* a shut window may open without a read */
    break;
  case LA_OPT_TTL:
    c->ttl = (uint8_t)v;
    break;
  default:
    c->tos = (uint8_t)v;
    break;
  }
  return LA_OK;
}

int la_get_option(la_stack *s, la_conn h, enum la_opt opt, int64_t *v) {
  const struct conn *c = la__conn_handle(&s->tcp, h);
  if (!c)
    return LA_EBADF;
  const int64_t values[] = {
    [LA_OPT_NODELAY] = (c->flags & CF_NODELAY) != 0,
    [LA_OPT_KEEPALIVE] = (c->flags & CF_KEEPALIVE) != 0,
    [LA_OPT_KEEPIDLE] = c->keep_idle,
    [LA_OPT_KEEPINTVL] = c->keep_intvl,
    [LA_OPT_KEEPCNT] = c->keep_cnt,
    [LA_OPT_USER_TIMEOUT] = c->user_timeout,
    [LA_OPT_LINGER] = c->flags & CF_LINGER0 ? 0 : -1,
    [LA_OPT_SNDBUF] = c->sndbuf,
    [LA_OPT_RCVBUF] = c->rcvbuf,
    [LA_OPT_TTL] = c->ttl,
    [LA_OPT_TOS] = c->tos,
  };
  if ((unsigned)opt >= sizeof values / sizeof values[0])
    return LA_EINVAL;
  *v = values[opt];
  return LA_OK;
}

/* SPDX-License-Identifier: MIT */
/*
 * B13: every allocation may fail. Two stacks, three connections, loss, both directions, half-close, close, TIME-WAIT to its end;
 * for n = 1, 2, … the n-th allocation of one side fails, or it and all after it. Nothing leaks (dlg_free), nothing crashes, each
 * connection that somebody got has exactly one END; and one failure alone costs nothing: all bytes arrive.
 */
/* lint: theme */
#include "dialogue.h"

enum { CONNS = 3, BYTES = 12000 };

/* One end of one connection, as an application sees it. */
struct end {
  la_conn c;
  struct side *side;
  uint32_t sent, got;
  bool open, shut, eof, closed, ended;
  la_end end;
};
struct side {
  struct dlg *d;
  struct end e[CONNS + 1];
  unsigned n;
  bool echoes; /* the server */
  unsigned frames;
};

static void work(struct end *e) {
  la_stack *s = e->side->d->s;
  uint8_t b[700];
  if (e->closed || !e->open)
    return;
  for (ptrdiff_t r; (r = la_recv(s, e->c, b, sizeof b)) >= 0;) {
    if (r == 0) {
      e->eof = true;
      break;
    }
    for (ptrdiff_t i = 0; i < r; i++)
      assert_int_equal(b[i], dlg_byte(e->got + (uint32_t)i));
    e->got += (uint32_t)r;
  }
  uint32_t may = e->side->echoes ? e->got : BYTES;
  while (!e->shut && e->sent < may) {
    uint32_t k = may - e->sent < sizeof b ? may - e->sent : (uint32_t)sizeof b;
    for (uint32_t i = 0; i < k; i++)
      b[i] = dlg_byte(e->sent + i);
    ptrdiff_t r = la_send(s, e->c, b, k);
    assert_true(r > 0 || r == LA_AGAIN || r == LA_ENOMEM || e->ended || (r < 0 && r != LA_EBADF));
    if (r <= 0)
      break;
    e->sent += (uint32_t)r;
  }
  if (!e->shut && e->sent == BYTES && !e->side->echoes) {
    int err = la_shutdown(s, e->c, e->side->d->now);
    assert_true(err == LA_OK || err == LA_ENOTCONN);
    e->shut = true;
  }
  if (e->eof && e->sent >= may) {
    assert_int_equal(la_close(s, e->c, e->side->d->now), LA_OK);
    e->closed = true;
  }
}

static bool events(struct side *s) {
  struct dlg *d = s->d;
  size_t n = d->nev;
  for (size_t i = 0; i < n; i++) {
    la_event ev = d->ev[i];
    struct end *e = ev.user;
    if (ev.type == LA_EVENT_ACCEPT) {
      do {
        assert_true(s->n <= CONNS);
        e = &s->e[s->n];
        *e = (struct end){.side = s, .open = true};
      } while (la_accept(d->s, ev.listener, e, &e->c) == LA_OK && ++s->n);
      continue;
    }
    assert_true(la_conn_same(ev.conn, e->c));
    assert_false(e->ended);
    if (ev.type == LA_EVENT_ESTABLISHED)
      e->open = true;
    if (ev.type == LA_EVENT_END) {
      e->ended = true;
      e->end = ev.end;
    }
  }
  d->nev = 0;
  return n > 0;
}

/* Every eleventh frame is lost on its way. */
static bool carry(struct side *from, struct side *to) {
  struct dlg *d = from->d;
  size_t n = d->nout;
  for (size_t i = 0; i < n; i++) {
    struct dlg_seg *o = &d->out[i];
    la_frame f = {.data = o->bytes, .len = (uint32_t)(o->seg.data - o->bytes) + o->seg.len};
    if (++from->frames % 11 != 0)
      assert_int_equal(la_input(to->d->s, to->d->link, &f, 1, to->d->now), 1);
    free(o->bytes);
  }
  d->nout = 0;
  return n > 0;
}

static void settle(struct side *a, struct side *b) {
  for (unsigned turns = 0;; turns++) {
    assert_true(turns < 5000);
    dlg_pump(a->d);
    dlg_pump(b->d);
    bool more = events(a);
    more |= events(b);
    for (unsigned i = 0; i < CONNS; i++) {
      if (i < a->n)
        work(&a->e[i]);
      if (i < b->n)
        work(&b->e[i]);
    }
    dlg_pump(a->d);
    dlg_pump(b->d);
    more |= carry(a, b);
    more |= carry(b, a);
    if (!more && !a->d->nev && !b->d->nev)
      return;
  }
}

static void run(struct side *a, struct side *b, la_time until) {
  for (;;) {
    settle(a, b);
    la_time at = la_deadline(a->d->s), other = la_deadline(b->d->s), now = a->d->now;
    at = at < other ? at : other;
    if (now < 20 * LA_SEC && at > now + LA_SEC) /* who got LA_ENOMEM tries again once in a while */
      at = now + LA_SEC;
    if (at > until)
      at = until;
    a->d->now = b->d->now = at;
    la_tick(a->d->s, at);
    la_tick(b->d->s, at);
    if (at == until)
      return settle(a, b);
  }
}

static void check(struct side *s, bool whole) {
  la_stats st = dlg_stats(s->d);
  assert_int_equal(st.conns, 0);
  assert_int_equal(st.half_open, 0);
  assert_int_equal(st.time_wait, 0);
  assert_int_equal(st.orphans, 0);
  assert_int_equal(st.chunks, 0);
  for (unsigned i = 0; i < s->n; i++) {
    struct end *e = &s->e[i];
    if (!e->c.gen)
      continue;
    assert_true(e->ended);
    if (whole) {
      /* No memory for the other's TIME-WAIT record, and its last ACK lost as well: our FIN then meets nobody. */
      bool last_ack = e->end.state == LA_LAST_ACK && e->end.why == LA_WHY_PEER_RESET;
      assert_true(e->end.err == LA_OK || last_ack);
      assert_int_equal(e->got, BYTES);
      assert_int_equal(e->end.bytes_in, BYTES);
      if (!last_ack)
        assert_int_equal(e->end.bytes_out, BYTES);
    }
  }
}

static bool six;
/* true: the failure was reached. */
static bool script(unsigned who, uint64_t at, uint64_t from) {
  static struct side a, b;
  memset(&a, 0, sizeof a);
  memset(&b, 0, sizeof b);
  a.d = dlg_new_peer(NULL); /* the client */
  b.d = dlg_new(NULL);
  if (six) {
    dlg_use6(b.d);
    a.d->f.us = b.d->f.peer;
    a.d->f.peer = b.d->f.us;
  }
  b.echoes = true;
  struct dlg_mem *m = who ? &b.d->mem : &a.d->mem;
  uint64_t start = m->calls;
  m->fail_at = at ? start + at : 0;
  m->fail_from = from ? start + from : 0;
  bool refused = false;
  la_listen_opts lo = {.port = 80, .backlog = 4};
  int err = la_listen(b.d->s, &lo, &b.d->listener);
  if (err != LA_OK) {
    assert_int_equal(err, LA_ENOMEM);
    refused = true;
  }
  for (unsigned i = 0; i < CONNS; i++) {
    struct end *e = &a.e[a.n];
    *e = (struct end){.side = &a};
    la_connect_opts o = {.remote = b.d->f.us, .remote_port = 80, .user = e};
    err = la_connect(a.d->s, &o, &e->c, a.d->now);
    if (err == LA_OK)
      a.n++;
    else
      assert_int_equal(err, LA_ENOMEM);
  }
  run(&a, &b, 400 * LA_SEC);
  for (unsigned i = 0; i < CONNS; i++) {
    if (i < a.n && !a.e[i].closed)
      (void)la_abort(a.d->s, a.e[i].c, a.d->now);
    if (i < b.n && !b.e[i].closed)
      (void)la_abort(b.d->s, b.e[i].c, b.d->now);
    a.e[i].closed = b.e[i].closed = true;
  }
  run(&a, &b, 1000 * LA_SEC);
  bool reached = m->calls >= start + (at ? at : from);
  bool whole = !from && !refused;
  check(&a, whole);
  check(&b, whole);
  if (whole && a.n == CONNS)
    assert_int_equal(b.n, CONNS);
  dlg_free(a.d);
  dlg_free(b.d);
  return reached;
}

static void undisturbed(void **state) {
  (void)state;
  assert_false(script(0, UINT32_MAX, 0));
}
static void nth_fails(void **state) {
  six = *state != NULL;
  for (unsigned who = 0; who < 2; who++) {
    unsigned n = 1;
    while (script(who, n, 0))
      n++;
    print_message("side %u: %u allocations\n", who, n - 1);
    assert_true(n > 15);
  }
  six = false;
}
static void all_from_nth_fail(void **state) {
  (void)state;
  for (unsigned who = 0; who < 2; who++)
    for (unsigned n = 1; script(who, 0, n); n++)
      ;
}

int main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(undisturbed),
    cmocka_unit_test(nth_fails),
    {"nth_fails over IPv6", nth_fails, 0, 0, &(int){6}},
    cmocka_unit_test(all_from_nth_fail),
  };
  return cmocka_run_group_tests(tests, 0, 0);
}

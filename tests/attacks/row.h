/* SPDX-License-Identifier: MIT */
/*
 * One row of the table of attacks: what an attacker sends, again and again, and what it may cost. The core in these programs calls
 * __sanitizer_cov_trace_pc on the way into every basic block; memory is the allocator's; bytes are those of packets, with their headers.
 *
 *     struct row r = row_of(d, "A1 RST in the window");
 *     hit(&r, inject(d, RST, 100, 0, 0));            what goes in, and what leaves because of it
 *     row_holds(&r, (struct bounds){.memory = 0, .work = 500, .percent = 5});
 */
#ifndef TESTS_ATTACKS_ROW_H
#define TESTS_ATTACKS_ROW_H

#include "tests/unit/dialogue.h"

static uint64_t blocks;
void __sanitizer_cov_trace_pc(void);
void __sanitizer_cov_trace_pc(void) { blocks++; }

struct row {
  struct dlg *d;
  const char *name;
  uint64_t held, in, out, n, most_held, most_work;
};
struct bounds {
  uint64_t memory;  /* bytes more than before, at any time */
  uint64_t work;    /* basic blocks for one packet and what it makes leave */
  uint64_t percent; /* bytes out for 100 bytes in, over all of them */
};

static inline struct row row_of(struct dlg *d, const char *name) {
  dlg_forget(d);
  return (struct row){.d = d, .name = name, .held = d->mem.live, .in = d->bytes_in, .out = d->bytes_out};
}

static inline void row_count(struct row *r, uint64_t work) {
  uint64_t more = r->d->mem.live > r->held ? r->d->mem.live - r->held : 0;
  r->n++;
  r->most_held = more > r->most_held ? more : r->most_held;
  r->most_work = work > r->most_work ? work : r->most_work;
}
#define hit(r, ...) \
  do { \
    uint64_t before_ = blocks; \
    __VA_ARGS__; \
    dlg_pump((r)->d); \
    row_count(r, blocks - before_); \
  } while (0)

static inline void row_holds(const struct row *r, struct bounds b) {
  uint64_t in = r->d->bytes_in - r->in, out = r->d->bytes_out - r->out;
  static const char *said;
  if (said != r->name) /* the first of those that differ in little */
    print_message("%-44s %7llu packets: %6llu bytes held (%llu), work %5llu (%llu), %3llu bytes out for 100 in (%llu)\n", r->name,
                  (unsigned long long)r->n, (unsigned long long)r->most_held, (unsigned long long)b.memory,
                  (unsigned long long)r->most_work, (unsigned long long)b.work, (unsigned long long)(out * 100 / (in ? in : 1)),
                  (unsigned long long)b.percent);
  said = r->name;
  assert_true(r->n > 0 && r->most_work > 20); /* the counter is there at all */
  assert_true(r->most_held <= b.memory);
  assert_true(r->most_work <= b.work);
  assert_true(out * 100 <= in * b.percent);
}

static inline la_info_rec row_info(struct dlg *d) {
  la_info_rec r;
  assert_int_equal(la_info(d->s, d->conn, &r), LA_OK);
  return r;
}

/* Nothing has come to harm: five bytes each way, read as they were written. */
static inline void row_works(struct dlg *d) {
  dlg_forget(d);
  d->nev = 0;
  la_info_rec i = row_info(d);
  assert_int_equal(i.state, LA_ESTABLISHED);
  uint32_t theirs = i.rcv_nxt - d->f.iss, ours = i.snd_nxt - d->f.irs;
  uint8_t got[8];
  inject(d, PSH | ACK, theirs, ours, 5);
  dlg_pump(d);
  assert_int_equal(la_recv(d->s, d->conn, got, sizeof got), 5);
  for (uint32_t k = 0; k < 5; k++)
    assert_int_equal(got[k], dlg_byte(theirs + k));
  assert_int_equal(dlg_send(d, ours, 5), 5);
  expect(d, ACK | PSH, ours, theirs + 5, 5);
  inject(d, ACK, theirs + 5, ours + 5, 0);
  dlg_pump(d);
  assert_int_equal(row_info(d).unacked, 0);
}

#endif

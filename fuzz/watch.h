/* SPDX-License-Identifier: MIT */
/*
 * What must hold whatever happens, seen through the public API:
 *
 *   1. SND.UNA, SND.NXT, RCV.NXT and RCV.NXT+RCV.WND never fall, nor below an edge that was announced; what is outstanding and unsent
 *      is within the send buffer; the application reads each byte once;
 *   2. who waits for the peer has a clock that ends it, unless the application holds the connection open;
 *   3. every transition is one of the diagram's; a connection has one FIN, and nothing follows its RST;
 *   4. counts stay within la_config's limits, and memory is what was counted;
 *   5. END comes exactly once for each connection that the application knew;
 *   6. after all has ended nothing is left;
 *   7. a tick at the deadline gets on: the next one lies ahead;
 *   8. a connection's story fits its state and its clocks, and la_config.metrics counts what is there.
 */
#ifndef LA_FUZZ_WATCH_H
#define LA_FUZZ_WATCH_H

#include <lastack/lastack.h>

#define FUZZ_CHECK(cond) ((cond) ? (void)0 : fuzz_failed(#cond, __FILE__, __LINE__))
_Noreturn void fuzz_failed(const char *what, const char *file, int line);

enum { FUZZ_LISTENERS = 2, FUZZ_CONNS = 6, FUZZ_MAX_CONNS = 8, FUZZ_TRACE = 4096, FUZZ_KNOWN = 512 };
extern la_trace_rec fuzz_trace[FUZZ_TRACE];
extern la_metrics fuzz_metrics;

struct fuzz_memory {
  uint64_t live, calls;
  uint32_t fail_one_in; /* 0: never */
  uint32_t rnd;
};
void *fuzz_alloc(void *ctx, size_t n);
void fuzz_free(void *ctx, void *p, size_t n);

void fuzz_configure(la_config *c, const uint8_t *head, struct fuzz_memory *mem);
void fuzz_option(unsigned which, enum la_opt *opt, int64_t *v);

/* The byte with that sequence number, of whatever connection and direction. */
static inline uint8_t fuzz_byte(uint32_t q) { return (uint8_t)(q * 31 + (q >> 8) * 7 + (q >> 16)); }

struct track {
  la_conn c;
  uint32_t una, nxt, rcv, edge, fin;
  uint32_t announced; /* the furthest edge that a segment has told the peer */
  uint32_t read;      /* what the application reads next */
  bool seen, has_fin, reset, has_announced, has_read;
};
struct watch {
  la_stack *s;
  struct fuzz_memory *mem;
  la_config cfg;
  uint64_t digest, base; /* bytes held at the start */
  struct track track[4 * FUZZ_MAX_CONNS];
  unsigned next;
  struct {
    la_conn c;
    bool ended;
  } known[FUZZ_KNOWN];
  unsigned nknown;
  uint32_t there[LA_STATES]; /* connections that have not ended, in the look under way */
};
struct watch *watch_new(la_stack *s, struct fuzz_memory *mem, const la_config *cfg);
void watch_free(struct watch *w);
void watch_known(struct watch *w, la_conn c);
/* The application has read n bytes that end where `unread` ones begin. */
void watch_read(struct watch *w, la_conn c, uint32_t from, uint32_t n);
void watch_event(struct watch *w, const la_event *e);
void watch_check(struct watch *w, la_time now);
void watch_close_all(struct watch *w, bool abort_all, la_time now);
void watch_finished(struct watch *w);

#endif

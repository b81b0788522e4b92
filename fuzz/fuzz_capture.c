/* SPDX-License-Identifier: MIT */
/*
 * Fuzzing of `lastack explain`, with libFuzzer (`./dev fuzz SECONDS capture`) or main.c: an input is a capture, read as a file is.
 * Whatever it holds, each connection gets a whole line and JSON that can be read back, and a break is told with its place.
 */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/prng.h"
#include "capture/filter.h"
#include "capture/reader.h"
#include "cli/explain.h"
#include "draw/explain.h"
#include "fuzz/kit.h"
#include "tests/unit/tape.h"

struct watch {
  struct flows flows;
  struct rollup sum;
  uint64_t ids;
};

static void must(bool holds, const char *what) {
  if (!holds) {
    fprintf(stderr, "%s\n", what);
    abort();
  }
}

static void look_at_json(const struct flow *c, const struct verdict *v) {
  char *text = NULL;
  size_t n = 0;
  FILE *f = open_memstream(&text, &n);
  must(f && la__explain_json(f, c, v), "no JSON");
  fclose(f);
  must(n && text[n - 1] == '\n' && memchr(text, '\n', n) == text + n - 1, "not one line of JSON");
  json_t *o = json_loads(text, JSON_REJECT_DUPLICATES, NULL);
  must(o != NULL, text);
  must(json_is_string(json_object_get(o, "reason")) && json_is_string(json_object_get(o, "text")), text);
  json_decref(o);
  free(text);
}

static void done(void *ctx, struct flow *c) {
  struct watch *w = ctx;
  struct verdict v;
  char line[EXPLAIN_TEXT];
  la__verdict(c, w->flows.now, VERDICT_PATIENCE, &v);
  must(v.ncandidates && v.candidate[0] == v.reason && (v.ncandidates > 1) == (v.certainty == CERTAIN_AMBIGUOUS), "candidates");
  must(v.by <= 2 && v.client < 2 && c->first_fin <= 2, "ends");
  must(la__reason_name(v.reason) && la__kind_name(v.kind) && la__closed_name(v.first_closed) && la__zeek_state(&c->zeek), "names");
  size_t n = strlen(la__explain_text(c, &v, line));
  must(n && n < EXPLAIN_TEXT - 1, "the line is cut off");
  must(c->first.frame && c->first.frame <= c->last.frame, "frames");
  must(strlen(c->zeek.history) < ZEEK_HISTORY, "history");
  la__rollup_add(&w->sum, c, &v, w->flows.now);
  look_at_json(c, &v);
  w->ids++;
}

static void read_capture(struct watch *w, struct reader *rd, size_t size) {
  struct packet p[FLOWS_BATCH];
  struct filter filter;
  enum reader_result got;
  must(la__filter_init(&filter, size % 3 ? NULL : "tcp port 7010 or icmp", NULL, 0), "the filter");
  do {
    size_t n = 0;
    do {
      got = la__reader_next(rd, &p[n]);
      n += got == READER_PACKET && la__filter_match(&filter, &p[n]);
    } while (got == READER_PACKET && n < FLOWS_BATCH && la__reader_ready(rd));
    la__flows_batch(&w->flows, p, n);
  } while (got == READER_PACKET);
  must(got == READER_END || (got == READER_BROKEN && rd->error[0]), "no reason for the break");
  must(rd->offset <= size, "broken beyond its end");
  la__filter_free(&filter);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  static struct watch w;
  struct reader rd;
  w = (struct watch){0};
  if (!la__reader_memory(&rd, data, size)) {
    must(rd.error[0], "no reason");
    return 0;
  }
  must(la__flows_init(&w.flows, done, &w), "out of memory");
  read_capture(&w, &rd, size);
  la__flows_finish(&w.flows);
  must(w.ids == w.flows.stats.connections && w.sum.conns == w.ids && !w.flows.nconns, "a connection was lost");
  la__flows_free(&w.flows);
  la__reader_close(&rd);
  return 0;
}

/* ---- what it begins with: captures of every link type, both forms and families ---- */

static const char *const scripts[] = {">S <SA >A >A10 <A >FA <A +99 <A4 >R",
                                      ">S <SA >A >A10 => ~> (<A5) <A7 k> +75000 k> <A >FA <FAa-1 >A <A +500 new >S <SA >A <RA",
                                      "<A10b >A >A3000o <A >Aw0 +60000 k< +1000 k< other >S <RA other >S5 +1000 ~> +2000 ~>",
                                      ">S <SA >A >A31c +9000 ~> +900000 ~> ~> ~> ~> <RAt200 <A1 >R"};
enum { MOST = 1 << 16, SEEDS = sizeof scripts / sizeof scripts[0] * TAPE_LINKS * 4 };

static size_t seed(unsigned k, uint8_t *out) {
  struct tape t;
  if (k >= SEEDS)
    return 0;
  tape_init(&t, (enum tape_link)(k / 4 % TAPE_LINKS), k & 1 ? 6 : 4, k & 2);
  t.snap = k % 7 == 3 ? 60 : 262144;
  t.fragment = k % 5 == 2 ? 8 : 0;
  tape_play(&t, scripts[k / 4 / TAPE_LINKS]);
  size_t n = t.len < MOST ? t.len : MOST;
  memcpy(out, t.data, n);
  tape_free(&t);
  return n;
}

static size_t damage(struct prng *r, uint8_t *data, size_t len) {
  static const uint8_t odd[] = {0, 1, 4, 5, 6, 0x45, 0x60, 0x7f, 0x80, 0xff};
  for (unsigned n = la__prng_below(r, 9); n; n--) {
    size_t at = la__prng_below(r, (uint32_t)len);
    if (la__prng_below(r, 2))
      data[at] = odd[la__prng_below(r, sizeof odd)];
    else
      data[at] ^= (uint8_t)(1u << la__prng_below(r, 8));
  }
  size_t at = la__prng_below(r, (uint32_t)len), n = la__prng_below(r, (uint32_t)(len - at));
  switch (la__prng_below(r, 6)) {
  case 0: /* a piece is missing */
    memmove(data + at, data + at + n, len - at - n);
    return len - n;
  case 1: /* the end */
    return at;
  case 2: /* a piece is somewhere else, too */
    memmove(data + la__prng_below(r, (uint32_t)(len - n)), data + at, n);
    return len;
  default:
    return len;
  }
}

const struct fuzz_kit fuzz_kit = {.most = MOST, .runs = 10000, .seed = seed, .change = damage};

/* SPDX-License-Identifier: MIT */
/* The text for Prometheus: every line well formed, numbers as they are, several stacks added up, cut-off buffers, a reader that refuses. */
#include "dialogue.h"

static la_metrics m;
static void metered(la_config *c) {
  memset(&m, 0, sizeof m);
  c->metrics = &m;
}

static char text[65536];
static const char *metrics(const la_stack *s) {
  size_t n = la_metrics_text(s, text, sizeof text - 1);
  assert_in_range(n, 1000, sizeof text - 1);
  text[n] = 0;
  assert_int_equal(text[n - 1], '\n');
  return text;
}
static void has(const la_stack *s, const char *line) {
  char want[200];
  snprintf(want, sizeof want, "\n%s\n", line);
  if (!strstr(metrics(s), want))
    fail_msg("no line %s in\n%s", line, text);
}

static void numbers(void **state) {
  (void)state;
  struct dlg *d = dlg_new(metered);
  establish(d, PASSIVE_OPEN);
  has(d->s, "lastack_connections{state=\"LISTEN\"} 1");
  has(d->s, "lastack_connections{state=\"ESTABLISHED\"} 1");
  dlg_advance(d, 4 * LA_MS);
  assert_int_equal(la_close(d->s, d->conn, d->now), LA_OK);
  expect(d, FIN | ACK, 1, 1, 0);
  inject(d, FIN | ACK, 1, 2, 0);
  expect(d, ACK, 2, 2, 0);
  inject(d, ACK, 77, 2, 4); /* TIME-WAIT does not want it */
  dlg_forget(d);
  has(d->s, "lastack_connections{state=\"ESTABLISHED\"} 0");
  has(d->s, "lastack_connections{state=\"TIME-WAIT\"} 1");
  has(d->s, "lastack_ends_total{reason=\"application close\",closed_first=\"local\"} 1");
  has(d->s, "lastack_ends_total{reason=\"application close\",closed_first=\"peer\"} 0");
  has(d->s, "lastack_drops_total{reason=\"TCP_TIMEWAIT\"} 1");
  has(d->s, "# TYPE lastack_state_seconds histogram");
  has(d->s, "lastack_state_seconds_bucket{state=\"ESTABLISHED\",le=\"0.001\"} 0");
  has(d->s, "lastack_state_seconds_bucket{state=\"ESTABLISHED\",le=\"0.004\"} 1");
  has(d->s, "lastack_state_seconds_bucket{state=\"ESTABLISHED\",le=\"1073741.824\"} 1");
  has(d->s, "lastack_state_seconds_bucket{state=\"ESTABLISHED\",le=\"+Inf\"} 1");
  has(d->s, "lastack_state_seconds_sum{state=\"ESTABLISHED\"} 0.004");
  has(d->s, "lastack_state_seconds_count{state=\"ESTABLISHED\"} 1");
  has(d->s, "lastack_opened_total{side=\"passive\"} 1");
  has(d->s, "lastack_segments_total{direction=\"in\"} 4");
  dlg_free(d);
}

/* Without memory for them the families that need it are left out; the others stay. */
static void unmetered(void **state) {
  (void)state;
  struct dlg *d = dlg_new(NULL);
  establish(d, PASSIVE_OPEN);
  assert_null(strstr(metrics(d->s), "lastack_connections"));
  assert_null(strstr(text, "lastack_ends_total"));
  assert_null(strstr(text, "lastack_state_seconds"));
  has(d->s, "lastack_opened_total{side=\"passive\"} 1");
  has(d->s, "lastack_drops_total{reason=\"NO_SOCKET\"} 0");
  dlg_free(d);
}

/* A family's series stand together after its HELP and TYPE, each name once. */
static void families(void **state) {
  (void)state;
  struct dlg *d = dlg_new(metered);
  const char *at = metrics(d->s);
  char family[80] = "", seen[64][80];
  unsigned n = 0;
  while (*at) {
    size_t len = strcspn(at, "\n");
    char line[200], name[80];
    assert_true(len < sizeof line);
    memcpy(line, at, len);
    line[len] = 0;
    at += len + 1;
    if (sscanf(line, "# HELP %79s", name) == 1) {
      for (unsigned i = 0; i < n; i++)
        assert_string_not_equal(seen[i], name);
      assert_true(n < 64);
      strcpy(seen[n++], name);
      strcpy(family, name);
      assert_int_equal(line[len - 1], '.'); /* a sentence */
    } else if (sscanf(line, "# TYPE %79s", name) == 1) {
      assert_string_equal(name, family);
    } else {
      assert_int_equal(sscanf(line, "%79[a-z_]", name), 1);
      assert_memory_equal(name, family, strlen(family));
      const char *rest = name + strlen(family);
      assert_true(!*rest || !strcmp(rest, "_bucket") || !strcmp(rest, "_sum") || !strcmp(rest, "_count"));
    }
  }
  assert_true(n > 20);
  dlg_free(d);
}

static void cut_off(void **state) {
  (void)state;
  struct dlg *d = dlg_new(metered);
  static char part[65536];
  size_t whole = strlen(metrics(d->s));
  for (size_t cap = 0; cap < whole + 5; cap += 97) {
    memset(part, '#', sizeof part);
    assert_int_equal(la_metrics_text(d->s, part, cap), whole);
    size_t n = cap < whole ? cap : whole;
    assert_memory_equal(part, text, n);
    assert_int_equal(part[n], '#');
  }
  dlg_free(d);
}

struct taker {
  size_t left, calls, longest;
};
static bool take(void *ctx, const char *t, size_t n) {
  struct taker *k = ctx;
  (void)t;
  k->calls++;
  k->longest = n > k->longest ? n : k->longest;
  return k->left-- > 0;
}
static void refused(void **state) {
  (void)state;
  struct dlg *d = dlg_new(metered);
  const la_stack *s = d->s;
  struct taker k = {.left = 3};
  assert_false(la_metrics_write(&s, 1, take, &k));
  assert_int_equal(k.calls, 4); /* the one that refused is the last */
  k = (struct taker){.left = 1000};
  assert_true(la_metrics_write(&s, 1, take, &k));
  assert_in_range(k.longest, 1, 512);
  dlg_free(d);
}

static char *both;
static bool append(void *ctx, const char *t, size_t n) {
  size_t *len = ctx;
  memcpy(both + *len, t, n);
  *len += n;
  return true;
}
/* Two stacks, of which one counts more than the other. */
static void added_up(void **state) {
  (void)state;
  struct dlg *d = dlg_new(metered), *e = dlg_new(NULL);
  establish(d, PASSIVE_OPEN);
  establish(e, PASSIVE_OPEN);
  const la_stack *s[] = {d->s, e->s};
  size_t len = 0;
  both = calloc(1, 131072);
  assert_true(la_metrics_write(s, 2, append, &len));
  assert_non_null(strstr(both, "\nlastack_opened_total{side=\"passive\"} 2\n"));
  assert_non_null(strstr(both, "\nlastack_connections{state=\"ESTABLISHED\"} 1\n"));
  free(both);
  dlg_free(d);
  dlg_free(e);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(numbers), cmocka_unit_test(unmetered), cmocka_unit_test(families),
                                     cmocka_unit_test(cut_off), cmocka_unit_test(refused),   cmocka_unit_test(added_up)};
  return cmocka_run_group_tests(tests, 0, 0);
}

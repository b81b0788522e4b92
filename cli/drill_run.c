/* SPDX-License-Identifier: MIT */
/* The scripts of `lastack drill`: found, run in threads that share nothing, reported in the order in which they were named. */
#include "cli/cli.h"
#include "cli/drill.h"

#include <dirent.h>
#include <errno.h>
#include <jansson.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { SCRIPT_MAX = 64 << 20 };

const char *la__drill_family_name(enum drill_family f) {
  static const char *const names[] = {[DRILL_IP4] = "ipv4", [DRILL_IP6] = "ipv6", [DRILL_MAPPED] = "ipv4-mapped-ipv6"};
  return names[f];
}

/* ---- which ---- */

static void add(struct drill_ask *a, char *name) {
  char **more = realloc(a->paths, (a->npaths + 1) * sizeof *more);
  if (!more || !name)
    abort();
  a->paths = more;
  a->paths[a->npaths++] = name;
}

static int by_name(const struct dirent **x, const struct dirent **y) { return strcmp((*x)->d_name, (*y)->d_name); }
static int not_hidden(const struct dirent *e) { return e->d_name[0] != '.'; }

static void search(struct drill_ask *a, const char *dir) {
  struct dirent **list;
  int n = scandir(dir, &list, not_hidden, by_name);
  if (n < 0)
    la__usage(a->cmd, "%s: %s", dir, strerror(errno));
  size_t len = strlen(dir);
  while (len > 1 && dir[len - 1] == '/')
    len--;
  for (int i = 0; i < n; i++) {
    char *name;
    struct stat st;
    if (asprintf(&name, "%.*s/%s", (int)len, dir, list[i]->d_name) < 0)
      abort();
    size_t m = strlen(name);
    if (stat(name, &st) == 0 && S_ISDIR(st.st_mode)) {
      search(a, name);
      free(name);
    } else if (m > 4 && strcmp(name + m - 4, ".pkt") == 0) {
      add(a, name);
    } else {
      free(name);
    }
    free(list[i]);
  }
  free(list);
}

void la__drill_add_path(struct drill_ask *a, const char *path) {
  struct stat st;
  if (stat(path, &st) != 0)
    la__usage(a->cmd, "%s: %s", path, strerror(errno));
  size_t before = a->npaths;
  if (S_ISDIR(st.st_mode))
    search(a, path);
  else
    add(a, strdup(path));
  if (a->npaths == before)
    la__usage(a->cmd, "%s: no *.pkt in or below it", path);
}

void la__drill_ask_free(struct drill_ask *a) {
  for (size_t i = 0; i < a->npaths; i++)
    free(a->paths[i]);
  free(a->paths);
  for (struct drill_define *d = a->defines, *next; d; d = next) {
    next = d->next;
    free((char *)d->name);
    free(d);
  }
  for (struct drill_option *o = a->options, *next; o; o = next) {
    next = o->next;
    free(o);
  }
}

/* ---- one ---- */

/* A path's outcome: what to print, and how its runs ended. */
struct outcome {
  char *text, *log; /* log: of --events */
  size_t len, log_len;
  FILE *events;
  unsigned passed, failed, notes, reordered, liberties;
  bool unreadable, done;
};

static char *read_file(const char *path, size_t *len) {
  FILE *f = fopen(path, "re");
  char *text = NULL;
  size_t cap = 0;
  *len = 0;
  if (!f)
    return NULL;
  for (;;) {
    if (*len == cap) {
      cap = cap ? cap * 2 : 16384;
      char *more = cap <= SCRIPT_MAX ? realloc(text, cap) : NULL;
      if (!more)
        break;
      text = more;
    }
    size_t n = fread(text + *len, 1, cap - *len, f);
    *len += n;
    if (!n) {
      bool bad = ferror(f);
      int e = errno;
      fclose(f);
      if (!bad)
        return text;
      free(text);
      errno = e;
      return NULL;
    }
  }
  fclose(f);
  free(text);
  errno = EFBIG;
  return NULL;
}

static void put_json(FILE *out, json_t *o) {
  char *text = json_dumps(o, JSON_COMPACT);
  fprintf(out, "%s\n", text ? text : "{}");
  free(text);
  json_decref(o);
}

static void unreadable(const struct drill_ask *a, FILE *out, const char *path, struct place at, const char *why) {
  if (a->json)
    put_json(out, json_pack("{s:s, s:b, s:b, s:i, s:i, s:s}", "script", path, "ok", 0, "unreadable", 1, "line", at.line, "column",
                            at.column, "failure", why));
  else if (at.line)
    fprintf(out, "%s:%d:%d: %s\n", path, at.line, at.column, why);
  else
    fprintf(out, "%s: %s\n", path, why);
}

static void run_json(FILE *out, const struct run *r) {
  json_t *notes = json_array();
  for (unsigned i = 0; i < r->nnotes; i++)
    json_array_append_new(notes, json_string(r->notes[i]));
  json_t *o =
    json_pack("{s:s, s:s, s:b, s:i, s:f, s:o, s:i, s:i}", "script", r->script->file, "family", la__drill_family_name(r->script->family),
              "ok", !r->failed, "events", (int)r->events, "seconds", (double)drill_script_time(r->now) / 1e9, "notes", notes, "reordered",
              (int)r->reordered, "liberties", (int)r->liberties);
  if (r->failed) {
    json_object_set_new(o, "line", json_integer(r->fail_at.line));
    json_object_set_new(o, "column", json_integer(r->fail_at.column));
    json_object_set_new(o, "failure", json_string(r->failure));
    if (r->detail)
      json_object_set_new(o, "detail", json_string(r->detail));
  }
  put_json(out, o);
}

static void tell(const struct drill_ask *a, FILE *out, const struct run *r, bool named_family) {
  if (a->json) {
    run_json(out, r);
    return;
  }
  const char *family = named_family ? la__drill_family_name(r->script->family) : "";
  if (r->failed) {
    if (named_family)
      fprintf(out, "over %s: ", family);
    la__report_print(out, r, !a->quiet);
    if (!a->quiet)
      fputc('\n', out);
  } else if (a->verbose) {
    fprintf(out, "ok %s%s%s: %u events, %.6f s\n", r->script->file, named_family ? " over " : "", family, r->events,
            (double)drill_script_time(r->now) / 1e9);
  }
  if (a->verbose && r->reordered)
    fprintf(out, "note: %s: options in another order or padded otherwise: %u packets\n", r->script->file, r->reordered);
  if (a->verbose && r->liberties)
    fprintf(out, "note: %s: PSH, or a window by less than a segment or in a RST, differs: %u packets\n", r->script->file, r->liberties);
  for (unsigned i = 0; a->verbose && i < r->nnotes; i++)
    fprintf(out, "note: %s: %s\n", r->script->file, r->notes[i]);
}

static bool tied_to_family(const struct script *s) {
  for (const struct drill_option *o = s->options; o; o = o->next)
    if (strcmp(o->name, "ip_version") == 0 || strcmp(o->name, "local_ip") == 0 || strcmp(o->name, "remote_ip") == 0)
      return true;
  return false;
}

static bool undefined(const struct drill_ask *a, const char *name) {
  for (const struct drill_define *d = a->defines; d; d = d->next)
    if (strcmp(d->name, name) == 0)
      return !d->value;
  return false;
}

static void add_drawing(struct draw_doc *doc, const struct run *r) {
  struct drawing *d = la__report_draw(r);
  if (!d)
    abort();
  snprintf(d->heading, sizeof d->heading, "%s: %s", la__drill_family_name(r->script->family), r->failed ? "failed" : "passed");
  if (r->failed)
    snprintf(d->verdict, sizeof d->verdict, "line %d: %s", r->fail_at.line, r->failure);
  if (!la__doc_add(doc, d))
    abort();
}

/* In one family; true when the script is tied to it, so that others make no sense. */
static bool run_in(const struct drill_ask *a, FILE *out, const char *path, const char *text, size_t len, enum drill_family family,
                   struct outcome *o) {
  struct script_error err = {0};
  struct script *s = la__script_parse(path, text, len, family, a->defines, !undefined(a, "STANDARD"), &err);
  if (!s) {
    o->unreadable = true;
    unreadable(a, out, path, err.at, err.text);
    return true;
  }
  bool tied = tied_to_family(s);
  /* As packetdrill's suites are run: 20 bytes more for the longer header, so that a script has the same MSS in every family. */
  struct drill_option mtu = {.name = "mtu", .value = "1520", .at = {1, 1}, .next = a->options};
  bool longer = a->all_families && !tied && family == DRILL_IP6;
  struct drill_settings settings = {.preset = a->preset, .options = longer ? &mtu : a->options};
  if (o->events) {
    settings.events =
      la__events_new(o->events, &(struct events_opts){.title = path, .detail = a->log.detail, .virtual_time = true, .zero = DRILL_EPOCH});
    if (settings.events)
      la__events_started(settings.events, DRILL_EPOCH);
  }
  struct run *r = la__drill_run(s, &settings);
  if (!r)
    abort();
  la__events_free(settings.events);
  if (a->doc)
    add_drawing(a->doc, r);
  if (!la__drawings_to_stdout(&a->draw))
    tell(a, out, r, a->all_families && !tied);
  o->passed += !r->failed;
  o->failed += r->failed;
  o->notes += r->nnotes;
  o->reordered += r->reordered;
  o->liberties += r->liberties;
  la__drill_free(r);
  la__script_free(s);
  return tied;
}

static void run_path(const struct drill_ask *a, const char *path, struct outcome *o) {
  size_t len;
  FILE *out = open_memstream(&o->text, &o->len);
  if (!out)
    abort();
  if (a->events && !(o->events = open_memstream(&o->log, &o->log_len)))
    abort();
  char *text = read_file(path, &len);
  if (!text) {
    o->unreadable = true;
    unreadable(a, out, path, (struct place){0, 0}, strerror(errno));
  } else if (!a->all_families) {
    run_in(a, out, path, text, len, a->family, o);
  } else {
    for (int f = DRILL_IP4; f <= DRILL_MAPPED; f++)
      if (run_in(a, out, path, text, len, (enum drill_family)f, o))
        break;
  }
  free(text);
  fclose(out);
  if (o->events)
    fclose(o->events);
}

/* ---- all ---- */

struct work {
  const struct drill_ask *a;
  struct outcome *outcomes;
  size_t next, printed;
  pthread_mutex_t lock;
};

/* Prints what is done and has nothing undone before it. */
static void print_ready(struct work *w) {
  while (w->printed < w->a->npaths && w->outcomes[w->printed].done) {
    struct outcome *o = &w->outcomes[w->printed++];
    fwrite(o->text, 1, o->len, stdout);
    free(o->text);
    if (o->events)
      fwrite(o->log, 1, o->log_len, w->a->events);
    free(o->log);
  }
}

static void *worker(void *arg) {
  struct work *w = arg;
  pthread_mutex_lock(&w->lock);
  while (w->next < w->a->npaths) {
    size_t i = w->next++;
    pthread_mutex_unlock(&w->lock);
    run_path(w->a, w->a->paths[i], &w->outcomes[i]);
    pthread_mutex_lock(&w->lock);
    w->outcomes[i].done = true;
    print_ready(w);
  }
  pthread_mutex_unlock(&w->lock);
  return NULL;
}

static int summary(const struct work *w) {
  size_t passed = 0, failed = 0, unread = 0, notes = 0, reordered = 0, liberties = 0;
  for (size_t i = 0; i < w->a->npaths; i++) {
    passed += w->outcomes[i].passed;
    failed += w->outcomes[i].failed;
    unread += w->outcomes[i].unreadable;
    notes += w->outcomes[i].notes;
    reordered += w->outcomes[i].reordered;
    liberties += w->outcomes[i].liberties;
  }
  if (!w->a->json && !la__drawings_to_stdout(&w->a->draw)) {
    if (notes && !w->a->verbose)
      printf("%zu commands and settings of the scripts have no counterpart here (-v names them)\n", notes);
    if (reordered && !w->a->verbose)
      printf("%zu packets had their options in another order or padded otherwise (-v tells where, --strict forbids it)\n", reordered);
    if (liberties && !w->a->verbose)
      printf("%zu packets differed in what RFC 9293 leaves free: PSH, a window by less than a segment or in a RST (-v tells where, "
             "--strict forbids it)\n",
             liberties);
    printf("%zu passed, %zu failed", passed, failed);
    if (unread)
      printf(", %zu unreadable", unread);
    putchar('\n');
  }
  return unread ? EXIT_USAGE : failed ? EXIT_FAIL : EXIT_OK;
}

int la__drill_all(const struct drill_ask *a) {
  struct work w = {.a = a, .outcomes = calloc(a->npaths, sizeof *w.outcomes), .lock = PTHREAD_MUTEX_INITIALIZER};
  size_t jobs = a->jobs < a->npaths ? a->jobs : a->npaths, started = 0;
  pthread_t *t = calloc(jobs, sizeof *t);
  if (!w.outcomes || !t)
    abort();
  while (started + 1 < jobs && pthread_create(&t[started], NULL, worker, &w) == 0)
    started++;
  worker(&w);
  for (size_t i = 0; i < started; i++)
    pthread_join(t[i], NULL);
  int status = summary(&w);
  free(t);
  free(w.outcomes);
  return status;
}

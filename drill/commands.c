/* SPDX-License-Identifier: MIT */
/*
 * Commands between back quotes. Nothing is ever executed: as much of the shell's language is read as test scripts use, sysctls become
 * settings, shell files beside the script are read for theirs, and everything else is noted and skipped.
 */
#include "drill/tuning.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

enum { WORDS_MAX = 64, WORD_MAX = 512, FILE_MAX = 1 << 16, DEPTH_MAX = 4 };

struct shell {
  struct run *r;
  const char *p;
  char *word[WORDS_MAX];
  unsigned n;
  char *target; /* of > */
  unsigned depth;
  const char *dir;    /* of the file that is read */
  char before, after; /* what stands between this command and its neighbours; 0: nothing */
  bool counts;        /* the command before printed nstat's counters */
  struct place at;
};

/* ---- arithmetic: $((15*1024*1024)) ---- */

static int64_t sum(const char **p);
static int64_t atom(const char **p) {
  *p += strspn(*p, " \t");
  if (**p == '(') {
    ++*p;
    int64_t v = sum(p);
    *p += strspn(*p, " \t");
    *p += **p == ')';
    return v;
  }
  char *end;
  int64_t v = strtoll(*p, &end, 0);
  *p = end;
  return v;
}
static int64_t product(const char **p) {
  int64_t v = atom(p);
  for (;;) {
    *p += strspn(*p, " \t");
    char op = **p;
    if (op != '*' && op != '/')
      return v;
    ++*p;
    int64_t w = atom(p);
    if (op == '*') {
      if (__builtin_mul_overflow(v, w, &v))
        v = 0;
    } else {
      v = w && w != -1 ? v / w : 0;
    }
  }
}
static int64_t sum(const char **p) {
  int64_t v = product(p);
  for (;;) {
    *p += strspn(*p, " \t");
    char op = **p;
    if (op != '+' && op != '-')
      return v;
    ++*p;
    int64_t w = product(p);
    if (op == '+' ? __builtin_add_overflow(v, w, &v) : __builtin_sub_overflow(v, w, &v))
      v = 0;
  }
}

/* ---- words ---- */

struct buffer {
  char text[WORD_MAX];
  size_t n;
};
static void put(struct buffer *b, char c) {
  if (b->n < sizeof b->text - 1)
    b->text[b->n++] = c;
}

/* After a dollar sign. A variable is unknown: nothing stands in its place. */
static void expand(struct shell *s, struct buffer *b) {
  if (s->p[0] == '(' && s->p[1] == '(') {
    s->p += 2;
    char text[32];
    snprintf(text, sizeof text, "%lld", (long long)sum(&s->p));
    for (const char *c = text; *c; c++)
      put(b, *c);
    while (*s->p == ')')
      s->p++;
  } else if (*s->p == '{') {
    s->p += strcspn(s->p, "}");
    s->p += *s->p == '}';
  } else {
    while (isalnum((unsigned char)*s->p) || *s->p == '_')
      s->p++;
  }
}

static void quoted(struct shell *s, struct buffer *b, char quote) {
  while (*s->p && *s->p != quote) {
    if (quote == '"' && *s->p == '$') {
      s->p++;
      expand(s, b);
    } else if (quote == '"' && *s->p == '\\' && s->p[1]) {
      put(b, s->p[1]);
      s->p += 2;
    } else {
      put(b, *s->p++);
    }
  }
  s->p += *s->p == quote;
}

static char *word(struct shell *s) {
  struct buffer b = {.n = 0};
  while (*s->p && !strchr(" \t\n;|&<>", *s->p)) {
    char c = *s->p++;
    if (c == '\\' && *s->p == '\n')
      s->p++;
    else if (c == '\\' && *s->p)
      put(&b, *s->p++);
    else if (c == '\'' || c == '"')
      quoted(s, &b, c);
    else if (c == '$')
      expand(s, &b);
    else
      put(&b, c);
  }
  b.text[b.n] = 0;
  return la__drill_text(s->r, "%s", b.text);
}

static void blanks(struct shell *s) {
  for (;;) {
    s->p += strspn(s->p, " \t\r");
    if (s->p[0] == '\\' && s->p[1] == '\n')
      s->p += 2;
    else if (*s->p == '#')
      s->p += strcspn(s->p, "\n");
    else
      return;
  }
}

/* One simple command; false at the end of the text. */
static bool next(struct shell *s) {
  s->n = 0;
  s->target = NULL;
  s->before = s->after;
  s->after = 0;
  for (;;) {
    blanks(s);
    if (!*s->p)
      return s->n > 0;
    if (strchr("\n;|", *s->p) || (*s->p == '&' && s->p[1] != '>')) {
      s->after = *s->p++;
      if (s->n)
        return true;
    } else if (*s->p == '>' || *s->p == '<' || *s->p == '&') {
      while (*s->p == '>' || *s->p == '<' || *s->p == '&')
        s->p++;
      blanks(s);
      s->target = word(s);
    } else {
      char *w = word(s);
      bool number = *w && w[strspn(w, "0123456789")] == 0;
      if (number && (*s->p == '>' || *s->p == '<'))
        continue; /* 2> */
      if (s->n < WORDS_MAX)
        s->word[s->n++] = w;
    }
  }
}

/* ---- what they mean ---- */

static bool ends(const char *s, const char *tail) {
  size_t n = strlen(s), m = strlen(tail);
  return n >= m && strcmp(s + n - m, tail) == 0;
}
static const char *base(const char *path) {
  const char *slash = strrchr(path, '/');
  return slash ? slash + 1 : path;
}

static void assignment(struct run *r, const char *w) {
  const char *eq = strchr(w, '=');
  if (!eq || *w == '-')
    return;
  const char *proc = "/proc/sys/";
  if (strncmp(w, proc, strlen(proc)) == 0)
    w += strlen(proc);
  la__sysctl_set(r, la__drill_text(r, "%.*s", (int)(eq - w), w), eq + 1);
}

static void read_text(struct shell *s, const char *text);

static void read_file(struct shell *s, const char *path) {
  char *full = *path == '/' ? la__drill_text(s->r, "%s", path) : la__drill_text(s->r, "%s%s", s->dir, path);
  if (strncmp(path, "/tmp/", 5) == 0) /* what set_sysctls.py writes to undo itself: each script starts anew here */
    return;
  FILE *f = s->depth < DEPTH_MAX ? fopen(full, "re") : NULL;
  if (!f) {
    la__drill_note(s->r, "cannot read %s", path);
    return;
  }
  char *text = la__drill_alloc(s->r, FILE_MAX + 1);
  size_t n = fread(text, 1, FILE_MAX, f);
  text[n] = 0;
  fclose(f);
  struct shell inner = {.r = s->r, .depth = s->depth + 1, .dir = s->dir};
  read_text(&inner, text);
}

/* nstat, and what picks a counter from it. */
static bool counters(struct shell *s, const char *name) {
  bool piped = s->counts && s->before == '|';
  s->counts = strcmp(name, "nstat") == 0;
  if (s->counts) {
    la__nstat(s->r, s->n > 1 && *s->word[1] == '-' ? s->word[1] + 1 : "");
    return true;
  }
  if (!piped || strcmp(name, "grep") != 0)
    return false;
  unsigned i = 1;
  while (i < s->n && *s->word[i] == '-')
    i++;
  if (i < s->n)
    la__nstat_grep(s->r, s->word[i], s->at);
  return true;
}

static void interpret(struct shell *s) {
  static const char *const silent[] = {"true", "false", ":", "cd", "exit", "set", "sync", "kldload"};
  const char *name = base(s->word[0]);
  const char *proc = "/proc/sys/";
  if (counters(s, name))
    return;
  if (strcmp(name, "sysctl") == 0 || strcmp(name, "set_sysctls.py") == 0) {
    for (unsigned i = 1; i < s->n; i++)
      assignment(s->r, s->word[i]);
    return;
  }
  if (strcmp(name, "echo") == 0 && s->target && strncmp(s->target, proc, strlen(proc)) == 0 && s->n > 1) {
    la__sysctl_set(s->r, s->target + strlen(proc), s->word[1]);
    return;
  }
  if (ends(name, ".sh") && strchr(s->word[0], '/')) {
    read_file(s, s->word[0]);
    return;
  }
  if ((strcmp(name, "sh") == 0 || strcmp(name, "bash") == 0 || strcmp(name, ".") == 0 || strcmp(name, "source") == 0) && s->n > 1 &&
      *s->word[1] != '-') {
    read_file(s, s->word[1]);
    return;
  }
  for (unsigned i = 0; i < sizeof silent / sizeof *silent; i++)
    if (strcmp(name, silent[i]) == 0)
      return;
  if (strchr(name, '=')) /* a variable */
    return;
  la__drill_note(s->r, "command %s is not executed", name);
}

static void read_text(struct shell *s, const char *text) {
  s->p = text;
  while (next(s))
    interpret(s);
}

bool la__command_event(struct run *r, const char *text, struct place at) {
  const char *file = r->script->file, *slash = strrchr(file, '/');
  struct shell s = {.r = r, .dir = slash ? la__drill_text(r, "%.*s", (int)(slash - file + 1), file) : "", .at = at};
  read_text(&s, text);
  return !r->failed;
}

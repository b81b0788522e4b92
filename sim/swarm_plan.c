/* SPDX-License-Identifier: MIT */
/* A plan as text and back. One line an item: `flow client=0 server=1 a.tx=2000`; what is usual is not said. */
#include "sim/swarm_plan.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define WORLD_ROW(name, usual) {#name, offsetof(struct sw_plan, name), usual},
#define HOST_ROW(name, usual) {#name, offsetof(struct sw_host_plan, name), usual},
#define FAULT_ROW(name, usual) {#name, offsetof(struct sw_fault_plan, name), usual},
#define FLOW_ROW(name, usual) {#name, offsetof(struct sw_flow_plan, name), usual},
#define END_ROW(name, usual) {#name, offsetof(struct sw_end_plan, name), usual},
static const struct sw_knob world_knobs[] = {SW_WORLD_KNOBS(WORLD_ROW){NULL, 0, 0}};
static const struct sw_knob host_knobs[] = {SW_HOST_KNOBS(HOST_ROW) SW_CONFIG_KNOBS(HOST_ROW) SW_CLOCK_KNOBS(HOST_ROW){NULL, 0, 0}};
static const struct sw_knob fault_knobs[] = {SW_FAULT_KNOBS(FAULT_ROW){NULL, 0, 0}};
static const struct sw_knob flow_knobs[] = {SW_FLOW_KNOBS(FLOW_ROW){NULL, 0, 0}};
static const struct sw_knob end_knobs[] = {SW_END_KNOBS(END_ROW){NULL, 0, 0}};

static const char *const names[SW_ITEMS] = {"world", "host", "fault", "flow", "end"};

const struct sw_knob *la__sw_knobs(enum sw_item item) {
  static const struct sw_knob *const all[SW_ITEMS] = {world_knobs, host_knobs, fault_knobs, flow_knobs, end_knobs};
  return all[item];
}

void la__sw_usual(enum sw_item item, void *p) {
  for (const struct sw_knob *k = la__sw_knobs(item); k->name; k++)
    *sw_knob_of(p, k) = k->usual;
  if (item == SW_ITEM_FLOW)
    for (unsigned i = 0; i < 2; i++)
      la__sw_usual(SW_ITEM_END, &((struct sw_flow_plan *)p)->end[i]);
}

static void print_knobs(FILE *out, enum sw_item item, const void *p, const char *prefix) {
  for (const struct sw_knob *k = la__sw_knobs(item); k->name; k++) {
    uint64_t v = *(const uint64_t *)(const void *)((const char *)p + k->at);
    if (v != k->usual)
      fprintf(out, " %s%s=%" PRIu64, prefix, k->name, v);
  }
}

static void print_item(FILE *out, enum sw_item item, const void *p) {
  fputs(names[item], out);
  print_knobs(out, item, p, "");
  if (item == SW_ITEM_FLOW) {
    print_knobs(out, SW_ITEM_END, &((const struct sw_flow_plan *)p)->end[0], "a.");
    print_knobs(out, SW_ITEM_END, &((const struct sw_flow_plan *)p)->end[1], "b.");
  }
  fputc('\n', out);
}

void la__sw_print(FILE *out, const struct sw_plan *p) {
  print_item(out, SW_ITEM_WORLD, p);
  for (unsigned i = 0; i < p->hosts; i++)
    print_item(out, SW_ITEM_HOST, &p->host[i]);
  for (unsigned i = 0; i < p->flows; i++)
    print_item(out, SW_ITEM_FLOW, &p->flow[i]);
  for (unsigned i = 0; i < p->faults; i++)
    print_item(out, SW_ITEM_FAULT, &p->fault[i]);
}

/* "name=number" into the item. */
static bool set_knob(enum sw_item item, void *p, char *word) {
  char *eq = strchr(word, '='), *end;
  if (!eq)
    return false;
  if (item == SW_ITEM_FLOW && (word[0] == 'a' || word[0] == 'b') && word[1] == '.')
    return set_knob(SW_ITEM_END, &((struct sw_flow_plan *)p)->end[word[0] - 'a'], word + 2);
  *eq = 0;
  for (const struct sw_knob *k = la__sw_knobs(item); k->name; k++)
    if (strcmp(k->name, word) == 0) {
      *sw_knob_of(p, k) = strtoull(eq + 1, &end, 10);
      return end != eq + 1 && !*end;
    }
  return false;
}

/* A new item of that kind; NULL: there is no room. */
static void *item_new(struct sw_plan *p, enum sw_item item) {
  void *v = NULL;
  if (item == SW_ITEM_WORLD)
    return p;
  if (item == SW_ITEM_HOST && p->hosts < SW_HOSTS)
    v = &p->host[p->hosts++];
  else if (item == SW_ITEM_FLOW && p->flows < SW_FLOWS)
    v = &p->flow[p->flows++];
  else if (item == SW_ITEM_FAULT && p->faults < SW_FAULTS)
    v = &p->fault[p->faults++];
  if (v)
    la__sw_usual(item, v);
  return v;
}

static bool read_line(struct sw_plan *p, char *line, char *err) {
  char *save = NULL, *word = strtok_r(line, " \t\r\n", &save);
  if (!word || *word == '#')
    return true;
  unsigned item = 0;
  while (item < SW_ITEM_END && strcmp(names[item], word) != 0)
    item++;
  void *v = item < SW_ITEM_END ? item_new(p, (enum sw_item)item) : NULL;
  if (!v) {
    snprintf(err, 200, "no item, or one too many: %.100s", word);
    return false;
  }
  while ((word = strtok_r(NULL, " \t\r\n", &save)) && *word != '#') {
    if (set_knob((enum sw_item)item, v, word))
      continue;
    snprintf(err, 200, "%s: not a knob, or not a number: %.100s", names[item], word);
    return false;
  }
  return true;
}

bool la__sw_read(FILE *in, struct sw_plan *p, char *err) {
  char line[8192];
  memset(p, 0, sizeof *p);
  la__sw_usual(SW_ITEM_WORLD, p);
  while (fgets(line, sizeof line, in))
    if (!read_line(p, line, err))
      return false;
  la__sw_settle(p);
  if (p->hosts >= 2)
    return true;
  snprintf(err, 200, "a world has two hosts at least");
  return false;
}

void la__sw_settle(struct sw_plan *p) {
  unsigned n = 0;
  for (unsigned i = 0; i < p->flows; i++) {
    struct sw_flow_plan f = p->flow[i];
    if (f.client < p->hosts && f.server < p->hosts && f.client != f.server)
      p->flow[n++] = f;
  }
  p->flows = n;
  n = 0;
  for (unsigned i = 0; i < p->faults; i++) {
    struct sw_fault_plan f = p->fault[i];
    if (f.host < p->hosts && f.kind < FAULTS && f.kind != FAULT_NONE)
      p->fault[n++] = f;
  }
  p->faults = n;
}

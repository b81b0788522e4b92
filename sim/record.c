/* SPDX-License-Identifier: MIT */
#include "sim/record.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static bool record(const struct world *w, const char *path, char *err, size_t cap) {
  la_pcapng *p = (w->ether ? la_pcapng_open_ether : la_pcapng_open)(path, err, cap);
  if (!p)
    return false;
  for (size_t i = 0; i < w->nlog; i++) {
    const struct pkt *k = w->log[i];
    la_pcapng_write(p, k->sent, k->from && k->from->no == 0, k->frame, k->frame_len, NULL);
  }
  if (la_pcapng_close(p))
    return true;
  snprintf(err, cap, "%s: cannot write: %s", path, strerror(errno));
  return false;
}

bool la__record_sim(const struct sim *s, const char *prefix, char *err, size_t cap) {
  for (size_t i = 0; i < s->nworlds; i++) {
    char path[4096];
    if ((size_t)snprintf(path, sizeof path, "%s-%zu.pcapng", prefix, i + 1) >= sizeof path) {
      snprintf(err, cap, "%.100s…: the name is too long", prefix);
      return false;
    }
    if (!record(s->world[i], path, err, cap))
      return false;
  }
  return true;
}

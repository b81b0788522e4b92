/* SPDX-License-Identifier: MIT */
#undef _TIME_BITS /* libpcap's struct timeval is that of its own build: Debian's on 32-bit machines has 32-bit seconds */
#include "capture/filter.h"

#include <stdio.h>

enum { SNAP = 262144, LINKTYPE_RAW = 101 };

static bool compile(const char *text, int link, struct bpf_program *prog, char *err, size_t cap) {
  pcap_t *dead = pcap_open_dead(link == LINKTYPE_RAW ? DLT_RAW : link, SNAP);
  bool ok = dead && pcap_compile(dead, prog, text, 1, PCAP_NETMASK_UNKNOWN) == 0;
  if (!ok && err)
    snprintf(err, cap, "%s", dead ? pcap_geterr(dead) : "out of memory");
  if (dead)
    pcap_close(dead);
  return ok;
}

bool la__filter_init(struct filter *f, const char *text, char *err, size_t cap) {
  struct bpf_program prog;
  *f = (struct filter){.text = text};
  if (!text)
    return true;
  if (!compile(text, DLT_RAW, &prog, err, cap))
    return false;
  pcap_freecode(&prog);
  return true;
}

bool la__filter_match(struct filter *f, const struct packet *p) {
  size_t i = 0;
  if (!f->text)
    return true;
  while (i < f->n && f->made[i].link != p->link)
    i++;
  if (i == FILTER_LINKS)
    return false;
  if (i == f->n) {
    f->made[i].link = p->link;
    f->made[i].usable = compile(f->text, p->link, &f->made[i].prog, NULL, 0);
    f->n++;
  }
  const struct pcap_pkthdr h = {.caplen = p->cap, .len = p->len};
  return f->made[i].usable && pcap_offline_filter(&f->made[i].prog, &h, p->data) != 0;
}

void la__filter_free(struct filter *f) {
  for (size_t i = 0; i < f->n; i++)
    if (f->made[i].usable)
      pcap_freecode(&f->made[i].prog);
  f->n = 0;
}

/* SPDX-License-Identifier: MIT */
/* libpcap's filter expressions, for captures of mixed link types: compiled for each type that comes. */
#ifndef LA_CAPTURE_FILTER_H
#define LA_CAPTURE_FILTER_H

#include <stdbool.h>
#include <stddef.h>

#include <pcap/pcap.h>

#include "capture/packet.h"

enum { FILTER_LINKS = 16 };

struct filter {
  const char *text; /* NULL: everything matches */
  size_t n;
  struct {
    int link;
    bool usable; /* the expression means something for this link type */
    struct bpf_program prog;
  } made[FILTER_LINKS];
};

/* false: it means nothing even for IP packets; `err` says why. The text must outlive the filter. */
bool la__filter_init(struct filter *f, const char *text, char *err, size_t cap);
bool la__filter_match(struct filter *f, const struct packet *p);
void la__filter_free(struct filter *f);

#endif

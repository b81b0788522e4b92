/* SPDX-License-Identifier: MIT */
/* What a script is run with: packetdrill's options, and the sysctls of its commands, as fields of the stack. */
#ifndef LA_DRILL_TUNING_H
#define LA_DRILL_TUNING_H

#include "drill/run.h"

struct tuning {
  la_config cfg;
  la_posix_opts posix;
  la_time tolerance;
  unsigned tolerance_permille;
  unsigned ts_tick_usecs; /* 0: timestamps that are sent are not checked */
  bool ts_ecr_scaled, strict_segments, strict;
  uint32_t mtu;
  la_addr local, remote; /* as on the wire */
  unsigned prefix_len;
  uint16_t bind_port, connect_port;
  bool freebsd;      /* the script was written for it */
  bool keepalive_on; /* sockets are made with SO_KEEPALIVE */
  int keepalive[3];  /* idle, interval, probes that sockets are made with; 0: the default */
  enum drill_family family;
};

/* The preset, then the script's options, then those of the command line. */
bool la__tuning_new(struct run *r);
/* As sockets of this family see an address of the wire. */
la_sockaddr la__tuning_sockaddr(const struct tuning *t, const la_addr *a, uint16_t port);

/* sysctl.c: `name` with dots or slashes. What the stack does not have is noted. Before and after the stack is made. */
void la__sysctl_set(struct run *r, const char *name, const char *value);

/* freebsd.c */
bool la__freebsd_script(const struct script *s);
void la__freebsd_buffers(struct tuning *t);
void la__freebsd_clocks(struct tuning *t);
/* true: done, or nothing to do. */
bool la__freebsd_sysctl(struct run *r, const char *name, const char *value);

#endif

/* SPDX-License-Identifier: MIT */
/*
 * How many connections and TIME-WAIT records hold each local port, and how many of them without SO_REUSEADDR: what
 * bind must know in constant time. Beside that, how many sockets above have reserved it, which keeps it from being chosen as an
 * ephemeral one. Pages of 256 ports, present only while one of them is held or reserved.
 */
#ifndef LA_TCP_PORTS_H
#define LA_TCP_PORTS_H

#include "mem/mem.h"

struct port_page;
struct ports {
  struct port_page *page[256];
  struct port_page *spare; /* one that is not needed, kept against thrashing; its counts are all zero */
};
void la__ports_done(struct ports *p, struct mem *m);
void la__ports_trim(struct ports *p, struct mem *m);
/* false: memory. */
bool la__port_hold(struct ports *p, struct mem *m, uint16_t port, bool reuse);
void la__port_drop(struct ports *p, struct mem *m, uint16_t port, bool reuse);
uint32_t la__port_held(const struct ports *p, uint16_t port);
uint32_t la__port_held_without_reuse(const struct ports *p, uint16_t port);
/* false: memory. */
bool la__port_reserve(struct ports *p, struct mem *m, uint16_t port);
void la__port_unreserve(struct ports *p, struct mem *m, uint16_t port);
bool la__port_reserved(const struct ports *p, uint16_t port);

#endif

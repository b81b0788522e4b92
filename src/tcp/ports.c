/* SPDX-License-Identifier: MIT */
#include "tcp/ports.h"

#include "base/bytes.h"
#include "base/check.h"

struct port_page {
  uint32_t total; /* of the page: when it falls to 0 the page goes */
  uint32_t all[256], no_reuse[256], reserved[256];
};

void la__ports_done(struct ports *p, struct mem *m) {
  for (unsigned i = 0; i < 256; i++) {
    mem_free(m, p->page[i], sizeof(struct port_page));
    p->page[i] = 0;
  }
  la__ports_trim(p, m);
}

void la__ports_trim(struct ports *p, struct mem *m) {
  mem_free(m, p->spare, sizeof(struct port_page));
  p->spare = 0;
}

/* The port's page with one more entry, made when there is none; NULL: memory. */
static struct port_page *enter(struct ports *p, struct mem *m, uint16_t port) {
  struct port_page *page = p->page[port >> 8];
  if (!page) {
    page = p->spare;
    p->spare = 0;
    if (!page) {
      page = mem_alloc(m, sizeof *page);
      if (!page)
        return 0;
      memset(page, 0, sizeof *page);
    }
    p->page[port >> 8] = page;
  }
  page->total++;
  return page;
}

static void leave(struct ports *p, struct mem *m, uint16_t port) {
  struct port_page *page = p->page[port >> 8];
  if (--page->total == 0) {
    p->page[port >> 8] = 0;
    if (p->spare)
      mem_free(m, page, sizeof *page);
    else
      p->spare = page;
  }
}

bool la__port_hold(struct ports *p, struct mem *m, uint16_t port, bool reuse) {
  struct port_page *page = enter(p, m, port);
  if (!page)
    return false;
  page->all[port & 255]++;
  if (!reuse)
    page->no_reuse[port & 255]++;
  return true;
}

void la__port_drop(struct ports *p, struct mem *m, uint16_t port, bool reuse) {
  struct port_page *page = p->page[port >> 8];
  LA_CHECK(page && page->all[port & 255] > 0);
  page->all[port & 255]--;
  if (!reuse)
    page->no_reuse[port & 255]--;
  leave(p, m, port);
}

bool la__port_reserve(struct ports *p, struct mem *m, uint16_t port) {
  struct port_page *page = enter(p, m, port);
  if (!page)
    return false;
  page->reserved[port & 255]++;
  return true;
}

void la__port_unreserve(struct ports *p, struct mem *m, uint16_t port) {
  struct port_page *page = p->page[port >> 8];
  LA_CHECK(page && page->reserved[port & 255] > 0);
  page->reserved[port & 255]--;
  leave(p, m, port);
}

bool la__port_reserved(const struct ports *p, uint16_t port) {
  const struct port_page *page = p->page[port >> 8];
  return page && page->reserved[port & 255] > 0;
}

uint32_t la__port_held(const struct ports *p, uint16_t port) {
  const struct port_page *page = p->page[port >> 8];
  return page ? page->all[port & 255] : 0;
}

uint32_t la__port_held_without_reuse(const struct ports *p, uint16_t port) {
  const struct port_page *page = p->page[port >> 8];
  return page ? page->no_reuse[port & 255] : 0;
}

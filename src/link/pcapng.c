/* SPDX-License-Identifier: MIT */
/*
 * A pcapng file (draft-ietf-opsawg-pcapng): one section in this machine's byte order, one interface of
 * LINKTYPE_RAW or LINKTYPE_ETHERNET with nanosecond timestamps, one Enhanced Packet Block a packet. Each line of a comment
 * becomes an opt_comment of its own, so that display filters see them apart.
 */
#include <lastack/lastack.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { BLOCK_SHB = 0x0A0D0D0A, BLOCK_IDB = 1, BLOCK_EPB = 6 };
enum { OPT_END = 0, OPT_COMMENT = 1, SHB_USERAPPL = 4, IDB_NAME = 2, IDB_TSRESOL = 9, EPB_FLAGS = 2 };
enum { LINKTYPE_ETHERNET = 1, LINKTYPE_RAW = 101, DIR_IN = 1, DIR_OUT = 2, COMMENT_MAX = 60000 };

struct la_pcapng {
  FILE *f;
  int err; /* errno of the first write that failed */
};

static uint32_t padded(size_t n) { return (uint32_t)((n + 3) & ~(size_t)3); }

static void put(la_pcapng *p, const void *data, size_t n) {
  errno = 0;
  if (!p->err && n && fwrite(data, 1, n, p->f) != n)
    p->err = errno ? errno : EIO;
}

static void put32(la_pcapng *p, uint32_t v) { put(p, &v, sizeof v); }

static void put_padded(la_pcapng *p, const void *data, size_t n) {
  static const uint8_t zero[4];
  put(p, data, n);
  put(p, zero, padded(n) - n);
}

static void put_option(la_pcapng *p, uint16_t code, const void *data, size_t n) {
  uint16_t head[2] = {code, (uint16_t)n};
  put(p, head, sizeof head);
  put_padded(p, data, n);
}

/* The next line of *text, at most COMMENT_MAX bytes of it; 0: none is left. Empty lines are passed over. */
static size_t next_line(const char **text, const char **line) {
  while (**text == '\n')
    (*text)++;
  *line = *text;
  size_t n = strcspn(*text, "\n");
  *text += n;
  return n < COMMENT_MAX ? n : COMMENT_MAX;
}

static void put_section(la_pcapng *p) {
  static const char app[] = "lastack " LA_VERSION;
  uint32_t len = 28 + 4 + padded(sizeof app - 1) + 4;
  put32(p, BLOCK_SHB);
  put32(p, len);
  put32(p, 0x1A2B3C4D);
  put(p, (uint16_t[2]){1, 0}, 4);
  put(p, (int64_t[1]){-1}, 8); /* the section's length is not told */
  put_option(p, SHB_USERAPPL, app, sizeof app - 1);
  put_option(p, OPT_END, NULL, 0);
  put32(p, len);
}

static void put_interface(la_pcapng *p, uint16_t type) {
  static const char name[] = "lastack";
  uint8_t nano = 9;
  uint32_t len = 20 + 4 + padded(sizeof name - 1) + 8 + 4;
  put32(p, BLOCK_IDB);
  put32(p, len);
  put(p, (uint16_t[2]){type, 0}, 4);
  put32(p, 0); /* packets are never cut */
  put_option(p, IDB_NAME, name, sizeof name - 1);
  put_option(p, IDB_TSRESOL, &nano, 1);
  put_option(p, OPT_END, NULL, 0);
  put32(p, len);
}

static la_pcapng *open_file(const char *path, uint16_t type, char *err, size_t err_cap) {
  la_pcapng *p = calloc(1, sizeof *p);
  if (p && !(p->f = fopen(path, "wbe"))) {
    free(p);
    p = NULL;
  }
  if (!p) {
    if (err && err_cap)
      snprintf(err, err_cap, "%.100s: cannot write: %s", path, strerror(errno));
    return NULL;
  }
  put_section(p);
  put_interface(p, type);
  return p;
}

la_pcapng *la_pcapng_open(const char *path, char *err, size_t err_cap) { return open_file(path, LINKTYPE_RAW, err, err_cap); }

la_pcapng *la_pcapng_open_ether(const char *path, char *err, size_t err_cap) { return open_file(path, LINKTYPE_ETHERNET, err, err_cap); }

bool la_pcapng_write(la_pcapng *p, uint64_t at_unix_ns, bool outbound, const void *packet, uint32_t len, const char *comment) {
  uint32_t total = 32 + padded(len) + 8 + 4;
  const char *line, *rest = comment ? comment : "";
  for (size_t n; (n = next_line(&rest, &line)) > 0;)
    total += 4 + padded(n);
  put32(p, BLOCK_EPB);
  put32(p, total);
  put32(p, 0);
  put32(p, (uint32_t)(at_unix_ns >> 32));
  put32(p, (uint32_t)at_unix_ns);
  put32(p, len);
  put32(p, len);
  put_padded(p, packet, len);
  put_option(p, EPB_FLAGS, (uint32_t[1]){outbound ? DIR_OUT : DIR_IN}, 4);
  rest = comment ? comment : "";
  for (size_t n; (n = next_line(&rest, &line)) > 0;)
    put_option(p, OPT_COMMENT, line, n);
  put_option(p, OPT_END, NULL, 0);
  put32(p, total);
  return !p->err;
}

bool la_pcapng_close(la_pcapng *p) {
  if (!p)
    return true;
  errno = 0;
  if (fclose(p->f) && !p->err)
    p->err = errno ? errno : EIO;
  int e = p->err;
  free(p);
  errno = e;
  return !e;
}

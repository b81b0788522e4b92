/* SPDX-License-Identifier: MIT */
#undef _TIME_BITS /* as in capture/filter.c */
#include "capture/reader.h"

#include <errno.h>
#include <poll.h>
#include <string.h>

enum { PCAP_FILE_HEADER = 24, PCAP_RECORD_HEADER = 16, LIVE_SNAP = 262144, LIVE_WAIT_MS = 100, PCAP_PACKET_MAX = 16 << 20 };
#define MAGIC_MICRO 0xa1b2c3d4u
#define MAGIC_NANO 0xa1b23c4du

static bool failed(struct reader *r, const char *why) {
  snprintf(r->error, sizeof r->error, "%s", why);
  la__reader_close(r);
  return false;
}

static uint32_t get(const struct reader *r, const uint8_t *p) {
  uint32_t v;
  memcpy(&v, p, sizeof v);
  return r->swapped ? __builtin_bswap32(v) : v;
}

/* The two usual magic numbers, in either byte order. */
static bool begin_plain(struct reader *r, uint32_t magic) {
  uint32_t other = __builtin_bswap32(magic);
  r->swapped = other == MAGIC_MICRO || other == MAGIC_NANO;
  if (!r->swapped && magic != MAGIC_MICRO && magic != MAGIC_NANO)
    return false;
  const uint8_t *p = la__source_need(&r->src, PCAP_FILE_HEADER);
  if (!p) /* libpcap finds the words */
    return false;
  r->fraction = magic == MAGIC_NANO || other == MAGIC_NANO ? 1 : 1000;
  r->link = (int)(get(r, p + 20) & 0x03ffffff); /* the rest tells of frame check sequences */
  r->plain = true;
  r->offset = r->taken = PCAP_FILE_HEADER;
  return true;
}

/* The first four bytes tell the form. */
static bool begin(struct reader *r) {
  char err[PCAP_ERRBUF_SIZE] = "";
  uint32_t magic;
  const uint8_t *p = la__source_need(&r->src, 4);
  if (!p)
    return failed(r, r->src.err ? strerror(r->src.err) : "too short to be a capture");
  memcpy(&magic, p, 4);
  if (magic == NG_MAGIC) {
    la__ng_init(&r->ng, &r->src);
    return true;
  }
  if (begin_plain(r, magic))
    return true;
  FILE *f = la__source_stream(&r->src);
  if (!f)
    return failed(r, strerror(errno));
  r->pcap = pcap_fopen_offline_with_tstamp_precision(f, PCAP_TSTAMP_PRECISION_NANO, err);
  if (!r->pcap) {
    fclose(f);
    return failed(r, err[0] ? err : "neither pcap nor pcapng");
  }
  r->offset = PCAP_FILE_HEADER;
  return true;
}

bool la__reader_open(struct reader *r, const char *path) {
  *r = (struct reader){.src.fd = -1};
  return la__source_open(&r->src, path) ? begin(r) : failed(r, strerror(errno));
}

bool la__reader_memory(struct reader *r, const void *data, size_t n) {
  *r = (struct reader){.src.fd = -1};
  return la__source_memory(&r->src, data, n) ? begin(r) : failed(r, "out of memory");
}

bool la__reader_live(struct reader *r, const char *interface) {
  char err[PCAP_ERRBUF_SIZE] = "";
  *r = (struct reader){.src.fd = -1, .live = true};
  if (!(r->pcap = pcap_create(interface, err)))
    return failed(r, err);
  pcap_set_snaplen(r->pcap, LIVE_SNAP);
  pcap_set_timeout(r->pcap, LIVE_WAIT_MS);
  pcap_set_immediate_mode(r->pcap, 1);
  pcap_set_tstamp_precision(r->pcap, PCAP_TSTAMP_PRECISION_NANO);
  int got = pcap_activate(r->pcap);
  if (got < 0) {
    snprintf(err, sizeof err, "%s", pcap_geterr(r->pcap));
    return failed(r, err[0] ? err : pcap_statustostr(got));
  }
  if (pcap_setnonblock(r->pcap, 1, err) < 0) /* its own waiting has no limit on some systems, and goes on after a signal */
    return failed(r, err);
  return true;
}

void la__reader_close(struct reader *r) {
  if (r->pcap)
    pcap_close(r->pcap);
  r->pcap = NULL;
  la__ng_free(&r->ng);
  la__source_close(&r->src);
}

static enum reader_result next_pcap(struct reader *r, struct packet *out) {
  struct pcap_pkthdr *h;
  const u_char *data;
  struct pcap_stat st;
  int got = pcap_next_ex(r->pcap, &h, &data);
  if (got == 0 && r->live) {
    struct pollfd fd = {.fd = pcap_get_selectable_fd(r->pcap), .events = POLLIN};
    poll(&fd, 1, LIVE_WAIT_MS);
    got = pcap_next_ex(r->pcap, &h, &data);
  }
  if (got == 0)
    return READER_NOTHING;
  if (got == PCAP_ERROR_BREAK) {
    if (r->live || !r->src.err)
      return READER_END;
    snprintf(r->error, sizeof r->error, "%s", strerror(r->src.err));
    return READER_BROKEN;
  }
  if (got < 0) {
    snprintf(r->error, sizeof r->error, "%s", pcap_geterr(r->pcap));
    return READER_BROKEN;
  }
  /* tv_usec holds nanoseconds: the precision was asked for, or libpcap scaled up to it */
  long nano = r->live && pcap_get_tstamp_precision(r->pcap) != PCAP_TSTAMP_PRECISION_NANO ? 1000 : 1;
  *out = (struct packet){.frame = ++r->frames,
                         .at = (la_time)h->ts.tv_sec * LA_SEC + (la_time)(h->ts.tv_usec * nano),
                         .cap = h->caplen,
                         .len = h->len,
                         .link = pcap_datalink(r->pcap),
                         .data = data};
  r->offset += PCAP_RECORD_HEADER + h->caplen;
  if (r->live && (r->frames & 1023) == 0 && pcap_stats(r->pcap, &st) == 0)
    out->drops = st.ps_drop;
  return READER_PACKET;
}

static enum reader_result broken(struct reader *r, const char *why) {
  snprintf(r->error, sizeof r->error, "%s", r->src.err ? strerror(r->src.err) : why);
  return READER_BROKEN;
}

static enum reader_result next_plain(struct reader *r, struct packet *out) {
  struct source *s = &r->src;
  la__source_skip(s, r->taken);
  r->taken = 0;
  const uint8_t *p = la__source_need(s, PCAP_RECORD_HEADER);
  if (!p)
    return !la__source_left(s) && !s->err ? READER_END : broken(r, "the file ends within a packet's header");
  uint32_t cap = get(r, p + 8);
  if (cap > PCAP_PACKET_MAX) {
    snprintf(r->error, sizeof r->error, "a packet of %u bytes", cap);
    return READER_BROKEN;
  }
  if (!(p = la__source_need(s, PCAP_RECORD_HEADER + cap)))
    return broken(r, "the file ends within a packet");
  *out = (struct packet){.frame = ++r->frames,
                         .at = get(r, p) * LA_SEC + (la_time)get(r, p + 4) * r->fraction,
                         .cap = cap,
                         .len = get(r, p + 12),
                         .link = r->link,
                         .data = p + PCAP_RECORD_HEADER};
  r->taken = PCAP_RECORD_HEADER + cap;
  r->offset += r->taken;
  return READER_PACKET;
}

enum reader_result la__reader_next(struct reader *r, struct packet *out) {
  if (r->plain)
    return next_plain(r, out);
  if (r->pcap)
    return next_pcap(r, out);
  int got = la__ng_next(&r->ng, out);
  r->offset = la__source_offset(&r->src);
  if (got > 0)
    return READER_PACKET;
  if (got < 0)
    snprintf(r->error, sizeof r->error, "%s", r->ng.why);
  return got < 0 ? READER_BROKEN : READER_END;
}

bool la__reader_ready(const struct reader *r) {
  if (r->pcap)
    return false;
  if (!r->plain)
    return la__ng_ready(&r->ng);
  size_t left = la__source_left(&r->src);
  if (left < r->taken + PCAP_RECORD_HEADER)
    return false;
  return left - r->taken - PCAP_RECORD_HEADER >= get(r, r->src.buf + r->src.at + r->taken + 8);
}

/* SPDX-License-Identifier: MIT */
/* Addresses: their classes, their text, and their part in the pseudo-header. */
#include "base/bytes.h"
#include "base/sum.h"
#include "wire/ip.h"

static unsigned width(const la_addr *a) { return a->family == 4 ? 4 : a->family == 6 ? 16 : 0; }

static bool all_zero(const uint8_t *p, unsigned n) {
  while (n--)
    if (*p++)
      return false;
  return true;
}

/* ::ffff:0:0/96 (RFC 4291 2.5.5.2) */
static bool mapped(const la_addr *a) { return a->family == 6 && all_zero(a->b, 10) && a->b[10] == 0xff && a->b[11] == 0xff; }

bool la__addr_unspecified(const la_addr *a) { return all_zero(a->b, width(a)); }

bool la__addr_multicast(const la_addr *a) { return a->family == 4 ? (a->b[0] & 0xf0) == 0xe0 : a->family == 6 && a->b[0] == 0xff; }

bool la__addr_loopback(const la_addr *a) { return a->family == 4 ? a->b[0] == 127 : a->family == 6 && all_zero(a->b, 15) && a->b[15] == 1; }

bool la__addr_broadcast(const la_addr *a) { return a->family == 4 && be32_get(a->b) == 0xffffffff; }

bool la__addr_link_local(const la_addr *a) {
  return a->family == 4 ? a->b[0] == 169 && a->b[1] == 254 : a->family == 6 && a->b[0] == 0xfe && (a->b[1] & 0xc0) == 0x80;
}

bool la__addr_bad_source(const la_addr *a) {
  if (a->family == 4)
    return a->b[0] == 0 || a->b[0] >= 224; /* multicast, 240/4 and broadcast are one run */
  return la__addr_unspecified(a) || la__addr_multicast(a) || mapped(a);
}

bool la__addr_match(const la_addr *a, const la_addr *b, unsigned n) {
  if (a->family != b->family)
    return false;
  if (n > width(a) * 8)
    n = width(a) * 8;
  unsigned whole = n / 8, rest = n % 8;
  if (memcmp(a->b, b->b, whole))
    return false;
  return !rest || (a->b[whole] ^ b->b[whole]) >> (8 - rest) == 0;
}

bool la_addr_same(const la_addr *a, const la_addr *b) { return a->family == b->family && !memcmp(a->b, b->b, width(a)); }

static uint32_t words4(const uint8_t *p) { return ((uint32_t)p[0] << 8 | p[1]) + ((uint32_t)p[2] << 8 | p[3]); }

uint32_t la__ip_pseudo_sum(const la_addr *src, const la_addr *dst, uint8_t proto, uint32_t len) {
  uint32_t s = (len >> 16) + (len & 0xffff) + proto;
  if (src->family == 4)
    s += words4(src->b) + words4(dst->b);
  else
    s += la__sum(la__sum(0, src->b, 16), dst->b, 16);
  return (s & 0xffff) + (s >> 16);
}

/* A dotted quad without leading zeros, which some read as octal. Returns what follows it, or NULL. */
static const char *quad(const char *t, uint8_t *b) {
  for (unsigned i = 0; i < 4; i++) {
    unsigned v = 0, digits = 0;
    if (i && *t++ != '.')
      return 0;
    for (; *t >= '0' && *t <= '9'; t++) {
      v = v * 10 + (unsigned)(*t - '0');
      if (v > 255 || (digits++ && v < 10)) /* a second digit and still below ten: the first was 0 */
        return 0;
    }
    if (!digits)
      return 0;
    b[i] = (uint8_t)v;
  }
  return t;
}

static int hex(char c) {
  if (c >= '0' && c <= '9')
    return c - '0';
  if (c >= 'a' && c <= 'f')
    return c - 'a' + 10;
  return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* RFC 4291 2.2. `gap` is where "::" stood: the bytes after it move to the end. */
static bool parse6(const char *t, uint8_t *b) {
  unsigned n = 0;
  int gap = -1;
  if (*t == ':') {
    if (t[1] != ':')
      return false;
    t += 2;
    gap = 0;
  }
  while (*t) {
    const char *group = t;
    unsigned v = 0, digits = 0;
    for (; hex(*t) >= 0; t++, digits++)
      if (digits < 5)
        v = v << 4 | (unsigned)hex(*t);
    if (*t == '.') {
      if (n > 12)
        return false;
      t = quad(group, b + n);
      if (!t || *t)
        return false;
      n += 4;
      break;
    }
    if (digits < 1 || digits > 4 || n > 14)
      return false;
    be16_put(b + n, v);
    n += 2;
    if (!*t)
      break;
    if (*t++ != ':' || (!*t))
      return false;
    if (*t == ':') {
      if (gap >= 0)
        return false;
      gap = (int)n;
      t++;
    }
  }
  if (gap < 0)
    return n == 16;
  if (n > 14) /* "::" stands for one group at least */
    return false;
  memmove(b + 16 - (n - (unsigned)gap), b + gap, n - (unsigned)gap);
  memset(b + gap, 0, 16 - n);
  return true;
}

bool la_addr_parse(const char *text, la_addr *out) {
  la_addr a = {.family = 4};
  if (!text)
    return false;
  const char *end = quad(text, a.b);
  if (!end || *end) {
    a = (la_addr){.family = 6};
    if (!parse6(text, a.b))
      return false;
  }
  *out = a;
  return true;
}

static char *put_quad(char *t, const uint8_t *b) {
  for (unsigned i = 0; i < 4; i++) {
    if (i)
      *t++ = '.';
    if (b[i] >= 100)
      *t++ = (char)('0' + b[i] / 100);
    if (b[i] >= 10)
      *t++ = (char)('0' + b[i] / 10 % 10);
    *t++ = (char)('0' + b[i] % 10);
  }
  return t;
}

static char *put_group(char *t, unsigned v) {
  bool some = false;
  for (int shift = 12; shift >= 0; shift -= 4) {
    unsigned d = v >> shift & 15;
    some = some || d || !shift;
    if (some)
      *t++ = "0123456789abcdef"[d];
  }
  return t;
}

/* The first of the longest runs of two or more zero groups (RFC 5952 4.2); returns its length or 0. */
static unsigned longest_zeros(const uint8_t *b, unsigned *at) {
  unsigned best = 1, run = 0;
  for (unsigned i = 0; i < 8; i++) {
    run = be16_get(b + 2 * i) ? 0 : run + 1;
    if (run > best) {
      best = run;
      *at = i + 1 - run;
    }
  }
  return best > 1 ? best : 0;
}

char *la_addr_text(const la_addr *a, char *buf) {
  char *t = buf;
  unsigned at = 0;
  if (a->family == 4) {
    t = put_quad(t, a->b);
  } else if (mapped(a)) { /* RFC 5952 5 */
    memcpy(t, "::ffff:", 7);
    t = put_quad(t + 7, a->b + 12);
  } else if (a->family == 6) {
    unsigned zeros = longest_zeros(a->b, &at);
    for (unsigned i = 0; i < 8; i++) {
      if (zeros && i == at) {
        *t++ = ':';
        *t++ = ':';
        i += zeros - 1;
        continue;
      }
      if (i && !(zeros && i == at + zeros))
        *t++ = ':';
      t = put_group(t, be16_get(a->b + 2 * i));
    }
  } else {
    *t++ = '*';
  }
  *t = 0;
  return buf;
}

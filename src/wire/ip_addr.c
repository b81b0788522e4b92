/* SPDX-License-Identifier: MIT */
/* Addresses: classes, comparison, text. */
#include "base/bytes.h"
#include "base/sum.h"
#include "wire/ip.h"

bool la_addr_same(const la_addr *a, const la_addr *b) {
  return a->family == b->family && memcmp(a->b, b->b, a->family == 4 ? 4 : a->family == 6 ? 16 : 0) == 0;
}

bool la__addr_unspecified(const la_addr *a) {
  static const uint8_t zero[16];
  return a->family == 0 || memcmp(a->b, zero, a->family == 4 ? 4 : 16) == 0;
}

bool la__addr_multicast(const la_addr *a) { return a->family == 4 ? a->b[0] >> 4 == 14 : a->family == 6 && a->b[0] == 0xff; }

bool la__addr_loopback(const la_addr *a) {
  static const uint8_t one[16] = {[15] = 1};
  return a->family == 4 ? a->b[0] == 127 : a->family == 6 && memcmp(a->b, one, 16) == 0;
}

bool la__addr_broadcast(const la_addr *a) { return a->family == 4 && be32_get(a->b) == UINT32_MAX; }

bool la__addr_link_local(const la_addr *a) { return a->family == 6 && a->b[0] == 0xfe && (a->b[1] & 0xc0) == 0x80; }

/* IPv4-mapped addresses have no place on the wire either (RFC 6890). */
bool la__addr_bad_source(const la_addr *a) {
  static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};
  if (la__addr_unspecified(a) || la__addr_multicast(a))
    return true;
  return a->family == 4 ? a->b[0] == 0 || a->b[0] >= 240 : memcmp(a->b, mapped, 12) == 0;
}

bool la__addr_match(const la_addr *a, const la_addr *b, unsigned n) {
  if (a->family != b->family)
    return false;
  unsigned whole = n / 8, rest = n % 8;
  if (memcmp(a->b, b->b, whole) != 0)
    return false;
  return rest == 0 || (a->b[whole] ^ b->b[whole]) >> (8 - rest) == 0;
}

uint32_t la__ip_pseudo_sum(const la_addr *src, const la_addr *dst, uint8_t proto, uint32_t len) {
  size_t n = src->family == 4 ? 4 : 16;
  uint32_t s = la__sum(0, src->b, n);
  s = la__sum(s, dst->b, n);
  s += proto + (len & 0xffff) + (len >> 16);
  return (s & 0xffff) + (s >> 16);
}

/* Text. A number of at most `digits` digits in a base; -1 when there is none or it is longer. */
static int number(const char **p, unsigned base, unsigned digits) {
  int v = 0;
  unsigned n = 0;
  for (;; n++, (*p)++) {
    char c = **p;
    unsigned d = c >= '0' && c <= '9'   ? (unsigned)(c - '0')
                 : c >= 'a' && c <= 'f' ? (unsigned)(c - 'a' + 10)
                 : c >= 'A' && c <= 'F' ? (unsigned)(c - 'A' + 10)
                                        : 99;
    if (d >= base)
      break;
    if (n == digits)
      return -1;
    v = v * (int)base + (int)d;
  }
  return n ? v : -1;
}

static bool parse4(const char *p, uint8_t *b) {
  for (unsigned i = 0; i < 4; i++) {
    if (i && *p++ != '.')
      return false;
    if (p[0] == '0' && p[1] >= '0' && p[1] <= '9')
      return false; /* a leading zero means octal to some */
    int v = number(&p, 10, 3);
    if (v < 0 || v > 255)
      return false;
    b[i] = (uint8_t)v;
  }
  return *p == 0;
}

/* RFC 4291 2.2: eight groups, one run of which may be "::", the last two perhaps as a dotted quad. */
static bool parse6(const char *p, uint8_t *b) {
  uint8_t v[16] = {0};
  unsigned n = 0;
  int gap = -1;
  if (p[0] == ':' && p[1] == ':') {
    gap = 0;
    p += 2;
  }
  while (*p) {
    const char *start = p;
    int g = number(&p, 16, 4);
    if (*p == '.' && n <= 12 && parse4(start, v + n)) {
      n += 4;
      break;
    }
    if (g < 0 || n > 14)
      return false;
    v[n++] = (uint8_t)(g >> 8);
    v[n++] = (uint8_t)g;
    if (*p == 0)
      break;
    if (*p++ != ':')
      return false;
    if (*p == ':') {
      if (gap >= 0)
        return false;
      gap = (int)n;
      p++;
    } else if (*p == 0) {
      return false;
    }
  }
  if (gap < 0 ? n != 16 : n > 14)
    return false;
  memset(b, 0, 16);
  unsigned head = gap < 0 ? n : (unsigned)gap;
  memcpy(b, v, head);
  memcpy(b + 16 - (n - head), v + head, n - head);
  return true;
}

bool la_addr_parse(const char *text, la_addr *out) {
  la_addr a;
  memset(&a, 0, sizeof a);
  a.family = 4;
  if (!parse4(text, a.b)) {
    memset(&a, 0, sizeof a);
    a.family = 6;
    if (!parse6(text, a.b))
      return false;
  }
  *out = a;
  return true;
}

static char *put_number(char *p, unsigned v, unsigned base) {
  char tmp[5];
  unsigned n = 0;
  do
    tmp[n++] = "0123456789abcdef"[v % base];
  while (v /= base);
  while (n)
    *p++ = tmp[--n];
  return p;
}

/* RFC 5952: the longest run of two or more zero groups, the first of equals, becomes "::". */
static char *text6(const uint8_t *b, char *p) {
  unsigned best = 8, len = 1;
  for (unsigned i = 0; i < 8; i++) {
    unsigned j = i;
    while (j < 8 && be16_get(b + 2 * j) == 0)
      j++;
    if (j - i > len) {
      best = i;
      len = j - i;
    }
  }
  for (unsigned i = 0; i < 8; i++) {
    if (i == best) {
      *p++ = ':';
      if (i + len == 8)
        *p++ = ':';
      i += len - 1;
      continue;
    }
    if (i)
      *p++ = ':';
    p = put_number(p, be16_get(b + 2 * i), 16);
  }
  return p;
}

char *la_addr_text(const la_addr *a, char *buf) {
  char *p = buf;
  if (a->family == 4) {
    for (unsigned i = 0; i < 4; i++) {
      if (i)
        *p++ = '.';
      p = put_number(p, a->b[i], 10);
    }
  } else if (a->family == 6) {
    p = text6(a->b, p);
  } else {
    *p++ = '*';
  }
  *p = 0;
  return buf;
}

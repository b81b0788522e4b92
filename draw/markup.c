/* SPDX-License-Identifier: MIT */
#include "draw/markup.h"

#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#define BAD "\xef\xbf\xbd"

/* One character of UTF-8: its bytes, and *c; 0: not well-formed there (RFC 3629). */
static size_t take(const char *s, uint32_t *c) {
  const unsigned char *p = (const unsigned char *)s;
  size_t n = p[0] < 0x80 ? 1 : p[0] >= 0xc2 && p[0] < 0xe0 ? 2 : p[0] >= 0xe0 && p[0] < 0xf0 ? 3 : p[0] >= 0xf0 && p[0] < 0xf5 ? 4 : 0;
  if (!n)
    return 0;
  *c = n == 1 ? p[0] : p[0] & (0x7fu >> n);
  for (size_t i = 1; i < n; i++) {
    if ((p[i] & 0xc0) != 0x80)
      return 0;
    *c = *c << 6 | (p[i] & 0x3f);
  }
  bool overlong = (n == 3 && *c < 0x800) || (n == 4 && *c < 0x10000);
  return overlong || *c > 0x10ffff || (*c >= 0xd800 && *c < 0xe000) ? 0 : n;
}

/* What would not be shown as what it is: controls, writing that is turned round, non-characters. */
static bool hides(uint32_t c) {
  return (c < 0x20 && c != '\n' && c != '\t') || (c >= 0x7f && c < 0xa0) || (c >= 0x200e && c <= 0x200f) || (c >= 0x2028 && c <= 0x202e) ||
         (c >= 0x2066 && c <= 0x2069) || (c & 0xfffe) == 0xfffe || c == 0xfeff;
}

static void escape(FILE *out, const char *s, void (*put)(FILE *out, const char *s, size_t n, uint32_t c)) {
  while (*s) {
    uint32_t c = 0;
    size_t n = take(s, &c);
    if (!n || hides(c))
      fputs(BAD, out);
    else
      put(out, s, n, c);
    s += n ? n : 1;
  }
}

static void put_xml(FILE *out, const char *s, size_t n, uint32_t c) {
  if (c == '<')
    fputs("&lt;", out);
  else if (c == '>')
    fputs("&gt;", out);
  else if (c == '&')
    fputs("&amp;", out);
  else if (c == '"')
    fputs("&quot;", out);
  else if (c == '\'')
    fputs("&#39;", out);
  else
    fwrite(s, 1, n, out);
}

static void put_json(FILE *out, const char *s, size_t n, uint32_t c) {
  if (c < 0x20 || c == '<' || c == '>' || c == '&' || c == '"' || c == '\\' || c == '\'')
    fprintf(out, "\\u%04x", (unsigned)c);
  else
    fwrite(s, 1, n, out);
}

void la__xml(FILE *out, const char *text) { escape(out, text, put_xml); }

void la__json_text(FILE *out, const char *text) {
  fputc('"', out);
  escape(out, text, put_json);
  fputc('"', out);
}

void la__num(FILE *out, double x) {
  long tenths = (long)(x < 0 ? x * 10 - .5 : x * 10 + .5);
  unsigned long u = tenths < 0 ? 0ul - (unsigned long)tenths : (unsigned long)tenths;
  fprintf(out, "%s%lu", tenths < 0 ? "-" : "", u / 10);
  if (u % 10)
    fprintf(out, ".%lu", u % 10);
}

void la__mark(FILE *out, const char *fmt, ...) {
  va_list ap;
  va_start(ap, fmt);
  for (; *fmt; fmt++) {
    if (*fmt != '%') {
      fputc(*fmt, out);
      continue;
    }
    switch (*++fmt) {
    case 's':
      la__xml(out, va_arg(ap, const char *));
      break;
    case 'n':
      la__num(out, va_arg(ap, double));
      break;
    case 'd':
      fprintf(out, "%d", va_arg(ap, int));
      break;
    case 'u':
      fprintf(out, "%u", va_arg(ap, unsigned));
      break;
    default:
      fputc(*fmt, out);
    }
  }
  va_end(ap);
}

/* Thousandths of the size, from ' ' to '~'. lint: table */
static const uint16_t plain[] = {318, 401, 460, 838, 636, 950, 780, 275, 390, 390, 500, 838, 318, 361,  318, 337, 636, 636, 636,
                                 636, 636, 636, 636, 636, 636, 636, 337, 337, 838, 838, 838, 531, 1000, 684, 686, 698, 770, 632,
                                 575, 775, 752, 295, 295, 656, 557, 863, 748, 787, 603, 787, 695, 635,  611, 732, 684, 989, 685,
                                 611, 685, 390, 337, 390, 838, 500, 500, 613, 635, 550, 635, 615, 352,  635, 634, 278, 278, 579,
                                 278, 974, 634, 612, 635, 635, 411, 521, 392, 634, 592, 818, 592, 592,  525, 636, 337, 636, 838};
static const uint16_t strong[] = {348, 456,  521, 838, 696, 1002, 872, 306, 457, 457, 523, 838, 380, 415,  380, 365, 696, 696,  696,
                                  696, 696,  696, 696, 696, 696,  696, 400, 400, 838, 838, 838, 580, 1000, 774, 762, 734, 830,  683,
                                  683, 821,  837, 372, 372, 775,  637, 995, 837, 850, 733, 850, 770, 720,  682, 812, 774, 1103, 771,
                                  724, 725,  457, 365, 457, 838,  500, 500, 675, 716, 593, 716, 678, 435,  716, 712, 343, 343,  665,
                                  343, 1042, 712, 687, 716, 716,  493, 595, 478, 712, 652, 924, 645, 652,  582, 712, 365, 712,  838};

static unsigned advance(uint32_t c, bool bold) {
  uint32_t i = c - ' ';
  if (i < sizeof plain / sizeof *plain)
    return bold ? strong[i] : plain[i];
  return c < 0x2000 ? 700 : 1000;
}

double la__text_width(const char *text, double size, bool bold) {
  double w = 0;
  while (*text) {
    uint32_t c = 0;
    size_t n = take(text, &c);
    w += advance(n ? c : 0xfffd, bold);
    text += n ? n : 1;
  }
  return w * size / 1000;
}

size_t la__text_fit(const char *text, double size, double width) {
  size_t at = 0, space = 0;
  double w = 0;
  while (text[at]) {
    uint32_t c = 0;
    size_t n = take(text + at, &c);
    w += advance(n ? c : 0xfffd, false) * size / 1000;
    if (w > width && at)
      return space ? space : at;
    if (text[at] == ' ')
      space = at;
    at += n ? n : 1;
  }
  return at;
}

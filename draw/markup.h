/* SPDX-License-Identifier: MIT */
/* Writing text into XML, HTML and scripts so that it stays text, and measuring it. */
#ifndef LA_DRAW_MARKUP_H
#define LA_DRAW_MARKUP_H

#include <stdbool.h>
#include <stdio.h>

/* For XML and HTML, content and quoted attributes alike. What is not UTF-8, or does not show as what it is, becomes U+FFFD. */
void la__xml(FILE *out, const char *text);
/* A JSON string with its quotes, safe within <script>. */
void la__json_text(FILE *out, const char *text);
/* A number with one decimal at most, whatever the locale. */
void la__num(FILE *out, double x);
/* `fmt` with %s for escaped text, %n for a number (double), %d for an int, %u for an unsigned; %% as usual. */
void la__mark(FILE *out, const char *fmt, ...);
/* The width of a text in DejaVu Sans, which is wider than what is usual: what fits so, fits everywhere. */
double la__text_width(const char *text, double size, bool bold);
/* How many bytes of text fit into that width, broken at a space where there is one. */
size_t la__text_fit(const char *text, double size, double width);

#endif

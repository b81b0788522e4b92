/* SPDX-License-Identifier: MIT */
#include "draw/svg.h"

#include <string.h>

static const struct {
  const char *name, *light, *dark;
} palette[] = {
  {"bg", "#ffffff", "#12161c"},    {"ink", "#1c2430", "#e8ecf2"},   {"muted", "#5d6b7e", "#9aa7b8"}, {"line", "#c5cedb", "#3b4655"},
  {"soft", "#f1f4f8", "#1c232c"},  {"wire", "#4a586b", "#a9b6c7"},  {"open", "#0b7a4b", "#4fd19a"},  {"close", "#a8500a", "#f3aa5c"},
  {"bad", "#c0201c", "#ff7d76"},   {"data", "#1f5fbf", "#7fb4ff"},  {"clock", "#6a3fc4", "#b99cff"}, {"s-none", "#d5dce6", "#323c49"},
  {"s-syn", "#8fd3b2", "#2f7f5c"}, {"s-est", "#23a26d", "#37b37e"}, {"s-fw1", "#f3bd6b", "#a8702a"}, {"s-fw2", "#ea9a35", "#d98a2b"},
  {"s-cls", "#dd7a3a", "#e08748"}, {"s-cw", "#7db4ee", "#3c75b4"},  {"s-la", "#3f83d6", "#5b9bea"},  {"s-tw", "#a98be8", "#8a68d8"},
};

/* $name stands for a colour. Font sizes are what draw/place.c reckons with. */
static const char rules[] =
  ".lastack text{font-family:ui-sans-serif,system-ui,-apple-system,\"Segoe UI\",Roboto,\"Helvetica Neue\",Arial,sans-serif;"
  "font-size:12.5px;fill:$ink;stroke:none;text-rendering:geometricPrecision}"
  ".lastack .h1{font-size:19px;font-weight:600}.lastack .h2{font-size:15px;font-weight:600}.lastack .lead{fill:$muted}"
  ".lastack .name{font-size:14px;font-weight:600}.lastack .addr{font-size:12px;fill:$muted}"
  ".lastack .t,.lastack .gap{font-size:11.5px;fill:$muted;font-variant-numeric:tabular-nums}.lastack .gap{font-style:italic}"
  ".lastack .s{font-size:12.5px;font-weight:600}.lastack .n{font-size:12px}.lastack .end{fill:$muted}"
  ".lastack text.clock{font-size:12px;fill:$clock}.lastack .fold{fill:$muted}"
  ".lastack .lab{paint-order:stroke;stroke:$bg;stroke-width:4px;stroke-linejoin:round}"
  ".lastack .narrow .s,.lastack .narrow .n,.lastack .narrow text.clock,.lastack .narrow .t,.lastack .narrow .gap{paint-order:stroke;"
  "stroke:$bg;stroke-width:4px;stroke-linejoin:round}"
  ".lastack .k{fill:$muted}.lastack .f{font-weight:600}.lastack .r{fill:$bad}"
  ".lastack .syn .f{fill:$open}.lastack .fin .f{fill:$close}.lastack .rst .f{fill:$bad}.lastack .data .f{fill:$data}"
  ".lastack .arrow{stroke:$wire;stroke-width:1.5px;fill:none}.lastack .head{fill:$wire;stroke:none}"
  ".lastack .syn .arrow{stroke:$open}.lastack .syn .head{fill:$open}.lastack .fin .arrow{stroke:$close}.lastack .fin .head{fill:$close}"
  ".lastack .rst .arrow{stroke:$bad}.lastack .rst .head{fill:$bad}.lastack .data .arrow{stroke:$data}.lastack .data .head{fill:$data}"
  ".lastack .gone .arrow{stroke-dasharray:5 3}.lastack .cross{stroke:$bad;stroke-width:2.5px;stroke-linecap:round;fill:none}"
  ".lastack .paper{fill:$bg}.lastack .zig{stroke:$line;stroke-width:1.2px;fill:$bg}.lastack .rule{stroke:$line;stroke-width:1px}"
  ".lastack .box{fill:$soft;stroke:$line;stroke-dasharray:4 3}.lastack .hit{stroke:transparent;stroke-width:16px;fill:none}"
  ".lastack .bar{stroke:$clock;stroke-width:2px;fill:none}.lastack .run{stroke-dasharray:3 3}"
  ".lastack .way{fill:none;stroke:$wire;stroke-width:1.4px}.lastack .exit{stroke:$bad;stroke-dasharray:5 4}.lastack .tip{fill:$wire}"
  ".lastack .pen{fill:none;stroke-width:9px;stroke-linecap:round;opacity:.42}.lastack .pen.p0{stroke:$data}.lastack .pen.p1{stroke:$s-fw2}"
  ".lastack .badge.p0{fill:$data}.lastack .badge.p1{fill:$close}.lastack .num{font-size:11px;font-weight:600;fill:$bg}"
  ".lastack .state rect:first-child{fill:$soft;stroke:$line;stroke-width:1.2px}.lastack .state.on "
  "rect:first-child{stroke:$ink;stroke-width:2px}"
  ".lastack .an{fill:$muted}.lastack .dot{fill:$bad}"
  ".lastack .s-none{fill:$s-none}.lastack .s-syn{fill:$s-syn}.lastack .s-est{fill:$s-est}.lastack .s-fw1{fill:$s-fw1}"
  ".lastack .s-fw2{fill:$s-fw2}.lastack .s-cls{fill:$s-cls}.lastack .s-cw{fill:$s-cw}.lastack .s-la{fill:$s-la}.lastack .s-tw{fill:$s-tw}";

static void write_rules(FILE *out, bool vars, bool dark) {
  for (const char *p = rules; *p;) {
    size_t n = strcspn(p, "$");
    fwrite(p, 1, n, out);
    p += n;
    if (*p != '$')
      break;
    n = strspn(++p, "abcdefghijklmnopqrstuvwxyz-0123456789");
    for (size_t i = 0; i < sizeof palette / sizeof *palette; i++)
      if (strlen(palette[i].name) == n && memcmp(palette[i].name, p, n) == 0)
        fprintf(out, vars ? "var(--%s)" : "%s", vars ? palette[i].name : dark ? palette[i].dark : palette[i].light);
    p += n;
  }
}

void la__svg_style(FILE *out, bool vars) {
  write_rules(out, vars, false);
  if (vars)
    return;
  fputs("@media(prefers-color-scheme:dark){", out);
  write_rules(out, false, true);
  fputs("}", out);
}

void la__svg_palette(FILE *out, bool dark) {
  for (size_t i = 0; i < sizeof palette / sizeof *palette; i++)
    fprintf(out, "--%s:%s;", palette[i].name, dark ? palette[i].dark : palette[i].light);
}

/* SPDX-License-Identifier: MIT */
/* draw/page.css and draw/page.js as the build embeds them (cmake/embed.cmake). */
#ifndef LA_DRAW_PAGE_H
#define LA_DRAW_PAGE_H

extern const char la__page_css[], la__page_js[];

#endif

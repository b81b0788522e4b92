/* SPDX-License-Identifier: MIT */
/* What a hosted program gives a stack: the system's randomness, malloc, and a configuration with both. */
#include <lastack/link.h>

#include <errno.h>
#include <stdlib.h>
#include <sys/random.h>

bool la_host_entropy(void *dst, size_t n) {
  uint8_t *p = dst;
  while (n) {
    ssize_t got = getrandom(p, n < 256 ? n : 256, 0);
    if (got < 0 && errno == EINTR)
      continue;
    if (got <= 0)
      return false;
    p += got;
    n -= (size_t)got;
  }
  return true;
}

static void *host_malloc(void *ctx, size_t size) {
  (void)ctx;
  return malloc(size);
}

static void host_mfree(void *ctx, void *p, size_t size) {
  (void)ctx;
  (void)size;
  free(p);
}

la_alloc la_host_alloc(void) { return (la_alloc){.alloc = host_malloc, .free = host_mfree, .ctx = NULL}; }

bool la_host_config(la_config *cfg, enum la_preset preset) {
  la_config_init(cfg, preset);
  cfg->alloc = la_host_alloc();
  cfg->sums = la_host_sums();
  return la_host_entropy(cfg->secret, sizeof cfg->secret);
}

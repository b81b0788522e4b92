/* SPDX-License-Identifier: MIT */
/*
 * bench_lwip bulk BYTES | cycles OTHERS TIMEWAIT CYCLES | bytes: the rows of bench_lastack for lwIP. What differs: each cycle's
 * TIME-WAIT record is aborted, since lwIP's clock (ticks of 500 ms that walk all records) could not let one expire in each
 * cycle; its clock goes by the time of the processor; local ports are given, without its search.
 */
#include "../bench.h"
#include "side.h"

enum { PORT = 7, FIRST_LOCAL_PORT = 1024, LOCAL_PORTS = 64000, ADDRS = 24 };

static const struct side *const c = &client_side, *const s = &server_side;
static const uint8_t client_addr[4] = {10, 0, 0, 1}, server_addr[4] = {10, 0, 0, 200};
static double next_tick;

static void carry(void) {
  while (s->deliver() + c->deliver() > 0)
    ;
}

static void clock_check(void) {
  double now = cpu_now();
  if (now < next_tick)
    return;
  next_tick = now + 0.25;
  c->clock();
  s->clock();
}

static void start(unsigned long pairs, bool bulk) {
  unsigned long addrs = (pairs + LOCAL_PORTS - 1) / LOCAL_PORTS;
  if (addrs > ADDRS)
    die("lwip: too few ports");
  c->init(s, client_addr, (unsigned)addrs);
  s->init(c, server_addr, 1);
  s->listen(PORT, bulk);
  next_tick = cpu_now() + 0.25;
}

static void open_one(unsigned long n, bool bulk) {
  uint64_t was = s->seen->established;
  c->connect((uint8_t)(1 + n / LOCAL_PORTS % ADDRS), (uint16_t)(FIRST_LOCAL_PORT + n % LOCAL_PORTS), server_addr, PORT, bulk);
  carry();
  if (s->seen->established != was + 1)
    die("lwip: not established");
}

static int bulk(uint64_t all) {
  static uint8_t src[APP_BYTES], dst[APP_BYTES];
  app_fill(src);
  start(1, true);
  s->sink(dst, sizeof dst);
  open_one(0, true);
  uint64_t before = c->seen->frames_out + s->seen->frames_out;
  double began = cpu_now();
  c->feed(src, sizeof src, all);
  for (unsigned turns = 0; s->seen->bytes < all; turns++) {
    if (s->deliver() + c->deliver() == 0) { /* only a delayed ACK can be missing */
      c->clock();
      s->clock();
    } else if (turns % 64 == 0) {
      clock_check();
    }
  }
  double took = cpu_now() - began;
  if (memcmp(src, dst, sizeof src) != 0)
    die("lwip: contents differ");
  result("gbit_s", 8e-9 * (double)all / took);
  result("frames", (double)(c->seen->frames_out + s->seen->frames_out - before));
  return 0;
}

static void exchange(void) {
  uint64_t a = s->seen->bytes, b = c->seen->bytes;
  c->send_byte();
  carry();
  s->send_byte();
  carry();
  if (s->seen->bytes != a + 1 || c->seen->bytes != b + 1)
    die("lwip: no byte each way");
}

static void cycle(unsigned long n, bool keep) {
  uint64_t eofs = s->seen->eofs, ends = c->seen->eofs;
  open_one(n, false);
  exchange();
  c->close();
  carry();
  if (s->seen->eofs != eofs + 1)
    die("lwip: no FIN");
  s->close();
  carry();
  (void)ends;
  if (!keep)
    c->abort_time_wait();
}

static int cycles(unsigned long others, unsigned long standing, unsigned long rounds) {
  unsigned long n = 0, room = 2000;
  start(others + standing + room, false);
  for (; n < others; n++) {
    open_one(n, false);
    exchange();
  }
  for (unsigned long i = 0; i < standing; i++)
    cycle(n++, true);
  if (c->active() != others || s->active() != others || c->time_wait() != standing)
    die("lwip: the records are not there");
  next_tick = cpu_now() + 0.25;
  double began = cpu_now();
  for (unsigned long i = 0; i < rounds; i++) {
    cycle(others + standing + i % room, false);
    if (others > 0 || i % 256 == 0)
      clock_check();
  }
  result("cycles_s", (double)rounds / (cpu_now() - began));
  if (c->active() != others || s->active() != others || c->time_wait() != standing)
    die("lwip: the records are not there any more");
  return 0;
}

int main(int argc, char **argv) {
  const char *row = argc > 1 ? argv[1] : "";
  if (strcmp(row, "bulk") == 0)
    return bulk(number_arg(argc, argv, 2, 512ul << 20));
  if (strcmp(row, "cycles") == 0)
    return cycles(number_arg(argc, argv, 2, 0), number_arg(argc, argv, 3, 0), number_arg(argc, argv, 4, 200000));
  if (strcmp(row, "bytes") == 0) {
    result("bytes_each", (double)c->pcb_bytes());
    return 0;
  }
  fprintf(stderr, "usage: bench_lwip ROW ARGUMENT...\n");
  return 2;
}

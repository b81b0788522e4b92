/* SPDX-License-Identifier: MIT */
/* The program: dispatch to a subcommand, and how all of them speak of errors. */
#include "cli/cli.h"

#include <errno.h>
#include <fcntl.h>
#include <locale.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

const char *argp_program_version = "lastack " LA_VERSION;

static const struct {
  const char *name;
  int (*run)(int argc, char **argv);
} commands[] = {
  {"connect", la__cmd_connect}, {"demo", la__cmd_demo},   {"drill", la__cmd_drill}, {"explain", la__cmd_explain},
  {"metrics", la__cmd_metrics}, {"serve", la__cmd_serve}, {"sim", la__cmd_sim},     {"ss", la__cmd_ss},
  {"states", la__cmd_states},   {"top", la__cmd_top},
};

int la__fail(const char *cmd, const char *fmt, ...) {
  va_list ap;
  fflush(stdout);
  fprintf(stderr, "%s: ", cmd);
  va_start(ap, fmt);
  vfprintf(stderr, fmt, ap);
  va_end(ap);
  fputc('\n', stderr);
  return EXIT_FAIL;
}

void la__usage(const char *cmd, const char *fmt, ...) {
  va_list ap;
  fprintf(stderr, "%s: ", cmd);
  va_start(ap, fmt);
  vfprintf(stderr, fmt, ap);
  va_end(ap);
  fputc('\n', stderr);
  exit(EXIT_USAGE);
}

/* Without a stream argp adds no second line to getopt's message. */
void la__args_init(struct argp_state *state) { state->err_stream = NULL; }

void la__args(const struct argp *argp, int argc, char **argv, unsigned flags, void *input) {
  argp_err_exit_status = EXIT_USAGE;
  if (argp_parse(argp, argc, argv, flags, NULL, input))
    exit(EXIT_USAGE);
}

uint64_t la__number(const char *cmd, const char *what, const char *text, uint64_t lo, uint64_t hi) {
  char *end;
  errno = 0;
  unsigned long long v = strtoull(text, &end, 10);
  if (errno || *end || text[0] < '0' || text[0] > '9' || v < lo || v > hi)
    la__usage(cmd, "%s %s: not a whole number from %llu to %llu", what, text, (unsigned long long)lo, (unsigned long long)hi);
  return v;
}

error_t la__args_other(int key, const char *arg, struct argp_state *state, const char *cmd) {
  if (key == ARGP_KEY_INIT)
    la__args_init(state);
  else if (key == ARGP_KEY_ARG)
    la__usage(cmd, "%s: no argument is expected", arg);
  else
    return ARGP_ERR_UNKNOWN;
  return 0;
}

struct net_addr la__net_addr(const char *cmd, const char *what, const char *text) {
  struct net_addr n;
  char addr[LA_ADDR_TEXT];
  const char *slash = strchr(text, '/');
  if (!slash || slash == text || (size_t)(slash - text) >= sizeof addr)
    la__usage(cmd, "%s %s: not an address with a prefix length, like 10.0.0.1/24", what, text);
  snprintf(addr, sizeof addr, "%.*s", (int)(slash - text), text);
  if (!la_addr_parse(addr, &n.addr))
    la__usage(cmd, "%s %s: %s is not an address", what, text, addr);
  char *end;
  unsigned max = n.addr.family == 4 ? 32 : 128;
  unsigned long len = strtoul(slash + 1, &end, 10);
  if (slash[1] < '0' || slash[1] > '9' || *end || !len || len > max)
    la__usage(cmd, "%s %s: the prefix length is not a whole number from 1 to %u", what, text, max);
  n.prefix_len = (unsigned)len;
  return n;
}

struct chosen {
  int (*run)(int argc, char **argv);
  const char *name;
  int at; /* its index in argv */
};

static error_t parse(int key, char *arg, struct argp_state *state) {
  struct chosen *c = state->input;
  switch (key) {
  case ARGP_KEY_INIT:
    la__args_init(state);
    return 0;
  case ARGP_KEY_ARG:
    for (size_t i = 0; i < sizeof commands / sizeof commands[0]; i++)
      if (strcmp(arg, commands[i].name) == 0) {
        c->run = commands[i].run;
        c->name = commands[i].name;
      }
    if (!c->run)
      la__usage("lastack", "%s: unknown command; lastack --help lists them", arg);
    c->at = state->next - 1;
    state->next = state->argc; /* the rest is the command's */
    return 0;
  case ARGP_KEY_NO_ARGS:
    la__usage("lastack", "no command; lastack --help lists them");
  default:
    return ARGP_ERR_UNKNOWN;
  }
}

static const struct argp argp = {
  .parser = parse,
  .args_doc = "COMMAND [OPTION...]",
  .doc = "A user-space TCP/IP stack that knows how connections end.\v"
         "Commands:\n"
         "  connect  standard input to a peer, and what it says to standard output\n"
         "  demo     the kernel's curl fetches a page over TUN; what happens is drawn\n"
         "  drill    packetdrill scripts in virtual time\n"
         "  explain  why each connection in a capture ended\n"
         "  metrics  the counters of a running stack, for Prometheus\n"
         "  serve    echo, discard, chargen or HTTP on a TUN device\n"
         "  sim      scenarios between two stacks in virtual time\n"
         "  ss       the connections of running stacks\n"
         "  states   the state diagram that the machine uses\n"
         "  top      the same as ss, again and again, in the terminal\n\n"
         "lastack COMMAND --help tells a command's options.",
};

int main(int argc, char **argv) {
  struct chosen c = {0};
  char name[32];
  for (int fd = 0; fd <= 2; fd++) /* what we open must not pass for a standard stream that we were not given */
    if (fcntl(fd, F_GETFD) < 0 && open("/dev/null", fd ? O_WRONLY : O_RDONLY) != fd)
      return EXIT_FAIL;
  setlocale(LC_ALL, "");
  la__args(&argp, argc, argv, ARGP_IN_ORDER, &c);
  if (!c.run) /* "lastack --" */
    la__usage("lastack", "no command; lastack --help lists them");
  snprintf(name, sizeof name, "lastack %s", c.name);
  argv[c.at] = name;
  int status = c.run(argc - c.at, argv + c.at);
  if ((fflush(stdout) || ferror(stdout)) && !status)
    status = la__fail(name, "cannot write to the standard output: %s", strerror(errno));
  return status;
}

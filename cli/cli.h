/* SPDX-License-Identifier: MIT */
/* What the subcommands share. Exit status: 0 success, 1 failure, 2 usage; one line on stderr names the thing. */
#ifndef LA_CLI_CLI_H
#define LA_CLI_CLI_H

#include <argp.h>
#include <stdio.h>

#include <lastack/lastack.h>

enum { EXIT_OK = 0, EXIT_FAIL = 1, EXIT_USAGE = 2 };

/* Each gets argv[0] as "lastack NAME" and returns the exit status. */
int la__cmd_connect(int argc, char **argv);
int la__cmd_demo(int argc, char **argv);
int la__cmd_drill(int argc, char **argv);
int la__cmd_explain(int argc, char **argv);
int la__cmd_metrics(int argc, char **argv);
int la__cmd_serve(int argc, char **argv);
int la__cmd_sim(int argc, char **argv);
int la__cmd_ss(int argc, char **argv);
int la__cmd_states(int argc, char **argv);
int la__cmd_top(int argc, char **argv);

/* "lastack serve: …" and a newline on stderr. Returns EXIT_FAIL. */
__attribute__((format(printf, 2, 3))) int la__fail(const char *cmd, const char *fmt, ...);
/* The same, and ends the program with EXIT_USAGE. Only while nothing has been made yet. */
_Noreturn __attribute__((format(printf, 2, 3))) void la__usage(const char *cmd, const char *fmt, ...);
/* argp_parse, but an error is one line on stderr. A parser calls la__args_init on ARGP_KEY_INIT. Ends the program on error. */
void la__args(const struct argp *argp, int argc, char **argv, unsigned flags, void *input);
void la__args_init(struct argp_state *state);
/* For a parser's default: starts, and takes no arguments. */
error_t la__args_other(int key, const char *arg, struct argp_state *state, const char *cmd);
/* A whole number from lo to hi; else la__usage. `what` names the option. */
uint64_t la__number(const char *cmd, const char *what, const char *text, uint64_t lo, uint64_t hi);

/* An address with its prefix. */
struct net_addr {
  la_addr addr;
  unsigned prefix_len;
};
/* "10.0.0.1/24" or "fd00::1/64"; else la__usage. */
struct net_addr la__net_addr(const char *cmd, const char *what, const char *text);

#endif

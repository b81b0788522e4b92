/* SPDX-License-Identifier: MIT */
/*
 * A packetdrill script as read: what the parser makes and the runner runs. Everything belongs to the script's arena and lives until
 * la__script_free. Texts are zero-terminated UTF-8 and never NULL where not said. Places are for messages: `file:line:column: …`.
 */
#ifndef LA_DRILL_SCRIPT_H
#define LA_DRILL_SCRIPT_H

#include <lastack/stack.h>

struct place {
  int line, column; /* from 1 */
};

/* ---- values: arguments, results, parts of structures ---- */

enum value_kind {
  VALUE_ELLIPSIS, /* ...: anything; as a pointer: a buffer that the runner supplies */
  VALUE_INTEGER,  /* num; hex tells how it was written */
  VALUE_WORD,     /* text: a symbol (AF_INET, O_RDWR); the runner knows what it means */
  VALUE_STRING,   /* text, len: the quotes and escapes undone; cut: "abc"... */
  VALUE_OR,       /* list: a | b | c */
  VALUE_ASSIGN,   /* name=list[0] outside a structure */
  VALUE_ARRAY,    /* [a, b, c] */
  VALUE_STRUCT,   /* {name=value, …} or {a, b}: list, and names[i] or NULL for each */
  VALUE_CALL      /* name(list): htons(80), inet_addr("1.2.3.4"), msg_iov(2)=… has the array as the last element, and its name there */
};
struct value {
  enum value_kind kind;
  struct place at;
  int64_t num;
  bool hex, cut;
  const char *text; /* word, string, name of an assignment or call */
  size_t len;       /* of a string, which may hold zeros */
  size_t n;
  struct value **list;
  const char **names;
};

/* ---- packets ---- */

enum drill_direction { DRILL_IN, DRILL_OUT }; /* < and > */
enum drill_proto { DRILL_TCP, DRILL_UDP, DRILL_ICMP };
enum drill_ecn { DRILL_ECN_ANY, DRILL_ECN_IS, DRILL_ECN_ECT01, DRILL_TOS_IS };
struct drill_ip {
  enum drill_ecn check;
  uint8_t tos; /* ECN_IS: the two bits; TOS_IS: the byte */
  bool has_ttl, has_flow;
  uint8_t ttl;
  uint32_t flow;
};

enum drill_opt_kind { /* the numbers on the wire */
                      DRILL_OPT_EOL = 0,
                      DRILL_OPT_NOP = 1,
                      DRILL_OPT_MSS = 2,
                      DRILL_OPT_WSCALE = 3,
                      DRILL_OPT_SACKOK = 4,
                      DRILL_OPT_SACK = 5,
                      DRILL_OPT_TS = 8,
                      DRILL_OPT_MD5 = 19,
                      DRILL_OPT_FO = 34,
                      DRILL_OPT_ACCECN0 = 172,
                      DRILL_OPT_ACCECN1 = 174,
                      DRILL_OPT_EXP = 254 /* FOEXP, or any kind by its number */
};
struct drill_opt {
  uint8_t kind;
  uint8_t len;       /* on the wire, kind and length included; 1 for EOL and NOP */
  uint32_t a, b;     /* MSS, WSCALE: a. TS: val, ecr */
  bool a_any, b_any; /* TS val … ecr …: written as an ellipsis or `*`, where a dialect allows it */
  uint8_t bytes[40]; /* SACK: not used; MD5, FO, others: what follows the length */
  unsigned blocks;   /* SACK: how many, in from[], to[], relative sequence numbers as written */
  uint32_t from[4], to[4];
};
enum { DRILL_OPTS_MAX = 40 };

struct drill_packet {
  enum drill_direction dir;
  enum drill_proto proto;
  struct place at;
  const char *source; /* the packet as written, without its time, one line: for messages */
  struct drill_ip ip;
  uint16_t sport, dport; /* as written `8080 > 1234`; 0: not */

  /* TCP */
  uint8_t flags;                               /* FIN 1, SYN 2, RST 4, PSH 8, ACK 16, URG 32, ECE 64, CWR 128 */
  uint8_t ace;                                 /* AE 4, CWR 2, ECE 1, written as letters or as a number; flags has the latter two as well */
  bool has_ace;                                /* .5: written as a number */
  uint32_t seq, end;                           /* as written: relative, or absolute as the dialect of packetdrill says */
  uint32_t payload;                            /* bytes; UDP too */
  bool has_ack, has_win, has_urg, any_options; /* any_options: <...> */
  uint32_t ack;
  uint32_t win;
  uint16_t urg;
  unsigned nopts;
  struct drill_opt *opts;

  /* ICMP: type and code words as written, decoded for the script's family */
  uint8_t icmp_type, icmp_code;
  const char *icmp_word, *icmp_code_word; /* the second may be NULL */
  bool has_mtu, has_id, has_echoed;       /* without an echoed part the message quotes a TCP segment with sequence number 0 */
  uint32_t mtu;
  uint16_t id;
  enum drill_proto echoed; /* what the quoted packet is: DRILL_TCP or DRILL_UDP; raw: echoed_raw */
  bool echoed_raw;
  uint32_t echoed_seq, echoed_payload;
};

/* ---- events ---- */

enum drill_time_kind {
  DRILL_AT,           /* 1.5 */
  DRILL_AFTER,        /* +0.1: since the event before */
  DRILL_ANY_TIME,     /* * */
  DRILL_BETWEEN,      /* 1.0~1.5 */
  DRILL_AFTER_BETWEEN /* +0.1~+0.2, also written +0.1~0.2 */
};
enum drill_event_kind { DRILL_PACKET, DRILL_CALL, DRILL_COMMAND, DRILL_CODE };

struct drill_call {
  const char *name;
  struct place at;
  const char *source; /* one line, for messages */
  bool blocking;      /* `...` with the instant at which it must return */
  la_time end;        /* ns; absolute, or since its start when end_relative (a call at +time) */
  bool end_relative;
  unsigned n;
  struct value **args;
  struct value *result; /* after `=` */
  const char *err;      /* "EAGAIN"; NULL: none */
  const char *note;     /* what stands in brackets after it; NULL: none */
};

struct drill_event {
  enum drill_event_kind kind;
  struct place at;
  enum drill_time_kind time_kind;
  la_time time, time_end; /* ns; time_end: the BETWEEN kinds */
  struct drill_packet *packet;
  struct drill_call *call;
  const char *text;     /* COMMAND: the line between the back quotes. CODE: what stands between %{ and }% */
  struct place text_at; /* where `text` begins */
  struct drill_event *next;
};

/* ---- options and the whole ---- */

struct drill_option {
  const char *name;  /* without the two hyphens */
  const char *value; /* NULL: none given */
  struct place at;
  struct drill_option *next;
};
struct drill_define { /* --define=NAME=VALUE: NAME stands for VALUE in what follows */
  const char *name, *value;
  struct drill_define *next;
};

enum drill_family { DRILL_IP4, DRILL_IP6, DRILL_MAPPED }; /* MAPPED: IPv6 sockets, IPv4 on the wire */

struct script {
  const char *file;
  void *arena;
  struct drill_option *options; /* in their order, the command line's after the script's */
  struct drill_event *events;
  const char *init, *cleanup; /* first and last command where they stand outside the events; NULL: none */
  struct place init_at, cleanup_at;
  enum drill_family family;
  char **lines; /* the file, for messages; lines[0] is the first */
  size_t nlines;
};

struct script_error {
  struct place at;
  char text[300]; /* without the place */
};

/*
 * Reads a script. `family` is used where the script does not say `--ip_version`; `defines` come from the command line and may be NULL;
 * `standard`: which branch of `#ifdef STANDARD` is taken. NULL: *err says where and why; nothing is skipped in silence.
 * `text` need not be zero-terminated and is not kept.
 */
struct script *la__script_parse(const char *file, const char *text, size_t len, enum drill_family family,
                                const struct drill_define *defines, bool standard, struct script_error *err);
void la__script_free(struct script *s);

/* The value as a script would write it, into buf (always terminated); returns buf. */
char *la__value_text(const struct value *v, char *buf, size_t cap);

#endif

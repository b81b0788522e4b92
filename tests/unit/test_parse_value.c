/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/unit/script_test.h"

static const struct drill_call *call(struct script **s, const char *text) {
  *s = good_script(text, DRILL_IP4);
  assert_non_null((*s)->events->call);
  return (*s)->events->call;
}

/* Each is written again as the second text says, which is read as the same once more. */
static void round_trip(void **state) {
  (void)state;
  static const char *const rows[][2] = {
    {"...", "..."},
    {"0", "0"},
    {"-1", "-1"},
    {"007", "7"},
    {"9223372036854775807", "9223372036854775807"},
    {"-9223372036854775808", "-9223372036854775808"},
    {"0x1F", "0x1f"},
    {"0xffffffffffffffff", "0xffffffffffffffff"},
    {"AF_INET", "AF_INET"},
    {"O_RDWR | O_NONBLOCK|0x4", "O_RDWR|O_NONBLOCK|0x4"},
    {"\"\"", "\"\""},
    {"\"a b\"", "\"a b\""},
    {"\"a\" \"b\"\n \"c\"", "\"abc\""},
    {"\"abc\"...", "\"abc\"..."},
    {"\"\\x41\\102\\n\\t\\\"\\\\\\0\"", "\"AB\\n\\011\\\"\\\\\\000\""},
    {"\"\\0001\"", "\"\\0001\""},
    {"[]", "[]"},
    {"[1]", "[1]"},
    {"[1,2 , 0x3]", "[1, 2, 0x3]"},
    {"[[1], [2, [3]]]", "[[1], [2, [3]]]"},
    {"{}", "{}"},
    {"{..., 1000}", "{..., 1000}"},
    {"{fd=3,events=POLLIN|POLLOUT}", "{fd=3, events=POLLIN|POLLOUT}"},
    {"{function_set_name=\"freebsd\", pcbcnt=0}", "{function_set_name=\"freebsd\", pcbcnt=0}"},
    {"{flags=1}", "{flags=1}"},
    {"{flags}", "{flags}"},
    {"{sa_family = AF_INET, sin_port = htons (80), sin_addr = inet_addr(\"1.2.3.4\")}",
     "{sa_family=AF_INET, sin_port=htons(80), sin_addr=inet_addr(\"1.2.3.4\")}"},
    {"{sin_port=htons(80), sa_len=16, sa_family=AF_INET}", "{sin_port=htons(80), sa_len=16, sa_family=AF_INET}"},
    {"inet6_addr(\"fd::1\")", "inet6_addr(\"fd::1\")"},
    {"f()", "f()"},
    {"f(1, g(2, ...))", "f(1, g(2, ...))"},
    {"{msg_name(...)=..., msg_iov(2)=[{...,10},{..., 20}], msg_flags=0, msg_control=[{cmsg_level=SOL_IP, cmsg_type=IP_TOS, "
     "cmsg_data=[3]}]}",
     "{msg_name(...)=..., msg_iov(2)=[{..., 10}, {..., 20}], msg_flags=0, msg_control=[{cmsg_level=SOL_IP, cmsg_type=IP_TOS, "
     "cmsg_data=[3]}]}"},
    {"val=1|2", "val=1|2"},
    {"a=b=c", "a=b=c"},
    {"[a=1, 2]", "[a=1, 2]"},
    {"{onoff=1, linger=0}", "{onoff=1, linger=0}"},
    {"{1, b=2}", "{1, b=2}"},
  };
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
    for (int again = 0; again < 2; again++) {
      char text[600], buf[600];
      struct script *s;
      snprintf(text, sizeof text, "0 f(%s) = 0", rows[i][again]);
      const struct drill_call *c = call(&s, text);
      assert_int_equal(c->n, 1);
      assert_ptr_equal(la__value_text(c->args[0], buf, sizeof buf), buf);
      assert_string_equal(buf, rows[i][1]);
      la__script_free(s);
    }
}

static void kinds(void **state) {
  (void)state;
  struct script *s;
  const struct drill_call *c = call(&s, "0 f(..., 1, 0x2, A, \"b\\0c\"..., A|B, n=1, [1], {a=1, 2, m(3)=4}, g(5)) = 0");
  static const enum value_kind kinds_[] = {VALUE_ELLIPSIS, VALUE_INTEGER, VALUE_INTEGER, VALUE_WORD,   VALUE_STRING,
                                           VALUE_OR,       VALUE_ASSIGN,  VALUE_ARRAY,   VALUE_STRUCT, VALUE_CALL};
  assert_int_equal(c->n, 10);
  for (unsigned i = 0; i < 10; i++)
    assert_int_equal(c->args[i]->kind, kinds_[i]);
  assert_false(c->args[1]->hex);
  assert_true(c->args[2]->hex);
  assert_int_equal(c->args[2]->at.column, 13);
  assert_int_equal(c->args[4]->len, 3);
  assert_memory_equal(c->args[4]->text, "b\0c", 4);
  assert_true(c->args[4]->cut);
  assert_int_equal(c->args[5]->n, 2);
  assert_string_equal(c->args[6]->text, "n");
  assert_int_equal(c->args[6]->list[0]->num, 1);
  const struct value *v = c->args[8];
  assert_int_equal(v->n, 3);
  assert_string_equal(v->names[0], "a");
  assert_int_equal(v->list[0]->num, 1);
  assert_null(v->names[1]);
  assert_string_equal(v->names[2], "m");
  assert_int_equal(v->list[2]->kind, VALUE_CALL);
  assert_int_equal(v->list[2]->n, 2);
  assert_int_equal(v->list[2]->list[1]->num, 4);
  assert_int_equal(c->args[9]->n, 1);
  la__script_free(s);
}

static void results(void **state) {
  (void)state;
  static const struct {
    const char *text, *value, *err, *note;
  } rows[] = {
    {"close(3) = 0", "0", NULL, NULL},
    {"close(3)=-1", "-1", NULL, NULL},
    {"read(3, ..., 10) = -1 EAGAIN (Resource temporarily unavailable)", "-1", "EAGAIN", "Resource temporarily unavailable"},
    {"read(3, ..., 10) = -1 EAGAIN", "-1", "EAGAIN", NULL},
    {"read(3, ..., 10) = -1 EHOSTUNREACH(No route)", "-1", "EHOSTUNREACH", "No route"},
    {"fcntl(3, F_GETFL) = 0x802 (flags O_RDWR|O_NONBLOCK)", "0x802", NULL, "flags O_RDWR|O_NONBLOCK"},
    {"f() = -1 ( a (b) )", "-1", NULL, "a (b)"},
    {"f() = NULL (nothing)", "NULL", NULL, "nothing"},
    {"f() = htons(80)", "htons(80)", NULL, NULL},
    {"f() = ...", "...", NULL, NULL},
    {"f() = {a=1}", "{a=1}", NULL, NULL},
    {"f() = A|B", "A|B", NULL, NULL},
  };
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
    for (int more = 0; more < 2; more++) {
      char text[200], buf[100];
      struct script *s;
      snprintf(text, sizeof text, "0 %s%s", rows[i].text, more ? "\n+.5 close(4) = 0" : "");
      const struct drill_call *c = call(&s, text);
      assert_string_equal(c->source, rows[i].text);
      assert_string_equal(la__value_text(c->result, buf, sizeof buf), rows[i].value);
      assert_int_equal(!c->err, !rows[i].err);
      assert_int_equal(!c->note, !rows[i].note);
      if (c->err)
        assert_string_equal(c->err, rows[i].err);
      if (c->note)
        assert_string_equal(c->note, rows[i].note);
      assert_int_equal(s->events->next != NULL, more);
      assert_false(c->blocking);
      la__script_free(s);
    }
}

static void blocking_calls(void **state) {
  (void)state;
  static const struct {
    const char *text;
    la_time end;
    bool relative;
  } rows[] = {
    {"0...0.2 read(3, ..., 10) = 10", 200000000, false},
    {"1.5...2 read(3, ..., 10) = 10", 2000000000, false},
    {"+0...0.2 read(3, ..., 10) = 10", 200000000, true},
    {"+.1...0.3 read(3, ..., 10) = 10", 200000000, true}, /* both times count from the event before */
    {"+.1 ... .1 read(3, ..., 10) = 10", 0, true},
    {"1 ...+.1 read(3, ..., 10) = 10", 100000000, true},
  };
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    struct script *s;
    const struct drill_call *c = call(&s, rows[i].text);
    assert_true(c->blocking);
    assert_int_equal(c->end, rows[i].end);
    assert_int_equal(c->end_relative, rows[i].relative);
    assert_string_equal(c->source, "read(3, ..., 10) = 10");
    assert_string_equal(c->name, "read");
    la__script_free(s);
  }
}

static void text_is_cut(void **state) {
  (void)state;
  struct script *s;
  const struct drill_call *c = call(&s, "0 f([1, {a=\"xy\", b=...}, C|D]) = 0");
  static const char all[] = "[1, {a=\"xy\", b=...}, C|D]";
  for (size_t cap = 1; cap <= sizeof all + 1; cap++) {
    char *buf = malloc(cap);
    la__value_text(c->args[0], buf, cap);
    size_t n = cap - 1 < sizeof all - 1 ? cap - 1 : sizeof all - 1;
    assert_int_equal(strlen(buf), n);
    assert_memory_equal(buf, all, n);
    free(buf);
  }
  la__script_free(s);
}

static void bad_calls(void **state) {
  (void)state;
  static const struct bad_row rows[] = {
    {"0 f", 1, 4, "expected '(' after the call's name 'f', found the end of the file"},
    {"0 f(", 1, 5, "expected a value, found the end of the file"},
    {"0 f(1", 1, 6, "expected ')' or ',' in the arguments, found the end of the file"},
    {"0 f(1 2) = 0", 1, 7, "expected ')' or ',' in the arguments, found '2'"},
    {"0 f(,) = 0", 1, 5, "expected a value, found ','"},
    {"0 f(1,) = 0", 1, 7, "expected a value, found ')'"},
    {"0 f()", 1, 6, "expected '=' and the call's result, found the end of the file"},
    {"0 f() = ", 1, 9, "expected a value, found the end of the file"},
    {"0 f() = a = 1", 1, 11, "expected an error's name or the next event after the result, found '='"},
    {"0 f() = 0 (note\n", 1, 11, "this note has no end: expected ) in the same line"},
    {"0 f() = 0 EAGAIN (note", 1, 18, "this note has no end: expected ) in the same line"},
    {"0 f([1) = 0", 1, 7, "expected ']' or ',' in the array, found ')'"},
    {"0 f({a=1) = 0", 1, 9, "expected '}' or ',' in the structure, found ')'"},
    {"0 f({a=}) = 0", 1, 8, "expected a value, found '}'"},
    {"0 f(1|) = 0", 1, 7, "expected a value, found ')'"},
    {"0 f(1.5) = 0", 1, 5, "expected a value, found '1.5'"},
    {"0 f({flags 0x2000, sum 0}) = 0", 1, 6, "not supported: gre encapsulation"},
    {"0 f({flags [none], sum 0}) = 0", 1, 6, "not supported: gre encapsulation"},
    {"0 f({(label 1, tc 0, ttl 0)}) = 0", 1, 6, "not supported: mpls encapsulation"},
    {"0 ...f() = 0", 1, 6, "expected the time at which the call returns, found 'f'"},
    {"0 ...1 = 0", 1, 8, "expected the name of a call, found '='"},
    {"2...1 f() = 0", 1, 2, "the call returns before it begins"},
    {"0~1 ...2 f() = 0", 1, 5, "expected a call without an end: its beginning is no instant"},
  };
  CHECK_BAD(rows, DRILL_IP4);
  char deep[300] = "0 f(";
  memset(deep + 4, '[', 200);
  struct bad_row row = {deep, 1, 69, "values are nested more than 64 deep"};
  check_bad(&row, 1, DRILL_IP4);
}

int main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(round_trip),     cmocka_unit_test(kinds),       cmocka_unit_test(results),
    cmocka_unit_test(blocking_calls), cmocka_unit_test(text_is_cut), cmocka_unit_test(bad_calls),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

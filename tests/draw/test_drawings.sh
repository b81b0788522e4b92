#!/bin/sh
# SPDX-License-Identifier: MIT
# Every scenario, some captures and the state diagram in every form: well-formed, nothing over anything else; errors of files; "-".
set -u
lastack=${LASTACK:-build/lastack}
tape=${LASTACK_BUILD:-build}/tests/capture_tape
here=$(dirname "$0")
root=$here/../..
for tool in chromium python3 rsvg-convert dot "$tape"; do
  command -v "$tool" >/dev/null 2>&1 || { echo "skipped: $tool is not there" && exit 77; }
done
dir=$(mktemp -d) || exit 1
trap 'rm -rf "$dir"' EXIT
failed=0
fail() {
  echo "failed: $*"
  failed=1
}
# all NAME COMMAND...: in each form.
all() {
  name=$1
  shift
  "$lastack" "$@" --svg "$dir/$name.svg" --html "$dir/$name.html" --mermaid "$dir/$name.mmd" >"$dir/out" 2>"$dir/err" ||
    fail "$*: status $?: $(cat "$dir/err")"
  rsvg-convert "$dir/$name.svg" -o "$dir/png" && [ "$(wc -c <"$dir/png")" -gt 5000 ] || fail "$*: no picture"
}

for scenario in $("$lastack" sim --list | cut -d ' ' -f 1); do
  all "sim-$scenario" sim "$scenario"
done
all sim-level sim --delay 0 simultaneous-close
all sim-far sim --delay 3000 --drop 4 lost-fin
all sim-6 sim --ipv6 old-duplicate
all demo demo --pair --pcapng "$dir/demo.pcapng"
"$tape" '>S <SA >A >A20 <A +7200000 k> <A +75000 k> +75000 k> >R other >S +1000 ~> +2000 ~> other >A9 <A <A1400 >Aw0 +500 >A <FA' >"$dir/c.pcap"
all explain explain -q "$dir/c.pcap"
all explain-own explain -q "$dir/demo.pcapng"
all drill drill "$root/tests/drill/3.6/close-twice.pkt"
all drill-6 drill --all-families "$root/tests/drill/3.6/close-twice.pkt"
"$lastack" drill --svg "$dir/drill-failed.svg" "$(find "$root/tests/cli/drill" -name '*.pkt' | sort | head -n 1)" >"$dir/out"
[ $? = 1 ] || fail "a script that fails: status"
grep -q 'failed' "$dir/drill-failed.svg" || fail "the drawing does not say that the script failed"

# What was made of the same things: the very same.
"$lastack" sim release-four --svg - >"$dir/again"
cmp -s "$dir/again" "$dir/sim-release-four.svg" || fail "--svg - is not what the file is, and nothing else"
LC_ALL=C "$lastack" sim release-four --html - | cmp -s - "$dir/sim-release-four.html" || fail "--html - is not what the file is"
"$lastack" demo --pair --pcapng "$dir/d2.pcapng" --mermaid - 2>"$dir/err" | head -n 1 | grep -qx sequenceDiagram || fail "demo --mermaid -"
grep -q 'got the page' "$dir/err" || fail "demo says nothing where a drawing has the standard output"
"$lastack" explain -q "$dir/c.pcap" --connection C2 --svg - | grep -q 'SYN unanswered' || fail "--connection"
"$lastack" explain -q "$dir/c.pcap" -c 2 | grep -qv '^C2 ' && fail "--connection tells of others"
LASTACK_ASCII=1 "$lastack" explain -q "$dir/c.pcap" -c 1 --ladder | grep -q 'CLOSED |.* RST ' || fail "--ladder"

# The state diagram, with paths.
"$lastack" states --svg "$dir/states.svg" || fail "states --svg"
"$lastack" states --svg "$dir/states-sim.svg" --from-sim release-four || fail "--from-sim"
"$lastack" states --svg "$dir/states-host.svg" --from-sim half-open-reboot:client || fail "--from-sim with a host"
"$lastack" states --svg "$dir/states-path.svg" --path CLOSED,SYN-SENT,established,FIN-WAIT-1,CLOSED || fail "--path"
"$lastack" explain -q "$dir/c.pcap" -c 1 --states "$dir/states-explain.svg" >/dev/null || fail "explain --states"
for form in '' '--from-sim abort' '--path FIN-WAIT-1,FIN-WAIT-2'; do
  # shellcheck disable=SC2086
  "$lastack" states --dot $form | dot -Tsvg >"$dir/dot" && grep -q 'TIME&#45;WAIT' "$dir/dot" || fail "states --dot $form"
done
[ "$(grep -c 'class="pen p0"' "$dir/states-path.svg")" = 5 ] || fail "--path does not highlight four steps and a legend"
grep -q 'class="pen p1"' "$dir/states-sim.svg" || fail "--from-sim does not highlight the second host"
grep -q 'class="pen p1"' "$dir/states-host.svg" && fail "--from-sim NAME:HOST highlights another host"

# The pictures of docs/drawings are what the program draws.
pictures=$root/docs/drawings
"$lastack" states --svg "$dir/states-docs.svg" --from-sim release-four || fail "states"
for name in release-four simultaneous-close keepalive-rebooted states; do
  made=$dir/sim-$name.svg
  [ "$name" != states ] || made=$dir/states-docs.svg
  [ -z "${REGENERATE:-}" ] || cp "$made" "$pictures/$name.svg"
  cmp -s "$made" "$pictures/$name.svg" || fail "docs/drawings/$name.svg is out of date: REGENERATE=1 $0"
done

# usage STATUS WORD COMMAND...: one line on stderr with the word, nothing on stdout.
usage() {
  want=$1 word=$2
  shift 2
  "$lastack" "$@" >"$dir/o" 2>"$dir/e" </dev/null
  status=$?
  if [ "$status" != "$want" ] || [ "$(grep -c '' "$dir/e")" != 1 ] || ! grep -qF -e "$word" "$dir/e"; then
    fail "$*: status $status, expected $want and one line with \"$word\": $(cat "$dir/e")"
  fi
}
usage 1 "$dir/none/x.svg: No such file" sim open --svg "$dir/none/x.svg"
usage 1 "$dir/none/x.html: No such file" explain -q "$dir/c.pcap" --html "$dir/none/x.html"
usage 1 "/dev/full: cannot write: No space" states --svg /dev/full
usage 1 "/dev/full: cannot write: No space" sim open --html /dev/full
usage 1 "--states draws one connection" explain -q "$dir/c.pcap" --states "$dir/x"
usage 2 'only one drawing' sim open --svg - --html -
usage 2 'draw one scenario' sim open refused --svg "$dir/x"
usage 2 'draw one scenario' sim --all --html "$dir/x"
usage 2 'NOWHERE is no state' states --svg "$dir/x" --path CLOSED,NOWHERE
usage 2 'nothing leads from LISTEN to TIME-WAIT' states --svg "$dir/x" --path LISTEN,TIME-WAIT
usage 2 'nosuch' states --svg "$dir/x" --from-sim nosuch
usage 2 'no such host' states --svg "$dir/x" --from-sim open:nobody
usage 2 '--svg and --dot only' states --path CLOSED,LISTEN

PYTHONDONTWRITEBYTECODE=1 python3 "$here/drawings.py" "$dir" || failed=1
exit $failed

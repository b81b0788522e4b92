#!/bin/sh
# SPDX-License-Identifier: MIT
# lastack explain as a program: exit statuses, forms of output, link types, filters, broken files; tshark is the witness for tcp.completeness.
set -u
lastack=${LASTACK:-build/lastack}
tape=${LASTACK_BUILD:-build}/tests/capture_tape
[ -x "$tape" ] || { echo "skipped: the tests were not built" && exit 77; }
here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd) || exit 1
dir=$(mktemp -d) || exit 1
trap 'rm -rf "$dir"' EXIT
fail() {
  echo "failed: $*"
  exit 1
}
# status WANT ARG...: runs explain; output in $dir/out, $dir/err.
status() {
  want=$1
  shift
  "$lastack" explain "$@" >"$dir/out" 2>"$dir/err"
  got=$?
  [ $got = "$want" ] || fail "explain $*: status $got, not $want: $(head -n 5 "$dir/err")"
}
says() { grep -qE -- "$1" "$dir/out" || fail "nothing like \"$1\" in: $(cat "$dir/out")"; }

open='>S <SA >A >A10 <A'
good="$open >FA <A <FA >A"
bad="$open >FA <A +99 <A4 >R"
"$tape" "$good" >"$dir/good.pcap"
"$tape" "$bad" >"$dir/bad.pcap"

# exit statuses
status 0 "$dir/good.pcap"
says '^C1 10.0.0.2:46444 > 10.0.0.9:7010  closed first: client \(frame 6\); four-segment release \[certain\]'
status 0 "$dir/bad.pcap"
says '^C1 10.0.0.2:46444 > 10.0.0.9:7010  closed first: client \(frame 6\); server kept writing 102 ms; client reset \(frame 9\): data for a closed socket \[certain\]; 4 bytes lost; hint: the server treats end-of-stream as half-close, the client had closed fully$'
status 0 --findings "$dir/good.pcap"
status 1 --findings "$dir/bad.pcap"
says '^C1 '
status 1 --findings "$dir/good.pcap" "$dir/bad.pcap"
says '^C2 '
! grep -q '^C1 ' "$dir/out" || fail "an orderly release is a finding"
status 2
status 2 --port 99999 "$dir/good.pcap"
status 2 --filter 'tcp and and' "$dir/good.pcap"
status 3 "$dir/nowhere.pcap"
status 3 "$0"
printf 'x' >"$dir/short"
status 3 "$dir/short"
cat "$dir/good.pcap" | "$lastack" explain - | grep -q '^C1 ' || fail "nothing from a pipe"

# all before the break counts
size=$(wc -c <"$dir/bad.pcap")
head -c $((size - 3)) "$dir/bad.pcap" >"$dir/cut.pcap"
status 3 "$dir/cut.pcap"
says '^C1 '
grep -q "broken at offset [0-9]*, after 8 packets" "$dir/err" || fail "where did it break? $(cat "$dir/err")"

# filters and limits
"$tape" "$good other $good" >"$dir/two.pcap"
status 0 -q "$dir/two.pcap"
[ "$(wc -l <"$dir/out")" = 2 ] || fail "not two connections"
status 0 -q -n 1 "$dir/two.pcap"
[ "$(wc -l <"$dir/out")" = 1 ] || fail "-n 1"
status 0 -q --port 46445 "$dir/two.pcap"
says '^C2 10.0.0.2:46445 '
[ "$(wc -l <"$dir/out")" = 1 ] || fail "--port"
status 0 -q --host 10.0.0.7 "$dir/two.pcap"
[ ! -s "$dir/out" ] || fail "--host"
status 0 -q --filter 'port 46444' "$dir/two.pcap"
says '^C1 10.0.0.2:46444 '
[ "$(wc -l <"$dir/out")" = 1 ] || fail "--filter"

# every link type, both forms, both families: the same verdict, and the same in JSON but for names
for link in ethernet vlan qinq sll sll2 null loop raw; do
  for family in 4 6; do
    for form in pcap pcapng; do
      "$tape" "$bad" $link $family $form >"$dir/x"
      status 0 -q "$dir/x"
      says 'client reset \(frame 9\): data for a closed socket \[certain\]; 4 bytes lost'
    done
  done
done
"$tape" "$bad" ethernet 4 pcap 54 >"$dir/x" # the headers and nothing else
status 0 -q "$dir/x"
says 'data for a closed socket.*capture: truncated'
"$tape" "$open >A3000 <A >FA <FA >A" raw 4 pcap 65535 64 >"$dir/x" # 3000 bytes in pieces of 64
status 0 -q "$dir/x"
says 'three-segment release'
status 0 --json "$dir/x"
says '"capture":\["fragments"\]'

# JSON: an object a line, with the names of docs/explain.md
status 0 --json "$dir/bad.pcap"
for name in id client server first_frame last_frame start end closed_first close_kind reason certainty candidates rst_reason by finding \
  half_closed_ms half_closed_bytes lost_bytes handshake_rtt_ms time_wait zeek_state zeek_history zeek_orig completeness capture states text; do
  says "\"$name\":"
  grep -q "\`$name\`" docs/explain.md || fail "docs/explain.md does not say what $name is"
done
says '"reason":"data-after-close","certainty":"observed","candidates":\["data-after-close"\],"rst_reason":"TCP_ABORT_ON_DATA"'
says '"zeek_state":"RSTO","zeek_history":"ShADaFdR"'

# every object, of all kinds of connections, is as docs/explain.md says, and names nothing that is not there
if command -v jq >/dev/null 2>&1; then
  : >"$dir/all.json"
  for script in "$good" "$bad" '>S' '>S <RA' '>S <SA >R' "$open +500 =< (>A9) ~> >A3b >A9000o <Aw0 +70000 k< >RA" "$open >FA <FA >A +9 new >S <SA >A" \
    '<A5 >A' "$open +90000 k> +900 k> +900 k> >RA" '>A <RAt3 <A9' "$good other $bad"; do
    for family in 4 6; do
      "$tape" "$script" vlan $family pcapng >"$dir/x"
      "$lastack" explain --json "$dir/x" >>"$dir/all.json" || fail "--json: status $?"
    done
  done
  jq -e -s -f "$here/schema.jq" "$dir/all.json" >"$dir/out" 2>&1 || fail "JSON: $(cut -c 1-2000 "$dir/out")"
  jq -r 'paths | map(select(type == "string")) | .[]' "$dir/all.json" | sort -u >"$dir/names"
  while read -r name; do
    grep -q "\`$name\`" docs/explain.md || fail "docs/explain.md does not say what $name is"
  done <"$dir/names"
  jq -r '.reason' "$dir/all.json" | sort -u | while read -r name; do
    grep -q "^| \`$name\` |" docs/explain.md || fail "docs/explain.md does not say what $name is"
  done
fi

# several files, pcap and pcapng, one of them broken, one from a pipe: all that can be read counts once, and connections are numbered through
"$tape" "$good" sll2 6 pcapng >"$dir/good.pcapng"
size=$(wc -c <"$dir/good.pcapng")
head -c $((size - 5)) "$dir/good.pcapng" >"$dir/cut.pcapng"
cat "$dir/bad.pcap" | "$lastack" explain "$dir/good.pcap" "$dir/cut.pcapng" - "$dir/nowhere" >"$dir/out" 2>"$dir/err"
got=$?
[ $got = 3 ] || fail "several files: status $got"
says '^C1 10.0.0.2:46444 .*four-segment release'
says '^C2 \[fd00::2\]:46444 .*the capture ends within the release'
says '^C3 .*data for a closed socket'
says '^3 connections, 1 finding; 26 packets, 26 of them TCP$'
says '^closes: four-segment 1, reset 1, half-closed 1$'
grep -q "cut.pcapng: broken at offset [0-9]*, after 8 packets: the file ends within a block" "$dir/err" || fail "cut.pcapng: $(cat "$dir/err")"
grep -q "nowhere: No such file" "$dir/err" || fail "nowhere: $(cat "$dir/err")"
"$lastack" explain "$dir/good.pcap" >/dev/full 2>"$dir/err" && fail "a full disk went unnoticed"

# Wireshark's tcp.completeness
if command -v tshark >/dev/null 2>&1; then
  while read -r script; do
    "$tape" "$script" >"$dir/x"
    wireshark=$(tshark -2 -r "$dir/x" -T fields -e tcp.stream -e tcp.completeness 2>/dev/null </dev/null | awk '{ c[$1] = $2 } END { for (i = 0; i in c; i++) print c[i] }')
    status 0 --json "$dir/x"
    got=$(sort -t : -k 2 -n "$dir/out" | sed 's/.*"completeness":\([0-9]*\).*/\1/')
    [ "$wireshark" = "$got" ] || fail "completeness of $script: tshark says $wireshark, lastack $got"
  done <<END
$good
$bad
>S
>S <RA
>S <SA
>S <SA >R
>S <SA >A
>S <SA >A >RA
>S <SA >A >A10 <RA
>S5 <SA >A
>A10 <A >FA <FA >A
<SA >A <A5
>S <SA >A10 <A >FA
>S +1000 ~> <SA >A
$open <R
$good new >S <SA >A
$open new >S <RA
>F
>S <SA >A >F
>S <SA >A <FRA
$good other $bad
>S >A <SA
>S <S >SA <SA >A10
<A10 >A >R
>S <SA >A >A10 => <A10b ~< >R
(>S) <SA >A >A5
END
fi
exit 0

#!/bin/sh
# SPDX-License-Identifier: MIT
# lastack sim: every scenario by name, JSON, usage errors; claims hold (or are skipped) whatever the options make of the path.
set -u
lastack=${LASTACK:-build/lastack}
dir=$(mktemp -d) || exit 1
trap 'rm -rf "$dir"' EXIT
failed=0
fail() {
  echo "failed: $*"
  failed=1
}
names='open release-four release-three release-by-server half-close fin-needs-ack lost-fin lost-final-ack final-ack-never
without-time-wait time-wait-2msl old-duplicate address-in-use time-wait-new-syn quiet-time fin-wait-2-held fin-wait-2-orphan
simultaneous-open simultaneous-close refused abort close-unread data-after-close half-open-reboot idle-for-days keepalive-alive
keepalive-crashed keepalive-rebooted keepalive-unreachable syn-timeout retransmit-timeout icmp-from-router icmp-from-host udp-unreachable ctrl-c backlog
losses tail-probe long-fat-path ecn hystart offload bbr bbr-sound pmtu-icmp pmtu-blackhole pmtu-probe paws spurious-timeout limited-transmit
silly-window zero-window window-shrinks buffer-tuning initial-window idle-restart window-validation byte-counting pacing quick-ack
nagle-and-cork dscp-ttl-urgent neighbour'

"$lastack" sim --list >"$dir/list" || fail "--list: status $?"
for name in $names; do
  grep -q "^$name  *[^ ]" "$dir/list" || fail "--list lacks $name or its line"
done
[ "$(wc -l <"$dir/list")" = "$(echo $names | wc -w)" ] || fail "--list has other scenarios than this test"

"$lastack" sim --all >"$dir/all" || fail "--all: status $?"
for name in $names; do
  grep -q " $name: ok, [0-9]* claims$" "$dir/all" || fail "--all lacks $name, or skips claims under the usual conditions"
done
tail -n 1 "$dir/all" | grep -q '^63 scenarios, 0 failed; [0-9]* claims, 0 skipped$' || fail "summary: $(tail -n 1 "$dir/all")"

# Each draws what happened, on a terminal: who opens, and who ends it; those that compare runs, of more than one. Long transfers are folded.
comparing='bbr bbr-sound buffer-tuning byte-counting dscp-ttl-urgent ecn hystart idle-restart initial-window long-fat-path nagle-and-cork
offload pacing pmtu-blackhole pmtu-icmp pmtu-probe quick-ack silly-window spurious-timeout window-validation '
for name in $names; do
  LC_ALL=C.UTF-8 "$lastack" sim "$name" >"$dir/ladder" || fail "$name: status $?"
  opened=$(grep -cE '─ SYN(,[A-Z]+)* seq=0 ' "$dir/ladder") ended=$(grep -cE '─ (FIN|RST)(,[A-Z]+)* seq=' "$dir/ladder")
  [ "$name" = udp-unreachable ] || [ "$opened" -ge 1 ] || fail "$name: no opening is drawn"
  [ "$(grep -cE '^ +[0-9]+\.[0-9]{6} .*│' "$dir/ladder")" -ge 3 ] || fail "$name: hardly anything is drawn"
  [ "$(wc -l <"$dir/ladder")" -le 400 ] || fail "$name: long transfers are not folded"
  case $comparing in *"$name "* | *"$name"'
'*) [ "$opened" -ge 4 ] && [ "$ended" -ge 2 ] || fail "$name: compares runs, and draws $opened SYNs, $ended FINs and RSTs" ;; esac
done

"$lastack" sim half-open-reboot | grep -q 'len=100 (retransmitted)' && fail "what a host sent before its reboot is told after it"

# Over IPv6 the same scenarios and claims, on other packets.
"$lastack" sim --all --ipv6 >"$dir/all6" || fail "--all --ipv6: status $?"
[ "$(tail -n 1 "$dir/all")" = "$(tail -n 1 "$dir/all6")" ] || fail "--ipv6: $(tail -n 1 "$dir/all6")"
"$lastack" sim --ipv6 open >"$dir/out" || fail "--ipv6 open: status $?"
grep -q 'mss=1440' "$dir/out" || fail "--ipv6: the MSS is not the MTU less 60"

# One object a line; the keys that scripts rely on; the same twice.
"$lastack" sim --all --json >"$dir/json" || fail "--all --json: status $?"
"$lastack" sim --all --json >"$dir/json2"
cmp -s "$dir/json" "$dir/json2" || fail "two runs differ"
[ "$(wc -l <"$dir/json")" = 63 ] || fail "--json: not one line for each scenario"
if command -v python3 >/dev/null 2>&1; then
  python3 -c '
import json, sys
for line in open(sys.argv[1]):
    o = json.loads(line)
    assert set(o) == {"scenario", "ok", "claims"} and o["ok"] is True, line
    assert len(o["claims"]) >= 3, line
    for c in o["claims"]:
        assert set(c) == {"text", "ok", "skipped"} and c["text"] and c["ok"] is True and c["skipped"] is False, c
' "$dir/json" || fail "--json"
fi
"$lastack" sim --json --drop 2 open | grep -q '"skipped":true' || fail "--drop skips no claim of open"

# A ladder and its claims; without the ladder; several names.
"$lastack" sim release-four >"$dir/out" || fail "release-four: status $?"
for word in FIN-WAIT-1 FIN-WAIT-2 TIME-WAIT CLOSE-WAIT LAST-ACK 'FIN,ACK' 'release-four: ok'; do
  grep -qF "$word" "$dir/out" || fail "release-four does not show $word"
done
# A state that ends by a clock names it in its row.
while read -r scenario row; do
  LASTACK_ASCII=1 "$lastack" sim "$scenario" | tr -s ' ' | grep -qF "$row" || fail "$scenario has no row \"$row\""
done <<EOF
release-four CLOSED | 2MSL
simultaneous-close 2MSL | CLOSED
simultaneous-close CLOSED | 2MSL
fin-wait-2-orphan CLOSED | FIN-WAIT-2 time-out
retransmit-timeout CLOSED | R2
final-ack-never R2 | CLOSED
syn-timeout CLOSED | SYN time-out
keepalive-crashed CLOSED | keepalive time-out
ctrl-c deadline of the close | CLOSED
EOF
"$lastack" sim --quiet release-four >"$dir/quiet" || fail "--quiet: status $?"
grep -q 'release-four: ok' "$dir/quiet" || fail "--quiet hides the result"
[ "$(wc -l <"$dir/quiet")" -lt "$(wc -l <"$dir/out")" ] || fail "--quiet draws"
"$lastack" sim -q open refused >"$dir/two" || fail "two names: status $?"
grep -q '^open: ok' "$dir/two" && grep -q '^refused: ok' "$dir/two" || fail "two names"

# usage STATUS WORD ARG...: one line on stderr with the word, nothing on stdout.
usage() {
  word=$1
  shift
  "$lastack" sim "$@" >"$dir/o" 2>"$dir/e" </dev/null
  status=$?
  if [ "$status" != 2 ] || [ -s "$dir/o" ] || [ "$(grep -c '' "$dir/e")" != 1 ] || ! grep -qF -e "$word" "$dir/e"; then
    fail "sim $*: status $status, expected 2 and one line with \"$word\": $(cat "$dir/e" "$dir/o")"
  fi
}
usage 'no scenario'
usage nosuch nosuch
usage nosuch open nosuch
usage --msl --msl 0 open
usage --msl --msl 3601 open
usage --msl --msl x open
usage --seed --seed -1 open
usage --drop --drop 0 open
usage --drop --drop '' open
usage --delay --delay 1.5 open
usage --delay --delay 10001 open
usage nosuch --nosuch open
usage --msl open --msl

# The claims hold whatever the conditions. With sanitizers, which take six times as long, every fourth of them.
turn=0
holds() {
  turn=$((turn + 1))
  case ${LASTACK_BUILD:-} in */debug) [ $((turn % 4)) = 1 ] || return 0 ;; esac
  "$lastack" sim --all "$@" >"$dir/o" 2>&1 || {
    fail "sim --all $*"
    grep -v -e '^✓' -e '^+' "$dir/o"
  }
}
for seed in 1 2 3 4 5; do holds --seed $seed; done
for drop in 1 2 3 4 5 6 7 8 9 10 11 12; do holds --drop $drop; done
for msl in 1 7 30 120 240 3600; do holds --msl $msl; done
for delay in 0 1 100 300 500 700 1000 1500 3000 5000; do
  holds --delay $delay
  for drop in 1 3 5 7 9 11 13; do holds --delay $delay --drop $drop --msl 1 --seed $drop; done
  for drop in 2 16; do holds --delay $delay --drop $drop --msl 120; done
done
holds --delay 10000 --msl 5
holds --ipv6
for delay in 0 100 500 1500 5000; do
  for drop in 1 4 9; do holds --ipv6 --delay $delay --drop $drop --msl 1; done
  holds --ipv6 --delay $delay --msl 120 --seed $delay
done
exit $failed

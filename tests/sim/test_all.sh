#!/bin/sh
# SPDX-License-Identifier: MIT
# `lastack sim` as a whole: every scenario is there, has claims, and holds under other conditions too, where claims that presume the
# usual ones are skipped but none fails.
set -u
lastack=${LASTACK:?the program to test}
dir=$(mktemp -d) || exit 1
trap 'rm -rf "$dir"' EXIT
status=0
fail() {
  echo "FAIL: $*"
  status=1
}

wanted='offload losses neighbour tail-probe udp-unreachable ctrl-c icmp-from-host icmp-from-router abort address-in-use backlog close-unread
data-after-close fin-needs-ack fin-wait-2-held fin-wait-2-orphan final-ack-never half-close long-fat-path ecn hystart bbr bbr-sound
pmtu-icmp pmtu-blackhole pmtu-probe paws spurious-timeout limited-transmit silly-window zero-window window-shrinks buffer-tuning
initial-window idle-restart window-validation byte-counting pacing quick-ack nagle-and-cork dscp-ttl-urgent
half-open-reboot idle-for-days keepalive-alive keepalive-crashed keepalive-rebooted keepalive-unreachable lost-fin lost-final-ack
old-duplicate open quiet-time refused release-by-server release-four release-three retransmit-timeout simultaneous-close
simultaneous-open syn-timeout time-wait-2msl time-wait-new-syn without-time-wait'
"$lastack" sim --list | awk '{ print $1 }' | sort >"$dir/list"
for scenario in $wanted; do
  grep -qx "$scenario" "$dir/list" || fail "$scenario is not listed"
done

# One object a scenario, a line each, and the exit status says whether every claim held.
"$lastack" sim --all --json >"$dir/json" 2>"$dir/err"
code=$?
sed -n 's/^{"scenario":"\([^"]*\)".*/\1/p' "$dir/json" | sort >"$dir/ran"
cmp -s "$dir/list" "$dir/ran" || fail '--list and --all differ'
if grep -q '^{"scenario":"[^"]*","ok":false' "$dir/json"; then bad=1; else bad=0; fi
[ $code = $bad ] || fail "--all ended with $code"
[ ! -s "$dir/err" ] || fail "stderr: $(head -n 1 "$dir/err")"
awk -F '"text":' '{ if (NF - 1 < 3) { print "FAIL: fewer than three claims: " $1; bad = 1 } } END { exit bad }' "$dir/json" || status=1

# The drawing in the README is the one that is drawn.
readme=$(dirname "$0")/../../README.md
awk '/`lastack sim release-four`:$/ { on = 1 } on && /^```/ { n++; next } n == 1' "$readme" >"$dir/readme"
LC_ALL=C.UTF-8 "$lastack" sim release-four | awk '/^ .*client .*server/ { on = 1 } on && !NF { exit } on' >"$dir/drawn"
cmp -s "$dir/readme" "$dir/drawn" || fail 'README.md: its drawing is not that of lastack sim release-four'

# Under each condition, the claims that failed.
for condition in '' '--seed 2' '--seed 99' '--msl 5' '--msl 120' '--delay 1' '--delay 400' '--drop 1' '--drop 2' '--drop 3' '--drop 4' '--drop 5' '--drop 6' \
  '--drop 7' '--drop 8' \
  '--drop 3 --fail-alloc 240' '--drop 3 --fail-alloc 241 --from' '--ipv6' '--ipv6 --seed 3' '--offload cut' '--offload join' '--offload join --drop 4 --seed 5 --ipv6' '--ipv6 --delay 700 --msl 5 --drop 3'; do
  # shellcheck disable=SC2086
  "$lastack" sim --all --json $condition >"$dir/json" 2>&1 && continue
  fail "sim --all ${condition:-as usual}:"
  sed -n 's/^{"scenario":"\([^"]*\)","ok":false,/\1 /p' "$dir/json" | while read -r scenario claims; do
    echo "$claims" | sed 's/{"text":/\n&/g' | sed -n "s/^{\"text\":\"\\(.*\\)\",\"ok\":false,\"skipped\":false.*/  $scenario: \\1/p"
  done
done
exit $status

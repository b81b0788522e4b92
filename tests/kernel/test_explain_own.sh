#!/bin/sh
# SPDX-License-Identifier: MIT
# What lastack writes into its own captures makes a verdict certain that the wire alone would leave open.
set -u
. "$(dirname "$0")/lib.sh"
both_families "$@"
in_namespace "$0" "$@"
begin
family "$1"

# session FILE STEP...: a kernel's client of an echo service, ten bytes echoed; then the service is told to stop.
session() {
  file=$1
  shift
  : >out
  # shellcheck disable=SC2086
  "$lastack" serve $wire --echo --pcapng "$file" >out 2>err 7>&- &
  pid=$!
  pids="$pids $pid"
  until_true "$limit" grep -q '^lastack: serving on ' out || flunk "not ready"
  peer connect "$ours" 7 send:10 recv:10 "$@"
  said 'connected [0-9]*'
  go
  said 'received 10'
  kill -s TERM $pid
}
# explained FILE PATTERN
explained() {
  "$lastack" explain --json "$1" >json || flunk "explain: status $?"
  grep -qE -- "$2" json || flunk "not $2: $(cat json)"
}

session deadline.pcapng wait # the client never closes: the service's patience ends
ended $pid
go
peer_over
explained deadline.pcapng '"close_kind":"reset","reason":"fin-wait-2-left","certainty":"observed".*"by":"server"'

session late.pcapng end send:10 end # it sends when the service has closed
ended $pid
ended $peer_pid
explained late.pcapng '"close_kind":"reset","reason":"data-after-close","certainty":"observed".*"by":"server"'

session clean.pcapng end close
ended $pid
peer_over
explained clean.pcapng '"closed_first":"server","close_kind":"three-segment","reason":"close","certainty":"observed"'
exit 0

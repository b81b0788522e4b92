# SPDX-License-Identifier: MIT
# For tests of explain between kernels: sourced after lib.sh. Connections to a server in the namespace of the process $far, at $b; the truth
# about each is kept by its port in the file "wanted", and what explain says in JSON is compared with it at the end.
next=${next:-5000}

# hold: a process in a namespace of its own, which lives as long as this script; its number in $held.
hold() {
  [ -p hold ] || mkfifo hold
  exec 8<>hold
  rm -f there
  unshare -n sh -c 'echo there; read -r _ <&8' >there 7>&- &
  held=$!
  pids="$pids $held"
  until_true "$limit" grep -q there there || skip "no second network namespace"
}

# talk: pipes by which the two ends are told to go on.
talk() {
  mkfifo c.ctl s.ctl
  exec 5<>c.ctl 6<>s.ctl
}

# pair SERVER-STEPS CLIENT-STEPS: a connection, open at both ends; each step list starts when it is told to go.
pair() {
  next=$((next + 1))
  pair_again "$@"
}
# The same to the same port.
pair_again() {
  serve "$1"
  call "$2"
  until_true "$limit" grep -q connected c.out && until_true "$limit" grep -q accepted s.out || fail "no connection: $(cat c.out s.out)"
}
serve() {
  : >s.out
  # shellcheck disable=SC2086
  nsenter -t "$far" -n "$build/tests/kernel_peer" listen $b $next $1 <s.ctl >s.out 2>&1 5>&- 6>&- 7>&- 8>&- &
  server=$!
  pids="$pids $server"
  until_true "$limit" grep -q listening s.out || fail "server: $(cat s.out)"
}
call() {
  : >c.out
  # shellcheck disable=SC2086
  "$build/tests/kernel_peer" connect $b $next $1 <c.ctl >c.out 2>&1 5>&- 6>&- 7>&- 8>&- &
  client=$!
  pids="$pids $client"
}
c_go() { echo >&5; }
s_go() { echo >&6; }
c_says() { until_true "$limit" grep -q "$1" c.out || fail "port $next: the client does not say $1: $(cat c.out s.out)"; }
s_says() { until_true "$limit" grep -q "$1" s.out || fail "port $next: the server does not say $1: $(cat c.out s.out)"; }
over() {
  ended "$client"
  ended "$server"
}
unread() { [ "$(ss -Htn "dport = :$next" | awk '{ print $2 }')" = "$1" ]; }
in_state() { ss -Htn state "$1" "dport = :$next" | grep -q .; }

# want PATTERN: of the JSON of this connection, to be looked for at the end.
want() { printf '%s\t%s\n' "$next" "$1" >>wanted; }
# compare WANTED JSON: a connection for each row, and each as it is wanted. Of several with one port, any may match.
compare() {
  while IFS="$(printf '\t')" read -r port pattern; do
    line=$(grep -E "\"server\":\"[^\"]*:$port\"" "$2") || fail "port $port: no such connection in: $(cut -c 1-200 "$2")"
    echo "$line" | grep -qE -- "$pattern" || fail "port $port: not $pattern: $line"
  done <"$1"
  [ "$(wc -l <"$2")" = "$(wc -l <"$1")" ] || fail "$(wc -l <"$2") connections, not $(wc -l <"$1"): $(cut -c 1-200 "$2")"
}

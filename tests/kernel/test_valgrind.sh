#!/bin/sh
# SPDX-License-Identifier: MIT
# Not one error, leak or forgotten descriptor in the demo, with the kernel and without, in serve and in connect.
set -u
. "$(dirname "$0")/lib.sh"
need valgrind curl timeout
grep -q __asan_init "$lastack" && skip "a build with sanitizers does not run under valgrind"
in_namespace "$0" "$@"
dir=$(mktemp -d) || exit 1
pid=
trap '[ -z "$pid" ] || kill -9 $pid 2>/dev/null; rm -rf "$dir"' EXIT
cd "$dir" || exit 1

# check LOG: valgrind was content, and only what was open before is open at the end.
check() {
  grep -qE 'ERROR SUMMARY: 0 errors' "$1" || fail "valgrind: $(cat "$1")"
  ! grep -q 'definitely lost: [1-9]\|indirectly lost: [1-9]\|still reachable: [1-9]' "$1" || fail "leaks: $(cat "$1")"
  ! grep -A 1 'Open \(AF_\|file descriptor\)' "$1" | grep -v 'Open \(AF_\|file descriptor\)' | grep -q 'at 0x' || fail "descriptors: $(cat "$1")"
}

for how in --pair ''; do
  # shellcheck disable=SC2086
  timeout 120 valgrind --leak-check=full --show-leak-kinds=all --track-fds=yes --error-exitcode=99 --log-file=log "$lastack" demo $how --pcapng x \
    >out 2>&1 || fail "demo $how: status $?: $(cat out log)"
  check log
done

mkdir root
head -c 300000 /dev/urandom >root/file
valgrind --leak-check=full --show-leak-kinds=all --track-fds=yes --error-exitcode=99 --log-file=log \
  "$lastack" serve --root root --tun t0 --addr 10.0.0.1/24 --host-addr 10.0.0.2/24 -v --pcapng x >out 2>err &
pid=$!
until_true 60 grep -q '^lastack: serving' out || fail "not ready: $(cat out err log)"
curl -q -sS --noproxy '*' --max-time 60 -o file http://10.0.0.1/file && cmp -s file root/file || fail "the file did not come through"
kill -INT $pid
wait $pid || fail "status $?: $(cat err log)"
pid=
check log

# To the kernel, which refuses; and to nobody, stopped while it opens.
valgrind --leak-check=full --show-leak-kinds=all --track-fds=yes --error-exitcode=99 --log-file=log \
  "$lastack" connect -v --pcapng x fd77::2 9 <root/file >out 2>err
status=$?
[ $status = 3 ] || fail "connect: status $status: $(cat err log)"
check log
valgrind --leak-check=full --show-leak-kinds=all --track-fds=yes --error-exitcode=99 --log-file=log \
  "$lastack" connect -v --fault drop:out:syn:1 10.77.0.9 9 <root/file >out 2>err &
pid=$!
until_true 60 grep -q 'SYN seq=0' err || fail "no SYN: $(cat err log)"
kill -TERM $pid
wait $pid
status=$?
pid=
[ $status = 1 ] && grep -q interrupted err || fail "connect: status $status: $(cat err log)"
check log
exit 0

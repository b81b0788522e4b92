#!/bin/sh
# SPDX-License-Identifier: MIT
# Wrong input: one clear line on stderr that names the thing, nothing on stdout, 2 for usage and 1 for failure, nothing left behind.
set -u
lastack=${LASTACK:-build/lastack}
case $lastack in /*) ;; *) lastack=$(pwd)/$lastack ;; esac
dir=$(mktemp -d) || exit 1
trap 'rm -rf "$dir"' EXIT
cd "$dir" || exit 1
mkdir root
failed=0

# expect STATUS WORD ARG...: the exit status, and a word in the one line.
expect() {
  want=$1 word=$2
  shift 2
  "$lastack" "$@" >out 2>err </dev/null
  status=$?
  lines=$(grep -c '' err)
  if [ "$status" != "$want" ] || [ "$lines" != 1 ] || [ -s out ] || ! grep -qF -e "$word" err; then
    echo "lastack $*: status $status (expected $want), $lines lines on stderr (expected 1, with \"$word\"):"
    cat err out
    failed=1
  fi
}

expect 2 command
expect 2 nosuch nosuch
expect 2 --nosuch --nosuch
expect 2 command --
for command in serve demo states connect; do
  expect 2 --nosuch $command --nosuch
  [ $command = connect ] || expect 2 extra $command extra
done
expect 2 --dot states --dot --mermaid
expect 2 --echo serve
expect 2 'only one' serve --echo --discard
expect 2 'only one' serve --echo --root root
expect 2 --root serve --root
expect 2 10.0.0 serve --echo --addr 10.0.0/24
expect 2 10.0.0.1 serve --echo --addr 10.0.0.1
expect 2 10.0.0.256 serve --echo --addr 10.0.0.256/24
expect 2 33 serve --echo --addr 10.0.0.1/33
expect 2 /x serve --echo --addr 10.0.0.1/x
expect 2 nonsense serve --echo --host-addr nonsense/8
expect 2 129 serve --echo --addr fd00::1/129
expect 2 fd00:::1 serve --echo --addr fd00:::1/64
expect 2 twice serve --echo --addr fd00::1/64 --addr fd00:0::1/8
expect 2 fd00::1 serve --echo --addr fd00::1/64 --host-addr fd00::1/64
expect 2 twice serve --echo --addr 10.0.0.1/24 --addr 10.0.0.1/8
expect 2 10.0.0.1 serve --echo --addr 10.0.0.1/24 --host-addr 10.0.0.1/24
for port in 0 65536 -1 80x '' ' 80' 99999999999999999999; do
  expect 2 --port serve --echo --port "$port"
done
expect 2 --msl serve --echo --msl 0
expect 2 --msl serve --echo --msl 1.5
expect 2 --json serve --echo --json -v
expect 2 HOST connect
expect 2 PORT connect 10.0.0.1
expect 2 localhost connect localhost 80
expect 2 extra connect 10.0.0.1 80 extra
for port in 0 65536 x ''; do
  expect 2 PORT connect 10.0.0.1 "$port"
  expect 2 --local-port connect --local-port "$port" 10.0.0.1 80
done
for keep in '' 1 1,2 1,2,3,4 1,2,x 0,1,1 1,0,1 1,1,0 65536,1,1 1,1,256 1,,1 ' 1,1,1'; do
  expect 2 --keepalive connect --keepalive "$keep" 10.0.0.1 80
done
expect 2 --timeout connect --timeout 0 10.0.0.1 80
expect 2 --offload connect --offload some 10.0.0.1 80
for spec in '' drop drop=101% nonsense drop:in:fin; do
  expect 2 --fault connect --fault "$spec" 10.0.0.1 80
done
expect 2 --fault serve --echo --fault x=1
expect 2 --json connect --json -v 10.0.0.1 80
expect 2 10.0.0.1 connect --addr 10.0.0.1/24 --host-addr 10.0.0.1/24 10.0.0.2 80
expect 1 nosuchdir serve --root nosuchdir
expect 1 "$lastack" serve --root "$lastack"
expect 2 this-name-is-too-long serve --echo --tun this-name-is-too-long
expect 2 a/b serve --echo --tun a/b
expect 2 'tun%d' serve --echo --tun 'tun%d'
expect 2 this-name-is-too-long connect --tun this-name-is-too-long fd00::1 80
expect 1 224.0.0.1 serve --echo --addr 224.0.0.1/24

# What is asked for goes to stdout, with status 0.
for args in --help --version 'serve --help' 'demo --help' 'connect --help' 'states --help' states 'states --dot' 'states --mermaid'; do
  # shellcheck disable=SC2086
  "$lastack" $args >out 2>err || { echo "lastack $args: status $?" && failed=1; }
  [ -s out ] && [ ! -s err ] || { echo "lastack $args: nothing on stdout, or something on stderr" && cat err && failed=1; }
done
if [ -w /dev/full ]; then
  "$lastack" states >/dev/full 2>err
  [ $? = 1 ] && [ "$(grep -c '' err)" = 1 ] || { echo "a full disk under stdout goes unnoticed" && failed=1; }
fi

left=$(ls)
[ "$left" = "$(printf 'err\nout\nroot')" ] || { echo "left behind: $left" && failed=1; }
exit $failed

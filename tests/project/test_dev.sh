#!/bin/sh
# SPDX-License-Identifier: MIT
# ./dev itself: it lists its commands, refuses others in one line, and names the packages where it may not install.
set -u
root=$(CDPATH='' cd -- "$(dirname -- "$0")/../.." && pwd) || exit 1
dir=$(mktemp -d) || exit 1
trap 'rm -rf "$dir"' EXIT
chmod 755 "$dir"
status=0
fail() {
  echo "FAIL: $*"
  status=1
}
# Usage: status 2 and one line on stderr that names the thing.
refused() {
  [ "$1" = 2 ] || fail "$2: status $1"
  [ ! -s "$dir/out" ] || fail "$2: something on stdout"
  grep -q nonsense "$dir/err" || fail "$2: not named"
  [ "$(grep -c '' "$dir/err")" = 1 ] || fail "$2: not one line"
}

cd / || exit 1
"$root/dev" >"$dir/out" || fail 'without arguments it does not succeed'
for command in setup build demo sim test conformance mutants man lint format freestanding cross bench fuzz ci clean; do
  grep -q "^  $command " "$dir/out" || fail "$command is not listed"
done
"$root/dev" nonsense >"$dir/out" 2>"$dir/err"
refused $? 'an unknown command'
"$root/dev" build nonsense >"$dir/out" 2>"$dir/err"
refused $? 'an unknown preset'
"$root/dev" cross nonsense >"$dir/out" 2>"$dir/err"
refused $? 'an unknown machine'
"$root/dev" fuzz nonsense >"$dir/out" 2>"$dir/err"
refused $? 'no number of seconds'
"$root/dev" fuzz 1 nonsense >"$dir/out" 2>"$dir/err"
refused $? 'nothing that is fuzzed'
"$root/dev" setup nonsense >"$dir/out" 2>"$dir/err"
refused $? 'an unknown set of packages'

# A system with hardly anything, and no right to install: no compiler, no make, no root.
mkdir "$dir/bin"
for tool in sh dirname nproc cat tail rm mktemp id find head grep; do
  ln -s "$(command -v $tool)" "$dir/bin/$tool"
done
printf '#!/bin/sh\necho 1000\n' >"$dir/bin/id.new" && chmod +x "$dir/bin/id.new" && mv -f "$dir/bin/id.new" "$dir/bin/id"
for job in build demo test cross; do
  PATH=$dir/bin sh "$root/dev" setup $job >"$dir/out" 2>"$dir/err"
  [ $? = 1 ] || fail "setup $job: succeeds without the right to"
  [ "$(grep -c "" "$dir/err")" = 1 ] || fail "setup $job: not one line"
  tail -n 1 "$dir/err" | grep -q '^dev: please install these packages: gcc libc6-dev make cmake libjansson-dev' || fail "setup $job: names no package"
done
tail -n 1 "$dir/err" | grep -q ' qemu-user' || fail 'setup cross: names too few packages'
PATH=$dir/bin sh "$root/dev" setup test >"$dir/out" 2>"$dir/err"
tail -n 1 "$dir/err" | grep -q ' libcmocka-dev clang.* clang-format valgrind tshark.* procps.* g++ pkg-config libuv1-dev mandoc python3' || fail 'setup test: names too few packages'
PATH=$dir/bin sh "$root/dev" setup build 2>&1 | grep -q cmocka && fail 'setup build: names too many packages'

[ $status = 0 ] || cat "$dir/err"
exit $status

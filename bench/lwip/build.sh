#!/bin/sh
# SPDX-License-Identifier: MIT
# build.sh SOURCE OUT WINDOW [FLAG...]: two copies of lwIP (its source in SOURCE), our port and harness, linked into the program OUT.
# Each copy is optimised as a whole, as our library is.
set -eu
here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
source=$1 out=$2 window=$3
shift 3
flags=$*
work=$out.objects
mkdir -p "$work"
compile() {
  # shellcheck disable=SC2086
  ${CC:-cc} $flags -std=gnu11 -O3 -flto -w -I"$here" -I"$source/src/include" -DBENCH_WINDOW="$window" "$@"
}
rm -f "$work"/*.o
for file in "$source"/src/core/*.c "$source"/src/core/ipv4/*.c; do
  compile -c "$file" -o "$work/$(basename "$file" .c).o"
done
for side in client_side server_side; do
  compile -DSIDE=$side -c "$here/side.c" -o "$work/$side.one"
  ${CC:-cc} -r -O3 -flto -flinker-output=nolto-rel "$work"/*.o -x none "$work/$side.one" -o "$work/$side.all"
  objcopy --keep-global-symbol=$side "$work/$side.all"
done
compile -Wall -Wextra "$here/main.c" "$work/client_side.all" "$work/server_side.all" -o "$out"

#!/bin/sh
# SPDX-License-Identifier: MIT
# Proves that the core needs no libc: compiles it with nothing but the compiler's own headers, with gcc and clang, for machines
# of 64 and 32 bits, little and big endian, and looks at what the objects still want.
set -u
root=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd) || exit 2
cd "$root" || exit 2
export LC_ALL=C
work=$root/build/freestanding
warnings='-Wall -Wextra -Wconversion -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Werror'
status=0

# What a 32-bit compiler brings itself, in libgcc or compiler-rt.
runtime='__(u?div|u?mod|mul|ashl|lshr|ashr|cmp|ucmp|clz|ctz|popcount|ffs|bswap)[sd]i[234]|__u?divmod[sd]i4'

headers_of() {
  case $1 in
    gcc) gcc -print-file-name=include ;;
    clang) echo "$(clang -print-resource-dir)/include" ;;
  esac
}

# $1 compiler, $2 machine options, $3 link (objects this machine's binutils can read) or compile.
one() {
  compiler=$1 machine=$2 how=$3
  name=$compiler${machine:+ $machine}
  command -v "$compiler" >/dev/null 2>&1 || {
    echo "freestanding: $name: skipped, $compiler is not installed"
    return
  }
  dir=$work/$(echo "$name" | tr -c 'a-zA-Z0-9\n' _)
  mkdir -p "$dir"
  set -- src/base src/mem src/wire src/tcp src/udp src/core src/sock src/posix
  find "$@" -name '*.c' 2>/dev/null | sort >"$dir/sources"
  [ -s "$dir/sources" ] || {
    echo "freestanding: $name: no source yet"
    return
  }
  optimize='-O2 -c'
  [ "$how" = link ] || optimize=-fsyntax-only
  # shellcheck disable=SC2086
  while read -r source; do
    object=$dir/$(echo "$source" | tr / _).o
    [ "$how" = link ] && output="-o $object" || output=
    echo "$machine $optimize $output $source"
  done <"$dir/sources" | xargs -P 2 -L 1 "$compiler" -std=c11 -ffreestanding -fno-pic -nostdinc -isystem "$(headers_of "$compiler")" \
    -Iinclude -Isrc $warnings >"$dir/log" 2>&1 || {
    echo "freestanding: $name: does not compile"
    cat "$dir/log"
    status=1
    return
  }
  if [ "$how" = compile ]; then
    echo "freestanding: $name: compiles"
    return
  fi
  wanted=$(cat_undefined "$dir" | grep -vxE "mem(cpy|move|set|cmp)" | grep -vxE "$runtime")
  if [ -n "$wanted" ]; then
    echo "freestanding: $name: the core still wants: $(echo "$wanted" | paste -sd ' ')"
    status=1
  else
    echo "freestanding: $name: compiles and wants nothing but memcpy, memmove, memset, memcmp"
  fi
}

# Symbols that some object uses and none defines.
cat_undefined() {
  nm -P "$1"/*.o | awk '$2 == "U" { used[$1] } $2 ~ /^[TDBRVW]$/ { made[$1] } END { for (s in used) if (!(s in made)) print s }' | sort
}

rm -rf "$work"
one gcc '' link
one gcc -m32 link
one clang '' link
one clang '-m32' link
one clang '--target=thumbv7m-none-eabi' compile
one clang '--target=mips-none-elf' compile
one clang '--target=s390x-none-elf' compile
one clang '--target=wasm32' compile
exit $status

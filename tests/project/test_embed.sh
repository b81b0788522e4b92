#!/bin/sh
# SPDX-License-Identifier: MIT
# An embedder's project takes the core with add_subdirectory: one target, no dependency, and a program that links it alone.
set -u
root=$(CDPATH='' cd -- "$(dirname -- "$0")/../.." && pwd) || exit 1
ls "$root"/src/core/*.c >/dev/null 2>&1 || {
  echo "no src/core yet"
  exit 77
}
dir=$(mktemp -d) || exit 1
trap 'rm -rf "$dir"' EXIT

cat >"$dir/CMakeLists.txt" <<END
cmake_minimum_required(VERSION 3.25)
project(embedder C)
add_subdirectory($root lastack)
add_executable(embedder main.c)
target_link_libraries(embedder PRIVATE lastack::core)
END
cat >"$dir/main.c" <<'END'
#include <lastack/stack.h>

int main(void) {
  la_config config;
  la_config_init(&config, LA_PRESET_RFC);
  return config.size != sizeof config || config.msl != 30 * LA_SEC || la_stack_new(&config) != 0; /* it has no allocator */
}
END
fail() {
  echo "FAIL: $*"
  exit 1
}
# Neither jansson nor cmocka may be looked for: there is no pkg-config, no program, no test.
cmake -S "$dir" -B "$dir/build" || fail 'configuring'
targets=$(cmake --build "$dir/build" --target help | sed -n 's/^\.\.\. \(lastack[a-z_]*\).*/\1/p' | sort -u | paste -sd ' ')
[ "$targets" = lastack_core ] || fail "targets: $targets"
cmake --build "$dir/build" || fail 'building'
"$dir/build/embedder" || fail 'the program'
echo 'the core stands alone'

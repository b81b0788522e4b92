#!/bin/sh
# SPDX-License-Identifier: MIT
# An installed copy: found by pkg-config and by find_package, static and shared, from C and from C++; and moved elsewhere after that.
set -u
root=$(CDPATH='' cd -- "$(dirname -- "$0")/../.." && pwd) || exit 1
for program in cmake gcc g++ pkg-config readelf; do
  command -v "$program" >/dev/null 2>&1 || {
    echo "skipped: $program is not installed"
    exit 77
  }
done
dir=$(mktemp -d) || exit 1
trap 'rm -rf "$dir"' EXIT
cd "$dir" || exit 1
fail() {
  echo "FAIL: $*"
  exit 1
}

cmake --install "$root/build" --prefix "$dir/first" >log || fail "cmake --install: $(cat log)"
mv first prefix
prefix=$dir/prefix
for file in bin/lastack include/lastack/lastack.h; do
  [ -s "prefix/$file" ] || fail "no $file"
done
[ "$(ls prefix/include)" = lastack ] || fail "other headers: $(ls prefix/include)"
diff -r "$root/include/lastack" prefix/include/lastack || fail "the headers are not those of the project"
lib=$(dirname "$(find "$prefix" -name liblastack.a)")
for place in "$root" "$dir/first"; do
  grep -rlF "$place" "$lib/cmake" "$lib/pkgconfig" && fail "a file names $place"
done
for page in man1/lastack.1 man1/lastack-explain.1 man1/lastack-sim.1 man1/lastack-drill.1 man1/lastack-ss.1 man1/lastack-top.1 man3/liblastack.3; do
  [ -s "prefix/share/man/$page" ] || fail "no $page"
done
if command -v man >/dev/null 2>&1; then
  for page in lastack lastack-top 3:liblastack; do
    section=${page%%:*}
    [ "$section" != "$page" ] || section=1
    MANPATH=$prefix/share/man man "$section" "${page##*:}" >out 2>err || fail "man $page: $(cat err)"
    grep -q '^NAME' out && [ ! -s err ] || fail "man $page: $(cat err)"
  done
fi
prefix/bin/lastack states >out && grep -q LAST-ACK out || fail 'the program'

# Each header by itself, in both languages.
for header in prefix/include/lastack/*.h; do
  name=lastack/${header##*/}
  for how in 'gcc -x c -std=c11 -Wstrict-prototypes' 'g++ -x c++ -std=c++11' 'g++ -x c++ -std=c++20 -Wconversion'; do
    # shellcheck disable=SC2086
    echo "#include <$name>" | $how -Wall -Wextra -Wpedantic -Werror -fsyntax-only -Iprefix/include - || fail "$name: $how"
  done
done

# A C++ program that is stricter than the example, which needs the initializers of C++20.
cat >plain.cpp <<'END'
#include <lastack/lastack.h>
#include <iostream>

int main() {
  la_config config;
  la_config_init(&config, LA_PRESET_RFC);
  config.alloc = la_host_alloc();
  la_stack *stack = la_stack_new(&config);
  la_conn a = la_conn(), b = la_conn();
  bool ok = stack && la_link_add(stack, 1500) == 1 && la_conn_same(a, b) && la_fault_check("drop=5%", nullptr, 0);
  la_stack_free(stack);
  std::cout << "hello from C++ " << la_state_name(LA_LAST_ACK) << std::endl;
  return ok ? 0 : 1;
}
END

# runs FILE static|shared: it says hello and needs the library, or does not.
runs() {
  LD_LIBRARY_PATH=$lib "$1" >out || fail "$1: status $?"
  grep -q '^hello' out || fail "$1: $(cat out)"
  needs=$(readelf -d "$1" | grep -c 'NEEDED.*liblastack\.so\.0')
  case $2:$needs in
    static:0 | shared:1) ;;
    *) fail "$1: is not linked $2" ;;
  esac
  echo "$1: ok"
}

export PKG_CONFIG_PATH="$lib/pkgconfig"
[ "$(pkg-config --modversion lastack)" = "$(sed -n 's/^#define LA_VERSION "\(.*\)"/\1/p' "$root/include/lastack/lastack.h")" ] || fail 'version'
flags=$(pkg-config --cflags lastack)
shared=$(pkg-config --libs lastack)
static=$(pkg-config --variable=libdir lastack)/liblastack.a
for kind in shared static; do
  [ $kind = shared ] && libs=$shared || libs=$static
  # shellcheck disable=SC2086
  {
    gcc -std=c11 -Wall -Wextra -Werror $flags "$root/examples/pair.c" -o pc_c_$kind $libs || fail "pkg-config, C, $kind"
    g++ -std=c++20 -Wall -Werror $flags -x c++ "$root/examples/pair.c" -x none -o pc_cxx_$kind $libs || fail "pkg-config, C++, $kind"
    g++ -std=c++11 -Wall -Wextra -Werror $flags plain.cpp -o pc_plain_$kind $libs || fail "pkg-config, C++11, $kind"
  }
  for program in pc_c pc_cxx pc_plain; do
    runs ./${program}_$kind $kind
  done
done

mkdir user
cat >user/CMakeLists.txt <<END
cmake_minimum_required(VERSION 3.16)
project(user C CXX)
find_package(lastack 0.1 REQUIRED)
find_package(lastack 9.9 QUIET)
if(lastack_FOUND)
  message(FATAL_ERROR "found in a version that it has not")
endif()
find_package(lastack REQUIRED)
configure_file($root/examples/pair.c pair.cpp COPYONLY)
set(CMAKE_CXX_STANDARD 20)
foreach(kind lastack static)
  add_executable(c_\${kind} $root/examples/pair.c)
  add_executable(cxx_\${kind} \${CMAKE_CURRENT_BINARY_DIR}/pair.cpp)
  add_executable(plain_\${kind} $dir/plain.cpp)
  foreach(program c cxx plain)
    target_link_libraries(\${program}_\${kind} PRIVATE lastack::\${kind})
  endforeach()
endforeach()
END
cmake -S user -B user/build -DCMAKE_PREFIX_PATH="$prefix" >log 2>&1 || fail "find_package: $(cat log)"
cmake --build user/build >log 2>&1 || fail "building with find_package: $(cat log)"
for program in c cxx plain; do
  runs user/build/${program}_lastack shared
  runs user/build/${program}_static static
done

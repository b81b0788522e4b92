# SPDX-License-Identifier: MIT
# For tests of what looks for faults: sourced, in the project's folder; a fault of tests/mutants is planted in the program.
dir=$(mktemp -d) || exit 1
trap 'rm -rf "$dir"' EXIT
status=0
fail() {
  echo "FAIL: $*"
  status=1
}
[ -f build/CMakeFiles/lastack.dir/cli/main.c.o ] || {
  echo 'no release build'
  exit 77
}

planted() { # mutant: builds $dir/lastack
  file=$(sed -n '/^@@/q; s/^file: *//p' "tests/mutants/$1.mut")
  awk -v source="$dir/mutant.c" -f tools/mutate.awk "tests/mutants/$1.mut" "$file" &&
    cc -std=c11 -O2 -fPIC -ffreestanding -w -Iinclude -Isrc -c "$dir/mutant.c" -o "$dir/mutant.o" &&
    (cd build && cc -o "$dir/lastack" CMakeFiles/lastack.dir/cli/main.c.o "$dir/mutant.o" liblastack_cli.a liblastack_tools.a \
      liblastack_parts.a -lpcap -ljansson -lhttp_parser -lncursesw -ltinfo -lm)
}

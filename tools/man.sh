#!/bin/sh
# SPDX-License-Identifier: MIT
# The option lists of the man pages come from the program: between the lines `.\" options COMMAND` and `.\" end` of docs/man/*.1.
#   man.sh        writes them anew
#   man.sh check  status 1 when a page differs from what the program says, 77 when there is no program
set -u
root=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd) || exit 2
program=${LASTACK:-$root/build/lastack}
[ -x "$program" ] || {
  echo "$program is not built"
  exit 77
}
dir=$(mktemp -d) || exit 2
trap 'rm -rf "$dir"' EXIT
status=0
for page in "$root"/docs/man/*.1; do
  awk '/^\.\\" options /{ print $3 }' "$page" | while read -r command; do
    LC_ALL=C.UTF-8 ARGP_HELP_FMT=rmargin=9999 "$program" "$command" --help | awk -f "$root/tools/man.awk" >"$dir/$command" || exit 2
    [ -s "$dir/$command" ] || echo "${page##*/}: $command has no options"
  done
  awk -v dir="$dir" '
    /^\.\\" end/ { inside = 0 }
    !inside
    /^\.\\" options / {
      inside = 1
      while ((getline line < (dir "/" $3)) > 0) print line
    }' "$page" >"$dir/page"
  cmp -s "$page" "$dir/page" && continue
  if [ "${1:-}" = check ]; then
    echo "${page##*/} does not have the options that the program has (./dev man writes them):"
    diff "$page" "$dir/page" | grep '^[<>]'
    status=1
  else
    cp "$dir/page" "$page"
    echo "${page##*/}: written anew"
  fi
done
exit $status

#!/bin/sh
# SPDX-License-Identifier: MIT
# Every state x segment x position of SEG.SEQ and SEG.ACK x window, as scripts: 3.10.7/grid.awk says what RFC 9293 answers. Over IPv4 and IPv6.
set -u
here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd) || exit 2
dir=$(mktemp -d) || exit 2
trap 'rm -rf "$dir"' EXIT
made=$(awk -v out="$dir" -f "$here/3.10.7/grid.awk") || exit 1
echo "$made"
[ "${made%% *}" -ge 1300 ] || { echo "too few: the grid has shrunk"; exit 1; }
for family in ipv4 ipv6; do
  "$LASTACK" drill --quiet --preset rfc --ip_version $family "$dir" || exit 1
done

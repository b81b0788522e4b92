#!/bin/sh
# SPDX-License-Identifier: MIT
# Every state x socket call, as scripts: 3.9/calls.awk says what RFC 9293, POSIX and Linux's manual pages make of it. Over IPv4 and IPv6.
set -u
here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd) || exit 2
dir=$(mktemp -d) || exit 2
trap 'rm -rf "$dir"' EXIT
made=$(awk -v out="$dir" -f "$here/3.9/calls.awk") || exit 1
echo "$made"
[ "${made%% *}" -ge 1400 ] || { echo "too few: the grid has shrunk"; exit 1; }
for family in ipv4 ipv6; do
  "$LASTACK" drill --quiet --preset rfc --ip_version $family "$dir" || exit 1
done

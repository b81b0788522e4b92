#!/bin/sh
# SPDX-License-Identifier: MIT
# lastack top as a person sees it, in a terminal of pyte's: rows, sorting, filters, scrolling, another size, quitting, no terminal.
set -u
. "$(dirname "$0")/../kernel/lib.sh"
python=/usr/bin/python3 # Debian's own: it has Debian's modules
[ -x $python ] && $python -c 'import pyte' 2>/dev/null || skip "python3-pyte is not installed"
here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
in_namespace "$0" "$@"
dir=$(mktemp -d) || exit 1
trap 'rm -rf "$dir"' EXIT # what Python starts it ends itself
cd "$dir" || exit 1
ip link set lo up
LASTACK=$lastack PYTHONPATH=$here PYTHONDONTWRITEBYTECODE=1 XDG_RUNTIME_DIR=$dir $python "$here/top.py"

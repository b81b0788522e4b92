#!/bin/sh
# SPDX-License-Identifier: MIT
# lastack ss and metrics against a running serve: states and whom they wait for, filters, --why, counters against what happened; the
# socket's mode, stale sockets, requests that are wrong, askers that do not read.
set -u
. "$(dirname "$0")/../kernel/lib.sh"
need curl
python=/usr/bin/python3 # Debian's own: it has Debian's modules
[ -x $python ] || skip "$python is not installed"
here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
in_namespace "$0" "$@"
dir=$(mktemp -d) || exit 1
trap 'kill -9 $(jobs -p) 2>/dev/null; rm -rf "$dir"' EXIT
cd "$dir" || exit 1
ip link set lo up
LASTACK=$lastack PYTHONPATH=$here XDG_RUNTIME_DIR=$dir exec $python "$here/ss.py"

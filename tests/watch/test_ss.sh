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
trap 'rm -rf "$dir"' EXIT # what Python starts it ends itself
cd "$dir" || exit 1
ip link set lo up
LASTACK=$lastack PYTHONPATH=$here PYTHONDONTWRITEBYTECODE=1 XDG_RUNTIME_DIR=$dir $python "$here/ss.py"

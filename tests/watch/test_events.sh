#!/bin/sh
# SPDX-License-Identifier: MIT
# --events of sim, drill, serve and connect: every line keeps to docs/events.schema.json, lives are whole, and END is what the program says.
set -u
. "$(dirname "$0")/../kernel/lib.sh"
python=/usr/bin/python3 # Debian's own: it has Debian's modules
[ -x $python ] && $python -c 'import jsonschema' 2>/dev/null || skip "python3-jsonschema is not installed"
here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
in_namespace "$0" "$@"
dir=$(mktemp -d) || exit 1
trap 'kill -9 $(jobs -p) 2>/dev/null; rm -rf "$dir"' EXIT
cd "$dir" || exit 1
ip link set lo up
LASTACK=$lastack PYTHONPATH=$here XDG_RUNTIME_DIR=$dir exec $python "$here/events.py" "$here/../.."

#!/bin/sh
# SPDX-License-Identifier: MIT
# The bar of `lastack explain` on a long file, where stderr is a terminal.
set -u
lastack=${LASTACK:-build/lastack}
python3 -c '' 2>/dev/null || { echo 'skipped: python3 is not there' && exit 77; }
dir=$(mktemp -d) || exit 1
trap 'rm -rf "$dir"' EXIT
PYTHONDONTWRITEBYTECODE=1 python3 "$(dirname "$0")/progress.py" "$lastack" "$dir"

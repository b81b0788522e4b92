#!/bin/sh
# SPDX-License-Identifier: MIT
# What a segment and a connection cost in instructions has not risen: bench/instructions.txt, which `./dev bench instructions` rewrites.
exec "$(dirname "$0")/../../tools/instructions.sh" check

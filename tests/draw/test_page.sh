#!/bin/sh
# SPDX-License-Identifier: MIT
# --html in headless Chromium: hover, click, keys, light and dark, a telephone; tests/draw/page.py looks. PICTURES=DIR keeps screenshots.
set -u
lastack=${LASTACK:-build/lastack}
tape=${LASTACK_BUILD:-build}/tests/capture_tape
here=$(dirname "$0")
for tool in chromium python3 "$tape"; do
  command -v "$tool" >/dev/null 2>&1 || { echo "skipped: $tool is not there" && exit 77; }
done
dir=$(mktemp -d) || exit 1
trap 'rm -rf "$dir"' EXIT

"$lastack" sim release-four --html "$dir/sim.html" >/dev/null || exit 1
data='<A1400 >A <A1400 >A <A1400 >A <A1400 >A <A1400 >A <A1400 >A'
"$tape" ">S <SA >A >A200 <A $data $data +500 >FA <A +900 <FA >A other >S <SA >A >A10 <A <FA >A +300 >A20 <R other >S <RA" >"$dir/c.pcap" || exit 1
"$lastack" explain -q "$dir/c.pcap" --html "$dir/explain.html" >/dev/null || exit 1
# A name of a file and comments in a capture that would be markup.
evil='<img src=x onerror="window.evil=1">'
python3 - "$dir/$evil.pcapng" "$evil" <<'END' || exit 1
import struct
import sys


def block(kind, body):
    return struct.pack("<II", kind, 12 + len(body)) + body + struct.pack("<I", 12 + len(body))


def padded(b):
    return b + bytes(-len(b) % 4)


packet = struct.pack("!BBHHHBBH8s", 0x45, 0, 40, 0, 0, 64, 6, 0, bytes([10, 0, 0, 1, 10, 0, 0, 2])) + \
    struct.pack("!HHIIBBHHH", 4000, 80, 1, 0, 0x50, 2, 1000, 0, 0)
with open(sys.argv[1], "wb") as f:
    f.write(block(0x0A0D0D0A, struct.pack("<IHHq", 0x1A2B3C4D, 1, 0, -1)) + block(1, struct.pack("<HHI", 101, 0, 65535)))
    for text in ("x: dropped: %s" % sys.argv[2], "x: ended by </script><script>window.evil=1</script><!-- \u202e &lt;b> (abort)"):
        comment = text.encode()
        f.write(block(6, struct.pack("<IIIII", 0, 0, 1, 40, 40) + packet + struct.pack("<HH", 1, len(comment)) + padded(comment) + bytes(4)))
END
"$lastack" explain -q "$dir/$evil.pcapng" --html "$dir/evil.html" >/dev/null || exit 1

PYTHONDONTWRITEBYTECODE=1 python3 "$here/page.py" "$dir/sim.html" "$dir/explain.html" "$dir/evil.html" ${PICTURES:+"$PICTURES"}

#!/bin/sh
# SPDX-License-Identifier: MIT
# completeness is Wireshark's tcp.completeness, connection by connection, also of pairs that are used again: tshark says so of each tape.
set -u
lastack=${LASTACK:-build/lastack}
tape=${LASTACK_BUILD:-build}/tests/capture_tape
for tool in tshark jq; do
  command -v $tool >/dev/null 2>&1 || { echo "skipped: $tool is not installed"; exit 77; }
done
[ -x "$tape" ] || { echo "skipped: the tests were not built"; exit 77; }
dir=$(mktemp -d) || exit 1
trap 'rm -rf "$dir"' EXIT
n=0
status=0
while read -r script; do
  "$tape" "$script" >"$dir/tape.pcap" || exit 1
  tshark -2 -r "$dir/tape.pcap" -Y tcp -T fields -e tcp.stream -e tcp.completeness 2>/dev/null </dev/null |
    awk '$1 != "" { c[$1] = $2 } END { for (i = 0; i in c; i++) print c[i] }' >"$dir/theirs"
  "$lastack" explain --json "$dir/tape.pcap" | jq -s -r 'sort_by(.id)[].completeness' >"$dir/ours"
  if [ ! -s "$dir/ours" ] || ! cmp -s "$dir/theirs" "$dir/ours"; then
    echo "failed: $script: tshark says $(paste -sd' ' "$dir/theirs"), lastack $(paste -sd' ' "$dir/ours")"
    status=1
  fi
  n=$((n + 1))
done <<'END'
>S +1000 ~>
>S <SA >A >A10 <A >FA <A <FA >A
>S <SA >A >A10 <A <RA
>S <RA
>S <SA >R
>S20 <SA >A <A100 >A >FA <FA >A
>A10 <A >FA <FA >A
<SA <RA
>S <SA >A >A10 <A >FA <FA >A +500 new >S <SA >A >A10 <A >FA <FA >A
>S <SA >A <FA >FA <A +500 new >S +1000 ~> +2000 ~>
>S <SA >A <FA >FA <A +500 new >S <Aa-1000000s-1000000 >R +1000 ~> <SA >A >FA <FA >A
>S <SA >A >A10 <A new >S <Aa-1000001s-1000001 >R +1000 ~> <SA >A
>S <SA >A >FA <FA >A +61000 new >S <RA
>S <SA >A >A10 <A other >S <SA >A >RA
(>S) <SA >A >A10 <A >FA <FA >A
>A10
<SA
>RA
>A10 <A
>A10 >FA
>S <SA >A >A10 >SF
>S <SA >A <S
>A10 <A >A10 >S <SA >A
>S <SA >A >A10 <A10a3 >RA => >SF
>FA >A10 +1500 >SF <RA
<SA >A >A10 >Ss9
>S (<SA) >A >A10 (<A) >FA (<FA) >A
>S <SA >A >FRA
>SF <SA
>S <SA >A >A10 => <A =< >FA => <FA >A
>S <SA >A >A10 <A +3600000 >RAt200 <RAt200
END
[ $status = 0 ] && echo "$n tapes"
exit $status

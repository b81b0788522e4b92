#!/bin/sh
# SPDX-License-Identifier: MIT
# plot.sh JSON FOLDER: FOLDER/cycles.svg, connections a second beside N others, from the cycles_* rows. Without gnuplot: nothing.
json=$1 folder=$2
command -v gnuplot >/dev/null 2>&1 || exit 0
rm -f "$folder"/*.dat
# name, ours, peer, its
sed -n 's/.*"name": "\(cycles_[^"]*\)", "value": \([^,]*\), .*"peer": "*\([^",]*\)"*, "peer_value": \([^,]*\),.*/\1 \2 \3 \4/p' "$json" |
  awk -v dir="$folder" '
    function size(s) { sub(/cycles_/, "", s); sub(/_tw$/, "", s); return s == "0" ? 1 : s ~ /k$/ ? s * 1000 : s ~ /m$/ ? s * 1000000 : s + 0 }
    {
      who = $1 ~ /_tw$/ ? "lastack_tw" : "lastack"
      print size($1), $2 > dir "/" who ".dat"
      if ($3 != "null")
        print size($1), $4 > dir "/" $3 ".dat"
    }'
[ "$(cut -d" " -f 1 "$folder"/lastack*.dat 2>/dev/null | sort -u | grep -c .)" -gt 1 ] || exit 0 # a curve needs two points
plots=
for who in lastack lastack_tw lwIP netstack kernel; do
  [ -s "$folder/$who.dat" ] || continue
  sort -nu -k 1,1 "$folder/$who.dat" -o "$folder/$who.dat"
  case $who in
    lastack_tw) title='lastack, TIME-WAIT records' ;;
    *) title=$who ;;
  esac
  plots="$plots${plots:+, }'$folder/$who.dat' with linespoints linewidth 2 title '$title'"
done
[ -n "$plots" ] || exit 0
gnuplot <<END
set terminal svg size 720,420 background 'white'
set output '$folder/cycles.svg'
set logscale xy
set xlabel 'other connections (1: none)'
set ylabel 'connections a second of processor time'
set key bottom left
set grid
plot $plots
END
rm -f "$folder"/*.dat

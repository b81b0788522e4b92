#!/bin/sh
# SPDX-License-Identifier: MIT
# The benchmark: bench.sh [ROW...]. Builds the peers, runs the rows of bench/rows.txt, each as a process of its own, ours and the peers'
# in turn (RUNS rounds, default 3), and prints median (least to most). SLOW=1 adds what takes a peer minutes. build/bench.json has the
# same, build/bench/*.svg the growth.
# A row named like a shell pattern stands for all that match: bench.sh 'cycles_*'
set -u
root=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd) || exit 2
cd "$root" || exit 2
export LC_ALL=C
bin=$root/build/bench
runs=${RUNS:-3}
work=$bin/work
mkdir -p "$work" || exit 2
: >"$work/samples"

# ---- the peers ----

# Debian's source package of lwIP, by way of the system's own list of package sources, without touching it.
fetch_lwip() {
  set -- "$bin"/lwip-src/*/src/core
  [ -d "$1" ] && return 0
  command -v apt-get >/dev/null 2>&1 || return 1
  lists=$bin/apt
  rm -rf "$lists" "$bin/lwip-src"
  mkdir -p "$lists/lists/partial" "$lists/parts" "$lists/cache/archives/partial" "$bin/lwip-src" || return 1
  for file in /etc/apt/sources.list.d/*.sources; do
    [ -f "$file" ] && sed 's/^Types:.*/Types: deb-src/' "$file" >"$lists/parts/$(basename "$file")"
  done
  cat /etc/apt/sources.list /etc/apt/sources.list.d/*.list 2>/dev/null | sed -n 's/^deb[[:space:]]/deb-src /p' >"$lists/sources.list"
  set -- -q -o Dir::Etc::sourcelist="$lists/sources.list" -o Dir::Etc::sourceparts="$lists/parts" -o APT::Sandbox::User= \
    -o Dir::State::Lists="$lists/lists" -o Dir::Cache="$lists/cache" -o Acquire::Languages=none
  (
    cd "$lists" || exit 1
    apt-get "$@" update && apt-get "$@" source --download-only lwip || exit 1
    tar -C "$bin/lwip-src" -xf ./lwip_*.orig.tar.*
  ) >"$bin/lwip-fetch.log" 2>&1 </dev/null
  fetched=$?
  rm -rf "$lists"
  return $fetched
}

build_lwip() {
  set -- "$bin"/lwip-src/*/src/core
  source=${1%/src/core}
  for kind in 64k:65535: 1m:1048576: big:65535:-DBENCH_BIG jumbo:131072:-DBENCH_JUMBO; do
    out=$bin/bench_lwip_${kind%%:*} window=${kind#*:}
    [ -x "$out" ] && [ -z "$(find bench -newer "$out")" ] && continue
    sh bench/lwip/build.sh "$source" "$out" "${window%:*}" "${window#*:}" >"$bin/lwip-build.log" 2>&1 || return 1
  done
}

# netstack comes as Go source in a package; modules and the network stay out of it.
build_netstack() {
  out=$bin/bench_netstack
  [ -x "$out" ] && [ -z "$(find bench/netstack -newer "$out")" ] && return 0
  command -v go >/dev/null 2>&1 || return 1
  GO111MODULE=off GOPATH=/usr/share/gocode GOFLAGS=-trimpath GOCACHE="$bin/go-cache" go build -o "$out" ./bench/netstack >"$bin/netstack-build.log" 2>&1
}

absent=
peer_netstack() { build_netstack || absent="$absent netstack"; }
peer_lwip() { fetch_lwip && build_lwip || absent="$absent lwip"; }

# ---- one row ----

# The program of a command's first word; what follows are its arguments.
run() {
  program=$1
  shift
  case " $absent " in
    *" ${program%%_*} "*) return 1 ;;
  esac
  timeout 900 "$bin/bench_$program" "$@" 2>>"$bin/errors.log"
}

# sample ROW WHO FIGURE COMMAND...: one line for the table. A run may tell several rows something.
sample() {
  row=$1 who=$2 figure=$3
  shift 3
  if [ "$*" != "${last:-}" ]; then
    last=
    said=$(run "$@") || return
    case $1-$2 in
      lastack-million) last=$* ;;
    esac
  fi
  echo "$said" | awk -v row="$row" -v who="$who" -v figure="$figure" '$1 == figure { print row "|" who "|" $2 }' >>"$work/samples"
}

# Rows whose figure hardly varies, or that take long.
rounds() {
  case $1 in
    bytes_* | million* | keepalive* | worst*) echo 1 ;;
    *_1m | *_1m_tw) [ "$runs" -lt 2 ] && echo "$runs" || echo 2 ;;
    *) echo "$runs" ;;
  esac
}

# The rows wanted, spaces around the bars gone.
sed 's/^#.*//; s/ *| */|/g; /^ *$/d' bench/rows.txt >"$work/rows.all"
: >"$work/rows"
while IFS='|' read -r name rest; do
  [ $# -gt 0 ] || echo "$name|$rest" >>"$work/rows"
  for want in "$@"; do
    # shellcheck disable=SC2254
    case $name in
      $want) echo "$name|$rest" >>"$work/rows" ;;
    esac
  done
done <"$work/rows.all"
[ -s "$work/rows" ] || {
  echo "bench: no such row; there are:" $(cut -d '|' -f 1 "$work/rows.all" | uniq) >&2
  exit 2
}

: >"$bin/errors.log"
for peer in lwip netstack; do
  ! grep -q "|$peer" "$work/rows" || peer_$peer
done
for peer in $absent; do
  echo "bench: $peer could not be built (build/bench/$peer-*.log): its column stays empty" >&2
done

for name in $(cut -d '|' -f 1 "$work/rows" | uniq); do
  round=1
  while [ "$round" -le "$runs" ]; do
    [ ! -t 2 ] || printf '\r%-20s %s/%s ' "$name" "$round" "$runs" >&2
    first=1
    grep "^$name|" "$work/rows" >"$work/row"
    while IFS='|' read -r row unit better figure ours peer command note; do
      # shellcheck disable=SC2086
      [ $first = 0 ] || [ "$round" -gt "$(rounds "$row")" ] || sample "$row" lastack "$figure" $ours
      first=0
      case $note in
        *'one run'*) [ "$round" = 1 ] || continue ;;
        *SLOW=1*) [ "$round" = 1 ] && [ -n "${SLOW:-}" ] || continue ;;
      esac
      # shellcheck disable=SC2086
      [ "$peer" = - ] || [ "$round" -gt "$(rounds "$row")" ] || sample "$row" "$peer" "$figure" $command
    done <"$work/row"
    round=$((round + 1))
  done
done
[ ! -t 2 ] || printf '\r%40s\r' '' >&2

awk -f bench/table.awk -v json="$root/build/bench.json" "$work/samples" "$work/rows"
sh bench/plot.sh "$root/build/bench.json" "$bin"
[ ! -s "$bin/errors.log" ] || {
  echo "bench: something failed (build/bench/errors.log):" >&2
  head -n 5 "$bin/errors.log" >&2
  exit 1
}

#!/bin/sh
# SPDX-License-Identifier: MIT
# model_diff in a network namespace of its own: the kernel's end of the device tbl0, without what the grid does not speak of.
#
#   diff-linux.sh [N] [--seed S] [--ipv6] [--show K]      exit status 77: no right to make it
set -u
root=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd) || exit 2
build=${LASTACK_BUILD:-$root/build}
. "$root/tests/kernel/lib.sh"
in_namespace "$0" "$@"
[ -x "$build/tests/model_diff" ] || skip "model_diff was not built"
ip link set lo up
ip tuntap add dev tbl0 mode tun || skip "no TUN device"
ip link set tbl0 mtu 65535 up
ip addr add 10.0.0.1/8 dev tbl0
ip route replace 10.0.0.0/8 dev tbl0 src 10.0.0.1 quickack 1 # no ACK is delayed
[ ! -e /proc/sys/net/ipv6 ] || {
  ip addr add fd00::1/64 dev tbl0 nodad
  ip -6 route replace fd00::/64 dev tbl0 src fd00::1 metric 100 quickack 1
}
sys() { [ ! -e "/proc/sys/net/$1" ] || echo "$2" >"/proc/sys/net/$1" 2>/dev/null || skip "no right to set $1"; }
sys ipv4/tcp_sack 0
sys ipv4/tcp_window_scaling 0
sys ipv4/tcp_timestamps 1
sys ipv4/tcp_ecn 0
sys ipv4/tcp_syncookies 0
sys ipv4/tcp_max_syn_backlog 1000
sys ipv4/icmp_ratelimit 0
sys ipv4/tcp_rfc1337 0
exec "$build/tests/model_diff" "$@"

#!/bin/sh
# SPDX-License-Identifier: MIT
# A bridge of the kernel that snoops on MLD and asks who listens: it must learn our solicited-node group at once, keep it as long as we answer its
# queries, whichever version, and forget it when we are gone. A question for our address then still reaches us.
set -u
. "$(dirname "$0")/lib.sh"
need bridge tcpdump ping
in_namespace "$0" "$@"
begin
ours=fd00:77::12:3456 group=ff02::1:ff12:3456

# Queries each second, of which each wants its answers within half a second; who does not answer is forgotten after 2.5 s.
ip link add br0 type bridge mcast_snooping 1 mcast_querier 1 mcast_mld_version 2 mcast_query_interval 100 mcast_query_response_interval 50 \
  mcast_membership_interval 250 mcast_startup_query_interval 100 mcast_querier_interval 100 2>err || skip "no such bridge: $(cat err)"
echo 0 >/proc/sys/net/ipv6/conf/br0/accept_dad 2>/dev/null || skip "no IPv6"
ip link set br0 up
ip link add la0 type veth peer name la0p 2>err || skip "no veth: $(cat err)"
ip link set la0p master br0 up
ip link set la0 up
ip addr add fd00:77::9/64 dev br0 nodad
tcpdump -l -n -vv -i la0p 'ip6 proto 0' >seen 2>tcpdump.err 7>&- &
pids="$pids $!"
until_true "$limit" grep -q 'listening on' tcpdump.err || flunk "tcpdump: $(cat tcpdump.err)"

# known: the bridge has our group on our port; answered N TEXT: so many of our packets say that, all of them with a good checksum.
known() { bridge mdb show dev br0 | grep -q "port la0p grp $group "; }
answered() { [ "$(grep -c "$2" seen)" -ge "$1" ] && ! grep -q 'sum bad\|bad icmp6' seen; }

scene="joining"
"$lastack" serve --echo --packet la0 --addr $ours/64 --mac 02:00:00:00:00:07 >out 2>err 7>&- &
pid=$!
pids="$pids $pid"
until_true "$limit" grep -q serving out || flunk "no server"
until_true "$limit" answered 1 "$group to_ex" || flunk "no report: $(cat seen)"
until_true "$limit" known || flunk "the bridge has not learnt it: $(bridge mdb show)"

scene="five queries"
until_true "$limit" answered 5 "$group is_ex" || flunk "unanswered: $(cat seen)"
known || flunk "the bridge has forgotten it: $(bridge mdb show)"
ip neigh flush dev br0
ping -q -c 1 -W "$limit" $ours >ping.out 2>&1 || flunk "its question does not reach us: $(cat ping.out)"

scene="queries of version 1"
ip link set br0 type bridge mcast_mld_version 1 2>err || flunk "$(cat err)"
until_true "$limit" answered 5 "multicast listener report.*addr: $group" || flunk "unanswered: $(cat seen)"
known || flunk "the bridge has forgotten it: $(bridge mdb show)"

scene="gone"
kill -INT $pid
ended $pid
unknown() { ! known; }
until_true "$limit" unknown || flunk "the bridge remembers: $(bridge mdb show)"

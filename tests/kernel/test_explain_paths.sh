#!/bin/sh
# SPDX-License-Identifier: MIT
# The kernel against the kernel through a router in a third namespace, which filters, translates addresses, forgets connections and forges RSTs.
# Both ends' captures are explained; what was done to each connection is known. What takes a minute is done with limits of a second, in the
# hosts, the router and explain.
set -u
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/pair.sh"
need ss nsenter nft dumpcap mergecap jq
both_families "$@"
in_namespace "$0" "$@"
begin
case $1 in
  4) a=10.1.0.1 ra=10.1.0.254 b=10.2.0.2 rb=10.2.0.254 len=24 nodad='' ip='ip -4' every=0.0.0.0/0 shown=$b seen=$rb ;;
  6) a=fd01::1 ra=fd01::fe b=fd02::2 rb=fd02::fe len=64 nodad=nodad ip='ip -6' every=::/0 shown='\[fd02::2\]' seen='\[fd02::fe\]' ;;
esac
talk
hold
far=$held
hold
mid=$held
there() { nsenter -t "$far" -n "$@"; }
router() { nsenter -t "$mid" -n "$@"; }
# wire HERE ADDRESS LEN DEVICE: the device's address, and up.
address() {
  $1 ip addr add "$2/$len" dev "$3" $nodad
  $1 ip link set "$3" up
}
ip link add c0 type veth peer name r0 netns "$mid" 2>err || skip "no veth: $(cat err)"
router ip link add r1 type veth peer name s0 netns "$far"
address '' $a c0
address router $ra r0
address router $rb r1
address there $b s0
$ip route add $every via $ra
there $ip route add $every via $rb
router sysctl -qw net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1 net.netfilter.nf_conntrack_tcp_loose=0 2>/dev/null || skip "no right to forward"
sysctl -qw net.ipv4.tcp_syn_retries=1 net.ipv4.tcp_retries2=4 net.ipv4.tcp_fin_timeout=1
router nft -f - 2>err <<'END' || skip "no nftables: $(cat err)"
table inet way {
  set cut { type inet_service; }
  set cut_to { type inet_service; }
  set filtered { type inet_service; }
  set forgotten { type inet_service; }
  set denied { type inet_service; }
  set translated { type inet_service; }
  chain forward {
    type filter hook forward priority 0;
    tcp dport @cut drop
    tcp sport @cut drop
    tcp dport @cut_to drop
    tcp dport @filtered reject with icmpx admin-prohibited
    ct state invalid tcp dport @forgotten drop
    ct state invalid tcp dport @denied reject with tcp reset
  }
  chain nat {
    type nat hook postrouting priority 100;
    tcp dport @translated masquerade
  }
}
END
rule() { router nft "$1" element inet way "$2" "{ $next }" || fail "nft: $*"; }

# capture NAME: at both ends, to NAME-c.pcap and NAME-s.pcap
capture() {
  taken=$1
  : >wanted
  dumpcap -q -P -i c0 -f tcp\ or\ icmp\ or\ icmp6 -w "$1-c.pcap" 2>c.err 5>&- 6>&- 7>&- 8>&- &
  c_cap=$!
  nsenter -t "$far" -n dumpcap -q -P -i s0 -f tcp\ or\ icmp\ or\ icmp6 -w "$1-s.pcap" 2>s.err 5>&- 6>&- 7>&- 8>&- &
  s_cap=$!
  pids="$pids $c_cap $s_cap"
  until_true "$limit" grep -q File c.err && until_true "$limit" grep -q File s.err || skip "no right to capture: $(cat c.err s.err)"
}
# The capture is over when what was sent last is in it.
has_last() { "$lastack" explain -q "$1" 2>/dev/null | grep -q ":9  "; }
captured() {
  "$build/tests/kernel_peer" connect $b 9 >c.out 2>&1 </dev/null # refused
  until_true "$limit" has_last "$taken-c.pcap" && until_true "$limit" has_last "$taken-s.pcap" || fail "the captures do not end"
  kill -INT $c_cap $s_cap
  ended $c_cap
  ended $s_cap
  rm -f wanted-c wanted-s
  sed -n 's/^\([0-9]*\)\t[cb] /\1\t/p' wanted >wanted-c
  sed -n 's/^\([0-9]*\)\t[sb] /\1\t/p' wanted >wanted-s
  printf '9\t"reason":"refused"\n' | tee -a wanted-c >>wanted-s
}
# check NAME END [OPTION...]: the capture of one end, explained.
check() {
  file=$1-$2.pcap json=$1-$2.json end=$2
  shift 2
  "$lastack" explain --json "$@" "$file" >"$json" 2>err || fail "explain: $(cat err)"
  compare "wanted-$end" "$json"
  witness_of "$file" "$json"
}
# tshark numbers connections as we do, and says of each how complete it is.
witness_of() {
  command -v tshark >/dev/null 2>&1 || return 0
  tshark -2 -r "$1" -Y tcp -T fields -e tcp.stream -e tcp.completeness 2>/dev/null </dev/null | awk '$1 != "" { c[$1] = $2 } END { for (i = 0; i in c; i++) print c[i] }' >theirs
  jq -s -r 'sort_by(.id)[].completeness' "$2" >ours
  cmp -s theirs ours || fail "completeness of $1: tshark says $(paste -sd' ' theirs), lastack $(paste -sd' ' ours)"
}
want_c() { want "c $1"; } # as the client's end sees it, the server's, both
want_s() { want "s $1"; }
want_b() { want "b $1"; }

# ---- in the time that it takes ----

capture now

pair 'recv:10 rest wait close' 'send:10 shut rest close'
c_go
s_go
s_says 'eof at 10'
until_true "$limit" in_state fin-wait-2 || fail "no FIN-WAIT-2"
s_go
over
want_b '"closed_first":"client","close_kind":"four-segment","reason":"close","certainty":"observed".*"time_wait":"client"'

pair 'recv:10 wait close' 'send:10 rest wait close'
c_go
s_go
s_says 'received 10'
s_go
c_says 'eof'
s_fw2() { there ss -Htn state fin-wait-2 "sport = :$next" | grep -q .; }
until_true "$limit" s_fw2 || fail "no FIN-WAIT-2 at the server"
c_go
over
want_b '"closed_first":"server","close_kind":"four-segment","reason":"close","certainty":"observed".*"time_wait":"server"'

pair 'recv:10 wait shut rest close' 'send:10 wait shut rest close' # both close while nothing goes through
c_go
s_go
s_says 'received 10'
acked() { ss -Hitn "dport = :$next" | grep -q bytes_acked:11; }
until_true "$limit" acked || fail "no ACK"
rule add cut
c_go
s_go
c_says shut
s_says shut
rule add cut_to
rule delete cut
until_true "$limit" in_state closing || fail "no CLOSING"
rule delete cut_to
over
want_c '"closed_first":"both","close_kind":"simultaneous","reason":"close","certainty":"observed".*"time_wait":"both"'
want_s '"closed_first":"server".*"reason":"close"' # there the client's FIN comes late and acknowledges the server's

next=$((next + 1)) # turned away
rule add filtered
call ''
c_says error
ended $client
want_c '"close_kind":"none","reason":"syn-filtered","certainty":"observed".*"icmp":\{"type":[13],"code":1'

next=$((next + 1)) # dropped without a word
rule add cut
call ''
c_says ETIMEDOUT
ended $client
want_c '"close_kind":"none","reason":"syn-unanswered","certainty":"observed".*"syn_retransmissions":[1-9]'

pair 'recv:10 wait reset' 'send:10 wait send:10 end' # the server forgets it, and nobody hears of that
c_go
s_go
s_says 'received 10'
until_true "$limit" acked || fail "no ACK"
rule add cut
s_go
s_says reset
ended $server
rule delete cut
c_go
c_says 'ECONNRESET'
ended $client
want_c '"close_kind":"reset","reason":"half-open",.*"candidates":\["half-open".*"rst_reason":"NO_SOCKET","by":"server".*"lost_bytes":10'
want_s '"close_kind":"reset","reason":"abort"' # the RST that was lost was still seen there

pair 'recv:10 wait reset' 'send:10 wait send:10 end' # the way is gone
c_go
s_go
s_says 'received 10'
until_true "$limit" acked || fail "no ACK"
rule add cut
c_go
c_says ETIMEDOUT
s_go
over
want_c '"reason":"retransmission-limit","certainty":"inferred".*"by":"client"'
want_s '"reason":"abort"' # in the end it lets go, too

# injected SHIFT TTL SERVER-STEPS CLIENT-STEPS
injected() {
  next=$((next + 1))
  : >inject.out
  router "$build/tests/kernel_inject" r0 "$next" "$1" "$2" >inject.out 2>&1 5>&- 6>&- 7>&- 8>&- &
  injector=$!
  pids="$pids $injector"
  until_true "$limit" grep -q ready inject.out || fail "inject: $(cat inject.out)"
  pair_again "$3" "$4"
}
injected 0 200 'recv:10 send:10 wait send:10 end' 'send:10 recv:10 end' # the server goes on
c_go
s_go
c_says ECONNRESET
ended $client
s_go
s_says ECONNRESET
ended $server
want_c '"reason":"rst-injected","certainty":"observed","candidates":\["rst-injected"\],"rst_reason":null,"by":null'
want_s '"close_kind":"reset","reason":"half-open".*"by":"client"'

injected 5000 63 'recv:10 send:10 rest close' 'send:10 recv:10 wait close' # in the window, but not the next byte: nobody falls for it
c_go
s_go
c_says 'received 10'
until_true "$limit" grep -q sent inject.out || fail "no RST was sent"
c_go
over
want_c '"closed_first":"client".*"reason":"close".*"finding":true.*"resets_out_of_line":1'
want_s '"closed_first":"client".*"reason":"close".*"resets_out_of_line":0'

pair 'recv:10 close' 'port:4321 send:10 rest close' # the same pair twice, TIME-WAIT at the server
c_go
s_go
over
gone() { ! ss -Htan "sport = :4321" | grep -q .; } # its last ACK may still be on the way
until_true "$limit" gone || fail "the client keeps its port"
pair_again 'recv:10 close' 'port:4321 send:10 rest close'
c_go
s_go
over
want_b '"close_kind":"[a-z]*-segment","reason":"port-reuse","certainty":"observed".*"finding":true.*"time_wait":"server".*"reused_by":[0-9]'
want_b '"reason":"close".*"reuses":[0-9]'

next=$((next + 1)) # with another address on the far side
rule add translated
pair_again 'recv:10 rest close' 'send:10 close'
c_go
s_go
over
nat=$next
want_c '"closed_first":"client".*"reason":"close"'
want_s '"client":"'"$seen"':[0-9]*".*"closed_first":"client".*"reason":"close"'

if [ "$1" = 4 ]; then # a narrow way behind the router, and senders who let it cut (IPv6 has no such routers)
  next=$((next + 1))
  sysctl -qw net.ipv4.ip_no_pmtu_disc=1
  router ip link set r1 mtu 600
  pair_again 'recv:5000 rest close' 'send:5000 close'
  c_go
  s_go
  over
  router ip link set r1 mtu 1500
  want_c '"closed_first":"client".*"reason":"close","certainty":"observed"'
  want_s '"closed_first":"client".*"reason":"close","certainty":"observed".*"capture":\[[^]]*"fragments".*"client_end":\{[^}]*"bytes":5000,'
fi

captured
check now c
check now s
# of both captures together: what was translated is one connection seen twice, what was not has its frames twice
mergecap -F pcap -w both.pcap now-c.pcap now-s.pcap
"$lastack" explain --json both.pcap >both.json
[ "$(grep -c "\"server\":\"$shown:$nat\"" both.json)" = 2 ] || fail "not two sides of the NAT"
grep -E "\"server\":\"$shown:$nat\"" both.json | grep -qE '"capture":\["nat".*"same_as":[0-9]' || fail "NAT: $(grep ":$nat\"" both.json)"
grep -E '"server":"[^"]*:5001"' both.json | grep -qE '"close_kind":"four-segment","reason":"close".*"capture":\["duplicates"' || fail "twice: $(grep ':5001"' both.json)"

# ---- with limits of a second ----

capture long

pair 'recv:10 rest wait' 'send:10 close' # an application that does not close
c_go
s_go
s_says 'eof at 10'
s_cw() { there ss -Htn state close-wait "sport = :$next" | grep -q .; }
until_true "$limit" s_cw || fail "no CLOSE-WAIT at the server"
nobody() { ! ss -Htan "dport = :$next" | grep -q .; }
until_true "$limit" nobody || fail "FIN-WAIT-2 for ever"
want_b '"closed_first":"client","close_kind":"half-closed","reason":"close-wait-leak","certainty":"inferred".*"by":"server"'
leaker=$server leak=$next
kill -STOP "$leaker" # else it would take the next one's words

pair 'recv:10 rest wait close' 'send:10 close' # ... and one that does so when nobody waits any more
c_go
s_go
s_says 'eof at 10'
until_true "$limit" nobody || fail "FIN-WAIT-2 for ever"
s_go
over
want_b '"closed_first":"client","close_kind":"reset","reason":"fin-wait-2-left".*"rst_reason":"NO_SOCKET"'

router sysctl -qw net.netfilter.nf_conntrack_tcp_timeout_established=1
forgotten() { ! router grep -q "dport=$next " /proc/net/nf_conntrack; }
for how in forgotten denied; do
  next=$((next + 1))
  rule add $how
  pair_again 'recv:10 rest' 'send:10 wait send:10 end'
  c_go
  s_go
  s_says 'received 10'
  until_true "$limit" forgotten || fail "the router does not forget"
  c_go
  case $how in
    forgotten)
      c_says ETIMEDOUT
      want_c '"close_kind":"none","reason":"idle-cut",.*"candidates":\["idle-cut","retransmission-limit"\]'
      ;;
    denied)
      c_says ECONNRESET
      want_c '"close_kind":"reset","reason":"idle-cut","certainty":"inferred"'
      ;;
  esac
  ended $client
  want_s '"reason":"open"'
done

next=$((next + 1)) # an address translator that forgets: what comes next has another source, of which the server knows nothing
rule add translated
pair_again 'recv:10 rest' 'send:10 wait send:10 end'
c_go
s_go
s_says 'received 10'
until_true "$limit" forgotten || fail "the translator does not forget"
c_go
c_says ECONNRESET
ended $client
want_c '"close_kind":"reset","reason":"half-open","certainty":"ambiguous","candidates":\["half-open","idle-cut"\]'
want_s '"client":"'"$seen"':[0-9]*".*"reason":"open"'
want_s '"client":"[^"]*'"$a"'[^"]*".*"close_kind":"reset","reason":"half-open".*"capture":\["midstream"'
captured
there ss -Htn state close-wait | grep -q . || fail "the leak has gone" # as ss has it when the capture ends
check long c --patience 1
check long s --patience 1
# with the usual patience nothing is a leak yet, and a late FIN that draws a RST may have met an abort
"$lastack" explain --json long-c.pcap >hasty.json
grep -qE "\"server\":\"[^\"]*:$leak\".*\"reason\":\"open\"" hasty.json || fail "a leak within seconds: $(grep ":$leak\"" hasty.json)"
grep -qE '"reason":"fin-wait-2-left","certainty":"ambiguous","candidates":\["fin-wait-2-left","abort"\]' hasty.json || fail "not ambiguous: $(cat hasty.json)"
kill -9 "$leaker"
exit 0

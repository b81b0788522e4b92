# SPDX-License-Identifier: MIT
# explained FILE ERR: what explain reads from the wire alone, our comments taken out, against what we said of our own connection's end in ERR.
explained() {
  command -v editcap >/dev/null 2>&1 && [ -s "$1" ] || return 0
  editcap -F pcap "$1" bare.pcap 2>/dev/null || flunk "editcap $1"
  "$lastack" explain --json bare.pcap >json || flunk "explain: status $?"
  truth=$(grep -E 'closed first by|reset by|silent by' "$2" | tail -n 1)
  case $truth in
    *'four-segment release'*) verdict='"close_kind":"four-segment","reason":"close"' ;;
    *'three-segment release'*) verdict='"close_kind":"three-segment","reason":"close"' ;;
    *'simultaneous close'*) verdict='"close_kind":"simultaneous","reason":"close"' ;;
    *'(abort)'*) verdict='"close_kind":"reset",.*"candidates":[^]]*"abort".*"reset_by":"client"' ;;
    *'reset by peer (no listener)'*) verdict='"reason":"refused"' ;;
    *'reset by peer'*) verdict='"close_kind":"reset".*"reset_by":"server"' ;;
    *'(SYN time-out)'*' 0 retransmissions'*) verdict='"reason":"opening"' ;; # a single SYN says nothing yet
    *'(SYN time-out)'*) verdict='"reason":"syn-unanswered"|"reason":"syn-filtered"' ;;
    *'(keepalive'*) verdict='"candidates":[^]]*"keepalive"' ;;
    *) verdict='"reason"' ;;
  esac
  case $truth in
    *'closed first by local'*) verdict="\"closed_first\":\"client\",$verdict" ;;
    *'closed first by peer'*) verdict="\"closed_first\":\"server\",$verdict" ;;
  esac
  grep -qE -- "$verdict" json || flunk "we say: $truth; explain: $(cut -c 1-700 json)"
  case $truth in
    *'TIME-WAIT carried by us'*) verdict='"time_wait":"client"' ;;
    *'TIME-WAIT carried by peer'*) verdict='"time_wait":"server"' ;;
    *) return 0 ;;
  esac
  grep -qE -- "$verdict" json || flunk "we say: $truth; explain: $(cut -c 1-1500 json)"
}

# SPDX-License-Identifier: MIT
# Scripts for every state x segment x position of SEG.SEQ x position of SEG.ACK x receive window, with the answer that RFC 9293 3.10.7
# gives, amended by RFC 5961 (challenge ACKs), RFC 1337 (RST in TIME-WAIT) and RFC 6191's rule for a SYN there without timestamps.
#   awk -v out=DIR -f grid.awk          (run them with --preset rfc: no clock but that of delayed ACKs is met)
#
# Each script reaches its state with data behind it in both directions, so that numbers below the window are not below the ISN;
# then it injects the segment, expects the answer (or none), asserts the state, reads what must have arrived, and sends an old, empty
# segment: its answer shows SND.NXT and RCV.NXT, and that nothing else was sent in between.

function say(line) { text = text line "\n" }
function num(x) { return sprintf("%.0f", x) }
function seg(flags, seq, len, ack) { return flags " " num(seq) ":" num(seq + len) "(" len ")" (ack == "" ? "" : " ack " num(ack)) }
function inject(what) { say("+0 < " what " win 30000" (what ~ /^S/ ? " <mss 1000>" : "")) }
function answer(when, what) { say(when " > " what) }

# ---- how a state is reached; sets R (RCV.NXT), edge (RCV.NXT + RCV.WND), U (SND.UNA), N (SND.NXT) ----

function listener() {
  say("0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3")
  say("+0 setsockopt(3, SOL_SOCKET, SO_REUSEADDR, [1], 4) = 0")
  say("+0 setsockopt(3, SOL_SOCKET, SO_RCVBUF, [4096], 4) = 0")
  say("+0 bind(3, ..., ...) = 0")
  say("+0 listen(3, 5) = 0")
}
function established() {
  listener()
  say("+0 < S 0:0(0) win 30000 <mss 1000>")
  say("+0 > S. 0:0(0) ack 1 win 4096 <...>")
  say("+.01 < . 1:1(0) ack 1 win 30000")
  say("+0 accept(3, ..., ...) = 4")
  say("+0 < P. 1:1001(1000) ack 1 win 30000")
  say("+0~+.3 > . 1:1(0) ack 1001")
  say("+0 read(4, ..., 1000) = 1000")
  say("+0 write(4, ..., 1000) = 1000")
  say("+0 > P. 1:1001(1000) ack 1001 win 3096")
  say("+0 < . 1001:1001(0) ack 1001 win 30000")
  R = 1001; edge = 4097; U = 1001; N = 1001
}
function outstanding() {
  say("+0 write(4, ..., 1000) = 1000")
  say("+0 > P. 1001:2001(1000) ack " R)
  N = 2001
}
function filled() { # the window shut by unread bytes
  say("+0 < . 1001:2001(1000) ack 1001 win 30000")
  say("+0 < . 2001:3001(1000) ack 1001 win 30000")
  say("+0 > . 1001:1001(0) ack 3001")
  say("+0 < P. 3001:4097(1096) ack 1001 win 30000")
  say("+0~+.3 > . 1001:1001(0) ack 4097 win 0")
  R = 4097; unread = 3096
}
function peer_fin() {
  say("+0 < F. " R ":" R "(0) ack " U " win 30000")
  say("+0 > . " N ":" N "(0) ack " R + 1)
  R++
}
function our_fin(ack) {
  say("+0 shutdown(4, SHUT_WR) = 0")
  say("+0 > F. " N ":" N "(0) ack " R)
  N++
}
function all_acked() {
  say("+0 < . " R ":" R "(0) ack " N " win 30000")
  U = N
}
function reach(state, open) {
  unread = 0
  if (state == "CLOSED")
    return
  if (state == "LISTEN") { listener(); return }
  if (state == "SYN-SENT") {
    say("0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 4")
    say("+0 fcntl(4, F_SETFL, O_RDWR|O_NONBLOCK) = 0")
    say("+0 connect(4, ..., ...) = -1 EINPROGRESS (Operation now in progress)")
    say("+0 > S 0:0(0) <...>")
    U = 0; N = 1
    return
  }
  if (state == "SYN-RECEIVED") {
    listener()
    say("+0 < S 0:0(0) win 30000 <mss 1000>")
    say("+0 > S. 0:0(0) ack 1 win 4096 <...>")
    R = 1; edge = 4097; U = 0; N = 1
    return
  }
  established()
  if (!open && state !~ /CLOSE-WAIT|CLOSING|LAST-ACK|TIME-WAIT/)
    filled()
  if (state == "ESTABLISHED") outstanding()
  if (state == "FIN-WAIT-1") { outstanding(); our_fin() }
  if (state == "FIN-WAIT-2") { our_fin(); all_acked() }
  if (state == "CLOSE-WAIT") { peer_fin(); outstanding() }
  if (state == "CLOSING") { outstanding(); our_fin(); peer_fin() }
  if (state == "LAST-ACK") { peer_fin(); outstanding(); our_fin() }
  if (state == "TIME-WAIT") { our_fin(); all_acked(); peer_fin() }
}

# ---- what must happen, in the order of the text; sets reply, after, take ----
# reply: "" nothing, or a packet; after: the next state; take: bytes that the application now has

function stays(what) { reply = what; after = state }
function ack_now() { return "+0 > " seg(".", N, 0, R) }
function rst_for(kind, seq, len, ack) { # 3.5.2
  if (kind ~ /RST/) return ""
  if (ack != "") return "+0 > " seg("R", ack, 0, "")
  return "+0 > " seg("R.", 0, 0, seq + len - base)
}
function model(kind, seq, len, ack,    inwin, rst, syn, fin, data) {
  rst = kind ~ /RST/; syn = kind ~ /SYN/; fin = kind ~ /FIN/
  reply = ""; after = state; take = 0
  if (state == "CLOSED") { # 3.10.7.1
    stays(rst_for(kind, seq, len, ack))
    return
  }
  if (state == "LISTEN") { # 3.10.7.2
    if (rst) return
    if (ack != "") { stays(rst_for(kind, seq, len, ack)); return }
    if (!syn || fin) return # SYN with FIN: dropped, as Linux does
    reply = "+0 > S. 0:0(0) ack " num(seq + 1) " <...>"; after = "SYN-RECEIVED"
    R = seq + 1 - base; N = 1; U = 0
    return
  }
  if (state == "SYN-SENT") { # 3.10.7.3
    if (ack != "" && ack != N) { stays(rst_for(kind, seq, len, ack)); return }
    if (rst) { if (ack != "") after = "REFUSED"; return }
    if (!syn) return
    R = seq + 1 - base
    if (ack != "") { U = N; reply = ack_now(); after = "ESTABLISHED"; return }
    if (fin) return -1 # not told by the text for a connection that is still opening
    reply = "+0 > S. 0:0(0) ack " num(seq + 1) " <...>"; after = "SYN-RECEIVED"
    return
  }
  # 3.10.7.4, first: sequence number
  if (state == "TIME-WAIT" && rst) return # RFC 1337
  if (state == "TIME-WAIT" && kind == "SYN" && seq > R) { # 3.6.1, MAY-2
    reply = "+0 > S. "; after = "REBORN"
    return
  }
  if (W == 0) inwin = seq == R && len == 0
  else if (len == 0) inwin = seq >= R && seq < R + W
  else inwin = (seq >= R && seq < R + W) || (seq + len - 1 >= R && seq + len - 1 < R + W)
  if (rst) { # second; RFC 5961 3.2
    if (seq == R) after = state == "SYN-RECEIVED" ? "LISTEN" : state == "LAST-ACK" || state == "CLOSING" ? "CLOSED" : "RESET"
    else if (inwin) reply = ack_now()
    return
  }
  if (!inwin && !(syn && state != "SYN-RECEIVED" && state != "TIME-WAIT")) {
    if (state == "SYN-RECEIVED" && kind == "SYN" && seq == R - 1) { reply = "+0 > S. 0:0(0) ack " R " <...>"; return } # the SYN again
    stays(ack_now())
    # A.2: the ACK of data that found the window shut counts
    if (W == 0 && seq == R && ack != "" && !syn) acked(ack)
    return
  }
  if (syn) { stays(ack_now()); return } # fourth; RFC 5961 4.2
  if (ack == "") return # fifth: dropped
  if (state == "SYN-RECEIVED") {
    if (ack != N) { stays(rst_for(kind, seq, len, ack)); return }
    after = "ESTABLISHED"; U = N
  } else if (ack > N) {
    stays(ack_now())
    return
  } else {
    acked(ack)
    if (after == "CLOSED") return # LAST-ACK: nobody is left to hear the rest
  }
  text_and_fin(kind, seq, len, fin)
}
function acked(ack) {
  if (ack < U || ack > N) return
  U = ack
  if (ack != N) return
  if (state == "FIN-WAIT-1") after = "FIN-WAIT-2"
  if (state == "CLOSING") after = "TIME-WAIT"
  if (state == "LAST-ACK") after = "CLOSED"
}
function text_and_fin(kind, seq, len, fin) { # seventh, eighth
  if (state ~ /CLOSE-WAIT|CLOSING|LAST-ACK/) return # past the peer's FIN: ignored
  if (state == "TIME-WAIT") { # as Linux: all but a bare ACK of what is known is acknowledged
    if (len || seq != R) reply = ack_now()
    return
  }
  if (!len) return
  if (seq > R) { reply = ack_now(); return } # a hole: acknowledged at once, held
  R += len
  take = fin ? len - 1 : len
  reply = (fin ? "+0 > " : "+0~+.3 > ") seg(".", N, 0, R)
  if (fin)
    after = after == "FIN-WAIT-2" ? "TIME-WAIT" : after == "FIN-WAIT-1" ? "CLOSING" : "CLOSE-WAIT"
}

# ---- one script ----

function probe() { # old and empty; 0.6 s later, so that no limit on challenge ACKs is met
  say("+.6 < " seg(".", R - 1, 0, U) " win 30000")
}
function check(    want) {
  if (after == "RESET" && state == "CLOSE-WAIT") { # the end of the stream was known before
    say("+0 read(4, ..., 1) = 0\n+0 write(4, ..., 1) = -1 EPIPE (Broken pipe)")
    return
  }
  if (after == "RESET" || after == "REFUSED") {
    say("+0 " (unread ? "read(4, ..., " unread ") = " unread "\n+0 " : "") "read(4, ..., 1) = -1 " (after == "REFUSED" ? "ECONNREFUSED (Connection refused)" : "ECONNRESET (Connection reset by peer)"))
    return
  }
  if (after == "REBORN") return
  if (unread) say("+0 ioctl(4, SIOCINQ, [" unread "]) = 0")
  else if (take && state != "SYN-RECEIVED") say("+0 read(4, ..., 9000) = " take)
  if (after ~ /ESTABLISHED|FIN-WAIT|CLOSE-WAIT|CLOSING|LAST-ACK/ && state !~ /SYN-RECEIVED/) {
    want = after; gsub("-", "_", want)
    sub("FIN_WAIT_", "FIN_WAIT", want)
    say("+0 %{ assert tcpi_state == TCP_" want ", tcpi_state }%")
  }
}
function one(kind, seqpos, ackpos, open,    seq, len, ack, flags, name, skip) {
  text = "// RFC 9293 3.10.7: " state ", " kind ", SEG.SEQ " seqpos (ackpos == "" ? "" : ", SEG.ACK " ackpos) ", window " (open ? "open" : "zero") "\n"
  U = N = R = edge = 0
  reach(state, open)
  W = edge - R
  len = kind == "DATA" ? 100 : kind ~ /SYN/ && kind ~ /FIN/ ? 2 : kind ~ /SYN|FIN/ ? 1 : 0
  seq = seqpos == "below" ? R - (len > 1 ? len : 1) : seqpos == "left" ? R : seqpos == "inside" ? R + 500 : seqpos == "right" ? R + W - 1 : R + W
  if (state ~ /CLOSED|LISTEN|SYN-SENT/) seq = seqpos == "below" ? 1 : seqpos == "left" ? 1000 : 3000000000
  if (seq < 0) return
  # packetdrill's numbers: those of SYNs absolute, others relative to the peer's first SYN
  base = kind ~ /SYN/ && state ~ /CLOSED|LISTEN|SYN-SENT/ ? seq : 0
  ack = ackpos == "" ? "" : ackpos == "below" ? U - 1 : ackpos == "left" ? U : ackpos == "inside" ? U + 500 : ackpos == "right" ? N : N + 1
  if (ack != "" && ack < 0) ack += 4294967296
  flags = kind == "SYN" ? "S" : kind == "SYN-ACK" ? "S." : kind == "ACK" ? "." : kind == "FIN" ? "F." : kind == "RST" ? "R" : kind == "RST-ACK" ? "R." : kind == "DATA" ? "P." : kind == "SYN-FIN" ? "SF" : "-"
  if (model(kind, seq, len, ack) == -1) return
  say((text ~ /\n0 / ? "+.05" : "0") " < " seg(flags, seq, kind == "DATA" ? 100 : 0, ack) " win 30000" (kind ~ /SYN/ ? " <mss 1000>" : ""))
  if (after == "REBORN") {
    # the new incarnation's own numbers: a script sees them relative to the old ones, so only the flags and ACK are told
    name = sprintf("%s/%s.%s.%s.%s.pkt", out, state, kind, seqpos, "reborn")
    return
  }
  if (reply) say(reply)
  check()
  finish()
  name = out "/" state "." kind ".seq-" seqpos (ackpos == "" ? "" : ".ack-" ackpos) "." (open ? "open" : "zero") ".pkt"
  printf "%s", text > name
  close(name)
  count++
}
function finish() {
  if (after == "CLOSED" || after == "RESET" || after == "LISTEN") {
    if (state == "CLOSED") { U = 4242; R = 7 }
    if (state == "LISTEN") { U = 4242; R = 7 }
    probe()
    say("+0 > " seg("R", U < 0 ? 0 : U, 0, ""))
  } else if (after == "REFUSED") {
    return
  } else if (after == "SYN-SENT") {
    say("+.1 < " seg("S.", base ? base : 5000, 0, 1) " win 30000 <mss 1000>")
    say("+0 > " seg(".", 1, 0, 1) " <...>")
  } else if (after == "SYN-RECEIVED") {
    if (state == "SYN-SENT") { # crossing SYNs: the other's SYN-ACK, or its ACK, ends it
      say("+.1 < " seg(".", R, 0, 1) " win 30000")
      say("+0 %{ assert tcpi_state == TCP_ESTABLISHED, tcpi_state }%")
    } else {
      say("+.1 < " seg(".", R, 0, 1) " win 30000")
      say("+0 accept(3, ..., ...) = 4")
    }
    U = N = 1
    probe()
    answer("+0", seg(".", N, 0, R))
  } else {
    if (state == "SYN-RECEIVED") { say("+0 accept(3, ..., ...) = 4"); if (take) say("+0 read(4, ..., 9000) = " take) }
    probe()
    answer("+0", seg(".", N, 0, R))
  }
}

BEGIN {
  n = split("CLOSED LISTEN SYN-SENT SYN-RECEIVED ESTABLISHED FIN-WAIT-1 FIN-WAIT-2 CLOSE-WAIT CLOSING LAST-ACK TIME-WAIT", states, " ")
  split("SYN SYN-ACK ACK FIN RST DATA SYN-FIN NONE RST-ACK", kinds, " ")
  split("below left inside right beyond", pos, " ")
  for (i = 1; i <= n; i++) {
    state = states[i]
    for (k = 1; k <= 9; k++)
      for (open = 1; open >= (state ~ /ESTABLISHED|FIN-WAIT/ ? 0 : 1); open--)
        for (s = 1; s <= 5; s++) {
          if (state ~ /CLOSED|LISTEN|SYN-SENT/ && s > 3) continue # no window yet
          if (!open && s > 3) continue # no right edge
          if (kinds[k] ~ /^(SYN|RST|SYN-FIN|NONE)$/) { one(kinds[k], pos[s], "", open); continue }
          for (a = 1; a <= 5; a++) {
            if (state ~ /CLOSED|LISTEN/ && a > 1) continue # nothing to compare with
            if (state ~ /FIN-WAIT-2|TIME-WAIT/ && (a == 3 || a == 4)) continue # nothing outstanding
            if (state ~ /SYN/ && a == 3) continue # one number wide
            one(kinds[k], pos[s], pos[a], open)
          }
        }
  }
  print count " scripts"
}

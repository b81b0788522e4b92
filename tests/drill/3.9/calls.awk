# SPDX-License-Identifier: MIT
# Scripts for every state (and a connection that was reset) x way into it x unread bytes x bytes in flight x socket call: what the call
# returns, what it sends, and the state it leaves, as RFC 9293 3.10.1 to 3.10.6 say in their words, and POSIX.1-2017 and Linux's manual
# pages (tcp(7), poll(2), connect(2)) in theirs. Where POSIX leaves a choice, Linux's is the one.
#   awk -v out=DIR -f calls.awk          (run them with --preset rfc)
#
# Descriptor 4 is the socket in question; it never blocks. After the call TCP_INFO tells the state, and an old, empty segment draws an ACK
# that shows SND.NXT and RCV.NXT, or a RST where nothing is left.

function say(line) { text = text line "\n" }

# ---- how a state is reached: R is RCV.NXT, N SND.NXT, U SND.UNA; unread: bytes that wait; flight: bytes sent ----

function sock() {
  say("0 socket(..., SOCK_STREAM|SOCK_NONBLOCK, IPPROTO_TCP) = 4")
  say("+0 setsockopt(4, SOL_SOCKET, SO_REUSEADDR, [1], 4) = 0")
}
function passive() {
  say("0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3\n+0 bind(3, ..., ...) = 0\n+0 listen(3, 5) = 0")
  say("+0 < S 0:0(0) win 30000 <mss 1000>\n+0 > S. 0:0(0) ack 1 <...>\n+.01 < . 1:1(0) ack 1 win 30000")
  say("+0 accept4(3, ..., ..., SOCK_NONBLOCK) = 4")
}
function syn_sent() {
  sock()
  say("+0 connect(4, ..., ...) = -1 EINPROGRESS (Operation now in progress)\n+0 > S 0:0(0) <...>")
  U = 0; N = 1
}
function active() {
  syn_sent()
  say("+.01 < S. 0:0(0) ack 1 win 30000 <mss 1000>\n+0 > . 1:1(0) ack 1")
  U = 1
}
function peer_fin() {
  say("+0 < F. " R ":" R "(0) ack " U " win 30000\n+0 > . " N ":" N "(0) ack " R + 1)
  R++
}
function our_fin() {
  say("+0 shutdown(4, SHUT_WR) = 0\n+0 > F. " N ":" N "(0) ack " R)
  N++
}
function all_acked() {
  say("+0 < . " R ":" R "(0) ack " N " win 30000")
  U = N
}
function reach() {
  R = N = U = 1
  if (state == "CLOSED") { sock(); return }
  if (state == "LISTEN") { sock(); say("+0 bind(4, ..., ...) = 0\n+0 listen(4, 5) = 0"); return }
  if (state == "SYN-SENT") { syn_sent(); return }
  if (state == "SYN-RECEIVED") { # of crossing SYNs; one that came in has no socket yet
    syn_sent()
    say("+.01 < S 0:0(0) win 30000 <mss 1000>\n+0 > S. 0:0(0) ack 1 <...>")
    return
  }
  if (way == "passive") passive(); else active()
  if (unread) {
    say("+0 < P. 1:" 1 + unread "(" unread ") ack 1 win 30000\n+0~+.3 > . 1:1(0) ack " 1 + unread)
    R += unread
  }
  if (flight) {
    say("+0 write(4, ..., " flight ") = " flight "\n+0 > P. 1:" 1 + flight "(" flight ") ack " R)
    N += flight
  }
  if (state == "RESET") say("+0 < R " R ":" R "(0) win 0") # 3.10.7.4: the peer has gone, and nobody has been told yet
  if (state ~ /CLOSE-WAIT|LAST-ACK/) peer_fin()
  if (state ~ /FIN-WAIT|CLOSING|LAST-ACK|TIME-WAIT/) our_fin()
  if (state ~ /FIN-WAIT-2|TIME-WAIT/) all_acked()
  if (state ~ /CLOSING|TIME-WAIT/) peer_fin()
}

# ---- rules: each sets `line` (the call with its result), `sends` (a packet or ""), `after` (a state; GONE: nothing is left of it) ----

function opening() { return state ~ /SYN-SENT|SYN-RECEIVED/ }
function unconnected() { return state ~ /CLOSED|LISTEN/ }
function fin_sent() { return state ~ /FIN-WAIT|CLOSING|LAST-ACK|TIME-WAIT/ } # by shutdown()
function fin_came() { return state ~ /CLOSE-WAIT|CLOSING|LAST-ACK|TIME-WAIT/ }
function fails(err) { return "-1 " err " (" err ")" }

function receives() { # 3.10.3
  if (unconnected()) return fails("ENOTCONN") # "connection does not exist"; POSIX recv(): not connected
  if (unread) return unread                   # in CLOSE-WAIT too: what came before the FIN is still delivered
  if (state == "RESET") return fails("ECONNRESET") # POSIX recv(): forcibly closed by the peer, once what came before is read
  if (fin_came()) return 0                    # "connection closing": the end of the stream
  return fails("EAGAIN")                      # queued until there is something; POSIX: O_NONBLOCK
}
function writes() { # 3.10.2
  if (unconnected()) return fails("EPIPE") # LISTEN without a remote end; Linux takes EPIPE for POSIX's ENOTCONN
  if (fin_sent()) return fails("EPIPE")    # "connection closing"
  if (state == "RESET") return fails("ECONNRESET") # "connection reset", told once
  if (opening()) return fails("EAGAIN")    # may be queued or refused: Linux waits for the connection first
  if (flight) return 100                   # 3.7.4: Nagle holds it back while the bytes before it are in flight
  sends = "+0 > P. " N ":" N + 100 "(100) ack " R
  N += 100
  return 100
}
function fin_goes() { # 3.10.4
  if (state != "ESTABLISHED" && state != "CLOSE-WAIT") return
  sends = "+0 > F. " N ":" N "(0) ack " R
  N++
  after = state == "ESTABLISHED" ? "FIN-WAIT-1" : "LAST-ACK"
}
function shuts(how) {
  if (state ~ /CLOSED|RESET|TIME-WAIT/) return fails("ENOTCONN") # Linux lets the socket go when TIME-WAIT begins
  if (state == "SYN-SENT" || (state == "LISTEN" && how != "SHUT_WR")) { after = "GONE"; return 0 } # 3.10.4: the TCB is deleted
  if (how == "SHUT_RD" || state == "LISTEN") return 0 # reading is the socket's affair: nothing is sent
  if (state == "SYN-RECEIVED") { after = "FIN-QUEUED"; return 0 }
  fin_goes()
  return 0
}
function closes() {
  after = state == "TIME-WAIT" ? state : "GONE"
  if (unconnected() || state ~ /RESET|SYN-SENT|TIME-WAIT/) return 0
  if (state == "SYN-RECEIVED") { after = "FIN-QUEUED"; return 0 }
  if (unread) { # 3.6.1, SHLD-3; RFC 2525 2.17
    sends = "+0 > R. " N ":" N "(0) ack " R
    return 0
  }
  after = state
  fin_goes() # the later states wait on: a second FIN never goes
  return 0
}
function ready() { # poll(2): what of POLLIN|POLLOUT|POLLRDHUP, with POLLHUP unasked
  if (state == "CLOSED") return "POLLOUT|POLLHUP"
  if (state == "RESET") return "POLLIN|POLLOUT|POLLRDHUP|POLLERR|POLLHUP"
  if (state == "LISTEN" || opening()) return ""
  if (fin_came()) return "POLLIN|POLLOUT|POLLRDHUP" (fin_sent() ? "|POLLHUP" : "")
  return (unread ? "POLLIN|" : "") "POLLOUT" # a write that fails does not wait either
}
function epolls(bits) { gsub("POLL", "EPOLL", bits); return bits }
function connects() { # 3.10.1
  if (state == "CLOSED") {
    after = "SYN-SENT"; U = 0
    sends = "+0 > S 0:0(0) <...>"
    return fails("EINPROGRESS")
  }
  if (opening()) return fails("EALREADY")
  if (way == "active" && state == "RESET") { taken = unread; return fails("ECONNRESET") } # and the socket is as new
  # connect(2), Linux: the first call after the handshake is told how it ended; shutdown() has asked as well
  if (way == "active" && !fin_sent() && state != "LISTEN") return 0
  return fails("EISCONN")
}
function queued() { return (state ~ /FIN-WAIT-2|TIME-WAIT|RESET/ ? 0 : flight) + (state ~ /FIN-WAIT-1|CLOSING|LAST-ACK/) } # tcp(7), SIOCOUTQ; Linux counts the FIN
function of(name,    r) {
  sends = ""; after = state; before = ""
  if (name == "bind") r = state == "CLOSED" ? 0 : fails("EINVAL") # POSIX bind(): bound already
  if (name == "bind") return "bind(4, ..., ...) = " r
  if (name == "listen") { # 3.10.1: only what is not connected may become passive; again: only the backlog changes
    if (state == "CLOSED") after = "LISTEN-ANY"
    return "listen(4, 7) = " (unconnected() ? 0 : fails("EINVAL"))
  }
  if (name == "accept") return "accept(4, ..., ...) = " (state == "LISTEN" ? fails("EAGAIN") : fails("EINVAL"))
  if (name == "connect") return "connect(4, ..., ...) = " connects()
  if (name == "read") { r = receives(); taken = r + 0 > 0 ? r : 0; return "read(4, ..., 100) = " r }
  if (name == "peek") return "recv(4, ..., 100, MSG_PEEK) = " receives()
  if (name == "write") return "write(4, ..., 100) = " writes()
  if (name == "send") return "send(4, ..., 100, MSG_DONTWAIT|MSG_NOSIGNAL) = " writes()
  if (name ~ /^SHUT/) return "shutdown(4, " name ") = " shuts(name)
  if (name == "close") return "close(4) = " closes()
  if (name == "close-twice") return "close(4) = " closes() (sends ? "\n" sends : "") "\n+0 close(4) = " fails("EBADF")
  if (name == "SO_ERROR") return "getsockopt(4, SOL_SOCKET, SO_ERROR, [" (state == "RESET" ? "ECONNRESET" : 0) "], [4]) = 0"
  if (name == "SO_ACCEPTCONN") return "getsockopt(4, SOL_SOCKET, SO_ACCEPTCONN, [" (state == "LISTEN") "], [4]) = 0"
  if (name == "NODELAY") return "setsockopt(4, IPPROTO_TCP, TCP_NODELAY, [1], 4) = 0\n+0 getsockopt(4, IPPROTO_TCP, TCP_NODELAY, [1], [4]) = 0"
  if (name == "fcntl") return "fcntl(4, F_GETFL) = 0x802\n+0 fcntl(4, F_SETFL, O_RDWR) = 0\n+0 fcntl(4, F_GETFL) = 0x2"
  if (name == "poll") {
    r = ready()
    return "poll([{fd=4, events=POLLIN|POLLOUT|POLLRDHUP, revents=" (r ? r : 0) "}], 1, 0) = " (r != "")
  }
  if (name == "epoll") {
    r = epolls(ready())
    before = "+0 epoll_create1(0) = 5\n+0 epoll_ctl(5, EPOLL_CTL_ADD, 4, {events=EPOLLIN|EPOLLOUT|EPOLLRDHUP, fd=4}) = 0\n"
    return "epoll_wait(5, {events=" (r ? r ", fd=4" : "0, ptr=0") "}, 1, 0) = " (r != "")
  }
  if (name == "SIOCINQ") return "ioctl(4, SIOCINQ, [" (state == "LISTEN" ? 0 : unread) "]) = " (state == "LISTEN" ? fails("EINVAL") : 0)
  if (name == "SIOCOUTQ") return "ioctl(4, SIOCOUTQ, [" queued() "]) = " (state == "LISTEN" ? fails("EINVAL") : 0)
}

# ---- what is left ----

function linux_state(s) {
  if (s ~ /CLOSED|GONE|RESET|TIME-WAIT/) return "TCP_CLOSE"
  if (s == "LISTEN-ANY") return "TCP_LISTEN"
  if (s == "SYN-RECEIVED" || s == "FIN-QUEUED") return "TCP_SYN_RECV"
  gsub("-", "_", s)
  sub("FIN_WAIT_", "FIN_WAIT", s)
  return "TCP_" s
}
function finish() {
  if (call !~ /^close/) {
    say("+0 getsockopt(4, IPPROTO_TCP, TCP_INFO, {tcpi_state=" linux_state(after) "}, [...]) = 0")
    if (unread > taken) say("+0 ioctl(4, SIOCINQ, [" unread - taken "]) = 0")
  }
  if (after == "CLOSED" || after == "LISTEN-ANY") return # no port that a segment could meet
  if (after == "LISTEN" || (state == "LISTEN" && after == "GONE")) {
    say("+.1 < S 0:0(0) win 30000 <mss 1000>\n+0 > " (after == "LISTEN" ? "S. 0:0(0) ack 1 <...>" : "R. 0:0(0) ack 1"))
  } else if (state == "CLOSED" && after == "GONE") {
    return
  } else if (after == "SYN-SENT" || (state == "SYN-SENT" && after == "GONE")) {
    say("+.1 < S. 0:0(0) ack 1 win 30000 <mss 1000>\n+0 > " (after == "SYN-SENT" ? ". 1:1(0) ack 1" : "R 1:1(0)"))
  } else if (after == "SYN-RECEIVED") {
    say("+.1 < . 1:1(0) ack 1 win 30000\n+0 getsockopt(4, IPPROTO_TCP, TCP_INFO, {tcpi_state=TCP_ESTABLISHED}, [...]) = 0")
    say("+.6 < . 0:0(0) ack 1 win 30000\n+0 > . 1:1(0) ack 1")
  } else if (after == "FIN-QUEUED") { # 3.10.4: the FIN follows when the SYN is acknowledged
    say("+.1 < . 1:1(0) ack 1 win 30000\n+0 > F. 1:1(0) ack 1")
  } else {
    say("+.6 < . " R - 1 ":" R - 1 "(0) ack " U " win 30000")
    say("+0 > " (after ~ /GONE|RESET/ ? "R " U ":" U "(0)" : ". " N ":" N "(0) ack " R))
  }
}
function one(    line, name) {
  text = "// RFC 9293 3.9.1, 3.10: " call " in " state ", reached as " way (unread ? ", with unread bytes" : "") (flight ? ", with bytes in flight" : "") "\n"
  taken = 0
  reach()
  line = of(call)
  say(before "+0 " line)
  if (sends && call != "close-twice") say(sends)
  finish()
  name = out "/" state "." way "." call (unread ? ".unread" : "") (flight ? ".in-flight" : "") ".pkt"
  printf "%s", text > name
  close(name)
  count++
}

BEGIN {
  n = split("CLOSED LISTEN SYN-SENT SYN-RECEIVED ESTABLISHED FIN-WAIT-1 FIN-WAIT-2 CLOSE-WAIT CLOSING LAST-ACK TIME-WAIT RESET", states, " ")
  m = split("bind listen accept connect read peek write send SHUT_RD SHUT_WR SHUT_RDWR close close-twice " \
            "SO_ERROR SO_ACCEPTCONN NODELAY fcntl poll epoll SIOCINQ SIOCOUTQ", calls, " ")
  for (i = 1; i <= n; i++)
    for (j = 1; j <= m; j++) {
      state = states[i]; call = calls[j]
      for (unread = 0; unread <= (i > 4 ? 10 : 0); unread += 10)
        for (flight = 0; flight <= (i > 4 ? 100 : 0); flight += 100) {
          if (i > 4) { way = "passive"; one() }
          way = "active"; one()
        }
    }
  print count " scripts"
}

// SPDX-License-Identifier: MIT

// bench_netstack bulk WINDOW BYTES | cycles OTHERS CYCLES | bytes CONNS: the rows of bench_lastack for gVisor's netstack, by way of its
// own adapter for Go programs. What differs: it runs in real time and in as many threads as it likes (the processor time of all counts);
// its pipe hands packets over without a copy; TIME-WAIT lasts 10 ms; its timestamps leave 1448 bytes a segment.
package main

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"os"
	"runtime"
	"strconv"
	"syscall"
	"time"

	"gvisor.dev/gvisor/pkg/tcpip"
	"gvisor.dev/gvisor/pkg/tcpip/adapters/gonet"
	"gvisor.dev/gvisor/pkg/tcpip/header"
	"gvisor.dev/gvisor/pkg/tcpip/link/pipe"
	"gvisor.dev/gvisor/pkg/tcpip/network/ipv4"
	"gvisor.dev/gvisor/pkg/tcpip/stack"
	"gvisor.dev/gvisor/pkg/tcpip/transport/tcp"
)

const (
	appBytes   = 65536
	port       = 7
	firstPort  = 1024
	localPorts = 60000
	addrs      = 4
)

func die(what string) {
	fmt.Fprintln(os.Stderr, "netstack:", what)
	os.Exit(1)
}

func check(err interface{}) {
	switch e := err.(type) {
	case nil:
	case error:
		die(e.Error())
	case tcpip.Error:
		die(e.String())
	}
}

func cpuNow() float64 {
	var u syscall.Rusage
	check(syscall.Getrusage(syscall.RUSAGE_SELF, &u))
	return float64(u.Utime.Sec+u.Stime.Sec) + 1e-6*float64(u.Utime.Usec+u.Stime.Usec)
}

func serverAddr() tcpip.Address { return tcpip.Address([]byte{10, 0, 0, 200}) }

func clientAddr(i int) tcpip.Address { return tcpip.Address([]byte{10, 0, 0, byte(1 + i)}) }

func newStack(link stack.LinkEndpoint, window int, own []tcpip.Address) *stack.Stack {
	s := stack.New(stack.Options{
		NetworkProtocols:   []stack.NetworkProtocolFactory{ipv4.NewProtocol},
		TransportProtocols: []stack.TransportProtocolFactory{tcp.NewProtocol},
	})
	rcv := tcpip.TCPReceiveBufferSizeRangeOption{Min: 4096, Default: window, Max: window}
	snd := tcpip.TCPSendBufferSizeRangeOption{Min: 4096, Default: 2 * window, Max: 2 * window}
	moderate := tcpip.TCPModerateReceiveBufferOption(false)
	wait := tcpip.TCPTimeWaitTimeoutOption(10 * time.Millisecond)
	check(s.SetTransportProtocolOption(tcp.ProtocolNumber, &rcv))
	check(s.SetTransportProtocolOption(tcp.ProtocolNumber, &snd))
	check(s.SetTransportProtocolOption(tcp.ProtocolNumber, &moderate))
	check(s.SetTransportProtocolOption(tcp.ProtocolNumber, &wait))
	check(s.CreateNIC(1, link))
	for _, a := range own {
		check(s.AddProtocolAddress(1, tcpip.ProtocolAddress{Protocol: ipv4.ProtocolNumber,
			AddressWithPrefix: tcpip.AddressWithPrefix{Address: a, PrefixLen: 24}}, stack.AddressProperties{}))
	}
	s.SetRouteTable([]tcpip.Route{{Destination: header.IPv4EmptySubnet, NIC: 1}})
	return s
}

type pair struct {
	client, server *stack.Stack
	listener       *gonet.TCPListener
}

func newPair(window int) *pair {
	a, b := pipe.New("", "", 1500)
	var own []tcpip.Address
	for i := 0; i < addrs; i++ {
		own = append(own, clientAddr(i))
	}
	p := &pair{client: newStack(a, window, own), server: newStack(b, window, []tcpip.Address{serverAddr()})}
	l, err := gonet.ListenTCP(p.server, tcpip.FullAddress{NIC: 1, Addr: serverAddr(), Port: port}, ipv4.ProtocolNumber)
	check(err)
	p.listener = l
	return p
}

func (p *pair) open(n int) (net.Conn, net.Conn) {
	local := tcpip.FullAddress{NIC: 1, Addr: clientAddr(n / localPorts % addrs), Port: uint16(firstPort + n%localPorts)}
	c, err := gonet.DialTCPWithBind(context.Background(), p.client, local,
		tcpip.FullAddress{NIC: 1, Addr: serverAddr(), Port: port}, ipv4.ProtocolNumber)
	check(err)
	s, err := p.listener.Accept()
	check(err)
	return c, s
}

func byteOver(from, to net.Conn) {
	var one [1]byte
	_, err := from.Write([]byte{'x'})
	check(err)
	n, err := to.Read(one[:])
	check(err)
	if n != 1 || one[0] != 'x' {
		die("a byte went astray")
	}
}

func (p *pair) openIdle(n int) (net.Conn, net.Conn) {
	c, s := p.open(n)
	byteOver(c, s)
	byteOver(s, c)
	return c, s
}

func bulk(window int, all int) {
	src, dst := make([]byte, appBytes), make([]byte, appBytes)
	x := uint32(1)
	for i := range src {
		x = x*1664525 + 1013904223
		src[i] = byte(x >> 24)
	}
	p := newPair(window)
	c, s := p.open(0)
	began := cpuNow()
	go func() {
		for sent := 0; sent < all; sent += appBytes {
			_, err := c.Write(src)
			check(err)
		}
	}()
	for got := 0; got < all; {
		n, err := s.Read(dst[got%appBytes:])
		check(err)
		got += n
	}
	took := cpuNow() - began
	if !bytes.Equal(src, dst) {
		die("contents differ")
	}
	fmt.Printf("gbit_s %g\n", 8e-9*float64(all)/took)
}

func cycles(others, rounds int) {
	p := newPair(65536)
	var keep []net.Conn
	for n := 0; n < others; n++ {
		c, s := p.openIdle(n)
		keep = append(keep, c, s)
	}
	var one [1]byte
	began := cpuNow()
	for i := 0; i < rounds; i++ {
		c, s := p.openIdle(others + i%(addrs*localPorts-others))
		check(c.Close())
		if n, _ := s.Read(one[:]); n != 0 {
			die("no end of stream")
		}
		check(s.Close())
	}
	fmt.Printf("cycles_s %g\n", float64(rounds)/(cpuNow()-began))
	runtime.KeepAlive(keep)
}

func memory(conns int) {
	var before, after runtime.MemStats
	p := newPair(65536)
	var keep []net.Conn
	runtime.GC()
	runtime.ReadMemStats(&before)
	for n := 0; n < conns; n++ {
		c, s := p.openIdle(n)
		keep = append(keep, c, s)
	}
	runtime.GC()
	runtime.ReadMemStats(&after)
	used := after.HeapInuse + after.StackInuse - before.HeapInuse - before.StackInuse
	fmt.Printf("bytes_each %g\n", float64(used)/float64(2*conns))
	runtime.KeepAlive(keep)
}

func main() {
	arg := func(i int) int {
		if i >= len(os.Args) {
			die("too few arguments")
		}
		n, err := strconv.Atoi(os.Args[i])
		check(err)
		return n
	}
	if len(os.Args) < 2 {
		die("bulk, cycles or bytes")
	}
	switch os.Args[1] {
	case "bulk":
		bulk(arg(2), arg(3))
	case "cycles":
		cycles(arg(2), arg(3))
	case "bytes":
		memory(arg(2))
	default:
		die("no such row")
	}
}

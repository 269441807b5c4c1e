package main_test

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"net"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// crowd is thousands of clients on one goroutine and one epoll, which parse as little as they can: what they take of the
// processors the gateway lacks.
type crowd struct {
	t       *testing.T
	addr    unix.SockaddrInet4
	epoll   int
	members []*soaker
	buf     []byte

	begun                time.Time
	heads                map[string]int // messages said, by small room
	saidSmall, saidLarge int
	joined, acked        int
	sampled              int
	latencies            []int64 // nanoseconds, of one delivery in 64
}

// soaker is one client.
type soaker struct {
	fd           int
	room         string
	small, large uint64 // the newest offset of its small room and of the large one
	rest         []byte // of a frame that has not come whole
}

func newCrowd(t *testing.T, addr string) *crowd {
	t.Helper()
	a, err := net.ResolveTCPAddr("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	epoll, err := unix.EpollCreate1(unix.EPOLL_CLOEXEC)
	if err != nil {
		t.Fatal(err)
	}
	cr := &crowd{t: t, addr: unix.SockaddrInet4{Port: a.Port, Addr: [4]byte(a.IP.To4())}, epoll: epoll, buf: make([]byte, 256<<10), heads: map[string]int{}}
	t.Cleanup(func() {
		for _, m := range cr.members {
			_ = unix.Close(m.fd)
		}
		_ = unix.Close(epoll)
	})
	return cr
}

// connect adds a client, which asks to join its small room and the large one.
func (cr *crowd) connect(room string) {
	cr.t.Helper()
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		cr.t.Fatal(err)
	}
	m := &soaker{fd: fd, room: room}
	cr.members = append(cr.members, m)
	if err := unix.Connect(fd, &cr.addr); err != nil {
		cr.t.Fatal(err)
	}
	_ = unix.SetsockoptInt(fd, unix.IPPROTO_TCP, unix.TCP_NODELAY, 1)
	request := strings.Replace(fmt.Sprintf(handshake, "lobby"), "Sec-WebSocket-Version", "Sec-WebSocket-Protocol: rookery.v1\r\nSec-WebSocket-Version", 1)
	if _, err := unix.Write(fd, []byte(request)); err != nil {
		cr.t.Fatal(err)
	}
	n, err := unix.Read(fd, cr.buf)
	if err != nil {
		cr.t.Fatal(err)
	}
	head := bytes.Index(cr.buf[:n], []byte("\r\n\r\n"))
	if head < 0 || !bytes.HasPrefix(cr.buf, []byte("HTTP/1.1 101 ")) {
		cr.t.Fatalf("answered %q", cr.buf[:n])
	}
	cr.take(m, cr.buf[head+4:n])
	if err := unix.SetNonblock(fd, true); err != nil {
		cr.t.Fatal(err)
	}
	event := unix.EpollEvent{Events: unix.EPOLLIN, Fd: int32(len(cr.members) - 1)}
	if err := unix.EpollCtl(cr.epoll, unix.EPOLL_CTL_ADD, fd, &event); err != nil {
		cr.t.Fatal(err)
	}
	for _, name := range []string{room, "large"} {
		cr.send(m, fmt.Sprintf(`{"op":"join","room":%q}`, name))
	}
}

// say says when it was due, in nanoseconds from the beginning.
func (cr *crowd) say(m *soaker, room string, due time.Duration) {
	cr.t.Helper()
	cr.send(m, fmt.Sprintf(`{"op":"say","room":%q,"message":%d}`, room, due))
}

// send sends a text of less than 126 bytes. The mask is zero: it changes nothing, and it is a mask.
func (cr *crowd) send(m *soaker, s string) {
	cr.t.Helper()
	frame := append([]byte{text, 0x80 | byte(len(s)), 0, 0, 0, 0}, s...)
	if n, err := unix.Write(m.fd, frame); n != len(frame) {
		cr.t.Fatalf("wrote %d of %d bytes: %v", n, len(frame), err)
	}
}

// receive reads what a client's socket holds.
func (cr *crowd) receive(m *soaker) {
	cr.t.Helper()
	n, err := unix.Read(m.fd, cr.buf)
	switch {
	case err == unix.EAGAIN || err == unix.EINTR:
		return
	case err != nil || n == 0:
		cr.t.Fatalf("a member of %s lost its connection: %v", m.room, err)
	}
	b := cr.buf[:n]
	if len(m.rest) > 0 {
		m.rest = append(m.rest, b...)
		b = m.rest
	}
	rest := cr.take(m, b)
	m.rest = append(m.rest[:0], rest...)
}

// take reads the frames that b begins with and returns what is left of it.
func (cr *crowd) take(m *soaker, b []byte) []byte {
	cr.t.Helper()
	for len(b) >= 4 {
		head, size := 2, int(b[1])
		switch {
		case size == 126:
			head, size = 4, int(binary.BigEndian.Uint16(b[2:]))
		case size > 126:
			cr.t.Fatalf("a frame begins with %x", b[:4])
		}
		if len(b) < head+size {
			break
		}
		if b[0] == text {
			cr.read(m, b[head:head+size])
		} else if b[0] != ping {
			cr.t.Fatalf("got a frame %x", b[:head+size])
		}
		b = b[head+size:]
	}
	return b
}

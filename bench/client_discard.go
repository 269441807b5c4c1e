package main

import (
	"math"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Counting by bytes. A server gives the members of a room the same frames, so in a room of its own a drained connection
// need not even be copied out of the kernel: recv(2) with MSG_TRUNC drops the bytes and says how many they were, and they
// must be, to the byte, as many as a parsed connection of the same process got for the same messages. That leaves the
// processors to the server under test. Where control frames could hide among the bytes (a ping) the connection speaks first:
// a pong nobody asked for (RFC 6455, 5.5.3) when a run is armed keeps the server from asking.

// discardMost is how many bytes one call drops at most.
const discardMost = 1 << 20

// yardstick is the parsed connection that has got most, against which the others are measured; -1 if there is none.
func (c *client) yardstick() int32 {
	best := int32(-1)
	for i := range c.conns {
		if k := &c.conns[i]; k.parsed && k.state == open && (best < 0 || k.messages > c.conns[best].messages) {
			best = int32(i)
		}
	}
	return best
}

// armDiscard chooses the connections of a run that are counted by bytes: drained, and between two frames.
func (c *client) armDiscard(r *run) {
	r.yardstick = -1
	if r.Discard && c.plan.Rooms == 1 && !c.plan.TLS && !c.plan.Deflate {
		r.yardstick = c.yardstick()
	}
	for i := range c.conns {
		k := &c.conns[i]
		k.data = 0
		k.discard = r.yardstick >= 0 && c.swept(k) && k.state == open && k.walk.left == 0 && len(k.carry) == 0
		if k.discard {
			c.write(int32(i), appendFrame(nil, bitFin|opPong, nil, c.random()))
		}
	}
}

// owed is how many bytes connection k may still drop: without bound until the yardstick has everything, since then what
// the whole run was worth is known, and whatever comes after it is looked at again.
func (c *client) owed(k *conn) int {
	y := &c.conns[c.run.yardstick]
	if uint64(y.messages) < c.run.expected(int(y.room), 1) {
		return discardMost
	}
	return int(min(y.data-min(k.data, y.data), discardMost))
}

// dropBytes reads a connection that is counted by bytes. It returns false when the connection has to be read in the
// usual way: what it was owed has come.
func (c *client) dropBytes(i int32) bool {
	k := &c.conns[i]
	for range visits {
		want := c.owed(k)
		if want == 0 {
			return false
		}
		n, _, errno := unix.RawSyscall6(unix.SYS_RECVFROM, uintptr(k.fd), uintptr(unsafe.Pointer(&c.buf[0])), uintptr(want), unix.MSG_TRUNC, 0, 0)
		switch {
		case errno == unix.EINTR:
			continue
		case errno == unix.EAGAIN:
			return true
		case errno != 0:
			c.lost(i, errorWord(errno))
			return true
		case n == 0:
			c.lost(i, "eof")
			return true
		}
		c.bytes += uint64(n)
		k.data += uint64(n)
		if int(n) < want {
			return true
		}
	}
	c.again = append(c.again, i)
	return true
}

// countDropped turns bytes into messages: all of them if the bytes are the yardstick's, else the share that came.
func (c *client) countDropped() {
	r := c.run
	if r == nil || r.yardstick < 0 {
		return
	}
	if i := c.yardstick(); i >= 0 {
		r.yardstick = i
	}
	y := &c.conns[r.yardstick]
	n := r.expected(int(y.room), 1)
	whole := uint64(y.messages) >= n && y.data > 0
	for i := range c.conns {
		k := &c.conns[i]
		if !k.discard || k.state == closedConn {
			continue
		}
		var got uint64
		switch {
		case whole && k.data == y.data:
			got = n
		case y.data > 0 && n > 0:
			got = min(uint64(math.Round(float64(k.data)*float64(y.messages)/float64(y.data))), n-1)
		}
		if got > k.dropped {
			c.delivered(got - k.dropped)
			k.dropped = got
		}
	}
}

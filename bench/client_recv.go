package main

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"strconv"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Reading, in the order a byte takes:
//  1. recv(2) into the loop's one buffer, behind what the connection could not use last time
//  2. a drained connection walks from header to header and counts; a parsed one looks into every message
//  3. a parsed message is found by its marker, checked for its place in the sequence, and timed
//  4. pings are answered on both kinds, and a close is

// gapSamples is how many gaps a client describes; the others it only counts.
const gapSamples = 3

// visits bounds the reads in a row on one connection, so that one busy sender does not delay the others.
const visits = 4

// read takes what a connection has.
func (c *client) read(i int32) {
	k := &c.conns[i]
	if k.discard && k.state == open && c.dropBytes(i) {
		return
	}
	for range visits {
		held := copy(c.buf, k.carry)
		if held > len(c.buf)/2 {
			c.buf = append(make([]byte, 0, 2*len(c.buf)), c.buf[:held]...)
			c.buf = c.buf[:cap(c.buf)]
		}
		n, err := c.recv(k, c.buf[held:])
		switch {
		case err == unix.EAGAIN:
			return
		case err != nil:
			c.lost(i, errorWord(err))
			return
		case n == 0:
			c.lost(i, "eof")
			return
		}
		c.bytes += uint64(n)
		if !c.take(i, c.buf[:held+n]) {
			return
		}
		if k.secure == nil && n < len(c.buf)-held {
			return
		}
	}
	c.again = append(c.again, i)
}

// recv reads from the socket, through TLS where the connection has it. The raw call is safe because the
// socket never blocks.
func (c *client) recv(k *conn, b []byte) (int, error) {
	if k.secure != nil {
		return k.secure.read(b)
	}
	for {
		n, _, errno := unix.RawSyscall6(unix.SYS_RECVFROM, uintptr(k.fd), uintptr(unsafe.Pointer(&b[0])),
			uintptr(len(b)), 0, 0, 0)
		if errno == unix.EINTR {
			continue
		}
		if errno != 0 {
			return 0, errno
		}
		return int(n), nil
	}
}

// take works on the bytes of one read and keeps what it could not use. It returns false when the
// connection is gone.
func (c *client) take(i int32, b []byte) bool {
	k := &c.conns[i]
	used := 0
	if k.state == upgrading {
		n, err := c.finishUpgrade(i, b)
		if err != nil {
			c.refused(i, err.Error())
			return false
		}
		if n == 0 {
			k.carry = append(k.carry[:0], b...)
			return true
		}
		used = n
	}
	var err error
	var n int
	if k.parsed {
		n, err = c.parse(i, b[used:])
	} else {
		var messages uint64
		n, messages, err = k.walk.walk(b[used:], func(op byte, payload []byte) { c.control(i, op, payload) })
		k.messages += uint32(messages)
		c.delivered(messages)
	}
	if err != nil {
		c.lost(i, err.Error())
		return false
	}
	if k.state == closedConn {
		return false
	}
	used += n
	if used < len(b) {
		k.carry = append(k.carry[:0], b[used:]...)
	} else {
		k.carry = k.carry[:0]
	}
	return true
}

// parse looks into every whole frame of b and returns how many bytes it used.
func (c *client) parse(i int32, b []byte) (used int, err error) {
	k := &c.conns[i]
	at := now()
	for {
		h, err := parseHeader(b[used:])
		if err != nil {
			return used, err
		}
		whole := h.size + int(h.length)
		if h.size == 0 || len(b)-used < whole {
			return used, nil
		}
		payload := b[used+h.size : used+whole]
		used += whole
		if h.op >= opClose {
			c.control(i, h.op, payload)
			if k.state == closedConn {
				return used, nil
			}
			continue
		}
		k.data += uint64(whole)
		if h.op != opContinuation {
			k.deflated = h.rsv1
		}
		if !h.fin || h.op == opContinuation {
			k.message = append(k.message, payload...)
			if !h.fin {
				continue
			}
			payload = k.message
		}
		if k.deflated {
			if payload, err = k.inflate(payload); err != nil {
				return used, err
			}
		}
		c.got(i, payload, at)
		k.message = k.message[:0]
	}
}

// got accounts for one whole message on a parsed connection.
func (c *client) got(i int32, payload []byte, at int64) {
	k := &c.conns[i]
	m, ok := findMarker(payload)
	if !ok {
		if c.plan.Join && bytes.HasPrefix(payload, []byte(`{"ev":`)) {
			c.event(i, payload, at)
			return
		}
		if c.run != nil {
			c.run.foreign++
		}
		return
	}
	if k.resume != nil {
		k.resume.sawOffset(payload)
	}
	r := c.run
	if r == nil || m.run != r.Run {
		return
	}
	rooms := uint32(c.plan.Rooms)
	if m.stream%rooms != uint32(k.room) || m.stream >= uint32(r.Streams) {
		r.misrouted++
		return
	}
	next := &k.next[m.stream/rooms]
	switch {
	case m.seq < *next:
		r.duplicates++
		return
	case m.seq > *next:
		r.gaps += uint64(m.seq - *next)
		if len(r.samples) < gapSamples {
			r.samples = append(r.samples, fmt.Sprintf("connection %d, stream %d: messages %d to %d missing before the one due %.1f s into the run",
				c.plan.First+int(i), m.stream, *next, m.seq-1, float64(m.due-r.Pacer.Start)/1e9))
		}
	}
	*next = m.seq + 1
	k.messages++
	c.delivered(1)
	if m.due >= r.Measure {
		r.latency.record(at - m.due)
		r.timeline.record(m.due, at-m.due)
	}
}

func (c *client) delivered(n uint64) {
	if c.run != nil {
		c.run.delivered += n
	}
}

// control answers a control frame of the server.
func (c *client) control(i int32, op byte, payload []byte) {
	k := &c.conns[i]
	switch op {
	case opPing:
		// RFC 6455, 5.5.3: the pong carries the ping's application data.
		c.write(i, appendFrame(nil, bitFin|opPong, payload, c.random()))
	case opClose:
		code := "no code"
		if len(payload) >= 2 {
			code = strconv.Itoa(int(binary.BigEndian.Uint16(payload)))
		}
		if k.state == shutting {
			k.clean = true
		} else {
			c.write(i, appendFrame(nil, bitFin|opClose, payload, c.random()))
		}
		c.lost(i, "close "+code)
	}
}

// errorWord names a socket error the way the report does.
func errorWord(err error) string {
	switch err {
	case unix.ECONNREFUSED:
		return "refused"
	case unix.ECONNRESET, unix.EPIPE:
		return "reset"
	case unix.ETIMEDOUT:
		return "timeout"
	case unix.EMFILE, unix.ENFILE:
		return "descriptors exhausted"
	case unix.EADDRNOTAVAIL, unix.EADDRINUSE:
		return "no source port"
	}
	return fmt.Sprint(err)
}

package server

import (
	"unsafe"

	"github.com/gobwas/ws"
	"golang.org/x/sys/unix"

	"rookery/codec"
)

// Output. Two lanes lead to the socket:
//
//   - replies (Send, pong, close): written at once, or kept by gnet while the socket is full, up to MaxBuffered.
//   - Write, for those who keep their own backlog: takes what the socket takes now and nothing else, and only while gnet
//     holds nothing. A frame that the socket broke is finished with Finish.

// Send sends one message. payload is not retained. It returns nil when the bytes are on their way, ErrSlowConsumer or
// ErrClosed when they are not.
func (c *Conn) Send(op ws.OpCode, payload []byte) error {
	l := c.loop
	l.scratch = codec.AppendFrame(l.scratch[:0], op, payload)
	err := c.reply(l.scratch)
	if cap(l.scratch) > 64<<10 {
		l.scratch = make([]byte, 0, 4096)
	}
	return err
}

// SendFrame sends bytes that are whole frames already.
func (c *Conn) SendFrame(frame []byte) error { return c.reply(frame) }

func (c *Conn) reply(frame []byte) error {
	if c.state != stateOpen {
		return ErrClosed
	}
	if c.Buffered() > c.loop.srv.cfg.MaxBuffered {
		c.end(CauseSlowConsumer, "replies were left unread")
		return ErrSlowConsumer
	}
	return c.push(frame)
}

// push sends b, encrypted where the connection is.
func (c *Conn) push(b []byte) error {
	if s := c.secure(); s != nil {
		return s.seal(b)
	}
	return c.transmit(b)
}

// transmit writes b, leaving to gnet what the socket does not take.
func (c *Conn) transmit(b []byte) error {
	if c.Buffered() == 0 {
		n, errno := c.sendNow(b)
		if errno != 0 {
			c.vanish()
			return ErrClosed
		}
		b = b[n:]
	}
	if len(b) == 0 {
		return nil
	}
	return c.hold(b)
}

// hold gives b to gnet, which copies it and writes it when the socket can take it.
func (c *Conn) hold(b []byte) error {
	c.held = true
	// On an error gnet has closed the connection inside Write, and OnClose has run.
	if _, err := c.gc.Write(b); err != nil {
		return ErrClosed
	}
	return nil
}

// Write writes a prefix of frames, which are whole frames, and returns its length: 0 when the socket is full or replies
// are waiting, and a length inside a frame when the socket broke one, to be finished with Finish. ok is false when the
// connection has ended.
func (c *Conn) Write(frames []byte) (n int, ok bool) {
	if c.state != stateOpen {
		return 0, false
	}
	if c.held && c.Buffered() > 0 {
		return 0, true
	}
	if s := c.secure(); s != nil {
		return s.write(frames)
	}
	n, errno := c.sendNow(frames)
	if errno != 0 {
		c.vanish()
		return 0, false
	}
	return n, true
}

// Finish takes the rest of a frame that Write broke. It is copied.
func (c *Conn) Finish(rest []byte) {
	switch s := c.secure(); {
	case c.state != stateOpen:
	case s != nil:
		_ = s.seal(rest)
	default:
		_ = c.hold(rest)
	}
}

// sendNow is send(2) without the scheduler's hooks: a send on a non-blocking socket does not wait, and in a sweep of
// thousands the hooks are 5 % of the whole. A full socket is n == 0 and no error.
func (c *Conn) sendNow(b []byte) (int, unix.Errno) {
	for {
		r, _, errno := unix.RawSyscall6(unix.SYS_SENDTO, uintptr(c.fd), uintptr(unsafe.Pointer(unsafe.SliceData(b))),
			uintptr(len(b)), unix.MSG_NOSIGNAL|unix.MSG_DONTWAIT, 0, 0)
		c.loop.count.writes++
		switch errno {
		case 0:
			return int(r), 0
		case unix.EAGAIN, unix.ENOBUFS:
			return 0, 0
		case unix.EINTR:
		default:
			return 0, errno
		}
	}
}

package main

import "encoding/binary"

// closeState is a Close order under way.
type closeState struct {
	begun  int64
	cursor int
	sent   int
	ended  bool
}

const (
	closesPerTick = 256
	closeGrace    = int64(15e9)
)

// closeFrame says 1000, a normal closure.
func closeFrame(key uint32) []byte {
	return appendFrame(nil, bitFin|opClose, binary.BigEndian.AppendUint16(nil, 1000), key)
}

// closeSome sends close frames to the next few connections and ends the order when all are gone or the
// grace is over.
func (c *client) closeSome(t int64) {
	s := c.closing
	if s.ended {
		return
	}
	c.dial.queue = nil
	c.plan.Return, c.plan.Life, c.cut, c.streams = "", 0, nil, nil
	for n := 0; n < closesPerTick && s.cursor < len(c.conns); s.cursor++ {
		if c.conns[s.cursor].state == open {
			c.shut(int32(s.cursor))
			n++
			s.sent++
		}
	}
	if s.cursor < len(c.conns) || c.dial.open > 0 && t-s.begun < closeGrace {
		return
	}
	s.ended = true
	clean := 0
	for i := range c.conns {
		if c.conns[i].state == shutting {
			c.drop(int32(i))
		}
		if c.conns[i].clean {
			clean++
		}
	}
	c.tell(answer{Closed: &closed{Clean: clean, Other: s.sent - clean, Nanos: t - s.begun}})
}

// shut begins the closing handshake. RFC 6455, 7.1.1: the server closes the TCP connection first, so the
// socket stays until its end of file.
func (c *client) shut(i int32) {
	c.write(i, closeFrame(c.random()))
	if c.conns[i].state == open {
		c.conns[i].state = shutting
	}
}

// retire ends connections that have lived long enough; their places are dialled again.
func (c *client) retire(t int64) {
	life := int64(c.plan.Life * 1e9)
	for i := range c.conns {
		k := &c.conns[i]
		switch {
		case k.state == open && t-k.opened > life:
			c.shut(int32(i))
		case k.state == shutting && t-k.opened > life+closeGrace:
			c.lost(int32(i), "no answer to close")
		}
	}
}

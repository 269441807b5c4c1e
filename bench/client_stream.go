package main

// streams are the messages without end of a Stream order, one on each connection.
type streams struct {
	streamOrder
	payload []byte
	begun   []int64 // when the connection that has begun its message was opened: another in its place begins anew
	cursor  int
	credit  float64
	at      int64
}

// maxCredit bounds what a client sends at once after it was held up.
const maxCredit = 2000

func (c *client) startStreams(o streamOrder, t int64) {
	s := &streams{streamOrder: o, payload: make([]byte, o.Bytes), begun: make([]int64, len(c.conns)), at: t}
	for i := range s.payload {
		s.payload[i] = 'x'
	}
	c.streams = s
}

// stream sends the fragments that are due, one to a connection, in turn.
func (c *client) stream(t int64) {
	s := c.streams
	s.credit = min(s.credit+s.Rate*float64(t-s.at)/1e9, maxCredit)
	s.at = t
	for range c.conns {
		if s.credit < 1 {
			return
		}
		c.fragment(int32(s.cursor))
		s.cursor = (s.cursor + 1) % len(c.conns)
	}
}

// fragment sends the first or the next fragment of connection i, never a last one.
func (c *client) fragment(i int32) {
	k, s := &c.conns[i], c.streams
	if k.state != open || len(k.out) > 0 {
		return
	}
	first := byte(opContinuation)
	if s.begun[i] != k.opened {
		s.begun[i] = k.opened
		first = opText
	}
	s.credit--
	if c.run != nil {
		c.run.sent++
	}
	c.write(i, appendFrame(nil, first, s.payload, c.random()))
}

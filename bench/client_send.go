package main

import "math"

// run is the client's side of one measured run.
type run struct {
	runOrder
	messages   []message // one per room when the template names the room, else one
	cursor     uint64    // next message of the pacer to look at
	delivered  uint64
	foreign    uint64
	misrouted  uint64
	gaps       uint64
	duplicates uint64
	sent       uint64
	unsent     uint64
	bytes      uint64 // c.bytes when the run was armed
	opened     uint64 // c.dial.opened then
	ends       map[string]int
	samples    []string // descriptions of the first gaps
	latency    latencies
	timeline   timeline
	resume     *resumeRun
	dirty      []int32
	yardstick  int32 // the parsed connection that drained ones are counted against, or -1
	frame      []byte
}

// maxPending bounds what one sending connection keeps when the target does not read; beyond it messages
// count as unsent, and reach falls with them.
const maxPending = 16 << 20

// expected returns how many messages a member of the room must get in this run.
func (r *run) expected(room, rooms int) uint64 {
	var n uint64
	for s := room; s < r.Streams; s += rooms {
		n += r.Pacer.inStream(uint64(s), uint64(r.Streams))
	}
	return n
}

// ownNext moves the cursor to the next message this client has to send.
func (c *client) ownNext() {
	r := c.run
	streams := uint64(r.Streams)
	first, last := uint64(c.plan.First), uint64(c.plan.First+c.plan.Count)
	s := r.cursor % streams
	switch {
	case s < first:
		r.cursor += first - s
	case s >= last:
		r.cursor += streams - s + first
	}
}

// nextDue returns when this client has to send next.
func (c *client) nextDue() int64 {
	r := c.run
	if r == nil || !r.Send {
		return math.MaxInt64
	}
	if c.ownNext(); r.cursor >= r.Pacer.Count {
		return math.MaxInt64
	}
	return r.Pacer.due(r.cursor)
}

// sendDue publishes every message that is due at t, however late: each carries its due time.
func (c *client) sendDue(t int64) {
	r := c.run
	if r == nil || !r.Send || r.cursor >= r.Pacer.Count {
		return
	}
	ready := r.Pacer.ready(t)
	for c.ownNext(); r.cursor < ready; c.ownNext() {
		c.publish(r.cursor)
		r.cursor++
	}
	for _, i := range r.dirty {
		c.flush(i)
	}
	r.dirty = r.dirty[:0]
}

// publish queues message j of the run on the connection of its stream.
func (c *client) publish(j uint64) {
	r := c.run
	stream := j % uint64(r.Streams)
	text := r.messages[int(stream)%len(r.messages)]
	m := marker{run: r.Run, stream: uint32(stream), seq: uint32(j / uint64(r.Streams)), due: r.Pacer.due(j)}
	r.frame = text.renderInto(r.frame[:0], m)
	if !r.Everywhere {
		c.queue(int32(int(stream) - c.plan.First))
		return
	}
	for i := range c.conns {
		if c.conns[i].state == open {
			c.queue(int32(i))
		}
	}
}

// queue puts the rendered message behind what connection i has still to send.
func (c *client) queue(i int32) {
	k, r := &c.conns[i], c.run
	if k.state != open || len(k.out) > maxPending {
		r.unsent++
		return
	}
	if len(k.out) == 0 {
		r.dirty = append(r.dirty, i)
	}
	k.out = appendFrame(k.out, bitFin|opText, r.frame, c.random())
	r.sent++
}

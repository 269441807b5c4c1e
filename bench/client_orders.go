package main

import (
	"errors"
	"strconv"
	"strings"
)

// tick does what need not happen at once: orders, dials, ends, progress.
func (c *client) tick(t int64) {
	for {
		select {
		case o, ok := <-c.orders:
			if !ok {
				c.done = true
				return
			}
			if err := c.obey(o, t); err != nil {
				c.tell(answer{Error: err.Error()})
			}
			continue
		case s := <-c.dial.secured:
			c.finishSecure(s)
			continue
		default:
		}
		break
	}
	c.pump(t)
	c.earnSweep(t)
	if c.cut != nil {
		c.cutDue(t)
	}
	if c.plan.Life > 0 {
		c.retire(t)
	}
	if c.streams != nil {
		c.stream(t)
	}
	if c.closing != nil {
		c.closeSome(t)
	}
	if c.dial.begun != 0 && !c.dial.answered && len(c.dial.queue) == 0 && c.dial.inFlight == 0 || c.plan.Life > 0 && !c.dial.answered {
		c.dial.answered = true
		if a, err := c.connectReport(t); err == nil {
			c.tell(a)
		}
	}
	if t >= c.nextTell {
		c.nextTell = t + tellEvery
		c.expire(t)
		c.tell(answer{Progress: c.progress()})
	}
}

// obey carries out one order.
func (c *client) obey(o order, t int64) error {
	switch {
	case o.Connect != nil:
		return c.connect(*o.Connect, t)
	case o.Run != nil:
		return c.arm(*o.Run)
	case o.Report:
		a, err := c.report()
		if err != nil {
			return err
		}
		c.tell(a)
	case o.Stall:
		c.stalled = true
	case o.Unstall:
		c.stalled = false
		for i := range c.conns {
			if c.conns[i].state == open {
				c.again = append(c.again, int32(i))
			}
		}
	case o.Cut != nil:
		c.startCut(*o.Cut)
	case o.Stream != nil:
		c.startStreams(*o.Stream, t)
	case o.Close:
		c.closing = &closeState{begun: t}
	}
	return nil
}

// connect begins a connect order. An earlier one must have been closed.
func (c *client) connect(o connectOrder, t int64) error {
	if c.dial.open > 0 {
		return errors.New("connect while connections are open")
	}
	o.Rooms, o.Every = max(o.Rooms, 1), max(o.Every, 1)
	d, err := newDialer(o, t)
	if err != nil {
		return err
	}
	c.plan, c.dial, c.run, c.closing, c.streams = o, d, nil, nil, nil
	c.sweptAt, c.sweepAt, c.sweepDue = t, 0, 0
	c.tickEvery = max(o.Lag, tickEvery)
	c.conns = make([]conn, o.Count)
	for i := range c.conns {
		global := o.First + i
		k := &c.conns[i]
		k.fd = -1
		k.room = int32(global % o.Rooms)
		// Spread over the rooms as well: a plain modulus would sample the same rooms only.
		k.parsed = uint32(global)*2654435761>>8%uint32(o.Every) == 0 && o.Life == 0
		if o.Join {
			k.parsed = true
			k.resume = &resumeState{}
		}
	}
	return nil
}

// arm resets the counters for a run.
func (c *client) arm(o runOrder) error {
	r := &run{
		runOrder: o, ends: map[string]int{}, latency: newLatencies(fine), timeline: timeline{start: o.Measure},
		bytes: c.bytes, opened: c.dial.opened, resume: newResumeRun(),
	}
	if o.Streams < 1 || o.Streams > maxStreams || o.Streams%c.plan.Rooms != 0 {
		return errors.New("the number of streams must be a multiple of the rooms, and at most " + strconv.Itoa(maxStreams))
	}
	if o.Send {
		n := 1
		if strings.Contains(o.Template, roomField) {
			n = c.plan.Rooms
		}
		for room := range n {
			text := strings.ReplaceAll(o.Template, roomField, c.plan.RoomBase+strconv.Itoa(room))
			m, err := newMessage(text, o.Payload)
			if err != nil {
				return err
			}
			r.messages = append(r.messages, m)
		}
	}
	perRoom := o.Streams / c.plan.Rooms
	var parsed int
	for i := range c.conns {
		c.conns[i].messages, c.conns[i].dropped = 0, 0
		if c.conns[i].parsed {
			parsed++
		}
	}
	next := make([]uint32, parsed*perRoom)
	for i := range c.conns {
		if c.conns[i].parsed {
			c.conns[i].next, next = next[:perRoom:perRoom], next[perRoom:]
		}
	}
	c.lag = newLatencies(fine)
	c.run = r
	c.armDiscard(r)
	return nil
}

func (c *client) progress() *progress {
	p := &progress{Open: c.dial.open, Failed: c.dial.failed}
	if c.run != nil {
		c.countDropped()
		p.Delivered, p.Sent, p.Back = c.run.delivered, c.run.sent, c.run.resume.back
	}
	return p
}

// report sums up the run.
func (c *client) report() (answer, error) {
	r := c.run
	if r == nil {
		return answer{}, errors.New("report without a run")
	}
	a := tally{
		Conns: len(c.conns), Open: c.dial.open, Gaps: r.gaps, Duplicates: r.duplicates, Foreign: r.foreign,
		Misrouted: r.misrouted, Sent: r.sent, Unsent: r.unsent, Bytes: c.bytes - r.bytes, Ends: r.ends, Samples: r.samples,
		Opened: c.dial.opened - r.opened,
	}
	c.countDropped()
	if c.plan.Life == 0 {
		c.account(&a)
	}
	var err error
	if a.Latency, err = r.latency.encode(); err != nil {
		return answer{}, err
	}
	if a.Lag, err = c.lag.encode(); err != nil {
		return answer{}, err
	}
	if a.Handshake, err = c.dial.handshake.encode(); err != nil {
		return answer{}, err
	}
	for _, s := range r.timeline.slots {
		b, err := s.encode()
		if err != nil {
			return answer{}, err
		}
		a.Timeline = append(a.Timeline, b)
	}
	if c.plan.Join {
		if a.Resume, err = r.resume.tally(); err != nil {
			return answer{}, err
		}
	}
	return answer{Tally: &a}, nil
}

// account compares, connection by connection, what came with what had to come. A surplus on one cannot
// make up for a loss on another.
func (c *client) account(a *tally) {
	want := map[int32]uint64{}
	for i := range c.conns {
		k := &c.conns[i]
		if k.parsed {
			a.Parsed++
		}
		n, ok := want[k.room]
		if !ok {
			n = c.run.expected(int(k.room), c.plan.Rooms)
			want[k.room] = n
		}
		got := uint64(k.messages) + k.dropped
		a.Expected += n
		a.Delivered += min(got, n)
		if got > n {
			a.Surplus += got - n
		}
	}
}

package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strconv"
	"time"

	"golang.org/x/sys/unix"
)

// resumeState is what a rookery.v1 connection must remember to come back to where it was.
type resumeState struct {
	epoch     string
	offset    uint64
	lostAt    int64
	dialAt    int64 // when it may dial again; 0: not waiting
	retry     int64 // nanoseconds the server's bye asked for
	returning bool
}

// resumeRun counts what happened to connections that came back during a run.
type resumeRun struct {
	back, recovered, gapEvents, byes int
	time                             latencies
	firstDial                        int64
	dials                            []int64
	errors                           map[string]int
}

const dialSlot = int64(100 * time.Millisecond)

func newResumeRun() *resumeRun {
	return &resumeRun{time: newLatencies(fine), errors: map[string]int{}}
}

func (r *resumeRun) fail(why string) { r.errors[shorten(why)]++ }

func (r *resumeRun) tally() (*resumeTally, error) {
	b, err := r.time.encode()
	if err != nil {
		return nil, err
	}
	return &resumeTally{
		Back: r.back, Recovered: r.recovered, GapEvents: r.gapEvents, Byes: r.byes, Time: b, Dials: r.dials, Errors: r.errors,
		FirstDial: r.firstDial,
	}, nil
}

// dialled counts a returning connection's dial in its tenth of a second.
func (s *resumeState) dialled(c *client, t int64) {
	if !s.returning || c.run == nil {
		return
	}
	r := c.run.resume
	if r.firstDial == 0 {
		r.firstDial = t
	}
	at := int((t - r.firstDial) / dialSlot)
	for len(r.dials) <= at {
		r.dials = append(r.dials, 0)
	}
	r.dials[at]++
}

var offsetField = []byte(`"offset":`)

// sawOffset remembers the offset of a chat message. The server writes its own fields around the message, and
// bench's messages have no such field of their own.
func (s *resumeState) sawOffset(payload []byte) {
	at := bytes.Index(payload, offsetField)
	if at < 0 {
		return
	}
	var n uint64
	for _, d := range payload[at+len(offsetField):] {
		if d < '0' || d > '9' {
			break
		}
		n = n*10 + uint64(d-'0')
	}
	s.offset = n
}

// join asks for the room: for all of it from now on, or from where the connection was.
func (c *client) join(i int32) {
	k := &c.conns[i]
	room := strconv.Quote(c.plan.RoomBase + strconv.Itoa(int(k.room)))
	op := `{"op":"join","room":` + room + `,"nickname":"b` + strconv.Itoa(c.plan.First+int(i)) + `"`
	if k.resume.returning && k.resume.epoch != "" {
		op += fmt.Sprintf(`,"after":{"epoch":%q,"offset":%d}`, k.resume.epoch, k.resume.offset)
	}
	c.write(i, appendFrame(nil, bitFin|opText, []byte(op+"}"), c.random()))
}

// serverEvent holds the fields of the events that matter here.
type serverEvent struct {
	Ev           string `json:"ev"`
	Node         string `json:"node"`
	Epoch        string `json:"epoch"`
	Offset       uint64 `json:"offset"`
	Recovered    bool   `json:"recovered"`
	RetryAfterMS int64  `json:"retry_after_ms"`
	Code         string `json:"code"`
}

// event handles one of rookery.v1's own events.
func (c *client) event(i int32, payload []byte, at int64) {
	var e serverEvent
	if json.Unmarshal(payload, &e) != nil {
		return
	}
	k := &c.conns[i]
	switch e.Ev {
	case "welcome":
		c.welcomed(i, e.Node)
	case "joined":
		s := k.resume
		s.epoch = e.Epoch
		if !s.returning {
			s.offset = e.Offset
			return
		}
		if !e.Recovered {
			s.offset = e.Offset
		}
		s.returning = false
		if c.run == nil {
			return
		}
		r := c.run.resume
		r.back++
		if e.Recovered {
			r.recovered++
		}
		r.time.record(at - s.lostAt)
	case "gap":
		if c.run != nil {
			c.run.resume.gapEvents++
		}
	case "bye":
		k.resume.retry = e.RetryAfterMS * int64(time.Millisecond)
		if c.run != nil {
			c.run.resume.byes++
		}
	case "error":
		if c.run != nil {
			c.run.resume.fail("error " + e.Code)
		}
	}
}

// welcomed keeps one connection per node when the order asks for that.
func (c *client) welcomed(i int32, node string) {
	if !c.plan.OneEach {
		return
	}
	if _, known := c.dial.nodes[node]; known {
		c.drop(i)
		return
	}
	c.dial.nodes[node] = i
}

// startCut arms a cut of all open connections.
func (c *client) startCut(o cutOrder) {
	c.cut = &o
	c.plan.Return = "now"
	for i := range c.conns {
		if k := &c.conns[i]; k.state == open && k.resume != nil {
			k.resume.dialAt = o.At
		}
	}
}

// cutDue breaks the connections whose moment has come, and dials those whose waiting is over.
func (c *client) cutDue(t int64) {
	for i := range c.conns {
		k := &c.conns[i]
		if k.resume == nil || k.resume.dialAt == 0 || k.resume.dialAt > t {
			continue
		}
		k.resume.dialAt = 0
		if k.state != open {
			c.dial.enqueue(int32(i))
			continue
		}
		// A reset, as when a phone loses its network: no closing handshake, nothing flushed.
		_ = unix.SetsockoptLinger(int(k.fd), unix.SOL_SOCKET, unix.SO_LINGER, &unix.Linger{Onoff: 1})
		c.drop(int32(i))
		k.resume.returning, k.resume.lostAt = true, t
		k.resume.dialAt = t + max(c.cut.Away, 1)
	}
}

// comeBack schedules a connection's return after the server ended it.
func (c *client) comeBack(i int32) {
	k := &c.conns[i]
	t := now()
	if k.resume == nil {
		c.dial.enqueue(i)
		return
	}
	k.resume.returning, k.resume.lostAt = true, t
	k.resume.dialAt = t
	if c.plan.Return == "told" {
		k.resume.dialAt += k.resume.retry
	}
	if c.cut == nil {
		c.cut = &cutOrder{}
	}
}

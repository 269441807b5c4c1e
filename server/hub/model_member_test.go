package hub

import (
	"bytes"
	"fmt"
	"reflect"
)

// modelMember is a client that comes and goes. It is its own Writer and Events, and checks each frame as it is written:
// what the socket broke must be finished, and counts as got.
type modelMember struct {
	model *model
	id    int
	loop  int

	// The connection.
	member *Member // nil while it is in no room
	space  int     // bytes that the socket takes, negative is no bound
	held   int     // bytes of a broken frame that wait
	rest   []byte  // what Finish must bring now
	gone   bool

	// The membership.
	room     *naiveRoom
	next     uint64 // the lowest offset that it may still be given
	notices  bool
	noticed  int // of room.notices
	presence int // number of the newest event it got
	slow     bool

	// What the client remembers when it comes back.
	name     string
	epoch    string
	received uint64 // the last offset that arrived whole, or that it was told is lost
	broken   uint64 // the offset of the broken frame
}

// join enters a room: anew, with history, or where it was, with now and then a wrong offset or epoch.
func (c *modelMember) join() {
	m := c.model
	j := Join{Writer: c, Events: c, Notices: m.rng.IntN(3) > 0, Nickname: fmt.Sprint("member ", c.id)}
	name := m.names[m.rng.IntN(len(m.names))]
	switch n := m.rng.IntN(10); {
	case n < 6 && c.epoch != "":
		name, j.Epoch, j.Offset = c.name, c.epoch, c.received
	case n == 7 && c.epoch != "":
		name, j.Epoch, j.Offset = c.name, c.epoch, c.received+m.rng.Uint64N(100)
	case n == 8:
		j.Epoch, j.Offset = "OTHERONE", 1<<63+m.rng.Uint64N(10)
	case n == 9:
		j.History = 1 + m.rng.IntN(2*modelHistory)
	}
	// The race detector makes a compressor's start a hundred times dearer: not in every episode.
	j.Deflated = name == "deflated" && m.seed%4 == 0 && m.rng.IntN(2) == 0
	r, err := m.Room(name, m.now)
	if err != nil {
		m.failf("%v", err)
	}
	defer r.Release()
	nr := m.know(r)
	next, want, wantErr := nr.enter(j)
	member := new(Member)
	want.Online = nr.online + 1
	if wantErr == nil {
		nr.online++
	}
	got, err := m.Sweeper(c.loop).Join(r, member, j)
	if wantErr != nil {
		want = Joined{}
	}
	if wantErr == nil && j.Epoch != "" {
		for _, text := range nr.notices {
			want.Withdrawn = append(want.Withdrawn, noticeFrame(text))
		}
	}
	if !reflect.DeepEqual(got, want) || err != wantErr {
		m.failf("member %d joins %q with epoch %q, offset %d, history %d:\n%+v, %v, want\n%+v, %v",
			c.id, name, j.Epoch, j.Offset, j.History, got, err, want, wantErr)
	}
	if err != nil {
		return
	}
	switch {
	case got.Recovered:
		m.recovered++
	case got.GapTo > 0:
		m.joinGaps++
	}
	if j.Epoch != "" && j.Epoch != r.epoch {
		m.otherLives++
	}
	c.member, c.room, c.next, c.name, c.epoch, c.received = member, nr, next, name, nr.epoch, next-1
	c.space, c.held, c.gone, c.slow = -1, 0, false, false
	c.notices, c.noticed, c.presence = j.Notices, len(nr.notices), nr.presences
}

func (c *modelMember) leave() {
	if c.member.Room() == nil {
		c.model.failf("member %d is in no room", c.id)
	}
	c.room.online--
	c.room.active = c.model.now
	c.member.Leave(c.model.now)
	c.member.Leave(c.model.now) // again does nothing
	c.member, c.held = nil, 0
}

// read lets the peer read: then the socket takes so many bytes, of which the held ones are the first.
func (c *modelMember) read(space int) {
	if c.space = space; c.held == 0 {
		return
	}
	if space < 0 || space >= c.held {
		if space >= 0 {
			c.space -= c.held
		}
		c.held = 0
		c.received = max(c.received, c.broken)
		return
	}
	c.held -= space
	c.space = 0
}

func (c *modelMember) Write(frames []byte) (int, bool) {
	m := c.model
	if c.member == nil || c.slow || c.rest != nil {
		m.failf("member %d is written to: left %v, slow %v, %d bytes to finish", c.id, c.member == nil, c.slow, len(c.rest))
	}
	if c.gone {
		c.leave() // as a connection's end may, within the call
		return 0, false
	}
	if c.held > 0 {
		m.failf("member %d is written to while %d bytes wait", c.id, c.held)
	}
	n := len(frames)
	if c.space >= 0 {
		n = min(n, c.space)
		c.space -= n
	}
	for at := 0; at < len(frames); {
		f, size, ok := readFrame(frames[at:])
		if !ok {
			m.failf("member %d is written a part of a frame", c.id)
		}
		if at >= n {
			break
		}
		offset := c.got(f)
		if at += size; at > n {
			c.broken, c.rest = offset, frames[n:at]
			m.broken++
		} else {
			c.received = max(c.received, offset)
		}
	}
	return n, true
}

func (c *modelMember) Finish(rest []byte) {
	if c.rest == nil || !bytes.Equal(rest, c.rest) {
		c.model.failf("member %d: finished with %q, want %q", c.id, rest, c.rest)
	}
	c.held, c.rest = len(rest), nil
	if c.model.rng.IntN(20) == 0 {
		c.leave() // its connection ends within the call
	}
}

func (c *modelMember) Buffered() int { return c.held }

// got checks one frame against what the member is owed. It returns its offset, 0 if it is a notice.
func (c *modelMember) got(f frame) uint64 {
	m, nr := c.model, c.room
	if bytes.HasPrefix(f.payload, []byte(`{"notice":`)) {
		c.gotNotice(string(f.payload))
		return 0
	}
	var offset uint64
	if f.compressed {
		m.compressed++
		offset = nr.inflate(m, f.payload)
	} else {
		offset = offsetOf(f.payload)
	}
	if offset < c.next || offset > nr.head() {
		m.failf("member %d of %q got offset %d, and is owed %d to %d", c.id, nr.name, offset, c.next, nr.head())
	}
	for k := c.next; k < offset; k++ {
		if nr.policy != Latest && !nr.gone(k) {
			m.failf("member %d of %q got offset %d, and %d never", c.id, nr.name, offset, k)
		}
	}
	if nr.gone(offset) || offset <= nr.lost || nr.policy == Latest && offset != nr.head() {
		m.failf("member %d of %q got offset %d, which it should not", c.id, nr.name, offset)
	}
	if !f.compressed && string(f.payload) != nr.texts[offset-1] {
		m.failf("member %d of %q got %q, want %q", c.id, nr.name, f.payload, nr.texts[offset-1])
	}
	c.next = offset + 1
	m.entries++
	return offset
}

// inflate finds the offset of a compressed frame, whose payload must be what was said.
func (nr *naiveRoom) inflate(m *model, payload []byte) uint64 {
	for offset := nr.head(); offset > nr.lost; offset-- {
		if nr.inflated[offset] == string(payload) {
			return offset
		}
	}
	text, err := inflate(payload)
	if err != nil {
		m.failf("inflate: %v", err)
	}
	offset := offsetOf(text)
	if offset > nr.head() || string(text) != nr.texts[offset-1] {
		m.failf("compressed %q in %q", text, nr.name)
	}
	nr.inflated[offset] = string(payload)
	return offset
}

func (c *modelMember) gotNotice(text string) {
	nr := c.room
	switch {
	case !c.notices:
	case text == nr.presence && c.presence < nr.presences:
		c.presence = nr.presences
		return
	case c.noticed < len(nr.notices) && text == nr.notices[c.noticed]:
		c.noticed++
		return
	}
	c.model.failf("member %d of %q got the notice %s, %d of %v told", c.id, nr.name, text, c.noticed, nr.notices)
}

// Gap implements Events: it must say exactly what the log lost of what the member is owed.
func (c *modelMember) Gap(m *Member, from, to uint64) {
	nr := c.room
	want := max(c.next, nr.purged+1)
	for want < from && nr.gone(want) {
		want++ // it may have passed over what was withdrawn
	}
	if m != c.member || nr.policy != Skip || from != want || to != nr.lost || from > to {
		c.model.failf("member %d of %q is told of a gap %d..%d, want %d..%d", c.id, nr.name, from, to, want, nr.lost)
	}
	c.next, c.received = to+1, max(c.received, to)
	c.model.gaps++
	if c.model.rng.IntN(10) == 0 {
		c.leave()
	}
}

// Slow implements Events.
func (c *modelMember) Slow(m *Member) {
	nr := c.room
	if behind := nr.policy == Close && max(c.next, nr.purged+1) <= nr.lost; m != c.member || !behind && len(nr.notices)-c.noticed < maxNotices/2 {
		c.model.failf("member %d of %q, owed %d of %d, is called slow", c.id, nr.name, c.next, nr.head())
	}
	c.slow = true
	c.model.slow++
	if c.model.rng.IntN(2) == 0 {
		c.leave()
	}
}

// settled: everything was delivered, so the member is owed nothing.
func (c *modelMember) settled() {
	m, nr := c.model, c.room
	if c.gone {
		m.failf("member %d is gone and was not told", c.id)
	}
	for k := c.next; k <= nr.head(); k++ {
		if !nr.gone(k) && (nr.policy != Latest || k == nr.head() && k > nr.lost) {
			m.failf("member %d of %q never got offset %d of %d", c.id, nr.name, k, nr.head())
		}
	}
	if c.notices && (c.noticed < len(nr.notices) || c.presence < nr.presences) {
		m.failf("member %d of %q got %d of %d notices, presence %d of %d", c.id, nr.name, c.noticed, len(nr.notices), c.presence, nr.presences)
	}
}

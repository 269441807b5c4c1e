package hub

import (
	"bytes"
	"compress/flate"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"strconv"
	"testing"
	"time"
)

// socket is a Writer whose peer reads when the test says so.
type socket struct {
	space  int    // bytes that it takes before it is full; negative is no bound
	held   []byte // what Finish left: it comes before anything else
	got    []byte // what has reached the peer
	gone   bool
	writes int
	calls  func() // runs in each Write, before it counts
}

func newSocket() *socket { return &socket{space: -1} }

func (s *socket) Write(frames []byte) (int, bool) {
	s.writes++
	if s.calls != nil {
		s.calls()
	}
	if s.gone {
		return 0, false
	}
	if len(s.held) > 0 {
		return 0, true
	}
	n := len(frames)
	if s.space >= 0 {
		n = min(n, s.space)
		s.space -= n
	}
	s.got = append(s.got, frames[:n]...)
	return n, true
}

func (s *socket) Finish(rest []byte) {
	if !s.gone {
		s.held = append(s.held, rest...)
	}
}

func (s *socket) Buffered() int { return len(s.held) }

// open lets the peer read: what was held goes first.
func (s *socket) open(space int) {
	s.space = space
	n := len(s.held)
	if space >= 0 {
		n = min(n, space)
		s.space -= n
	}
	s.got = append(s.got, s.held[:n]...)
	s.held = append([]byte(nil), s.held[n:]...)
}

// frame is a frame as a client reads it, by RFC 6455 section 5.2.
type frame struct {
	payload    []byte
	compressed bool
}

// readFrame reads the first frame of b; ok is false while it is not whole.
func readFrame(b []byte) (f frame, n int, ok bool) {
	if len(b) < 2 {
		return f, 0, false
	}
	f.compressed = b[0]&0x40 != 0
	size, at := int(b[1]), 2
	switch b[1] {
	case 126:
		if at = 4; len(b) < at {
			return f, 0, false
		}
		size = int(binary.BigEndian.Uint16(b[2:]))
	case 127:
		if at = 10; len(b) < at {
			return f, 0, false
		}
		size = int(binary.BigEndian.Uint64(b[2:]))
	}
	if len(b) < at+size {
		return f, 0, false
	}
	f.payload = b[at : at+size]
	return f, at + size, true
}

// inflate is what a client makes of a compressed frame, RFC 7692 section 7.2.2.
func inflate(payload []byte) ([]byte, error) {
	tail := "\x00\x00\xff\xff\x01\x00\x00\xff\xff"
	return io.ReadAll(flate.NewReader(io.MultiReader(bytes.NewReader(payload), bytes.NewReader([]byte(tail)))))
}

// said is one entry as a client understands it.
type said struct {
	Status int
	Room   string
	Offset uint64
	N      int    // the test's own number of the publication
	Text   string // what makes it long
	Notice string // set in notices only
}

// messages takes the whole frames off what the peer has got.
func (s *socket) messages(t testing.TB) []said {
	t.Helper()
	var all []said
	for {
		f, n, ok := readFrame(s.got)
		if !ok {
			return all
		}
		payload := f.payload
		if f.compressed {
			var err error
			if payload, err = inflate(payload); err != nil {
				t.Fatalf("inflate: %v", err)
			}
		}
		var m said
		if err := json.Unmarshal(payload, &m); err != nil {
			t.Fatalf("%q: %v", payload, err)
		}
		all = append(all, m)
		s.got = s.got[n:]
	}
}

// offsets takes the whole frames off what the peer has got, and reads no more of them than their offsets; notices have none.
func (s *socket) offsets() (list []uint64) {
	for {
		f, n, ok := readFrame(s.got)
		if !ok {
			return list
		}
		if s.got = s.got[n:]; bytes.HasPrefix(f.payload, []byte(`{"status":`)) {
			list = append(list, offsetOf(f.payload))
		}
	}
}

func offsetOf(payload []byte) (offset uint64) {
	const name = `"offset":`
	for _, digit := range payload[bytes.Index(payload, []byte(name))+len(name):] {
		if digit < '0' || digit > '9' {
			break
		}
		offset = 10*offset + uint64(digit-'0')
	}
	return offset
}

func offsets(all []said) []uint64 {
	var list []uint64
	for _, m := range all {
		if m.Notice == "" {
			list = append(list, m.Offset)
		}
	}
	return list
}

// span is from..to as a list.
func span(from, to uint64) []uint64 {
	var list []uint64
	for ; from <= to; from++ {
		list = append(list, from)
	}
	return list
}

func members(n int, text string) []byte {
	return []byte(`"n":` + strconv.Itoa(n) + `,"text":"` + text + `"`)
}

// gapEvents notes what a member is told.
type gapEvents struct {
	gaps  [][2]uint64
	slow  int
	onGap func(*Member)
}

func (e *gapEvents) Gap(m *Member, from, to uint64) {
	e.gaps = append(e.gaps, [2]uint64{from, to})
	if e.onGap != nil {
		e.onGap(m)
	}
}

func (e *gapEvents) Slow(*Member) { e.slow++ }

// world is a hub whose loops the test turns by hand, and whose clock stands unless it is moved.
type world struct {
	*Hub
	t     testing.TB
	nanos int64
	step  int64 // what each look at the clock takes
	now   int64 // Unix seconds
	woken []int
}

func newWorld(t testing.TB, cfg Config, loops int) *world {
	w := &world{t: t, now: 1_000_000, woken: make([]int, loops)}
	cfg.Quote = strconv.AppendQuote
	cfg.PresenceFrame = func(_ *Room, p Presence) []byte {
		b, _ := json.Marshal(p)
		return noticeFrame(`{"notice":"presence","presence":` + string(b) + `}`)
	}
	cfg.RedactedFrame = func(_ *Room, offset uint64) []byte {
		return noticeFrame(fmt.Sprintf(`{"notice":"redacted","offset":%d}`, offset))
	}
	cfg.PurgedFrame = func(_ *Room, to uint64) []byte {
		return noticeFrame(fmt.Sprintf(`{"notice":"purged","offset":%d}`, to))
	}
	w.Hub = New(cfg, loops, func(i int) { w.woken[i]++ }, func() int64 { w.nanos += w.step; return w.nanos })
	return w
}

func timeOf(seconds int64) time.Time { return time.Unix(seconds, 0) }

func noticeFrame(payload string) []byte {
	if len(payload) < 126 {
		return append([]byte{0x81, byte(len(payload))}, payload...)
	}
	return append(binary.BigEndian.AppendUint16([]byte{0x81, 126}, uint16(len(payload))), payload...)
}

// room is held until the test ends.
func (w *world) room(name string) *Room {
	w.t.Helper()
	r, err := w.Room(name, w.now)
	if err != nil {
		w.t.Fatal(err)
	}
	return r
}

// say publishes n publications that follow the room's head in number.
func (w *world) say(r *Room, n int, text string) {
	for range n {
		w.Publish(Publication{Room: r, Status: 1, Members: members(int(r.Head()+1), text), Now: w.now}, nil)
	}
}

// sweep turns loop i until it has nothing left.
func (w *world) sweep(i int) {
	w.t.Helper()
	for turns := 0; w.Sweeper(i).Sweep(Budget{Writes: 256, Nanos: 1e9}); turns++ {
		if turns > 1e6 {
			w.t.Fatal("the sweep does not end")
		}
	}
}

// client is a member with its socket.
type client struct {
	Member
	*socket
	gapEvents
	joined Joined
}

func (w *world) join(r *Room, loop int, j Join) *client {
	w.t.Helper()
	c := &client{socket: newSocket()}
	j.Writer, j.Events = c.socket, &c.gapEvents
	var err error
	if c.joined, err = w.Sweeper(loop).Join(r, &c.Member, j); err != nil {
		w.t.Fatal(err)
	}
	return c
}

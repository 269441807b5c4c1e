package main_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
)

const (
	threshold  = 128       // bytes; what is shorter is not worth compressing
	maxMessage = 64 * 1024 // --max-message
)

// combination is a client as it is set up, and what it is known to do.
type combination struct {
	name  string   // of the settings
	lines []string // the Sec-WebSocket-Extensions lines it sends
	offer [][]string
	dial  func(t *testing.T, url string) (p peer, agreed string)
	// breaks is set for a client that ends the handshake though the answer is one that RFC 7692 allows.
	breaks func(t *testing.T, url string)
	// packs says whether a message is compressed whose first write is of n bytes, once compression was agreed.
	packs  func(n int) bool
	stores bool // compressed means stored: nothing gets shorter
	// splits: fragments are frames of their own. interleaves: and pings pass between them.
	splits, interleaves bool
	short               bool // no message at the limit: others of the same kind say it
}

func (c *combination) wanted() string { return wanted(c.offer...) }

// meeting is a room in which one combination after the other speaks before two witnesses, one with compression and one
// without, and the combination that was there before.
type meeting struct {
	room          string
	url           string // of the room, to which "&as=" and a name are added
	tap           *tap   // nil if nothing can be overheard
	plain, packed *rawPeer
	offset        int
	before        *guest
	deflate       bool // the gateway offers it
}

// guest is a combination that is in the room.
type guest struct {
	peer
	as     string
	c      *combination
	said   []remark
	heard  [][]byte
	agreed bool
}

// meet opens a room, to which guests come by way of a tap or over wss.
func (g *gateway) meet(t *testing.T, room string, secure bool) *meeting {
	t.Helper()
	path := "/ws?room=" + room
	m := &meeting{room: room, plain: dialRaw(t, "ws://"+g.addr+path), packed: dialRaw(t, "ws://"+g.addr+path, extension)}
	m.deflate = !slices.Contains(g.cmd.Args, "--no-deflate")
	if got, want := m.packed.agreed, m.answer(&combination{offer: [][]string{{}}}); got != want {
		t.Fatalf("the witness agreed on %q, want %q", got, want)
	}
	if secure {
		m.url = "wss://" + g.tlsAddr() + path
		return m
	}
	m.tap = g.tap(t)
	m.url = "ws://" + m.tap.ln.Addr().String() + path
	return m
}

// remark is one message that a guest sends.
type remark struct {
	text  string
	parts int
}

// remarks are an empty message, one byte, both sides of the threshold, characters of every length, one in fragments that
// cut characters, and one at the limit; but short leaves that out, and the threshold too where nothing was agreed.
func remarks(room, as string, short, agreed bool) (list []remark) {
	object := func(parts int, message string) {
		b, err := json.Marshal(struct {
			Nickname string `json:"nickname"`
			Message  string `json:"message"`
		}{as, message})
		if err != nil {
			panic(err)
		}
		list = append(list, remark{string(b), parts})
	}
	list = append(list, remark{"", 1}, remark{"1", 1})
	object(1, "")
	object(1, "x")
	// Offsets of two to four digits move the border by one at most.
	border := threshold - len(delivered(room, 100, 1, list[2].text))
	for n := border - 2; n <= border+1 && (agreed || !short); n++ {
		object(1, strings.Repeat("m", n))
	}
	object(1, strings.Repeat("ä€😀漢字", 60))
	object(3, strings.Repeat("слово ü €\u2028 😀, ", 40)+mixture(2000))
	if !short {
		object(1, mixture(maxMessage-len(list[2].text)))
		if n := len(list[len(list)-1].text); n != maxMessage {
			panic(fmt.Sprint("the message at the limit has ", n, " bytes"))
		}
	}
	return list
}

// rounds are the remarks that are made before all of them are listened for: refusals come by another way than what
// members say, and a pong is to be the next frame.
func rounds(list []remark) [][]remark {
	at := slices.IndexFunc(list, func(r remark) bool { return r.parts > 1 })
	return [][]remark{list[:2], list[2:at], list[at : at+1], list[at+1:]}
}

// mixture is n bytes of words in no order: even a hasty compressor makes them shorter, and none makes them vanish.
func mixture(n int) string {
	words := strings.Fields("a rookery is where rooks nest and every one of them has something to say about that to all the others")
	var b strings.Builder
	for x := uint32(1); b.Len() < n; {
		x = x*1664525 + 1013904223
		b.WriteString(words[(x>>16)%uint32(len(words))] + " ")
	}
	return b.String()[:n]
}

// delivered is what members get of an object that one of them sent.
func delivered(room string, offset, status int, object string) string {
	return fmt.Sprintf(`{"status":%d,"room":"%s","offset":%d,%s`, status, room, offset, object[1:])
}

// enter has a combination come, speak and be heard, and the one before it leave.
func (m *meeting) enter(t *testing.T, c *combination, as string) {
	t.Helper()
	url := m.url + "&as=" + as
	if c.breaks != nil && m.answer(c) != "" {
		c.breaks(t, url)
		m.overhear(t, &guest{as: as, c: c})
		return
	}
	p, agreed := c.dial(t, url)
	if want := m.answer(c); agreed != want {
		t.Fatalf("agreed on %q, want %q", agreed, want)
	}
	g := &guest{peer: p, as: as, c: c, said: remarks(m.room, as, c.short, m.answer(c) != ""), agreed: agreed != ""}
	for _, round := range rounds(g.said) {
		for _, r := range round {
			if r.parts > 1 {
				p.fragments(t, thirds(r.text)...)
			} else {
				p.say(t, r.text)
			}
		}
		for _, r := range round {
			if len(r.text) < 2 {
				m.refused(t, g)
			} else {
				m.everybody(t, g, delivered(m.room, m.offset+1, 1, r.text))
			}
		}
	}
	p.ping(t)
	last := m.before
	m.before = g
	m.leave(t, last)
}

// answer is what the gateway has to answer a combination.
func (m *meeting) answer(c *combination) string {
	if !m.deflate {
		return ""
	}
	return c.wanted()
}

// refused: what is no object is answered to its sender alone.
func (m *meeting) refused(t *testing.T, g *guest) {
	t.Helper()
	b := g.next(t)
	var s said
	if err := json.Unmarshal(b, &s); err != nil || s.Status == nil || *s.Status != 2 || s.Error == nil {
		t.Fatalf("answered %q, want a refusal", b)
	}
	g.heard = append(g.heard, b)
}

// everybody gets the same bytes.
func (m *meeting) everybody(t *testing.T, g *guest, want string) {
	t.Helper()
	m.offset++
	there := map[string]peer{"a witness without compression": m.plain, "a witness with compression": m.packed}
	for who, h := range map[string]*guest{"the sender": g, "the one before": m.before} {
		if h != nil {
			there[who] = h
		}
	}
	for who, p := range there {
		got := p.next(t)
		if string(got) != want {
			t.Fatalf("%s got %.200q (%d bytes), want %.200q (%d)", who, got, len(got), want, len(want))
		}
		if h, ok := p.(*guest); ok {
			h.heard = append(h.heard, got)
		}
	}
}

// leave has a guest go, of which the others hear, and looks at what it sent and got.
func (m *meeting) leave(t *testing.T, g *guest) {
	t.Helper()
	if g == nil {
		return
	}
	g.goodbye(t)
	last := g.said[len(g.said)-1].text
	if len(last) > 1024 {
		last = `{"nickname":"` + g.as + `"}`
	}
	m.everybody(t, nil, delivered(m.room, m.offset+1, 0, last))
	m.overhear(t, g)
}

// over has the last guest leave.
func (m *meeting) over(t *testing.T) {
	t.Helper()
	last := m.before
	m.before = nil
	m.leave(t, last)
}

// overhear compares what passed with what was said and heard.
func (m *meeting) overhear(t *testing.T, g *guest) {
	t.Helper()
	if m.tap == nil {
		return
	}
	defer func() {
		if t.Failed() {
			t.Logf("this was %s", g.c.name)
		}
	}()
	h := m.tap.hear(t, g.as)
	if want := strings.Join(g.c.lines, ", "); h.offer != want {
		t.Errorf("offers %q, want %q", h.offer, want)
	}
	if want := m.answer(g.c); h.answer != want {
		t.Errorf("%q is answered %q, want %q", h.offer, h.answer, want)
	}
	if reason := illegal(h.answer, g.c.offer...); reason != "" {
		t.Errorf("%q is answered %q: %s", h.offer, h.answer, reason)
	}
	if len(h.up) != len(g.said) || len(h.down) != len(g.heard) {
		t.Fatalf("%d messages from the client and %d from the server, want %d and %d", len(h.up), len(h.down), len(g.said), len(g.heard))
	}
	for i, r := range g.said {
		sent := h.up[i]
		packs := g.agreed && g.c.packs(len(r.text)/r.parts)
		switch {
		case sent.text != r.text, sent.packed != packs, packs && !g.c.stores && len(r.text) > 1000 && sent.size >= len(r.text):
			t.Errorf("said %.50q (%d bytes), sent %.50q in %d, RSV1 %v, want %v", r.text, len(r.text), sent.text, sent.size, sent.packed, packs)
		case r.parts > 1 && g.c.splits && sent.frames < 2, r.parts > 1 && g.c.interleaves && sent.pings == 0:
			t.Errorf("%d parts went as %d frames with %d pings between", r.parts, sent.frames, sent.pings)
		}
	}
	for i, b := range g.heard {
		got := h.down[i]
		worth := g.agreed && len(b) >= threshold && b[len(`{"status":`)] != '2'
		if got.text != string(b) || got.packed != worth || got.frames != 1 || worth && got.size >= len(b) {
			t.Errorf("heard %.50q (%d bytes), got %.50q in %d, %d frames, RSV1 %v, want %v", b, len(b), got.text, got.size, got.frames, got.packed, worth)
		}
	}
}

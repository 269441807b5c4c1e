// Package conformance is a suite of WebSocket server cases as data: what a client sends, and what a server that keeps
// RFC 6455 and RFC 7692 makes of it. It runs against package codec here, and over a socket against any echo server
// elsewhere. Its frames are built without package codec.
package conformance

import (
	"fmt"
	"strings"

	"github.com/gobwas/ws"
)

// Limits the server under test must be set to. Small stands for cases that have Small set, and Large for the rest.
const (
	LargeMessage   = 16 << 20
	LargeFragments = 1 << 17
	SmallMessage   = 1 << 10
	SmallFragments = 16
)

// MaxHead is the limit on the opening handshake, in bytes, for the cases about its size.
const MaxHead = 8 << 10

// Case is one exchange. The zero value of a field is the usual: a plain handshake that succeeds, a connection that
// stays open.
type Case struct {
	ID      string // chapter, section and number: "5.2.3"
	Chapter string
	RFC     string // section that decides, of RFC 6455 unless it says 7692
	Title   string

	Request        string // the whole opening handshake; empty is Request(Deflate)
	WantStatus     int    // 0 is 101
	WantExtensions string // Sec-WebSocket-Extensions of the answer; compared for handshakes of chapters 9 and 10
	NoUpgrade      bool   // the request asks for no WebSocket: a server that speaks HTTP too may serve it

	Deflate      bool // permessage-deflate is negotiated
	Small        bool // the server's limits are the small ones
	Send         []byte
	Chop         int       // bytes per write; 0 is all at once
	WantMessages []Message // text, binary, ping and pong that the server must receive, in order
	// WantClose is the code of the close frame the server must send, 1005 if that frame is empty. 0: the connection
	// stays open.
	WantClose ws.StatusCode
}

// Message is a data message or a ping or pong.
type Message struct {
	Op      ws.OpCode
	Payload []byte
}

// Replies returns what an echo server sends for the case besides a close frame: data messages, in order among
// themselves, and a pong for each ping. A server may answer only the newest of several pings (RFC 6455 section 5.5.3).
func (c *Case) Replies() []Message {
	var out []Message
	for _, m := range c.WantMessages {
		switch m.Op {
		case ws.OpPing:
			out = append(out, Message{ws.OpPong, m.Payload})
		case ws.OpText, ws.OpBinary:
			out = append(out, m)
		}
	}
	return out
}

// Request returns an opening handshake, with an offer of permessage-deflate if asked.
func Request(deflate bool) string {
	if deflate {
		return handshake("Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits")
	}
	return handshake()
}

// Cases returns the suite, in order. Cases of 16 MiB are built anew at every call.
func Cases() []Case {
	s := new(suite)
	for _, chapter := range []func(*suite){
		framing, pings, reservedBits, opcodes, fragmentation, text, closing, limits, opening, offers, deflated,
	} {
		chapter(s)
	}
	return s.cases
}

// suite numbers cases as they are added.
type suite struct {
	cases              []Case
	chapter, section   string
	nchapter, nsection int
	nextInSection      int
}

func (s *suite) beginChapter(name string) {
	s.chapter = name
	s.nchapter++
	s.nsection = 0
}

// beginSection names the rule that the cases to come are about.
func (s *suite) beginSection(rfc string) {
	s.section = rfc
	s.nsection++
	s.nextInSection = 0
}

func (s *suite) add(title string, c Case) {
	s.nextInSection++
	c.ID = fmt.Sprintf("%d.%d.%d", s.nchapter, s.nsection, s.nextInSection)
	c.Chapter, c.RFC, c.Title = s.chapter, s.section, title
	s.cases = append(s.cases, c)
}

// handshake builds a valid request with the lines given added.
func handshake(lines ...string) string {
	return strings.Join(append(append([]string{"GET / HTTP/1.1"}, baseLines...), lines...), "\r\n") + "\r\n\r\n"
}

var baseLines = []string{
	"Host: example.com",
	"Upgrade: websocket",
	"Connection: Upgrade",
	"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
	"Sec-WebSocket-Version: 13",
}

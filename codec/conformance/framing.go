package conformance

import (
	"fmt"
	"strings"

	"github.com/gobwas/ws"
)

// borders are the payload lengths at which the length encoding changes, and their neighbours.
var borders = []int{0, 1, 125, 126, 127, 128, 65535, 65536, 131072}

func framing(s *suite) {
	s.beginChapter("Framing")
	for _, kind := range []struct {
		name  string
		first byte
		op    ws.OpCode
	}{{"text", txt, ws.OpText}, {"binary", bin, ws.OpBinary}} {
		s.beginSection("5.2, 5.6")
		for _, n := range borders {
			p := strings.Repeat("*", n)
			s.add(fmt.Sprintf("%s message of %d bytes", kind.name, n),
				Case{Send: frame(fin|kind.first, p), WantMessages: []Message{{kind.op, []byte(p)}}})
		}
		for _, chop := range []int{1, 997} {
			p := strings.Repeat("*", 65536)
			s.add(fmt.Sprintf("%s message of 65536 bytes, written %d at a time", kind.name, chop),
				Case{Send: frame(fin|kind.first, p), Chop: chop, WantMessages: []Message{{kind.op, []byte(p)}}})
		}
	}

	s.beginSection("5.2: minimal length")
	for _, c := range []struct{ bits, n int }{{16, 0}, {16, 125}, {64, 0}, {64, 125}, {64, 126}, {64, 65535}} {
		s.add(fmt.Sprintf("%d bytes with a %d-bit length", c.n, c.bits),
			Case{Send: frameAs(fin|bin, c.bits, strings.Repeat("*", c.n)), WantClose: ws.StatusProtocolError})
	}
	s.beginSection("5.2: 64-bit length")
	s.add("highest bit set", Case{Send: header(fin|bin, 64, 1<<63), WantClose: ws.StatusProtocolError})
	s.add("all bits set", Case{Send: header(fin|bin, 64, 1<<64-1), WantClose: ws.StatusProtocolError})

	s.beginSection("5.1, 5.3: masking")
	s.add("unmasked text frame", Case{Send: []byte("\x81\x05Hello"), WantClose: ws.StatusProtocolError})
	s.add("unmasked ping", Case{Send: []byte("\x89\x00"), WantClose: ws.StatusProtocolError})
	s.add("unmasked close", Case{Send: []byte("\x88\x00"), WantClose: ws.StatusProtocolError})
	s.add("first masked, second not", Case{Send: join(frame(fin|txt, "one"), []byte("\x81\x03two")),
		WantMessages: []Message{gotText("one")}, WantClose: ws.StatusProtocolError})
	s.add("mask of zeroes", Case{Send: []byte("\x81\x85\x00\x00\x00\x00Hello"), WantMessages: []Message{gotText("Hello")}})
	s.add("the RFC's example", Case{Send: []byte("\x81\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58"), WantMessages: []Message{gotText("Hello")}})
	s.beginSection("5.2: one after another")
	s.add("100 messages in one write", Case{Send: []byte(strings.Repeat(string(frame(fin|txt, "again")), 100)), WantMessages: repeat(gotText("again"), 100)})
	s.add("100 messages a byte at a time", Case{Send: []byte(strings.Repeat(string(frame(fin|txt, "again")), 100)), Chop: 1, WantMessages: repeat(gotText("again"), 100)})
}

func repeat(m Message, n int) []Message {
	out := make([]Message, n)
	for i := range out {
		out[i] = m
	}
	return out
}

func pings(s *suite) {
	s.beginChapter("Pings and pongs")
	full := strings.Repeat("p", 125)
	s.beginSection("5.5.2, 5.5.3")
	s.add("ping without payload", Case{Send: frame(fin|ping, ""), WantMessages: []Message{gotPing("")}})
	s.add("ping with text", Case{Send: frame(fin|ping, "Hello"), WantMessages: []Message{gotPing("Hello")}})
	s.add("ping with bytes that are not text", Case{Send: frame(fin|ping, "\x00\xff\xfe\xfd"), WantMessages: []Message{gotPing("\x00\xff\xfe\xfd")}})
	s.add("ping of 125 bytes", Case{Send: frame(fin|ping, full), WantMessages: []Message{gotPing(full)}})
	s.add("ping of 125 bytes a byte at a time", Case{Send: frame(fin|ping, full), Chop: 1, WantMessages: []Message{gotPing(full)}})
	s.add("ping, message, ping", Case{Send: join(frame(fin|ping, "1"), frame(fin|txt, "mid"), frame(fin|ping, "2")),
		WantMessages: []Message{gotPing("1"), gotText("mid"), gotPing("2")}})
	s.beginSection("5.5: 125 bytes")
	s.add("ping of 126 bytes", Case{Send: frame(fin|ping, full+"p"), WantClose: ws.StatusProtocolError})
	s.add("pong of 126 bytes", Case{Send: frame(fin|pong, full+"p"), WantClose: ws.StatusProtocolError})
	s.add("ping that declares 64 KiB", Case{Send: header(fin|ping, 64, 1<<16), WantClose: ws.StatusProtocolError})
	s.beginSection("5.5.3: unsolicited pong")
	s.add("pong without payload", Case{Send: frame(fin|pong, ""), WantMessages: []Message{gotPong("")}})
	s.add("pong with payload, then a ping", Case{Send: join(frame(fin|pong, "unasked"), frame(fin|ping, "asked")),
		WantMessages: []Message{gotPong("unasked"), gotPing("asked")}})
	s.beginSection("5.5: not fragmented")
	s.add("ping without fin", Case{Send: frame(ping, "a"), WantClose: ws.StatusProtocolError})
	s.add("pong without fin", Case{Send: frame(pong, "a"), WantClose: ws.StatusProtocolError})
	s.add("close without fin", Case{Send: frame(closed, closePayload(1000, "")), WantClose: ws.StatusProtocolError})
}

func reservedBits(s *suite) {
	s.beginChapter("Reserved bits")
	s.beginSection("5.2")
	for bits := byte(0x10); bits <= 0x70; bits += 0x10 {
		name := fmt.Sprintf("RSV %03b", bits>>4)
		for _, k := range []struct {
			name  string
			first byte
		}{{"text", txt}, {"binary", bin}, {"ping", ping}, {"pong", pong}, {"close", closed}} {
			s.add(name+" on a "+k.name+" frame", Case{Send: frame(fin|bits|k.first, ""), WantClose: ws.StatusProtocolError})
		}
		s.add(name+" on a continuation", Case{Send: join(frame(txt, "a"), frame(fin|bits|cont, "b")), WantClose: ws.StatusProtocolError})
		s.add(name+" after a good message", Case{Send: join(frame(fin|txt, "good"), frame(fin|bits|txt, "bad")),
			WantMessages: []Message{gotText("good")}, WantClose: ws.StatusProtocolError})
	}
}

func opcodes(s *suite) {
	s.beginChapter("Reserved opcodes")
	s.beginSection("5.2")
	for _, op := range []byte{3, 4, 5, 6, 7, 11, 12, 13, 14, 15} {
		s.add(fmt.Sprintf("opcode %d", op), Case{Send: frame(fin|op, ""), WantClose: ws.StatusProtocolError})
		s.add(fmt.Sprintf("opcode %d with payload", op), Case{Send: frame(fin|op, "payload"), WantClose: ws.StatusProtocolError})
		s.add(fmt.Sprintf("opcode %d after a good message", op), Case{Send: join(frame(fin|txt, "good"), frame(fin|op, "x"), frame(fin|ping, "")),
			WantMessages: []Message{gotText("good")}, WantClose: ws.StatusProtocolError})
		s.add(fmt.Sprintf("opcode %d within a message", op), Case{Send: join(frame(txt, "half"), frame(fin|op, "x")), WantClose: ws.StatusProtocolError})
	}
}

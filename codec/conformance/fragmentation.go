package conformance

import (
	"fmt"
	"strings"

	"github.com/gobwas/ws"
)

func fragmentation(s *suite) {
	s.beginChapter("Fragmentation")
	s.beginSection("5.4")
	s.add("text in two", Case{Send: join(frame(txt, "Hel"), frame(fin|cont, "lo")), WantMessages: []Message{gotText("Hello")}})
	s.add("binary in two", Case{Send: join(frame(bin, "Hel"), frame(fin|cont, "lo")), WantMessages: []Message{gotBinary("Hello")}})
	s.add("text in two, a byte at a time", Case{Send: join(frame(txt, "Hel"), frame(fin|cont, "lo")), Chop: 1, WantMessages: []Message{gotText("Hello")}})
	s.add("three empty fragments", Case{Send: join(frame(txt, ""), frame(cont, ""), frame(fin|cont, "")), WantMessages: []Message{gotText("")}})
	s.add("only the middle one has payload", Case{Send: join(frame(txt, ""), frame(cont, "mid"), frame(fin|cont, "")), WantMessages: []Message{gotText("mid")}})
	s.add("two messages, each in two", Case{Send: join(frame(txt, "a"), frame(fin|cont, "b"), frame(bin, "c"), frame(fin|cont, "d")),
		WantMessages: []Message{gotText("ab"), gotBinary("cd")}})
	s.add("whole messages around a fragmented one", Case{Send: join(frame(fin|txt, "x"), frame(txt, "a"), frame(fin|cont, "b"), frame(fin|txt, "y")),
		WantMessages: []Message{gotText("x"), gotText("ab"), gotText("y")}})

	s.beginSection("5.4: control frames between fragments")
	s.add("ping between two", Case{Send: join(frame(txt, "a"), frame(fin|ping, "p"), frame(fin|cont, "b")),
		WantMessages: []Message{gotPing("p"), gotText("ab")}})
	s.add("ping between two, a byte at a time", Case{Send: join(frame(txt, "a"), frame(fin|ping, "p"), frame(fin|cont, "b")), Chop: 1,
		WantMessages: []Message{gotPing("p"), gotText("ab")}})
	s.add("pings and pongs between five", Case{Send: join(frame(txt, "1"), frame(fin|ping, "p"), frame(cont, "2"), frame(fin|pong, "q"), frame(cont, "3"),
		frame(cont, "4"), frame(fin|ping, "r"), frame(fin|cont, "5")),
		WantMessages: []Message{gotPing("p"), gotPong("q"), gotPing("r"), gotText("12345")}})
	s.add("ping before the last fragment comes", Case{Send: join(frame(txt, "a"), frame(fin|ping, "now")), WantMessages: []Message{gotPing("now")}})
	s.add("ping within a character", Case{Send: join(frame(txt, "\xe2\x82"), frame(fin|ping, "\xff"), frame(fin|cont, "\xac")),
		WantMessages: []Message{gotPing("\xff"), gotText("€")}})
	s.add("close between two", Case{Send: join(frame(txt, "a"), closeFrame(1000, ""), frame(fin|cont, "b")), WantClose: 1000})

	s.beginSection("5.4: order")
	s.add("continuation with nothing begun", Case{Send: frame(fin|cont, "a"), WantClose: ws.StatusProtocolError})
	s.add("continuation without fin, nothing begun", Case{Send: frame(cont, "a"), WantClose: ws.StatusProtocolError})
	s.add("empty continuation with nothing begun", Case{Send: frame(fin|cont, ""), WantClose: ws.StatusProtocolError})
	s.add("continuation after a whole message", Case{Send: join(frame(fin|txt, "a"), frame(fin|cont, "b")),
		WantMessages: []Message{gotText("a")}, WantClose: ws.StatusProtocolError})
	s.add("continuation after a ping", Case{Send: join(frame(fin|ping, "a"), frame(fin|cont, "b")),
		WantMessages: []Message{gotPing("a")}, WantClose: ws.StatusProtocolError})
	s.add("text begun within text", Case{Send: join(frame(txt, "a"), frame(fin|txt, "b")), WantClose: ws.StatusProtocolError})
	s.add("binary begun within text", Case{Send: join(frame(txt, "a"), frame(bin, "b")), WantClose: ws.StatusProtocolError})
	s.add("text begun within binary, after a ping", Case{Send: join(frame(bin, "a"), frame(fin|ping, ""), frame(fin|txt, "b")),
		WantMessages: []Message{gotPing("")}, WantClose: ws.StatusProtocolError})

	s.beginSection("5.4: every chop")
	p := strings.Repeat("The quick brown fox. ", 12)
	for _, size := range []int{1, 2, 3, 7, 64, 125, 126, 251} {
		s.add(fmt.Sprintf("252 bytes in fragments of %d", size), Case{Send: fragments(txt, p, size), WantMessages: []Message{gotText(p)}})
	}
	for _, chop := range []int{1, 2, 3, 5, 6, 7, 8, 13, 14, 127} {
		s.add(fmt.Sprintf("fragments of 50 bytes written %d at a time", chop), Case{Send: fragments(bin, p, 50), Chop: chop, WantMessages: []Message{gotBinary(p)}})
	}
}

func limits(s *suite) {
	s.beginChapter("Limits")
	at := strings.Repeat("x", SmallMessage)
	s.beginSection("7.4.1: 1009; limit 1 KiB")
	s.add("message at the limit", Case{Small: true, Send: frame(fin|bin, at), WantMessages: []Message{gotBinary(at)}})
	s.add("message one above, declared only", Case{Small: true, Send: header(fin|bin, 16, SmallMessage+1), WantClose: ws.StatusMessageTooBig})
	s.add("16 MiB declared only", Case{Small: true, Send: header(fin|txt, 64, 16<<20), WantClose: ws.StatusMessageTooBig})
	s.add("2^63-1 bytes declared only", Case{Send: header(fin|bin, 64, 1<<63-1), WantClose: ws.StatusMessageTooBig})
	s.add("fragments that add up to the limit", Case{Small: true, Send: fragments(bin, at, 100), WantMessages: []Message{gotBinary(at)}})
	s.add("fragments that add up to one above", Case{Small: true, Send: join(frame(bin, at), header(fin|cont, 7, 1)), WantClose: ws.StatusMessageTooBig})
	s.add("fragment whose length overflows the sum", Case{Small: true, Send: join(frame(bin, "x"), header(fin|cont, 64, 1<<63-1)), WantClose: ws.StatusMessageTooBig})
	s.add("messages at the limit, one after another", Case{Small: true, Send: join(frame(fin|bin, at), frame(fin|bin, at)),
		WantMessages: []Message{gotBinary(at), gotBinary(at)}})
	s.beginSection("7.4.1: 1008; limit 16 fragments")
	s.add("fragments at the limit", Case{Small: true, Send: fragments(txt, strings.Repeat("f", SmallFragments), 1),
		WantMessages: []Message{gotText(strings.Repeat("f", SmallFragments))}})
	s.add("one more than the limit", Case{Small: true, Send: fragments(txt, strings.Repeat("f", SmallFragments+1), 1), WantClose: ws.StatusPolicyViolation})
	s.add("empty fragments without end", Case{Small: true, Send: join(frame(txt, ""), []byte(strings.Repeat(string(frame(cont, "")), SmallFragments))), WantClose: ws.StatusPolicyViolation})
	s.add("control frames do not count", Case{Small: true, Send: join(frame(txt, "a"), []byte(strings.Repeat(string(frame(fin|pong, "")), 2*SmallFragments)), frame(fin|cont, "b")),
		WantMessages: append(repeat(gotPong(""), 2*SmallFragments), gotText("ab"))})
	s.beginSection("5.2, 5.4: large messages")
	for _, c := range []struct {
		name           string
		first          byte
		n, chop, parts int
	}{
		{"16 MiB binary in one frame", bin, 16 << 20, 0, 0},
		{"16 MiB text in one frame, written 64 KiB at a time", txt, 16 << 20, 64 << 10, 0},
		{"16 MiB binary in frames of 64 KiB", bin, 16 << 20, 0, 64 << 10},
		{"4 MiB text in frames of 64 bytes", txt, 4 << 20, 64 << 10, 64},
		{"1 MiB text in one frame, written 1021 bytes at a time", txt, 1 << 20, 1021, 0},
		{"1 MiB binary in frames of 4 KiB, written 509 bytes at a time", bin, 1 << 20, 509, 4 << 10},
	} {
		p := strings.Repeat("0123456789abcdef", c.n/16)
		send := frame(fin|c.first, p)
		if c.parts > 0 {
			send = fragments(c.first, p, c.parts)
		}
		s.add(c.name, Case{Send: send, Chop: c.chop, WantMessages: []Message{{ws.OpCode(c.first), []byte(p)}}})
	}
}

package conformance

import (
	"bytes"
	"compress/flate"
	"fmt"
	"strings"

	"github.com/gobwas/ws"
)

// deflate compresses with the standard library, which the server under test does not use, and strips the tail.
func deflate(p string, level int) string {
	var b bytes.Buffer
	w, err := flate.NewWriter(&b, level)
	if err != nil {
		panic(err)
	}
	if _, err := w.Write([]byte(p)); err != nil {
		panic(err)
	}
	if err := w.Flush(); err != nil {
		panic(err)
	}
	return strings.TrimSuffix(b.String(), "\x00\x00\xff\xff")
}

func deflated(s *suite) {
	s.beginChapter("Deflate messages")
	deflatedVectors(s)
	deflatedFrames(s)
	deflatedText(s)
	deflatedLimits(s)
}

func deflatedVectors(s *suite) {
	hello := []Message{gotText("Hello")}
	s.beginSection("7692 7.2.3: examples")
	s.add("one frame", Case{Deflate: true, Send: frame(fin|rsv1|txt, "\xf2\x48\xcd\xc9\xc9\x07\x00"), WantMessages: hello})
	s.add("two frames", Case{Deflate: true, Send: join(frame(rsv1|txt, "\xf2\x48\xcd"), frame(fin|cont, "\xc9\xc9\x07\x00")), WantMessages: hello})
	s.add("the same message twice", Case{Deflate: true, Send: []byte(strings.Repeat(string(frame(fin|rsv1|txt, "\xf2\x48\xcd\xc9\xc9\x07\x00")), 2)),
		WantMessages: append(hello, hello...)})
	s.add("a block without compression", Case{Deflate: true, Send: frame(fin|rsv1|txt, "\x00\x05\x00\xfa\xffHello\x00"), WantMessages: hello})
	s.add("a final block", Case{Deflate: true, Send: frame(fin|rsv1|txt, "\xf3\x48\xcd\xc9\xc9\x07\x00\x00"), WantMessages: hello})
	s.add("two blocks", Case{Deflate: true, Send: frame(fin|rsv1|txt, "\xf2\x48\x05\x00\x00\x00\xff\xff\xca\xc9\xc9\x07\x00"), WantMessages: hello})
	s.add("empty message", Case{Deflate: true, Send: frame(fin|rsv1|txt, "\x00"), WantMessages: []Message{gotText("")}})
	s.add("second message refers to the first, which was not agreed", Case{Deflate: true, WantMessages: hello, WantClose: ws.StatusInvalidFramePayloadData,
		Send: join(frame(fin|rsv1|txt, "\xf2\x48\xcd\xc9\xc9\x07\x00"), frame(fin|rsv1|txt, "\xf2\x00\x11\x00\x00"))})
	s.beginSection("7692 7.2.1: every way to compress")
	p := strings.Repeat("All work and no play makes Jack a dull boy. ", 500)
	for level := flate.HuffmanOnly; level <= flate.BestCompression; level++ {
		s.add(fmt.Sprintf("22,000 bytes at level %d", level), Case{Deflate: true, Send: frame(fin|rsv1|txt, deflate(p, level)), WantMessages: []Message{gotText(p)}})
	}
	for _, n := range borders {
		p := strings.Repeat("*", n)
		s.add(fmt.Sprintf("binary message of %d bytes", n), Case{Deflate: true, Send: frame(fin|rsv1|bin, deflate(p, 6)), WantMessages: []Message{gotBinary(p)}})
	}
	final := "\xf3\x48\xcd\xc9\xc9\x07\x00"
	s.add("four final blocks", Case{Deflate: true, Send: frame(fin|rsv1|txt, strings.Repeat(final, 4)+"\x00"), WantMessages: []Message{gotText("HelloHelloHelloHello")}})
	s.beginSection("7692 7.2.2: not DEFLATE data")
	for _, c := range []struct{ name, payload string }{
		{"no payload at all", ""},
		{"block type 3", "\x07"},
		{"random bytes", "\x8d\xb7\x1e\xfa\x03\x9c\x55\xaa"},
		{"ends within a block", "\xf2\x48\xcd"},
		{"stored block with wrong length check", "\x00\x05\x00\xfa\xfeHello\x00"},
		{"refers to before the message", "\xf2\x00\x11\x00\x00"},
		{"final block and nothing behind", "\xf3\x48\xcd\xc9\xc9\x07\x00"},
	} {
		s.add(c.name, Case{Deflate: true, Send: frame(fin|rsv1|bin, c.payload), WantClose: ws.StatusInvalidFramePayloadData})
	}
}

func deflatedFrames(s *suite) {
	const words = "compressed, and cut in pieces: compressed, and cut in pieces"
	packed := deflate(words, 9)
	want := []Message{gotText(words)}
	s.beginSection("7692 6: frames")
	s.add("message not compressed", Case{Deflate: true, Send: frame(fin|txt, words), WantMessages: want})
	s.add("compressed and not, in turn", Case{Deflate: true, Send: join(frame(fin|rsv1|txt, packed), frame(fin|txt, words), frame(fin|rsv1|txt, packed)),
		WantMessages: repeat(want[0], 3)})
	s.add("RSV1 on a continuation", Case{Deflate: true, Send: join(frame(rsv1|txt, packed[:5]), frame(fin|rsv1|cont, packed[5:])), WantClose: ws.StatusProtocolError})
	s.add("RSV1 on a continuation of a message not compressed", Case{Deflate: true, Send: join(frame(txt, "a"), frame(fin|rsv1|cont, "b")), WantClose: ws.StatusProtocolError})
	for _, k := range []struct {
		name  string
		first byte
	}{{"ping", ping}, {"pong", pong}, {"close", closed}} {
		s.add("RSV1 on a "+k.name, Case{Deflate: true, Send: frame(fin|rsv1|k.first, ""), WantClose: ws.StatusProtocolError})
	}
	s.add("RSV2 with RSV1", Case{Deflate: true, Send: frame(fin|rsv1|rsv2|txt, packed), WantClose: ws.StatusProtocolError})
	s.add("RSV3", Case{Deflate: true, Send: frame(fin|rsv3|txt, words), WantClose: ws.StatusProtocolError})
	s.add("RSV1 without negotiation", Case{Send: frame(fin|rsv1|txt, packed), WantClose: ws.StatusProtocolError})
	s.add("pings between the fragments", Case{Deflate: true, Send: join(frame(rsv1|txt, packed[:3]), frame(fin|ping, "1"), frame(cont, packed[3:9]), frame(fin|ping, "2"), frame(fin|cont, packed[9:])),
		WantMessages: []Message{gotPing("1"), gotPing("2"), want[0]}})
	s.add("empty fragments first and last", Case{Deflate: true, Send: join(frame(rsv1|txt, ""), frame(cont, packed), frame(fin|cont, "")), WantMessages: want})
	s.beginSection("7692 7.2.1: split at every byte")
	for i := 1; i < len(packed); i++ {
		s.add(fmt.Sprintf("two fragments, the first of %d bytes", i), Case{Deflate: true, Send: join(frame(rsv1|txt, packed[:i]), frame(fin|cont, packed[i:])), WantMessages: want})
	}
	s.add("a fragment for each byte", Case{Deflate: true, Send: fragments(rsv1|txt, packed, 1), WantMessages: want})
	s.add("written a byte at a time", Case{Deflate: true, Send: frame(fin|rsv1|txt, packed), Chop: 1, WantMessages: want})
}

func deflatedText(s *suite) {
	s.beginSection("7692 6; 8.1: text is checked after inflation")
	for _, t := range validText {
		s.add(t.name, Case{Deflate: true, Send: frame(fin|rsv1|txt, deflate(t.text, 6)), WantMessages: []Message{gotText(t.text)}})
	}
	for _, t := range invalidText {
		s.add(t.name, Case{Deflate: true, Send: frame(fin|rsv1|txt, deflate(t.text, 6)), WantClose: ws.StatusInvalidFramePayloadData})
		s.add(t.name+" is legal in a binary message", Case{Deflate: true, Send: frame(fin|rsv1|bin, deflate(t.text, 6)), WantMessages: []Message{gotBinary(t.text)}})
	}
	for _, t := range cutText {
		s.add(t.name, Case{Deflate: true, Send: frame(fin|rsv1|txt, deflate(t.text, 6)), WantClose: ws.StatusInvalidFramePayloadData})
	}
}

func deflatedLimits(s *suite) {
	at := strings.Repeat("x", SmallMessage)
	s.beginSection("7692 8; limit 1 KiB")
	s.add("message at the limit", Case{Deflate: true, Small: true, Send: frame(fin|rsv1|bin, deflate(at, 6)), WantMessages: []Message{gotBinary(at)}})
	s.add("message at the limit, stored", Case{Deflate: true, Small: true, Send: frame(fin|rsv1|bin, deflate(at, 0)), WantMessages: []Message{gotBinary(at)}})
	s.add("one byte above", Case{Deflate: true, Small: true, Send: frame(fin|rsv1|bin, deflate(at+"x", 6)), WantClose: ws.StatusMessageTooBig})
	s.add("a bomb: 1 MiB in 1 KiB", Case{Deflate: true, Small: true, Send: frame(fin|rsv1|bin, deflate(strings.Repeat("\x00", 1<<20), 9)), WantClose: ws.StatusMessageTooBig})
	s.add("compressed length far above, declared only", Case{Deflate: true, Small: true, Send: header(fin|rsv1|bin, 16, 4*SmallMessage), WantClose: ws.StatusMessageTooBig})
	s.add("compressed fragments far above", Case{Deflate: true, Small: true, Send: join(frame(rsv1|bin, at), header(cont, 16, SmallMessage)), WantClose: ws.StatusMessageTooBig})
	s.add("final blocks without end", Case{Deflate: true, Small: true, Send: frame(fin|rsv1|bin, strings.Repeat("\x03\x00", 400)+"\x00"), WantClose: ws.StatusPolicyViolation})
	s.beginSection("7692 8; limit 16 MiB")
	big := strings.Repeat("0123456789abcdef", LargeMessage/16)
	packed := deflate(big, 1)
	s.add("16 MiB in one frame", Case{Deflate: true, Send: frame(fin|rsv1|txt, packed), WantMessages: []Message{gotText(big)}})
	s.add("16 MiB in frames of 1000 bytes", Case{Deflate: true, Send: fragments(rsv1|txt, packed, 1000), WantMessages: []Message{gotText(big)}})
	s.add("a bomb: one byte above 16 MiB", Case{Deflate: true, Send: frame(fin|rsv1|txt, deflate(big+"!", 1)), WantClose: ws.StatusMessageTooBig})
}

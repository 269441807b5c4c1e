package conformance

import (
	"fmt"

	"github.com/gobwas/ws"
)

// validText is every shape of character at its borders (RFC 3629 section 4), and non-characters, which are legal.
var validText = []struct{ name, text string }{
	{"one byte, first and last", "\x00\x7f"},
	{"two bytes, first and last", "\xc2\x80\xdf\xbf"},
	{"three bytes, first and last", "\xe0\xa0\x80\xef\xbf\xbf"},
	{"four bytes, first and last", "\xf0\x90\x80\x80\xf4\x8f\xbf\xbf"},
	{"around the surrogates", "\xed\x9f\xbf\xee\x80\x80"},
	{"non-characters U+FFFE, U+FFFF, U+1FFFE", "\xef\xbf\xbe\xef\xbf\xbf\xf0\x9f\xbf\xbe"},
	{"byte order mark", "\xef\xbb\xbfa"},
	{"Greek", "κόσμε"},
	{"mixed", "Hello-µ@ßöäüàá-€-𝄞-UTF-8!!"},
	{"emoji of several code points", "👩‍👩‍👧‍👦🏳️‍🌈"},
}

// invalidText is text that is wrong at some byte; at is the number of bytes that prove it.
var invalidText = []struct {
	name, text string
	at         int
}{
	{"continuation byte alone", "a\x80b", 2},
	{"last continuation byte alone", "\xbf", 1},
	{"two bytes, continuation missing", "\xc2a", 2},
	{"three bytes, last missing", "\xe2\x82a", 3},
	{"four bytes, last missing", "\xf0\x9f\x98a", 4},
	{"overlong NUL", "\xc0\x80", 1},
	{"overlong slash in two", "\xc1\xaf", 1},
	{"overlong slash in three", "\xe0\x80\xaf", 2},
	{"overlong slash in four", "\xf0\x80\x80\xaf", 2},
	{"overlong, greatest in three", "\xe0\x9f\xbf", 2},
	{"overlong, greatest in four", "\xf0\x8f\xbf\xbf", 2},
	{"first surrogate", "\xed\xa0\x80", 2},
	{"last surrogate", "\xed\xbf\xbf", 2},
	{"pair of surrogates", "\xed\xa0\x80\xed\xb0\x80", 2},
	{"above U+10FFFF", "\xf4\x90\x80\x80", 2},
	{"first byte F5", "\xf5\x80\x80\x80", 1},
	{"five bytes", "\xf8\x88\x80\x80\x80", 1},
	{"six bytes", "\xfc\x84\x80\x80\x80\x80", 1},
	{"byte FE", "\xfe", 1},
	{"byte FF", "\xff", 1},
	{"after good text", "κόσμε\xed\xa0\x80edited", 12},
}

// cutText is text that ends within a character.
var cutText = []struct{ name, text string }{
	{"two bytes, one there", "a\xc2"},
	{"three bytes, one there", "a\xe2"},
	{"three bytes, two there", "a\xe2\x82"},
	{"four bytes, one there", "a\xf0"},
	{"four bytes, two there", "a\xf0\x9f"},
	{"four bytes, three there", "a\xf0\x9f\x98"},
}

func text(s *suite) {
	s.beginChapter("UTF-8")
	s.beginSection("8.1, 5.6: valid")
	for _, t := range validText {
		want := []Message{gotText(t.text)}
		s.add(t.name, Case{Send: frame(fin|txt, t.text), WantMessages: want})
		s.add(t.name+", a fragment for each byte", Case{Send: fragments(txt, t.text, 1), WantMessages: want})
		s.add(t.name+", written a byte at a time", Case{Send: frame(fin|txt, t.text), Chop: 1, WantMessages: want})
	}
	s.beginSection("8.1: invalid")
	for _, t := range invalidText {
		s.add(t.name, Case{Send: frame(fin|txt, t.text), WantClose: ws.StatusInvalidFramePayloadData})
		s.add(t.name+", a fragment for each byte", Case{Send: fragments(txt, t.text, 1), WantClose: ws.StatusInvalidFramePayloadData})
		s.add(t.name+" is legal in a binary message", Case{Send: frame(fin|bin, t.text), WantMessages: []Message{gotBinary(t.text)}})
	}
	s.beginSection("8.1: ends within a character")
	for _, t := range cutText {
		s.add(t.name, Case{Send: frame(fin|txt, t.text), WantClose: ws.StatusInvalidFramePayloadData})
		s.add(t.name+", last fragment empty", Case{Send: join(frame(txt, t.text), frame(fin|cont, "")), WantClose: ws.StatusInvalidFramePayloadData})
	}
	s.beginSection("8.1: fail fast")
	for _, t := range invalidText {
		proof := t.text[:t.at]
		s.add(t.name+", the last fragment never comes", Case{Send: frame(txt, proof), WantClose: ws.StatusInvalidFramePayloadData})
		s.add(t.name+", the frame's end never comes", Case{Send: join(header(fin|txt, 16, 1000), masked(proof)), WantClose: ws.StatusInvalidFramePayloadData})
		s.add(t.name+", proved by the second fragment", Case{Send: join(frame(txt, proof[:t.at-1]), frame(cont, proof[t.at-1:])), WantClose: ws.StatusInvalidFramePayloadData})
		if t.at > 1 {
			s.add(t.name+", one byte before the proof", Case{Send: frame(txt, proof[:t.at-1])})
		}
	}
	s.beginSection("8.1: split at every byte")
	const long = "Hello-µ@ßöäüàá-€-𝄞-UTF-8!!"
	for i := 1; i < len(long); i++ {
		s.add(fmt.Sprintf("two fragments, the first of %d bytes", i), Case{Send: join(frame(txt, long[:i]), frame(fin|cont, long[i:])), WantMessages: []Message{gotText(long)}})
	}
}

func closing(s *suite) {
	s.beginChapter("Close")
	s.beginSection("5.5.1, 7.4: legal")
	s.add("no payload", Case{Send: frame(fin|closed, ""), WantClose: ws.StatusNoStatusRcvd})
	for _, code := range []ws.StatusCode{1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014, 3000, 3999, 4000, 4999} {
		s.add(fmt.Sprintf("code %d", code), Case{Send: closeFrame(code, "bye"), WantClose: code})
	}
	s.add("code without reason", Case{Send: closeFrame(1000, ""), WantClose: 1000})
	s.add("reason of 123 bytes", Case{Send: closeFrame(1000, string(make([]byte, 123))), WantClose: 1000})
	s.add("reason of several bytes a character", Case{Send: closeFrame(1000, "κόσμε €𝄞"), WantClose: 1000})
	s.add("a byte at a time", Case{Send: closeFrame(1000, "slow"), Chop: 1, WantClose: 1000})
	s.beginSection("7.4: illegal code")
	for _, code := range []ws.StatusCode{0, 1, 999, 1004, 1005, 1006, 1015, 1016, 1100, 2000, 2999, 5000, 65535} {
		s.add(fmt.Sprintf("code %d", code), Case{Send: closeFrame(code, ""), WantClose: ws.StatusProtocolError})
		s.add(fmt.Sprintf("code %d with a reason", code), Case{Send: closeFrame(code, "reason"), WantClose: ws.StatusProtocolError})
	}
	s.beginSection("5.5.1: payload")
	s.add("one byte", Case{Send: frame(fin|closed, "\x03"), WantClose: ws.StatusProtocolError})
	s.add("126 bytes", Case{Send: closeFrame(1000, string(make([]byte, 124))), WantClose: ws.StatusProtocolError})
	for _, t := range invalidText {
		s.add("reason with "+t.name, Case{Send: closeFrame(1000, t.text), WantClose: ws.StatusInvalidFramePayloadData})
	}
	for _, t := range cutText {
		s.add("reason cut: "+t.name, Case{Send: closeFrame(1000, t.text), WantClose: ws.StatusInvalidFramePayloadData})
	}
	s.beginSection("1.4, 5.5.1: after the close frame")
	s.add("message after close", Case{Send: join(frame(fin|txt, "heard"), closeFrame(1000, ""), frame(fin|txt, "ignored")),
		WantMessages: []Message{gotText("heard")}, WantClose: 1000})
	s.add("ping after close", Case{Send: join(closeFrame(1000, ""), frame(fin|ping, "ignored")), WantClose: 1000})
	s.add("second close", Case{Send: join(closeFrame(1000, ""), closeFrame(1001, "")), WantClose: 1000})
	s.add("garbage after close", Case{Send: join(closeFrame(1000, ""), []byte{0xff, 0xff, 0xff, 0xff}), WantClose: 1000})
	s.add("close while a message is unfinished", Case{Send: join(frame(txt, "half"), closeFrame(1001, "away")), WantClose: 1001})
}

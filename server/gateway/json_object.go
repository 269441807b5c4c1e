package gateway

import (
	"bytes"
	"math"
	"unicode/utf8"
)

// jsonError says why input from outside was refused. Code is one word out of the closed table `refusals`;
// Reason is for a person and names the limit; At is the offset in bytes at which the input was given up.
// Making one is the only allocation in this package's JSON code, and only refused input pays it.
type jsonError struct {
	Code   string
	Reason string
	At     int
}

type refusal uint8

const (
	accepted refusal = iota
	refusedSyntax
	refusedEnd
	refusedTrailing
	refusedControl
	refusedEscape
	refusedUTF8
	refusedSurrogate
	refusedNotObject
	refusedDepth
	refusedNumberLen
	refusedNumberRange
	refusedNicknameType
	refusedNicknameEmpty
	refusedNicknameLen
	refusedNicknameUTF8
	refusedNicknameRune
	refusedRoomEmpty
	refusedRoomLen
	refusedRoomUTF8
	refusedRoomRune
)

// refusals is the closed table of codes that input can be answered with here.
var refusals = [...]jsonError{
	refusedSyntax:       {Code: "bad_json", Reason: "this is not JSON"},
	refusedEnd:          {Code: "bad_json", Reason: "the JSON ends before its object is closed"},
	refusedTrailing:     {Code: "bad_json", Reason: "something follows the JSON object"},
	refusedControl:      {Code: "bad_json", Reason: "a string holds a control character that is not escaped"},
	refusedEscape:       {Code: "bad_json", Reason: "a string holds an escape that JSON does not have"},
	refusedUTF8:         {Code: "bad_utf8", Reason: "a string is not valid UTF-8"},
	refusedSurrogate:    {Code: "lone_surrogate", Reason: "a string holds one half of a surrogate pair"},
	refusedNotObject:    {Code: "not_object", Reason: "a message is one JSON object"},
	refusedDepth:        {Code: "too_deep", Reason: "objects and arrays nest more than 32 deep"},
	refusedNumberLen:    {Code: "number_too_long", Reason: "a number is longer than 40 bytes"},
	refusedNumberRange:  {Code: "number_range", Reason: "a number is outside the range of a 64-bit float"},
	refusedNicknameType: {Code: "bad_nickname", Reason: "the nickname is not a string"},
	refusedNicknameEmpty: {Code: "nickname_empty",
		Reason: "the nickname is empty"},
	refusedNicknameLen: {Code: "nickname_too_long",
		Reason: "the nickname is longer than 64 characters or 256 bytes"},
	refusedNicknameUTF8: {Code: "bad_nickname", Reason: "the nickname is not valid UTF-8"},
	refusedNicknameRune: {Code: "bad_nickname",
		Reason: "the nickname holds a control or text direction character"},
	refusedRoomEmpty: {Code: "room_empty", Reason: "the room name is empty"},
	refusedRoomLen:   {Code: "room_too_long", Reason: "the room name is longer than 128 bytes"},
	refusedRoomUTF8:  {Code: "bad_room", Reason: "the room name is not valid UTF-8"},
	refusedRoomRune:  {Code: "bad_room", Reason: "the room name holds a control or text direction character"},
}

func (why refusal) at(offset int) *jsonError {
	err := refusals[why]
	err.At = offset
	return &err
}

// jsonObject walks the top-level members of an object that scanObject has accepted. The zero value has none.
type jsonObject struct {
	src       []byte
	at        int  // where next goes on
	body, end int  // what the braces hold is src[body:end]
	valueAt   int  // where the value that next returned begins
	spaced    bool // the object holds white space between tokens
}

// rewind makes next begin again with the first member.
func (o *jsonObject) rewind() { o.at = o.body }

// next returns the next member, in the order of src: its name without the quotes and with its escapes still in
// it (for nameIs), and its value's bytes as they stand. Both alias src. ok is false after the last member.
func (o *jsonObject) next() (name, value []byte, ok bool) {
	o.skipTo('"')
	if o.at >= o.end {
		return nil, nil, false
	}
	nameEnd := skipString(o.src, o.at)
	name = o.src[o.at+1 : nameEnd-1]
	o.at = nameEnd
	o.skipTo(':')
	o.at++
	for isSpace(o.src[o.at]) {
		o.at++
	}
	o.valueAt = o.at
	o.at = skipValue(o.src, o.at)
	return name, o.src[o.valueAt:o.at], true
}

// skipTo stops at token; before it stand only white space and the comma.
func (o *jsonObject) skipTo(token byte) {
	for o.at < o.end && o.src[o.at] != token {
		o.at++
	}
}

// skipValue returns the end of the value at src[i], which scanObject has accepted.
func skipValue(src []byte, i int) int {
	switch src[i] {
	case '"':
		return skipString(src, i)
	case '{', '[':
	default:
		for c := src[i]; c != ',' && c != '}' && c != ']' && !isSpace(c); c = src[i] {
			i++
		}
		return i
	}
	for depth := 0; ; {
		switch src[i] {
		case '"':
			i = skipString(src, i)
			continue
		case '{', '[':
			depth++
		case '}', ']':
			depth--
		}
		i++
		if depth == 0 {
			return i
		}
	}
}

// skipString returns the index after the closing quote of the string whose opening quote is src[i]. A quote is
// escaped if an odd number of backslashes stands before it; no backslash is counted for two quotes.
func skipString(src []byte, i int) int {
	for i++; ; i++ {
		i += bytes.IndexByte(src[i:], '"')
		slashes := 0
		for src[i-1-slashes] == '\\' {
			slashes++
		}
		if slashes%2 == 0 {
			return i + 1
		}
	}
}

// nameIs compares a raw name, as next returns it, with name after decoding its escapes: st\u0061tus is status.
func nameIs(raw []byte, name string) bool {
	if len(raw) < len(name) || len(raw) > len(`\u0000`)*len(name) {
		return false
	}
	if bytes.IndexByte(raw, '\\') < 0 {
		return string(raw) == name
	}
	var buf [utf8.UTFMax]byte
	for len(raw) > 0 {
		decoded, n := raw[:1], 1
		if raw[0] == '\\' {
			var why refusal
			if n, why = scanEscape(raw); why != accepted {
				return false
			}
			decoded = appendEscaped(buf[:0], raw[:n])
		}
		if len(name) < len(decoded) || name[:len(decoded)] != string(decoded) {
			return false
		}
		raw, name = raw[n:], name[len(decoded):]
	}
	return name == ""
}

// jsonString returns what the JSON string raw (an accepted value, with its quotes) means. Without escapes out
// aliases raw and dst is not touched; otherwise out is appended to dst[:0], which needs at most len(raw) bytes.
// ok is false if raw is a value of another kind.
func jsonString(dst, raw []byte) (out []byte, ok bool) {
	if len(raw) < 2 || raw[0] != '"' || raw[len(raw)-1] != '"' {
		return nil, false
	}
	raw = raw[1 : len(raw)-1]
	if bytes.IndexByte(raw, '\\') < 0 {
		return raw, true
	}
	return appendUnescaped(dst[:0], raw), true
}

// jsonInt returns the integer raw, an accepted value. A fraction, an exponent and what an int64 cannot hold are
// not ok, nor is a value of another kind.
func jsonInt(raw []byte) (v int64, ok bool) {
	digits := raw
	negative := len(raw) > 0 && raw[0] == '-'
	if negative {
		digits = raw[1:]
	}
	if len(digits) == 0 || len(digits) > 1 && digits[0] == '0' {
		return 0, false
	}
	for _, c := range digits {
		// Downwards, since int64 reaches one further there.
		if !isDigit(c) || v < math.MinInt64/10 {
			return 0, false
		}
		v *= 10
		d := int64(c - '0')
		if v < math.MinInt64+d {
			return 0, false
		}
		v -= d
	}
	if negative {
		return v, true
	}
	if v == math.MinInt64 {
		return 0, false
	}
	return -v, true
}

package gateway

import (
	"bytes"
	"unicode"
	"unicode/utf8"
)

const (
	maxNicknameRunes = 64
	maxNicknameLen   = 256 // bytes, decoded
	maxRoomNameLen   = 128 // bytes, decoded

	// maxNicknameRaw is the longest that a nickname within the limit can be written, as escapes only, without its
	// quotes. A scratch buffer of this capacity is never outgrown.
	maxNicknameRaw = maxNicknameLen * len(`\u0000`)
)

// chatObject is what the server has to know of a chat object. Raw values alias src, and are nil if there is no
// such member.
type chatObject struct {
	Nickname    []byte // decoded; aliases src if it holds no escape, else scratch
	NicknameRaw []byte // with its quotes
	NicknameAt  int    // out[NicknameAt:][:len(NicknameRaw)] is its place in out
	HasMessage  bool
	Message     []byte // raw, white space inside it kept
	Time        []byte // raw, of any kind
	Key         []byte // raw, of any kind
	Members     int    // how many were appended: if not 0, a comma is due before what follows
}

// field is what a top-level name means to the server.
type field uint8

const (
	fieldNickname field = iota
	fieldMessage
	fieldTime
	fieldKey
	fieldUnknown // passed on
	fieldOwned   // the server's own, removed
)

// spliceChat appends the members of the plain-dialect object src to dst as `"k":v,"k2":v2`: no braces, no white
// space between tokens, the values otherwise byte for byte and in their order. Left out are the names that the server
// owns (status room offset epoch ev error) and, of several `nickname`, `message`, `time` or `key`, all but the
// last. Refused input leaves out as dst came in. With room in dst, and maxNicknameRaw bytes in scratch, nothing is
// allocated.
func spliceChat(dst, scratch, src []byte) (out []byte, c chatObject, err *jsonError) {
	o, err := scanObject(src)
	if err != nil {
		return dst, c, err
	}
	var last [fieldUnknown]int // the ordinal of each field's last member, counted from 1
	nicknameAt, count, whole := 0, 0, !o.spaced
	for name, value, ok := o.next(); ok; name, value, ok = o.next() {
		count++
		f := fieldOf(name)
		whole = whole && f != fieldOwned
		if f >= fieldUnknown {
			continue
		}
		whole = whole && last[f] == 0
		last[f] = count
		switch f {
		case fieldNickname:
			c.NicknameRaw, nicknameAt = value, o.valueAt
		case fieldMessage:
			c.Message, c.HasMessage = value, true
		case fieldTime:
			c.Time = value
		case fieldKey:
			c.Key = value
		}
	}
	if c.NicknameRaw != nil {
		var why refusal
		// The tutorials' pages send "" for a name that was not typed in.
		if c.Nickname, why = readNickname(scratch, c.NicknameRaw); why != accepted && why != refusedNicknameEmpty {
			return dst, chatObject{}, why.at(nicknameAt)
		}
	}
	if whole {
		c.NicknameAt, c.Members = len(dst)+nicknameAt-o.body, count
		return append(dst, src[o.body:o.end]...), c, nil
	}
	return appendKept(dst, &o, &last, &c), c, nil
}

// appendKept appends, one by one, the members that spliceChat keeps.
func appendKept(dst []byte, o *jsonObject, last *[fieldUnknown]int, c *chatObject) []byte {
	o.rewind()
	ordinal := 0
	for name, value, ok := o.next(); ok; name, value, ok = o.next() {
		ordinal++
		f := fieldOf(name)
		if f == fieldOwned || f < fieldUnknown && last[f] != ordinal {
			continue
		}
		if c.Members > 0 {
			dst = append(dst, ',')
		}
		c.Members++
		dst = append(dst, '"')
		dst = append(dst, name...)
		dst = append(dst, '"', ':')
		if f == fieldNickname {
			c.NicknameAt = len(dst)
		}
		if o.spaced {
			dst = appendCompact(dst, value)
		} else {
			dst = append(dst, value...)
		}
	}
	return dst
}

func fieldOf(raw []byte) field {
	var buf [len(`\u0000`) * len("nickname")]byte // no name below can be written longer
	if len(raw) > len(buf) {
		return fieldUnknown
	}
	if bytes.IndexByte(raw, '\\') >= 0 {
		raw = appendUnescaped(buf[:0], raw)
	}
	switch string(raw) {
	case "nickname":
		return fieldNickname
	case "message":
		return fieldMessage
	case "time":
		return fieldTime
	case "key":
		return fieldKey
	case "status", "room", "offset", "epoch", "ev", "error":
		return fieldOwned
	}
	return fieldUnknown
}

// readNickname decodes and checks the value of `nickname`. Length comes first, so that a nickname of a megabyte
// is not decoded to be refused.
func readNickname(scratch, raw []byte) (nickname []byte, why refusal) {
	if raw[0] != '"' {
		return nil, refusedNicknameType
	}
	if len(raw)-2 > maxNicknameRaw {
		return nil, refusedNicknameLen
	}
	nickname, _ = jsonString(scratch, raw)
	return nickname, judgeNickname(nickname)
}

// checkNickname says whether s, decoded, can be a nickname: 1 to 64 characters in at most 256 bytes of UTF-8, none
// of them a control or one that turns the direction of the text around it.
func checkNickname(s []byte) *jsonError {
	if why := judgeNickname(s); why != accepted {
		return why.at(0)
	}
	return nil
}

func judgeNickname(s []byte) refusal {
	switch {
	case len(s) == 0:
		return refusedNicknameEmpty
	case len(s) > maxNicknameLen:
		return refusedNicknameLen
	case !utf8.Valid(s):
		return refusedNicknameUTF8
	case utf8.RuneCount(s) > maxNicknameRunes:
		return refusedNicknameLen
	case hasUnprintable(s):
		return refusedNicknameRune
	}
	return accepted
}

// checkRoomName says whether s, decoded, can name a room: 1 to 128 bytes of UTF-8 without controls and direction
// characters. Letters of any script, spaces and emoji are fine, and no two spellings are folded into one.
func checkRoomName(s []byte) *jsonError {
	switch {
	case len(s) == 0:
		return refusedRoomEmpty.at(0)
	case len(s) > maxRoomNameLen:
		return refusedRoomLen.at(0)
	case !utf8.Valid(s):
		return refusedRoomUTF8.at(0)
	case hasUnprintable(s):
		return refusedRoomRune.at(0)
	}
	return nil
}

// hasUnprintable finds controls (Unicode category Cc) and what has the property Bidi_Control: these would let one
// name pass for another, or reorder the line it is shown in. Joiners stay allowed: emoji and some scripts need them.
func hasUnprintable(s []byte) bool {
	for i := 0; i < len(s); {
		r, n := rune(s[i]), 1
		if r >= utf8.RuneSelf {
			r, n = utf8.DecodeRune(s[i:])
		}
		i += n
		if unicode.IsControl(r) || isBidiControl(r) {
			return true
		}
	}
	return false
}

func isBidiControl(r rune) bool {
	return r == 0x61c || r == 0x200e || r == 0x200f || r >= 0x202a && r <= 0x202e || r >= 0x2066 && r <= 0x2069
}

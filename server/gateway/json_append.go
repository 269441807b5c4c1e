package gateway

import (
	"bytes"
	"unicode/utf16"
	"unicode/utf8"
)

const (
	hexDigits = "0123456789abcdef"

	// UTF-16 code units that mean a character only in pairs, a high one and then a low one.
	surrogateMin     = 0xd800
	surrogateLow     = 0xdc00
	surrogateMax     = 0xdfff
	surrogatePairLen = len(`\ud800\udc00`)
)

// appendJSONString appends s as a JSON string, quotes included, on one line: it escapes the quote, the backslash,
// the controls below U+0020 and the line ends U+2028 and U+2029, which JavaScript's own strings did not take
// before 2019. `<`, `>` and `&` stay as they are. A byte that is not UTF-8 becomes \ufffd. It is what
// encoding/json writes after SetEscapeHTML(false).
func appendJSONString(dst []byte, s string) []byte {
	dst = append(dst, '"')
	plain := 0 // s[plain:i] is still to be appended as it is
	for i := 0; i < len(s); {
		c := s[i]
		if c >= 0x20 && c < utf8.RuneSelf && c != '"' && c != '\\' {
			i++
			continue
		}
		r, n := rune(c), 1
		if c >= utf8.RuneSelf {
			r, n = utf8.DecodeRuneInString(s[i:])
			if r != '\u2028' && r != '\u2029' && (r != utf8.RuneError || n > 1) {
				i += n
				continue
			}
		}
		dst = appendEscape(append(dst, s[plain:i]...), r)
		i += n
		plain = i
	}
	return append(append(dst, s[plain:]...), '"')
}

func appendEscape(dst []byte, r rune) []byte {
	switch r {
	case '"', '\\':
		return append(dst, '\\', byte(r))
	case '\b':
		return append(dst, `\b`...)
	case '\f':
		return append(dst, `\f`...)
	case '\n':
		return append(dst, `\n`...)
	case '\r':
		return append(dst, `\r`...)
	case '\t':
		return append(dst, `\t`...)
	}
	return append(dst, '\\', 'u', hexDigits[r>>12&0xf], hexDigits[r>>8&0xf], hexDigits[r>>4&0xf], hexDigits[r&0xf])
}

// appendUnescaped appends what raw means: the inside of a string, or a part of one, that scanObject has accepted.
func appendUnescaped(dst, raw []byte) []byte {
	for {
		i := bytes.IndexByte(raw, '\\')
		if i < 0 {
			return append(dst, raw...)
		}
		dst = append(dst, raw[:i]...)
		raw = raw[i:]
		n, why := scanEscape(raw)
		if why != accepted {
			return dst
		}
		dst = appendEscaped(dst, raw[:n])
		raw = raw[n:]
	}
}

// appendEscaped appends the character that one valid escape stands for.
func appendEscaped(dst, escape []byte) []byte {
	switch c := escape[1]; c {
	case 'b':
		return append(dst, '\b')
	case 'f':
		return append(dst, '\f')
	case 'n':
		return append(dst, '\n')
	case 'r':
		return append(dst, '\r')
	case 't':
		return append(dst, '\t')
	case 'u':
		r, _ := escapedUnit(escape)
		if len(escape) == surrogatePairLen {
			low, _ := escapedUnit(escape[6:])
			r = utf16.DecodeRune(r, low)
		}
		return utf8.AppendRune(dst, r)
	default: // the quote, the backslash and the slash stand for themselves
		return append(dst, c)
	}
}

// scanEscape returns the length of the escape that b begins with; a surrogate pair is one escape of 12 bytes.
func scanEscape(b []byte) (n int, why refusal) {
	if len(b) < 2 {
		return 0, refusedEnd
	}
	switch b[1] {
	case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
		return 2, accepted
	case 'u':
	default:
		return 0, refusedEscape
	}
	unit, ok := escapedUnit(b)
	switch {
	case !ok:
		return 0, refusedEscape
	case unit < surrogateMin || unit > surrogateMax:
		return 6, accepted
	case unit >= surrogateLow:
		return 0, refusedSurrogate
	}
	// RFC 8259 §8.2 calls what receivers do with a lone surrogate "unpredictable": it is not passed on.
	if low, ok := escapedUnit(b[6:]); !ok || low < surrogateLow || low > surrogateMax {
		return 0, refusedSurrogate
	}
	return surrogatePairLen, accepted
}

// escapedUnit returns the UTF-16 code unit of the \uXXXX that b begins with.
func escapedUnit(b []byte) (unit rune, ok bool) {
	if len(b) < 6 || b[0] != '\\' || b[1] != 'u' {
		return 0, false
	}
	for _, c := range b[2:6] {
		switch letter := c | 0x20; {
		case isDigit(c):
			c -= '0'
		case letter >= 'a' && letter <= 'f':
			c = letter - 'a' + 10
		default:
			return 0, false
		}
		unit = unit<<4 | rune(c)
	}
	return unit, true
}

// appendCompact appends value, which scanObject has accepted, without the white space between its tokens.
func appendCompact(dst, value []byte) []byte {
	for i := 0; i < len(value); {
		switch c := value[i]; {
		case c == '"':
			end := skipString(value, i)
			dst = append(dst, value[i:end]...)
			i = end
		case isSpace(c):
			i++
		default:
			dst = append(dst, c)
			i++
		}
	}
	return dst
}

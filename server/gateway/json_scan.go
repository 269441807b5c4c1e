package gateway

import (
	"encoding/binary"
	"math/bits"
	"unicode/utf8"
)

const (
	maxDepth     = 32 // containers inside one another, the object itself counted; one bit each in jsonScanner.objects
	maxNumberLen = 40 // bytes; the longest that JSON.stringify writes is 24
)

// scanObject validates src as exactly one JSON object (RFC 8259), white space around it allowed, and returns
// an iterator over its top-level members. Everything inside is validated in the same pass: nesting at most
// maxDepth, numbers at most maxNumberLen and within float64, strings valid UTF-8 whose escaped surrogates come
// in pairs. The time taken is linear in len(src). The object aliases src.
func scanObject(src []byte) (jsonObject, *jsonError) {
	s := jsonScanner{src: src}
	switch s.skipSpace() {
	case '{':
	case 0:
		return jsonObject{}, s.unexpected().at(s.at)
	case '[', '"', '-', '0', '1', '2', '3', '4', '5', '6', '7', '8', '9', 't', 'f', 'n':
		return jsonObject{}, refusedNotObject.at(s.at)
	default:
		return jsonObject{}, refusedSyntax.at(s.at)
	}
	s.spaced = false
	body := s.at + 1
	if why := s.scanValue(); why != accepted {
		return jsonObject{}, why.at(s.at)
	}
	o := jsonObject{src: src, at: body, body: body, end: s.at - 1, spaced: s.spaced}
	s.skipSpace()
	if s.at < len(src) {
		return jsonObject{}, refusedTrailing.at(s.at)
	}
	return o, nil
}

// jsonScanner walks src once, without recursion: objects is a stack of one bit per open container, the
// innermost lowest, set for an object and clear for an array.
type jsonScanner struct {
	src     []byte
	at      int
	depth   int
	objects uint32
	spaced  bool // white space was seen between tokens
}

// scanValue takes the value at s.at with everything inside it.
func (s *jsonScanner) scanValue() refusal {
	for {
		c := s.skipSpace()
		why := accepted
		switch {
		case c == '"':
			why = s.scanString()
		case c == '{' || c == '[':
			if s.depth == maxDepth {
				return refusedDepth
			}
			s.open(c)
			if s.skipSpace() != s.closer() {
				if why = s.scanName(); why != accepted {
					return why
				}
				continue
			}
		case c == '-' || isDigit(c):
			why = s.scanNumber()
		default:
			why = s.scanLiteral(c)
		}
		if why != accepted {
			return why
		}
		if why = s.scanClosers(); why != accepted || s.depth == 0 {
			return why
		}
		if why = s.scanName(); why != accepted {
			return why
		}
	}
}

// scanClosers takes what may follow a value: every bracket that closes here, then the comma if one is due.
func (s *jsonScanner) scanClosers() refusal {
	for s.depth > 0 {
		switch s.skipSpace() {
		case ',':
			s.at++
			return accepted
		case s.closer():
			s.at++
			s.depth--
			s.objects >>= 1
		default:
			return s.unexpected()
		}
	}
	return accepted
}

// scanName takes a member's name and colon; inside an array there is none to take.
func (s *jsonScanner) scanName() refusal {
	if s.objects&1 == 0 {
		return accepted
	}
	if s.skipSpace() != '"' {
		return s.unexpected()
	}
	if why := s.scanString(); why != accepted {
		return why
	}
	if s.skipSpace() != ':' {
		return s.unexpected()
	}
	s.at++
	return accepted
}

func (s *jsonScanner) open(c byte) {
	s.at++
	s.depth++
	s.objects <<= 1
	if c == '{' {
		s.objects |= 1
	}
}

func (s *jsonScanner) closer() byte {
	if s.objects&1 != 0 {
		return '}'
	}
	return ']'
}

// skipSpace returns the byte that the next token begins with, 0 at the end. A NUL in src begins no token either.
func (s *jsonScanner) skipSpace() byte {
	for s.at < len(s.src) {
		c := s.src[s.at]
		if !isSpace(c) {
			return c
		}
		s.spaced = true
		s.at++
	}
	return 0
}

func (s *jsonScanner) unexpected() refusal {
	if s.at >= len(s.src) {
		return refusedEnd
	}
	return refusedSyntax
}

func (s *jsonScanner) scanLiteral(c byte) refusal {
	literal := "null"
	switch c {
	case 'n':
	case 't':
		literal = "true"
	case 'f':
		literal = "false"
	default:
		return s.unexpected()
	}
	for i := range len(literal) {
		if s.at >= len(s.src) || s.src[s.at] != literal[i] {
			return s.unexpected()
		}
		s.at++
	}
	return accepted
}

// scanString takes the string whose opening quote is at s.at.
func (s *jsonScanner) scanString() refusal {
	src, i := s.src, s.at+1
	for {
		i = skipPlain(src, i)
		s.at = i
		if i >= len(src) {
			return refusedEnd
		}
		switch c := src[i]; {
		case c == '"':
			s.at++
			return accepted
		case c == '\\':
			n, why := scanEscape(src[i:])
			if why != accepted {
				return why
			}
			i += n
		case c < 0x20:
			// RFC 8259 §7: "All Unicode characters may be placed within the quotation marks, except for the
			// characters that MUST be escaped: quotation mark, reverse solidus, and the control characters
			// (U+0000 through U+001F)."
			return refusedControl
		default:
			for i < len(src) && src[i] >= utf8.RuneSelf {
				r, n := utf8.DecodeRune(src[i:])
				if r == utf8.RuneError && n == 1 {
					s.at = i
					return refusedUTF8
				}
				i += n
			}
		}
	}
}

// skipPlain returns the first index from i on whose byte is a quote, a backslash, a control or no ASCII; eight
// bytes a step. The lowest flagged byte of a word is exact: a borrow starts only at a byte that is flagged too.
func skipPlain(src []byte, i int) int {
	const ones, tops = 0x0101010101010101, 0x8080808080808080
	for i+8 <= len(src) {
		w := binary.LittleEndian.Uint64(src[i:])
		quote, slash := w^(ones*'"'), w^(ones*'\\')
		found := (w | (w-ones*0x20)&^w | (quote-ones)&^quote | (slash-ones)&^slash) & tops
		if found != 0 {
			return i + bits.TrailingZeros64(found)/8
		}
		i += 8
	}
	for i < len(src) && src[i] >= 0x20 && src[i] < 0x80 && src[i] != '"' && src[i] != '\\' {
		i++
	}
	return i
}

// scanNumber takes the number at s.at. RFC 8259 §6: number = [ minus ] int [ frac ] [ exp ].
func (s *jsonScanner) scanNumber() refusal {
	start := s.at
	if s.src[s.at] == '-' {
		s.at++
	}
	if s.at < len(s.src) && s.src[s.at] == '0' {
		s.at++
	} else if !s.skipDigits() {
		return s.unexpected()
	}
	if s.at < len(s.src) && s.src[s.at] == '.' {
		s.at++
		if !s.skipDigits() {
			return s.unexpected()
		}
	}
	scaled := s.at < len(s.src) && s.src[s.at]|0x20 == 'e'
	if scaled {
		s.at++
		if s.at < len(s.src) && (s.src[s.at] == '+' || s.src[s.at] == '-') {
			s.at++
		}
		if !s.skipDigits() {
			return s.unexpected()
		}
	}
	if s.at-start > maxNumberLen {
		return refusedNumberLen
	}
	// Without an exponent 40 bytes stay below 1e40.
	if scaled && beyondFloat64(s.src[start:s.at]) {
		return refusedNumberRange
	}
	return accepted
}

func (s *jsonScanner) skipDigits() bool {
	start := s.at
	for s.at < len(s.src) && isDigit(s.src[s.at]) {
		s.at++
	}
	return s.at > start
}

func isDigit(c byte) bool { return c-'0' <= 9 }

func isSpace(c byte) bool { return c == ' ' || c == '\n' || c == '\r' || c == '\t' }

// float64Limit holds the first digits of 2^1024 - 2^970, the least integer that rounds to no finite float64: it
// has 309 digits, so one of 40 bytes is never equal to it.
const float64Limit = "1797693134862315807937289714053034150799"

// beyondFloat64 says whether num, at most maxNumberLen bytes of valid number, is too large for a float64. Too
// small is 0, as everywhere. No ParseFloat: it wants a string, and that would be an allocation.
func beyondFloat64(num []byte) bool {
	var digits [maxNumberLen]byte // the significant ones: num is 0.DIGITS * 10^exponent
	n, exponent, fraction := 0, 0, false
	i := 0
	for ; num[i]|0x20 != 'e'; i++ {
		switch c := num[i]; {
		case c == '-':
		case c == '.':
			fraction = true
		case c == '0' && n == 0:
			if fraction {
				exponent--
			}
		default:
			digits[n] = c
			n++
			if !fraction {
				exponent++
			}
		}
	}
	if n == 0 || num[i+1] == '-' {
		return false
	}
	scale := 0
	for _, c := range num[i+1:] {
		if c != '+' && scale < 1e6 {
			scale = scale*10 + int(c-'0')
		}
	}
	exponent += scale
	if exponent != 309 {
		return exponent > 309
	}
	return string(digits[:n]) > float64Limit
}

package codec

import "bytes"

// Character classes of RFC 9110 section 5.6.2 and RFC 9112: bit 0 a token's, bit 1 a header value's, bit 2 a request
// target's.
const (
	tokenChar = 1 << iota
	valueChar
	targetChar
)

var charClass = buildCharClass()

func buildCharClass() (class [256]uint8) {
	for c := range 256 {
		switch {
		case c >= '0' && c <= '9', c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z',
			bytes.IndexByte([]byte("!#$%&'*+-.^_`|~"), byte(c)) >= 0:
			class[c] |= tokenChar
		}
		if c == '\t' || c >= ' ' && c != 0x7f {
			class[c] |= valueChar
		}
		// RFC 3986 has no place for a fragment here, nor for what must be percent-encoded.
		if c > ' ' && c < 0x7f && c != '#' {
			class[c] |= targetChar
		}
	}
	return class
}

func allOf(b []byte, class uint8) bool {
	for _, c := range b {
		if charClass[c]&class == 0 {
			return false
		}
	}
	return true
}

func isToken(b []byte) bool { return len(b) > 0 && allOf(b, tokenChar) }

func isHex(c byte) bool {
	return c >= '0' && c <= '9' || lower(c) >= 'a' && lower(c) <= 'f'
}

// trimSpace removes the optional white space around a value or a list element: blanks and tabs only.
func trimSpace(b []byte) []byte {
	for len(b) > 0 && (b[0] == ' ' || b[0] == '\t') {
		b = b[1:]
	}
	for len(b) > 0 && (b[len(b)-1] == ' ' || b[len(b)-1] == '\t') {
		b = b[:len(b)-1]
	}
	return b
}

// foldEqual compares ASCII without regard to case.
func foldEqual(b []byte, s string) bool {
	if len(b) != len(s) {
		return false
	}
	for i := range b {
		if lower(b[i]) != lower(s[i]) {
			return false
		}
	}
	return true
}

func lower(c byte) byte {
	if c >= 'A' && c <= 'Z' {
		c += 'a' - 'A'
	}
	return c
}

// nextElement cuts the first element off a comma-separated list without quoted strings. Empty elements are passed
// over (RFC 9110 section 5.6.1.2); element is empty only when the list is at its end.
func nextElement(list []byte) (element, rest []byte) {
	for len(list) > 0 {
		if i := bytes.IndexByte(list, ','); i >= 0 {
			element, list = trimSpace(list[:i]), list[i+1:]
		} else {
			element, list = trimSpace(list), nil
		}
		if len(element) > 0 {
			break
		}
	}
	return element, list
}

// listHas says whether a list contains a token, without regard to case.
func listHas(list []byte, token string) bool {
	for len(list) > 0 {
		var element []byte
		if element, list = nextElement(list); foldEqual(element, token) {
			return true
		}
	}
	return false
}

// cutField cuts the first line off checked header lines, CRLF at the end of each.
func cutField(lines []byte) (name, value, rest []byte) {
	end := bytes.IndexByte(lines, '\r')
	line := lines[:end]
	colon := bytes.IndexByte(line, ':')
	return line[:colon], trimSpace(line[colon+1:]), lines[end+2:]
}

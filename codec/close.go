package codec

import (
	"encoding/binary"
	"strings"
	"unicode/utf8"

	"github.com/gobwas/ws"
)

// Close codes registered after RFC 6455, which gobwas/ws does not name.
const (
	StatusServiceRestart ws.StatusCode = 1012
	StatusTryAgainLater  ws.StatusCode = 1013
	StatusBadGateway     ws.StatusCode = 1014
)

// maxReason is what a close frame has left for its reason: 125 bytes less the code.
const maxReason = max7Bit - 2

// ParseClose reads the payload of a close frame. An empty payload is code 1005, which never is on the wire itself.
func ParseClose(p []byte) (code ws.StatusCode, reason string, err *Error) {
	switch len(p) {
	case 0:
		return ws.StatusNoStatusRcvd, "", nil
	case 1:
		// RFC 6455 section 5.5.1: "If there is a body, the first two bytes of the body MUST be a 2-byte unsigned
		// integer".
		return 0, "", errCloseLength
	}
	code = ws.StatusCode(binary.BigEndian.Uint16(p))
	if !closeCodeAllowed(code) {
		return 0, "", errCloseCode
	}
	// RFC 6455 section 8.1: a byte stream that is not valid UTF-8 where it must be fails the connection.
	if !utf8.Valid(p[2:]) {
		return 0, "", errCloseReason
	}
	return code, string(p[2:]), nil
}

// closeCodeAllowed says whether an endpoint may send code: RFC 6455 section 7.4 and the IANA registry it opened.
// 1004 is reserved; 1005, 1006 and 1015 "MUST NOT be set as a status code in a Close control frame by an endpoint".
func closeCodeAllowed(code ws.StatusCode) bool {
	switch {
	case code >= 1000 && code <= 1003, code >= 1007 && code <= 1014, code >= 3000 && code <= 4999:
		return true
	}
	return false
}

// AppendClose writes a whole close frame. The reason is cut at a rune to fit, 123 bytes. A code that must not be on
// the wire, 0 and 1005 among them, gives an empty payload.
func AppendClose(dst []byte, code ws.StatusCode, reason string) []byte {
	if !closeCodeAllowed(code) {
		return AppendHeader(dst, ws.OpClose, false, 0)
	}
	reason = trimReason(reason)
	dst = AppendHeader(dst, ws.OpClose, false, 2+len(reason))
	dst = binary.BigEndian.AppendUint16(dst, uint16(code))
	return append(dst, reason...)
}

// trimReason makes s fit: valid UTF-8 of at most maxReason bytes.
func trimReason(s string) string {
	if !utf8.ValidString(s) {
		s = strings.ToValidUTF8(s, "\uFFFD")
	}
	if len(s) <= maxReason {
		return s
	}
	n := maxReason
	for !utf8.RuneStart(s[n]) {
		n--
	}
	return s[:n]
}

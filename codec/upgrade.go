package codec

import (
	"crypto/sha1"
	"encoding/base64"
)

// CheckUpgrade applies what RFC 6455 section 4.2.1 requires of a client's opening handshake, and says what to answer
// where it is not met. Whether the target, the host and the origin are welcome is the caller's to decide.
func (r *Request) CheckUpgrade() *HTTPError {
	// Section 4.2.1, 1: "An HTTP/1.1 or higher GET request".
	if string(r.Method) != "GET" {
		return errUpgradeMethod
	}
	if r.Minor < 1 {
		return errUpgradeVersion
	}
	// 2: "A |Host| header field containing the server's authority."
	if len(r.Host) == 0 {
		return errUpgradeHost
	}
	// 3: "An |Upgrade| header field containing the value "websocket"".
	if !r.Upgrade {
		return errUpgradeMissing
	}
	// 4: "A |Connection| header field that includes the token "Upgrade"".
	if !tokenList(r.connection) || !listHas(r.connection, "upgrade") {
		return errUpgradeConnection
	}
	// 6: "A |Sec-WebSocket-Version| header field, with a value of 13." Section 4.4: other versions are told ours.
	if string(r.Version) != "13" {
		return errUpgradeWSVersion
	}
	// 5: "a base64-encoded value that, when decoded, is 16 bytes in length".
	if !validKey(r.Key) {
		return errUpgradeKey
	}
	// Bytes behind the head are frames. A body would be read as such.
	if r.Chunked || r.ContentLength > 0 {
		return errUpgradeBody
	}
	// 8 and 9, and "any violations of the ABNF grammar specified for the components of the handshake".
	if !tokenList(r.Protocols) {
		return errUpgradeProtocols
	}
	if !extensionList(r.Extensions) {
		return errUpgradeExtensions
	}
	return nil
}

func validKey(key []byte) bool {
	var raw [18]byte
	if len(key) != 24 {
		return false
	}
	n, err := base64.StdEncoding.Decode(raw[:], key)
	return err == nil && n == 16
}

func tokenList(list []byte) bool {
	for len(list) > 0 {
		var element []byte
		if element, list = nextElement(list); len(element) > 0 && !isToken(element) {
			return false
		}
	}
	return true
}

// SelectProtocol returns the first subprotocol of the client's list, which is in order of preference, that is
// supported; "" if none is.
func (r *Request) SelectProtocol(supported []string) string {
	for list := r.Protocols; len(list) > 0; {
		var element []byte
		element, list = nextElement(list)
		for _, s := range supported {
			if s != "" && string(element) == s {
				return s
			}
		}
	}
	return ""
}

// AppendUpgrade writes the response that opens the WebSocket. protocol is SelectProtocol's result and deflate
// NegotiateDeflate's; empty ones are not sent.
func AppendUpgrade(dst []byte, r *Request, protocol string, deflate []byte) []byte {
	dst = append(dst, "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: "...)
	dst = appendAccept(dst, r.Key)
	dst = append(dst, "\r\n"...)
	if protocol != "" {
		dst = appendField(dst, "Sec-WebSocket-Protocol", protocol)
	}
	if len(deflate) > 0 {
		dst = append(dst, "Sec-WebSocket-Extensions: "...)
		dst = append(append(dst, deflate...), "\r\n"...)
	}
	return append(dst, "\r\n"...)
}

// appendAccept writes the proof that the handshake was understood. RFC 6455 section 4.2.2, 5: the key concatenated
// with a fixed string, SHA-1, base64.
func appendAccept(dst, key []byte) []byte {
	const guid = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
	var joined [24 + len(guid)]byte
	n := copy(joined[:], key)
	n += copy(joined[n:], guid)
	sum := sha1.Sum(joined[:n])
	return base64.StdEncoding.AppendEncode(dst, sum[:])
}

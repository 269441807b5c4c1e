// Package codec turns WebSocket bytes into messages and messages into bytes, and touches nothing else: no socket, no
// clock, no goroutine. A caller hands in the bytes it has and is told how many of them were used.
//
// In reading order:
//
//   - request.go, fields.go and query.go cut one HTTP/1.1 request head off the bytes received (RFC 9112);
//   - upgrade.go checks and answers the opening handshake (RFC 6455 section 4), offer.go negotiates permessage-deflate
//     (RFC 7692 section 7.1), http_error.go refuses;
//   - header.go and close.go read and write frame headers and close payloads (sections 5 and 7);
//   - decoder.go assembles messages out of frames, with utf8.go, buffer.go and inflate.go below it;
//   - deflate.go compresses a payload for every receiver at once.
//
// Functions that parse return n, the bytes used: n == 0 without an error means that more bytes are needed. Functions
// called Append write to dst and return it, as append does. Errors of type *Error and *HTTPError are what this side
// found wrong; compare them with nil as the pointers they are, before they become an error interface.
package codec

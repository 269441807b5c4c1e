package conformance

import "strings"

func opening(s *suite) {
	s.beginChapter("Opening handshake")
	openingAccepted(s)
	openingRefused(s)
	openingHTTP(s)
}

func openingAccepted(s *suite) {
	s.beginSection("4.2.1: accepted")
	accept := func(title, request string) { s.add(title, Case{Request: request}) }
	accept("the RFC's example", handshake("Origin: http://example.com", "Sec-WebSocket-Protocol: chat, superchat"))
	accept("header names in lower case", strings.ReplaceAll(handshake(), "Sec-WebSocket", "sec-websocket"))
	accept("header names in upper case", swap("Connection", "CONNECTION"))
	accept("Upgrade: WebSocket", swap("Upgrade: websocket", "Upgrade: WebSocket"))
	accept("Upgrade with other protocols", swap("Upgrade: websocket", "Upgrade: h2c, websocket"))
	accept("Connection: keep-alive, Upgrade", swap("Connection: Upgrade", "Connection: keep-alive, Upgrade"))
	accept("Connection: upgrade", swap("Connection: Upgrade", "Connection: upgrade"))
	accept("two Connection lines", swap("Connection: Upgrade", "Connection: keep-alive\r\nConnection: Upgrade"))
	accept("no white space after the colon", strings.ReplaceAll(handshake(), ": ", ":"))
	accept("blanks and tabs around a value", swap("Host: example.com", "Host: \t example.com \t"))
	accept("headers in another order", "GET / HTTP/1.1\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"+
		"Connection: Upgrade\r\nUpgrade: websocket\r\nHost: example.com\r\n\r\n")
	accept("unknown headers", handshake("X-One: 1", "X-Two: two, \"quoted\"", "Empty:"))
	accept("bytes above 127 in a value", handshake("X-Name: J\xfcrgen"))
	accept("absolute target", swap("GET / ", "GET http://example.com/ "))
	accept("host with a port", swap("example.com", "example.com:8080"))
	accept("IPv6 host", swap("example.com", "[::1]:8080"))
	accept("an empty line first", "\r\n"+handshake())
	accept("a head as large as the limit", padded(MaxHead))
}

func openingRefused(s *suite) {
	s.beginSection("4.2.1: each requirement")
	refuse := func(title string, status int, request string) {
		s.add(title, Case{Request: request, WantStatus: status})
	}
	refuse("POST", 405, swap("GET", "POST"))
	refuse("HEAD", 405, swap("GET", "HEAD"))
	refuse("method in lower case", 405, swap("GET", "get"))
	refuse("HTTP/1.0", 505, swap("HTTP/1.1", "HTTP/1.0"))
	refuse("no Host", 400, without("Host"))
	refuse("empty Host", 400, swap("Host: example.com", "Host:"))
	refuse("two Hosts", 400, handshake("Host: example.com"))
	refuse("Host that is a path", 400, swap("Host: example.com", "Host: a/b"))
	refuse("no Connection", 400, without("Connection"))
	refuse("Connection: keep-alive", 400, swap("Connection: Upgrade", "Connection: keep-alive"))
	refuse("Connection: Upgraded", 400, swap("Connection: Upgrade", "Connection: Upgraded"))
	refuse("Connection with an element that is no token", 400, swap("Connection: Upgrade", "Connection: Upgrade, a/b"))
	refuse("no key", 400, without("Sec-WebSocket-Key"))
	refuse("empty key", 400, key(""))
	refuse("key of 15 bytes", 400, key("AAAAAAAAAAAAAAAAAAAA"))
	refuse("key of 17 bytes", 400, key("AAAAAAAAAAAAAAAAAAAAAAA="))
	refuse("key of 18 bytes", 400, key("AAAAAAAAAAAAAAAAAAAAAAAA"))
	refuse("key that is not base64", 400, key("this is not base64 at al"))
	refuse("key without padding", 400, key("dGhlIHNhbXBsZSBub25jZQ"))
	refuse("two keys", 400, handshake("Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=="))
	refuse("no version", 426, without("Sec-WebSocket-Version"))
	for _, v := range []string{"0", "8", "12", "14", "013", "13, 8", "13.0", "256", ""} {
		refuse("version "+v, 426, swap("Version: 13", "Version: "+v))
	}
	refuse("two versions", 400, handshake("Sec-WebSocket-Version: 13"))
	refuse("a body announced", 400, handshake("Content-Length: 5"))
	refuse("a chunked body", 400, handshake("Transfer-Encoding: chunked"))
	refuse("protocol that is no token", 400, handshake("Sec-WebSocket-Protocol: chat, super chat"))
	refuse("extension that is no token", 400, handshake("Sec-WebSocket-Extensions: per/message"))
	refuse("extension parameter that is no token", 400, handshake("Sec-WebSocket-Extensions: x; a=\"b c\""))

	s.beginSection("4.2.1: asks for no WebSocket")
	plain := func(title, request string) { s.add(title, Case{Request: request, WantStatus: 426, NoUpgrade: true}) }
	plain("no Upgrade", without("Upgrade"))
	plain("Upgrade: h2c", swap("Upgrade: websocket", "Upgrade: h2c"))
	plain("Upgrade: websockets", swap("Upgrade: websocket", "Upgrade: websockets"))
}

func openingHTTP(s *suite) {
	s.beginSection("4.1; RFC 9112: the grammar")
	refuse := func(title string, status int, request string) {
		s.add(title, Case{Request: request, WantStatus: status})
	}
	refuse("lines that end with LF", 400, strings.ReplaceAll(handshake(), "\r\n", "\n"))
	refuse("one line that ends with LF", 400, swap("Upgrade: websocket\r\n", "Upgrade: websocket\n"))
	refuse("CR within a line", 400, swap("example.com", "exam\rple.com"))
	refuse("white space before the colon", 400, swap("Upgrade: ", "Upgrade : "))
	refuse("folded line", 400, swap("Upgrade: websocket", "Upgrade:\r\n websocket"))
	refuse("line without colon", 400, handshake("what is this"))
	refuse("header name empty", 400, handshake(": value"))
	refuse("header name with a blank", 400, handshake("X Y: value"))
	refuse("NUL in a value", 400, handshake("X: a\x00b"))
	refuse("DEL in a value", 400, handshake("X: a\x7fb"))
	refuse("two blanks in the request line", 400, swap("GET / ", "GET  / "))
	refuse("tab in the request line", 400, swap("GET / ", "GET\t/ "))
	refuse("no target", 400, swap("GET / ", "GET "))
	refuse("no version", 400, swap(" HTTP/1.1", ""))
	refuse("target without slash", 400, swap("GET / ", "GET chat "))
	refuse("target with a fragment", 400, swap("GET / ", "GET /#top "))
	refuse("target with a bad escape", 400, swap("GET / ", "GET /%zz "))
	refuse("target with bytes above 127", 400, swap("GET / ", "GET /\xc3\xa9 "))
	refuse("target *", 400, swap("GET / ", "GET * "))
	refuse("target ftp", 400, swap("GET / ", "GET ftp://example.com/ "))
	refuse("HTTP/2.0", 505, swap("HTTP/1.1", "HTTP/2.0"))
	refuse("HTTP/1.2", 505, swap("HTTP/1.1", "HTTP/1.2"))
	refuse("HTTP/11", 400, swap("HTTP/1.1", "HTTP/11"))
	refuse("http/1.1", 400, swap("HTTP/1.1", "http/1.1"))
	refuse("Content-Length that is no number", 400, handshake("Content-Length: 1a"))
	refuse("Content-Length and Transfer-Encoding", 400, handshake("Content-Length: 1", "Transfer-Encoding: chunked"))
	refuse("unknown Transfer-Encoding", 501, handshake("Transfer-Encoding: gzip"))
	refuse("a TLS hello", 400, "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03")
	refuse("a head one byte larger than the limit", 431, padded(MaxHead+1))
	refuse("a line without end", 431, "GET /"+strings.Repeat("a", MaxHead))
}

// swap replaces the first occurrence of old in the plain handshake.
func swap(old, by string) string {
	h := handshake()
	if !strings.Contains(h, old) {
		panic("conformance: nothing to swap: " + old)
	}
	return strings.Replace(h, old, by, 1)
}

func without(name string) string {
	for _, line := range baseLines {
		if strings.HasPrefix(line, name+":") {
			return swap(line+"\r\n", "")
		}
	}
	panic("conformance: no header " + name)
}

func key(k string) string { return swap("dGhlIHNhbXBsZSBub25jZQ==", k) }

// padded returns a valid handshake of n bytes.
func padded(n int) string {
	h := handshake("X-Pad: ")
	return strings.Replace(h, "X-Pad: ", "X-Pad: "+strings.Repeat("p", n-len(h)), 1)
}

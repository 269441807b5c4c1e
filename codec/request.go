package codec

import "bytes"

// Request is the head of one HTTP/1.1 request. Its fields alias the bytes it was parsed from and are valid as long as
// those are; a list given in several header lines is the one exception, joined in a copy.
type Request struct {
	Method, Target []byte
	Path, Query    []byte // the target's path up to '?', and what follows it; both raw, not unescaped
	Host, Origin   []byte

	Upgrade    bool   // a WebSocket is asked for
	Key        []byte // Sec-WebSocket-Key
	Version    []byte // Sec-WebSocket-Version
	Protocols  []byte // Sec-WebSocket-Protocol, all lines as one list
	Extensions []byte // Sec-WebSocket-Extensions, all lines as one list

	Minor         int   // of HTTP/1.x: 0 or 1
	Close         bool  // the client expects the connection to end after the response
	Expect        bool  // Expect: 100-continue
	Chunked       bool  // Transfer-Encoding: chunked
	ContentLength int64 // bytes of body announced; 0 if none, or if Chunked

	lines      []byte // the header lines, CRLF at the end of each, every one checked
	connection []byte // the Connection header, all lines as one list
	seen       fieldSet
}

// fieldSet remembers which of the headers that must occur once did.
type fieldSet uint8

const (
	sawHost fieldSet = 1 << iota
	sawOrigin
	sawKey
	sawVersion
	sawLength
)

// ParseRequest cuts the head of one HTTP/1.1 request off b, strictly as RFC 9112 writes it. n counts it through its
// empty line; n == 0 without an error means that more bytes are needed. limit caps the head, in bytes: more than that
// without an end, or a larger head, is 431. An error means that nothing later on the connection can be trusted.
func ParseRequest(b []byte, limit int) (r Request, n int, err *HTTPError) {
	start := 0
	// RFC 9112 section 2.2: "ignore at least one empty line (CRLF) received prior to the request-line".
	if len(b) >= 2 && b[0] == '\r' && b[1] == '\n' {
		start = 2
	}
	end := bytes.Index(b[start:max(start, min(len(b), limit))], []byte("\r\n\r\n"))
	if end < 0 {
		if len(b) > limit {
			return Request{}, 0, errHeaderTooLarge
		}
		return Request{}, 0, checkUnfinished(b[start:])
	}
	head := b[start : start+end+2]
	line := bytes.IndexByte(head, '\r')
	if err := r.parseRequestLine(head[:line]); err != nil {
		return Request{}, 0, err
	}
	if head[line+1] != '\n' {
		return Request{}, 0, errLineEnd
	}
	r.lines = head[line+2:]
	if err := r.parseFields(); err != nil {
		return Request{}, 0, err
	}
	if err := r.checkFraming(); err != nil {
		return Request{}, 0, err
	}
	return r, start + end + 4, nil
}

// checkUnfinished refuses what cannot become a request, so that a client that speaks something else is told at once.
func checkUnfinished(b []byte) *HTTPError {
	if len(b) > 0 && b[0] != '\r' && charClass[b[0]]&tokenChar == 0 {
		return errRequestLine
	}
	for i := bytes.IndexByte(b, '\n'); i >= 0; {
		if i == 0 || b[i-1] != '\r' {
			return errLineEnd
		}
		next := bytes.IndexByte(b[i+1:], '\n')
		if next < 0 {
			break
		}
		i += 1 + next
	}
	return nil
}

// parseRequestLine reads: method SP request-target SP HTTP-version.
func (r *Request) parseRequestLine(line []byte) *HTTPError {
	first, last := bytes.IndexByte(line, ' '), bytes.LastIndexByte(line, ' ')
	if first < 0 || first == last {
		return errRequestLine
	}
	r.Method, r.Target = line[:first], line[first+1:last]
	version := line[last+1:]
	if !isToken(r.Method) || len(version) != len("HTTP/1.1") || string(version[:5]) != "HTTP/" || version[6] != '.' {
		return errRequestLine
	}
	if version[5] != '1' || version[7] != '0' && version[7] != '1' {
		return errVersion
	}
	r.Minor = int(version[7] - '0')
	return r.parseTarget()
}

// rootPath is the path of an absolute target that names none.
var rootPath = []byte("/")

// parseTarget splits the forms of RFC 9112 section 3.2 that reach an origin server.
func (r *Request) parseTarget() *HTTPError {
	t := r.Target
	if len(t) == 0 || !allOf(t, targetChar) {
		return errTarget
	}
	if string(t) == "*" {
		if string(r.Method) != "OPTIONS" {
			return errTarget
		}
		r.Path = t
		return nil
	}
	if t[0] != '/' {
		scheme := bytes.Index(t, []byte("://"))
		if scheme < 0 || !foldEqual(t[:scheme], "http") && !foldEqual(t[:scheme], "https") {
			return errTarget
		}
		t = t[scheme+3:]
		end := bytes.IndexAny(t, "/?")
		if end < 0 {
			end = len(t)
		}
		// RFC 9112 section 3.2.2: the authority of an absolute target replaces the Host header.
		r.Host, t = t[:end:end], t[end:]
		if !isHost(r.Host) || end == 0 {
			return errTarget
		}
	}
	r.Path = t
	if i := bytes.IndexByte(t, '?'); i >= 0 {
		r.Path, r.Query = t[:i:i], t[i+1:]
	}
	if len(r.Path) == 0 {
		r.Path = rootPath
	}
	if !validEscapes(r.Path) {
		return errTarget
	}
	return nil
}

// validEscapes says whether every percent sign is followed by two hexadecimal digits.
func validEscapes(path []byte) bool {
	for i := bytes.IndexByte(path, '%'); i >= 0; i = bytes.IndexByte(path, '%') {
		if len(path) < i+3 || !isHex(path[i+1]) || !isHex(path[i+2]) {
			return false
		}
		path = path[i+3:]
	}
	return true
}

// isHost accepts what a name, an address and a port are written with. Empty is legal HTTP.
func isHost(b []byte) bool {
	for _, c := range b {
		if charClass[c]&targetChar == 0 || bytes.IndexByte([]byte(`/?@,"\<>{}|^`+"`"), c) >= 0 {
			return false
		}
	}
	return true
}

// parseFields checks every header line and keeps those that have a place in Request.
func (r *Request) parseFields() *HTTPError {
	for rest := r.lines; len(rest) > 0; {
		end := bytes.IndexByte(rest, '\r')
		if rest[end+1] != '\n' {
			return errLineEnd
		}
		line := rest[:end]
		rest = rest[end+2:]
		// RFC 9112 section 5.2: a server that receives an obs-fold rejects the message or unfolds it.
		if len(line) > 0 && (line[0] == ' ' || line[0] == '\t') {
			return errFieldFold
		}
		// RFC 9112 section 5.1: "No whitespace is allowed between the field name and colon."
		colon := bytes.IndexByte(line, ':')
		if colon < 0 || !isToken(line[:colon]) {
			return errFieldName
		}
		value := trimSpace(line[colon+1:])
		if !allOf(value, valueChar) {
			if bytes.IndexByte(value, '\n') >= 0 {
				return errLineEnd
			}
			return errFieldValue
		}
		if err := r.keep(line[:colon], value); err != nil {
			return err
		}
	}
	return nil
}

// keep files one header under its name, told apart by length first.
func (r *Request) keep(name, value []byte) *HTTPError {
	value = value[:len(value):len(value)]
	switch {
	case len(name) == 4 && foldEqual(name, "Host"):
		if !isHost(value) {
			return errHost
		}
		if r.Host == nil {
			r.Host = value
		}
		return r.once(sawHost)
	case len(name) == 6 && foldEqual(name, "Origin"):
		r.Origin = value
		return r.once(sawOrigin)
	case len(name) == 6 && foldEqual(name, "Expect"):
		r.Expect = foldEqual(value, "100-continue")
	case len(name) == 7 && foldEqual(name, "Upgrade"):
		// RFC 6455 section 4.2.1: an Upgrade header "containing the value "websocket"", compared without case.
		if listHas(value, "websocket") {
			r.Upgrade = true
		}
	case len(name) == 10 && foldEqual(name, "Connection"):
		r.connection = joinList(r.connection, value)
	case len(name) == 14 && foldEqual(name, "Content-Length"):
		return r.keepLength(value)
	case len(name) == 17 && foldEqual(name, "Transfer-Encoding"):
		if r.Chunked || !foldEqual(value, "chunked") {
			return errTransferEncoding
		}
		r.Chunked = true
	case len(name) == 17 && foldEqual(name, "Sec-WebSocket-Key"):
		r.Key = value
		return r.once(sawKey)
	case len(name) == 21 && foldEqual(name, "Sec-WebSocket-Version"):
		r.Version = value
		return r.once(sawVersion)
	case len(name) == 22 && foldEqual(name, "Sec-WebSocket-Protocol"):
		r.Protocols = joinList(r.Protocols, value)
	case len(name) == 24 && foldEqual(name, "Sec-WebSocket-Extensions"):
		r.Extensions = joinList(r.Extensions, value)
	}
	return nil
}

func (r *Request) once(f fieldSet) *HTTPError {
	if r.seen&f != 0 {
		return errDuplicate
	}
	r.seen |= f
	return nil
}

// keepLength reads a Content-Length: digits only, for what a parser reads leniently another reads otherwise.
func (r *Request) keepLength(value []byte) *HTTPError {
	const maxDigits = 18 // what an int64 holds for certain
	if len(value) == 0 || len(value) > maxDigits {
		return errContentLength
	}
	for _, c := range value {
		if c < '0' || c > '9' {
			return errContentLength
		}
		r.ContentLength = 10*r.ContentLength + int64(c-'0')
	}
	return r.once(sawLength)
}

// joinList makes one list of several header lines. It copies only when there is a second line.
func joinList(list, more []byte) []byte {
	if len(list) == 0 {
		return more
	}
	return append(append(list, ", "...), more...)
}

// checkFraming applies the rules that span headers.
func (r *Request) checkFraming() *HTTPError {
	// RFC 9112 section 3.2: 400 "to any HTTP/1.1 request message that lacks a Host header field".
	if r.Minor > 0 && r.seen&sawHost == 0 {
		return errNoHost
	}
	// RFC 9112 section 6.1: such a message "ought to be handled as an error", it may be an attempt at smuggling.
	if r.Chunked && (r.seen&sawLength != 0 || r.Minor == 0) {
		return errTwoLengths
	}
	r.Close = listHas(r.connection, "close") || r.Minor == 0 && !listHas(r.connection, "keep-alive")
	return nil
}

// Header returns the first value of a header, nil if there is none. It does not allocate.
func (r *Request) Header(name string) []byte {
	for rest := r.lines; len(rest) > 0; {
		var field, value []byte
		if field, value, rest = cutField(rest); foldEqual(field, name) {
			return value[:len(value):len(value)]
		}
	}
	return nil
}

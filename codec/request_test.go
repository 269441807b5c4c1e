package codec

import (
	"bytes"
	"strings"
	"testing"
)

const plainRequest = "GET /ws?room=lobby&nickname=ann HTTP/1.1\r\n" +
	"Host: example.com:8080\r\n" +
	"Origin: https://example.com\r\n" +
	"upgrade: WebSocket\r\n" +
	"Connection: keep-alive, Upgrade\r\n" +
	"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n" +
	"Sec-WebSocket-Version: 13\r\n" +
	"Sec-WebSocket-Protocol: chat, superchat\r\n" +
	"Sec-WebSocket-Extensions: a\r\n" +
	"sec-websocket-extensions: b; c=d\r\n" +
	"User-Agent:\t two words \r\n" +
	"Empty:\r\n" +
	"User-Agent: second\r\n\r\n"

func TestParseRequest(t *testing.T) {
	wire := []byte(plainRequest + "\x81\x85pipelined")
	r, n, err := ParseRequest(wire, len(plainRequest))
	if err != nil || n != len(plainRequest) {
		t.Fatalf("got %d, %v, want %d", n, err, len(plainRequest))
	}
	for _, tt := range []struct{ name, got, want string }{
		{"Method", string(r.Method), "GET"},
		{"Target", string(r.Target), "/ws?room=lobby&nickname=ann"},
		{"Path", string(r.Path), "/ws"},
		{"Query", string(r.Query), "room=lobby&nickname=ann"},
		{"Host", string(r.Host), "example.com:8080"},
		{"Origin", string(r.Origin), "https://example.com"},
		{"Key", string(r.Key), "dGhlIHNhbXBsZSBub25jZQ=="},
		{"Version", string(r.Version), "13"},
		{"Protocols", string(r.Protocols), "chat, superchat"},
		{"Extensions", string(r.Extensions), "a, b; c=d"},
		{"User-Agent", string(r.Header("user-agent")), "two words"},
	} {
		if tt.got != tt.want {
			t.Errorf("%s: got %q, want %q", tt.name, tt.got, tt.want)
		}
	}
	if !r.Upgrade || r.Minor != 1 || r.Close || r.Chunked || r.Expect || r.ContentLength != 0 {
		t.Errorf("got %+v", r)
	}
	if v := r.Header("empty"); v == nil || len(v) != 0 {
		t.Errorf("an empty header is %v, want empty and not nil", v)
	}
	if v := r.Header("Absent"); v != nil {
		t.Errorf("an absent header is %q", v)
	}
}

// TestParseRequestTruncated: no beginning of a request is an error, or taken for one, and none reads beyond it.
func TestParseRequestTruncated(t *testing.T) {
	for i := range len(plainRequest) {
		if _, n, err := ParseRequest([]byte(plainRequest)[:i:i], 8192); n != 0 || err != nil {
			t.Fatalf("%d bytes: got %d, %v, want 0, nil", i, n, err)
		}
	}
}

func TestParseRequestTargets(t *testing.T) {
	for _, tt := range []struct{ method, target, path, query, host string }{
		{"GET", "/", "/", "", "h"},
		{"GET", "/?", "/", "", "h"},
		{"GET", "/a/b%20c?x=/?&y", "/a/b%20c", "x=/?&y", "h"},
		{"GET", "//a", "//a", "", "h"},
		{"GET", "http://other", "/", "", "other"},
		{"GET", "HTTP://other:81?q", "/", "q", "other:81"},
		{"GET", "https://[::1]:82/a?b", "/a", "b", "[::1]:82"},
		{"OPTIONS", "*", "*", "", "h"},
	} {
		r, n, err := ParseRequest([]byte(tt.method+" "+tt.target+" HTTP/1.1\r\nHost: h\r\n\r\n"), 8192)
		if err != nil || n == 0 || string(r.Path) != tt.path || string(r.Query) != tt.query || string(r.Host) != tt.host {
			t.Errorf("%s: got %q, %q, %q, %v", tt.target, r.Path, r.Query, r.Host, err)
		}
	}
	for _, target := range []string{"*", "a", "http:/x", "http://", "http:///x", "http://a b/", "ftp://x/", "://x", "/%", "/%4", "/%4g", "/\x7f", "/é", "/#", "http://u@h/", "x:80"} {
		if _, _, err := ParseRequest([]byte("GET "+target+" HTTP/1.1\r\nHost: h\r\n\r\n"), 8192); err == nil || err.Status != 400 {
			t.Errorf("%q: got %v, want 400", target, err)
		}
	}
}

func TestParseRequestRefuses(t *testing.T) {
	head := func(lines ...string) string {
		return "GET / HTTP/1.1\r\n" + strings.Join(lines, "\r\n") + "\r\n\r\n"
	}
	for _, tt := range []struct {
		name, wire string
		want       *HTTPError
	}{
		{"three empty lines first", "\r\n\r\n\r\n", errRequestLine},
		{"two empty lines first", "\r\n\r\n" + head("Host: h"), errRequestLine},
		{"no request line", "\r\nHost: h\r\n\r\n", errRequestLine},
		{"HTTP/0.9", "GET /\r\n\r\n", errRequestLine},
		{"method empty", " / HTTP/1.1\r\n\r\n", errRequestLine},
		{"method no token", "G(T / HTTP/1.1\r\n\r\n", errRequestLine},
		{"blank at the end", "GET / HTTP/1.1 \r\n\r\n", errRequestLine},
		{"version of two digits", "GET / HTTP/1.10\r\n\r\n", errRequestLine},
		{"version without dot", "GET / HTTP/1 1\r\n\r\n", errRequestLine},
		{"HTTP/3.0", "GET / HTTP/3.0\r\nHost: h\r\n\r\n", errVersion},
		{"LF alone at the end", "GET / HTTP/1.1\nHost: h\n\n", errLineEnd},
		{"LF alone after good lines", "GET / HTTP/1.1\r\nHost: h\nA: b\r\n\r\n", errLineEnd},
		{"CR alone", head("Host: h", "A: b\rc"), errLineEnd},
		{"CR alone in the request line", "GET /\r HTTP/1.1\r\nHost: h\r\n\r\n", errRequestLine},
		{"fold", head("Host: h", " more"), errFieldFold},
		{"fold with a tab", head("Host: h", "\tmore"), errFieldFold},
		{"no colon", head("Host: h", "what"), errFieldName},
		{"blank before the colon", head("Host : h"), errFieldName},
		{"NUL", head("Host: h", "A: \x00"), errFieldValue},
		{"no Host", head("A: b"), errNoHost},
		{"no headers", "GET / HTTP/1.1\r\n\r\n", errNoHost},
		{"Host with a path", head("Host: a/b"), errHost},
		{"Host with two names", head("Host: a, b"), errHost},
		{"two Hosts", head("Host: a", "host: a"), errDuplicate},
		{"Host beside an absolute target, twice", "GET http://x/ HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", errDuplicate},
		{"two Origins", head("Host: h", "Origin: a", "Origin: b"), errDuplicate},
		{"two keys", head("Host: h", "Sec-WebSocket-Key: a", "Sec-WebSocket-Key: a"), errDuplicate},
		{"two versions", head("Host: h", "Sec-WebSocket-Version: 13", "Sec-WebSocket-Version: 13"), errDuplicate},
		{"two lengths", head("Host: h", "Content-Length: 1", "Content-Length: 1"), errDuplicate},
		{"length negative", head("Host: h", "Content-Length: -1"), errContentLength},
		{"length with a plus", head("Host: h", "Content-Length: +1"), errContentLength},
		{"length empty", head("Host: h", "Content-Length:"), errContentLength},
		{"length of 19 digits", head("Host: h", "Content-Length: 9223372036854775808"), errContentLength},
		{"length and chunked", head("Host: h", "Transfer-Encoding: chunked", "Content-Length: 1"), errTwoLengths},
		{"chunked in HTTP/1.0", "POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n", errTwoLengths},
		{"gzip, chunked", head("Host: h", "Transfer-Encoding: gzip, chunked"), errTransferEncoding},
		{"chunked twice", head("Host: h", "Transfer-Encoding: chunked", "Transfer-Encoding: chunked"), errTransferEncoding},
		{"TLS", "\x16\x03\x01", errRequestLine},
	} {
		r, n, err := ParseRequest([]byte(tt.wire), 8192)
		if err != tt.want || n != 0 || r.Method != nil {
			t.Errorf("%s: got %d, %v, want %v", tt.name, n, err, tt.want)
		}
	}
}

// TestParseRequestLimit: the limit counts the head with its empty line, and holds before the end has come.
func TestParseRequestLimit(t *testing.T) {
	wire := []byte(plainRequest)
	for _, tt := range []struct {
		bytes, limit, n int
		err             *HTTPError
	}{
		{len(wire), len(wire), len(wire), nil},
		{len(wire), len(wire) - 1, 0, errHeaderTooLarge},
		{100, 100, 0, nil},
		{101, 100, 0, errHeaderTooLarge},
		{1, 0, 0, errHeaderTooLarge},
		{0, 0, 0, nil},
	} {
		if _, n, err := ParseRequest(wire[:tt.bytes], tt.limit); n != tt.n || err != tt.err {
			t.Errorf("%d bytes, limit %d: got %d, %v, want %d, %v", tt.bytes, tt.limit, n, err, tt.n, tt.err)
		}
	}
	if _, n, err := ParseRequest([]byte("\r\n"), 1); n != 0 || err != errHeaderTooLarge {
		t.Errorf("an empty line above the limit: got %d, %v", n, err)
	}
}

func TestParseRequestHTTP(t *testing.T) {
	for _, tt := range []struct {
		wire           string
		close, chunked bool
		length         int64
		minor          int
	}{
		{"GET / HTTP/1.1\r\nHost: h\r\n\r\n", false, false, 0, 1},
		{"GET / HTTP/1.1\r\nHost: h\r\nConnection: foo, Close\r\n\r\n", true, false, 0, 1},
		{"GET / HTTP/1.1\r\nHost: h\r\nConnection: foo\r\nConnection: close\r\n\r\n", true, false, 0, 1},
		{"GET / HTTP/1.0\r\n\r\n", true, false, 0, 0},
		{"GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n", false, false, 0, 0},
		{"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 0042\r\n\r\n", false, false, 42, 1},
		{"POST / HTTP/1.1\r\nHost:\r\nTransfer-Encoding: Chunked\r\n\r\n", false, true, 0, 1},
	} {
		r, n, err := ParseRequest([]byte(tt.wire), 8192)
		if err != nil || n != len(tt.wire) || r.Close != tt.close || r.Chunked != tt.chunked || r.ContentLength != tt.length || r.Minor != tt.minor {
			t.Errorf("%q: got %+v, %v", tt.wire, r, err)
		}
	}
	r, _, _ := ParseRequest([]byte("PUT / HTTP/1.1\r\nHost: h\r\nExpect: 100-Continue\r\n\r\n"), 8192)
	if !r.Expect {
		t.Error("Expect: 100-continue was not seen")
	}
}

// TestParseRequestLists: joining the lines of a list must not write into the input.
func TestParseRequestLists(t *testing.T) {
	wire := []byte("GET / HTTP/1.1\r\nHost: h\r\nSec-WebSocket-Protocol: a\r\nSec-WebSocket-Protocol: b\r\nSec-WebSocket-Protocol: c\r\n\r\n")
	before := bytes.Clone(wire)
	r, _, err := ParseRequest(wire, 8192)
	if err != nil || string(r.Protocols) != "a, b, c" {
		t.Errorf("got %q, %v", r.Protocols, err)
	}
	if !bytes.Equal(wire, before) {
		t.Errorf("the input became %q", wire)
	}
}

func TestRequestAllocations(t *testing.T) {
	wire := []byte(strings.Replace(plainRequest, "sec-websocket-extensions", "x", 1))
	dst := make([]byte, 0, 1024)
	supported := []string{"rookery.v1", "superchat"}
	var r Request
	for name, f := range map[string]func(){
		"ParseRequest":     func() { r, _, _ = ParseRequest(wire, 8192) },
		"Header":           func() { r.Header("User-Agent") },
		"CheckUpgrade":     func() { r.CheckUpgrade() },
		"SelectProtocol":   func() { r.SelectProtocol(supported) },
		"NegotiateDeflate": func() { NegotiateDeflate(r.Extensions) },
		"AppendUpgrade":    func() { AppendUpgrade(dst, &r, "superchat", deflateAnswer) },
		"AppendHTTPError":  func() { AppendHTTPError(dst, errUpgradeWSVersion) },
	} {
		if got := testing.AllocsPerRun(100, f); got != 0 {
			t.Errorf("%s: %v allocations, want 0", name, got)
		}
	}
}

func BenchmarkParseRequest(b *testing.B) {
	wire := []byte(plainRequest)
	b.ReportAllocs()
	for b.Loop() {
		if _, _, err := ParseRequest(wire, 8192); err != nil {
			b.Fatal(err)
		}
	}
}

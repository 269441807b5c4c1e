package codec

import (
	"bufio"
	"bytes"
	"net/http"
	"net/url"
	"strings"
	"testing"
)

// requestLines and requestFields are what composed requests are made of, good and bad.
var requestLines = []string{
	"GET / HTTP/1.1", "GET /ws?room=a%20b HTTP/1.1", "GET http://a:1/b?c HTTP/1.1", "POST /x HTTP/1.0", "OPTIONS * HTTP/1.1", "GET /%zz HTTP/1.1",
	"HEAD //a/../b HTTP/1.1", "GET /;a=b HTTP/1.2",
}

var requestFields = []string{
	"Host: a", "host:[::1]:80", "Upgrade: websocket", "UPGRADE: h2c, WebSocket", "Connection: Upgrade", "Connection: keep-alive, close",
	"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==", "Sec-WebSocket-Version: 13", "Sec-WebSocket-Version: 8", "Sec-WebSocket-Protocol: a, b",
	"Sec-WebSocket-Protocol:,b;", "Sec-WebSocket-Extensions: permessage-deflate; a=\"b\"", "Sec-WebSocket-Extensions: ;", "Origin: null",
	"Content-Length: 0", "Content-Length: 17", "Transfer-Encoding: chunked", "Expect: 100-continue", "A:\t b\t", "A: \x80\xff", "Cookie: a=b; c",
	" folded", "A : b", "A: \x00", "Trailer: B", "Pragma: no-cache",
}

// compose makes a request of the parts that the bytes pick; a last byte above 200 damages one of its bytes.
func compose(picks []byte) []byte {
	wire := requestLines[int(picks[0])%len(requestLines)] + "\r\n"
	for _, p := range picks[1:] {
		wire += requestFields[int(p)%len(requestFields)] + "\r\n"
	}
	b := []byte(wire + "\r\n")
	if last := int(picks[len(picks)-1]); last > 200 {
		b[len(b)*last/256] ^= 1 << (last & 7)
	}
	return b
}

// FuzzRequest: whatever bytes come, a request that is accepted is one that net/http accepts, with the same meaning,
// and one that may open a WebSocket is answered as gobwas/ws does. No shorter input gives an error, or a request.
func FuzzRequest(f *testing.F) {
	for _, seed := range []string{
		plainRequest, sampleUpgrade, "\r\n" + sampleUpgrade,
		"POST /a%20b HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\nabc",
		"GET http://[::1]:80/x?y HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n",
		"OPTIONS * HTTP/1.0\r\nA:\tb \r\n\r\n",
		"GET / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n",
		"GET / HTTP/1.1\nHost: h\n\n",
		"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
	} {
		f.Add([]byte(seed), false, uint16(1024))
	}
	f.Add([]byte{0, 0, 2, 4, 6, 7, 9, 11}, true, uint16(4096))
	f.Add([]byte{1, 1, 3, 5, 4, 6, 7, 13, 18, 19, 20}, true, uint16(4096))
	f.Add([]byte{3, 0, 15, 17}, true, uint16(4096))
	f.Fuzz(func(t *testing.T, wire []byte, composed bool, limit uint16) {
		if composed && len(wire) > 0 {
			wire = compose(wire[:min(len(wire), 16)])
		}
		before := bytes.Clone(wire)
		r, n, err := ParseRequest(wire, int(limit))
		if !bytes.Equal(wire, before) {
			t.Fatal("the input was changed")
		}
		if err != nil || n == 0 {
			if n != 0 || r.Method != nil {
				t.Fatalf("nothing accepted, but n = %d, %+v", n, r)
			}
			if err == nil && len(wire) > int(limit) {
				t.Fatal("more than the limit is waited for")
			}
			return
		}
		if n > int(limit) || !bytes.HasSuffix(wire[:n], []byte("\r\n\r\n")) {
			t.Fatalf("n = %d does not end a head", n)
		}
		for i := 0; i < n; i += 1 + n/64 {
			if _, n, err := ParseRequest(wire[:i], int(limit)); n != 0 || err != nil {
				t.Fatalf("first %d bytes: got %d, %v", i, n, err)
			}
		}
		likeNetHTTP(t, &r, wire[:n])
		if r.CheckUpgrade() != nil {
			return
		}
		head := strings.TrimPrefix(string(wire[:n]), "\r\n")
		got, want := acceptOf(AppendUpgrade(nil, &r, "", nil)), acceptOf(gobwasUpgrade(head))
		if len(got) != 28 || got != want && (want != "" || simpleUpgrade(&r)) {
			t.Fatalf("%q: accept %q, gobwas/ws %q", head, got, want)
		}
	})
}

// simpleUpgrade says whether the request has Upgrade and Connection in the one form gobwas/ws knows: a line each, and
// in the first a single protocol, in the second no tab and no empty element (RFC 9110 section 5.6.1 allows both).
func simpleUpgrade(r *Request) bool {
	counts := map[string]int{}
	for rest := r.lines; len(rest) > 0; {
		var name []byte
		name, _, rest = cutField(rest)
		counts[strings.ToLower(string(name))]++
	}
	for element := range strings.SplitSeq(string(r.Header("Connection")), ",") {
		if strings.Trim(element, " \t") == "" || strings.Contains(element, "\t") {
			return false
		}
	}
	return counts["upgrade"] == 1 && counts["connection"] == 1 && foldEqual(r.Header("Upgrade"), "websocket")
}

func likeNetHTTP(t *testing.T, r *Request, head []byte) {
	req, err := http.ReadRequest(bufio.NewReader(bytes.NewReader(bytes.TrimPrefix(head, []byte("\r\n")))))
	if err != nil {
		// net/url knows more of what may stand in the authority of an absolute target.
		if r.Target[0] == '/' {
			t.Fatalf("net/http refuses %q: %v", head, err)
		}
		return
	}
	host := string(r.Host)
	if r.Target[0] != '/' {
		// net/http unescapes the authority of an absolute target.
		if plain, err := url.PathUnescape(host); err == nil {
			host = plain
		}
	}
	length := max(req.ContentLength, 0)
	chunked := len(req.TransferEncoding) > 0
	if req.Method != string(r.Method) || req.RequestURI != string(r.Target) || req.ProtoMinor != r.Minor ||
		req.Host != host || length != r.ContentLength || chunked != r.Chunked || req.Close != r.Close {
		t.Fatalf("%q: got %+v, net/http %+v", head, r, req)
	}
	if r.Target[0] == '/' && req.URL.RawQuery != string(r.Query) {
		t.Fatalf("query %q, net/http %q", r.Query, req.URL.RawQuery)
	}
	for name, values := range req.Header {
		if name == "Cache-Control" && req.Header.Get("Pragma") == "no-cache" {
			continue // net/http adds it
		}
		if got := r.Header(name); got == nil || string(got) != values[0] {
			t.Fatalf("%s: got %q, net/http %q", name, got, values[0])
		}
	}
}

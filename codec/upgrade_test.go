package codec

import (
	"bufio"
	"bytes"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/gobwas/ws"
)

const sampleUpgrade = "GET /chat HTTP/1.1\r\nHost: server.example.com\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n" +
	"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nOrigin: http://example.com\r\nSec-WebSocket-Protocol: chat, superchat\r\n" +
	"Sec-WebSocket-Version: 13\r\n\r\n"

func parse(t *testing.T, wire string) *Request {
	t.Helper()
	r, n, err := ParseRequest([]byte(wire), 8192)
	if err != nil || n != len(wire) {
		t.Fatalf("%q: %d, %v", wire, n, err)
	}
	return &r
}

// TestUpgradeVector is the example of RFC 6455 section 1.3, read back by net/http.
func TestUpgradeVector(t *testing.T) {
	r := parse(t, sampleUpgrade)
	if err := r.CheckUpgrade(); err != nil {
		t.Fatal(err)
	}
	protocol := r.SelectProtocol([]string{"superchat", "chat"})
	answer := AppendUpgrade(nil, r, protocol, deflateAnswer)
	res, err := http.ReadResponse(bufio.NewReader(bytes.NewReader(answer)), nil)
	if err != nil {
		t.Fatal(err)
	}
	want := http.Header{
		"Upgrade": {"websocket"}, "Connection": {"Upgrade"}, "Sec-Websocket-Accept": {"s3pPLMBiTxaQ9kYGzzhZRbK+xOo="},
		"Sec-Websocket-Protocol": {"chat"}, "Sec-Websocket-Extensions": {string(deflateAnswer)},
	}
	if res.StatusCode != 101 || len(res.Header) != len(want) {
		t.Errorf("got %d %v", res.StatusCode, res.Header)
	}
	for name := range want {
		if res.Header.Get(name) != want.Get(name) {
			t.Errorf("%s: got %q, want %q", name, res.Header.Get(name), want.Get(name))
		}
	}
	if bare := string(AppendUpgrade(nil, r, "", nil)); strings.Contains(bare, "Protocol:") || strings.Contains(bare, "Extensions:") {
		t.Errorf("nothing was selected, the answer is %q", bare)
	}
}

// TestUpgradeLikeGobwas: gobwas/ws gives the same proof for the same key.
func TestUpgradeLikeGobwas(t *testing.T) {
	for _, key := range []string{"dGhlIHNhbXBsZSBub25jZQ==", "AAAAAAAAAAAAAAAAAAAAAA==", "/////////////////////w==", "x3JJHMbDL1EzLkh9GBhXDw=="} {
		wire := strings.Replace(sampleUpgrade, "dGhlIHNhbXBsZSBub25jZQ==", key, 1)
		if got, want := acceptOf(AppendUpgrade(nil, parse(t, wire), "", nil)), acceptOf(gobwasUpgrade(wire)); got != want || len(got) != 28 {
			t.Errorf("%s: got %q, gobwas/ws %q", key, got, want)
		}
	}
}

// gobwasUpgrade is the answer of gobwas/ws, nil if it refuses.
func gobwasUpgrade(request string) []byte {
	var answer bytes.Buffer
	_, err := ws.Upgrader{}.Upgrade(struct {
		io.Reader
		io.Writer
	}{strings.NewReader(request), &answer})
	if err != nil {
		return nil
	}
	return answer.Bytes()
}

func acceptOf(answer []byte) string {
	res, err := http.ReadResponse(bufio.NewReader(bytes.NewReader(answer)), nil)
	if err != nil {
		return ""
	}
	return res.Header.Get("Sec-WebSocket-Accept")
}

// TestCheckUpgrade names the error of each requirement; package conformance has the many ways to miss one.
func TestCheckUpgrade(t *testing.T) {
	for _, tt := range []struct {
		old, by string
		want    *HTTPError
	}{
		{"", "", nil},
		{"GET", "POST", errUpgradeMethod},
		{"HTTP/1.1", "HTTP/1.0", errUpgradeVersion},
		{"Host: server.example.com", "Host:", errUpgradeHost},
		{"Upgrade: websocket", "Upgrade: h2c", errUpgradeMissing},
		{"Connection: Upgrade", "Connection: close", errUpgradeConnection},
		{"Version: 13", "Version: 8", errUpgradeWSVersion},
		{"Version: 13\r\n", "Verse: 13\r\n", errUpgradeWSVersion},
		{"dGhlIHNhbXBsZSBub25jZQ==", "c2hvcnQ=", errUpgradeKey},
		{"Origin", "Content-Length: 1\r\nOrigin", errUpgradeBody},
		{"chat, superchat", "chat/1", errUpgradeProtocols},
		{"Origin", "Sec-WebSocket-Extensions: a;\r\nOrigin", errUpgradeExtensions},
	} {
		if got := parse(t, strings.Replace(sampleUpgrade, tt.old, tt.by, 1)).CheckUpgrade(); got != tt.want {
			t.Errorf("%q for %q: got %v, want %v", tt.by, tt.old, got, tt.want)
		}
	}
}

func TestSelectProtocol(t *testing.T) {
	for _, tt := range []struct {
		offered   string
		supported []string
		want      string
	}{
		{"a, b", []string{"b", "a"}, "a"},
		{"c, b", []string{"a", "b"}, "b"},
		{"c", []string{"a", "b"}, ""},
		{"", []string{"a", ""}, ""},
		{" ,, a ,", []string{"a"}, "a"},
		{"A", []string{"a"}, ""},
		{"a", nil, ""},
	} {
		r := Request{Protocols: []byte(tt.offered)}
		if got := r.SelectProtocol(tt.supported); got != tt.want {
			t.Errorf("%q of %q: got %q, want %q", tt.offered, tt.supported, got, tt.want)
		}
	}
}

func TestAppendHTTPError(t *testing.T) {
	for _, e := range []*HTTPError{
		errLineEnd, errHeaderTooLarge, errUpgradeMethod, errUpgradeMissing, errUpgradeWSVersion, errUpgradeVersion, errTransferEncoding,
		{Status: 401, Reason: "no"}, {Status: 403, Reason: "no"}, {Status: 404, Reason: "no"}, {Status: 408, Reason: "no"}, {Status: 411, Reason: "no"}, {Status: 413, Reason: "no"},
		{Status: 429, Reason: "no"}, {Status: 500, Reason: ""}, {Status: 503, Reason: "full", Header: []HTTPField{{"Retry-After", "5"}}}, {Status: 599, Reason: "?"},
	} {
		wire := AppendHTTPError(nil, e)
		br := bufio.NewReader(bytes.NewReader(wire))
		res, err := http.ReadResponse(br, nil)
		if err != nil {
			t.Errorf("%v: %v", e, err)
			continue
		}
		body, err := io.ReadAll(res.Body)
		if err != nil || string(body) != e.Reason || br.Buffered() != 0 || res.StatusCode != e.Status || !res.Close ||
			res.Header.Get("Content-Type") != "text/plain; charset=utf-8" {
			t.Errorf("%v: got %q", e, wire)
		}
		for _, f := range e.Header {
			if !strings.Contains(string(wire), "\r\n"+f.Name+": "+f.Value+"\r\n") {
				t.Errorf("%v: %s is missing in %q", e, f.Name, wire)
			}
		}
		if text := http.StatusText(e.Status); text != "" && text != strings.Replace(statusText(e.Status), "Content Too Large", "Request Entity Too Large", 1) {
			t.Errorf("%d is called %q, net/http says %q", e.Status, statusText(e.Status), text)
		}
	}
	if got := errNoHost.Error(); got != "codec: 400: an HTTP/1.1 request needs a Host header" {
		t.Errorf("Error() = %q", got)
	}
}

package gateway

import (
	"io"
	"net/http"
	"strings"
	"testing"

	"rookery/server"
	"rookery/server/internal/certtest"
)

// TestAllOverTLS runs the tests that have a gateway a second time, over TLS.
func TestAllOverTLS(t *testing.T) {
	certtest.Again(t, "TestAllOverTLS|TestBothPorts|JSON|Object|Scan|Fuzz")
}

// TestBothPorts: the same rooms, pages and numbers on the plain port and on the other.
func TestBothPorts(t *testing.T) {
	g := start(t, Config{
		Server: server.Config{TLS: certtest.Server(), TLSAddr: "127.0.0.1:0"},
		Pages: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			_, _ = io.WriteString(w, "a page, "+r.Proto)
		}),
	})
	browser := certtest.HTTPClient()
	for _, url := range []string{"http://" + g.Server().Addr(), "https://" + g.Server().TLSAddr()} {
		for path, want := range map[string]string{"/": "a page", "/healthz": "ok", "/readyz": "", "/metrics": `rookery_closed_total{cause="tls"}`} {
			res, err := browser.Get(url + path)
			if err != nil {
				t.Fatal(err)
			}
			body, err := io.ReadAll(res.Body)
			_ = res.Body.Close()
			if err != nil || res.StatusCode != http.StatusOK || !strings.Contains(string(body), want) {
				t.Errorf("%s%s: %s %.200q, %v, want %q", url, path, res.Status, body, err, want)
			}
		}
	}
	plain, secret := dialAt(t, "ws://"+g.Server().Addr(), "room=r", ""), dialAt(t, "wss://"+g.Server().TLSAddr(), "room=r", "")
	secret.say(event{"nickname": "ann", "message": "hi"})
	for _, c := range []*client{plain, secret} {
		if e := c.next(); e["message"] != "hi" || e["offset"] != 1.0 {
			t.Fatalf("got %v", e)
		}
	}
}

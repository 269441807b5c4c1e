package main_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
)

func TestHTTP(t *testing.T) {
	g := serve(t)
	for path, want := range map[string]string{
		"/":          "<title>Rookery</title>",
		"/dashboard": "dashboard.js",
		"/chat.js":   "import",
		"/healthz":   "ok\n",
		"/readyz":    "ready\n",
		"/metrics":   "\nrookery_connections 0\n",
	} {
		if status, body := g.get(path); status != http.StatusOK || !strings.Contains(body, want) {
			t.Errorf("%s: %d, without %q: %.200q", path, status, want, body)
		}
	}
	if status, _ := g.get("/nothing"); status != http.StatusNotFound {
		t.Errorf("/nothing: %d", status)
	}
	if status, body := g.get("/ws"); status != http.StatusNotFound && status != http.StatusUpgradeRequired {
		t.Errorf("/ws without an upgrade: %d %q", status, body)
	}
}

// TestHTTPOnOneConnection sends several requests in one segment, and then a WebSocket's.
func TestHTTPOnOneConnection(t *testing.T) {
	g := serve(t)
	ann := g.chatter("lobby", "ann")
	c := g.raw()
	c.write([]byte("GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n" +
		"POST /healthz HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhello" +
		"GET /readyz HTTP/1.1\r\nHost: x\r\n\r\n" +
		fmt.Sprintf(handshake, "lobby") + string(masked(text, `{"nickname":"bob","message":"all in one"}`))))
	for _, want := range []int{http.StatusOK, http.StatusMethodNotAllowed, http.StatusOK} {
		if res, body := c.response(); res.StatusCode != want || res.Close {
			t.Fatalf("%d %q, close %v, want %d", res.StatusCode, body, res.Close, want)
		}
	}
	c.upgraded()
	ann.hears(1, "bob", "all in one")
}

func TestHTTPHead(t *testing.T) {
	g := serve(t)
	c := g.raw()
	c.write([]byte("HEAD /healthz HTTP/1.1\r\nHost: x\r\n\r\nGET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"))
	head, err := http.ReadResponse(c.r, &http.Request{Method: "HEAD"})
	if err != nil || head.StatusCode != http.StatusOK || head.ContentLength != 3 {
		t.Fatalf("HEAD: %v, %v", head, err)
	}
	if res, body := c.response(); body != "ok\n" || !res.Close {
		t.Fatalf("%q follows, close %v", body, res.Close)
	}
	c.over()
}

func TestHTTPBodies(t *testing.T) {
	g := withAPI(t)
	ann := g.chatter("lobby", "ann")
	post := "POST /api/rooms/lobby/messages HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer " + key + "\r\n"

	t.Run("in pieces", func(t *testing.T) {
		c := g.raw()
		c.dribble([]byte(post + "Content-Length: 21\r\n\r\n" + `{"message":"dribbled"`))
		c.write([]byte("}"))
	})
	for _, tt := range []struct {
		name, rest string
		status     int
	}{
		{"too large", "Content-Length: 1048577\r\n\r\n", http.StatusRequestEntityTooLarge},
		{"much too large", "Content-Length: 99999999999\r\n\r\n", http.StatusRequestEntityTooLarge},
		{"no number", "Content-Length: x\r\n\r\n", http.StatusBadRequest},
		{"two lengths", "Content-Length: 1\r\nContent-Length: 2\r\n\r\n", http.StatusBadRequest},
		{"chunked", "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n", http.StatusLengthRequired},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := g.raw()
			c.t = t
			c.write([]byte(post + tt.rest))
			if res, body := c.response(); res.StatusCode != tt.status {
				t.Errorf("%d %q, want %d", res.StatusCode, body, tt.status)
			}
		})
	}
	t.Run("asked for first", func(t *testing.T) {
		c := g.raw()
		body := `{"message":"expected"}`
		c.write(fmt.Appendf(nil, "%sContent-Length: %d\r\nExpect: 100-continue\r\n\r\n", post, len(body)))
		res, err := http.ReadResponse(c.r, nil)
		if err != nil || res.StatusCode != http.StatusContinue {
			t.Fatalf("%v, %v, want 100", res, err)
		}
		c.write([]byte(body))
		if res, body := c.response(); res.StatusCode != http.StatusAccepted {
			t.Fatalf("%d %q", res.StatusCode, body)
		}
		ann.until("what was posted", func(s said) bool { return s.Message == "expected" })
	})
}

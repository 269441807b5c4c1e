package server_test

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/gobwas/ws"

	"rookery/codec/conformance"
	"rookery/server"
)

// say answers with the request's method, path and body.
func say(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	fmt.Fprintf(w, "%s %s %s", r.Method, r.URL.Path, body)
}

func TestHTTPKeepAlive(t *testing.T) {
	srv := start(t, server.Config{HTTP: http.HandlerFunc(say), MaxBody: 16}, server.Handler{OnMessage: echo})
	for _, tt := range []struct {
		name, send string
		want       []string // bodies; the last one's connection is closed unless an upgrade follows
	}{
		{"pipelined", "GET /a HTTP/1.1\r\nHost: x\r\n\r\nPOST /b HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\nhiGET /c HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
			[]string{"GET /a ", "POST /b hi", "GET /c "}},
		{"HTTP/1.0", "GET /a HTTP/1.0\r\nHost: x\r\n\r\n", []string{"GET /a "}},
		{"body at the limit", "POST / HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 16\r\n\r\n0123456789abcdef", []string{"POST / 0123456789abcdef"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := connect(t, srv)
			c.write([]byte(tt.send))
			for _, want := range tt.want {
				if res, body := c.reply(); res.StatusCode != http.StatusOK || body != want {
					t.Fatalf("got %d %q, want %q", res.StatusCode, body, want)
				}
			}
			c.over()
		})
	}
	t.Run("then an upgrade", func(t *testing.T) {
		c := connect(t, srv)
		c.write([]byte("GET /a HTTP/1.1\r\nHost: x\r\n\r\n" + conformance.Request(false)))
		if _, body := c.reply(); body != "GET /a " {
			t.Fatalf("got %q", body)
		}
		if res, err := http.ReadResponse(c.r, nil); err != nil || res.StatusCode != http.StatusSwitchingProtocols {
			t.Fatalf("no upgrade: %v, %v", res, err)
		}
		c.send(ws.OpText, "hello")
		c.hears("hello")
	})
	t.Run("body too large", func(t *testing.T) {
		c := connect(t, srv)
		c.write([]byte("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 17\r\n\r\n0123456789abcdefg"))
		if res, _ := c.reply(); res.StatusCode != http.StatusRequestEntityTooLarge || !res.Close {
			t.Fatalf("got %v", res)
		}
		c.over()
	})
	t.Run("HEAD", func(t *testing.T) {
		c := connect(t, srv)
		c.write([]byte("HEAD /a HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"))
		res, err := http.ReadResponse(c.r, &http.Request{Method: http.MethodHead})
		if err != nil || res.StatusCode != http.StatusOK || res.ContentLength != int64(len("HEAD /a ")) {
			t.Fatalf("got %v, %v", res, err)
		}
		c.over()
	})
}

func TestHTTPWithoutAHandler(t *testing.T) {
	srv := start(t, server.Config{}, server.Handler{})
	c := connect(t, srv)
	c.write([]byte("GET / HTTP/1.1\r\nHost: x\r\n\r\n"))
	if res, _ := c.reply(); res.StatusCode != http.StatusUpgradeRequired || res.Header.Get("Upgrade") == "" {
		t.Fatalf("got %v", res)
	}
}

func TestHTTPHandlerPanics(t *testing.T) {
	srv := start(t, server.Config{HTTPWorkers: 1, HTTP: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/panic" {
			panic("handler")
		}
		say(w, r)
	})}, server.Handler{})
	c := connect(t, srv)
	c.write([]byte("GET /panic HTTP/1.1\r\nHost: x\r\n\r\nGET /on HTTP/1.1\r\nHost: x\r\n\r\n"))
	if res, _ := c.reply(); res.StatusCode != http.StatusInternalServerError {
		t.Fatalf("got %v", res)
	}
	if _, body := c.reply(); body != "GET /on " {
		t.Fatalf("got %q", body)
	}
}

// TestSlowHTTPHandler: while handlers block, all there are, WebSockets go on; requests wait, up to a bound, and are then
// told 503; and the deadlines of others are kept.
func TestSlowHTTPHandler(t *testing.T) {
	entered, release := make(chan struct{}, 1), make(chan struct{})
	srv := start(t, server.Config{
		Loops: 1, HTTPWorkers: 1, HandshakeTimeout: 500 * time.Millisecond,
		HTTP: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			select {
			case entered <- struct{}{}:
			default:
			}
			<-release
			say(w, r)
		}),
	}, server.Handler{OnMessage: echo})
	chat := upgraded(t, srv)
	slow := connect(t, srv)
	slow.write([]byte("GET /slow HTTP/1.1\r\nHost: x\r\n\r\n"))
	<-entered
	chat.send(ws.OpText, "meanwhile")
	chat.hears("meanwhile")

	const waiting = 64
	queue := make([]*socket, waiting+1)
	for i := range queue {
		queue[i] = connect(t, srv)
		queue[i].write([]byte("GET /queued HTTP/1.1\r\nHost: x\r\n\r\n"))
	}
	// All are on one loop, but which comes last is the kernel's choice.
	refused := make(chan struct{}, len(queue))
	for _, c := range queue {
		go func() {
			if res, err := http.ReadResponse(c.r, nil); err == nil && res.StatusCode == http.StatusServiceUnavailable {
				refused <- struct{}{}
			}
		}()
	}
	<-refused

	// More than one timeout after the slow request came, its own deadline must not hold up this one's.
	late := connect(t, srv)
	late.write([]byte("GET / HTTP/1.1\r\n"))
	if res, _ := late.reply(); res.StatusCode != http.StatusRequestTimeout {
		t.Fatalf("got %v", res)
	}
	later := connect(t, srv)
	later.write([]byte("GET / HTTP/1.1\r\n"))
	if res, _ := later.reply(); res.StatusCode != http.StatusRequestTimeout {
		t.Fatalf("got %v", res)
	}
	chat.send(ws.OpText, "still")
	chat.hears("still")
	close(release)
	if _, body := slow.reply(); body != "GET /slow " {
		t.Fatalf("got %q", body)
	}
}

// TestHTTPDeadlinesDoNotPileUp: a connection that is kept alive for ever has one, however many requests it makes.
func TestHTTPDeadlinesDoNotPileUp(t *testing.T) {
	srv := start(t, server.Config{Loops: 1, HTTP: http.HandlerFunc(say)}, server.Handler{})
	c := connect(t, srv)
	c.write([]byte(strings.Repeat("GET / HTTP/1.1\r\nHost: x\r\n\r\n", 100)))
	for range 100 {
		c.reply()
	}
	kept := make(chan int)
	srv.Loops()[0].Post(func() { kept <- srv.Loops()[0].Handshaking() })
	if n := <-kept; n != 1 {
		t.Errorf("%d deadlines are kept for one connection", n)
	}
}

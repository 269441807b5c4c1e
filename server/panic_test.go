package server_test

import (
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gobwas/ws"

	"rookery/codec"
	"rookery/codec/conformance"
	"rookery/server"
)

// TestPanics: a panic in a callback closes its connection with 1011, and nobody else notices.
func TestPanics(t *testing.T) {
	var closes atomic.Int32
	srv := start(t, server.Config{Loops: 1, PingInterval: time.Second}, server.Handler{
		OnUpgrade: func(c *server.Conn, r *codec.Request) *codec.HTTPError {
			if string(r.Path) == "/OnUpgrade" {
				panic("upgrade")
			}
			c.SetSession(string(r.Path))
			return nil
		},
		OnOpen: func(c *server.Conn) {
			if c.Session() == "/OnOpen" {
				panic("open")
			}
		},
		OnMessage: func(c *server.Conn, m codec.Message) {
			if c.Session() == "/OnMessage" {
				panic("message")
			}
			echo(c, m)
		},
		OnKeepalive: func(c *server.Conn) {
			if c.Session() == "/OnKeepalive" {
				panic("keepalive")
			}
		},
		OnClose: func(c *server.Conn, err *server.CloseError) {
			closes.Add(1)
			if c.Session() == "/OnClose" {
				panic("close")
			}
		},
	})
	other := dial(t, srv, "/")
	for _, callback := range []string{"OnOpen", "OnMessage", "OnKeepalive", "OnClose", "OnUpgrade"} {
		t.Run(callback, func(t *testing.T) {
			closed := closes.Load()
			c := connect(t, srv)
			c.write([]byte(strings.Replace(conformance.Request(false), "/", "/"+callback, 1)))
			if callback != "OnUpgrade" {
				if res, err := http.ReadResponse(c.r, nil); err != nil || res.StatusCode != http.StatusSwitchingProtocols {
					t.Fatalf("no upgrade: %v, %v", res, err)
				}
				if callback == "OnMessage" {
					c.send(ws.OpText, "x")
				}
				if callback == "OnClose" {
					_ = c.Close()
				} else if code, reason := c.closed(); code != 1011 || !strings.HasPrefix(reason, "handler_panic") {
					t.Errorf("closed with %d %q", code, reason)
				}
				_ = c.Close()
				if !settles(func() bool { return closes.Load() == closed+1 }) {
					t.Errorf("OnClose was called %d times", closes.Load()-closed)
				}
			}
			if err := other.WriteMessage(1, []byte("unharmed")); err != nil {
				t.Fatal(err)
			}
			if _, b, err := other.ReadMessage(); err != nil || string(b) != "unharmed" {
				t.Fatalf("the other one got %q, %v", b, err)
			}
		})
	}
	if n := srv.Stats().Closed[server.CauseHandlerPanic]; n < 3 {
		t.Errorf("%d ends were counted as handler_panic", n)
	}
}

// TestPostedPanic: what is posted beside it still runs.
func TestPostedPanic(t *testing.T) {
	srv := start(t, server.Config{Loops: 1}, server.Handler{})
	ran := make(chan struct{})
	srv.Loops()[0].Post(func() { panic("posted") })
	srv.Loops()[0].Post(func() { close(ran) })
	<-ran
}

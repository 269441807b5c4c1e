package server_test

import (
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/url"
	"os"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gobwas/ws"

	"rookery/server"
	"rookery/server/internal/certtest"
)

var wsURL = &url.URL{Scheme: "ws", Host: "localhost", Path: "/"}

// upgradeTLS opens a WebSocket without a goroutine or a buffer of its own.
func upgradeTLS(addr string, cfg *tls.Config) (*tls.Conn, error) {
	raw, err := net.Dial("tcp", addr)
	if err != nil {
		return nil, err
	}
	_ = raw.SetDeadline(time.Now().Add(60 * time.Second))
	c := tls.Client(raw, cfg)
	if _, _, err := (ws.Dialer{}).Upgrade(c, wsURL); err != nil {
		_ = raw.Close()
		return nil, err
	}
	return c, nil
}

func openFiles(t *testing.T) int {
	t.Helper()
	entries, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	return len(entries)
}

// TestIdleTLSConnections holds 1,000 of them: no goroutine more than without, no bytes of theirs in buffers of ours, and
// no descriptor left when they have gone.
func TestIdleTLSConnections(t *testing.T) {
	const count = 1000
	srv := startTLS(t, server.Config{Loops: 2}, server.Handler{OnMessage: echo})
	cfg := clientTLS()
	cfg.ClientSessionCache, cfg.CurvePreferences = tls.NewLRUClientSessionCache(1), []tls.CurveID{tls.X25519}
	wantEcho(t, dialTLS(t, srv, cfg), "the first leaves a session to resume, which is quicker")
	goroutines, files := runtime.NumGoroutine(), openFiles(t)
	conns := make([]*tls.Conn, count)
	for i := range conns {
		var err error
		if conns[i], err = upgradeTLS(srv.TLSAddr(), cfg); err != nil {
			t.Fatalf("connection %d: %v", i, err)
		}
	}
	eventually(t, "the handshakes' goroutines are gone", func() bool { return runtime.NumGoroutine() <= goroutines })
	eventually(t, "all are open", func() bool { return srv.Stats().Open == count+1 })
	if pinned := srv.Stats().Pinned; pinned != 0 {
		t.Errorf("%d bytes are held for input that is complete", pinned)
	}
	for _, c := range conns {
		_ = c.NetConn().Close()
	}
	eventually(t, "their descriptors are closed", func() bool { return openFiles(t) <= files })
}

// TestManyTLSHandshakes has 500 clients shake hands at once, over few places, while others talk.
func TestManyTLSHandshakes(t *testing.T) {
	srv := startTLS(t, server.Config{Loops: 1, TLSHandshakes: 16, HandshakeTimeout: time.Minute}, server.Handler{OnMessage: echo})
	cfg := clientTLS()
	stop := make(chan struct{})
	var talkers, clients sync.WaitGroup
	for range 4 {
		c := dialTLS(t, srv, cfg)
		_ = c.SetReadDeadline(time.Now().Add(60 * time.Second))
		talkers.Add(1)
		go func() {
			defer talkers.Done()
			for n := 0; ; n++ {
				select {
				case <-stop:
					return
				default:
				}
				message := fmt.Sprint("message ", n)
				if err := c.WriteMessage(1, []byte(message)); err != nil {
					t.Error(err)
					return
				}
				if _, got, err := c.ReadMessage(); err != nil || string(got) != message {
					t.Errorf("got %q, %v, want %q", got, err, message)
					return
				}
			}
		}()
	}
	for range 500 {
		clients.Add(1)
		go func() {
			defer clients.Done()
			c, err := upgradeTLS(srv.TLSAddr(), cfg)
			if err != nil {
				t.Error(err)
				return
			}
			_ = c.NetConn().Close()
		}()
	}
	clients.Wait()
	close(stop)
	talkers.Wait()
	eventually(t, "only those who talk are left", func() bool { return srv.Stats().Open == 4 })
}

// TestSlowTLSHandshake holds handshakes open in several ways, until the deadline ends each.
func TestSlowTLSHandshake(t *testing.T) {
	hello := clientHello(t)
	srv := startTLS(t, server.Config{Loops: 1, HandshakeTimeout: 200 * time.Millisecond}, server.Handler{OnMessage: echo})
	goroutines := runtime.NumGoroutine()
	for _, part := range [][]byte{nil, hello[:1], hello[:5], hello[:len(hello)-1], hello} {
		c := dialRaw(t, srv.TLSAddr())
		if _, err := c.Write(part); err != nil {
			t.Fatal(err)
		}
		defer func() {
			_, _ = io.Copy(io.Discard, c)
			_ = c.Close()
		}()
	}
	eventually(t, "all run out of time", func() bool {
		return closings(srv, server.CauseHandshakeTimeout) == 4 && closings(srv, server.CauseUnused) == 1
	})
	eventually(t, "no goroutine is left", func() bool { return runtime.NumGoroutine() <= goroutines })
	eventually(t, "nothing is held for them", func() bool { return srv.Stats().Pinned == 0 })
	wantEcho(t, dialTLS(t, srv, clientTLS()), "the server goes on")
}

// TestSilentTLSPeersMakeRoom fills all places with peers that do not answer. Those who wait get in long before the
// deadline, which is a minute.
func TestSilentTLSPeersMakeRoom(t *testing.T) {
	hello := clientHello(t)
	srv := startTLS(t, server.Config{Loops: 1, TLSHandshakes: 2, HandshakeTimeout: time.Minute}, server.Handler{OnMessage: echo})
	for range 3 {
		c := dialRaw(t, srv.TLSAddr())
		if _, err := c.Write(hello); err != nil {
			t.Fatal(err)
		}
	}
	wantEcho(t, dialTLS(t, srv, clientTLS()), "in spite of them")
	if got := closings(srv, server.CauseHandshakeTimeout); got == 0 {
		t.Error("nobody lost a place")
	}
}

// TestTLSHandshakeQueue overflows the queue: what is too much is closed and counted.
func TestTLSHandshakeQueue(t *testing.T) {
	hello := clientHello(t)
	srv := startTLS(t, server.Config{Loops: 1, TLSHandshakes: 1, HandshakeTimeout: time.Minute}, server.Handler{OnMessage: echo})
	const places = 1 + 64
	for range places + 10 {
		if _, err := dialRaw(t, srv.TLSAddr()).Write(hello); err != nil {
			t.Fatal(err)
		}
	}
	eventually(t, "ten are turned away", func() bool { return closings(srv, server.CauseOverCapacity) >= 10 })
}

// TestTLSConfigCallbackPanics: a panic in a callback of the user's ends one handshake.
func TestTLSConfigCallbackPanics(t *testing.T) {
	srv := startTLS(t, server.Config{Loops: 1, CloseTimeout: 100 * time.Millisecond, TLS: &tls.Config{
		GetCertificate: func(hello *tls.ClientHelloInfo) (*tls.Certificate, error) {
			if hello.Conn.RemoteAddr() == nil || hello.Conn.LocalAddr() == nil {
				t.Error("a callback sees no addresses")
			}
			if strings.HasPrefix(hello.ServerName, "panic") {
				panic("as asked for")
			}
			cert := certtest.For("localhost").TLS()
			return &cert, nil
		},
	}}, server.Handler{OnMessage: echo})
	cfg := clientTLS()
	cfg.ServerName = "panic.example"
	if _, err := upgradeTLS(srv.TLSAddr(), cfg); err == nil {
		t.Error("no error")
	}
	eventually(t, "it is counted as tls", func() bool { return closings(srv, server.CauseTLS) == 1 })
	wantEcho(t, dialTLS(t, srv, clientTLS()), "the server goes on")
}

package server_test

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gobwas/ws"

	"rookery/codec"
	"rookery/codec/conformance"
	"rookery/server"
)

// ending runs a server whose connections tell how they ended.
func ending(t *testing.T, cfg server.Config, h server.Handler) (*server.Server, chan server.CloseError) {
	t.Helper()
	ends := make(chan server.CloseError, 16)
	h.OnClose = func(c *server.Conn, err *server.CloseError) {
		if c.Send(ws.OpText, nil) != server.ErrClosed {
			t.Error("a closed connection can be sent to")
		}
		ends <- *err
	}
	return start(t, cfg, h), ends
}

// TestEnds: every end has one cause, which is the close frame's, the callback's and the counter's.
func TestEnds(t *testing.T) {
	quit := func(c *server.Conn, m codec.Message) {
		switch string(m.Payload) {
		case "close":
			c.Close(4000, "asked for")
			c.Close(4001, "asked for twice")
		case "flood":
			for c.Send(ws.OpBinary, make([]byte, 1<<20)) == nil {
			}
		default:
			echo(c, m)
		}
	}
	cfg := server.Config{Loops: 1, PingInterval: time.Second, CloseTimeout: time.Second}
	srv, ends := ending(t, cfg, server.Handler{OnMessage: quit})
	for _, tt := range []struct {
		name  string
		do    func(c *socket)
		code  ws.StatusCode // of the frame that the client gets; 0 for none, 1005 for an empty one
		cause server.Cause
		says  string
	}{
		{"peer closes", func(c *socket) { c.write(closeFrame(1001, "away")) }, 1001, server.CausePeerClosed, "away"},
		{"peer closes without a code", func(c *socket) { c.send(ws.OpClose, "") }, 1005, server.CausePeerClosed, ""},
		{"peer drops", func(c *socket) { _ = c.Close() }, 0, server.CausePeerVanished, ""},
		{"peer is silent", func(*socket) {}, 1008, server.CausePingTimeout, "no answer to ping"},
		{"handler closes", func(c *socket) { c.send(ws.OpText, "close") }, 4000, server.CauseApplication, "asked for"},
		{"replies are not read", func(c *socket) { c.send(ws.OpText, "flood") }, 1013, server.CauseSlowConsumer, "left unread"},
		{"protocol is broken", func(c *socket) { c.write([]byte{0xff, 0x80, 0, 0, 0, 0}) }, 1002, server.CauseProtocolError, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			before := srv.Stats().Closed[tt.cause]
			c := upgraded(t, srv)
			tt.do(c)
			if tt.code != 0 {
				code, _ := c.closed()
				if code != tt.code && (code != 0 || tt.code != 1005) {
					t.Errorf("closed with %d, want %d", code, tt.code)
				}
			}
			// Nobody answers the close frame: its deadline ends the connection.
			end := <-ends
			if end.Cause != tt.cause || !strings.Contains(end.Reason, tt.says) {
				t.Errorf("ended with %v %q, want %v %q", end.Cause, end.Reason, tt.cause, tt.says)
			}
			if n := srv.Stats().Closed[tt.cause]; n != before+1 {
				t.Errorf("%d ends were counted", n-before)
			}
		})
	}
}

func closeFrame(code ws.StatusCode, reason string) []byte {
	return ws.MustCompileFrame(ws.MaskFrame(ws.NewCloseFrame(ws.NewCloseFrameBody(code, reason))))
}

// TestPingsKeepAlive: who answers pings stays.
func TestPingsKeepAlive(t *testing.T) {
	srv := start(t, server.Config{Loops: 1, PingInterval: time.Second}, server.Handler{OnMessage: echo})
	c := upgraded(t, srv)
	for range 3 {
		f := c.frame()
		if f.Header.OpCode != ws.OpPing {
			t.Fatalf("got %v", f.Header)
		}
		c.send(ws.OpPong, string(f.Payload))
	}
	c.send(ws.OpText, "still here")
	c.hears("still here")
}

// TestPerIP: the places of one address are its own, and come back.
func TestPerIP(t *testing.T) {
	srv := start(t, server.Config{Loops: 2, MaxConnsPerIP: 2}, server.Handler{OnMessage: echo})
	from := func(ip string) (*http.Response, net.Conn) {
		d := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(ip)}}
		conn, err := d.Dial("tcp", srv.Addr())
		if err != nil {
			t.Fatal(err)
		}
		c := connectedAs(t, conn)
		c.write([]byte(conformance.Request(false)))
		res, err := http.ReadResponse(c.r, nil)
		if err != nil {
			t.Fatal(err)
		}
		return res, conn
	}
	var first net.Conn
	for _, tt := range []struct {
		ip     string
		status int
	}{{"127.0.0.1", 101}, {"127.0.0.1", 101}, {"127.0.0.1", 503}, {"127.0.0.2", 101}} {
		res, conn := from(tt.ip)
		if res.StatusCode != tt.status {
			t.Fatalf("%s: %d, want %d", tt.ip, res.StatusCode, tt.status)
		}
		if first == nil {
			first = conn
		}
	}
	_ = first.Close()
	if !settles(func() bool {
		res, conn := from("127.0.0.1")
		if res.StatusCode != http.StatusSwitchingProtocols {
			_ = conn.Close()
		}
		return res.StatusCode == http.StatusSwitchingProtocols
	}) {
		t.Error("the place was not given back")
	}
}

// TestStopAcceptingResetsNobody has clients connect while the port closes: each is served or refused by its own kernel.
func TestStopAcceptingResetsNobody(t *testing.T) {
	srv := start(t, server.Config{Loops: 3}, server.Handler{})
	var all sync.WaitGroup
	stopped := make(chan struct{})
	errs := make(chan error, 1000)
	for range 4 {
		all.Go(func() {
			for {
				conn, err := net.Dial("tcp", srv.Addr())
				if err != nil {
					select {
					case <-stopped:
						return
					default: // refused in the moment between the two
						continue
					}
				}
				_ = conn.SetDeadline(time.Now().Add(patience))
				if _, err := fmt.Fprint(conn, conformance.Request(false)); err == nil {
					if _, err := conn.Read(make([]byte, 12)); err != nil {
						errs <- err
					}
				}
				_ = conn.Close()
			}
		})
	}
	if !settles(func() bool { return srv.Stats().Admitted > 0 }) {
		t.Error("nobody came")
	}
	if err := srv.StopAccepting(context.Background()); err != nil {
		t.Error(err)
	}
	close(stopped)
	all.Wait()
	close(errs)
	for err := range errs {
		t.Errorf("a connection that was taken got no answer: %v", err)
	}
}

// TestFarewellsWait: when everybody leaves at once, a message that came after their close frames is handled before they are
// answered.
func TestFarewellsWait(t *testing.T) {
	const leavers = 100
	var closes, seen atomic.Int32
	srv := start(t, server.Config{Loops: 1}, server.Handler{
		OnMessage: func(c *server.Conn, m codec.Message) { seen.Store(closes.Load()); echo(c, m) },
		OnClose:   func(*server.Conn, *server.CloseError) { closes.Add(1) },
	})
	chatter := upgraded(t, srv)
	var crowd []*socket
	for range leavers {
		crowd = append(crowd, upgraded(t, srv))
	}
	release := make(chan struct{})
	srv.Loops()[0].Post(func() { <-release })
	for _, c := range crowd {
		c.write(closeFrame(1001, "away"))
	}
	chatter.send(ws.OpText, "hello")
	close(release)
	chatter.hears("hello")
	for _, c := range crowd {
		if code, _ := c.closed(); code != 1001 {
			t.Fatalf("closed with %d", code)
		}
	}
	if n := seen.Load(); n > 32 { // farewellBatch
		t.Errorf("%d were closed before the message was handled", n)
	}
}

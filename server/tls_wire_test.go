package server_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gorilla/websocket"

	"rookery/server"
)

var versions = []uint16{tls.VersionTLS12, tls.VersionTLS13}

// pieces is a connection that writes in pieces, and lets the server read each before it writes the next.
type pieces struct {
	net.Conn
	srv  *server.Server
	size int // of a piece, if not 0
	at   int // otherwise: where to cut once
}

func (p *pieces) Write(b []byte) (int, error) {
	written := 0
	for len(b) > 0 {
		n := p.size
		if n == 0 {
			n, p.at = p.at, 0
		}
		if n <= 0 || n > len(b) {
			n = len(b)
		}
		if _, err := p.Conn.Write(b[:n]); err != nil {
			return written, err
		}
		barrier(p.srv)
		written += n
		b = b[n:]
	}
	return written, nil
}

// barrier returns when the loops have read what was sent to them: a task that is posted runs after the next poll.
func barrier(srv *server.Server) {
	var all sync.WaitGroup
	for _, l := range srv.Loops() {
		all.Add(1)
		l.Post(all.Done)
	}
	all.Wait()
}

func dialPieces(t *testing.T, srv *server.Server, version uint16, size int) (*websocket.Conn, *pieces) {
	t.Helper()
	cfg := clientTLS()
	cfg.MinVersion, cfg.MaxVersion = version, version
	p := &pieces{srv: srv, size: size}
	d := websocket.Dialer{TLSClientConfig: cfg, NetDialContext: func(ctx context.Context, network, addr string) (net.Conn, error) {
		conn, err := new(net.Dialer).DialContext(ctx, network, addr)
		p.Conn = conn
		return p, err
	}}
	c, _, err := d.Dial("wss://"+srv.TLSAddr()+"/", nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	_ = c.SetReadDeadline(time.Now().Add(20 * time.Second))
	return c, p
}

func wantEcho(t *testing.T, c *websocket.Conn, message string) {
	t.Helper()
	if err := c.WriteMessage(websocket.TextMessage, []byte(message)); err != nil {
		t.Fatal(err)
	}
	_, got, err := c.ReadMessage()
	if err != nil || string(got) != message {
		t.Fatalf("got %.40q, %v, want %.40q", got, err, message)
	}
}

// TestTLSInPieces sends everything, handshake and records, in pieces of 1 and of 7 bytes.
func TestTLSInPieces(t *testing.T) {
	srv := startTLS(t, server.Config{Loops: 1}, server.Handler{OnMessage: echo})
	for _, version := range versions {
		for _, size := range []int{1, 7} {
			c, _ := dialPieces(t, srv, version, size)
			for _, message := range []string{"", "short", strings.Repeat("longer ", 100)} {
				wantEcho(t, c, message)
			}
		}
	}
	if pinned := srv.Stats().Pinned; pinned != 0 {
		t.Errorf("%d bytes are counted as unfinished input, and there is none", pinned)
	}
}

// TestTLSCutAnywhere cuts a record once, at each of its bytes in turn.
func TestTLSCutAnywhere(t *testing.T) {
	srv := startTLS(t, server.Config{Loops: 1}, server.Handler{OnMessage: echo})
	for _, version := range versions {
		c, p := dialPieces(t, srv, version, 1<<20)
		p.size = 0
		for at := range 64 {
			p.at = at
			wantEcho(t, c, "a message")
		}
	}
}

// tap keeps what a client reads off the socket.
type tap struct {
	net.Conn
	read bytes.Buffer
}

func (c *tap) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	c.read.Write(b[:n])
	return n, err
}

// records are the types and lengths of the TLS records that were read.
func (c *tap) records() (types []byte, lengths []int) {
	for b := c.read.Bytes(); len(b) >= 5; {
		n := int(b[3])<<8 | int(b[4])
		types, lengths = append(types, b[0]), append(lengths, n)
		b = b[min(5+n, len(b)):]
	}
	return types, lengths
}

// TestTLSCloseNotifySent expects the alert behind the close frame: in the open in TLS 1.2, and known by its length, of two
// bytes, a type and a tag of 16, in TLS 1.3.
func TestTLSCloseNotifySent(t *testing.T) {
	ends := map[string]func(t *testing.T, c *websocket.Conn){
		"by the client": func(t *testing.T, c *websocket.Conn) {
			_ = c.WriteMessage(websocket.CloseMessage, websocket.FormatCloseMessage(1000, ""))
		},
		"by the server": func(t *testing.T, c *websocket.Conn) { _ = c.WriteMessage(websocket.TextMessage, []byte("close")) },
		"for an error":  func(t *testing.T, c *websocket.Conn) { _, _ = c.NetConn().Write([]byte{0xff, 0xff}) },
	}
	srv := startTLS(t, server.Config{Loops: 1}, server.Handler{OnMessage: closeOnDemand})
	for name, end := range ends {
		for _, version := range versions {
			raw := &tap{}
			cfg := clientTLS()
			cfg.MinVersion, cfg.MaxVersion = version, version
			d := websocket.Dialer{TLSClientConfig: cfg, NetDialContext: func(ctx context.Context, network, addr string) (_ net.Conn, err error) {
				raw.Conn, err = new(net.Dialer).DialContext(ctx, network, addr)
				return raw, err
			}}
			c, _, err := d.Dial("wss://"+srv.TLSAddr()+"/", nil)
			if err != nil {
				t.Fatal(err)
			}
			_ = c.SetReadDeadline(time.Now().Add(20 * time.Second))
			end(t, c)
			_, _, err = c.ReadMessage()
			if closed := (*websocket.CloseError)(nil); !errors.As(err, &closed) {
				t.Fatalf("%s: got %v, want a close frame", name, err)
			}
			if _, err := io.Copy(io.Discard, c.NetConn()); err != nil {
				t.Errorf("%s: %v behind the close frame", name, err)
			}
			types, lengths := raw.records()
			last := len(types) - 1
			if version == tls.VersionTLS12 && types[last] != 21 || version == tls.VersionTLS13 && lengths[last] != 2+1+16 {
				t.Errorf("%s, %s: the last record is of type %d with %d bytes: no close_notify", name, tls.VersionName(version), types[last], lengths[last])
			}
			_ = c.Close()
		}
	}
}

// TestTLSEndOfInput tells a peer that says goodbye from one that is cut off.
func TestTLSEndOfInput(t *testing.T) {
	for _, tt := range []struct {
		name  string
		end   func(c *tls.Conn) error
		cause server.Cause
	}{
		{"close_notify", func(c *tls.Conn) error { return c.CloseWrite() }, server.CausePeerClosed},
		{"nothing", func(c *tls.Conn) error { return c.NetConn().Close() }, server.CausePeerVanished},
		{"half a record", func(c *tls.Conn) error {
			_, err := c.NetConn().Write([]byte{23, 3, 3, 0, 40, 1, 2, 3})
			return errors.Join(err, c.NetConn().Close())
		}, server.CausePeerVanished},
	} {
		closed := make(chan *server.CloseError, 1)
		srv := startTLS(t, server.Config{Loops: 1}, server.Handler{
			OnMessage: echo,
			OnClose:   func(_ *server.Conn, err *server.CloseError) { closed <- err },
		})
		c := dialTLS(t, srv, clientTLS())
		wantEcho(t, c, "hello")
		if err := tt.end(c.NetConn().(*tls.Conn)); err != nil {
			t.Fatal(err)
		}
		if got := <-closed; got.Cause != tt.cause || got.Code != websocket.CloseAbnormalClosure {
			t.Errorf("%s: got %v with code %d, want %v", tt.name, got, got.Code, tt.cause)
		}
	}
}

package server_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/gorilla/websocket"

	"rookery/server"
)

// closings counts how connections ended.
func closings(srv *server.Server, cause server.Cause) uint64 { return srv.Stats().Closed[cause] }

func eventually(t *testing.T, what string, holds func() bool) {
	t.Helper()
	for deadline := time.Now().Add(20 * time.Second); !holds(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("never came true: %s", what)
		}
	}
}

// clientHello is what crypto/tls would send first.
func clientHello(t *testing.T) []byte {
	t.Helper()
	a, b := net.Pipe()
	defer b.Close()
	go func() { _ = tls.Client(a, clientTLS()).Handshake(); _ = a.Close() }()
	buf := make([]byte, 4096)
	n, err := b.Read(buf)
	if err != nil {
		t.Fatal(err)
	}
	return buf[:n]
}

func dialRaw(t *testing.T, addr string) net.Conn {
	t.Helper()
	c, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	_ = c.SetDeadline(time.Now().Add(20 * time.Second))
	return c
}

// TestTLSBeforeFinished sends what is no handshake. The answer is an alert, or the end.
func TestTLSBeforeFinished(t *testing.T) {
	hello := clientHello(t)
	srv := startTLS(t, server.Config{Loops: 1, CloseTimeout: 100 * time.Millisecond}, server.Handler{OnMessage: echo})
	for _, tt := range []struct {
		name  string
		send  []byte
		alert byte // the last byte of the answer
	}{
		{"garbage", []byte{0x07, 0xff, 0x00, 0x13, 0x37, 0x00}, 10},
		{"an empty record", []byte{22, 3, 1, 0, 0}, 10},
		{"an oversized record", []byte{22, 3, 1, 0x40, 1}, 22},
		{"application data first", []byte{23, 3, 3, 0, 3, 'G', 'E', 'T'}, 10},
		{"a heartbeat first", []byte{24, 3, 3, 0, 3, 1, 0x40, 0}, 10},
		{"SSL 2", []byte{0x80, 0x2e, 0x01, 0x00, 0x02, 0x00, 0x15}, 10},
		{"a ServerHello", []byte{22, 3, 1, 0, 4, 2, 0, 0, 0}, 50},
		{"nonsense in a ClientHello", []byte{22, 3, 1, 0, 6, 1, 0, 0, 2, 0xff, 0xff}, 50},
		{"data before Finished", append(bytes.Clone(hello), 23, 3, 3, 0, 3, 'G', 'E', 'T'), 0},
		{"a heartbeat before Finished", append(bytes.Clone(hello), 24, 3, 3, 0, 3, 1, 0x40, 0), 0},
		{"an alert before Finished", append(bytes.Clone(hello), 21, 3, 3, 0, 2, 2, 40), 0},
	} {
		before := closings(srv, server.CauseTLS)
		c := dialRaw(t, srv.TLSAddr())
		if _, err := c.Write(tt.send); err != nil {
			t.Fatal(err)
		}
		got, err := io.ReadAll(c)
		if err != nil {
			t.Errorf("%s: %v", tt.name, err)
		}
		if tt.alert != 0 && (len(got) != 7 || got[0] != 21 || got[5] != 2 || got[6] != tt.alert) {
			t.Errorf("%s: got % x, want alert %d", tt.name, got, tt.alert)
		}
		_ = c.Close()
		eventually(t, tt.name+" is counted as tls", func() bool { return closings(srv, server.CauseTLS) == before+1 })
	}
	wantEcho(t, dialTLS(t, srv, clientTLS()), "the server goes on")
}

// TestTLSFloodBeforeHandshake sends more than any handshake needs, behind a ClientHello and instead of one.
func TestTLSFloodBeforeHandshake(t *testing.T) {
	// A handshake message of 65,531 bytes, which crypto/tls waits for, in records, and then more.
	var flood []byte
	for range 12 {
		record := append([]byte{22, 3, 1, 0x40, 0}, make([]byte, 1<<14)...)
		record[5], record[7], record[8] = 1, 0xff, 0xfb
		flood = append(flood, record...)
	}
	srv := startTLS(t, server.Config{Loops: 1, CloseTimeout: 100 * time.Millisecond}, server.Handler{OnMessage: echo})
	c := dialRaw(t, srv.TLSAddr())
	_, _ = c.Write(flood)
	eventually(t, "the flood ends as tls", func() bool { return closings(srv, server.CauseTLS) == 1 })
	eventually(t, "nothing is held for it", func() bool { return srv.Stats().Pinned == 0 })
}

// TestTLSAfterFinished breaks an established connection. Each time the server ends this one and goes on.
func TestTLSAfterFinished(t *testing.T) {
	closed := make(chan *server.CloseError, 1)
	srv := startTLS(t, server.Config{Loops: 1, CloseTimeout: 100 * time.Millisecond}, server.Handler{
		OnMessage: echo,
		OnClose:   func(_ *server.Conn, err *server.CloseError) { closed <- err },
	})
	for _, tt := range []struct {
		name string
		send []byte
	}{
		{"garbage", bytes.Repeat([]byte{0xa5}, 64)},
		{"a record that nobody encrypted", []byte{23, 3, 3, 0, 30, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30}},
		{"a record shorter than its tag", []byte{23, 3, 3, 0, 3, 1, 2, 3}},
		{"an oversized record", []byte{23, 3, 3, 0xff, 0xff}},
		{"an alert in the open", []byte{21, 3, 3, 0, 2, 1, 0}},
		{"a heartbeat", []byte{24, 3, 3, 0, 3, 1, 0x40, 0}},
		{"a new ClientHello in the open", clientHello(t)},
		{"another version", []byte{23, 3, 1, 0, 30}},
		{"plain HTTP", []byte("GET / HTTP/1.1\r\nHost: x\r\n\r\n")},
	} {
		for _, version := range versions {
			cfg := clientTLS()
			cfg.MinVersion, cfg.MaxVersion = version, version
			c := dialTLS(t, srv, cfg)
			wantEcho(t, c, "hello")
			conn := c.NetConn().(*tls.Conn)
			if _, err := conn.NetConn().Write(tt.send); err != nil {
				t.Fatal(err)
			}
			_, err := conn.Read(make([]byte, 100))
			if err == nil || !strings.Contains(err.Error(), "remote error: tls:") {
				t.Errorf("%s, %s: got %v, want an alert", tt.name, tls.VersionName(version), err)
			}
			_ = conn.NetConn().Close()
			if got := <-closed; got.Cause != server.CauseTLS {
				t.Errorf("%s, %s: got %v, want tls", tt.name, tls.VersionName(version), got)
			}
		}
	}
	wantEcho(t, dialTLS(t, srv, clientTLS()), "the server goes on")
}

// bend is a connection that breaks what the client reads, on demand.
type bend struct {
	net.Conn
	on bool
}

func (c *bend) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	if c.on && n > 0 {
		b[n-1] ^= 1
	}
	return n, err
}

// TestTLSAlertFromClient has the client send an alert in mid-stream: it finds a record of the server's broken.
func TestTLSAlertFromClient(t *testing.T) {
	closed := make(chan *server.CloseError, 1)
	srv := startTLS(t, server.Config{Loops: 1, CloseTimeout: 100 * time.Millisecond}, server.Handler{
		OnMessage: echo,
		OnClose:   func(_ *server.Conn, err *server.CloseError) { closed <- err },
	})
	for _, version := range versions {
		cfg := clientTLS()
		cfg.MinVersion, cfg.MaxVersion = version, version
		raw := &bend{}
		d := websocket.Dialer{TLSClientConfig: cfg, NetDialContext: func(ctx context.Context, network, addr string) (_ net.Conn, err error) {
			raw.Conn, err = new(net.Dialer).DialContext(ctx, network, addr)
			return raw, err
		}}
		c, _, err := d.Dial("wss://"+srv.TLSAddr()+"/", nil)
		if err != nil {
			t.Fatal(err)
		}
		raw.on = true
		_ = c.WriteMessage(websocket.TextMessage, []byte("x"))
		_, _, _ = c.ReadMessage()
		if got := <-closed; got.Cause != server.CauseTLS || !strings.Contains(got.Reason, "bad record MAC") {
			t.Errorf("%s: got %v, want tls", tls.VersionName(version), got)
		}
		_ = c.Close()
	}
}

// TestPlainTextOnTLSPort expects an answer that a person can read, also when it comes byte by byte.
func TestPlainTextOnTLSPort(t *testing.T) {
	srv := startTLS(t, server.Config{Loops: 1}, server.Handler{OnMessage: echo})
	for _, request := range []string{"GET / HTTP/1.1\r\nHost: x\r\n\r\n", "POST /x HTTP/1.0\r\n\r\n", "G"} {
		c := dialRaw(t, srv.TLSAddr())
		if _, err := c.Write([]byte(request)); err != nil {
			t.Fatal(err)
		}
		got, err := io.ReadAll(c)
		if err != nil || !bytes.HasPrefix(got, []byte("HTTP/1.1 400 ")) || !bytes.Contains(got, []byte("this port speaks TLS")) {
			t.Errorf("%q: got %q, %v", request, got, err)
		}
		_ = c.Close()
	}
	eventually(t, "they are counted as tls", func() bool { return closings(srv, server.CauseTLS) == 3 })
}

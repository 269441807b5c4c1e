package server_test

import (
	"crypto/tls"
	"testing"
	"time"

	"github.com/gorilla/websocket"

	"rookery/codec"
	"rookery/server"
	"rookery/server/internal/certtest"
)

func serverTLS() *tls.Config { return certtest.Server() }

func clientTLS() *tls.Config { return certtest.Client() }

// startTLS runs a server that speaks TLS on its only port.
func startTLS(t *testing.T, cfg server.Config, h server.Handler) *server.Server {
	t.Helper()
	if cfg.TLS == nil {
		cfg.TLS = serverTLS()
	}
	return start(t, cfg, h)
}

func dialTLS(t *testing.T, srv *server.Server, cfg *tls.Config) *websocket.Conn {
	t.Helper()
	d := websocket.Dialer{TLSClientConfig: cfg, HandshakeTimeout: 20 * time.Second}
	c, _, err := d.Dial("wss://"+srv.TLSAddr()+"/", nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	_ = c.SetReadDeadline(time.Now().Add(20 * time.Second))
	return c
}

func TestTLSEcho(t *testing.T) {
	srv := startTLS(t, server.Config{Loops: 2}, server.Handler{OnMessage: echo})
	for _, version := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
		cfg := clientTLS()
		cfg.MinVersion, cfg.MaxVersion = version, version
		for range 10 {
			c := dialTLS(t, srv, cfg)
			for _, size := range []int{0, 1, 125, 126, 16383, 16384, 16385, 65535, 65536} {
				want := make([]byte, size)
				if err := c.WriteMessage(websocket.BinaryMessage, want); err != nil {
					t.Fatal(err)
				}
				_, got, err := c.ReadMessage()
				if err != nil || len(got) != size {
					t.Fatalf("%s, size %d: got %d bytes, %v", tls.VersionName(version), size, len(got), err)
				}
			}
		}
	}
}

// closeOnDemand is an echo that closes when it is told "close".
func closeOnDemand(c *server.Conn, m codec.Message) {
	if string(m.Payload) == "close" {
		c.Close(websocket.CloseNormalClosure, "as you said")
		return
	}
	echo(c, m)
}

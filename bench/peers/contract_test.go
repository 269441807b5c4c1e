package peers

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net"
	"net/http"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gorilla/websocket"
)

// TestContract runs every peer of peers.json through the contract of README.md.
func TestContract(t *testing.T) {
	cert, key, pool := certificate(t)
	for _, p := range loadPeers(t) {
		t.Run(p.Name, func(t *testing.T) {
			requireRuntime(t, p)
			build(t, p)

			t.Run("plain", func(t *testing.T) { checkContract(t, p, start(t, p.Run...), target{}) })
			if p.can("tls") {
				argv := append(p.Run[:len(p.Run):len(p.Run)], "--tls-cert", cert, "--tls-key", key)
				t.Run("tls", func(t *testing.T) { checkContract(t, p, start(t, argv...), target{roots: pool}) })
			}
			if p.can("compress") {
				argv := append(p.Run[:len(p.Run):len(p.Run)], "--compress")
				t.Run("compress", func(t *testing.T) {
					peer := start(t, argv...)
					checkDeflated(t, peer)
					checkContract(t, p, peer, target{compress: true})
				})
			}
		})
	}
}

// target is how to reach a peer.
type target struct {
	roots    *x509.CertPool // TLS when not nil
	compress bool
}

// client is a connection that fails its test instead of returning errors.
type client struct {
	t        *testing.T
	conn     *websocket.Conn
	response *http.Response
	received *atomic.Int64 // bytes read from the socket
}

func (to target) dial(t *testing.T, addr, path string) *client {
	t.Helper()
	c := &client{t: t, received: new(atomic.Int64)}
	dialer := websocket.Dialer{
		EnableCompression: to.compress,
		HandshakeTimeout:  patience,
		WriteBufferSize:   128 << 10, // a longer message would leave in fragments, which floor refuses
		TLSClientConfig:   &tls.Config{RootCAs: to.roots},
		NetDial: func(network, addr string) (net.Conn, error) {
			conn, err := net.Dial(network, addr)
			return countingConn{conn, c.received}, err
		},
	}
	scheme := "ws://"
	if to.roots != nil {
		scheme = "wss://"
	}
	conn, response, err := dialer.Dial(scheme+addr+path, nil)
	if err != nil {
		t.Fatalf("%s: %v", path, err)
	}
	t.Cleanup(func() { conn.Close() })
	c.conn, c.response = conn, response
	return c
}

type countingConn struct {
	net.Conn
	n *atomic.Int64
}

func (c countingConn) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	c.n.Add(int64(n))
	return n, err
}

func (c *client) send(text string) {
	c.t.Helper()
	c.conn.SetWriteDeadline(time.Now().Add(patience))
	if err := c.conn.WriteMessage(websocket.TextMessage, []byte(text)); err != nil {
		c.t.Fatal(err)
	}
}

func (c *client) want(text string) {
	c.t.Helper()
	c.conn.SetReadDeadline(time.Now().Add(patience))
	kind, got, err := c.conn.ReadMessage()
	if err != nil {
		c.t.Fatalf("waiting for %s: %v", brief(text), err)
	}
	if kind != websocket.TextMessage || string(got) != text {
		c.t.Fatalf("got type %d, %s; want text, %s", kind, brief(string(got)), brief(text))
	}
}

func brief(s string) string {
	if len(s) > 40 {
		return fmt.Sprintf("%q... (%d bytes)", s[:40], len(s))
	}
	return fmt.Sprintf("%q", s)
}

// join dials a room and waits until it is joined: a peer may answer the handshake first, but never takes a message
// from a client that is not in its room yet.
func (to target) join(t *testing.T, addr, path, greeting string, others ...*client) *client {
	t.Helper()
	c := to.dial(t, addr, path)
	c.send(greeting)
	for _, member := range append(others, c) {
		member.want(greeting)
	}
	return c
}

func checkContract(t *testing.T, p peer, proc *process, to target) {
	if !p.can("rooms") || !p.can("echo") {
		t.Fatalf("features %v: every peer has rooms and echo", p.Features)
	}
	alice := to.join(t, proc.addr, "/?room=a%20b%2Fc", "alice")
	bob := to.join(t, proc.addr, "/?room=a%20b%2Fc", "bob", alice)
	carol := to.join(t, proc.addr, "/", "carol")

	texts := sampleTexts()
	for _, text := range texts {
		alice.send(text)
	}
	for _, text := range texts {
		bob.want(text)
		alice.want(text)
	}

	// Had a message crossed over, it would be the first that carol or dave sees.
	dave := to.join(t, proc.addr, "/?room=lobby", "the default room is lobby", carol)
	dave.send("from dave")
	carol.want("from dave")
	bob.send("from bob")
	alice.want("from bob")

	echo, other := to.dial(t, proc.addr, "/echo"), to.dial(t, proc.addr, "/echo")
	for _, text := range texts {
		echo.send(text)
		echo.want(text)
	}
	other.send("other")
	other.want("other")
	dave.send("not on echo")
	carol.want("not on echo")

	proc.stop(t)
}

// sampleTexts has every length encoding of RFC 6455 section 5.2 on both sides of its border, and enough messages for
// a peer to get their order wrong. None is empty: nbio does not show an empty message to its user.
func sampleTexts() []string {
	texts := []string{"x", "grüße, 世界 🪶"}
	for _, n := range []int{125, 126, 4096, 65535, 65536} {
		texts = append(texts, strings.Repeat("rookery ", n/8)+strings.Repeat("-", n%8))
	}
	for i := range 200 {
		texts = append(texts, fmt.Sprintf("message %d", i))
	}
	return texts
}

// checkDeflated wants permessage-deflate agreed on, and a message that deflates well to arrive small, however short.
func checkDeflated(t *testing.T, proc *process) {
	c := target{compress: true}.join(t, proc.addr, "/?room=deflate", "hello")
	if got := c.response.Header.Get("Sec-WebSocket-Extensions"); !strings.Contains(got, "permessage-deflate") {
		t.Fatalf("Sec-WebSocket-Extensions: %q, want permessage-deflate", got)
	}
	for _, n := range []int{100, 10_000} {
		before := c.received.Load()
		text := strings.Repeat("a", n)
		c.send(text)
		c.want(text)
		if got := c.received.Load() - before; got >= int64(n/2) {
			t.Errorf("%d equal bytes took %d bytes on the wire, want fewer than %d", n, got, n/2)
		}
	}
	plain := target{}.join(t, proc.addr, "/?room=deflate", "no extension", c)
	c.send("to both kinds")
	plain.want("to both kinds")
	c.want("to both kinds")
}

// TestVersions keeps the versions of peers.json in step with what is built.
func TestVersions(t *testing.T) {
	locked := lockedVersions(t)
	for _, p := range loadPeers(t) {
		if p.Language == "C" {
			continue
		}
		if got, want := p.Version, locked[p.Library]; got != want {
			t.Errorf("%s: version %q of %s, locked is %q", p.Name, got, p.Library, want)
		}
		if p.Broadcast == "" || filepath.Base(p.Name) != p.Name {
			t.Errorf("%s: incomplete entry", p.Name)
		}
	}
}

package main_test

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"syscall"
	"testing"
	"time"

	"github.com/gobwas/ws"
	"golang.org/x/sys/unix"
)

// raw is a socket for everything that a good client would not send.
type raw struct {
	net.Conn
	t *testing.T
	r *bufio.Reader
}

// handshake is an opening handshake.
const handshake = "GET /ws?room=%s HTTP/1.1\r\nHost: rookery\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n" +
	"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"

func (g *gateway) raw() *raw { return g.open(net.Dialer{}) }

// narrow is a raw socket with a small window, so that the kernel does not read much in the client's stead.
func (g *gateway) narrow() *raw {
	return g.open(net.Dialer{Control: func(_, _ string, rc syscall.RawConn) error {
		return rc.Control(func(fd uintptr) { _ = unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_RCVBUF, 4096) })
	}})
}

func (g *gateway) open(d net.Dialer) *raw {
	g.t.Helper()
	d.Timeout = patience
	conn, err := d.Dial("tcp", g.addr)
	if err != nil {
		g.t.Fatal(err)
	}
	g.t.Cleanup(func() { _ = conn.Close() })
	_ = conn.SetDeadline(time.Now().Add(patience))
	return &raw{Conn: conn, t: g.t, r: bufio.NewReader(conn)}
}

// enter is a raw socket whose opening handshake is done.
func (g *gateway) enter(room string) *raw {
	g.t.Helper()
	c := g.raw()
	c.write(fmt.Appendf(nil, handshake, room))
	c.upgraded()
	return c
}

func (c *raw) write(b []byte) {
	c.t.Helper()
	if _, err := c.Write(b); err != nil {
		c.t.Fatal(err)
	}
}

// dribble writes b one byte at a time: each in a segment of its own, since Go sets TCP_NODELAY.
func (c *raw) dribble(b []byte) {
	c.t.Helper()
	for i := range b {
		c.write(b[i : i+1])
	}
}

// response reads an HTTP response and its body.
func (c *raw) response() (*http.Response, string) {
	c.t.Helper()
	res, err := http.ReadResponse(c.r, nil)
	if err != nil {
		c.t.Fatal(err)
	}
	body, err := io.ReadAll(res.Body)
	if err != nil {
		c.t.Fatal(err)
	}
	return res, string(body)
}

func (c *raw) upgraded() {
	c.t.Helper()
	if res, err := http.ReadResponse(c.r, nil); err != nil || res.StatusCode != http.StatusSwitchingProtocols {
		c.t.Fatalf("no upgrade: %v, %v", res, err)
	}
}

// frame reads the server's next frame.
func (c *raw) frame() ws.Frame {
	c.t.Helper()
	//lint:ignore SA1019 the peer is the server under test, and read deadlines bound it
	f, err := ws.ReadFrame(c.r)
	if err != nil {
		c.t.Fatal(err)
	}
	return f
}

// object reads the server's next text frame, which is an object in JSON.
func (c *raw) object() (s said) {
	c.t.Helper()
	f := c.frame()
	if f.Header.OpCode != ws.OpText {
		c.t.Fatalf("got %v", f.Header)
	}
	if err := json.Unmarshal(f.Payload, &s); err != nil {
		c.t.Fatalf("got %q: %v", f.Payload, err)
	}
	return s
}

// fails reads on to the close frame, holds it to a code, answers it, and sees the connection closed.
func (c *raw) fails(code ws.StatusCode) (reason string) {
	c.t.Helper()
	for {
		f := c.frame()
		if f.Header.OpCode != ws.OpClose {
			continue
		}
		got, reason := ws.ParseCloseFrameData(f.Payload)
		if got != code {
			c.t.Fatalf("closed with %d %q, want %d", got, reason, code)
		}
		_, _ = c.Write(masked(closing, string(f.Payload[:2])))
		c.over()
		return reason
	}
}

// over waits for the end of the stream. A reset is an end too.
func (c *raw) over() {
	c.t.Helper()
	for {
		if _, err := c.r.ReadByte(); err != nil {
			if err, ok := err.(net.Error); ok && err.Timeout() {
				c.t.Fatal("the server keeps the connection")
			}
			return
		}
	}
}

// masked is one frame as a client sends it. fin and the opcode are the first byte.
func masked(first byte, payload string) []byte {
	f := ws.NewFrame(ws.OpCode(first&0xf), first&0x80 != 0, []byte(payload))
	f.Header.Rsv = first >> 4 & 7
	b, err := ws.CompileFrame(ws.MaskFrameWith(f, [4]byte{0x37, 0xfa, 0x21, 0x3d}))
	if err != nil {
		panic(err)
	}
	return b
}

// First bytes of frames.
const (
	fin      = 0x80
	text     = fin | byte(ws.OpText)
	ping     = fin | byte(ws.OpPing)
	closing  = fin | byte(ws.OpClose)
	firstOf  = byte(ws.OpText) // the first fragment of several
	fragment = byte(ws.OpContinuation)
	last     = fin | byte(ws.OpContinuation)
)

package server_test

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"testing"
	"time"

	"github.com/gobwas/ws"

	"rookery/codec/conformance"
	"rookery/server"
	"rookery/server/internal/certtest"
)

const patience = 20 * time.Second

// socket is a client's end for what a library would not send, or hides.
type socket struct {
	net.Conn
	t *testing.T
	r *bufio.Reader
}

func connect(t *testing.T, srv *server.Server) *socket {
	t.Helper()
	conn, err := net.Dial("tcp", srv.Addr())
	if err != nil {
		t.Fatal(err)
	}
	return connectedAs(t, conn)
}

func connectedAs(t *testing.T, conn net.Conn) *socket {
	t.Cleanup(func() { _ = conn.Close() })
	_ = conn.SetDeadline(time.Now().Add(patience))
	conn = certtest.Over(conn)
	return &socket{Conn: conn, t: t, r: bufio.NewReader(conn)}
}

// upgraded is a socket whose opening handshake is done.
func upgraded(t *testing.T, srv *server.Server) *socket {
	t.Helper()
	c := connect(t, srv)
	c.write([]byte(conformance.Request(false)))
	res, err := http.ReadResponse(c.r, nil)
	if err != nil || res.StatusCode != http.StatusSwitchingProtocols {
		t.Fatalf("no upgrade: %v, %v", res, err)
	}
	return c
}

func (c *socket) write(b []byte) {
	c.t.Helper()
	if _, err := c.Write(b); err != nil {
		c.t.Fatal(err)
	}
}

func (c *socket) send(op ws.OpCode, payload string) {
	c.t.Helper()
	c.write(ws.MustCompileFrame(ws.MaskFrame(ws.NewFrame(op, true, []byte(payload)))))
}

func (c *socket) frame() ws.Frame {
	c.t.Helper()
	//lint:ignore SA1019 the peer is the server under test, and read deadlines bound it
	f, err := ws.ReadFrame(c.r)
	if err != nil {
		c.t.Fatal(err)
	}
	return f
}

// hears fails unless this text is the next frame.
func (c *socket) hears(text string) {
	c.t.Helper()
	if f := c.frame(); f.Header.OpCode != ws.OpText || string(f.Payload) != text {
		c.t.Fatalf("got %v %q, want %q", f.Header.OpCode, f.Payload, text)
	}
}

// closed reads on to the close frame.
func (c *socket) closed() (ws.StatusCode, string) {
	c.t.Helper()
	for {
		if f := c.frame(); f.Header.OpCode == ws.OpClose {
			return ws.ParseCloseFrameData(f.Payload)
		}
	}
}

// over fails unless the stream ends here, with a FIN.
func (c *socket) over() {
	c.t.Helper()
	if b, err := c.r.ReadByte(); err != io.EOF {
		c.t.Fatalf("read %q, %v, want the end", b, err)
	}
}

// reply reads one HTTP response.
func (c *socket) reply() (*http.Response, string) {
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

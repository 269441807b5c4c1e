package server_test

import (
	"bytes"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"

	"github.com/gobwas/ws"

	"rookery/codec"
	"rookery/server"
)

// attack is what one peer sends and never ends, piece by piece.
type attack struct {
	name   string
	cause  server.Cause
	http   bool     // it never gets past its opening handshake
	pieces [][]byte // together they make it hold more than 360 bytes, all but the last few less
}

// declared is the beginning of a frame of 16 MiB, whose mask is zero.
func declared(bytes int) []byte {
	h, err := ws.CompileFrame(ws.Frame{Header: ws.Header{Fin: true, OpCode: ws.OpBinary, Masked: true, Length: 16 << 20}})
	if err != nil {
		panic(err)
	}
	return append(h, make([]byte, bytes)...)
}

func attacks() []attack {
	drops := [][]byte{declared(1)}
	for range 140 {
		drops = append(drops, []byte{0})
	}
	fragments := [][]byte{ws.MustCompileFrame(ws.MaskFrame(ws.NewFrame(ws.OpBinary, false, []byte("tiny"))))}
	for range 35 {
		fragments = append(fragments, ws.MustCompileFrame(ws.MaskFrame(ws.NewFrame(ws.OpContinuation, false, []byte("tiny")))))
	}
	request := "GET / HTTP/1.1\r\nHost: rookery\r\nX-Long: " + strings.Repeat("x", 250)
	return []attack{
		{"tiny fragments", server.CauseInputBudgetFragments, false, fragments},
		{"one byte at a time", server.CauseInputBudgetTrickle, false, drops},
		{"16 MiB declared", server.CauseInputBudgetFrame, false, [][]byte{declared(100), make([]byte, 100)}},
		{"endless request", server.CauseInputBudgetRequest, true, [][]byte{[]byte(request[1:]), bytes.Repeat([]byte("x"), 100)}},
	}
}

// TestInputBudget has many peers hold what they never end, more in all than the budget allows: those that hold most are
// closed, each with the cause of its attack, a peer that holds little finishes its message, and a chatter gets every echo.
func TestInputBudget(t *testing.T) {
	for _, loops := range []int{1, 3} {
		for _, a := range attacks() {
			t.Run(fmt.Sprintf("%s, %d loops", a.name, loops), func(t *testing.T) { a.run(t, loops) })
		}
	}
}

func (a *attack) run(t *testing.T, loops int) {
	const maxPinned = 64 << 10
	srv := start(t, server.Config{Loops: loops, MaxPinned: maxPinned, MaxMessage: 16 << 20}, server.Handler{OnMessage: echo})
	chatter, modest := upgraded(t, srv), upgraded(t, srv)
	said := 0
	chat := func() {
		said++
		text := fmt.Sprint("message ", said)
		chatter.send(ws.OpText, text)
		chatter.hears(text)
	}
	honest := ws.MustCompileFrame(ws.MaskFrame(ws.NewTextFrame([]byte("a modest message"))))
	modest.write(honest[:10])
	attackers := make([]*socket, srv.PinnedLimit()/360)
	ends := make(chan string, len(attackers))
	for i := range attackers {
		if a.http {
			attackers[i] = connect(t, srv)
			// Over TLS the first byte takes a handshake, and whoever is in one holds more than the others.
			attackers[i].write([]byte("G"))
			eventually(t, "the handshake is done", func() bool { return srv.Stats().Pinned < maxPinned/8 })
		} else {
			attackers[i] = upgraded(t, srv)
		}
		go func() { ends <- a.ending(attackers[i]) }()
	}
	for i, piece := range a.pieces {
		for _, c := range attackers {
			_, _ = c.Write(piece)
		}
		if i%5 == 0 {
			chat()
		}
	}
	eventually(t, "the budget is kept", func() bool { return srv.Stats().Pinned <= maxPinned })
	chat()
	modest.write(honest[10:])
	modest.hears("a modest message")
	for _, c := range attackers {
		c.finish()
	}
	a.judge(t, srv, ends, len(attackers))
}

// finish ends the peer's direction alone: what it was told and has not read yet stays readable.
func (c *socket) finish() {
	conn := c.Conn
	if s, ok := conn.(interface{ NetConn() net.Conn }); ok {
		conn = s.NetConn()
	}
	_ = conn.(*net.TCPConn).CloseWrite()
}

// ending is the reason that a peer was given; "" if there was none.
func (a *attack) ending(c *socket) string {
	if a.http {
		res, err := http.ReadResponse(c.r, nil)
		if err != nil || res.StatusCode != http.StatusServiceUnavailable {
			return ""
		}
		body, _ := io.ReadAll(res.Body)
		return string(body)
	}
	//lint:ignore SA1019 the peer is the server under test, and read deadlines bound it
	f, err := ws.ReadFrame(c.r)
	if err != nil {
		return ""
	}
	code, reason, complaint := codec.ParseClose(f.Payload)
	if f.Header.OpCode != ws.OpClose || complaint != nil || code != server.StatusTryAgainLater {
		return fmt.Sprint("not closed with 1013 but ", f)
	}
	return reason
}

func (a *attack) judge(t *testing.T, srv *server.Server, ends <-chan string, attackers int) {
	shed := 0
	for range attackers {
		switch reason := <-ends; {
		case reason == "":
		case !strings.Contains(reason, a.cause.String()+": a ") || !strings.Contains(reason, "(max-pinned)"):
			t.Errorf("one was closed with %q, want %s", reason, a.cause)
		default:
			if shed++; shed == 1 {
				t.Log(reason)
			}
		}
	}
	if shed == 0 || shed == attackers {
		t.Errorf("%d of %d attackers were closed", shed, attackers)
	}
	eventually(t, "all attackers are gone, and what they held", func() bool {
		s := srv.Stats()
		return s.Open == 2 && s.Pinned == 0 && s.Admitted == 2
	})
	for cause, n := range srv.Stats().Closed {
		if strings.HasPrefix(cause.String(), "input_budget") && (n > 0) != (cause == a.cause) {
			t.Errorf("%d closed with %s", n, cause)
		}
	}
	if n := srv.Stats().Closed[a.cause]; n != uint64(shed) {
		t.Errorf("%d are counted as %s, and %d peers were told", n, a.cause, shed)
	}
}

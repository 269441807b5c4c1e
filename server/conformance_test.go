package server_test

import (
	"fmt"
	"hash/crc32"
	"net/http"
	"strings"
	"testing"

	"github.com/gobwas/ws"

	"rookery/codec/conformance"
	"rookery/server"
)

// TestConformance holds the reactor, over sockets, to the cases that package codec is held to in memory.
func TestConformance(t *testing.T) {
	config := func(messages, fragments int) server.Config {
		return server.Config{
			Loops: 1, Deflate: true, MaxHeader: conformance.MaxHead, MaxMessage: messages, MaxFragments: fragments,
			MaxBuffered: 64 << 20, Subprotocols: []string{"chat"},
		}
	}
	handler := server.Handler{OnMessage: echo}
	large := start(t, config(conformance.LargeMessage, conformance.LargeFragments), handler)
	small := start(t, config(conformance.SmallMessage, conformance.SmallFragments), handler)
	for _, c := range conformance.Cases() {
		srv := large
		if c.Small {
			srv = small
		}
		t.Run(c.ID, func(t *testing.T) {
			defer func() {
				if t.Failed() {
					t.Logf("%s: %s (section %s)", c.Chapter, c.Title, c.RFC)
				}
			}()
			if c.Request != "" {
				handshakeCase(t, srv, &c)
			} else {
				exchangeCase(t, srv, &c)
			}
		})
	}
}

func handshakeCase(t *testing.T, srv *server.Server, c *conformance.Case) {
	s := connect(t, srv)
	s.write([]byte(c.Request))
	res, err := http.ReadResponse(s.r, nil)
	if err != nil {
		t.Fatal(err)
	}
	want := c.WantStatus
	switch {
	case c.NoUpgrade:
		want = http.StatusUpgradeRequired // this server speaks no HTTP besides
	case want == 0:
		want = http.StatusSwitchingProtocols
	}
	if res.StatusCode != want {
		t.Fatalf("status %d, want %d", res.StatusCode, want)
	}
	if got := res.Header.Get("Sec-WebSocket-Extensions"); c.WantExtensions != "" && got != c.WantExtensions {
		t.Fatalf("extensions %q, want %q", got, c.WantExtensions)
	}
}

// exchangeCase sends a case's frames. Where the connection is to stay open, it sends a ping of its own when all replies are
// there (before, the server may leave it unanswered), and the pong ends the case.
func exchangeCase(t *testing.T, srv *server.Server, c *conformance.Case) {
	s := connect(t, srv)
	s.write([]byte(conformance.Request(c.Deflate)))
	if res, err := http.ReadResponse(s.r, nil); err != nil || res.StatusCode != http.StatusSwitchingProtocols {
		t.Fatalf("no upgrade: %v, %v", res, err)
	}
	const mark = "is anybody there?"
	sent := make(chan struct{})
	go func() {
		defer close(sent)
		chop := c.Chop
		if chop == 0 {
			chop = len(c.Send)
		}
		// Where the server closes, the rest may meet a closed socket.
		for rest := c.Send; len(rest) > 0; {
			n, err := s.Write(rest[:min(chop, len(rest))])
			if err != nil {
				return
			}
			rest = rest[n:]
		}
	}()
	want := 0
	for _, m := range c.Replies() {
		if m.Op != ws.OpPong {
			want++
		}
	}
	var data, pongs []string
	for asked := false; ; {
		if !asked && len(data) >= want && c.WantClose == 0 {
			<-sent
			s.send(ws.OpPing, mark)
			asked = true
		}
		f := s.frame()
		switch f.Header.OpCode {
		case ws.OpPong:
			if string(f.Payload) == mark {
				verdict(t, c, data, pongs, 0)
				return
			}
			pongs = append(pongs, describe(f.Header.OpCode, f.Payload))
		case ws.OpClose:
			code := ws.StatusNoStatusRcvd
			if len(f.Payload) > 0 {
				code, _ = ws.ParseCloseFrameData(f.Payload)
			}
			verdict(t, c, data, pongs, code)
			return
		default:
			data = append(data, describe(f.Header.OpCode, f.Payload))
		}
	}
}

func describe(op ws.OpCode, payload []byte) string {
	if len(payload) > 256 {
		return fmt.Sprintf("%d: %d bytes of sum %08x", op, len(payload), crc32.ChecksumIEEE(payload))
	}
	return fmt.Sprintf("%d %q", op, payload)
}

func verdict(t *testing.T, c *conformance.Case, data, pongs []string, code ws.StatusCode) {
	if code != c.WantClose {
		t.Errorf("closed with %d, want %d", code, c.WantClose)
	}
	var wantData, wantPongs []string
	for _, m := range c.Replies() {
		if m.Op == ws.OpPong {
			wantPongs = append(wantPongs, describe(m.Op, m.Payload))
		} else {
			wantData = append(wantData, describe(m.Op, m.Payload))
		}
	}
	if got, want := strings.Join(data, "\n"), strings.Join(wantData, "\n"); got != want {
		t.Errorf("echoed %.300s\nwant %.300s", got, want)
	}
	// Of several pings the newest may be answered alone; what is answered is answered in order.
	for _, pong := range pongs {
		for len(wantPongs) > 0 && wantPongs[0] != pong {
			wantPongs = wantPongs[1:]
		}
		if len(wantPongs) == 0 {
			t.Errorf("an unexpected pong %.100s", pong)
			return
		}
		wantPongs = wantPongs[1:]
	}
}

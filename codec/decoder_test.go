package codec

import (
	"testing"

	"github.com/gobwas/ws"
)

func clientFrame(first byte, payload string) []byte {
	mask := [4]byte{0x37, 0xfa, 0x21, 0x3d}
	b := []byte{first}
	switch n := len(payload); {
	case n < 126:
		b = append(b, 0x80|byte(n))
	case n < 1<<16:
		b = append(b, 0x80|126, byte(n>>8), byte(n))
	default:
		b = append(b, 0x80|127, 0, 0, 0, 0, byte(n>>24), byte(n>>16), byte(n>>8), byte(n))
	}
	b = append(b, mask[:]...)
	at := len(b)
	b = append(b, payload...)
	ws.Cipher(b[at:], mask, 0)
	return b
}

func TestSmoke(t *testing.T) {
	var d Decoder
	l := &Limits{Deflate: true}
	in := append(clientFrame(0x01, "Hel"), clientFrame(0x89, "p")...)
	in = append(in, clientFrame(0x80, "lo")...)
	in = append(in, clientFrame(0xc1, string(AppendDeflated(nil, []byte("Hello Hello Hello"))))...)
	for _, step := range []int{1, 2, 5, 1000} {
		var got []string
		for rest := append([]byte(nil), in...); len(rest) > 0; {
			c := rest[:min(step, len(rest))]
			rest = rest[len(c):]
			for {
				m, n, err := d.Next(l, c)
				if err != nil {
					t.Fatal(err)
				}
				c = c[n:]
				if m.Op == 0 {
					break
				}
				got = append(got, string(m.Payload))
			}
		}
		if len(got) != 3 || got[0] != "p" || got[1] != "Hello" || got[2] != "Hello Hello Hello" {
			t.Fatalf("step %d: %q", step, got)
		}
		if d.Pinned() != 0 {
			t.Fatal(d.Pinned())
		}
	}
	req := "GET /ws?room=a%20b HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: keep-alive, Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\r\n\r\nrest"
	r, n, err := ParseRequest([]byte(req), 8192)
	if err != nil || n != len(req)-4 {
		t.Fatal(n, err)
	}
	if err := r.CheckUpgrade(); err != nil {
		t.Fatal(err)
	}
	room, _ := r.QueryValue("room")
	t.Logf("%s %q", AppendUpgrade(nil, &r, "", NegotiateDeflate(r.Extensions)), room)
}

package codec

import (
	"bufio"
	"bytes"
	"io"
	"net"
	"net/http"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/gobwas/ws"
	"github.com/gorilla/websocket"
)

// script turns fuzzed bytes into frames, three bytes a frame, most of them legal: the first picks the frame, the
// second its length, the third its payload.
func script(b []byte) (wire []byte) {
	open := false
	for ; len(b) >= 3; b = b[3:] {
		pick, size, fill := b[0], int(b[1]), b[2]
		first := []byte{0x81, 0x82, 0x01, 0x02, 0x00, 0x80, 0x89, 0x8a, 0x41, 0xc1, 0xc2, 0x88}[pick&15%12]
		if data := first&15 <= 2; data && pick&0x40 == 0 {
			// A legal order: what goes on goes on, what begins begins.
			if open {
				first &= 0x80
			} else if first&15 == 0 {
				first |= 2
			}
			open = first&0x80 == 0
		}
		if pick&0x80 != 0 {
			size *= 300
		}
		if first&8 != 0 {
			size &= 127
		}
		payload := strings.Repeat(string([]string{"a", "€", "😀", "\xe2\x82", "\x00", "\xff", "κόσμε"}[fill%7]), size+1)[:size]
		switch {
		case first&0x40 != 0:
			payload = string(AppendDeflated(nil, []byte(payload)))
		case first&15 == 8 && size >= 2:
			payload = "\x03\xe8" + payload[2:]
		}
		frame := clientFrame(first, payload)
		if fill > 200 {
			frame[len(frame)*int(fill)/256] ^= 1 << (fill & 7)
		}
		wire = append(wire, frame...)
	}
	return wire
}

// FuzzDecoder: however the input is cut, the Decoder finds the same messages and the same fault: those of the naive
// twin. Every message is also found by gobwas/ws and by gorilla/websocket, given the same bytes.
func FuzzDecoder(f *testing.F) {
	f.Add([]byte("\x00\x05\x00\x02\x03\x01\x06\x04\x00\x05\x01\x01"), []byte{1}, true)
	f.Add([]byte("\x09\x40\x00\x08\x20\x01\x06\x04\x00\x05\x00\x00\x0b\x02\x00"), []byte{3, 200}, true)
	f.Add([]byte("\x80\xff\x01\x82\xff\x02\x05\x20\x03"), []byte{255, 1}, true)
	f.Add([]byte("\x40\x05\x00\x44\x03\x01"), []byte{7}, true)
	f.Add(concat(clientFrame(0x01, "Hel"), clientFrame(0x89, "p"), clientFrame(0x80, "lo")), []byte{2}, false)
	f.Add(concat(clientFrame(0x41, "\xf2\x48\xcd"), clientFrame(0x80, "\xc9\xc9\x07\x00"), clientFrame(0xc2, "\x03\x00\x00")), []byte{5}, false)
	f.Add([]byte("\x82\xff\x00\x00\x00\x00\x00\x01\x00\x00mask"), []byte{1}, false)
	f.Fuzz(func(t *testing.T, input, chops []byte, structured bool) {
		wire := input
		if structured {
			wire = script(input[:min(len(input), 60)])
		}
		for _, deflate := range []bool{true, false} {
			l := &Limits{MaxMessage: 70_000, MaxFragments: 8, Deflate: deflate}
			var d Decoder
			got, err := decodeAll(&d, l, wire, every(1<<20))
			compareTwin(t, l, deflate, wire, got, err)
			packed := deflate && (err != nil || d.msgOp != 0 && d.flags&compressed != 0)
			d.Reset()
			i := 0
			again, errAgain := decodeAll(&d, l, wire, func() int { i++; return chop(chops, i) })
			if !sameEvents(again, got) || !reflect.DeepEqual(err, errAgain) {
				t.Fatalf("whole: %d messages, %v; in pieces: %d, %v", len(got), err, len(again), errAgain)
			}
			d.Reset()
			if d.Pinned() != 0 {
				t.Fatal("memory is pinned after Reset")
			}
			if !deflate {
				comparePeer(t, "gobwas/ws", got, gobwasMessages(wire))
			}
			// gorilla/websocket hands no close frame out.
			if n := len(got); n > 0 && got[n-1].op == ws.OpClose {
				got = got[:n-1]
			}
			if packed {
				// It inflates while fragments come: it may fail, or reach a final block, before the control frames between them.
				continue
			}
			peer := gorillaMessages(wire, deflate)
			comparePeer(t, "gorilla/websocket", got, peer)
			if err == nil && len(peer) > len(got) {
				t.Fatalf("got %d messages and no fault, gorilla/websocket %d", len(got), len(peer))
			}
		}
	})
}

func chop(chops []byte, i int) int {
	if len(chops) == 0 {
		return 1
	}
	return int(chops[i%len(chops)])
}

func sameEvents(a, b []event) bool { return len(a) == 0 && len(b) == 0 || reflect.DeepEqual(a, b) }

func compareTwin(t *testing.T, l *Limits, deflate bool, wire []byte, got []event, err *Error) {
	t.Helper()
	want, code, packed := twin(l, deflate, wire)
	if !sameEvents(got, want) || (err != nil) != (code != 0) || err != nil && err.Code != code && !packed {
		t.Fatalf("got %d messages, %v, the twin %d, code %d", len(got), err, len(want), code)
	}
}

// comparePeer holds the messages of another reader, which knows no limits and fewer faults, against ours: ours must
// be the beginning of theirs. A reader that stops inflating at a final block
// has only the beginning of a message.
func comparePeer(t *testing.T, name string, got []event, peer []event) {
	t.Helper()
	if len(peer) < len(got) {
		t.Fatalf("got %d messages, %s %d", len(got), name, len(peer))
	}
	for i, e := range got {
		if p := peer[i]; p.op != e.op || !strings.HasPrefix(e.payload, p.payload) {
			t.Fatalf("message %d: got %v, %s %v", i, e, name, p)
		}
	}
}

// gobwasMessages reads wire with ws.ReadHeader, ws.CheckHeader and ws.Cipher, until the first fault or close frame.
func gobwasMessages(wire []byte) (events []event) {
	r := bytes.NewReader(wire)
	state := ws.StateServerSide
	var op ws.OpCode
	var message []byte
	for {
		h, err := ws.ReadHeader(r)
		if err != nil || ws.CheckHeader(h, state) != nil || h.Length > int64(r.Len()) {
			return events
		}
		p := make([]byte, h.Length)
		if _, err := io.ReadFull(r, p); err != nil {
			return events
		}
		ws.Cipher(p, h.Mask, 0)
		if h.OpCode.IsControl() {
			if events = append(events, event{h.OpCode, string(p)}); h.OpCode == ws.OpClose {
				return events
			}
			continue
		}
		if !state.Fragmented() {
			op, message = h.OpCode, nil
		}
		message = append(message, p...)
		if state = state.Set(ws.StateFragmented); h.Fin {
			events = append(events, event{op, string(message)})
			state = state.Clear(ws.StateFragmented)
		}
	}
}

// gorillaMessages reads wire with a server's connection of gorilla/websocket.
func gorillaMessages(wire []byte, deflate bool) (events []event) {
	h := http.Header{"Connection": {"Upgrade"}, "Upgrade": {"websocket"}, "Sec-Websocket-Version": {"13"}, "Sec-Websocket-Key": {"dGhlIHNhbXBsZSBub25jZQ=="}}
	if deflate {
		h.Set("Sec-WebSocket-Extensions", "permessage-deflate")
	}
	u := websocket.Upgrader{EnableCompression: deflate}
	c, err := u.Upgrade(&hijacked{conn: &wireConn{Reader: bytes.NewReader(wire)}}, &http.Request{Method: "GET", Header: h}, nil)
	if err != nil {
		panic(err)
	}
	control := func(op ws.OpCode) func(string) error {
		return func(p string) error {
			events = append(events, event{op, p})
			return nil
		}
	}
	c.SetPingHandler(control(ws.OpPing))
	c.SetPongHandler(control(ws.OpPong))
	for {
		op, p, err := c.ReadMessage()
		if err != nil {
			return events
		}
		events = append(events, event{ws.OpCode(op), string(p)})
	}
}

// hijacked and wireConn stand for an HTTP server that hands a connection over.
type hijacked struct {
	http.ResponseWriter
	conn *wireConn
}

func (h *hijacked) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	return h.conn, bufio.NewReadWriter(bufio.NewReaderSize(h.conn, 512), bufio.NewWriterSize(h.conn, 512)), nil
}

type wireConn struct{ *bytes.Reader }

func (c *wireConn) Write(p []byte) (int, error)      { return len(p), nil }
func (c *wireConn) Close() error                     { return nil }
func (c *wireConn) LocalAddr() net.Addr              { return nil }
func (c *wireConn) RemoteAddr() net.Addr             { return nil }
func (c *wireConn) SetDeadline(time.Time) error      { return nil }
func (c *wireConn) SetReadDeadline(time.Time) error  { return nil }
func (c *wireConn) SetWriteDeadline(time.Time) error { return nil }

package codec

import (
	"fmt"
	"reflect"
	"strings"
	"testing"
	"unsafe"

	"github.com/gobwas/ws"
)

// TestDecoderVectors is RFC 6455 section 5.7, in every truncation and every split in three.
func TestDecoderVectors(t *testing.T) {
	for _, tt := range []struct {
		name string
		wire []byte
		want []event
	}{
		{"masked text", unhex(t, "818537fa213d7f9f4d5158"), []event{{ws.OpText, "Hello"}}},
		{"masked pong", unhex(t, "8a8537fa213d7f9f4d5158"), []event{{ws.OpPong, "Hello"}}},
		{"fragmented text", concat(clientFrame(0x01, "Hel"), clientFrame(0x80, "lo")), []event{{ws.OpText, "Hello"}}},
		{"256 bytes", clientFrame(0x82, strings.Repeat("b", 256)), []event{{ws.OpBinary, strings.Repeat("b", 256)}}},
		{"control frames between fragments", concat(clientFrame(0x01, "\xe2"), clientFrame(0x89, "p"), clientFrame(0x00, "\x82"), clientFrame(0x8a, ""), clientFrame(0x80, "\xac")),
			[]event{{ws.OpPing, "p"}, {ws.OpPong, ""}, {ws.OpText, "€"}}},
		{"empty everything", concat(clientFrame(0x81, ""), clientFrame(0x89, ""), clientFrame(0x02, ""), clientFrame(0x80, ""), clientFrame(0x88, "")),
			[]event{{ws.OpText, ""}, {ws.OpPing, ""}, {ws.OpBinary, ""}, {ws.OpClose, ""}}},
		{"compressed", concat(clientFrame(0x41, "\xf2\x48\xcd"), clientFrame(0x89, ""), clientFrame(0x80, "\xc9\xc9\x07\x00"), clientFrame(0xc2, "\x00")),
			[]event{{ws.OpPing, ""}, {ws.OpText, "Hello"}, {ws.OpBinary, ""}}},
	} {
		l := &Limits{Deflate: true}
		var d Decoder
		for i := 0; i <= len(tt.wire); i++ {
			d.Reset()
			got, err := decodeAll(&d, l, tt.wire[:i], every(len(tt.wire)))
			if err != nil || len(got) > len(tt.want) || !reflect.DeepEqual(got, tt.want[:len(got):len(got)]) && len(got) > 0 {
				t.Fatalf("%s: first %d bytes: got %v, %v, want a beginning of %v", tt.name, i, got, err, tt.want)
			}
			if i == len(tt.wire) && !reflect.DeepEqual(got, tt.want) {
				t.Fatalf("%s: got %v, want %v", tt.name, got, tt.want)
			}
			for j := 0; j <= i; j++ {
				d.Reset()
				sizes := []int{j, i - j, len(tt.wire)}
				got, err := decodeAll(&d, l, tt.wire, func() int { n := sizes[0]; sizes = append(sizes[1:], 1<<20); return n })
				if err != nil || !reflect.DeepEqual(got, tt.want) {
					t.Fatalf("%s: cut at %d and %d: got %v, %v, want %v", tt.name, j, i, got, err, tt.want)
				}
			}
		}
		if d.Pinned() != 0 {
			t.Errorf("%s: %d bytes pinned at the end", tt.name, d.Pinned())
		}
	}
}

func TestDecoderSize(t *testing.T) {
	if got := unsafe.Sizeof(Decoder{}); got > 48 {
		t.Errorf("a Decoder is %d bytes, want at most 48", got)
	}
}

// TestDecoderInPlace: a message that lies whole in the input is handed out where it lies, however it is surrounded.
func TestDecoderInPlace(t *testing.T) {
	frame := clientFrame(0x82, "in place")
	b := concat(clientFrame(0x89, "ping"), frame, frame[:3])
	var d Decoder
	var l Limits
	d.Next(&l, b)
	m, n, err := d.Next(&l, b[10:])
	if err != nil || string(m.Payload) != "in place" || n != len(frame) {
		t.Fatalf("got %q, %d, %v", m.Payload, n, err)
	}
	if &m.Payload[0] != &b[10+6] {
		t.Error("the payload was copied")
	}
	if d.Pinned() != 0 {
		t.Errorf("%d bytes pinned", d.Pinned())
	}
}

// TestDecoderPinned: memory held follows the bytes received, not those declared, and is given back.
func TestDecoderPinned(t *testing.T) {
	const overhead = int(unsafe.Sizeof(assembly{}) + unsafe.Sizeof(buffer{}))
	l := &Limits{MaxMessage: 16 << 20}
	header := clientFrame(0x82, strings.Repeat("x", 16<<20))[:maxHeader]
	var d Decoder
	if events, err := decodeAll(&d, l, header, every(1)); len(events) > 0 || err != nil || d.Pinned() != 0 {
		t.Fatalf("a header pins %d bytes, %v", d.Pinned(), err)
	}
	received := 0
	for _, n := range []int{1, 99, 400, 5000, 60_000, 1 << 20, 4 << 20} {
		if _, err := decodeAll(&d, l, make([]byte, n), every(1<<16)); err != nil {
			t.Fatal(err)
		}
		received += n
		if got, most := d.Pinned(), max(128, 2*received)+overhead; got < received || got > most {
			t.Errorf("%d bytes received pin %d, want at most %d", received, got, most)
		}
	}
	d.Reset()
	if d.Pinned() != 0 {
		t.Errorf("%d bytes pinned after Reset", d.Pinned())
	}
	for _, wire := range [][]byte{
		clientFrame(0x89, "ping"),
		concat(clientFrame(0x02, "a"), clientFrame(0x80, "b")),
		clientFrame(0xc2, string(AppendDeflated(nil, []byte("abcabcabc")))),
	} {
		d.SetDeflate(true)
		if _, err := decodeAll(&d, l, wire, every(3)); err != nil {
			t.Fatal(err)
		}
		if d.Pinned() != 0 {
			t.Errorf("%d bytes pinned between messages", d.Pinned())
		}
	}
}

// TestDecoderMessageLife: the payload of a message is intact until the next call of Next or Release.
func TestDecoderMessageLife(t *testing.T) {
	var d, other Decoder
	l := &Limits{Deflate: true}
	wires := func(p string) [][]byte {
		return [][]byte{clientFrame(0xc1, string(AppendDeflated(nil, []byte(p)))), concat(clientFrame(0x01, p[:4]), clientFrame(0x80, p[4:]))}
	}
	for i, wire := range wires("inflated") {
		m, n, err := d.Next(l, wire)
		if err != nil || n != len(wire) {
			t.Fatal(n, err)
		}
		if _, err := decodeAll(&other, l, wires("ANOTHER!")[i], every(5)); err != nil {
			t.Fatal(err)
		}
		if string(m.Payload) != "inflated" || d.Pinned() == 0 {
			t.Errorf("the payload became %q, %d bytes pinned", m.Payload, d.Pinned())
		}
		if d.Release(); d.Pinned() != 0 {
			t.Errorf("%d bytes pinned after Release", d.Pinned())
		}
	}
}

func TestDecoderLimits(t *testing.T) {
	small := &Limits{MaxMessage: 10, MaxFragments: 3}
	ten := strings.Repeat("x", 10)
	for _, tt := range []struct {
		name   string
		wire   []byte
		reason string
		code   ws.StatusCode
	}{
		{"header of a message one too large", clientFrame(0x82, ten+"x")[:6], "the message is larger than the limit of 10 bytes", 1009},
		{"header of a fragment one too large", concat(clientFrame(0x02, ten), clientFrame(0x00, "x")[:6]), "the message is larger than the limit of 10 bytes", 1009},
		{"header of one fragment too many", concat(clientFrame(0x02, ""), clientFrame(0, ""), clientFrame(0, ""), clientFrame(0x80, "")[:6]), "the message has more than 3 fragments", 1008},
	} {
		var d Decoder
		if _, err := decodeAll(&d, small, tt.wire[:len(tt.wire)-1], every(1)); err != nil {
			t.Errorf("%s: failed before its last byte: %v", tt.name, err)
		}
		_, err := decodeAll(&d, small, tt.wire[len(tt.wire)-1:], every(1))
		if err == nil || err.Code != tt.code || err.Reason != tt.reason {
			t.Errorf("%s: got %v, want %d %s", tt.name, err, tt.code, tt.reason)
		}
	}
	var d Decoder
	if _, err := decodeAll(&d, &Limits{}, clientFrame(0x82, strings.Repeat("x", DefaultMaxMessage)), every(1000)); err != nil {
		t.Errorf("a message of DefaultMaxMessage bytes: %v", err)
	}
	if _, err := decodeAll(&d, &Limits{}, clientFrame(0x82, strings.Repeat("x", DefaultMaxMessage+1)), every(1000)); err == nil {
		t.Error("a message above DefaultMaxMessage passed")
	}
}

func TestDecoderDeflateSwitch(t *testing.T) {
	wire := clientFrame(0xc1, "\xf2\x48\xcd\xc9\xc9\x07\x00")
	for _, tt := range []struct {
		limits, conn bool
		want         *Error
	}{{false, false, errReservedBits}, {true, false, nil}, {false, true, nil}} {
		var d Decoder
		d.SetDeflate(tt.conn)
		if _, err := decodeAll(&d, &Limits{Deflate: tt.limits}, wire, every(100)); err != tt.want {
			t.Errorf("Limits.Deflate %v, SetDeflate(%v): got %v, want %v", tt.limits, tt.conn, err, tt.want)
		}
	}
}

// TestErrorsFit: every reason fits a close frame as it is.
func TestErrorsFit(t *testing.T) {
	for _, e := range []*Error{errReservedOpcode, errReservedBits, errCompressedPart, errUnmasked, errControlFragment, errControlLength,
		errLengthNotMinimal, errLengthSign, errNoMessage, errMessageBegun, errUTF8, errInflate, errCloseLength, errCloseCode,
		errCloseReason, errFinalBlocks, errTooBig(1<<63 - 1), errTooManyFragments(1<<63 - 1)} {
		if frame := AppendClose(nil, e.Code, e.Reason); string(frame[4:]) != e.Reason {
			t.Errorf("%v: sent as %q", e, frame[4:])
		}
		if e.Error() != "codec: "+e.Reason {
			t.Errorf("Error() = %q", e.Error())
		}
	}
}

// TestDecoderAllocations covers what needs no pool; alloc_test.go has the rest.
func TestDecoderAllocations(t *testing.T) {
	var l Limits
	for _, n := range []int{0, 64, 1 << 10, 64 << 10} {
		wire := concat(clientFrame(0x81, strings.Repeat("x", n)), clientFrame(0x89, "ping"))
		work := make([]byte, len(wire))
		var d Decoder
		if got := testing.AllocsPerRun(50, func() { drain(&d, &l, work[:copy(work, wire)]) }); got != 0 {
			t.Errorf("%d bytes: %v allocations, want 0", n, got)
		}
	}
}

// drain decodes b and drops the messages.
func drain(d *Decoder, l *Limits, b []byte) {
	for {
		m, n, err := d.Next(l, b)
		if err != nil {
			panic(err)
		}
		if b = b[n:]; m.Op == 0 {
			return
		}
	}
}

func BenchmarkDecode(b *testing.B) {
	for _, size := range []int{64, 1 << 10, 64 << 10} {
		b.Run(fmt.Sprint(sizeName(size)), func(b *testing.B) {
			wire := clientFrame(0x81, strings.Repeat("x", size))
			work := make([]byte, len(wire))
			var d Decoder
			l := &Limits{MaxMessage: 1 << 20}
			b.SetBytes(int64(size))
			b.ReportAllocs()
			for b.Loop() {
				drain(&d, l, work[:copy(work, wire)])
			}
		})
	}
}

func BenchmarkMask(b *testing.B) {
	for _, size := range []int{64, 1 << 10, 64 << 10} {
		p := make([]byte, size)
		b.Run(sizeName(size), func(b *testing.B) {
			b.SetBytes(int64(size))
			for b.Loop() {
				ws.Cipher(p, [4]byte{1, 2, 3, 4}, 1)
			}
		})
	}
}

// TestIdleCompressed: between messages a connection that negotiated permessage-deflate holds no memory of its own: no window, no
// inflater, no buffer.
func TestIdleCompressed(t *testing.T) {
	l := &Limits{Deflate: true}
	var d Decoder
	d.SetDeflate(true)
	text := strings.Repeat(`{"nickname":"ann","message":"hello"} `, 30)
	wire := clientFrame(0xc1, string(AppendDeflated(nil, []byte(text))))
	for _, step := range []int{1, 7, len(wire)} {
		events, err := decodeAll(&d, l, wire, every(step))
		if err != nil || len(events) != 1 || events[0].payload != text {
			t.Fatalf("in steps of %d: %d messages, %v", step, len(events), err)
		}
		if d.held != nil || d.Pinned() != 0 {
			t.Errorf("in steps of %d: %d bytes are held", step, d.Pinned())
		}
	}
}

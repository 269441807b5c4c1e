package codec

import (
	"bytes"
	"strings"
	"testing"

	"github.com/gobwas/ws"
)

func TestParseHeader(t *testing.T) {
	mask := [4]byte{1, 2, 3, 4}
	for _, tt := range []struct {
		name, hex string
		want      ws.Header
	}{
		{"text", "8185 01020304", ws.Header{Fin: true, OpCode: ws.OpText, Length: 5}},
		{"text begun", "0180 01020304", ws.Header{OpCode: ws.OpText}},
		{"continuation", "80fd 01020304", ws.Header{Fin: true, OpCode: ws.OpContinuation, Length: 125}},
		{"binary, 16 bits", "82fe 007e 01020304", ws.Header{Fin: true, OpCode: ws.OpBinary, Length: 126}},
		{"binary, 16 bits, longest", "82fe ffff 01020304", ws.Header{Fin: true, OpCode: ws.OpBinary, Length: 65535}},
		{"binary, 64 bits", "82ff 0000000000010000 01020304", ws.Header{Fin: true, OpCode: ws.OpBinary, Length: 65536}},
		{"binary, 64 bits, longest", "82ff 7fffffffffffffff 01020304", ws.Header{Fin: true, OpCode: ws.OpBinary, Length: 1<<63 - 1}},
		{"ping", "89fd 01020304", ws.Header{Fin: true, OpCode: ws.OpPing, Length: 125}},
		{"pong", "8a80 01020304", ws.Header{Fin: true, OpCode: ws.OpPong}},
		{"close", "8882 01020304", ws.Header{Fin: true, OpCode: ws.OpClose, Length: 2}},
		{"compressed", "c181 01020304", ws.Header{Fin: true, Rsv: 4, OpCode: ws.OpText, Length: 1}},
	} {
		tt.want.Masked, tt.want.Mask = true, mask
		wire := unhex(t, tt.hex)
		h, n, err := ParseHeader(append(wire, "payload"...))
		if err != nil || n != len(wire) || h != tt.want {
			t.Errorf("%s: got %+v, %d, %v, want %+v, %d", tt.name, h, n, err, tt.want, len(wire))
		}
		for i := range wire {
			if _, n, err := ParseHeader(wire[:i]); n != 0 || err != nil {
				t.Errorf("%s: %d of %d bytes: got %d, %v, want 0, nil", tt.name, i, len(wire), n, err)
			}
		}
		// What gobwas/ws reads of a legal header must be the same.
		if g, err := ws.ReadHeader(bytes.NewReader(wire)); err != nil || g != h {
			t.Errorf("%s: gobwas/ws reads %+v, %v, want %+v", tt.name, g, err, h)
		}
	}
}

func TestParseHeaderRefuses(t *testing.T) {
	for _, tt := range []struct {
		name, hex string // the last byte is the one that proves the fault
		want      *Error
	}{
		{"reserved data opcode", "83", errReservedOpcode},
		{"reserved control opcode", "8b", errReservedOpcode},
		{"RSV2", "a1", errReservedBits},
		{"RSV3", "91", errReservedBits},
		{"RSV1 on a continuation", "c0", errCompressedPart},
		{"RSV1 on a ping", "c9", errCompressedPart},
		{"fragmented ping", "09", errControlFragment},
		{"fragmented close", "08", errControlFragment},
		{"unmasked", "8105", errUnmasked},
		{"ping of 126 bytes", "89fe", errControlLength},
		{"ping with a 64-bit length", "89ff", errControlLength},
		{"16 bits for 125", "81fe 007d", errLengthNotMinimal},
		{"16 bits for 0", "81fe 0000", errLengthNotMinimal},
		{"64 bits for 65535", "81ff 000000000000ffff", errLengthNotMinimal},
		{"highest bit", "81ff 8000000000000000", errLengthSign},
	} {
		wire := unhex(t, tt.hex)
		if _, n, err := ParseHeader(wire); n != 0 || err != tt.want {
			t.Errorf("%s: got %d, %v, want 0, %v", tt.name, n, err, tt.want)
		}
		for i := range wire {
			if _, n, err := ParseHeader(wire[:i]); n != 0 || err != nil {
				t.Errorf("%s: found before byte %d: %v", tt.name, i, err)
			}
		}
	}
}

// TestParseHeaderTwin goes through every pair of first bytes.
func TestParseHeaderTwin(t *testing.T) {
	for first := range 256 {
		for second := range 256 {
			wire := append([]byte{byte(first), byte(second)}, "\x00\x00\x00\x00\x00\x01\x00\x00mask"...)
			h, n, err := ParseHeader(wire)
			want, size, bad := twinHeader(wire)
			if bad != (err != nil) || n != size || n > 0 && !sameHeader(h, want) {
				t.Fatalf("%x: got %+v, %d, %v, want %+v, %d, bad %v", wire, h, n, err, want, size, bad)
			}
		}
	}
}

func sameHeader(a, b ws.Header) bool {
	a.Masked = b.Masked
	return a == b
}

func TestAppendFrame(t *testing.T) {
	// RFC 6455 section 5.7.
	for _, tt := range []struct {
		name, hex string
		got       []byte
	}{
		{"text", "8105 48656c6c6f", AppendFrame(nil, ws.OpText, []byte("Hello"))},
		{"ping", "8905 48656c6c6f", AppendFrame(nil, ws.OpPing, []byte("Hello"))},
		{"binary of 256 bytes", "827e0100", AppendHeader(nil, ws.OpBinary, false, 256)},
		{"binary of 64 KiB", "827f0000000000010000", AppendHeader(nil, ws.OpBinary, false, 65536)},
		{"compressed text", "c107", AppendHeader(nil, ws.OpText, true, 7)},
	} {
		if want := unhex(t, tt.hex); !bytes.Equal(tt.got, want) {
			t.Errorf("%s: got %x, want %x", tt.name, tt.got, want)
		}
	}
	for _, n := range []int{0, 1, 125, 126, 127, 65535, 65536, 1 << 20} {
		payload := []byte(strings.Repeat("x", n))
		got := AppendFrame([]byte("before"), ws.OpBinary, payload)
		want := append([]byte("before"), ws.MustCompileFrame(ws.NewBinaryFrame(payload))...)
		if !bytes.Equal(got, want) {
			t.Errorf("%d bytes: differs from gobwas/ws", n)
		}
		if size := len(got) - len("before") - n; HeaderSize(n) != size {
			t.Errorf("HeaderSize(%d) = %d, want %d", n, HeaderSize(n), size)
		}
	}
}

func TestHeaderAllocations(t *testing.T) {
	wire := unhex(t, "82ff 0000000000010000 01020304")
	dst := make([]byte, 0, 256)
	payload := []byte("payload")
	for name, f := range map[string]func(){
		"ParseHeader":  func() { ParseHeader(wire) },
		"AppendHeader": func() { AppendHeader(dst, ws.OpText, false, 70000) },
		"AppendFrame":  func() { AppendFrame(dst, ws.OpText, payload) },
		"AppendClose":  func() { AppendClose(dst, 1012, "draining") },
	} {
		if got := testing.AllocsPerRun(100, f); got != 0 {
			t.Errorf("%s: %v allocations, want 0", name, got)
		}
	}
}

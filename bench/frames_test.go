package main

import (
	"bytes"
	"encoding/hex"
	"errors"
	"io"
	"math/rand/v2"
	"testing"
)

func unhex(t *testing.T, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(s)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// RFC 6455, 5.7.
func TestFrameVectors(t *testing.T) {
	masked := appendFrame(nil, bitFin|opText, []byte("Hello"), 0x3d21fa37)
	if want := unhex(t, "818537fa213d7f9f4d5158"); !bytes.Equal(masked, want) {
		t.Errorf("masked Hello = %x, want %x", masked, want)
	}
	for _, tt := range []struct {
		name, wire string
		want       frameHeader
		err        error
	}{
		{"unmasked text", "810548656c6c6f", frameHeader{op: opText, fin: true, size: 2, length: 5}, nil},
		{"first fragment", "010348656c", frameHeader{op: opText, size: 2, length: 3}, nil},
		{"continuation", "80026c6f", frameHeader{op: opContinuation, fin: true, size: 2, length: 2}, nil},
		{"ping", "890548656c6c6f", frameHeader{op: opPing, fin: true, size: 2, length: 5}, nil},
		{"256 bytes", "827e0100", frameHeader{op: opBinary, fin: true, size: 4, length: 256}, nil},
		{"64 KiB", "827f0000000000010000", frameHeader{op: opBinary, fin: true, size: 10, length: 65536}, nil},
		{"compressed", "c107f248cdc9c90700", frameHeader{op: opText, fin: true, rsv1: true, size: 2, length: 7}, nil},
		{"masked by a server", "818537fa213d7f9f4d5158", frameHeader{}, errMasked},
		{"reserved bit", "a100", frameHeader{}, errRSV},
		{"too long", "827f0000000100000000", frameHeader{}, errTooLong},
	} {
		wire := unhex(t, tt.wire)
		got, err := parseHeader(wire)
		if !errors.Is(err, tt.err) || err == nil && got != tt.want {
			t.Errorf("%s: %+v, %v, want %+v, %v", tt.name, got, err, tt.want, tt.err)
		}
		for n := range tt.want.size {
			if h, err := parseHeader(wire[:n]); h.size != 0 || err != nil {
				t.Errorf("%s cut to %d bytes: size %d, %v, want incomplete", tt.name, n, h.size, err)
			}
		}
	}
}

func TestMaskAgainstNaive(t *testing.T) {
	for n := range 70 {
		b := make([]byte, n)
		for i := range b {
			b[i] = byte(rand.Uint32())
		}
		key := rand.Uint32()
		want := bytes.Clone(b)
		for i := range want {
			want[i] ^= byte(key >> (8 * (i % 4)))
		}
		if mask(b, key); !bytes.Equal(b, want) {
			t.Fatalf("mask of %d bytes = %x, want %x", n, b, want)
		}
	}
}

// stream builds frames from the choices in data, and returns what a naive reader makes of them.
func stream(data []byte) (wire []byte, messages uint64, controls int) {
	fragmented := false
	for len(data) >= 2 {
		kind, size := data[0]%6, int(data[1])*3
		data = data[2:]
		switch {
		case kind == 0:
			wire = append(wire, bitFin|opPing, byte(size%126))
			wire = append(wire, make([]byte, size%126)...)
			controls++
			continue
		case kind == 1 && !fragmented:
			wire = append(wire, opText)
			fragmented = true
		case kind == 2 && fragmented:
			wire = append(wire, bitFin|opContinuation)
			fragmented = false
			messages++
		case !fragmented:
			wire = append(wire, bitFin|opText)
			messages++
		default:
			wire = append(wire, opContinuation)
		}
		if size < 126 {
			wire = append(wire, byte(size))
		} else {
			wire = append(wire, 126, byte(size>>8), byte(size))
		}
		wire = append(wire, make([]byte, size)...)
	}
	return wire, messages, controls
}

// walkAll feeds the wire in pieces whose sizes come from next, carrying over what was not used.
func walkAll(wire []byte, next func() int) (messages uint64, controls int, err error) {
	var w walker
	var carry []byte
	for len(wire) > 0 {
		n := min(max(next(), 1), len(wire))
		b := append(carry, wire[:n]...)
		wire = wire[n:]
		used, m, err := w.walk(b, func(byte, []byte) { controls++ })
		if err != nil {
			return messages, controls, err
		}
		messages += m
		carry = bytes.Clone(b[used:])
	}
	if len(carry) > 0 || w.left > 0 {
		return messages, controls, io.ErrUnexpectedEOF
	}
	return messages, controls, nil
}

// Property: however the bytes are cut, the walker counts the messages and control frames that are there.
func FuzzWalker(f *testing.F) {
	f.Add([]byte{3, 10, 0, 4, 1, 200, 0, 3, 2, 1, 5, 0}, uint64(1))
	f.Fuzz(func(t *testing.T, data []byte, seed uint64) {
		wire, messages, controls := stream(data)
		r := rand.New(rand.NewPCG(seed, 1))
		for _, next := range []func() int{
			func() int { return len(wire) }, func() int { return 1 }, func() int { return 1 + r.IntN(200) },
		} {
			m, c, err := walkAll(wire, next)
			if err != nil || m != messages || c != controls {
				t.Fatalf("%d messages and %d controls, %v; want %d and %d", m, c, err, messages, controls)
			}
		}
	})
}

func TestWalkDoesNotAllocate(t *testing.T) {
	wire, _, _ := stream([]byte{3, 10, 3, 100, 3, 0, 0, 4, 3, 20})
	ignore := func(byte, []byte) {}
	if n := testing.AllocsPerRun(100, func() {
		var w walker
		_, _, _ = w.walk(wire, ignore)
	}); n != 0 {
		t.Errorf("%v allocations per walk, want 0", n)
	}
}

func BenchmarkWalk(b *testing.B) {
	var wire []byte
	for range 200 {
		wire = append(wire, bitFin|opText, 126, 0, 150)
		wire = append(wire, make([]byte, 150)...)
	}
	ignore := func(byte, []byte) {}
	b.SetBytes(int64(len(wire)))
	b.ReportAllocs()
	for b.Loop() {
		var w walker
		if _, n, err := w.walk(wire, ignore); n != 200 || err != nil {
			b.Fatal(n, err)
		}
	}
}

package codec

import (
	"bytes"
	stdflate "compress/flate"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"io"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/gobwas/ws"
)

// event is a message that outlives the Decoder that found it.
type event struct {
	op      ws.OpCode
	payload string
}

func unhex(t testing.TB, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(strings.ReplaceAll(s, " ", ""))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// clientFrame builds a masked frame; first is fin, reserved bits and opcode as on the wire.
func clientFrame(first byte, payload string) []byte {
	mask := [4]byte{0x37, 0xfa, 0x21, 0x3d}
	b := []byte{first}
	switch n := len(payload); {
	case n <= 125:
		b = append(b, 0x80|byte(n))
	case n <= 1<<16-1:
		b = binary.BigEndian.AppendUint16(append(b, 0x80|126), uint16(n))
	default:
		b = binary.BigEndian.AppendUint64(append(b, 0x80|127), uint64(n))
	}
	b = append(b, mask[:]...)
	at := len(b)
	b = append(b, payload...)
	ws.Cipher(b[at:], mask, 0)
	return b
}

func concat(frames ...[]byte) []byte { return bytes.Join(frames, nil) }

// decodeAll hands wire to d in pieces whose lengths chop gives, as a connection would, and collects what comes out.
func decodeAll(d *Decoder, l *Limits, wire []byte, chop func() int) (events []event, err *Error) {
	wire = bytes.Clone(wire)
	for len(wire) > 0 {
		b := wire[:min(max(chop(), 1), len(wire))]
		wire = wire[len(b):]
		for {
			m, n, err := d.Next(l, b)
			if err != nil {
				return events, err
			}
			b = b[n:]
			if m.Op == 0 {
				break
			}
			events = append(events, event{m.Op, string(m.Payload)})
		}
		if len(b) > 0 {
			panic("codec: input left with no message")
		}
	}
	return events, nil
}

func every(n int) func() int { return func() int { return n } }

// twin decodes wire the naive way: all of it at once, frame after frame, everything copied. code is 0 if nothing was
// wrong, and packed says that the fault was found while inflating, where several codes may be right.
func twin(l *Limits, deflate bool, wire []byte) (events []event, code ws.StatusCode, packed bool) {
	var op ws.OpCode
	var message []byte
	compressed, frames := false, 0
	for len(wire) > 0 {
		h, size, bad := twinHeader(wire)
		if bad || size > 0 && h.Rsv1() && !deflate {
			return events, 1002, false
		}
		if size == 0 {
			return events, 0, false
		}
		body := wire[size:]
		whole := uint64(len(body)) >= uint64(h.Length)
		body = xor(body[:min(uint64(len(body)), uint64(h.Length))], h.Mask)
		wire = wire[size+len(body):]
		if h.OpCode.IsControl() {
			if whole {
				events = append(events, event{h.OpCode, string(body)})
			}
			if !whole || h.OpCode == ws.OpClose {
				return events, 0, false
			}
			continue
		}
		if (h.OpCode == ws.OpContinuation) != (op != 0) {
			return events, 1002, false
		}
		if op == 0 {
			op, compressed, message, frames = h.OpCode, h.Rsv1(), nil, 0
		}
		if frames++; frames > l.maxFragments() {
			return events, 1008, false
		}
		limit := l.maxMessage()
		if compressed {
			limit = deflateBound(limit)
		}
		if h.Length > int64(limit-len(message)) {
			return events, 1009, false
		}
		message = append(message, body...)
		done := whole && h.Fin
		if op == ws.OpText && !compressed && !twinUTF8(message, !done) {
			return events, 1007, false
		}
		if !done {
			continue
		}
		if compressed {
			if message, code = twinInflate(message, l.maxMessage()); code != 0 || op == ws.OpText && !utf8.Valid(message) {
				return events, max(code, 1007), true
			}
		}
		events = append(events, event{op, string(message)})
		op = 0
	}
	return events, 0, false
}

func xor(p []byte, mask [4]byte) []byte {
	p = bytes.Clone(p)
	for i := range p {
		p[i] ^= mask[i%4]
	}
	return p
}

// twinHeader is ParseHeader written as the RFC's table.
func twinHeader(b []byte) (h ws.Header, size int, bad bool) {
	h.Fin, h.Rsv, h.OpCode = b[0] >= 0x80, b[0]>>4&7, ws.OpCode(b[0]&15)
	control := h.OpCode >= 8
	known := h.OpCode <= 2 || h.OpCode >= 8 && h.OpCode <= 10
	if !known || h.Rsv&3 != 0 || h.Rsv != 0 && (control || h.OpCode == 0) || control && !h.Fin {
		return h, 0, true
	}
	if len(b) < 2 {
		return h, 0, false
	}
	code := b[1] & 127
	extra := map[byte]int{126: 2, 127: 8}[code]
	if b[1] < 128 || control && extra > 0 {
		return h, 0, true
	}
	if len(b) < 2+extra {
		return h, 0, false
	}
	length := uint64(code)
	if extra > 0 {
		length = 0
		for _, c := range b[2 : 2+extra] {
			length = length<<8 | uint64(c)
		}
	}
	if extra == 2 && length < 126 || extra == 8 && (length < 65536 || length > 1<<63-1) {
		return h, 0, true
	}
	if len(b) < 2+extra+4 {
		return h, 0, false
	}
	h.Length = int64(length)
	copy(h.Mask[:], b[2+extra:])
	return h, 2 + extra + 4, false
}

// twinUTF8 walks text character by character; unfinished text may end within one.
func twinUTF8(p []byte, unfinished bool) bool {
	for len(p) > 0 {
		r, n := utf8.DecodeRune(p)
		if r == utf8.RuneError && n == 1 {
			return unfinished && !utf8.FullRune(p)
		}
		p = p[n:]
	}
	return true
}

// twinInflate inflates with the standard library.
func twinInflate(p []byte, limit int) ([]byte, ws.StatusCode) {
	src := bytes.NewReader(append(p, inflateEnd...))
	var out []byte
	for blocks := 0; src.Len() > 0; blocks++ {
		if blocks > maxFinalBlocks {
			return nil, 1008
		}
		more, err := io.ReadAll(io.LimitReader(stdflate.NewReaderDict(src, out), int64(limit-len(out)+1)))
		if out = append(out, more...); len(out) > limit {
			return nil, 1009
		}
		if err != nil && !errors.Is(err, io.EOF) {
			return nil, 1007
		}
	}
	return out, 0
}

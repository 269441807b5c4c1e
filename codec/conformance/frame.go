package conformance

import (
	"encoding/binary"

	"github.com/gobwas/ws"
)

// First bytes of frames: fin, reserved bits and opcode as they are on the wire.
const (
	fin  = 0x80
	rsv1 = 0x40
	rsv2 = 0x20
	rsv3 = 0x10

	cont   = byte(ws.OpContinuation)
	txt    = byte(ws.OpText)
	bin    = byte(ws.OpBinary)
	closed = byte(ws.OpClose)
	ping   = byte(ws.OpPing)
	pong   = byte(ws.OpPong)
)

var mask = [4]byte{0x37, 0xfa, 0x21, 0x3d}

// frame builds a client's frame with the shortest length encoding.
func frame(first byte, payload string) []byte {
	switch n := len(payload); {
	case n <= 125:
		return frameAs(first, 7, payload)
	case n <= 1<<16-1:
		return frameAs(first, 16, payload)
	}
	return frameAs(first, 64, payload)
}

// frameAs builds a client's frame with a length field of that many bits.
func frameAs(first byte, bits int, payload string) []byte {
	return append(header(first, bits, uint64(len(payload))), masked(payload)...)
}

// header builds the header of a client's frame, mask included, for a payload that may never come.
func header(first byte, bits int, length uint64) []byte {
	b := []byte{first}
	switch bits {
	case 7:
		b = append(b, 0x80|byte(length))
	case 16:
		b = binary.BigEndian.AppendUint16(append(b, 0x80|126), uint16(length))
	default:
		b = binary.BigEndian.AppendUint64(append(b, 0x80|127), length)
	}
	return append(b, mask[:]...)
}

// masked returns payload as a client sends it behind the mask.
func masked(payload string) []byte {
	b := []byte(payload)
	ws.Cipher(b, mask, 0)
	return b
}

// fragments builds a message cut into frames of size bytes.
func fragments(first byte, payload string, size int) (out []byte) {
	for first &^= fin; len(payload) > size; payload = payload[size:] {
		out = append(out, frame(first, payload[:size])...)
		first = cont
	}
	return append(out, frame(fin|first, payload)...)
}

// closeFrame builds a close frame.
func closeFrame(code ws.StatusCode, reason string) []byte {
	return frame(fin|closed, closePayload(code, reason))
}

func closePayload(code ws.StatusCode, reason string) string {
	return string(binary.BigEndian.AppendUint16(nil, uint16(code))) + reason
}

func join(frames ...[]byte) (out []byte) {
	for _, f := range frames {
		out = append(out, f...)
	}
	return out
}

func gotText(s string) Message   { return Message{ws.OpText, []byte(s)} }
func gotBinary(s string) Message { return Message{ws.OpBinary, []byte(s)} }
func gotPing(s string) Message   { return Message{ws.OpPing, []byte(s)} }
func gotPong(s string) Message   { return Message{ws.OpPong, []byte(s)} }

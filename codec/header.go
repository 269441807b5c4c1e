package codec

import (
	"encoding/binary"

	"github.com/gobwas/ws"
)

// maxHeader is the longest header a client can send: two bytes, a 64-bit length, the mask.
const maxHeader = 2 + 8 + 4

// Longest payloads of the 7-bit and of the 16-bit length encoding (RFC 6455 section 5.2).
const (
	max7Bit  = 125
	max16Bit = 1<<16 - 1
)

// ParseHeader reads the header of one frame sent by a client. n == 0 without an error means that more bytes are
// needed; an error is found with the first byte that proves it. What depends on the connection is left to the
// caller: whether compression was negotiated, so that RSV1 may begin a message, and whether one has begun.
func ParseHeader(b []byte) (h ws.Header, n int, err *Error) {
	if len(b) == 0 {
		return h, 0, nil
	}
	h.Fin = b[0]&0x80 != 0
	h.Rsv = b[0] >> 4 & 7
	h.OpCode = ws.OpCode(b[0] & 0x0f)
	if err := checkFirstByte(h); err != nil || len(b) == 1 {
		return h, 0, err
	}

	// RFC 6455 section 5.1: "The server MUST close the connection upon receiving a frame that is not masked."
	if h.Masked = b[1]&0x80 != 0; !h.Masked {
		return h, 0, errUnmasked
	}
	length := b[1] & 0x7f
	// RFC 6455 section 5.5: "All control frames MUST have a payload length of 125 bytes or less".
	if h.OpCode.IsControl() && length > max7Bit {
		return h, 0, errControlLength
	}
	n = 2
	switch length {
	case 126:
		n += 2
	case 127:
		n += 8
	}
	if len(b) < n {
		return h, 0, nil
	}
	// RFC 6455 section 5.2: "in all cases, the minimal number of bytes MUST be used to encode the length".
	switch length {
	case 126:
		h.Length = int64(binary.BigEndian.Uint16(b[2:]))
		if h.Length <= max7Bit {
			return h, 0, errLengthNotMinimal
		}
	case 127:
		// RFC 6455 section 5.2: "the most significant bit MUST be 0".
		if h.Length = int64(binary.BigEndian.Uint64(b[2:])); h.Length < 0 {
			return h, 0, errLengthSign
		}
		if h.Length <= max16Bit {
			return h, 0, errLengthNotMinimal
		}
	default:
		h.Length = int64(length)
	}
	if len(b) < n+4 {
		return h, 0, nil
	}
	h.Mask = [4]byte(b[n:])
	return h, n + 4, nil
}

func checkFirstByte(h ws.Header) *Error {
	// RFC 6455 section 5.2: "If an unknown opcode is received, the receiving endpoint MUST _Fail the WebSocket
	// Connection_."
	if h.OpCode.IsReserved() {
		return errReservedOpcode
	}
	// RFC 6455 section 5.2: "MUST be 0 unless an extension is negotiated that defines meanings for non-zero values."
	if h.Rsv2() || h.Rsv3() {
		return errReservedBits
	}
	// RFC 7692 section 6.1: RSV1 marks the first fragment of a message, and no control frame.
	if h.Rsv1() && (h.OpCode.IsControl() || h.OpCode == ws.OpContinuation) {
		return errCompressedPart
	}
	// RFC 6455 section 5.5: control frames "MUST NOT be fragmented".
	if h.OpCode.IsControl() && !h.Fin {
		return errControlFragment
	}
	return nil
}

// HeaderSize returns the bytes AppendHeader writes for a payload of that many bytes.
func HeaderSize(payload int) int {
	switch {
	case payload <= max7Bit:
		return 2
	case payload <= max16Bit:
		return 4
	}
	return 10
}

// AppendHeader writes the header of a server's frame, unmasked and final, for a payload of that many bytes.
// compressed sets RSV1: the payload was written by AppendDeflated.
func AppendHeader(dst []byte, op ws.OpCode, compressed bool, payload int) []byte {
	first := 0x80 | byte(op)
	if compressed {
		first |= 0x40
	}
	switch {
	case payload <= max7Bit:
		return append(dst, first, byte(payload))
	case payload <= max16Bit:
		return binary.BigEndian.AppendUint16(append(dst, first, 126), uint16(payload))
	}
	return binary.BigEndian.AppendUint64(append(dst, first, 127), uint64(payload))
}

// AppendFrame writes a whole unmasked frame.
func AppendFrame(dst []byte, op ws.OpCode, payload []byte) []byte {
	return append(AppendHeader(dst, op, false, len(payload)), payload...)
}

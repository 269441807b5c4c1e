package main

import (
	"encoding/binary"
	"errors"
)

// The client's own framing. It shares no line with the server it measures, so that a fault in one shows in
// the other.

const (
	opContinuation = 0x0
	opText         = 0x1
	opBinary       = 0x2
	opClose        = 0x8
	opPing         = 0x9
	opPong         = 0xa

	bitFin  = 0x80
	bitRSV1 = 0x40

	// maxMessage is the largest message a client takes; a longer one is counted as an error.
	maxMessage = 32 << 20
)

var (
	errMasked  = errors.New("the server sent a masked frame") // RFC 6455, 5.1: a server must not mask
	errTooLong = errors.New("the server sent a message over 32 MiB")
	errRSV     = errors.New("the server set a reserved bit nobody negotiated")
)

// frameHeader is a parsed header of a server's frame.
type frameHeader struct {
	op     byte
	fin    bool
	rsv1   bool
	size   int    // bytes of the header itself; 0 means it is not complete
	length uint64 // bytes of payload
}

// parseHeader reads a server's frame header from the front of b. A header that is not complete has size 0.
func parseHeader(b []byte) (frameHeader, error) {
	if len(b) < 2 {
		return frameHeader{}, nil
	}
	h := frameHeader{op: b[0] & 15, fin: b[0]&bitFin != 0, rsv1: b[0]&bitRSV1 != 0}
	if b[0]&0x30 != 0 {
		return h, errRSV
	}
	if b[1]&0x80 != 0 {
		return h, errMasked
	}
	switch n := b[1] & 0x7f; {
	case n < 126:
		h.length, h.size = uint64(n), 2
	case n == 126 && len(b) >= 4:
		h.length, h.size = uint64(binary.BigEndian.Uint16(b[2:])), 4
	case n == 127 && len(b) >= 10:
		h.length, h.size = binary.BigEndian.Uint64(b[2:]), 10
	}
	if h.length > maxMessage {
		return h, errTooLong
	}
	return h, nil
}

// appendFrame appends a masked client frame. The key only has to differ from frame to frame.
func appendFrame(dst []byte, first byte, payload []byte, key uint32) []byte {
	dst = append(dst, first)
	switch n := len(payload); {
	case n < 126:
		dst = append(dst, 0x80|byte(n))
	case n < 1<<16:
		dst = append(dst, 0x80|126, byte(n>>8), byte(n))
	default:
		dst = append(dst, 0x80|127)
		dst = binary.BigEndian.AppendUint64(dst, uint64(n))
	}
	var k [4]byte
	binary.LittleEndian.PutUint32(k[:], key)
	dst = append(dst, k[:]...)
	start := len(dst)
	dst = append(dst, payload...)
	mask(dst[start:], key)
	return dst
}

// mask applies the key, whose first byte on the wire is its lowest, to b.
func mask(b []byte, key uint32) {
	wide := uint64(key)<<32 | uint64(key)
	for len(b) >= 8 {
		binary.LittleEndian.PutUint64(b, binary.LittleEndian.Uint64(b)^wide)
		b = b[8:]
	}
	for i := range b {
		b[i] ^= byte(key >> (8 * (i & 3)))
	}
}

// walker follows the frames of a connection whose payload nobody looks at: it steps from header to header
// and counts whole messages, so a drained connection's reach is as exact as a parsed one's.
type walker struct {
	left uint64 // payload bytes of the current data frame still to come
	fin  bool   // whether that frame ends a message
}

// walk steps through b and returns how many bytes it used and how many messages ended in them. Bytes not
// used are an incomplete header or control frame and belong in front of the next read. Control frames are
// handed to onControl, whose argument is only valid during the call.
func (w *walker) walk(b []byte, onControl func(op byte, payload []byte)) (used int, messages uint64, err error) {
	for {
		if w.left > 0 {
			rest := uint64(len(b) - used)
			if rest < w.left {
				w.left -= rest
				return len(b), messages, nil
			}
			used += int(w.left)
			w.left = 0
			if w.fin {
				messages++
			}
		}
		h, err := parseHeader(b[used:])
		if err != nil || h.size == 0 {
			return used, messages, err
		}
		if h.op < opClose {
			used += h.size
			w.left, w.fin = h.length, h.fin
			if h.length == 0 && h.fin {
				messages++
			}
			continue
		}
		whole := h.size + int(h.length)
		if len(b)-used < whole {
			return used, messages, nil
		}
		onControl(h.op, b[used+h.size:used+whole])
		used += whole
	}
}

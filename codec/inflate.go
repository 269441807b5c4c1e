package codec

import (
	"bytes"
	"compress/flate"
	"io"
	"runtime"
)

// inflateEnd closes the DEFLATE data of a message. RFC 7692 section 7.2.2: "Append 4 octets of 0x00 0x00 0xff 0xff to
// the tail end of the payload of the message." An empty final block follows, for the inflater to end on.
const inflateEnd = "\x00\x00\xff\xff\x01\x00\x00\xff\xff"

// maxFinalBlocks bounds the final DEFLATE blocks a message may contain of its own (RFC 7692 section 7.2.3.4): the
// inflater starts again after each, at the cost of a window of 32 KiB.
const maxFinalBlocks = 16

// windowSize is what a DEFLATE reference can reach back.
const windowSize = 32 << 10

// inflaters holds what is not in use of the inflaters, of which as many exist as processors can run. Each is about
// 40 KiB. No connection keeps one between messages.
//
// They are the standard library's: klauspost/compress 1.20.3, which compresses here, reads a block that declares no distance
// code with the distance code of the block before, or of the message before and so of another connection.
var inflaters = newWorkshop(runtime.GOMAXPROCS(0), func() *inflater {
	in := new(inflater)
	in.flate = flate.NewReader(&in.src)
	return in
})

type inflater struct {
	src   bytes.Reader
	flate io.ReadCloser
	probe [1]byte
}

// deflateBound is the most that a sensible compressor makes of n bytes: a compressed message may be that long.
func deflateBound(n int) int { return n + n>>3 + n>>6 + 64 }

// inflate decompresses one message: p is its payload followed by inflateEnd. The result is at most limit bytes, and
// valid UTF-8 if it is text; both are checked while inflating. The caller owns it.
func inflate(p []byte, limit int, text bool) (*buffer, *Error) {
	in := inflaters.take()
	defer inflaters.put(in)
	in.src.Reset(p)
	defer in.src.Reset(nil)
	out := newBuffer(min(4*len(p), limit))
	out, err := in.run(out, limit, text)
	if err != nil {
		out.free()
		return nil, err
	}
	return out, nil
}

func (in *inflater) run(out *buffer, limit int, text bool) (*buffer, *Error) {
	tail := 0
	for blocks := 0; in.src.Len() > 0; blocks++ {
		if blocks > maxFinalBlocks {
			return out, errFinalBlocks
		}
		window := out.b[max(0, len(out.b)-windowSize):]
		if err := in.flate.(flate.Resetter).Reset(&in.src, window); err != nil {
			return out, errInflate
		}
		for end := false; !end; {
			room := in.probe[:]
			if len(out.b) < limit {
				out = out.grow(1)
				room = out.b[len(out.b):min(cap(out.b), limit)]
			}
			n, err := in.flate.Read(room)
			if n > 0 && len(out.b) == limit {
				return out, errTooBig(limit)
			}
			out.b = out.b[:len(out.b)+n]
			if text && n > 0 {
				var ok bool
				if tail, ok = checkUTF8(out.b[len(out.b)-n-tail:]); !ok {
					return out, errUTF8
				}
			}
			if err != nil && err != io.EOF {
				return out, errInflate
			}
			end = err == io.EOF
		}
	}
	if tail != 0 {
		return out, errUTF8
	}
	return out, nil
}

package codec

import (
	"math/bits"
	"sync"
)

// Buffers for unfinished input come in powers of two from 128 bytes, so that a peer that dribbles pins little, to
// 1 MiB, above which they are left to the garbage collector.
const (
	minBufferBits = 7
	maxBufferBits = 20
)

var bufferPools [maxBufferBits - minBufferBits + 1]sync.Pool

// buffer is a growing byte slice out of a pool. One owner at a time.
type buffer struct{ b []byte }

// newBuffer returns an empty buffer with room for n bytes.
func newBuffer(n int) *buffer {
	class := max(bits.Len(uint(max(n, 1)-1)), minBufferBits)
	if class > maxBufferBits {
		return &buffer{make([]byte, 0, 1<<class)}
	}
	if buf, _ := bufferPools[class-minBufferBits].Get().(*buffer); buf != nil {
		return buf
	}
	return &buffer{make([]byte, 0, 1<<class)}
}

// free gives the buffer back; neither it nor what it held may be used afterwards.
func (b *buffer) free() {
	class := bits.Len(uint(cap(b.b) - 1))
	if class > maxBufferBits {
		return
	}
	b.b = b.b[:0]
	bufferPools[class-minBufferBits].Put(b)
}

// grow returns a buffer with the same bytes and room for n more: b itself, or another in place of it. The capacity
// is at most twice what is held and asked for.
func (b *buffer) grow(n int) *buffer {
	if len(b.b)+n <= cap(b.b) {
		return b
	}
	g := newBuffer(len(b.b) + n)
	g.b = append(g.b, b.b...)
	b.free()
	return g
}

package codec

import "math/bits"

// Buffers for unfinished input come in powers of two from 128 bytes, so that a peer that dribbles pins little, to
// 1 MiB, above which they are left to the garbage collector.
const (
	minBufferBits = 7
	maxBufferBits = 20
)

// bufferShelves have a shelf for each size, 3 MiB in all when they are full.
var bufferShelves = func() (s [maxBufferBits - minBufferBits + 1]shelf[buffer]) {
	for i := range s {
		s[i] = make(shelf[buffer], max(1, 128<<10>>(i+minBufferBits)))
	}
	return s
}()

// shelf keeps what is not in use, up to its capacity. A sync.Pool has no bound: until the collector has run twice it keeps
// all that was given back, which after a flood is as much as the flood held.
type shelf[T any] chan *T

// take returns nil if there is none.
func (s shelf[T]) take() *T {
	select {
	case v := <-s:
		return v
	default:
		return nil
	}
}

func (s shelf[T]) put(v *T) {
	select {
	case s <- v:
	default:
	}
}

// buffer is a growing byte slice off a shelf. One owner at a time.
type buffer struct{ b []byte }

// newBuffer returns an empty buffer with room for n bytes.
func newBuffer(n int) *buffer {
	class := max(bits.Len(uint(max(n, 1)-1)), minBufferBits)
	if class > maxBufferBits {
		return &buffer{make([]byte, 0, 1<<class)}
	}
	if buf := bufferShelves[class-minBufferBits].take(); buf != nil {
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
	bufferShelves[class-minBufferBits].put(b)
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

package codec

import (
	"runtime"

	"github.com/klauspost/compress/flate"
)

// deflateLevel is what a broadcast is compressed with, once for all its receivers. Levels 1 and 2 find no match in
// payloads of chat size; 3 takes as long as 5; 6 and more cost time for under 3 %.
const deflateLevel = 5

// deflaters holds what is not in use of the compressors, about 1 MiB each. A caller waits while all are in use, so a
// burst of publications cannot multiply them.
var deflaters = newWorkshop(min(runtime.GOMAXPROCS(0), 4), func() *deflater {
	d := new(deflater)
	d.flate, _ = flate.NewWriter(d, deflateLevel) // fails only for a level that does not exist
	return d
})

type deflater struct {
	dst   []byte
	flate *flate.Writer
}

// Write lets the compressor append to dst.
func (d *deflater) Write(p []byte) (int, error) {
	d.dst = append(d.dst, p...)
	return len(p), nil
}

// AppendDeflated writes payload as the payload of a message compressed with permessage-deflate and no context
// takeover, so the same bytes serve every receiver that negotiated it. The frame header is AppendHeader's. It may
// wait for another goroutine's call to end, and is safe for concurrent use.
func AppendDeflated(dst, payload []byte) []byte {
	d := deflaters.take()
	defer deflaters.put(d)
	d.dst = dst
	d.flate.Reset(d)
	// A deflater's Write does not fail, so neither do these.
	_, _ = d.flate.Write(payload)
	_ = d.flate.Flush()
	dst, d.dst = d.dst, nil
	// RFC 7692 section 7.2.1: "Remove 4 octets (that are 0x00 0x00 0xff 0xff) from the tail end."
	return dst[:len(dst)-4]
}

// workshop hands out at most as many tools as it has places; who finds none waits. Tools are made when first needed.
type workshop[T any] struct {
	places chan *T
	make   func() *T
}

func newWorkshop[T any](places int, build func() *T) *workshop[T] {
	w := &workshop[T]{make(chan *T, places), build}
	for range places {
		w.places <- nil
	}
	return w
}

func (w *workshop[T]) take() *T {
	if t := <-w.places; t != nil {
		return t
	}
	return w.make()
}

func (w *workshop[T]) put(t *T) { w.places <- t }

package server

import (
	"runtime"
	"strings"
	"testing"

	"github.com/gobwas/ws"

	"rookery/codec"
)

// TestPinnedIsHeap compares what is counted for unfinished input with what the heap grows by: within 3 %, for each kind.
func TestPinnedIsHeap(t *testing.T) {
	frame := func(op ws.OpCode, fin bool, payload string) []byte {
		return ws.MustCompileFrame(ws.MaskFrame(ws.NewFrame(op, fin, []byte(payload))))
	}
	long := frame(ws.OpBinary, true, strings.Repeat("x", 100_000))
	packed := ws.MaskFrame(ws.NewFrame(ws.OpBinary, true, codec.AppendDeflated(nil, []byte(strings.Repeat("hello ", 100)))))
	packed.Header.Rsv = ws.Rsv(true, false, false)
	for _, tt := range []struct {
		name  string
		count int
		reads func() [][]byte // fresh each time: input is overwritten
	}{
		{"a fragment", 4000, func() [][]byte { return [][]byte{frame(ws.OpText, false, "tiny")} }},
		{"300 fragments", 1000, func() (reads [][]byte) {
			reads = append(reads, frame(ws.OpBinary, false, "tiny"))
			for range 299 {
				reads = append(reads, frame(ws.OpContinuation, false, "tiny"))
			}
			return reads
		}},
		{"half a frame", 200, func() [][]byte { return [][]byte{append([]byte(nil), long[:50_000]...)} }},
		{"a frame in drops", 1000, func() (reads [][]byte) {
			for _, b := range long[:1500] {
				reads = append(reads, []byte{b})
			}
			return reads
		}},
		{"half a compressed frame", 4000, func() [][]byte { b := ws.MustCompileFrame(packed); return [][]byte{b[:len(b)-2]} }},
		{"half a ping", 4000, func() [][]byte { return [][]byte{frame(ws.OpPing, true, "ping")[:8]} }},
	} {
		conns := make([]Conn, tt.count)
		check(t, tt.name, conns, func(c *Conn) {
			c.dec.SetDeflate(true)
			for _, b := range tt.reads() {
				if _, _, err := c.dec.Next(&codec.Limits{MaxMessage: 1 << 20}, b); err != nil {
					t.Fatal(tt.name, err)
				}
			}
		})
	}
	srv := &Server{}
	srv.budget.set(1 << 40)
	l := &Loop{srv: srv}
	for _, pieces := range []int{1, 4, 40} {
		check(t, "a request in pieces", make([]Conn, 2000), func(c *Conn) {
			c.loop = l
			for range pieces {
				c.growHead([]byte(strings.Repeat("x", 100)))
			}
		})
	}
}

func check(t *testing.T, name string, conns []Conn, fill func(*Conn)) {
	t.Helper()
	// As many before them leave the codec's shelves as they are in the midst of a flood.
	others := make([]Conn, len(conns))
	for i := range others {
		fill(&others[i])
	}
	before := heapNow()
	for i := range conns {
		fill(&conns[i])
	}
	grown := heapNow() - before
	counted := 0
	for i := range conns {
		counted += conns[i].pinnedBytes()
	}
	t.Logf("%s: %d bytes are counted for each, and the heap grew by %d", name, counted/len(conns), grown/len(conns))
	if off := float64(grown-counted) / float64(counted); off > 0.03 || off < -0.03 {
		t.Errorf("%s: %d bytes are counted, and the heap grew by %d", name, counted, grown)
	}
	for i := range conns {
		conns[i].dropInput()
		others[i].dropInput()
	}
}

func heapNow() int {
	var m runtime.MemStats
	runtime.GC()
	runtime.GC()
	runtime.ReadMemStats(&m)
	return int(m.HeapAlloc)
}

//go:build !race

package codec

import (
	"strings"
	"testing"
)

// TestPooledAllocations covers what takes memory from sync.Pool, of which the race detector drops some at random.
func TestPooledAllocations(t *testing.T) {
	l := &Limits{MaxMessage: 1 << 20, Deflate: true}
	chat := strings.Repeat(`{"nickname":"ann","message":"hello"} `, 30)
	packed := string(AppendDeflated(nil, []byte(chat)))
	for _, tt := range []struct {
		name string
		wire []byte
		step int
	}{
		{"a frame in pieces", clientFrame(0x81, chat), 100},
		{"a large frame in pieces", clientFrame(0x82, strings.Repeat("x", 1<<20)), 1 << 16},
		{"fragments", concat(clientFrame(0x01, chat), clientFrame(0x89, "ping"), clientFrame(0x80, chat)), 1 << 20},
		{"a ping in pieces", clientFrame(0x89, "ping"), 1},
		{"compressed", clientFrame(0xc1, packed), 1 << 20},
		{"compressed fragments in pieces", concat(clientFrame(0x41, packed[:20]), clientFrame(0x80, packed[20:])), 30},
	} {
		work := make([]byte, len(tt.wire))
		var d Decoder
		got := testing.AllocsPerRun(100, func() {
			for b := work[:copy(work, tt.wire)]; len(b) > 0; {
				n := min(tt.step, len(b))
				drain(&d, l, b[:n])
				b = b[n:]
			}
		})
		if got != 0 {
			t.Errorf("%s: %v allocations, want 0", tt.name, got)
		}
	}
}

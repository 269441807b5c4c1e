package hub

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
)

// TestLogReadsBackWhatWasAppended holds the log to a slice of frames: whatever sizes come, whichever offset a reader starts
// from, the runs give the frames from there on, whole, in both encodings, and nothing else.
func TestLogReadsBackWhatWasAppended(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name  string
		limit int
		sizes []int // of the text, in turn
		from  int   // the publication at which a member asks for compression
	}{
		{"one", 1 << 20, []int{1}, -1},
		{"small", 1 << 20, []int{0, 1, 2, 10}, -1},
		{"around the lengths of a header", 1 << 20, []int{60, 70, 80, 65400, 65480, 65490, 65500, 65536}, -1},
		{"larger than a segment", 4 << 20, []int{maxSegment, 3 * maxSegment, 5}, -1},
		{"larger than the log", 4096, []int{50, 10_000, 50}, -1},
		{"compressed from the start", 1 << 20, []int{10, 300, 5000}, 0},
		{"compressed from the middle", 1 << 20, []int{10, 300, 5000}, 150},
		{"kept short", 8192, []int{30, 200}, -1},
		{"kept short, compressed", 8192, []int{30, 400}, 20},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, Config{RoomBytes: tt.limit}, 1)
			r := w.room(`a "room"`)
			var want [][]byte
			for i := range 300 {
				if i == tt.from {
					w.join(r, 0, Join{Deflated: true})
				}
				text := strings.Repeat("x", tt.sizes[i%len(tt.sizes)])
				w.say(r, 1, text)
				payload := fmt.Appendf(nil, `{"status":1,"room":"a \"room\"","offset":%d,"n":%d,"text":"%s"}`, i+1, i+1, text)
				if !json.Valid(payload) {
					t.Fatalf("the test's own JSON: %s", payload)
				}
				want = append(want, payload)
			}
			checkLog(t, r, want, tt.from)
			if memory := r.log.memory; memory > tt.limit && len(r.log.list()) > 1 {
				t.Errorf("%d bytes in %d segments, want at most %d", memory, len(r.log.list()), tt.limit)
			}
			if got := w.Stats().LogBytes; got != sum(r.log.list()) {
				t.Errorf("hub counts %d bytes of logs, the segments have %d", got, sum(r.log.list()))
			}
		})
	}
}

func sum(list []*segment) (n int64) {
	for _, s := range list {
		n += int64(s.memory())
	}
	return n
}

// checkLog reads the log from every offset, in both encodings.
func checkLog(t *testing.T, r *Room, want [][]byte, deflatedFrom int) {
	t.Helper()
	v := r.log.view()
	if v.head != uint64(len(want)) {
		t.Fatalf("head %d, want %d", v.head, len(want))
	}
	for _, asDeflated := range []bool{false, true} {
		compressed := 0
		next := v.oldest()
		for next <= v.head {
			run := v.read(next, asDeflated)
			if run.first != next || run.count == 0 {
				t.Fatalf("a run of %d from %d, read from %d", run.count, run.first, next)
			}
			b := run.bytes
			for i := range run.count {
				f, n, ok := readFrame(b)
				if !ok {
					t.Fatalf("offset %d: not a whole frame", next)
				}
				payload := f.payload
				if f.compressed {
					compressed++
					payload, _ = inflate(payload)
				}
				if !bytes.Equal(payload, want[next-1]) {
					t.Fatalf("offset %d: %.80q, want %.80q", next, payload, want[next-1])
				}
				if one := v.read(next, asDeflated); !bytes.Equal(one.bytes, b) || one.count != run.count-i {
					t.Fatalf("offset %d read alone differs", next)
				}
				b = b[n:]
				next++
			}
			if len(b) > 0 {
				t.Fatalf("%d bytes behind the run's last frame", len(b))
			}
		}
		if want := asDeflated && deflatedFrom >= 0; (compressed > 0) != want {
			t.Errorf("deflated %v: %d compressed frames", asDeflated, compressed)
		}
	}
}

// TestRetentionKeepsWhatItShould: a member that is a little behind finds what it needs, whatever the limit.
func TestRetentionKeepsWhatItShould(t *testing.T) {
	t.Parallel()
	for _, limit := range []int{8 << 10, 64 << 10, 1 << 20} {
		for _, compressed := range []bool{false, true} {
			w := newWorld(t, Config{RoomBytes: limit}, 1)
			r := w.room("r")
			if compressed {
				w.join(r, 0, Join{Deflated: true})
			}
			text := strings.Repeat("y", 50)
			for range 30_000 {
				w.say(r, 1, text)
			}
			v := r.log.view()
			kept := 0
			for _, s := range v.segments {
				kept += int(s.plain.start(s.n))
			}
			// Two encodings, ends and what a segment leaves free at its end; the oldest segment may just have gone.
			if part := 2; kept < limit/part*6/10 && !compressed || kept < limit/2/part*6/10 {
				t.Errorf("limit %d, compressed %v: only %d bytes of frames kept", limit, compressed, kept)
			}
			if r.log.memory > limit {
				t.Errorf("limit %d, compressed %v: %d bytes", limit, compressed, r.log.memory)
			}
		}
	}
}

// TestCut holds run.cut to a walk over the frames, for every length that a socket can take.
func TestCut(t *testing.T) {
	t.Parallel()
	w := newWorld(t, Config{}, 1)
	r := w.room("r")
	for i := range 9 {
		w.say(r, 1, strings.Repeat("z", i*i*3))
	}
	v := r.log.view()
	for from := uint64(1); from <= v.head; from++ {
		run := v.read(from, false)
		for n := 0; n <= len(run.bytes); n++ {
			wantNext, at := from, 0
			for at < n {
				_, size, _ := readFrame(run.bytes[at:])
				at += size
				wantNext++
			}
			next, rest := run.cut(n)
			if next != wantNext || !bytes.Equal(rest, run.bytes[n:at]) {
				t.Fatalf("from %d, %d bytes taken: next %d and a rest of %d, want %d and %d", from, n, next, len(rest), wantNext, at-n)
			}
		}
	}
}

// TestWithdrawn: whatever is redacted, a reader gets the others, in order, once.
func TestWithdrawn(t *testing.T) {
	t.Parallel()
	rng := rand.New(rand.NewPCG(1, 2))
	for round := range 50 {
		w := newWorld(t, Config{}, 1)
		r := w.room("r")
		const n = 200
		w.say(r, n, "abc")
		gone := make(map[uint64]bool)
		for range rng.IntN(2 * n) {
			offset := 1 + rng.Uint64N(n)
			if rng.IntN(3) == 0 && offset > 1 {
				offset = max(1, offset-1) // neighbours too
			}
			gone[offset] = true
			if !r.Redact(offset) {
				t.Fatalf("redact %d: not there", offset)
			}
		}
		var want []uint64
		for o := uint64(1); o <= n; o++ {
			if !gone[o] {
				want = append(want, o)
			}
		}
		c := w.join(r, 0, Join{Epoch: r.Epoch(), Offset: 0})
		w.sweep(0)
		if got := offsets(c.messages(t)); !slices.Equal(got, want) {
			t.Fatalf("round %d: got %v, want %v", round, got, want)
		}
	}
}

func TestRedactKnowsWhatItHas(t *testing.T) {
	t.Parallel()
	w := newWorld(t, Config{RoomBytes: 4096}, 1)
	r := w.room("r")
	if r.Redact(0) || r.Redact(1) {
		t.Error("redacted in an empty room")
	}
	w.say(r, 200, "abcdefghijklmnopqrstuvwxyz")
	v := r.log.view()
	oldest := v.oldest()
	for _, tt := range []struct {
		offset uint64
		want   bool
	}{{0, false}, {oldest - 1, false}, {oldest, true}, {v.head, true}, {v.head + 1, false}, {1<<64 - 1, false}} {
		if got := r.Redact(tt.offset); got != tt.want {
			t.Errorf("redact %d of %d..%d: %v, want %v", tt.offset, oldest, v.head, got, tt.want)
		}
	}
	r.Purge()
	if r.Redact(v.head) {
		t.Error("redacted what was purged")
	}
}

// TestPurge: nothing said before is given to anyone, and what comes after is.
func TestPurge(t *testing.T) {
	t.Parallel()
	w := newWorld(t, Config{}, 1)
	r := w.room("r")
	w.say(r, 10, "old")
	behind := w.join(r, 0, Join{Epoch: r.Epoch(), Offset: 3, Notices: true})
	if got := r.Purge(); got != 10 {
		t.Errorf("purged to %d, want 10", got)
	}
	if got := w.Stats().LogBytes; got != 0 {
		t.Errorf("%d bytes of logs after a purge", got)
	}
	w.say(r, 5, "new")
	resumed := w.join(r, 0, Join{Epoch: r.Epoch(), Offset: 3})
	if !resumed.joined.Recovered || resumed.joined.GapTo != 0 {
		t.Errorf("resumed over a purge: %+v, want recovered: what was purged is not missing", resumed.joined)
	}
	history := w.join(r, 0, Join{History: 100})
	w.sweep(0)
	for name, c := range map[string]*client{"behind": behind, "resumed": resumed, "history": history} {
		if got := offsets(c.messages(t)); !slices.Equal(got, span(11, 15)) || len(c.gaps) > 0 {
			t.Errorf("%s: got %v and gaps %v", name, got, c.gaps)
		}
	}
	if got := string(r.AppendAfter(nil, 0, 100, 1<<20)); strings.Contains(got, "old") || strings.Count(got, "new") != 5 {
		t.Errorf("history after a purge: %s", got)
	}
}

package hub

import (
	"fmt"
	"runtime"
	"testing"
	"unsafe"
)

// drain is a Writer that takes everything and keeps nothing.
type drain struct{}

func (drain) Write(frames []byte) (int, bool) { return len(frames), true }
func (drain) Finish([]byte)                   {}
func (drain) Buffered() int                   { return 0 }

// mallocs counts the allocations of run.
func mallocs(run func()) uint64 {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	run()
	runtime.ReadMemStats(&after)
	return after.Mallocs - before.Mallocs
}

func TestDeliveryAllocatesNothing(t *testing.T) {
	for _, compressed := range []bool{false, true} {
		w := newWorld(t, Config{}, 1)
		r := w.room("r")
		all := make([]Member, 1000)
		for i := range all {
			_, _ = w.Sweeper(0).Join(r, &all[i], Join{Writer: drain{}, Events: &gapEvents{}, Notices: true, Deflated: compressed})
		}
		w.FlushPresence(timeOf(w.now))
		w.sweep(0)
		w.say(r, 1, "x")
		if n := mallocs(func() { w.sweep(0) }); n > 20 {
			t.Errorf("compressed %v: %d allocations in 1,000 deliveries, want none", compressed, n)
		}
	}
}

func TestPublishAllocatesOnlySegments(t *testing.T) {
	const n = 20_000
	body := members(1, "a message of ordinary length, which is said over and over")
	keys := make([]string, n)
	for i := range keys {
		keys[i] = fmt.Sprintf("key-%d", i)
	}
	for _, tt := range []struct {
		name string
		key  bool
		most float64
	}{{"without a key", false, 0.1}, {"with a key", true, 2}} {
		w := newWorld(t, Config{}, 2)
		r := w.room("r")
		w.join(r, 0, Join{})
		got := mallocs(func() {
			for i := range n {
				p := Publication{Room: r, Status: 1, Members: body, Now: w.now}
				if tt.key {
					p.Key = keys[i]
				}
				w.Publish(p, nil)
			}
		})
		if per := float64(got) / n; per > tt.most {
			t.Errorf("%s: %.3f allocations for a publication, want at most %.1f", tt.name, per, tt.most)
		}
	}
}

// TestSizes pins what there is one of per member and per room: a field more is a decision.
func TestSizes(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name      string
		got, want uintptr
	}{
		{"cursor", unsafe.Sizeof(cursor{}), 40},
		{"Member", unsafe.Sizeof(Member{}), 48},
		{"shard", unsafe.Sizeof(shard{}), 96},
		{"Room", unsafe.Sizeof(Room{}), 232},
		{"segment", unsafe.Sizeof(segment{}), 80},
	} {
		if tt.got > tt.want {
			t.Errorf("%s has %d bytes, want at most %d", tt.name, tt.got, tt.want)
		}
	}
}

// TestIdleRoom: what a room costs that nobody speaks in any more, with its registry entry, its part on one loop and its
// cursor, after a few messages of ordinary length.
func TestIdleRoom(t *testing.T) {
	const rooms, limit = 5000, 1024
	w := newWorld(t, Config{}, 1)
	names := make([]string, rooms)
	all := make([]Member, rooms)
	for i := range names {
		names[i] = fmt.Sprintf("room-%05d", i)
	}
	body := []byte(`"nickname":"ann","time":"2026-11-22T10:00:00.123Z","message":"good morning"`)
	nobody := &gapEvents{}
	before := heap()
	for i, name := range names {
		r := w.room(name)
		_, _ = w.Sweeper(0).Join(r, &all[i], Join{Writer: drain{}, Events: nobody})
		for range 3 {
			w.Publish(Publication{Room: r, Status: 1, Members: body, Now: w.now}, nil)
		}
	}
	w.sweep(0)
	per := (heap() - before) / rooms
	t.Logf("%d bytes per idle room, its log %d of them", per, w.Stats().LogBytes/rooms)
	if per > limit {
		t.Errorf("an idle room has %d bytes, want at most %d", per, limit)
	}
	runtime.KeepAlive(w)
	runtime.KeepAlive(names)
	runtime.KeepAlive(all)
}

func heap() int {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int(m.HeapAlloc)
}

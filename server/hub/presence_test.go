package hub

import (
	"encoding/json"
	"fmt"
	"slices"
	"testing"
	"time"
)

// event is a presence notice as the tests' frames word it.
type event struct{ Presence Presence }

// events takes the presence notices off what a watcher's peer has got.
func (c *client) events(t *testing.T) (all []Presence) {
	t.Helper()
	for {
		f, n, ok := readFrame(c.got)
		if !ok {
			return all
		}
		c.got = c.got[n:]
		var e event
		if err := json.Unmarshal(f.payload, &e); err != nil {
			t.Fatal(err)
		}
		all = append(all, e.Presence)
	}
}

// flush lets milliseconds pass, tells what is due and delivers it.
func (w *world) flush(millis int64) {
	w.nanos += millis * 1e6
	w.FlushPresence(time.UnixMilli(w.now*1000 + w.nanos/1e6))
	for i := range w.sweepers {
		w.sweep(i)
	}
}

func (w *world) seconds() int64 { return w.now + w.nanos/1e9 }

func equal(a, b Presence) bool {
	return a.Online == b.Online && a.More == b.More && slices.Equal(a.Joined, b.Joined) && slices.Equal(a.Left, b.Left)
}

func TestPresence(t *testing.T) {
	t.Parallel()
	w := newWorld(t, Config{}, 2)
	r := w.room("r")
	watcher := w.join(r, 0, Join{Nickname: "ann", Notices: true})
	w.flush(0)
	if got := watcher.events(t); len(got) != 1 || !equal(got[0], Presence{Online: 1, Joined: []string{"ann"}}) {
		t.Fatalf("got %+v after the first join", got)
	}
	bob := w.join(r, 1, Join{Nickname: "bob"})
	nameless := w.join(r, 1, Join{})
	for range 4 {
		w.flush(200)
	}
	if got := watcher.events(t); len(got) > 0 {
		t.Fatalf("got %+v within a second of the last event", got)
	}
	w.flush(200)
	if got := watcher.events(t); len(got) != 1 || !equal(got[0], Presence{Online: 3, Joined: []string{"bob"}, More: 1}) {
		t.Fatalf("got %+v after two joins", got)
	}
	nameless.Leave(w.seconds())
	bob.Leave(w.seconds())
	w.flush(1000)
	if got := watcher.events(t); len(got) != 1 || !equal(got[0], Presence{Online: 1, More: 1}) {
		t.Fatalf("got %+v after two leaves, one within its grace", got)
	}
	w.flush(graceSeconds * 1000)
	if got := watcher.events(t); len(got) != 1 || !equal(got[0], Presence{Online: 1, Left: []string{"bob"}}) {
		t.Fatalf("got %+v after the grace period", got)
	}
	for range 10 {
		if w.flush(1000); len(watcher.got) > 0 {
			t.Fatal("an event though nothing happened")
		}
	}
	if len(w.dirty) > 0 {
		t.Error("a quiet room is looked at")
	}
}

// TestReload: who comes back within the grace period, or goes before anyone heard of the coming, is no news.
func TestReload(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name string
		away int64 // milliseconds
		want int   // events
	}{{"at once", 0, 0}, {"a second", 1000, 0}, {"just in time", graceSeconds*1000 - 1000, 0}, {"too late", graceSeconds*1000 + 1000, 2}} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, Config{}, 1)
			r := w.room("r")
			watcher := w.join(r, 0, Join{Notices: true})
			bob := w.join(r, 0, Join{Nickname: "bob"})
			w.flush(5000)
			watcher.events(t)
			bob.Leave(w.seconds())
			for away := int64(0); away < tt.away; away += 500 {
				w.flush(500)
			}
			w.join(r, 0, Join{Nickname: "bob"})
			for range 10 {
				w.flush(1000)
			}
			if got := watcher.events(t); len(got) != tt.want {
				t.Errorf("%d events, want %d: %+v", len(got), tt.want, got)
			}
		})
	}
	w := newWorld(t, Config{}, 1)
	r := w.room("r")
	watcher := w.join(r, 0, Join{Notices: true})
	w.flush(5000)
	watcher.events(t)
	w.join(r, 0, Join{Nickname: "bob"}).Leave(w.seconds())
	for range 10 {
		w.flush(1000)
	}
	if got := watcher.events(t); len(got) > 0 {
		t.Errorf("got %+v of one who came and went between two events", got)
	}
}

// TestPresenceIsBounded: whatever the number of joins and leaves, an event names few, counts all, and is one a second.
func TestPresenceIsBounded(t *testing.T) {
	t.Parallel()
	const crowd = 10_000
	w := newWorld(t, Config{}, 2)
	r := w.room("r")
	watcher := w.join(r, 0, Join{Notices: true})
	w.flush(5000)
	watcher.events(t)
	var all []*client
	for i := range crowd {
		all = append(all, w.join(r, i%2, Join{Nickname: fmt.Sprint("member ", i)}))
		if ch := r.presence.changes; len(ch.joins) > namesPerEvent {
			t.Fatalf("%d names are kept", len(ch.joins))
		}
	}
	w.flush(1000)
	got := watcher.events(t)
	if len(got) != 1 || got[0].Online != crowd+1 || len(got[0].Joined) != namesPerEvent || got[0].More != crowd-namesPerEvent {
		t.Fatalf("got %+v after %d joins", got, crowd)
	}
	for _, c := range all {
		c.Leave(w.seconds())
		if n := len(r.presence.changes.departed); n > maxDeparted {
			t.Fatalf("%d leaves wait", n)
		}
	}
	left, named, last := 0, 0, int64(0)
	for range 10 {
		w.flush(1000)
		for _, e := range watcher.events(t) {
			left += len(e.Left) + e.More
			named += len(e.Left)
			last = e.Online
		}
	}
	if left != crowd || named == 0 || last != 1 {
		t.Errorf("events tell of %d leaves, %d by name, and at last of %d online, want %d leaves and 1 online", left, named, last, crowd)
	}
}

// TestNobodyWatches: nothing is collected where nobody would be told, and what was collected is dropped when the last one
// that would be leaves.
func TestNobodyWatches(t *testing.T) {
	t.Parallel()
	w := newWorld(t, Config{}, 1)
	r := w.room("r")
	bob := w.join(r, 0, Join{Nickname: "bob"})
	bob.Leave(w.now)
	if r.presence.changes != nil || len(w.dirty) > 0 {
		t.Errorf("collected %+v", r.presence.changes)
	}
	watcher := w.join(r, 0, Join{Notices: true})
	bob = w.join(r, 0, Join{Nickname: "bob"})
	w.flush(2000)
	bob.Leave(w.seconds())
	watcher.Leave(w.seconds())
	if r.presence.changes != nil {
		t.Errorf("kept %+v", r.presence.changes)
	}
	w.join(r, 0, Join{Nickname: "bob"})
	watcher = w.join(r, 0, Join{Notices: true})
	for range 10 {
		w.flush(1000)
	}
	for _, e := range watcher.events(t) {
		if len(e.Left) > 0 || e.Online != 2 {
			t.Errorf("got %+v of one who came back while nobody watched", e)
		}
	}
}

// TestNames pages through the members of a loop.
func TestNames(t *testing.T) {
	t.Parallel()
	w := newWorld(t, Config{}, 2)
	r := w.room("r")
	var want []string
	for i := range 50 {
		j := Join{}
		if i%5 > 0 {
			j.Nickname = fmt.Sprint(i)
		}
		w.join(r, i%2, j)
	}
	for loop := range 2 {
		for i := loop; i < 50; i += 2 {
			if i%5 > 0 {
				want = append(want, fmt.Sprint(i))
			}
		}
	}
	for _, size := range []int{1, 7, 20, 100} {
		var got []string
		for skip := 0; ; skip += size {
			var page []string
			left := skip
			for loop := range 2 {
				var passed int
				page, passed = w.Sweeper(loop).Names(page, r, left, size)
				left -= passed
			}
			if got = append(got, page...); len(page) < size {
				break
			}
		}
		if !slices.Equal(got, want) {
			t.Errorf("pages of %d: got %v, want %v", size, got, want)
		}
	}
	if names, passed := w.Sweeper(0).Names(nil, w.room("empty"), 3, 10); len(names) > 0 || passed > 0 {
		t.Errorf("an empty room has %v, passed over %d", names, passed)
	}
}

package hub

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
)

// TestSweepDeliversToAll: whatever sockets take at a time and wherever they break frames, every member gets every frame
// whole and in order.
func TestSweepDeliversToAll(t *testing.T) {
	t.Parallel()
	for _, cfg := range []Config{{}, {Policy: Close}} {
		w := newWorld(t, cfg, 2)
		rng := rand.New(rand.NewPCG(3, 4))
		r := w.room("r")
		var all []*client
		for i := range 200 {
			all = append(all, w.join(r, i%2, Join{Deflated: i%3 == 0, Notices: i%5 == 0}))
		}
		for range 60 {
			w.say(r, rng.IntN(4), strings.Repeat("w", rng.IntN(400)))
			for _, c := range all {
				switch rng.IntN(3) {
				case 0:
					c.open(rng.IntN(700))
				case 1:
					c.open(-1)
				}
			}
			for i := range 2 {
				w.Sweeper(i).Sweep(Budget{Writes: 1 + rng.IntN(120), Nanos: 1e9})
				w.Sweeper(i).RetryStalled(rng.IntN(50))
			}
		}
		w.settle(all)
		for i, c := range all {
			if got := offsets(c.messages(t)); !slices.Equal(got, span(1, r.Head())) || len(c.got) > 0 {
				t.Fatalf("member %d got %v of %d, and %d bytes more", i, got, r.Head(), len(c.got))
			}
			if len(c.gaps) > 0 || c.slow > 0 {
				t.Fatalf("member %d: gaps %v, slow %d", i, c.gaps, c.slow)
			}
		}
		if st := w.Stats(); st.Deliveries != r.Head()*uint64(len(all)) || st.Stalled != 0 || st.Members != int64(len(all)) {
			t.Errorf("stats %+v after %d publications to %d members", st, r.Head(), len(all))
		}
	}
}

// settle opens all sockets and turns the loops until nobody is stalled.
func (w *world) settle(all []*client) {
	w.t.Helper()
	for _, c := range all {
		c.open(-1)
	}
	for i, sw := range w.sweepers {
		for tries := 0; sw.Stalled() > 0; tries++ {
			if tries > 10_000 {
				w.t.Fatal("members stay stalled though their sockets take everything")
			}
			sw.RetryStalled(1000)
		}
		w.sweep(i)
	}
}

// TestBudget: a turn makes no more writes than it may, looks at the clock, and says whether something is left.
func TestBudget(t *testing.T) {
	t.Parallel()
	w := newWorld(t, Config{}, 1)
	sw := w.Sweeper(0)
	var all []*client
	for i := range 20 {
		r := w.room(fmt.Sprint("room ", i))
		for range 1 + i*10 {
			all = append(all, w.join(r, 0, Join{}))
		}
		w.say(r, 1, "x")
	}
	writes := func() (n int) {
		for _, c := range all {
			n += c.writes
		}
		return n
	}
	for done, turns := 0, 1; ; turns++ {
		more := sw.Sweep(Budget{Writes: 100, Nanos: 1e9})
		now := writes()
		if now-done > 100 {
			t.Fatalf("turn %d made %d writes, want at most 100", turns, now-done)
		}
		if done = now; !more {
			if done != len(all) || turns > len(all)/100+2 {
				t.Errorf("%d of %d writes in %d turns", done, len(all), turns)
			}
			break
		}
	}
	if sw.Sweep(Budget{Writes: 100, Nanos: 1e9}) {
		t.Error("something is left where nothing is")
	}
	for i := range 20 {
		w.say(w.Find(fmt.Sprint("room ", i)), 1, "x")
	}
	before := writes()
	w.step = 1000 // each look at the clock is a microsecond: the first quantum spends the time
	if more := sw.Sweep(Budget{Writes: 1 << 30, Nanos: 1000}); !more || writes()-before > quantum {
		t.Errorf("%d writes in a turn without time, more %v", writes()-before, more)
	}
}

// TestWakeOnce: a loop is woken once however much is said, and again once it has slept.
func TestWakeOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t, Config{}, 2)
	for i := range 5 {
		w.join(w.room(fmt.Sprint(i)), 0, Join{})
	}
	for round := 1; round <= 3; round++ {
		for i := range 5 {
			w.say(w.Find(fmt.Sprint(i)), 10, "x")
		}
		if w.woken[0] != round || w.woken[1] != 0 {
			t.Fatalf("round %d: woken %v", round, w.woken)
		}
		w.sweep(0)
	}
}

// TestSmallRoomGoesFirst: while a giant room is under way, a small one is served in the turn that follows its publication.
func TestSmallRoomGoesFirst(t *testing.T) {
	t.Parallel()
	w := newWorld(t, Config{}, 1)
	giant, small := w.room("giant"), w.room("small")
	for range 5000 {
		w.join(giant, 0, Join{})
	}
	var few []*client
	for range 10 {
		few = append(few, w.join(small, 0, Join{}))
	}
	turn := Budget{Writes: 256, Nanos: 1e9}
	w.say(giant, 1, "x")
	for n := uint64(1); n <= 40; n++ {
		if w.Sweeper(0).Sweep(turn); n%7 == 0 {
			w.say(giant, 1, "x")
		}
		w.say(small, 1, "x")
		if more := w.Sweeper(0).Sweep(turn); !more {
			t.Fatal("the giant room is not under way")
		}
		for i, c := range few {
			if got := offsets(c.messages(t)); !slices.Equal(got, []uint64{n}) {
				t.Fatalf("turn %d: member %d of the small room got %v", n, i, got)
			}
		}
	}
}

// TestNobodyStarves: small rooms that keep the loop busy leave the giant its quarter, and wait in turn themselves.
func TestNobodyStarves(t *testing.T) {
	t.Parallel()
	w := newWorld(t, Config{}, 1)
	giant := w.room("giant")
	var crowd []*client
	for range 1000 {
		crowd = append(crowd, w.join(giant, 0, Join{}))
	}
	const rooms, size = 200, 10
	var small []*client
	for i := range rooms * size {
		small = append(small, w.join(w.room(fmt.Sprint(i/size)), 0, Join{}))
	}
	w.say(giant, 1, "x")
	// A pass over the small rooms takes 8 turns; each is said something in every turn.
	for range 32 {
		for i := range rooms {
			w.say(w.Find(fmt.Sprint(i)), 1, "x")
		}
		w.Sweeper(0).Sweep(Budget{Writes: 256, Nanos: 1e9})
	}
	for i, c := range crowd {
		if c.writes == 0 {
			t.Fatalf("member %d of the giant room starves", i)
		}
	}
	for i, c := range small {
		if c.writes < 2 {
			t.Fatalf("member %d of the small rooms was written to %d times in 32 turns", i, c.writes)
		}
	}
}

// TestDeath: a member whose socket is gone is not written to again, and is no trouble to the others.
func TestDeath(t *testing.T) {
	t.Parallel()
	w := newWorld(t, Config{}, 1)
	r := w.room("r")
	var all []*client
	for range 10 {
		all = append(all, w.join(r, 0, Join{Notices: true}))
	}
	dead, later := all[3], all[7]
	dead.gone = true
	later.open(1)
	w.say(r, 1, "x")
	w.sweep(0)
	later.gone = true
	later.held = nil
	w.say(r, 2, "x")
	w.sweep(0)
	w.Sweeper(0).RetryStalled(10)
	r.Purge()
	w.sweep(0)
	if dead.writes != 1 || later.writes != 2 {
		t.Errorf("%d and %d writes to the dead, want 1 and 2", dead.writes, later.writes)
	}
	if n := w.Sweeper(0).Stalled(); n != 0 {
		t.Errorf("%d stalled", n)
	}
	for i, c := range all {
		if got := offsets(c.messages(t)); c != dead && c != later && !slices.Equal(got, span(1, 3)) {
			t.Errorf("member %d got %v", i, got)
		}
	}
}

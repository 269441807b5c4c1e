package hub

import (
	"slices"
	"testing"
)

// TestPolicies: a member that stalls in a busy room, by each policy. The gap is exactly what the log no longer has.
func TestPolicies(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name   string
		policy Policy
		busy   int // publications while the socket is full
		check  func(t *testing.T, c *client, got []uint64, oldest, head uint64)
	}{
		{"skip, and the log has all", Skip, 20, func(t *testing.T, c *client, got []uint64, _, head uint64) {
			if !slices.Equal(got, span(1, head)) || len(c.gaps) > 0 {
				t.Errorf("got %v and gaps %v, want all of %d", got, c.gaps, head)
			}
		}},
		{"skip, and the log has moved on", Skip, 500, func(t *testing.T, c *client, got []uint64, oldest, head uint64) {
			want := append(span(1, 3), span(oldest, head)...)
			if !slices.Equal(got, want) || !slices.Equal(c.gaps, [][2]uint64{{4, oldest - 1}}) {
				t.Errorf("got %v and gaps %v, want %v", got, c.gaps, want)
			}
		}},
		{"close, and the log has all", Close, 20, func(t *testing.T, c *client, got []uint64, _, head uint64) {
			if !slices.Equal(got, span(1, head)) || c.slow > 0 {
				t.Errorf("got %v and slow %d times, want all of %d", got, c.slow, head)
			}
		}},
		{"close, and the log has moved on", Close, 500, func(t *testing.T, c *client, got []uint64, _, _ uint64) {
			if !slices.Equal(got, span(1, 3)) || c.slow != 1 || len(c.gaps) > 0 {
				t.Errorf("got %v, slow %d times, gaps %v", got, c.slow, c.gaps)
			}
		}},
		{"latest", Latest, 20, func(t *testing.T, c *client, got []uint64, _, head uint64) {
			if !slices.Equal(got, []uint64{1, 2, 3, head}) || len(c.gaps) > 0 {
				t.Errorf("got %v and gaps %v, want 1 to 3 and %d", got, c.gaps, head)
			}
		}},
		{"latest, and the log has moved on", Latest, 500, func(t *testing.T, c *client, got []uint64, _, head uint64) {
			if !slices.Equal(got, []uint64{1, 2, 3, head}) || len(c.gaps) > 0 {
				t.Errorf("got %v and gaps %v, want 1 to 3 and %d", got, c.gaps, head)
			}
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, Config{RoomBytes: 8192, PolicyByPrefix: map[string]Policy{"room": Skip, "room with": tt.policy}}, 1)
			r := w.room("room with a policy")
			c, other := w.join(r, 0, Join{}), w.join(r, 0, Join{})
			for range 2 {
				w.say(r, 1, "abcdefghijklmnopqrstuvwxyz")
				w.sweep(0)
			}
			c.open(10) // the third is broken after ten bytes, and arrives whole
			for range 1 + tt.busy {
				w.say(r, 1, "abcdefghijklmnopqrstuvwxyz")
				w.sweep(0)
			}
			w.settle([]*client{c})
			w.say(r, 1, "after")
			w.sweep(0)
			v := r.log.view()
			got := offsets(c.messages(t))
			if tt.policy == Latest && len(got) > 0 {
				v.head-- // the last one came after it had caught up
				if got[len(got)-1] != v.head+1 {
					t.Errorf("got %v, want the last one at the end", got)
				}
				got = got[:len(got)-1]
			}
			tt.check(t, c, got, v.oldest(), v.head)
			if got := offsets(other.messages(t)); !slices.Equal(got, span(1, r.Head())) {
				t.Errorf("the member beside it got %v", got)
			}
		})
	}
}

// TestRetryIsBounded: when all stalled sockets take bytes again at once, the loop is not held by that.
func TestRetryIsBounded(t *testing.T) {
	t.Parallel()
	w := newWorld(t, Config{}, 1)
	r := w.room("r")
	var all []*client
	for range 1000 {
		c := w.join(r, 0, Join{})
		c.open(5)
		all = append(all, c)
	}
	w.say(r, 3, "x")
	w.sweep(0)
	sw := w.Sweeper(0)
	if n := sw.Stalled(); n != len(all) {
		t.Fatalf("%d stalled, want all %d", n, len(all))
	}
	count := func() (n int) {
		for _, c := range all {
			n += c.writes
		}
		return n
	}
	before := count()
	if sw.RetryStalled(len(all)); count() != before {
		t.Errorf("%d writes to sockets that hold bytes", count()-before)
	}
	for _, c := range all {
		c.open(-1)
	}
	if sw.RetryStalled(10); sw.Stalled() != len(all)-10 {
		t.Errorf("%d stalled, want %d after asking 10", sw.Stalled(), len(all)-10)
	}
	before = count()
	if sw.RetryStalled(len(all)); count()-before > retryWrites+catchUpWrites {
		t.Errorf("%d writes in one call", count()-before)
	}
	w.settle(all)
	for i, c := range all {
		if got := offsets(c.messages(t)); !slices.Equal(got, span(1, 3)) {
			t.Fatalf("member %d got %v", i, got)
		}
	}
}

// TestStalledMembersLeave: the list lets go of members that have left, and of ones whose connection joins again.
func TestStalledMembersLeave(t *testing.T) {
	t.Parallel()
	w := newWorld(t, Config{}, 1)
	r := w.room("r")
	var all []*client
	for range 50 {
		c := w.join(r, 0, Join{})
		c.open(3)
		all = append(all, c)
	}
	w.say(r, 1, "x")
	w.sweep(0)
	var again []*client
	for i, c := range all {
		if i%2 == 0 {
			c.Leave(w.now)
			n := &client{socket: c.socket}
			if _, err := w.Sweeper(0).Join(r, &n.Member, Join{Writer: n.socket, Events: &n.gapEvents}); err != nil {
				t.Fatal(err)
			}
			again = append(again, n)
		}
	}
	w.say(r, 1, "y")
	w.sweep(0)
	if n := w.Sweeper(0).Stalled(); n != 75 {
		t.Errorf("%d on the list, want 50 and the 25 that joined again", n)
	}
	w.settle(all)
	for i, c := range all {
		want := span(1, 2) // on one socket: the first over the old membership, the second over the new
		if got := offsets(c.messages(t)); !slices.Equal(got, want) {
			t.Errorf("socket %d got %v, want %v", i, got, want)
		}
	}
	if len(again) != 25 || r.Online() != 50 {
		t.Errorf("%d joined again, %d online", len(again), r.Online())
	}
}

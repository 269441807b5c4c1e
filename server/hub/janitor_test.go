package hub

import (
	"errors"
	"fmt"
	"strings"
	"testing"
)

func (w *world) has(name string) bool {
	r := w.Find(name)
	if r != nil {
		r.Release()
	}
	return r != nil
}

// TestExpire: when a room goes, by what it has and who holds it.
func TestExpire(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name    string
		history bool
		purged  bool
		held    bool
		member  bool
		idle    int64
		want    bool
	}{
		{name: "empty, for a moment", idle: emptySeconds - 1, want: true},
		{name: "empty", idle: emptySeconds},
		{name: "with history", history: true, idle: 99, want: true},
		{name: "with old history", history: true, idle: 100},
		{name: "purged", history: true, purged: true, idle: emptySeconds},
		{name: "with a join under way", held: true, idle: 1000, want: true},
		{name: "with a member", history: true, member: true, idle: 1000, want: true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, Config{HistorySeconds: 100}, 1)
			r := w.room("r")
			if tt.member {
				w.join(r, 0, Join{})
			} else {
				c := w.join(r, 0, Join{})
				defer c.Leave(w.now)
				c.Leave(w.now)
			}
			if tt.history {
				w.say(r, 3, "x")
			}
			if tt.purged {
				r.Purge()
			}
			if !tt.held {
				r.Release()
			}
			if w.Expire(w.now + tt.idle); w.has("r") != tt.want {
				t.Errorf("after %d s the room is there: %v, want %v", tt.idle, !tt.want, tt.want)
			}
			if st := w.Stats(); !tt.want && (st.LogBytes != 0 || st.Rooms != 0) {
				t.Errorf("left behind: %+v", st)
			}
		})
	}
}

// TestLivesOfARoom: an expired room comes back with another epoch, and a resume of the old one is told what it may be missing.
func TestLivesOfARoom(t *testing.T) {
	t.Parallel()
	w := newWorld(t, Config{HistorySeconds: 100, RoomHistory: 5}, 1)
	r := w.room("r")
	w.say(r, 8, "first life")
	r.Release()
	w.now += 100
	w.Expire(w.now)
	again := w.room("r")
	if again == r || again.Epoch() == r.Epoch() || again.Head() != 0 {
		t.Fatalf("the room came back as it was: epoch %s, head %d", again.Epoch(), again.Head())
	}
	w.say(again, 8, "second life")
	c := w.join(again, 0, Join{Epoch: r.Epoch(), Offset: 8})
	if c.joined.Recovered || c.joined.GapFrom != 1 || c.joined.GapTo != 3 {
		t.Errorf("joined %+v, want a gap 1..3", c.joined)
	}
	w.sweep(0)
	if got := c.messages(t); len(got) != 5 || got[0].Offset != 4 || got[0].Text != "second life" {
		t.Errorf("got %+v", got)
	}
}

// TestEvict: past the process's budget the room that was idle longest gives up its history first, and members at its head
// lose nothing.
func TestEvict(t *testing.T) {
	t.Parallel()
	const rooms = 20
	w := newWorld(t, Config{LogBytes: 40_000}, 1)
	var all []*client
	for i := range rooms {
		r := w.room(fmt.Sprint(i))
		all = append(all, w.join(r, 0, Join{}))
		w.say(r, 20, strings.Repeat("x", 50))
		w.now++
	}
	w.sweep(0)
	// The first to speak speaks again: now the second is idle longest.
	w.say(w.Find("0"), 1, "x")
	w.sweep(0)
	before := w.Stats().LogBytes
	if before <= 40_000 {
		t.Fatalf("only %d bytes of logs", before)
	}
	w.Expire(w.now)
	if after := w.Stats().LogBytes; after > 36_000 || after < 30_000 {
		t.Errorf("%d bytes after %d, want a little under nine tenths of the budget", after, before)
	}
	evicted := 0
	for i := range rooms {
		if kept := len(w.Find(fmt.Sprint(i)).log.list()) > 0; !kept {
			evicted++
			if i == 0 || i != evicted {
				t.Errorf("room %d gave up its history", i)
			}
		} else if i > 0 && i <= evicted {
			t.Errorf("room %d kept its history", i)
		}
	}
	for i, c := range all {
		r := c.Room()
		w.say(r, 1, "after")
		w.sweep(0)
		if got := offsets(c.messages(t)); len(got) != int(r.Head()) || len(c.gaps) > 0 {
			t.Errorf("member of room %d got %v and gaps %v", i, got, c.gaps)
		}
	}
}

func TestMaxRooms(t *testing.T) {
	t.Parallel()
	w := newWorld(t, Config{MaxRooms: 3}, 1)
	for i := range 3 {
		w.room(fmt.Sprint(i)).Release()
	}
	if _, err := w.Room("one more", w.now); !errors.Is(err, ErrTooManyRooms) {
		t.Errorf("got %v, want ErrTooManyRooms", err)
	}
	w.room("1").Release()
	if w.Expire(w.now + emptySeconds); w.Stats().Rooms != 0 {
		t.Errorf("%d rooms left", w.Stats().Rooms)
	}
	w.room("one more")
}

func TestBusiest(t *testing.T) {
	t.Parallel()
	w := newWorld(t, Config{}, 2)
	for i, name := range []string{"b", "a", "c", "none"} {
		for n := range []int{2, 2, 3, 0}[i] {
			w.join(w.room(name), n%2, Join{})
		}
	}
	w.room("none")
	for limit, want := range map[int]string{0: "", 1: "c", 3: "cab", 10: "cabnone"} {
		var got string
		for _, r := range w.Busiest(limit) {
			got += r.Name()
		}
		if got != want {
			t.Errorf("the %d busiest: %q, want %q", limit, got, want)
		}
	}
}

package hub

import (
	"math/rand/v2"
	"slices"
	"testing"
)

// TestMembersMoveDuringTheWalk: connections end, and sessions leave and join, inside the calls that a sweep makes. Whoever
// stays gets everything, once.
func TestMembersMoveDuringTheWalk(t *testing.T) {
	t.Parallel()
	for seed := range uint64(30) {
		moves := &mover{rng: rand.New(rand.NewPCG(seed, 5)), w: newWorld(t, Config{RoomBytes: 4096}, 1)}
		moves.w.say(moves.w.room("r"), 20, "before")
		for range 30 {
			moves.add()
		}
		for range 40 {
			moves.w.say(moves.w.room("r"), moves.rng.IntN(12), "abcdefghijklmnopqrstuvwxyz")
			for _, c := range moves.all {
				if moves.rng.IntN(4) == 0 {
					c.open(moves.rng.IntN(300))
				} else if moves.rng.IntN(2) == 0 {
					c.open(-1)
				}
			}
			moves.w.Sweeper(0).Sweep(Budget{Writes: 1 + moves.rng.IntN(40), Nanos: 1e9})
			moves.w.Sweeper(0).RetryStalled(moves.rng.IntN(20))
			if len(moves.all) > 0 {
				moves.w.Sweeper(0).Flush(&moves.all[moves.rng.IntN(len(moves.all))].Member)
			}
		}
		moves.still = true
		moves.w.settle(moves.all)
		moves.check(t, seed)
	}
}

type mover struct {
	w     *world
	rng   *rand.Rand
	all   []*client
	still bool
	depth int
}

// move lets some members leave and others join, as callbacks may.
func (mv *mover) move() {
	if mv.still || mv.depth > 0 || mv.rng.IntN(3) > 0 {
		return
	}
	mv.depth++
	defer func() { mv.depth-- }()
	for range mv.rng.IntN(3) {
		if len(mv.all) > 0 {
			mv.all[mv.rng.IntN(len(mv.all))].Leave(mv.w.now)
		}
	}
	for range mv.rng.IntN(3) {
		mv.add()
	}
	if mv.rng.IntN(3) == 0 {
		mv.w.say(mv.w.room("r"), 1, "within")
	}
}

func (mv *mover) add() {
	w, r := mv.w, mv.w.room("r")
	c := &client{socket: newSocket()}
	c.calls = mv.move
	c.onGap = func(*Member) { mv.move() }
	j := Join{Writer: finishing{c.socket, mv}, Events: &c.gapEvents, Notices: mv.rng.IntN(2) == 0}
	if mv.rng.IntN(2) == 0 {
		j.Epoch, j.Offset = r.Epoch(), r.Head()-min(r.Head(), mv.rng.Uint64N(30))
	}
	var err error
	if c.joined, err = w.Sweeper(0).Join(r, &c.Member, j); err != nil {
		w.t.Fatal(err)
	}
	if c.joined.GapTo > 0 {
		c.gaps = append(c.gaps, [2]uint64{c.joined.GapFrom, c.joined.GapTo})
	}
	mv.all = append(mv.all, c)
}

// finishing lets connections end inside Finish, too.
type finishing struct {
	*socket
	mv *mover
}

func (f finishing) Finish(rest []byte) {
	f.socket.Finish(rest)
	f.mv.move()
}

// check: what a member got and what it was told that it does not get make one unbroken stretch, to the head if it stayed.
func (mv *mover) check(t *testing.T, seed uint64) {
	t.Helper()
	head := mv.w.room("r").Head()
	for i, c := range mv.all {
		got := c.offsets()
		for _, gap := range c.gaps {
			got = append(got, span(gap[0], gap[1])...)
		}
		slices.Sort(got)
		if len(got) > 0 && !slices.Equal(got, span(got[0], got[len(got)-1])) {
			t.Fatalf("seed %d: member %d got or was told of %v", seed, i, got)
		}
		if c.Room() != nil && (len(got) > 0 && got[len(got)-1] != head || len(got) == 0 && c.joined.Offset != head) {
			t.Fatalf("seed %d: member %d of a room at %d ends with %v", seed, i, head, got)
		}
	}
	if got, want := int64(len(mv.w.Sweeper(0).stalled)), int64(0); got != want {
		t.Errorf("seed %d: %d stalled", seed, got)
	}
}

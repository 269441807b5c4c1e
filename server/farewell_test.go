package server

import "testing"

// TestFarewellsForget: the queue goes down by a batch at a time, and does not keep what it has dealt with.
func TestFarewellsForget(t *testing.T) {
	const leavers = 5000
	l := newLoop(&Server{}, 0)
	for range leavers {
		l.farewells = append(l.farewells, &Conn{loop: l, gone: true})
	}
	for left := leavers; left > 0; {
		l.sayFarewells()
		left = max(left-farewellBatch, 0)
		if n := len(l.farewells) - l.parted; n != left {
			t.Fatalf("%d wait, want %d", n, left)
		}
		if l.parted > 1024 && l.parted > len(l.farewells)/2 {
			t.Fatalf("%d of %d entries are dealt with", l.parted, len(l.farewells))
		}
	}
	if l.farewells != nil {
		t.Error("the queue is kept")
	}
}

package main

import (
	"math"
	"testing"
)

func TestPacerDue(t *testing.T) {
	for _, tt := range []struct {
		name  string
		p     pacer
		index uint64
		want  int64
	}{
		{"first", pacer{Start: 100, Rate: 10, Count: 5}, 0, 100},
		{"second", pacer{Start: 100, Rate: 10, Count: 5}, 1, 100 + 1e8},
		{"no drift after an hour", pacer{Start: 0, Rate: 3, Count: 1 << 40}, 3 * 3600, 3600 * 1e9},
		{"fast", pacer{Start: 0, Rate: 1e7, Count: 1 << 40}, 1e7, 1e9},
		{"beyond the clock", pacer{Start: 100, Rate: 1e-9, Count: math.MaxUint64}, math.MaxUint64, math.MaxInt64},
		{"no rate", pacer{Start: 100, Rate: 0, Count: 1}, 0, math.MaxInt64},
	} {
		if got := tt.p.due(tt.index); got != tt.want {
			t.Errorf("%s: due(%d) = %d, want %d", tt.name, tt.index, got, tt.want)
		}
	}
}

func TestPacerReady(t *testing.T) {
	for _, tt := range []struct {
		name string
		p    pacer
		at   int64
		want uint64
	}{
		{"before the start", pacer{Start: 100, Rate: 10, Count: 5}, 99, 0},
		{"at the start", pacer{Start: 100, Rate: 10, Count: 5}, 100, 1},
		{"just before the second", pacer{Start: 0, Rate: 10, Count: 5}, 1e8 - 1, 1},
		{"at the second", pacer{Start: 0, Rate: 10, Count: 5}, 1e8, 2},
		{"all", pacer{Start: 0, Rate: 10, Count: 5}, 1e9, 5},
		{"long after", pacer{Start: 0, Rate: 1e7, Count: 5}, math.MaxInt64, 5},
		{"empty", pacer{Start: 0, Rate: 10}, 1e9, 0},
	} {
		if got := tt.p.ready(tt.at); got != tt.want {
			t.Errorf("%s: ready(%d) = %d, want %d", tt.name, tt.at, got, tt.want)
		}
	}
}

// ready and due must agree at every instant at which something becomes due, whatever the rate.
func TestPacerReadyAgreesWithDue(t *testing.T) {
	for _, rate := range []float64{0.05, 1, 3, 7, 8, 333.3, 6400, 99_999, 1e7} {
		p := pacer{Start: 12345, Rate: rate, Count: 2000}
		for i := range p.Count {
			at := p.due(i)
			if got := p.ready(at); got < i+1 {
				t.Fatalf("rate %g: ready(due(%d)) = %d", rate, i, got)
			}
			if got := p.ready(at - 1); got > i+1 || rate < 1e6 && got > i {
				t.Fatalf("rate %g: ready(due(%d)-1) = %d", rate, i, got)
			}
		}
	}
}

func TestPacerStreams(t *testing.T) {
	p := newPacer(0, 10, 1)
	if p.Count != 10 {
		t.Fatalf("count = %d, want 10", p.Count)
	}
	for _, tt := range []struct{ stream, streams, want uint64 }{
		{0, 1, 10}, {0, 3, 4}, {1, 3, 3}, {2, 3, 3}, {9, 10, 1}, {10, 20, 0}, {3, 3, 0}, {0, 0, 0},
	} {
		if got := p.inStream(tt.stream, tt.streams); got != tt.want {
			t.Errorf("inStream(%d, %d) = %d, want %d", tt.stream, tt.streams, got, tt.want)
		}
	}
	if got := p.dueSince(5e8); got != 5 {
		t.Errorf("dueSince(0.5 s) = %d, want 5", got)
	}
}

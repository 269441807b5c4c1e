package main

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

// A histogram's quantiles must be those of the sorted values, to three digits.
func TestLatenciesAgainstSortedSlice(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	l := newLatencies(fine)
	var all []int64
	for range 20_000 {
		v := int64(math.Exp(r.Float64()*12) * 2000)
		all = append(all, v)
		l.record(v)
	}
	slices.Sort(all)
	for _, p := range []float64{1, 50, 90, 99, 99.9} {
		want := all[int(math.Ceil(p/100*float64(len(all))))-1]
		if got := l.at(p); math.Abs(float64(got-want)) > float64(want)/500+shortest {
			t.Errorf("p%g = %d, want %d", p, got, want)
		}
	}
}

func TestLatenciesClamp(t *testing.T) {
	l := newLatencies(fine)
	l.record(-5)
	l.record(math.MaxInt64)
	if l.count() != 2 || l.h.Min() > shortest || l.h.Max() < int64(longest) {
		t.Errorf("count %d, min %d, max %d", l.count(), l.h.Min(), l.h.Max())
	}
}

// Merging what crossed a pipe must give the histogram of all values.
func TestLatenciesMerge(t *testing.T) {
	sum, whole := newLatencies(fine), newLatencies(fine)
	for k := range 3 {
		part := newLatencies(fine)
		for i := range 1000 {
			v := int64((k*1000 + i) * 5000)
			part.record(v)
			whole.record(v)
		}
		b, err := part.encode()
		if err != nil {
			t.Fatal(err)
		}
		back, err := decodeLatencies(b)
		if err != nil {
			t.Fatal(err)
		}
		sum.merge(back)
	}
	if !sum.h.Equals(whole.h) {
		t.Error("the merged histogram differs from that of all values")
	}
	if _, err := decodeLatencies([]byte("no histogram")); err == nil {
		t.Error("decoded nonsense")
	}
}

func TestTimelineSlots(t *testing.T) {
	tl := timeline{start: 1000}
	tl.record(999, 1e6) // warm-up
	tl.record(1000, 1e6)
	tl.record(1000+3*slot, 2e6)
	tl.record(1000+maxSlots*slot, 3e6) // beyond the end
	if len(tl.slots) != 4 || tl.slots[0].count() != 1 || tl.slots[1].count() != 0 || tl.slots[3].count() != 1 {
		t.Errorf("%d slots", len(tl.slots))
	}
	if m := momentsOf(tl); len(m) != 2 || m[1].Seconds != 1.5 {
		t.Errorf("moments %+v", m)
	}
}

// A loop that was away for 100 ms has missed twenty timers of 5 ms, not one.
func TestRecordLagCountsMissedTimers(t *testing.T) {
	l := newLatencies(fine)
	l.recordLag(100e6, 5e6)
	if l.count() != 20 {
		t.Errorf("%d values, want 20", l.count())
	}
}

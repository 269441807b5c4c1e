package main

import (
	"slices"
	"testing"
)

func TestDeparture(t *testing.T) {
	for _, tt := range []struct {
		name string
		open []int // at each look
		over []int // looks at which a departure is found to be over
	}{
		{"nobody", []int{0, 0, 0}, nil},
		{"growing", []int{0, 5000, 20000, 20000}, nil},
		{"a few go", []int{20000, 19500, 19500, 18000, 18000}, nil},
		{"few there are", []int{900, 0, 0, 0}, nil},
		{"a crowd goes", []int{20000, 12000, 1000, 1000, 1000}, []int{3}},
		{"and comes back, and goes", []int{20000, 0, 0, 20000, 20000, 0, 0, 0}, []int{2, 6}},
		{"bit by bit", []int{10000, 9950, 9900, 9850, 7400, 7400}, []int{5}},
	} {
		var d departure
		var got []int
		for i, n := range tt.open {
			if d.over(n) {
				got = append(got, i)
			}
		}
		if !slices.Equal(got, tt.over) {
			t.Errorf("%s: over at %v, want %v", tt.name, got, tt.over)
		}
	}
}

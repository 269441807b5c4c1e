package main

import (
	"math"
	"testing"
)

func TestTimeAxis(t *testing.T) {
	for _, tt := range []struct {
		name     string
		values   []float64
		min, max float64
	}{
		{"one decade", []float64{1200, 8000}, 1000, 10_000},
		{"rounded to 1, 2, 5", []float64{2300, 41_000}, 2000, 50_000},
		{"on a tick", []float64{2000, 5000}, 2000, 5000},
		{"one value", []float64{2000}, 2000, 4000},
		{"zeros are left out", []float64{0, 30, 70}, 20, 100},
		{"nothing", nil, 1, 10},
	} {
		a := timeAxis("", tt.values)
		if math.Abs(a.min/tt.min-1) > 1e-9 || math.Abs(a.max/tt.max-1) > 1e-9 || len(a.ticks) == 0 {
			t.Errorf("%s: %g to %g with %d ticks, want %g to %g", tt.name, a.min, a.max, len(a.ticks), tt.min, tt.max)
		}
	}
}

func TestUnits(t *testing.T) {
	for _, tt := range []struct {
		value float64
		unit  string
		want  string
	}{
		{0.25, "us", "0.25 us"}, {999, "us", "999 us"}, {1234, "us", "1.23 ms"}, {2.5e6, "us", "2.5 s"}, {12, "ms", "12 ms"}, {1.5, "s", "1.5 s"},
		{830, "B", "830 B"}, {9999, "B", "9999 B"}, {20_480, "B", "20 KiB"}, {3 << 30, "B", "3 GiB"}, {-5, "B", "-5 B"},
		{12_700_000, "1/s", "12.7 M/s"}, {19_000, "1/s", "19 k/s"}, {8, "1/s", "8/s"}, {1.0534, "x", "1.05x"}, {0, "x", "0x"}, {0.97, "cores", "0.97 cores"},
	} {
		if got := show(tt.value, tt.unit); got != tt.want {
			t.Errorf("%g %s: %q, want %q", tt.value, tt.unit, got, tt.want)
		}
	}
	for _, tt := range []struct {
		share float64
		want  string
	}{{1, "1"}, {0.9999999, "0.99999"}, {0.999, "0.999"}, {0, "0"}} {
		if got := showReach(tt.share); got != tt.want {
			t.Errorf("reach %g: %q, want %q", tt.share, got, tt.want)
		}
	}
}

package main

import (
	"fmt"

	hdr "github.com/HdrHistogram/hdrhistogram-go"
)

const (
	shortest = 1_000            // 1 us: finer than a system call is not worth a bucket
	longest  = 300 * 1e9        // 5 minutes; anything longer counts as that
	coarse   = 2                // significant digits of a timeline's histograms
	fine     = 3                // of all others: 0.1 %
	slot     = int64(500 * 1e6) // width of one step of the timeline
	maxSlots = 2 * 60 * 10      // a timeline covers at most 10 minutes
)

// latencies collects times in nanoseconds. One goroutine at a time.
type latencies struct{ h *hdr.Histogram }

func newLatencies(digits int) latencies {
	return latencies{hdr.New(shortest, int64(longest), digits)}
}

// record counts one latency; a negative one is a broken clock and counts as zero.
func (l latencies) record(ns int64) {
	if ns < 0 {
		ns = 0
	}
	if ns > longest {
		ns = longest
	}
	// The only error is a value out of range, which was just excluded.
	_ = l.h.RecordValue(ns)
}

// recordLag counts how late a timer of the given interval was noticed, and with it the timers that would have
// gone off meanwhile: a loop that was away for a second was not late once, but all that time.
func (l latencies) recordLag(ns, interval int64) {
	for ; ns > 0; ns -= interval {
		l.record(ns)
		if interval <= 0 {
			return
		}
	}
}

func (l latencies) merge(from latencies)     { l.h.Merge(from.h) }
func (l latencies) count() int64             { return l.h.TotalCount() }
func (l latencies) at(percent float64) int64 { return l.h.ValueAtPercentile(percent) }

// encode returns the histogram in HdrHistogram's own portable form, as it crosses a pipe.
func (l latencies) encode() ([]byte, error) {
	b, err := l.h.Encode(hdr.V2CompressedEncodingCookieBase)
	if err != nil {
		return nil, fmt.Errorf("encode histogram: %w", err)
	}
	return b, nil
}

func decodeLatencies(b []byte) (latencies, error) {
	h, err := hdr.Decode(b)
	if err != nil {
		return latencies{}, fmt.Errorf("decode histogram: %w", err)
	}
	return latencies{h}, nil
}

// timeline holds a histogram per half second of due time.
type timeline struct {
	start int64
	slots []latencies
}

// record counts a latency in the slot in which its message was due.
func (t *timeline) record(due, ns int64) {
	i := (due - t.start) / slot
	if due < t.start || i >= maxSlots {
		return
	}
	for int64(len(t.slots)) <= i {
		t.slots = append(t.slots, newLatencies(coarse))
	}
	t.slots[i].record(ns)
}

// merge adds another client's slots.
func (t *timeline) merge(from []latencies) {
	for i, l := range from {
		if i < len(t.slots) {
			t.slots[i].merge(l)
		} else {
			t.slots = append(t.slots, l)
		}
	}
}

package main

import "math"

// pacer says when each message of an open-loop run is due: message i at Start + i/Rate seconds, whatever
// happened to the messages before it. It is a pure value; sending, and being late, is somebody else's work.
type pacer struct {
	Start int64   `json:"start"` // nanoseconds, CLOCK_MONOTONIC
	Rate  float64 `json:"rate"`  // messages per second over all streams
	Count uint64  `json:"count"` // messages in all
}

// newPacer returns a pacer for all messages that are due within seconds.
func newPacer(start int64, rate, seconds float64) pacer {
	p := pacer{Start: start, Rate: rate}
	if n := math.Round(rate * seconds); n > 0 && n < math.MaxInt64 {
		p.Count = uint64(n)
	}
	return p
}

// due returns the time at which message i is due.
func (p pacer) due(i uint64) int64 {
	offset := float64(i) * 1e9 / p.Rate
	if offset >= math.MaxInt64/2 || math.IsNaN(offset) {
		return math.MaxInt64
	}
	return p.Start + int64(offset)
}

// ready returns how many messages are due at or before t.
func (p pacer) ready(t int64) uint64 {
	if t < p.Start || p.Count == 0 {
		return 0
	}
	guess := float64(t-p.Start) * p.Rate / 1e9
	if guess >= float64(p.Count) {
		return p.Count
	}
	n := uint64(guess)
	// The float may be off by one either way; due is the definition.
	for n > 0 && p.due(n-1) > t {
		n--
	}
	for n < p.Count && p.due(n) <= t {
		n++
	}
	return n
}

// inStream returns how many of the messages belong to stream s of streams, when message i goes to stream
// i modulo streams.
func (p pacer) inStream(s, streams uint64) uint64 {
	if streams == 0 || s >= streams || p.Count <= s {
		return 0
	}
	return (p.Count - s + streams - 1) / streams
}

// dueSince returns how many messages are due at or after t.
func (p pacer) dueSince(t int64) uint64 { return p.Count - p.ready(t-1) }

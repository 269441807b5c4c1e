package main

import (
	"time"

	"golang.org/x/sys/unix"
)

// Due and received times of one delivery are taken in different processes, so every time in bench is
// CLOCK_MONOTONIC in nanoseconds, which all processes of a host share. Go's own monotonic clock is that
// clock, read without a system call, but counted from the start of the process: clockBase is the difference.
var (
	clockOrigin = time.Now()
	clockBase   = calibrateClock()
)

// now returns CLOCK_MONOTONIC in nanoseconds.
func now() int64 { return clockBase + int64(time.Since(clockOrigin)) }

// calibrateClock reads both clocks several times and keeps the pair that was read closest together.
func calibrateClock() int64 {
	best := int64(1) << 62
	var base int64
	for range 16 {
		before := int64(time.Since(clockOrigin))
		var ts unix.Timespec
		if err := unix.ClockGettime(unix.CLOCK_MONOTONIC, &ts); err != nil {
			return 0
		}
		after := int64(time.Since(clockOrigin))
		if after-before < best {
			best = after - before
			base = ts.Nano() - (before+after)/2
		}
	}
	return base
}

// sleepUntil waits until the monotonic time t, or until done is closed.
func sleepUntil(done <-chan struct{}, t int64) {
	d := time.Duration(t - now())
	if d <= 0 {
		return
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-done:
	}
}

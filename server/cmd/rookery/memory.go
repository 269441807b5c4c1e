package main

import (
	"runtime/debug"
	"time"
)

// A crowd that leaves is garbage until the collector's next cycle, which is due when the heap has grown by half: after the
// departure it shrinks instead, so the memory would stay, and the crowd that comes back would be given more.

// fewest is how many connections must have gone before a collection is worth its while: at about 1 KB each, 1 MB.
const fewest = 1000

// departure notices that many connections have gone and no more are going.
type departure struct{ most, last int }

// over reports, given the number of connections now, whether a departure has just ended. It is called at intervals.
func (d *departure) over(open int) bool {
	settled := open >= d.last-max(d.last, fewest)/100
	d.last = open
	d.most = max(d.most, open)
	if !settled || d.most-open < max(fewest, d.most/4) {
		return false
	}
	d.most = open
	return true
}

// returnMemory gives memory back to the system after departures, from ready on until stop is closed.
func returnMemory(ready <-chan struct{}, open func() int, stop <-chan struct{}) {
	select {
	case <-stop:
		return
	case <-ready:
	}
	ticks := time.NewTicker(time.Second)
	defer ticks.Stop()
	for d := (departure{}); ; {
		select {
		case <-stop:
			return
		case <-ticks.C:
			if d.over(open()) {
				debug.FreeOSMemory()
			}
		}
	}
}

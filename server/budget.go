package server

import (
	"math"
	"runtime/metrics"
	"slices"
	"sync/atomic"
)

// The budget for unfinished input: requests, TLS handshakes and records, frames and fragments. Every loop counts what its
// connections hold, by the capacity of the buffers and with what keeps them, into one sum. Past the limit the loop that holds
// most closes its worst connections, each for its own cause. No loop waits for another.

// budget is what Config.MaxPinned allows, for all loops.
type budget struct {
	held  atomic.Int64 // bytes
	limit int64        // of held
	price float64      // memory of the process per byte held
}

func (b *budget) set(maxPinned int) {
	b.price = priceOfHeld(gcPercent())
	b.limit = int64(float64(maxPinned) / b.price)
}

// priceOfHeld is what a byte held costs in memory of the process, which is what MaxPinned means: the collector lets the heap
// grow by gcPercent before it runs, and 30 % more are holes in it and free memory that the runtime keeps in hand (measured under
// a flood of fragments on 10,000 connections, of which those that are closed come back).
func priceOfHeld(gcPercent float64) float64 { return 1.3 * (1 + gcPercent/100) }

// gcPercent is the collector's setting. Where it is off, GOMEMLIMIT makes it run, earlier than its default would.
func gcPercent() float64 {
	s := []metrics.Sample{{Name: "/gc/gogc:percent"}}
	metrics.Read(s)
	if s[0].Value.Kind() != metrics.KindUint64 || s[0].Value.Uint64() > math.MaxInt32 {
		return 100
	}
	return float64(s[0].Value.Uint64())
}

// pin counts bytes that unfinished input holds from now on, or no longer does.
func (l *Loop) pin(delta int) {
	if delta == 0 {
		return
	}
	l.pinned += delta
	l.stats.pinned.Store(int64(l.pinned))
	b := &l.srv.budget
	if held := b.held.Add(int64(delta)); delta > 0 && held > b.limit {
		l.srv.relieve(l)
	}
}

// relieve has the loop that holds most shed: l, which is the caller's, at once, another after its next poll.
func (s *Server) relieve(l *Loop) {
	worst := l
	for _, other := range s.loops {
		if other.stats.pinned.Load() > worst.stats.pinned.Load() {
			worst = other
		}
	}
	if worst == l {
		l.shed()
		return
	}
	if !worst.shedding.Swap(true) {
		worst.Post(func() {
			worst.shedding.Store(false)
			worst.shed()
		})
	}
}

// shed closes the connections that hold most, and no more than it must: to close many in one go would keep the loop from those
// who chat.
func (l *Loop) shed() {
	for b := &l.srv.budget; b.held.Load() > b.limit; {
		if len(l.worst) == 0 {
			if l.rank(); len(l.worst) == 0 {
				return
			}
		}
		c := l.worst[0]
		l.worst[0], l.worst = nil, l.worst[1:]
		c.shed()
	}
}

// rank looks for the connections that hold most, worst first, until a tenth of the budget: a flood pays for a walk over all
// connections every tenth of it and not whenever something is shed.
func (l *Loop) rank() {
	type holder struct {
		c     *Conn
		bytes int
	}
	var holders []holder
	for _, c := range l.conns {
		if n := c.pinnedBytes(); n > 0 {
			holders = append(holders, holder{c, n})
		}
	}
	slices.SortFunc(holders, func(a, b holder) int { return b.bytes - a.bytes })
	l.worst = nil
	for enough := l.srv.budget.limit / 10; len(holders) > 0 && enough > 0; holders = holders[1:] {
		l.worst = append(l.worst, holders[0].c)
		enough -= int64(holders[0].bytes)
	}
}

// pinnedBytes is what the connection's unfinished input holds: the heap that it would give back, the Conn itself not.
func (c *Conn) pinnedBytes() int {
	n := c.dec.Pinned() + cap(c.head)
	if s := c.secure(); s != nil {
		n += int(s.pinned)
	}
	return n
}

// dropInput lets go of unfinished input and returns how much was counted for it.
func (c *Conn) dropInput() int {
	held := c.pinnedBytes()
	c.dec.Reset()
	c.head = nil
	if s := c.secure(); s != nil {
		s.pinned = 0
	}
	return held
}

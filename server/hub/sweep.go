package hub

import (
	"sync"
	"sync/atomic"
)

// A sweep, in order: Publish appends to a room's log and marks its shards; a marked shard's sweeper is woken once; Sweep
// takes the marked shards into its round and gives each in turn a share of the budget; deliver moves one cursor.

// quantum is how many writes a room may make before the next room has its turn. At about 10 us a write, a room of ten
// waits some 0.6 ms behind a giant one.
const quantum = 64

// freshShare is how many writes fresh rooms have for each of the rest, while both have work: three quarters of the turn.
const freshShare = 3

// Budget bounds one call of Sweep.
type Budget struct {
	Writes int
	Nanos  int64
}

// Sweeper delivers to the members of one loop. Except for the marking, everything belongs to that loop.
type Sweeper struct {
	hub   *Hub
	index int
	wake  func()       // asks for Sweep on the loop; any goroutine
	clock func() int64 // monotonic nanoseconds

	mu     sync.Mutex // Protects following.
	marked *shard
	last   *shard

	awake atomic.Bool // wake was called and Sweep has not returned false since

	// Owned by the loop.
	fresh   queue // rooms that wait for their first quantum of a pass
	rest    queue // rooms that had one and have work left
	lead    int   // writes that fresh rooms may make before one of the rest has its turn
	stalled []*Member
	lagSeen uint64 // the largest lag found in this round over stalled
	retryAt int
	count   counts
	stats   sweepStats
}

// mark puts a shard on the list of those with something new, and wakes the loop if it sleeps. Any goroutine.
func (sw *Sweeper) mark(sh *shard) {
	if sh.queued.Swap(true) {
		return
	}
	sw.mu.Lock()
	if sw.last == nil {
		sw.marked = sh
	} else {
		sw.last.link = sh
	}
	sw.last = sh
	sw.mu.Unlock()
	if !sw.awake.Swap(true) {
		sw.wake()
	}
}

// Sweep delivers until nothing is left or the budget is spent, and reports whether something is left: then it is to be
// called again, after the loop has polled its sockets. Loop only, and not from within Events or a Writer.
func (sw *Sweeper) Sweep(b Budget) (more bool) {
	start := sw.clock()
	sw.take()
	for writes := 0; ; {
		sh, from := sw.pick()
		if sh == nil {
			break
		}
		n, done := sw.serve(sh, min(int(sh.share), b.Writes-writes))
		writes += n
		sh.share -= int32(n)
		if from == &sw.fresh {
			sw.lead = max(sw.lead-n-1, 0)
		} else {
			sw.lead = min(sw.lead+freshShare*(n+1), freshShare*quantum)
		}
		switch {
		case done:
			sh.running = false
		case writes >= b.Writes && sh.share > 0:
			from.pushFront(sh) // the turn ended within its quantum
		default:
			sh.share = quantum
			sw.rest.push(sh)
		}
		if writes >= b.Writes || sw.clock()-start >= b.Nanos {
			break
		}
	}
	sw.stats.publish(&sw.count, len(sw.stalled))
	if sw.fresh.first != nil || sw.rest.first != nil {
		return true
	}
	sw.awake.Store(false)
	sw.mu.Lock()
	missed := sw.marked != nil
	sw.mu.Unlock()
	return missed && !sw.awake.Swap(true)
}

// take moves the marked shards into the queue of fresh ones.
func (sw *Sweeper) take() {
	sw.mu.Lock()
	sh := sw.marked
	sw.marked, sw.last = nil, nil
	sw.mu.Unlock()
	for sh != nil {
		next := sh.link
		sh.link = nil
		// Cleared before the head is read: whoever publishes later marks again.
		sh.queued.Store(false)
		if sh.running {
			sh.again = sh.again || sh.pos < len(sh.members) // a pass that waits to begin will see it
		} else {
			sh.begin()
			sh.share = quantum
			sw.fresh.push(sh)
		}
		sh = next
	}
}

// pick takes the room whose turn it is, and says from which queue. A small room is done in its first quantum, so fresh rooms
// go before those that had theirs, a giant's backlog, until their lead is used up: as many small rooms as keep the loop busy
// would never let a giant go on.
func (sw *Sweeper) pick() (*shard, *queue) {
	if sw.fresh.first != nil && (sw.lead > 0 || sw.rest.first == nil) {
		return sw.fresh.pop(), &sw.fresh
	}
	return sw.rest.pop(), &sw.rest
}

// begin starts a pass over all members.
func (sh *shard) begin() {
	sh.running, sh.again = true, false
	sh.pos = len(sh.members)
}

// serve goes on with a shard's pass for at most limit writes. It reports how many it made and whether the pass is over
// with nobody left behind.
func (sw *Sweeper) serve(sh *shard, limit int) (writes int, done bool) {
	p := sh.pass()
	// Visits without a write are cheap, but not free.
	for visits := 0; visits < 64*quantum; visits++ {
		for sh.pos == 0 {
			if !sh.again {
				return writes, true
			}
			sh.begin() // a room that is small or little behind is done within its quantum
			p = sh.pass()
		}
		if writes >= limit {
			return writes, false
		}
		sh.pos--
		c := &sh.members[sh.pos]
		if c.flags&(stalled|dead) == 0 {
			writes += sw.deliver(&p, c)
		}
	}
	return writes, false
}

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
	round   []*shard // rooms with work left, first come first; head of the queue at roundAt
	roundAt int
	stalled []*Member
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
// called again, after the loop has polled its sockets. Loop only.
func (sw *Sweeper) Sweep(b Budget) (more bool) {
	start := sw.clock()
	sw.take()
	for writes := 0; sw.roundAt < len(sw.round); {
		sh := sw.round[sw.roundAt]
		sw.round[sw.roundAt] = nil
		sw.roundAt++
		n, done := sw.serve(sh, min(quantum, b.Writes-writes))
		writes += n
		if done {
			sh.running = false
		} else {
			sw.round = append(sw.round, sh)
		}
		if writes >= b.Writes || sw.clock()-start >= b.Nanos {
			break
		}
	}
	sw.compact()
	sw.stats.publish(&sw.count, len(sw.stalled))
	if sw.roundAt < len(sw.round) {
		return true
	}
	sw.awake.Store(false)
	sw.mu.Lock()
	missed := sw.marked != nil
	sw.mu.Unlock()
	return missed && !sw.awake.Swap(true)
}

// take moves the marked shards into the round. What is new goes before what is already under way: a small room is done in
// its first quantum, and a giant one goes on behind it.
func (sw *Sweeper) take() {
	sw.mu.Lock()
	sh := sw.marked
	sw.marked, sw.last = nil, nil
	sw.mu.Unlock()
	if sh == nil {
		return
	}
	waiting := append([]*shard(nil), sw.round[sw.roundAt:]...)
	sw.round, sw.roundAt = sw.round[:0], 0
	for sh != nil {
		next := sh.link
		sh.link = nil
		// Cleared before the head is read: whoever publishes later marks again.
		sh.queued.Store(false)
		if sh.running {
			sh.again = true
		} else {
			sh.begin()
			sw.round = append(sw.round, sh)
		}
		sh = next
	}
	sw.round = append(sw.round, waiting...)
}

// compact keeps the round's memory in proportion to its length.
func (sw *Sweeper) compact() {
	if sw.roundAt == len(sw.round) {
		sw.round, sw.roundAt = sw.round[:0], 0
	} else if sw.roundAt > 64 && sw.roundAt > len(sw.round)/2 {
		n := copy(sw.round, sw.round[sw.roundAt:])
		clear(sw.round[n:])
		sw.round, sw.roundAt = sw.round[:n], 0
	}
}

// begin starts a pass over all members.
func (sh *shard) begin() {
	sh.running, sh.again = true, false
	sh.pos = len(sh.members)
}

// serve goes on with a shard's pass for at most writes writes. It reports how many it made and whether the pass is over
// with nobody left behind.
func (sw *Sweeper) serve(sh *shard, limit int) (writes int, done bool) {
	v := sh.room.log.view()
	sh.tip = [2]tip{} // a publication may have been withdrawn since
	// Visits without a write are cheap, but not free.
	for visits := 0; visits < 64*quantum; visits++ {
		if sh.pos == 0 {
			if !sh.again {
				return writes, true
			}
			sh.begin()
			return writes, false
		}
		if writes >= limit {
			return writes, false
		}
		sh.pos--
		c := &sh.members[sh.pos]
		if c.flags&(stalled|dead) == 0 {
			writes += sw.deliver(sh, c, &v)
		}
	}
	return writes, false
}

// deliver writes to one member what it has not got, as much as one write carries. It returns the number of writes.
func (sw *Sweeper) deliver(sh *shard, c *cursor, v *view) (writes int) {
	if c.next <= v.head {
		if oldest := v.oldest(); c.next < oldest && !sw.fallBehind(sh, c, v, oldest) {
			return 0
		}
		if sh.room.policy == Latest && c.next < v.head {
			c.next = v.head
		}
		if c.next <= v.head {
			writes = 1
			if !sw.write(sh, c, v) {
				return writes
			}
		}
	}
	if c.flags&notices != 0 {
		writes += sw.tell(sh, c)
	}
	return writes
}

// write makes the one write of log entries. It reports whether the socket took all of it.
func (sw *Sweeper) write(sh *shard, c *cursor, v *view) bool {
	r := sh.read(v, c.next, c.flags)
	if r.count == 0 {
		c.next = r.next()
		sh.again = sh.again || c.next <= v.head
		return true
	}
	n, ok := c.w.Write(r.bytes)
	if !ok {
		c.flags |= dead
		return false
	}
	if n == len(r.bytes) {
		c.next = r.next()
		sw.count.deliveries += uint64(r.count)
		sh.again = sh.again || c.next <= v.head
		return true
	}
	next, rest := r.cut(n)
	sw.count.deliveries += next - r.first
	c.next = next
	if rest != nil {
		c.w.Finish(rest)
	}
	sw.stall(c)
	return false
}

// fallBehind handles a member whose next entries the log no longer has. It reports whether the member goes on.
func (sw *Sweeper) fallBehind(sh *shard, c *cursor, v *view, oldest uint64) bool {
	from, m := max(c.next, v.purged+1), c.m
	c.next = oldest
	if from >= oldest || sh.room.policy == Latest {
		return true
	}
	sw.count.gaps++
	if sh.room.policy == Close {
		c.flags |= dead
		m.events.Slow(m)
		return false
	}
	// The callback may leave the room, which moves another member into this place.
	m.events.Gap(m, from, oldest-1)
	return m.shard == sh && &sh.members[m.index] == c
}

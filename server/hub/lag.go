package hub

// A member's lag is the number of its room's publications that are not written to it yet: 0 while its socket takes what
// comes, and at most what the room's log holds.

// Lags calls fn for each member of the room on this loop. Loop only; fn must not change the room.
func (sw *Sweeper) Lags(r *Room, fn func(m *Member, lag uint64)) {
	sh := r.shards[sw.index].Load()
	if sh == nil {
		return
	}
	head := r.log.head.Load()
	for i := range sh.members {
		c := &sh.members[i]
		fn(c.m, c.lag(head))
	}
}

func (c *cursor) lag(head uint64) uint64 {
	if c.next > head {
		return 0
	}
	return head + 1 - c.next
}

// noteLag keeps the largest lag that a round over the stalled members finds.
func (sw *Sweeper) noteLag(m *Member) {
	if sh := m.shard; sh != nil {
		sw.lagSeen = max(sw.lagSeen, sh.cursor(m).lag(sh.room.log.head.Load()))
	}
}

// publishLag makes the last round's finding known.
func (sw *Sweeper) publishLag() {
	sw.stats.lag.Store(sw.lagSeen)
	sw.lagSeen = 0
}

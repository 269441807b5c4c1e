package hub

// stall takes a member out of the passes until its socket takes bytes again. gnet and epoll tell nobody when that is, so
// RetryStalled asks from a tick.
func (sw *Sweeper) stall(c *cursor) {
	c.flags |= stalled
	sw.stalled = append(sw.stalled, c.m)
}

// Stalled is the number of members whose sockets are full. Loop only.
func (sw *Sweeper) Stalled() int { return len(sw.stalled) }

// RetryStalled writes to the stalled members whose sockets take bytes again. It asks at most limit of them, the others
// in the next calls. Loop only.
func (sw *Sweeper) RetryStalled(limit int) {
	for tries := min(limit, len(sw.stalled)); tries > 0; tries-- {
		if sw.retryAt >= len(sw.stalled) {
			sw.retryAt = 0
		}
		m := sw.stalled[sw.retryAt]
		if m.shard != nil && !sw.retry(m) {
			sw.retryAt++
			continue
		}
		last := len(sw.stalled) - 1
		sw.stalled[sw.retryAt] = sw.stalled[last]
		sw.stalled[last] = nil
		sw.stalled = sw.stalled[:last]
	}
	sw.stats.publish(&sw.count, len(sw.stalled))
}

// retry reports whether the member is stalled no longer.
func (sw *Sweeper) retry(m *Member) bool {
	sh := m.shard
	c := &sh.members[m.index]
	if c.flags&dead != 0 {
		return true
	}
	if c.w.Buffered() > 0 {
		return false
	}
	c.flags &^= stalled
	before := len(sw.stalled)
	v := sh.room.log.view()
	// A few writes bring most back to the head; a pass over the whole room for one member would cost more.
	for range catchUpWrites {
		sw.deliver(sh, c, &v)
		if m.shard == nil || c.flags&dead != 0 {
			return true
		}
		if c.flags&stalled != 0 {
			sw.stalled = sw.stalled[:before] // it keeps the place it has on the list
			return false
		}
		if c.next > v.head {
			break
		}
	}
	if c.next <= sh.room.log.head.Load() {
		sw.mark(sh)
	}
	return true
}

// catchUpWrites bounds what one retried member gets before the others have their turn: 512 KiB.
const catchUpWrites = 8

// Flush writes to one member what it has not got yet, as far as its socket takes it now. Loop only.
func (sw *Sweeper) Flush(m *Member) {
	sh := m.shard
	if sh == nil {
		return
	}
	v := sh.room.log.view()
	for range catchUpWrites {
		c := &sh.members[m.index]
		if c.flags&(stalled|dead) != 0 || c.next > v.head {
			return
		}
		if sw.deliver(sh, c, &v); m.shard != sh {
			return
		}
	}
}

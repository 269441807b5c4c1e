package hub

// stall takes a member out of the passes until its socket takes bytes again. gnet and epoll tell nobody when that is, so
// RetryStalled asks from a tick. rest is what is left of the frame that its socket broke, if it did.
func (sw *Sweeper) stall(sh *shard, c *cursor, rest []byte) {
	if m := c.m; len(rest) > 0 {
		c.w.Finish(rest)
		if c = sh.cursor(m); c == nil {
			return
		}
	}
	c.flags |= stalled
	sw.stalled = append(sw.stalled, c.m)
}

// Stalled is the number of members whose sockets are full. Loop only.
func (sw *Sweeper) Stalled() int { return len(sw.stalled) }

const (
	// catchUpWrites bounds what one retried member gets before the others have their turn: 512 KiB.
	catchUpWrites = 8
	// retryWrites bounds one call of RetryStalled, as a turn of the sweep is bounded: all may take bytes again at once.
	retryWrites = 256
)

// RetryStalled writes to the stalled members whose sockets take bytes again. It asks at most limit of them, the others
// in the next calls. Loop only, and not from within Events or a Writer.
func (sw *Sweeper) RetryStalled(limit int) {
	writes := 0
	for tries := min(limit, len(sw.stalled)); tries > 0 && writes < retryWrites; tries-- {
		if sw.retryAt >= len(sw.stalled) {
			sw.retryAt = 0
			sw.publishLag()
		}
		n, free := sw.retry(sw.stalled[sw.retryAt])
		writes += n
		if !free {
			sw.noteLag(sw.stalled[sw.retryAt])
			sw.retryAt++
			continue
		}
		last := len(sw.stalled) - 1
		sw.stalled[sw.retryAt] = sw.stalled[last]
		sw.stalled[last] = nil
		sw.stalled = sw.stalled[:last]
	}
	if len(sw.stalled) == 0 {
		sw.publishLag()
	}
	sw.stats.publish(&sw.count, len(sw.stalled))
}

// retry reports how many writes it made, and whether the member is stalled no longer.
func (sw *Sweeper) retry(m *Member) (writes int, free bool) {
	sh := m.shard
	if sh == nil {
		return 0, true
	}
	c := sh.cursor(m)
	if c.flags&dead != 0 {
		return 0, true
	}
	if c.w.Buffered() > 0 {
		return 0, false
	}
	c.flags &^= stalled
	before := len(sw.stalled)
	// A few writes bring most back to the head; a pass over the whole room for one member would cost more.
	writes = sw.catchUp(sh, m)
	c = sh.cursor(m)
	if c == nil || c.flags&dead != 0 {
		return writes, true
	}
	if c.flags&stalled != 0 {
		sw.stalled[before] = nil // it keeps the place it has on the list
		sw.stalled = sw.stalled[:before]
		return writes, false
	}
	if c.next <= sh.room.log.head.Load() {
		sw.mark(sh)
	}
	return writes, true
}

// catchUp delivers to one member until it has everything or is stalled, within catchUpWrites.
func (sw *Sweeper) catchUp(sh *shard, m *Member) (writes int) {
	p := sh.pass()
	for range catchUpWrites {
		c := sh.cursor(m)
		if c == nil || c.flags&(stalled|dead) != 0 {
			break
		}
		n := sw.deliver(&p, c)
		if n == 0 {
			break
		}
		writes += n
	}
	return writes
}

// Flush writes to one member what it has not got yet, as far as its socket takes it now, and reports whether it then has
// everything that it can get. Loop only, and not from within Events or a Writer.
func (sw *Sweeper) Flush(m *Member) bool {
	sh := m.shard
	if sh == nil {
		return true
	}
	sw.catchUp(sh, m)
	c := sh.cursor(m)
	return c == nil || c.flags&dead != 0 || c.flags&stalled == 0 && c.next > sh.room.log.head.Load()
}

package hub

// What follows calls out to Writers and Events, and these may let members leave and join: a cursor's address is looked up
// again after each call, if shard.moves says so.

// deliver writes to one member what it has not got, as much as one write carries, and its notices. It returns the number of
// writes, 0 if the member has everything.
func (sw *Sweeper) deliver(p *pass, c *cursor) (writes int) {
	if c.next <= p.head {
		writes = 1
		if c = sw.advance(p, c); c == nil {
			return writes
		}
	}
	if c.flags&notices != 0 {
		writes += sw.tell(p.sh, c)
	}
	return writes
}

// advance makes the one write of log entries. It returns the cursor if the socket took all of it.
func (sw *Sweeper) advance(p *pass, c *cursor) *cursor {
	if oldest := p.oldest(); c.next < oldest {
		if c = sw.fallBehind(p, c, oldest); c == nil {
			return nil
		}
	}
	if p.sh.room.policy == Latest && c.next < p.head {
		c.next = p.head
	}
	if c.next > p.head {
		return c
	}
	sh, r := p.sh, p.run(c.next, c.flags)
	if r.count > 0 {
		m, moves := c.m, sh.moves
		n, ok := c.w.Write(r.bytes)
		if sh.moves != moves {
			if c = sh.cursor(m); c == nil {
				return nil
			}
		}
		if !ok {
			c.flags |= dead
			return nil
		}
		if n < len(r.bytes) {
			next, rest := r.cut(n)
			sw.count.deliveries += next - r.first
			c.next = next
			sw.stall(sh, c, rest)
			return nil
		}
		sw.count.deliveries += uint64(r.count)
	}
	c.next = r.next()
	sh.again = sh.again || c.next <= p.head
	return c
}

// fallBehind handles a member whose next entries the log no longer has. It returns the cursor if the member goes on.
func (sw *Sweeper) fallBehind(p *pass, c *cursor, oldest uint64) *cursor {
	from, sh, m := max(c.next, p.purged+1), p.sh, c.m
	c.next = oldest
	if from >= oldest || sh.room.policy == Latest {
		return c
	}
	sw.count.gaps++
	if sh.room.policy == Close {
		c.flags |= dead
		m.events.Slow(m)
		return nil
	}
	m.events.Gap(m, from, oldest-1)
	return sh.cursor(m)
}

package server

import "sort"

// pin accounts for memory that unfinished input holds on this loop: request heads, frames and fragments. Each loop has an
// equal part of Config.MaxPinned, so no loop ever waits for another to make room.
func (l *Loop) pin(delta int) {
	l.pinned += delta
	l.stats.pinned.Store(int64(l.pinned))
	if limit := l.srv.cfg.MaxPinned / len(l.srv.loops); delta > 0 && l.pinned > limit {
		l.shed(limit / 10 * 9)
	}
}

// shed closes the connections that hold most, until what is left is at most target: one pass frees a tenth of the budget,
// so a flood pays for a pass every tenth of it and not at every byte.
func (l *Loop) shed(target int) {
	holders := make([]*Conn, 0, 64)
	for _, c := range l.conns {
		if c.pinnedBytes() > 0 {
			holders = append(holders, c)
		}
	}
	sort.Slice(holders, func(i, j int) bool { return holders[i].pinnedBytes() > holders[j].pinnedBytes() })
	for _, c := range holders {
		if l.pinned <= target {
			return
		}
		l.pinned -= c.dropInput()
		c.end(CauseInputBudget, "the server's budget for unfinished input (max-pinned) is spent")
	}
}

func (c *Conn) pinnedBytes() int {
	n := c.dec.Pinned() + cap(c.head)
	if s := c.secure(); s != nil {
		n += int(s.pinned)
	}
	return n
}

// dropInput lets go of unfinished input and returns how much was counted for it. What crypto/tls holds of a record stays
// until the connection closes.
func (c *Conn) dropInput() int {
	held := c.pinnedBytes()
	c.dec.Reset()
	c.head = nil
	if s := c.secure(); s != nil {
		s.pinned = 0
	}
	return held
}

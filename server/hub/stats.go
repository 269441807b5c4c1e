package hub

import "sync/atomic"

// counts are a sweeper's running totals, plain so that a delivery pays no locked instruction.
type counts struct {
	deliveries uint64
	gaps       uint64
}

type sweepStats struct {
	deliveries, gaps atomic.Uint64
	stalled          atomic.Int64
	lag              atomic.Uint64
}

func (s *sweepStats) publish(c *counts, stalled int) {
	s.deliveries.Store(c.deliveries)
	s.gaps.Store(c.gaps)
	s.stalled.Store(int64(stalled))
}

// Stats is a snapshot of a hub's totals.
type Stats struct {
	Rooms        int
	Members      int64
	Publications uint64 // appended to a log of this node
	Deliveries   uint64 // entries written to members
	Gaps         uint64 // times that a member fell behind a log
	Stalled      int64  // members whose sockets are full
	LogBytes     int64  // memory of all logs
	Lag          uint64 // publications that the slowest member is behind
}

// Stats may be called from any goroutine.
func (h *Hub) Stats() Stats {
	st := Stats{
		Members:      h.members.Load(),
		Publications: h.publications.Load(),
		LogBytes:     h.logBytes.Load(),
	}
	h.mu.RLock()
	st.Rooms = len(h.rooms)
	h.mu.RUnlock()
	for _, sw := range h.sweepers {
		st.Deliveries += sw.stats.deliveries.Load()
		st.Gaps += sw.stats.gaps.Load()
		st.Stalled += sw.stats.stalled.Load()
		st.Lag = max(st.Lag, sw.stats.lag.Load())
	}
	return st
}

package server

import "sync/atomic"

// counts are a loop's running totals, plain so that a sweep pays no locked instruction per write.
type counts struct {
	messagesIn uint64
	writes     uint64
}

// loopStats is what other goroutines may read of a loop. The totals lag behind counts by up to one tick.
type loopStats struct {
	open       atomic.Int64
	messagesIn atomic.Uint64
	writes     atomic.Uint64
	pinned     atomic.Int64
	closed     [causes]atomic.Uint64
}

func (s *loopStats) publish(c *counts) {
	s.messagesIn.Store(c.messagesIn)
	s.writes.Store(c.writes)
}

// Stats is a snapshot of a server's totals.
type Stats struct {
	Open       int64  // connections past their opening handshake
	Admitted   int64  // connections that count against MaxConns
	MaxConns   int    // the cap in force
	MessagesIn uint64 // text and binary messages received
	Writes     uint64 // send(2) calls
	Pinned     int64  // bytes of memory that unfinished input costs, against Config.MaxPinned
	Closed     map[Cause]uint64
}

// Stats may be called from any goroutine. Totals lag by up to 100 ms.
func (s *Server) Stats() Stats {
	st := Stats{Admitted: s.admission.admitted.Load(), MaxConns: s.admission.max, Closed: map[Cause]uint64{}}
	st.Pinned = int64(float64(s.budget.held.Load()) * s.budget.price)
	for _, l := range s.loops {
		st.Open += l.stats.open.Load()
		st.MessagesIn += l.stats.messagesIn.Load()
		st.Writes += l.stats.writes.Load()
		for _, c := range Causes() {
			st.Closed[c] += l.stats.closed[c].Load()
		}
	}
	return st
}

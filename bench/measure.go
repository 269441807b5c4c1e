package main

import (
	"context"
	"fmt"
	"time"
)

// lane is one stream of publications and those who receive them. A run may have several at once, such as a
// giant room and a small one.
type lane struct {
	groups   []*group
	rate     float64 // messages per second over all streams
	streams  int
	template string
	payload  int
	// everywhere makes each sending connection publish every message: one copy per node of a server that has
	// no broker between its nodes.
	everywhere bool
	discard    bool // count drained members by their bytes

	pacer pacer
	begin int64 // end of the warm-up
	got   laneResult
}

// measured returns the deliveries that were due after the warm-up.
func (l *lane) measured() float64 {
	if l.pacer.Count == 0 {
		return 0
	}
	return float64(l.got.reach.Delivered) * float64(l.pacer.dueSince(l.begin)) / float64(l.pacer.Count)
}

// laneResult is what came of a lane, merged over its client processes.
type laneResult struct {
	reach    reach
	latency  latencies
	timeline timeline
	lagP99   float64 // of the worst client, microseconds
	lagMax   float64
	ends     map[string]int
	opened   uint64
	samples  []string
	resume   []*resumeTally
}

// usage is what the run cost, on both ends.
type usage struct {
	seconds float64
	server  cpuTime   // during the measurement
	settled cpuTime   // from its begin until the last delivery had arrived
	servers []float64 // cores of each server process
	rss     int64     // of all server processes at the end
	clients processes
	others  float64 // cores the rest of the host used meanwhile
}

const (
	lead       = 250 * time.Millisecond // for orders to reach every client before the first message is due
	settlePoll = 50 * time.Millisecond
)

// patience is how long a run waits for deliveries that do not come: 1.5 s without any progress, or 20 s.
type patience struct{ still, all time.Duration }

var usualPatience = patience{1500 * time.Millisecond, 20 * time.Second}

// pass is one measured run: warm-up, measurement, settling.
type pass struct {
	what    string
	warmup  time.Duration
	length  time.Duration
	lanes   []*lane
	during  func() error // runs while the measurement does
	watched []*group     // armed for the first lane, but nothing is expected of them
}

// measure runs all lanes of a pass at once.
func (s *session) measure(p pass) (usage, error) {
	start := now() + int64(lead)
	begin := start + int64(p.warmup)
	end := begin + int64(p.length)
	if err := s.arm(p, start, begin); err != nil {
		return usage{}, s.check(err)
	}
	s.ui.phase(p.what+": warm-up", p.warmup)
	if err := s.waitUntil(begin); err != nil {
		return usage{}, err
	}
	before := s.snapshot()
	s.ui.phase(p.what, p.length)
	side := make(chan error, 1)
	go func() {
		if p.during == nil {
			side <- nil
			return
		}
		side <- p.during()
	}()
	if err := s.waitUntil(end); err != nil {
		return usage{}, err
	}
	after := s.snapshot()
	if err := <-side; err != nil {
		return usage{}, s.check(err)
	}
	s.ui.phase(p.what+": settling", 0)
	if err := s.settle(p.lanes); err != nil {
		return usage{}, err
	}
	u := s.usageBetween(before, after, s.snapshot())
	for _, l := range p.lanes {
		if err := l.collect(s.ctx); err != nil {
			return u, s.check(err)
		}
		u.clients.LagP99 = max(u.clients.LagP99, l.got.lagP99)
		u.clients.LagMax = max(u.clients.LagMax, l.got.lagMax)
	}
	return u, nil
}

// arm sends every client of the pass its run order.
func (s *session) arm(p pass, start, begin int64) error {
	s.run++
	for n, l := range p.lanes {
		if _, err := newMessage(l.template, l.payload); err != nil {
			return usageError{err}
		}
		l.pacer = newPacer(start, l.rate, (p.warmup + p.length).Seconds())
		// Whole rounds over the streams: every room gets the same number of messages.
		l.pacer.Count -= l.pacer.Count % uint64(l.streams)
		l.begin = begin
		groups := l.groups
		if n == 0 {
			groups = append(groups[:len(groups):len(groups)], p.watched...)
		}
		for _, g := range groups {
			perMember := l.rate / float64(max(g.plan.Rooms, 1)) * float64(l.payload+frameOverhead)
			for _, c := range g.clients {
				o := runOrder{
					Run: s.run, Pacer: l.pacer, Streams: l.streams, Measure: begin, Template: l.template, Payload: l.payload,
					Send: c.first < l.streams, Everywhere: l.everywhere, Discard: l.discard, Sweep: sweepInterval(perMember),
				}
				if err := c.order(order{Run: &o}); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

// frameOverhead is about what a frame header and a server's own fields add to a payload.
const frameOverhead = 70

// settle waits until everything expected has arrived, or nothing has for a while.
func (s *session) settle(lanes []*lane) error {
	var want uint64
	for _, l := range lanes {
		want += l.expected()
	}
	var last uint64
	changed, limit := time.Now(), time.Now().Add(s.patience.all)
	for {
		var have uint64
		for _, l := range lanes {
			for _, g := range l.groups {
				have += g.seen().Delivered
			}
		}
		if have != last {
			last, changed = have, time.Now()
		}
		if have >= want || time.Since(changed) > s.patience.still || time.Now().After(limit) {
			return nil
		}
		if err := s.waitUntil(now() + int64(settlePoll)); err != nil {
			return err
		}
	}
}

// expected returns the deliveries a lane must see, warm-up included.
func (l *lane) expected() uint64 {
	var sum uint64
	for _, g := range l.groups {
		if g.plan.Life > 0 {
			continue
		}
		rooms := max(g.plan.Rooms, 1)
		r := run{runOrder: runOrder{Pacer: l.pacer, Streams: l.streams}}
		for room := range rooms {
			members := 0
			if offset := ((room-g.plan.First)%rooms + rooms) % rooms; offset < g.plan.Count {
				members = (g.plan.Count - offset + rooms - 1) / rooms
			}
			sum += uint64(members) * r.expected(room, rooms)
		}
	}
	return sum
}

// collect asks every client for its tally and merges them.
func (l *lane) collect(ctx context.Context) error {
	l.got = laneResult{latency: newLatencies(fine), ends: map[string]int{}}
	for _, g := range l.groups {
		if err := g.all(order{Report: true}); err != nil {
			return err
		}
		for _, p := range g.clients {
			a, err := p.reply(ctx)
			if err != nil {
				return err
			}
			if a.Tally == nil {
				return fmt.Errorf("%s: unexpected answer to report", p.name)
			}
			if err := l.got.merge(a.Tally); err != nil {
				return fmt.Errorf("%s: %w", p.name, err)
			}
		}
	}
	r := &l.got.reach
	r.Share = 1
	if r.Expected > 0 {
		r.Share = float64(r.Delivered) / float64(r.Expected)
	}
	return nil
}

func (r *laneResult) merge(t *tally) error {
	to := &r.reach
	to.Expected += t.Expected
	to.Delivered += t.Delivered
	to.Sent += t.Sent
	to.Unsent += t.Unsent
	to.Gaps += t.Gaps
	to.Duplicates += t.Duplicates
	to.Foreign += t.Foreign
	to.Misrouted += t.Misrouted
	to.Surplus += t.Surplus
	to.Parsed += t.Parsed
	to.Bytes += t.Bytes
	r.opened += t.Opened
	r.samples = append(r.samples, t.Samples...)
	for k, n := range t.Ends {
		r.ends[k] += n
	}
	if t.Resume != nil {
		r.resume = append(r.resume, t.Resume)
	}
	h, err := decodeLatencies(t.Latency)
	if err != nil {
		return err
	}
	r.latency.merge(h)
	lag, err := decodeLatencies(t.Lag)
	if err != nil {
		return err
	}
	r.lagP99 = max(r.lagP99, float64(lag.at(99))/us)
	r.lagMax = max(r.lagMax, float64(lag.h.Max())/us)
	var slots []latencies
	for _, b := range t.Timeline {
		l, err := decodeLatencies(b)
		if err != nil {
			return err
		}
		slots = append(slots, l)
	}
	r.timeline.merge(slots)
	return nil
}

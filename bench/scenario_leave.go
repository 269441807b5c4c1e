package main

import "time"

// leave: everybody in a giant room leaves at once, and comes back. A chatter in another room, probed by a
// process of its own, is watched meanwhile for stalls; memory is read before, after the leave, and again
// after a second round, since what matters is whether it keeps growing.
var leaveScenario = scenario{
	name: "leave",
	what: "everybody leaves at once and comes back, seen from another room",
	method: "N members of one room close at once and reconnect, while a room of 10 at 20 messages/s is probed by a process of its " +
		"own. Longest delivery of the probe in each phase, and the server's resident memory with everybody back against before.",
	defaults: options{Conns: 19_000, Payload: 64, Duration: 6 * time.Second, Warmup: time.Second},
	quick:    options{Conns: 3000, Duration: 4 * time.Second},
	needs:    targetNeeds{rooms: true},
	columns:  []string{"leave_max", "rejoin_max", "rss_after_rejoin"},
	measure:  measureLeave,
}

func measureLeave(s *session, r *row) error {
	small, err := s.probe()
	if err != nil {
		return err
	}
	crowd := func() (*group, error) { return s.prepare("crowd", s.plan(s.opt.Conns, 0, 1)) }
	g, err := crowd()
	if err != nil {
		return err
	}
	if err := s.rush(g); err != nil {
		return err
	}
	before := s.target.rss()
	p := s.pass("leaving", small)
	var gone closed
	p.during = func() (err error) {
		gone, err = g.close(s.ctx)
		return err
	}
	if _, err := s.measure(p); err != nil {
		return err
	}
	left, leftLag := distributionOf(small.got.latency), small.got.lagMax
	r.add("closed_cleanly", float64(gone.Clean)/float64(max(gone.Clean+gone.Other, 1)), "", "higher")
	r.add("rss_after_leaving", float64(s.target.rss()-s.rss)/float64(s.opt.Conns), "B", "lower")
	if g, err = crowd(); err != nil {
		return err
	}
	p = s.pass("coming back", small)
	p.during = func() error { return s.rush(g) }
	u, err := s.measure(p)
	if err != nil {
		return err
	}
	u.clients.LagP99, u.clients.LagMax = small.got.lagP99, small.got.lagMax
	r.take(s, small, u)
	r.Figures = r.Figures[:2]
	if left != nil && r.Latency != nil {
		r.add("leave_max", left.Max/1e3, "ms", "lower")
		r.add("leave_probe_lag_max", leftLag/1e3, "ms", "")
		r.add("rejoin_max", r.Latency.Max/1e3, "ms", "lower")
		r.add("rejoin_probe_lag_max", small.got.lagMax/1e3, "ms", "")
	}
	if before > s.rss {
		r.add("rss_after_rejoin", float64(s.target.rss()-s.rss)/float64(before-s.rss), "x", "lower")
	}
	return nil
}

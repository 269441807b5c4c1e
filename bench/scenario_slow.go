package main

import (
	"fmt"
	"time"
)

// slow: a share of the members stops reading. Their sockets are made narrow, so that the stall is the
// server's to bear and not the kernel's. The others are measured first with everybody reading, then with
// the stall, and the server's memory before and after it. In the end the stalled ones read again, and what
// they were given is counted.
var slowScenario = scenario{
	name: "slow",
	what: "what members that stop reading cost the others, and the server's memory",
	method: "10 % of N members stall. p99 of the others with and without the stall, growth of resident memory per stalled member " +
		"during it, and what share of the messages the stalled get once they read again.",
	defaults: options{Conns: 5000, Rate: 8, Payload: 1024, Duration: 15 * time.Second, Warmup: 2 * time.Second},
	quick:    options{Conns: 1000, Rate: 16, Duration: 4 * time.Second, Warmup: time.Second},
	columns:  []string{"p99_ratio", "rss_per_stalled"},
	measure:  measureSlow,
}

const stalledShare = 10 // one member in so many

func measureSlow(s *session, r *row) error {
	stalled := max(s.opt.Conns/stalledShare, 1)
	readers := s.opt.Conns - stalled
	l, err := s.members(readers, 1, s.opt.Rate)
	if err != nil {
		return err
	}
	plan := s.plan(stalled, readers, 1)
	plan.Narrow = true
	g, err := s.connect("stallers", plan)
	if err != nil {
		return err
	}
	p := s.pass("all read", l)
	p.watched = []*group{g}
	if _, err := s.measure(p); err != nil {
		return err
	}
	calm := distributionOf(l.got.latency)
	if err := g.all(order{Stall: true}); err != nil {
		return err
	}
	before := s.target.rss()
	p.what = fmt.Sprintf("%d stall", stalled)
	u, err := s.measure(p)
	if err != nil {
		return err
	}
	r.take(s, l, u)
	if calm != nil && r.Latency != nil {
		r.add("p99_all_reading", calm.P99/1e3, "ms", "")
		r.add("p99_ratio", r.Latency.P99/calm.P99, "x", "lower")
	}
	if u.rss > 0 {
		r.add("rss_per_stalled", float64(u.rss-before)/float64(stalled), "B", "lower")
	}
	return s.unstall(r, g, l)
}

// unstall lets the stalled read again and counts what they get.
func (s *session) unstall(r *row, g *group, l *lane) error {
	if err := g.all(order{Unstall: true}); err != nil {
		return err
	}
	late := &lane{groups: []*group{g}, pacer: l.pacer, streams: l.streams}
	s.ui.phase("the stalled read again", 0)
	if err := s.settle([]*lane{late}); err != nil {
		return err
	}
	if err := late.collect(s.ctx); err != nil {
		return s.check(err)
	}
	r.add("stalled_caught_up", late.got.reach.Share, "", "higher")
	for why, n := range late.got.ends {
		r.Notes = append(r.Notes, fmt.Sprintf("%d of %d stalled members ended: %s", n, g.plan.Count, why))
	}
	return nil
}

package main

import "time"

// connect: how fast members can be accepted, upgraded and joined, and what one costs. Two client processes
// keep a bounded number of handshakes under way, so it is the server that sets the pace. Then the same while
// a giant room is being served, for a loop that delivers is not accepting.
var connectScenario = scenario{
	name: "connect",
	what: "connections per second and CPU per connection",
	method: "Two client processes open N connections with 64 handshakes each under way: rate, handshake time and the server's CPU per " +
		"connection; then half as many again beside a room of N/2 offered --rate messages/s.",
	defaults: options{Conns: 10_000, Rate: 100, Payload: 64, Duration: 2 * time.Second, Warmup: time.Second},
	quick:    options{Conns: 4000},
	needs:    targetNeeds{rooms: true},
	columns:  []string{"connects_per_s", "cpu_per_connect", "connects_per_s_beside_giant"},
	measure:  measureConnect,
}

func measureConnect(s *session, r *row) error {
	g, err := s.storm(s.opt.Conns)
	if err != nil {
		return err
	}
	before := s.snapshot()
	if err := s.rush(g); err != nil {
		return err
	}
	after := s.snapshot()
	u := s.usageBetween(before, after, after)
	r.use(s, u)
	r.Latency = distributionOf(g.opened.handshake)
	r.Errors = g.opened.errors
	r.add("connects_per_s", float64(g.opened.open)/g.opened.seconds, "1/s", "higher")
	if len(u.servers) > 0 {
		r.add("cpu_per_connect", u.server.total()/float64(max(g.opened.open, 1))*1e6, "us", "lower")
	}
	switch {
	case g.opened.open < s.opt.Conns:
		r.void("connections refused: " + countWords(g.opened.errors))
	case r.Clients.Busiest >= saturated:
		r.void(clientLimit + ": its busiest process had no time left, so the rate is only a lower bound")
	}
	if _, err := s.leave(g); err != nil {
		return err
	}
	return s.besideGiant(r)
}

// besideGiant connects while a giant room is being served.
func (s *session) besideGiant(r *row) error {
	giant, err := s.members(s.opt.Conns/2, 1, s.opt.Rate)
	if err != nil {
		return err
	}
	g, err := s.storm(s.opt.Conns / 2)
	if err != nil {
		return err
	}
	p := s.pass("beside a giant room", giant)
	p.during = func() error { return s.rush(g) }
	s.patience = patience{still: time.Second, all: 5 * time.Second}
	if _, err := s.measure(p); err != nil {
		return err
	}
	r.add("connects_per_s_beside_giant", float64(g.opened.open)/g.opened.seconds, "1/s", "higher")
	if d := distributionOf(giant.got.latency); d != nil {
		r.add("giant_p99", d.P99/1e3, "ms", "lower")
	}
	return nil
}

// storm prepares a group of two processes that will connect to a room of their own.
func (s *session) storm(conns int) (*group, error) {
	plan := s.plan(conns, 0, 1)
	plan.RoomBase += "storm-"
	g, err := startGroup("storm", plan, min((conns+1)/2, s.host.connsPerProcess()))
	if err != nil {
		return nil, s.check(err)
	}
	s.groups = append(s.groups, g)
	return g, nil
}

// rush connects a prepared group as fast as the server lets it.
func (s *session) rush(g *group) error {
	if err := s.begin(g); err != nil {
		return err
	}
	return s.check(g.awaitConnect(s.ctx))
}

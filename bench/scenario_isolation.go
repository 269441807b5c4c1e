package main

import "time"

// isolation: a room of ten beside a giant one. The small room is a client process of its own, so that it is
// not the giant's readers that delay it, and that process reports how late it notices its own timers: what
// the host's scheduler adds is visible beside what the server adds. First the small room is measured alone.
var isolationScenario = scenario{
	name: "isolation",
	what: "latency of a small room while a giant room is offered much",
	method: "A room of 10 at 20 messages/s, in a client process of its own, alone and then beside a room of N offered --rate " +
		"messages/s. The row is the small room's; the giant's reach does not void it.",
	defaults: options{Conns: 5000, Rate: 200, Payload: 64, Duration: 10 * time.Second, Warmup: 2 * time.Second},
	quick:    options{Conns: 2000, Rate: 100, Duration: 4 * time.Second, Warmup: time.Second},
	needs:    targetNeeds{rooms: true},
	columns:  []string{"alone_p99", "probe_lag_p99"},
	measure:  measureIsolation,
}

const (
	probeMembers = 10
	probeRate    = 20
)

// probe opens the small room in a process of its own.
func (s *session) probe() (*lane, error) {
	plan := s.plan(probeMembers, 0, 1)
	plan.RoomBase = s.target.roomBase + "small-"
	g, err := s.connect("probe", plan)
	if err != nil {
		return nil, err
	}
	return &lane{groups: []*group{g}, rate: probeRate, streams: 1, template: s.opt.Message, payload: s.opt.Payload}, nil
}

func measureIsolation(s *session, r *row) error {
	s.patience = patience{still: time.Second, all: 5 * time.Second}
	small, err := s.probe()
	if err != nil {
		return err
	}
	if _, err := s.measure(s.pass("small room alone", small)); err != nil {
		return err
	}
	alone := distributionOf(small.got.latency)
	giant, err := s.members(s.opt.Conns, 1, s.opt.Rate)
	if err != nil {
		return err
	}
	u, err := s.measure(s.pass("beside the giant", small, giant))
	if err != nil {
		return err
	}
	u.clients.LagP99, u.clients.LagMax = small.got.lagP99, small.got.lagMax
	r.take(s, small, u)
	r.Figures = nil
	if alone != nil {
		r.add("alone_p99", alone.P99/1e3, "ms", "lower")
	}
	r.add("probe_lag_p99", small.got.lagP99/1e3, "ms", "")
	r.add("giant_reach", giant.got.reach.Share, "", "higher")
	if d := distributionOf(giant.got.latency); d != nil {
		r.add("giant_p99", d.P99/1e3, "ms", "lower")
	}
	return nil
}

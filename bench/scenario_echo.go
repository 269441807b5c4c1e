package main

import "time"

// echo: every connection sends its share of the rate and gets its own message back, from the echo path where
// the target has one, else from a room of its own.
var echoScenario = scenario{
	name: "echo",
	what: "round trip of a message to its sender",
	method: "N connections share --rate messages/s, open loop, each alone in its room (or on the target's echo path); latency is " +
		"received minus due.",
	defaults: options{Conns: 1000, Rate: 10_000, Payload: 64, Duration: 8 * time.Second, Warmup: 2 * time.Second},
	quick:    options{Conns: 500, Rate: 5000, Duration: 3 * time.Second, Warmup: time.Second},
	columns:  []string{"cpu_per_delivery"},
	measure:  measureEcho,
}

func measureEcho(s *session, r *row) error {
	plan := s.plan(s.opt.Conns, 0, s.opt.Conns)
	if s.target.echoPath != "" {
		plan.Path = s.target.echoPath
	}
	g, err := s.connect("echoes", plan)
	if err != nil {
		return err
	}
	l := &lane{groups: []*group{g}, rate: s.opt.Rate, streams: s.opt.Conns, template: s.opt.Message, payload: s.opt.Payload}
	u, err := s.measure(s.pass("echoing", l))
	if err != nil {
		return err
	}
	r.take(s, l, u)
	r.Params.Rooms = 0
	return nil
}

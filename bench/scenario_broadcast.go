package main

import "time"

// broadcast: N members in one room (or several), a sender at a fixed rate, open loop. Latency counts from
// the moment a message was due, so a server that falls behind cannot hide it by slowing the sender down.
// CPU per delivery is the server's CPU time from the end of the warm-up until the last delivery, divided by
// the deliveries due in that time.
var broadcastScenario = scenario{
	name: "broadcast",
	what: "latency and CPU of a broadcast at a load all can bear",
	method: "One sender per room publishes at a fixed rate to N members, open loop; latency is received minus due; " +
		"CPU per delivery is the server's user and system time over deliveries, after a warm-up.",
	defaults: options{Conns: 5000, Rate: 8, Payload: 64, Duration: 10 * time.Second, Warmup: 2 * time.Second},
	quick:    options{Conns: 2000, Duration: 4 * time.Second, Warmup: time.Second},
	columns:  []string{"cpu_per_delivery"},
	measure:  measureBroadcast,
}

func measureBroadcast(s *session, r *row) error {
	l, err := s.members(s.opt.Conns, s.opt.Rooms, s.opt.Rate)
	if err != nil {
		return err
	}
	u, err := s.measure(s.pass("broadcasting", l))
	if err != nil {
		return err
	}
	r.take(s, l, u)
	return nil
}

// pass returns a pass with the option's times.
func (s *session) pass(what string, lanes ...*lane) pass {
	return pass{what: what, warmup: s.opt.Warmup, length: s.opt.Duration, lanes: lanes}
}

package main

import "time"

// tls: full handshakes, memory and broadcast over wss, the server terminating TLS itself. The clients'
// handshakes cost CPU on the same host, so the handshake figure to compare is the server's CPU per
// connection; the rate is what both ends together reached.
var tlsScenario = scenario{
	name: "tls",
	what: "handshakes, memory and broadcast over wss",
	method: "N members connect over TLS (P-256 certificate, no session resumption): server CPU per connection and handshakes per second; " +
		"memory per idle connection; then a broadcast at a fixed rate: latency and CPU per delivery.",
	defaults: options{Conns: 1000, Rate: 8, Payload: 64, Duration: 8 * time.Second, Warmup: 2 * time.Second},
	quick:    options{Conns: 500, Duration: 3 * time.Second, Warmup: time.Second},
	needs:    targetNeeds{tls: true},
	columns:  []string{"cpu_per_connect", "rss_per_conn", "cpu_per_delivery"},
	measure:  measureTLS,
}

func measureTLS(s *session, r *row) error {
	if !s.target.tls {
		return usagef("the target %s is not a wss:// URL", s.target.name)
	}
	before := s.snapshot()
	l, err := s.members(s.opt.Conns, 1, s.opt.Rate)
	if err != nil {
		return err
	}
	after := s.snapshot()
	connected := s.usageBetween(before, after, after)
	if err := s.sleep(time.Second); err != nil {
		return err
	}
	r.memory(s, s.opt.Conns)
	u, err := s.measure(s.pass("broadcasting over TLS", l))
	if err != nil {
		return err
	}
	r.take(s, l, u)
	g := l.groups[0]
	r.add("handshakes_per_s", float64(g.opened.open)/g.opened.seconds, "1/s", "higher")
	if len(s.target.pids) > 0 {
		r.add("cpu_per_connect", connected.server.total()/float64(s.opt.Conns)*1e6, "us", "lower")
	}
	return nil
}

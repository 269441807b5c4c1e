package main

import (
	"fmt"
	"time"
)

// churn: members come and go while a broadcast runs in the same room. The stable members are measured twice,
// in peace and under churn; the churners are opened at a fixed rate, live a second, and leave with a closing
// handshake. Nothing is expected of the churners themselves but that they get in.
var churnScenario = scenario{
	name: "churn",
	what: "a broadcast while members come and go",
	method: "N stable members at 8 messages/s, in peace and then while --rate connections per second join the same room, live one " +
		"second and leave. The row is the stable members' under churn.",
	defaults: options{Conns: 2000, Rate: 500, Payload: 64, Duration: 10 * time.Second, Warmup: 2 * time.Second},
	quick:    options{Conns: 1000, Rate: 300, Duration: 4 * time.Second, Warmup: time.Second},
	columns:  []string{"churned_per_s", "cpu_per_churn", "p99_ratio"},
	measure:  measureChurn,
}

const (
	churnLife      = 1.0 // seconds
	churnBroadcast = 8   // messages per second meanwhile
)

func measureChurn(s *session, r *row) error {
	l, err := s.members(s.opt.Conns, 1, churnBroadcast)
	if err != nil {
		return err
	}
	peace, err := s.measure(s.pass("in peace", l))
	if err != nil {
		return err
	}
	calm := distributionOf(l.got.latency)
	// Twice the places that a life of one second needs: the others are dialling or closing.
	plan := s.plan(int(s.opt.Rate*churnLife*2)+1, s.opt.Conns, 1)
	plan.Life, plan.Rate, plan.Retries = churnLife, s.opt.Rate, 0
	g, err := s.tryConnect("churners", plan)
	if err != nil {
		return err
	}
	churners := &lane{groups: []*group{g}}
	p := s.pass("under churn", l)
	p.watched = []*group{g}
	begun := now()
	u, err := s.measure(p)
	if err != nil {
		return err
	}
	churners.pacer, churners.streams = l.pacer, 1
	if err := churners.collect(s.ctx); err != nil {
		return s.check(err)
	}
	elapsed := float64(now()-begun) / 1e9
	r.take(s, l, u)
	rate := float64(churners.got.opened) / elapsed
	r.Figures = nil
	r.add("churned_per_s", rate, "1/s", "higher")
	if len(u.servers) > 0 && rate > 0 {
		r.add("cpu_per_churn", (u.server.total()/u.seconds-peace.server.total()/peace.seconds)/rate*1e6, "us", "lower")
	}
	if calm != nil && r.Latency != nil {
		r.add("p99_ratio", r.Latency.P99/calm.P99, "x", "lower")
	}
	for why, n := range churners.got.ends {
		r.Notes = append(r.Notes, fmt.Sprintf("%d churners ended early: %s", n, why))
	}
	return nil
}

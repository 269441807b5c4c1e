package main

import (
	"fmt"
	"time"
)

// resume: N rookery.v1 members follow a room; in the middle of the run every one of them is reset at the
// same moment, as when a network goes away, and comes back at once with the offset it had. Every member's
// every message is checked: over the cut, too, the sequence must have no gap and no repeat. The time counts
// from the cut until the server has said joined.
var resumeScenario = scenario{
	name: "resume",
	what: "everybody is cut off and resumes, nothing lost and nothing twice",
	method: "N rookery.v1 members, all reset at once in mid-run, reconnect at once and join with the offset they had, 64 handshakes under " +
		"way. Time from the cut to joined again; every message of every member is checked for gaps and repeats.",
	defaults: options{Conns: 10_000, Rate: 5, Payload: 128, Duration: 15 * time.Second, Warmup: time.Second},
	quick:    options{Conns: 2000, Duration: 5 * time.Second},
	needs:    targetNeeds{v1: true},
	columns:  []string{"resumed_p99", "resumed_last", "recovered"},
	measure:  measureResume,
}

const v1 = "rookery.v1"

// v1Members opens conns members that speak rookery.v1 and one that publishes.
func (s *session) v1Members(conns int) (l *lane, members *group, err error) {
	plan := s.plan(conns, 1, 1)
	plan.Protocol, plan.Join, plan.Path = v1, true, "/"
	if members, err = s.connect("members", plan); err != nil {
		return nil, nil, err
	}
	plan.First, plan.Count = 0, 1
	sender, err := s.connect("sender", plan)
	if err != nil {
		return nil, nil, err
	}
	return &lane{
		groups: []*group{members, sender}, rate: s.opt.Rate, streams: 1, template: sayTemplate, payload: s.opt.Payload,
	}, members, nil
}

func measureResume(s *session, r *row) error {
	l, members, err := s.v1Members(s.opt.Conns)
	if err != nil {
		return err
	}
	s.patience = patience{still: 5 * time.Second, all: 30 * time.Second}
	p := s.pass("cut and resume", l)
	p.during = func() error {
		return members.all(order{Cut: &cutOrder{At: now() + int64(s.opt.Duration)/4}})
	}
	u, err := s.measure(p)
	if err != nil {
		return err
	}
	r.take(s, l, u)
	return r.resumed(l, s.opt.Conns)
}

// resumed adds what the members said about coming back.
func (r *row) resumed(l *lane, conns int) error {
	sum, back, err := l.comeback()
	if err != nil {
		return err
	}
	r.add("resumed_p50", float64(back.at(50))/1e9, "s", "lower")
	r.add("resumed_p99", float64(back.at(99))/1e9, "s", "lower")
	r.add("resumed_last", float64(back.h.Max())/1e9, "s", "lower")
	r.add("recovered", float64(sum.Recovered)/float64(conns), "", "higher")
	r.add("reconnects_peak", peakPerSecond(l.got.resume), "1/s", "")
	for why, n := range sum.Errors {
		r.Notes = append(r.Notes, fmt.Sprintf("%d reconnects failed and were repeated: %s", n, why))
	}
	switch {
	case sum.Back < conns:
		r.void(fmt.Sprintf("only %d of %d members came back", sum.Back, conns))
	case sum.GapEvents > 0:
		r.void(fmt.Sprintf("%d members were told of a gap", sum.GapEvents))
	}
	return nil
}

// comeback merges what a lane's clients counted about returning connections.
func (l *lane) comeback() (resumeTally, latencies, error) {
	sum := resumeTally{Errors: map[string]int{}}
	back := newLatencies(fine)
	for _, t := range l.got.resume {
		h, err := decodeLatencies(t.Time)
		if err != nil {
			return sum, back, err
		}
		back.merge(h)
		sum.Back += t.Back
		sum.Recovered += t.Recovered
		sum.GapEvents += t.GapEvents
		sum.Byes += t.Byes
		for k, n := range t.Errors {
			sum.Errors[k] += n
		}
	}
	return sum, back, nil
}

// peakPerSecond returns the most dials that began within any second, over all clients.
func peakPerSecond(tallies []*resumeTally) float64 {
	slots := map[int64]int64{}
	for _, t := range tallies {
		for i, n := range t.Dials {
			slots[t.FirstDial/dialSlot+int64(i)] += n
		}
	}
	const second = int64(time.Second) / dialSlot
	var peak int64
	for at := range slots {
		var n int64
		for i := range second {
			n += slots[at+i]
		}
		peak = max(peak, n)
	}
	return float64(peak)
}

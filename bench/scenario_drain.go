package main

import (
	"fmt"
	"syscall"
	"time"
)

// drain: a node with N members gets SIGTERM while a second one takes over its port. Each member comes back
// when its bye told it to, and joins again on the new node; then the same once more, the members ignoring
// the bye and coming back at once, which is the herd the spread is there to prevent. Without a cluster the
// two nodes share no history, so what is measured is the herd, the resets and the time, not the messages.
var drainScenario = scenario{
	name: "drain",
	what: "a node is restarted under its members, with and without the spread",
	method: "Two nodes share a port in turn; the one with N rookery.v1 members gets SIGTERM. Members come back as their bye tells them, " +
		"then in a second round at once: peak of reconnects in any second, resets, time until all are back, exit status.",
	defaults: options{Conns: 10_000, Rate: 1, Payload: 128, Duration: 20 * time.Second, Warmup: time.Second},
	quick:    options{Conns: 2000, Duration: 12 * time.Second},
	needs:    targetNeeds{v1: true, share: true},
	columns:  []string{"reconnects_peak", "reconnects_peak_without_spread", "resets"},
	measure:  measureDrain,
}

func measureDrain(s *session, r *row) error {
	for _, mode := range []string{"told", "now"} {
		plan := s.plan(s.opt.Conns, 0, 1)
		plan.Protocol, plan.Join, plan.Path, plan.Return, plan.Retries = v1, true, "/", mode, 100
		g, err := s.connect("members", plan)
		if err != nil {
			return err
		}
		l := &lane{groups: []*group{g}, rate: s.opt.Rate, streams: 1, template: sayTemplate, payload: s.opt.Payload}
		p := s.pass("draining, members come back "+map[string]string{"told": "as told", "now": "at once"}[mode], l)
		s.patience = patience{still: 500 * time.Millisecond, all: 5 * time.Second}
		old, err := s.successor()
		if err != nil {
			return err
		}
		var end drained
		p.during = func() (err error) {
			end, err = s.terminate(old)
			return err
		}
		u, err := s.measure(p)
		if err != nil {
			return err
		}
		u.servers = nil // two nodes, one of them gone half-way: no figure to quote
		r.use(s, u)
		if err := s.drained(r, l, mode, end); err != nil {
			return err
		}
		if _, err := s.leave(g); err != nil {
			return err
		}
	}
	return nil
}

// drained is how a node ended after SIGTERM.
type drained struct {
	seconds float64
	status  error
	late    bool
}

// successor starts a second node on the port and returns the first.
func (s *session) successor() (old *child, err error) {
	t := s.target
	old = t.procs[len(t.procs)-1]
	t.release(old)
	if err := t.startNode("rookery/next", t.argv); err != nil {
		return nil, err
	}
	// The old node answers on the port as well, so an answer there says nothing about the new one.
	return old, s.sleep(time.Second)
}

// terminate sends SIGTERM and waits for the end.
func (s *session) terminate(old *child) (drained, error) {
	begun := now()
	if err := old.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		return drained{}, fmt.Errorf("SIGTERM to the node: %w", err)
	}
	limit := time.NewTimer(s.opt.Duration)
	defer limit.Stop()
	select {
	case <-old.gone:
		return drained{seconds: float64(now()-begun) / 1e9, status: old.status}, nil
	case <-limit.C:
		return drained{late: true}, nil
	}
}

// drained adds one round's figures to the row.
func (s *session) drained(r *row, l *lane, mode string, end drained) error {
	sum, back, err := l.comeback()
	if err != nil {
		return err
	}
	suffix := map[string]string{"told": "", "now": "_without_spread"}[mode]
	better := map[string]string{"told": "lower", "now": ""}[mode]
	r.add("reconnects_peak"+suffix, peakPerSecond(l.got.resume), "1/s", better)
	r.add("resets"+suffix, float64(sum.Errors["reset"]+l.got.ends["reset"]), "", better)
	r.add("back_last"+suffix, float64(back.h.Max())/1e9, "s", better)
	r.add("byes"+suffix, float64(sum.Byes), "", "")
	for why, n := range sum.Errors {
		r.Notes = append(r.Notes, fmt.Sprintf("%s: %d reconnects failed and were repeated: %s", mode, n, why))
	}
	for why, n := range l.got.ends {
		r.Notes = append(r.Notes, fmt.Sprintf("%s: %d connections ended with %s", mode, n, why))
	}
	switch {
	case end.late:
		r.void("the drained node was still there after " + s.opt.Duration.String())
	case end.status != nil:
		r.void("the drained node did not exit 0: " + end.status.Error())
	default:
		r.add("drain_time"+suffix, end.seconds, "s", "")
	}
	if sum.Back < s.opt.Conns {
		r.void(fmt.Sprintf("only %d of %d members came back", sum.Back, s.opt.Conns))
	}
	return nil
}

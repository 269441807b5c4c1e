package main

import (
	"bufio"
	"bytes"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// streams: N connections each send a message that never ends, a small fragment at a time, until far more was offered than
// the server may hold of unfinished input. What it throws out comes back and begins anew, so N stay. The small room beside
// them is a client process of its own, as in isolation; it is measured before, with the N connected and silent.
var streamsScenario = scenario{
	name: "streams",
	what: "messages that never end, against the server's budget for unfinished input",
	method: "N connections send --rate fragments/s of --payload bytes in all, none of them the last of its message; those that the server " +
		"closes come back. Growth of resident memory (the most of readings every half second) since before, with all of them connected, " +
		"divided by --max-pinned of the server (64 MiB); p99 of a room of 10 at 20 messages/s, before and meanwhile. The row is the small room's.",
	defaults: options{Conns: 10_000, Rate: 10_000, Payload: 512, Duration: 20 * time.Second, Warmup: time.Second},
	quick:    options{Conns: 1000, Rate: 16_000, Payload: 1024, Duration: 5 * time.Second, Warmup: time.Second},
	needs: targetNeeds{rooms: true, flags: []string{
		"--max-pinned=67108864", "--max-message=1048576", "--room-bytes=4194304", "--max-fragments=65536",
	}},
	columns: []string{"rss_over_budget", "idle_p99", "probe_lag_p99"},
	measure: measureStreams,
}

func measureStreams(s *session, r *row) error {
	s.patience = patience{still: time.Second, all: 5 * time.Second}
	small, err := s.probe()
	if err != nil {
		return err
	}
	plan := s.plan(s.opt.Conns, probeMembers, 1)
	plan.Every, plan.Return = s.opt.Conns, "now"
	g, err := s.connect("streams", plan)
	if err != nil {
		return err
	}
	if _, err := s.measure(s.pass("all silent", small)); err != nil {
		return err
	}
	idle := distributionOf(small.got.latency)
	f := flood{s: s, g: g, before: s.target.rss()}
	p := s.pass("streaming", small)
	p.watched, p.during = []*group{g}, f.run
	closed := s.target.inputCloses(s)
	u, err := s.measure(p)
	if err != nil {
		return err
	}
	u.clients.LagP99, u.clients.LagMax = small.got.lagP99, small.got.lagMax
	r.take(s, small, u)
	r.Figures = nil
	f.report(r)
	for cause, n := range s.target.inputCloses(s) {
		if n -= closed[cause]; n > 0 {
			r.add("closed_"+cause, float64(n), "", "")
		}
	}
	if idle != nil && r.Latency != nil {
		r.add("idle_p99", idle.P99/1e3, "ms", "lower")
		r.add("p99_ratio", r.Latency.P99/idle.P99, "x", "lower")
	}
	r.add("probe_lag_p99", small.got.lagP99/1e3, "ms", "")
	return s.ebb(r, g)
}

// ebb closes the streams and looks whether the server let go of what they held.
func (s *session) ebb(r *row, g *group) error {
	if _, err := s.leave(g); err != nil {
		return err
	}
	if text := s.target.scrape(s.ctx); text != nil {
		r.add("pinned_after", float64(metricValue(bytes.NewReader(text), pinnedMetric)), "B", "lower")
	}
	return nil
}

const (
	pinnedMetric = "rookery_pinned_bytes"
	floodLook    = 500 * time.Millisecond
)

// flood has a group stream for a while, and watches the server's memory.
type flood struct {
	s       *session
	g       *group
	before  int64 // resident memory
	rss     int64 // the most of it
	pinned  int64 // the most that the server says it holds
	offered int64 // bytes
}

func (f *flood) run() error {
	s := f.s
	each := streamOrder{Rate: s.opt.Rate / float64(len(f.g.clients)), Bytes: s.opt.Payload}
	if err := f.g.all(order{Stream: &each}); err != nil {
		return err
	}
	for end := now() + int64(s.opt.Duration); now() < end; {
		if err := s.sleep(floodLook); err != nil {
			return err
		}
		f.rss = max(f.rss, s.target.rss())
		if text := s.target.scrape(s.ctx); text != nil {
			f.pinned = max(f.pinned, metricValue(bytes.NewReader(text), pinnedMetric))
		}
	}
	f.offered = int64(f.g.seen().Sent) * int64(s.opt.Payload)
	return nil
}

func (f *flood) report(r *row) {
	grown := float64(f.rss - f.before)
	r.add("offered", float64(f.offered), "B", "")
	if f.rss > 0 {
		r.add("rss_growth", grown, "B", "lower")
	}
	budget := f.s.target.flag("--max-pinned")
	if budget == 0 {
		return
	}
	if f.rss > 0 {
		r.add("rss_over_budget", grown/float64(budget), "x", "lower")
	}
	r.add("pinned_most", float64(f.pinned), "B", "")
	if f.offered < budget {
		r.void(fmt.Sprintf("%s were offered, less than the budget of %s", show(float64(f.offered), "B"), show(float64(budget), "B")))
	}
}

// flag is the number a flag was given when bench started the target, the last time if there are several; 0 if it was not.
func (t *target) flag(name string) (value int64) {
	for i, arg := range t.argv {
		text, ok := strings.CutPrefix(arg, name+"=")
		if arg == name && i+1 < len(t.argv) {
			text, ok = t.argv[i+1], true
		}
		if n, err := strconv.ParseInt(text, 10, 64); ok && err == nil {
			value = n
		}
	}
	return value
}

// inputCloses is how many connections the server closed for what they left unfinished, by cause.
func (t *target) inputCloses(s *session) map[string]int64 {
	closes := map[string]int64{}
	for lines := bufio.NewScanner(bytes.NewReader(t.scrape(s.ctx))); lines.Scan(); {
		rest, ok := strings.CutPrefix(lines.Text(), `rookery_closed_total{cause="input_budget`)
		if cause, count, found := strings.Cut(rest, `"} `); ok && found {
			n, _ := strconv.ParseFloat(count, 64)
			closes["input_budget"+cause] = int64(n)
		}
	}
	return closes
}

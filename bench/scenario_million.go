package main

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"time"
)

// million: one million members on one machine, servers and clients together. As many server nodes as the
// descriptor limit asks for share one port; the kernel spreads connections over them by a hash, so each has
// a tenth of slack, and a client a full node refuses tries again from another source port. Without a broker
// between them every node is given each publication directly, at the same due time, and the report says so.
var millionScenario = scenario{
	name: "million",
	what: "a million members on one machine: connect, broadcast, memory, disconnect",
	method: "Nodes share one port (SO_REUSEPORT), clients use a loopback address per process. All members of one room connect, rest, get a " +
		"few broadcasts each due at a fixed time, and close with a closing handshake. Sampled latency, exact reach.",
	defaults: options{Conns: 1_000_000, Rate: 0.05, Payload: 128, Duration: 60 * time.Second, Warmup: 20 * time.Second},
	quick:    options{Conns: 4000, Rate: 0.5, Duration: 4 * time.Second, Warmup: 2 * time.Second},
	needs:    targetNeeds{v1: true, rooms: true, share: true, spread: true},
	columns:  []string{"connect_seconds", "rss_per_conn", "kernel_per_conn", "closed_cleanly"},
	measure:  measureMillion,
}

const (
	nodeSlack     = 1.1
	millionSample = 100
	millionLag    = int64(50 * time.Millisecond) // 56 processes with a 5 ms timer would be a load of their own
)

// nodesFor returns how many server processes hold conns connections that a hash spreads over them.
func (h hostFacts) nodesFor(conns int) int {
	each := max(h.NoFile-processReserve, 1)
	return int(float64(conns)*nodeSlack/float64(each)) + 1
}

func measureMillion(s *session, r *row) error {
	s.patience, s.crowded = patience{still: 15 * time.Second, all: 3 * time.Minute}, true
	publishers, err := s.publishers()
	if err != nil {
		return err
	}
	plan := s.plan(s.opt.Conns, 1, 1)
	plan.Every, plan.Retries, plan.Lag, plan.InFlight = millionSample, 50, millionLag, 32
	begun := now()
	g, err := s.connect("members", plan)
	if err != nil {
		return err
	}
	elapsed := float64(now()-begun) / 1e9
	r.Errors = g.opened.errors
	r.add("connect_seconds", elapsed, "s", "lower")
	r.add("connects_per_s", float64(s.opt.Conns)/elapsed, "1/s", "higher")
	if err := s.sleep(5 * time.Second); err != nil {
		return err
	}
	before := s.snapshot()
	if err := s.sleep(time.Second); err != nil {
		return err
	}
	after := s.snapshot()
	r.use(s, s.usageBetween(before, after, after))
	r.memory(s, s.opt.Conns)
	r.add("memory_left", float64(readHostFacts().Available), "B", "higher")
	l := &lane{
		groups: []*group{g}, rate: s.opt.Rate, streams: 1, template: sayTemplate, payload: s.opt.Payload,
		everywhere: !slices.ContainsFunc(s.opt.Flags, func(f string) bool { return strings.HasPrefix(f, "--nats") }),
	}
	p := s.pass("broadcasting", l)
	p.watched = []*group{publishers}
	pages, stop := s.watchPages()
	u, err := s.measure(p)
	stop()
	if err != nil {
		return err
	}
	r.take(s, l, u)
	r.add("client_lag_p99", u.clients.LagP99/1e3, "ms", "")
	r.add("socket_buffer_peak", float64(pages.Load()*pageSize), "B", "")
	if l.everywhere {
		r.Notes = append(r.Notes, fmt.Sprintf("no broker between the nodes: each of the %d was given every publication directly", len(s.target.procs)))
	}
	return s.everybodyLeaves(r, g)
}

// publishers opens one rookery.v1 connection to every node. Which node answers on a shared port is the
// kernel's choice, so many are opened and one per node is kept.
func (s *session) publishers() (*group, error) {
	nodes := len(s.target.procs)
	plan := s.plan(nodes*10, 0, 1)
	plan.Protocol, plan.Join, plan.Path, plan.OneEach = v1, true, "/", true
	g, err := s.tryConnect("publishers", plan)
	if err != nil {
		return nil, err
	}
	if err := s.sleep(2 * time.Second); err != nil {
		return nil, err
	}
	if open := g.seen().Open; open != nodes {
		return nil, fmt.Errorf("found %d of %d nodes behind the shared port", open, nodes)
	}
	return g, nil
}

// watchPages keeps the highest number of pages the kernel held for socket buffers.
func (s *session) watchPages() (*atomic.Int64, func()) {
	var peak atomic.Int64
	ctx, cancel := context.WithCancel(s.ctx)
	done := make(chan struct{})
	go func() {
		defer close(done)
		for ctx.Err() == nil {
			peak.Store(max(peak.Load(), readKernelMemory().TCPPages))
			sleepUntil(ctx.Done(), now()+int64(100*time.Millisecond))
		}
	}()
	return &peak, func() { cancel(); <-done }
}

// everybodyLeaves closes all members with a closing handshake.
func (s *session) everybodyLeaves(r *row, g *group) error {
	s.ui.phase("disconnecting", 0)
	gone, err := s.leave(g)
	if err != nil {
		return err
	}
	r.add("closed_cleanly", float64(gone.Clean)/float64(max(gone.Clean+gone.Other, 1)), "", "higher")
	r.add("disconnect_seconds", float64(gone.Nanos)/1e9, "s", "lower")
	return nil
}

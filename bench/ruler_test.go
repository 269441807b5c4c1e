package main

import (
	"math"
	"strings"
	"syscall"
	"testing"
	"time"
)

// A server that delays every message by a known time must be measured within 2 %. What the server's own
// timers add on a busy host is no fault of the ruler's, so the server says what the delay really was.
func TestKnownDelay(t *testing.T) {
	srv := &testServer{delay: 300 * time.Millisecond}
	s := testSession(t, srv.start(t, false), targetNeeds{})
	l, err := s.members(40, 1, 10)
	if err != nil {
		t.Fatal(err)
	}
	srv.mu.Lock()
	srv.delayed = newLatencies(fine) // without the preflight
	srv.mu.Unlock()
	r := testRun(t, s, l, 3*time.Second)
	if r.Reach.Share != 1 || r.Latency == nil {
		t.Fatalf("reach %+v, void %q", r.Reach, r.Void)
	}
	srv.mu.Lock()
	want := float64(srv.delayed.at(50)) / us
	srv.mu.Unlock()
	if want < 300e3 {
		t.Fatalf("the server passed messages on after %.0f us", want)
	}
	if got := r.Latency.P50; math.Abs(got-want) > 0.02*want {
		t.Errorf("measured %.0f us, want %.0f within 2 %%", got, want)
	}
}

// A server that leaves out one delivery in 1,000 must show reach 0.999, whether the connection it hit was
// parsed, only drained or counted by bytes, and the row is void.
func TestKnownLoss(t *testing.T) {
	for _, tt := range []struct {
		every   int
		discard bool
	}{{1, false}, {4, false}, {4, true}} {
		every := tt.every
		srv := &testServer{dropEvery: 1000}
		s := testSession(t, srv.start(t, false), targetNeeds{})
		senders, receivers := s.plan(1, 0, 1), s.plan(99, 1, 1)
		receivers.Every, receivers.Sweep = every, slowestSweep
		g1, err := s.connect("senders", senders)
		if err != nil {
			t.Fatal(err)
		}
		g2, err := s.connect("members", receivers)
		if err != nil {
			t.Fatal(err)
		}
		l := &lane{groups: []*group{g1, g2}, rate: 100, streams: 1, template: defaultTemplate, payload: 64, discard: tt.discard}
		r := testRun(t, s, l, time.Second)
		// The preflight was one delivery, so of the others every thousandth is missing, give or take one.
		missing := float64(r.Reach.Expected - r.Reach.Delivered)
		if want := float64(r.Reach.Expected) / 1000; math.Abs(missing-want) > 1 || r.Reach.Expected != 12_000 {
			t.Errorf("every %d: %.0f of %d missing, want %.0f", every, missing, r.Reach.Expected, want)
		}
		if !strings.HasPrefix(r.Void, "reach 0.999") && !strings.HasPrefix(r.Void, "reach 0.99891") {
			t.Errorf("every %d: void %q, want reach 0.999", every, r.Void)
		}
	}
}

// A client that gets no CPU for a third of the time measures itself; the row must be void for that reason.
func TestSaturatedClient(t *testing.T) {
	srv := &testServer{}
	s := testSession(t, srv.start(t, false), targetNeeds{})
	l, err := s.members(20, 1, 20)
	if err != nil {
		t.Fatal(err)
	}
	stop, stopped := make(chan struct{}), make(chan struct{})
	pid := l.groups[0].clients[0].pid()
	go func() {
		defer close(stopped)
		for {
			_ = syscall.Kill(pid, syscall.SIGSTOP)
			time.Sleep(100 * time.Millisecond)
			_ = syscall.Kill(pid, syscall.SIGCONT)
			select {
			case <-stop:
				return
			case <-time.After(200 * time.Millisecond):
			}
		}
	}()
	r := testRun(t, s, l, 2*time.Second)
	close(stop)
	<-stopped
	if r.Reach.Share != 1 {
		t.Fatalf("reach %+v", r.Reach)
	}
	if !strings.HasPrefix(r.Void, "client saturated") {
		t.Errorf("void %q with a lag of %.0f us (p99) and a p99 of %.0f us, want client saturated", r.Void, r.Clients.LagP99, r.Latency.P99)
	}
}

// The same over TLS, with compression, and with many rooms: every message arrives once, in order, parsed or
// drained.
func TestTransports(t *testing.T) {
	for _, tt := range []struct {
		name             string
		secure, compress bool
		rooms            int
	}{
		{"plain", false, false, 1}, {"rooms", false, false, 10}, {"tls", true, false, 1}, {"compressed", false, true, 2},
		{"tls and compressed", true, true, 1},
	} {
		t.Run(tt.name, func(t *testing.T) {
			srv := &testServer{compress: tt.compress}
			s := testSession(t, srv.start(t, tt.secure), targetNeeds{rooms: true})
			s.deflate = tt.compress
			s.opt.Payload = 400
			l, err := s.members(60, tt.rooms, 40)
			if err != nil {
				t.Fatal(err)
			}
			r := testRun(t, s, l, 500*time.Millisecond)
			if g := r.Reach; g.Share != 1 || g.Gaps+g.Duplicates+g.Surplus+g.Foreign+g.Misrouted+g.Unsent != 0 || g.Expected == 0 {
				t.Errorf("reach %+v", g)
			}
			if got := l.groups[0].opened.deflated > 0; got != tt.compress {
				t.Errorf("deflate negotiated: %v, want %v", got, tt.compress)
			}
			small := float64(r.Reach.Bytes) / float64(r.Reach.Delivered)
			if tt.compress && small > 350 || !tt.compress && small < 400 {
				t.Errorf("%.0f bytes per delivery of 400", small)
			}
			gone, err := s.leave(l.groups[0])
			if err != nil || gone.Clean != 60-tt.rooms {
				t.Errorf("closed %+v, %v", gone, err)
			}
		})
	}
}

// Nothing a row may be quoted with may hide behind another figure.
func TestJudge(t *testing.T) {
	good := reach{Share: 1, Expected: 10, Delivered: 10}
	with := func(f func(*reach)) reach { r := good; f(&r); return r }
	calm := processes{Busiest: 0.5, LagP99: 5e3}
	for _, tt := range []struct {
		name    string
		got     reach
		clients processes
		p99     float64
		want    string
	}{
		{"good", good, calm, 20e3, ""},
		{"nothing expected", reach{Share: 1}, calm, 0, "nothing was to be delivered"},
		{"loss", with(func(r *reach) { r.Delivered, r.Share = 9, 0.9 }), calm, 20e3, "reach 0.9:"},
		{"one in a million", reach{Share: 0.999999, Expected: 1e6, Delivered: 1e6 - 1}, calm, 20e3, "reach 0.99999:"},
		{"unsent", with(func(r *reach) { r.Unsent = 1 }), calm, 20e3, "the target did not take 1"},
		{"gap", with(func(r *reach) { r.Gaps = 2 }), calm, 20e3, "order: 2 gaps"},
		{"duplicate", with(func(r *reach) { r.Duplicates = 1 }), calm, 20e3, "order: 0 gaps, 1 dup"},
		{"wrong room", with(func(r *reach) { r.Misrouted = 1 }), calm, 20e3, "1 messages of another room"},
		{"surplus", with(func(r *reach) { r.Surplus = 3 }), calm, 20e3, "3 more messages"},
		{"no CPU left", good, processes{Busiest: 0.96}, 20e3, "client saturated: its busiest process used 0.96"},
		{"late", good, processes{LagP99: 12e3}, 20e3, "client saturated: it noticed its own timers 12.0 ms"},
		{"late, but little of what it reports", good, processes{LagP99: 40e3}, 100e3, ""},
	} {
		r := row{Clients: &tt.clients}
		r.judge(&tt.got, &distribution{P99: tt.p99}, false)
		if !strings.HasPrefix(r.Void, tt.want) || (tt.want == "") != (r.Void == "") {
			t.Errorf("%s: void %q, want %q", tt.name, r.Void, tt.want)
		}
	}
}

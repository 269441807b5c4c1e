package main

import (
	"strings"
	"testing"
)

// roomy is a host on which nothing is scarce.
func roomy() hostFacts {
	return hostFacts{
		Memory: 1 << 40, Available: 1 << 40, NoFile: 1 << 24, FileMax: 1 << 40, Watches: 1 << 40, Processes: 1 << 22,
		TCPMem: [3]int64{1 << 30, 1 << 30, 1 << 30}, Ports: 28_232,
	}
}

func TestFirstLimit(t *testing.T) {
	local := demand{conns: 100_000, nodes: 1, loopback: true}
	for _, tt := range []struct {
		name   string
		host   func(*hostFacts)
		demand demand
		want   string // empty: it fits
	}{
		{"roomy", func(*hostFacts) {}, local, ""},
		{"descriptors of the server", func(h *hostFacts) { h.NoFile = 20_000 }, local, "holds 19744 of 100000 connections; the first limit is descriptors of the server"},
		{"six nodes are enough", func(h *hostFacts) { h.NoFile = 20_000 }, demand{conns: 100_000, nodes: 6, loopback: true}, ""},
		{"descriptors of the host count twice", func(h *hostFacts) { h.FileMax, h.FileUsed = 100_000, 1000 }, local, "holds 49500 of"},
		{"memory", func(h *hostFacts) { h.Available = 2 << 30 }, local, "memory (2048 MiB available"},
		{"less memory than the reserve", func(h *hostFacts) { h.Available = 1 << 20 }, local, "holds 0 of"},
		{"conntrack", func(h *hostFacts) { h.Conntrack, h.Tracked = 65_536, 36 }, local, "holds 65500 of 100000 connections; the first limit is tracked"},
		{"conntrack not in use", func(h *hostFacts) { h.Tracked = 0 }, local, ""},
		{"epoll entries", func(h *hostFacts) { h.Watches = 50_000 }, local, "epoll entries"},
		{"ports to another host", func(*hostFacts) {}, demand{conns: 100_000}, "holds 28232 of 100000 connections; the first limit is source ports"},
		{"unread messages", func(h *hostFacts) { h.TCPMem[2] = 60_000 }, demand{conns: 100_000, loopback: true, unread: true}, "socket buffers (tcp_mem 60000"},
		{"nothing unread", func(h *hostFacts) { h.TCPMem[2] = 60_000 }, local, ""},
		{"processes", func(h *hostFacts) { h.Processes = 1002 }, local, "holds 36000 of 100000 connections; the first limit is processes"},
	} {
		h := roomy()
		tt.host(&h)
		err := h.fits(tt.demand)
		if (err == nil) != (tt.want == "") || err != nil && !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: %v, want %q", tt.name, err, tt.want)
		}
	}
}

func TestNodesFor(t *testing.T) {
	h := roomy()
	h.NoFile = 20_000
	for _, tt := range []struct{ conns, want int }{{1000, 1}, {17_000, 1}, {20_000, 2}, {1_000_000, 56}} {
		if got := h.nodesFor(tt.conns); got != tt.want {
			t.Errorf("nodesFor(%d) = %d, want %d", tt.conns, got, tt.want)
		}
	}
}

// Asked for too much, bench refuses; left to itself, it takes less and says so.
func TestFitHost(t *testing.T) {
	opt := options{Target: "rookery", Nodes: 1, Conns: maxConns}
	if _, err := fitHost(&opt, targetNeeds{}, true); err == nil || opt.Conns != maxConns {
		t.Errorf("%d connections, error %v", opt.Conns, err)
	}
	note, err := fitHost(&opt, targetNeeds{}, false)
	if err != nil || opt.Conns >= maxConns || !strings.HasPrefix(note, "scaled from 4000000 to ") {
		t.Errorf("%d connections, note %q, error %v", opt.Conns, note, err)
	}
}

func TestHostFactsOfThisHost(t *testing.T) {
	h := readHostFacts()
	if h.Kernel == "" || h.Cores == 0 || h.Memory == 0 || h.NoFile == 0 || h.TCPMem[2] == 0 || h.Ports <= 0 {
		t.Errorf("%+v", h)
	}
}

package main

import "time"

// idle: N members join and say nothing. Memory is read before the first connection and again when all are
// open and a moment has passed: resident memory and Go heap of the server, resident memory of the clients,
// and what the kernel holds for both ends of every connection, which no server's own figure shows. Rookery's
// members have a nickname each, which it keeps; peers know no such thing.
var idleScenario = scenario{
	name: "idle",
	what: "memory per idle connection, in the server and in the kernel",
	method: "N members, on rookery with a nickname each, join one room and stay silent; growth of resident memory (smaps_rollup), Go heap (/metrics), kernel slab " +
		"(meminfo) and socket buffers (sockstat) since before the first connection, divided by N. Kernel figures are of both ends.",
	defaults: options{Conns: 19_000, Duration: 3 * time.Second},
	quick:    options{Conns: 4000, Duration: time.Second},
	columns:  []string{"rss_per_conn", "kernel_per_conn"},
	measure:  measureIdle,
}

func measureIdle(s *session, r *row) error {
	plan := s.plan(s.opt.Conns, 0, s.opt.Rooms)
	if s.opt.Target == "rookery" {
		plan.Path += "&nickname=member-" + connField
	}
	g, err := s.connect("members", plan)
	if err != nil {
		return err
	}
	s.ui.phase("letting it rest", s.opt.Duration)
	before := s.snapshot()
	if err := s.sleep(s.opt.Duration); err != nil {
		return err
	}
	after := s.snapshot()
	u := s.usageBetween(before, after, after)
	r.use(s, u)
	r.memory(s, g.seen().Open)
	if r.Server != nil {
		r.add("idle_cores", r.Server.Cores, "cores", "lower")
	}
	return nil
}

const pageSize = 4096

// memory fills in the growth since the session's baseline.
func (r *row) memory(s *session, conns int) {
	part := func(name, figure string, bytes int64) {
		m := memoryPart{Name: name, Bytes: bytes, PerConn: float64(bytes) / float64(max(conns, 1))}
		r.Memory = append(r.Memory, m)
		r.add(figure, m.PerConn, "B", "lower")
	}
	if len(s.target.pids) > 0 {
		part("server, resident", "rss_per_conn", s.target.rss()-s.rss)
	}
	if s.heap > 0 {
		part("of it, Go heap", "heap_per_conn", s.target.heap(s.ctx)-s.heap)
	}
	k := readKernelMemory()
	part("kernel slab, both ends", "kernel_per_conn", k.Slab-s.kernel.Slab)
	part("socket buffers, both ends", "buffers_per_conn", (k.TCPPages-s.kernel.TCPPages)*pageSize)
	if r.Clients != nil {
		part("bench's clients, resident", "client_rss_per_conn", r.Clients.RSS)
	}
}

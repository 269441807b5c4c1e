package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"os"
	"time"
)

// session is one target under measurement: its processes, the clients connected to it, and the runs made.
type session struct {
	ctx      context.Context // ends with the target as well, its death being the cause
	opt      options
	target   *target
	host     hostFacts
	ui       *ui
	groups   []*group
	patience patience
	run      uint8
	nextAddr int
	deflate  bool // members offer permessage-deflate
	crowded  bool // servers and clients fill the host by design: the clients' lag is stated, not judged
	notes    []string
	kernel   kernelMemory // before the first connection
	rss      int64
	heap     int64
}

// newSession starts the target and looks at the host. The caller closes it.
func newSession(ctx context.Context, opt options, needs targetNeeds, ui *ui) (*session, error) {
	s := &session{opt: opt, host: readHostFacts(), ui: ui, patience: usualPatience}
	var cancel context.CancelCauseFunc
	s.ctx, cancel = context.WithCancelCause(ctx)
	ui.phase("starting "+opt.Target, 0)
	t, err := openTarget(s.ctx, opt, needs, cancel)
	if err != nil {
		return nil, s.check(err)
	}
	s.target = t
	if err := t.preflight(s.ctx); err != nil {
		t.close()
		return nil, s.check(err)
	}
	s.baseline()
	return s, nil
}

// baseline notes memory before the first connection.
func (s *session) baseline() {
	s.kernel = readKernelMemory()
	s.rss = s.target.rss()
	s.heap = s.target.heap(s.ctx)
}

// close stops the clients first, so that the target sees them leave, and then the target.
func (s *session) close() {
	for _, g := range s.groups {
		g.quit()
	}
	s.target.close()
}

// plan returns a connect order for this target with the members' defaults.
func (s *session) plan(count, first, rooms int) connectOrder {
	return connectOrder{
		Addrs: s.target.addrs, Host: s.target.host, Path: s.target.path, RoomBase: s.target.roomBase, TLS: s.target.tls, Deflate: s.deflate,
		First: first, Count: count, Rooms: max(rooms, 1), Every: 1, InFlight: 64, Retries: 5, Avoid: listenerPorts(),
	}
}

// connect opens a group's connections and insists that all of them open.
func (s *session) connect(name string, plan connectOrder) (*group, error) {
	g, err := s.tryConnect(name, plan)
	if err != nil {
		return nil, err
	}
	if g.opened.open < plan.Count {
		return nil, fmt.Errorf("only %d of %d connections opened: %s", g.opened.open, plan.Count, countWords(g.opened.errors))
	}
	return g, nil
}

// tryConnect opens what it can of a group's connections.
func (s *session) tryConnect(name string, plan connectOrder) (*group, error) {
	g, err := s.prepare(name, plan)
	if err != nil {
		return nil, err
	}
	s.ui.count(fmt.Sprintf("connecting %s", name), plan.Count, func() int { return g.seen().Open })
	if err := s.begin(g); err != nil {
		return nil, err
	}
	return g, s.check(g.awaitConnect(s.ctx))
}

// prepare starts a group's processes without connecting anything yet.
func (s *session) prepare(name string, plan connectOrder) (*group, error) {
	g, err := startGroup(name, plan, s.host.connsPerProcess())
	if err != nil {
		return nil, s.check(err)
	}
	s.groups = append(s.groups, g)
	return g, nil
}

func (s *session) begin(g *group) error { return s.check(g.beginConnect(s.sources)) }

// leave closes a group and ends its processes.
func (s *session) leave(g *group) (closed, error) {
	c, err := g.close(s.ctx)
	g.quit()
	for i, other := range s.groups {
		if other == g {
			s.groups = append(s.groups[:i], s.groups[i+1:]...)
			break
		}
	}
	return c, s.check(err)
}

// sources gives a client process a loopback address of its own and a random first port, so that neither the
// ephemeral range nor TIME_WAIT of the run before gets in the way. Towards other hosts the kernel chooses.
func (s *session) sources(int) ([]string, int) {
	if !s.target.loopback() {
		return nil, 0
	}
	s.nextAddr++
	addr := netip.AddrFrom4([4]byte{127, 0, byte(s.nextAddr / 250), byte(1 + s.nextAddr%250)})
	return []string{addr.String()}, lowPort + rand.IntN(highPort-lowPort)
}

// check replaces an error by its cause: a dead target explains everything that went wrong after it.
func (s *session) check(err error) error {
	if err == nil {
		return nil
	}
	if cause := context.Cause(s.ctx); cause != nil {
		return cause
	}
	return err
}

// waitUntil sleeps until the monotonic time t, unless the run has become pointless.
func (s *session) waitUntil(t int64) error {
	sleepUntil(s.ctx.Done(), t)
	return context.Cause(s.ctx)
}

func (s *session) sleep(d time.Duration) error { return s.waitUntil(now() + int64(d)) }

// sample is one reading of everybody's CPU time.
type sample struct {
	at      int64
	servers []cpuTime
	clients []cpuTime
	own     cpuTime
	host    cpuTime
}

func (s *session) snapshot() sample {
	p := sample{at: now(), host: readHostCPU()}
	p.own, _ = readCPU(os.Getpid())
	for _, pid := range s.target.pids {
		c, _ := readCPU(pid)
		p.servers = append(p.servers, c)
	}
	for _, g := range s.groups {
		for _, client := range g.clients {
			c, _ := readCPU(client.pid())
			p.clients = append(p.clients, c)
		}
	}
	return p
}

// usageBetween is what was used from before to after, and by the servers until settled.
func (s *session) usageBetween(before, after, settled sample) usage {
	u := usage{seconds: float64(after.at-before.at) / 1e9, rss: s.target.rss()}
	for i := range before.servers {
		used := after.servers[i].sub(before.servers[i])
		u.server = u.server.add(used)
		u.settled = u.settled.add(settled.servers[i].sub(before.servers[i]))
		u.servers = append(u.servers, used.total()/u.seconds)
	}
	var all cpuTime
	for i := range before.clients {
		used := after.clients[i].sub(before.clients[i])
		all = all.add(used)
		u.clients.Busiest = max(u.clients.Busiest, used.total()/u.seconds)
	}
	u.others = (after.host.sub(before.host).total() - all.total() - u.server.total() - after.own.sub(before.own).total()) / u.seconds
	u.clients.Count = len(before.clients)
	u.clients.User, u.clients.System = all.User, all.System
	u.clients.Cores = all.total() / u.seconds
	for _, g := range s.groups {
		for _, client := range g.clients {
			rss, _ := readRSS(client.pid())
			u.clients.RSS += rss
		}
	}
	return u
}

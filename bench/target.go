package main

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"strings"
	"time"
)

// target is the server under measurement: processes bench started, or a URL somebody else serves.
type target struct {
	name     string
	library  string // what it is built on, with its version
	host     string // Host header and certificate name
	addrs    []string
	path     string // with {{room}} where a room's name goes
	echoPath string // where a message comes back to its sender alone; empty: a room of one does that
	roomBase string
	rooms    bool
	tls      bool
	v1       bool // speaks rookery.v1
	message  string
	patience time.Duration // for the first message to come back
	metrics  string        // URL of Prometheus metrics, if any
	argv     []string      // how a node was started, to start another
	env      []string      // and what its environment has besides bench's own
	procs    []*child
	pids     []int
	onDeath  context.CancelCauseFunc
	stopping chan struct{} // closed once the end of a process is no surprise
	cleanup  []func()
}

// targetNeeds is what a scenario asks of a target.
type targetNeeds struct {
	tls, compress, v1, rooms bool
	share                    bool     // several processes may take the port
	spread                   bool     // start as many nodes as the connections need
	flags                    []string // for rookery alone
}

// openTarget starts or finds the target named by the options. onDeath is told when a process of it ends.
func openTarget(ctx context.Context, opt options, needs targetNeeds, onDeath context.CancelCauseFunc) (*target, error) {
	t := &target{name: opt.Target, onDeath: onDeath, stopping: make(chan struct{}), roomBase: "b" + randomHex(2) + "-", message: opt.Message, patience: 5 * time.Second}
	var err error
	switch {
	case strings.Contains(opt.Target, "://"):
		err = t.openURL(ctx, opt)
	case opt.Target == "rookery":
		err = t.startRookery(ctx, opt, needs)
	default:
		err = t.startPeer(ctx, needs)
	}
	if err == nil && needs.rooms && !t.rooms {
		err = usagef("%s has no rooms: put %s into the URL where the room's name goes", t.name, roomField)
	}
	if err == nil && needs.v1 && !t.v1 {
		err = usagef("this scenario speaks rookery.v1, which %s does not", t.name)
	}
	if err != nil {
		t.close()
		return nil, err
	}
	return t, nil
}

// openURL points bench at a server it did not start. Where that is a process of this host, its CPU and
// memory are read all the same.
func (t *target) openURL(ctx context.Context, opt options) error {
	u, err := url.Parse(strings.ReplaceAll(opt.Target, roomField, "room"))
	if err != nil {
		return usageError{err}
	}
	// Whether it speaks rookery.v1 shows when it is asked to.
	t.host, t.tls, t.v1 = u.Host, u.Scheme == "wss", true
	port := u.Port()
	if port == "" {
		port = map[bool]string{false: "80", true: "443"}[t.tls]
	}
	rest := strings.SplitN(opt.Target, "://", 2)[1]
	if at := strings.IndexAny(rest, "/?"); at >= 0 {
		t.path = rest[at:]
	}
	if !strings.HasPrefix(t.path, "/") {
		t.path = "/" + t.path
	}
	t.rooms = strings.Contains(t.path, roomField)
	ips, err := net.DefaultResolver.LookupNetIP(ctx, "ip4", u.Hostname())
	if err != nil || len(ips) == 0 {
		return fmt.Errorf("cannot resolve %s: %w", u.Hostname(), err)
	}
	t.addrs = []string{net.JoinHostPort(ips[0].Unmap().String(), port)}
	pid := opt.PID
	if pid == 0 && t.loopback() {
		ap := netip.MustParseAddrPort(t.addrs[0])
		pid = listenerPID(int(ap.Port()))
	}
	if pid != 0 {
		if _, err := readCPU(pid); err != nil {
			return usagef("--pid %d: %v", pid, err)
		}
		t.pids = []int{pid}
	}
	return nil
}

// adopt takes a started process into the target and watches over it.
func (t *target) adopt(c *child) {
	t.procs = append(t.procs, c)
	t.pids = append(t.pids, c.pid())
	go func() {
		<-c.gone
		select {
		case <-t.stopping:
		default:
			if !c.released.Load() {
				t.onDeath(c.epitaph())
			}
		}
	}()
}

// release takes a process out of the watch: it is about to end on purpose.
func (t *target) release(c *child) {
	c.released.Store(true)
}

// expectEnd tells the target that its processes will now be stopped on purpose.
func (t *target) expectEnd() {
	select {
	case <-t.stopping:
	default:
		close(t.stopping)
	}
}

func (t *target) close() {
	t.expectEnd()
	for _, c := range t.procs {
		c.stop(3 * time.Second)
	}
	for _, f := range t.cleanup {
		f()
	}
}

// loopback reports whether the target is on this host, so that sources can be chosen from 127.0.0.0/8.
func (t *target) loopback() bool {
	ap, err := netip.ParseAddrPort(t.addrs[0])
	return err == nil && ap.Addr().IsLoopback()
}

// rss returns the resident memory of all processes, 0 if it cannot be read.
func (t *target) rss() int64 {
	var sum int64
	for _, pid := range t.pids {
		n, _ := readRSS(pid)
		sum += n
	}
	return sum
}

// freeAddr returns an address on 127.0.0.1 that nobody listened on a moment ago, for servers that cannot say
// which port they were given.
func freeAddr() (string, error) {
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		return "", fmt.Errorf("find a free port: %w", err)
	}
	defer l.Close()
	return l.Addr().String(), nil
}

package main

import (
	"fmt"
	"net/netip"
	"strings"

	"golang.org/x/sys/unix"
)

// dialer opens the connections of one client process: a bounded number at once, from explicit source
// addresses and ports, so that neither the ephemeral range nor a port somebody listens on gets in the way.
type dialer struct {
	targets   []unix.SockaddrInet4
	sources   []source
	avoid     map[int]bool
	queue     []int32 // connections waiting to be dialled
	inFlight  int
	open      int
	failed    int    // gave up after all retries
	started   uint64 // dials begun
	opened    uint64
	begun     int64
	pace      pacer
	handshake latencies
	errors    map[string]int
	answered  bool // the connect order has been answered
	nodes     map[string]int32
	secured   chan securedConn
	deflated  int
}

// source is a local address and the next port to try on it.
type source struct {
	addr [4]byte
	port int
}

const (
	lowPort, highPort = 10_000, 60_999 // below are well-known services, above nothing is gained
	dialsPerTurn      = 64             // a loop that dials is not reading
	dialTimeout       = int64(10e9)    // for connect and upgrade together
	redialPause       = int64(50e6)    // before a returning connection tries again
)

func newDialer(o connectOrder, begun int64) (dialer, error) {
	d := dialer{
		begun: begun, avoid: map[int]bool{}, errors: map[string]int{}, nodes: map[string]int32{},
		handshake: newLatencies(fine), secured: make(chan securedConn, max(o.InFlight, 1)),
	}
	for _, a := range o.Addrs {
		ap, err := netip.ParseAddrPort(a)
		if err != nil || !ap.Addr().Unmap().Is4() {
			return d, fmt.Errorf("target address %q: want an IPv4 address and a port", a)
		}
		d.targets = append(d.targets, unix.SockaddrInet4{Port: int(ap.Port()), Addr: ap.Addr().Unmap().As4()})
	}
	for _, s := range o.Sources {
		a, err := netip.ParseAddr(s)
		if err != nil || !a.Is4() {
			return d, fmt.Errorf("source address %q: want an IPv4 address", s)
		}
		d.sources = append(d.sources, source{a.As4(), min(max(o.Port, lowPort), highPort)})
	}
	for _, p := range o.Avoid {
		d.avoid[p] = true
	}
	if o.Rate > 0 {
		d.pace = pacer{Start: begun, Rate: o.Rate, Count: 1 << 62}
	}
	for i := range o.Count {
		d.queue = append(d.queue, int32(i))
	}
	return d, nil
}

func (d *dialer) enqueue(i int32) { d.queue = append(d.queue, i) }

// pump begins as many dials as the order allows at time t.
func (c *client) pump(t int64) {
	d := &c.dial
	for n := 0; n < dialsPerTurn && len(d.queue) > 0 && d.inFlight < c.plan.InFlight; n++ {
		if c.plan.Rate > 0 && d.started >= d.pace.ready(t) {
			return
		}
		i := d.queue[0]
		d.queue = d.queue[1:]
		d.started++
		d.inFlight++
		c.begin(i, t)
	}
}

// begin dials connection i. A connection that cannot even begin is refused like one the server refused.
func (c *client) begin(i int32, t int64) {
	k := &c.conns[i]
	k.started, k.clean = t, false
	k.state = connecting
	k.fd = -1
	if k.resume != nil {
		k.resume.dialled(c, t)
	}
	target := c.dial.targets[(c.plan.First+int(i))%len(c.dial.targets)]
	flags := unix.SOCK_STREAM | unix.SOCK_CLOEXEC
	if !c.plan.TLS {
		flags |= unix.SOCK_NONBLOCK
	}
	fd, err := unix.Socket(unix.AF_INET, flags, 0)
	if err != nil {
		c.refused(i, errorWord(err))
		return
	}
	k.fd = int32(fd)
	_ = unix.SetsockoptInt(fd, unix.IPPROTO_TCP, unix.TCP_NODELAY, 1)
	if c.plan.Narrow {
		narrow(fd)
	}
	if err := c.dial.bind(fd, i); err != nil {
		c.refused(i, errorWord(err))
		return
	}
	if c.plan.TLS {
		go c.dialSecure(i, fd, target)
		return
	}
	err = unix.Connect(fd, &target)
	if err != nil && err != unix.EINPROGRESS {
		c.refused(i, errorWord(err))
		return
	}
	c.watch(i)
}

// watch enrols a connection on epoll, edge-triggered for both directions: one epoll_ctl in its life, and a
// stalled connection costs nothing.
func (c *client) watch(i int32) { c.interest(i, unix.EPOLL_CTL_ADD, unix.EPOLLIN) }

// interest changes a connection's enrolment; readable is EPOLLIN or 0.
func (c *client) interest(i int32, op int, readable uint32) {
	ev := unix.EpollEvent{Events: readable | unix.EPOLLOUT | unix.EPOLLRDHUP | unix.EPOLLET, Fd: i}
	if err := unix.EpollCtl(c.ep, op, int(c.conns[i].fd), &ev); err != nil {
		c.refused(i, errorWord(err))
	}
}

// bind gives the socket a source address and a free port. SO_REUSEADDR lets it take one in TIME_WAIT.
func (d *dialer) bind(fd int, i int32) error {
	if len(d.sources) == 0 {
		return nil
	}
	_ = unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_REUSEADDR, 1)
	s := &d.sources[int(i)%len(d.sources)]
	var err error
	for range 4096 {
		port := s.port
		if s.port++; s.port > highPort {
			s.port = lowPort
		}
		if d.avoid[port] {
			continue
		}
		err = unix.Bind(fd, &unix.SockaddrInet4{Port: port, Addr: s.addr})
		if err != unix.EADDRINUSE {
			return err
		}
	}
	return err
}

// narrow makes a connection on which a stall reaches the server after some 50 KB. Over loopback, whose
// segments are 64 KiB, the server's kernel would otherwise buffer megabytes before the server notices.
func narrow(fd int) {
	_ = unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_RCVBUF, 4<<10)
	_ = unix.SetsockoptInt(fd, unix.IPPROTO_TCP, unix.TCP_MAXSEG, 536)
}

// finishConnect runs when connect(2) is decided, and sends the opening handshake.
func (c *client) finishConnect(i int32, events uint32) {
	k := &c.conns[i]
	if events&(unix.EPOLLOUT|unix.EPOLLERR|unix.EPOLLHUP) == 0 {
		return
	}
	code, err := unix.GetsockoptInt(int(k.fd), unix.SOL_SOCKET, unix.SO_ERROR)
	if err == nil && code != 0 {
		err = unix.Errno(code)
	}
	if err != nil {
		c.refused(i, errorWord(err))
		return
	}
	k.state = upgrading
	c.write(i, []byte(c.request(i)))
	// The answer may have come with the same edge.
	if events&unix.EPOLLIN != 0 {
		c.read(i)
	}
}

// refused ends an attempt to connect. Another follows, from another source port, while retries are left:
// behind a shared port the next port may hash to a node that has room.
func (c *client) refused(i int32, why string) {
	k := &c.conns[i]
	d := &c.dial
	if k.fd >= 0 {
		_ = unix.Close(int(k.fd))
	}
	k.fd, k.secure, k.carry = -1, nil, nil
	k.out = nil
	k.state = closedConn
	d.inFlight--
	d.errors[shorten(why)]++
	if k.resume != nil && k.resume.returning {
		if c.run != nil {
			c.run.resume.fail(why)
		}
		k.resume.dialAt = now() + redialPause
		return
	}
	if int(k.tries) < c.plan.Retries && why != "descriptors exhausted" {
		k.tries++
		d.enqueue(i)
		return
	}
	d.failed++
	if c.plan.Life > 0 {
		d.enqueue(i)
	}
}

// shorten keeps a peer's text from filling the report.
func shorten(s string) string {
	s = strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f {
			return ' '
		}
		return r
	}, s)
	if len(s) > 80 {
		s = s[:80]
	}
	return s
}

// expire gives up attempts that take too long.
func (c *client) expire(t int64) {
	for i := range c.conns {
		k := &c.conns[i]
		if (k.state == connecting || k.state == upgrading) && k.secure == nil && !c.plan.TLS && t-k.started > dialTimeout {
			c.refused(int32(i), "timeout")
		}
	}
}

// connectReport answers the connect order.
func (c *client) connectReport(t int64) (answer, error) {
	h, err := c.dial.handshake.encode()
	if err != nil {
		return answer{}, err
	}
	r := connected{
		Open: c.dial.open, Nanos: t - c.dial.begun, Errors: c.dial.errors, Handshake: h, Deflated: c.dial.deflated,
	}
	for n := range c.dial.nodes {
		r.Nodes = append(r.Nodes, n)
	}
	return answer{Connected: &r}, nil
}

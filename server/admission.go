package server

import (
	"fmt"
	"net"
	"net/netip"
	"os"
	"sync"
	"sync/atomic"

	"golang.org/x/sys/unix"
)

// admission counts connections against the caps. One over a cap is still read until its request is known, so that it can
// be told 503, but only as many at once as the reserve of descriptors allows; beyond that it is closed unread.
type admission struct {
	max        int
	refusedMax int64
	perIPMax   int
	admitted   atomic.Int64
	refused    atomic.Int64

	mu    sync.Mutex // Protects following.
	perIP map[netip.Addr]int32
}

// descriptorsPerLoop: epoll, eventfd, listener, the socketpair and a spare.
const descriptorsPerLoop = 6

// newAdmission raises the soft descriptor limit to the hard one and derives the cap from it.
func newAdmission(cfg *Config) (*admission, error) {
	var lim unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &lim); err != nil {
		return nil, fmt.Errorf("server: descriptor limit: %w", err)
	}
	if lim.Cur < lim.Max {
		lim.Cur = lim.Max
		if err := unix.Setrlimit(unix.RLIMIT_NOFILE, &lim); err != nil {
			return nil, fmt.Errorf("server: raise the descriptor limit: %w", err)
		}
	}
	used := 16
	if entries, err := os.ReadDir("/proc/self/fd"); err == nil {
		used = len(entries)
	}
	limit := int(min(lim.Cur, 1<<30))
	// gnet ends the engine when accept(2) fails for want of descriptors, so a reserve stays unused whatever comes.
	reserve := min(max(limit/8, 16), 256)
	perLoop := descriptorsPerLoop
	if cfg.TLSAddr != "" {
		perLoop++
	}
	room := limit - used - perLoop*cfg.Loops - reserve
	if room < 1 {
		return nil, fmt.Errorf("server: the descriptor limit of %d leaves no room for connections: raise it (ulimit -n)", limit)
	}
	a := &admission{max: room, refusedMax: int64(reserve / 2), perIPMax: cfg.MaxConnsPerIP}
	if cfg.MaxConns > room {
		cfg.Logger.Warn("max-conns is above what the descriptor limit allows", "max_conns", cfg.MaxConns, "allowed", room, "ulimit_n", limit)
	}
	if cfg.MaxConns > 0 && cfg.MaxConns < room {
		a.max = cfg.MaxConns
	}
	if a.perIPMax > 0 {
		a.perIP = make(map[netip.Addr]int32)
	}
	return a, nil
}

// enter admits a connection, marks it as one to refuse, or reports false: it must be closed at once.
func (a *admission) enter(c *Conn) bool {
	cause := CauseNone
	if a.admitted.Add(1) > int64(a.max) {
		cause = CauseOverCapacity
	} else if a.perIP != nil && !a.enterIP(remoteIP(c.gc.RemoteAddr())) {
		cause = CauseTooManyFromIP
	}
	if cause == CauseNone {
		c.admitted = true
		return true
	}
	a.admitted.Add(-1)
	c.refused = cause
	return a.refused.Add(1) <= a.refusedMax
}

func (a *admission) exit(c *Conn) {
	if !c.admitted {
		a.refused.Add(-1)
		return
	}
	a.admitted.Add(-1)
	if a.perIP != nil {
		ip := remoteIP(c.gc.RemoteAddr())
		a.mu.Lock()
		if a.perIP[ip]--; a.perIP[ip] <= 0 {
			delete(a.perIP, ip)
		}
		a.mu.Unlock()
	}
}

func (a *admission) enterIP(ip netip.Addr) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.perIP[ip] >= int32(a.perIPMax) {
		return false
	}
	a.perIP[ip]++
	return true
}

func remoteIP(addr net.Addr) netip.Addr {
	tcp, ok := addr.(*net.TCPAddr)
	if !ok {
		return netip.Addr{}
	}
	ip, _ := netip.AddrFromSlice(tcp.IP)
	return ip.Unmap()
}

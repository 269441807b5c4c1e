package server

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"slices"
	"strconv"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// reserveAddr checks that addr can be bound and resolves port 0, before the loops bind it with SO_REUSEPORT. Without that
// option the bind fails when anybody listens there: two gateways that share a port by accident would split its rooms. A port
// that the kernel chose stays taken by held, which shares it with the loops, until they listen: between a close and their
// bind another process's outgoing connection could be given it. held is nil for other ports.
func reserveAddr(addr string, share bool) (bound string, held net.Listener, err error) {
	host, port, err := net.SplitHostPort(addr)
	if err != nil {
		return "", nil, &net.OpError{Op: "listen", Net: "tcp", Err: err}
	}
	if share && port != "0" {
		return addr, nil, nil
	}
	lc := net.ListenConfig{Control: func(_, _ string, rc syscall.RawConn) error {
		var err error
		if ctlErr := rc.Control(func(fd uintptr) {
			if share || port == "0" {
				err = unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_REUSEPORT, 1)
			}
		}); ctlErr != nil {
			return ctlErr
		}
		return err
	}}
	if held, err = lc.Listen(context.Background(), "tcp", addr); err != nil {
		return "", nil, err
	}
	bound = net.JoinHostPort(host, strconv.Itoa(held.Addr().(*net.TCPAddr).Port))
	if port != "0" {
		return bound, nil, held.Close()
	}
	return bound, held, nil
}

// reserve resolves the addresses to listen on, before the loops bind them, and returns them as gnet wants them.
func (s *Server) reserve() (addrs []string, err error) {
	for _, wanted := range []struct {
		addr  string
		bound *string
	}{{s.cfg.Addr, &s.addr}, {s.cfg.TLSAddr, &s.tlsAddr}} {
		if wanted.addr == "" {
			continue
		}
		bound, held, err := reserveAddr(wanted.addr, s.cfg.SharePort)
		if err != nil {
			return nil, err
		}
		if held != nil {
			s.held = append(s.held, held)
		}
		*wanted.bound = bound
		addrs = append(addrs, "tcp://"+bound)
	}
	if s.tlsPort = portOf(s.tlsAddr); s.tlsPort == portOf(s.addr) {
		return nil, fmt.Errorf("server: %s and %s: plain text and TLS need two ports", s.addr, s.tlsAddr)
	}
	return addrs, nil
}

// releaseHeld closes the listeners that kept the kernel's choice of ports: nobody knows it yet, so nobody waits in their queues.
func (s *Server) releaseHeld() {
	for _, ln := range s.held {
		_ = ln.Close()
	}
	s.held = nil
}

// StopAccepting closes the port to new connections without resetting those that wait in its queue: the loops go on
// accepting until the queues are empty, then all pause for the moment in which each listening socket is replaced by an idle
// one. (Closing one listener of a ReusePort group resets its queue, and shutdown(2) on it ends gnet's engine.) Upgrades that
// come later, on connections accepted before, are answered with 503. It may be called once, from any goroutine but a loop's.
func (s *Server) StopAccepting(ctx context.Context) error {
	if s.stopping.Swap(true) {
		return nil
	}
	listeners, err := s.listeners()
	if err != nil {
		return err
	}
	idle, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return err
	}
	defer closeFD(idle)
	ctx, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	for {
		done := false
		s.pause(func() {
			if ctx.Err() == nil && queued(listeners) {
				return
			}
			done = true
			for _, fd := range listeners {
				err = errors.Join(err, unix.Dup3(idle, fd, unix.O_CLOEXEC))
			}
		})
		if done {
			return err
		}
		time.Sleep(time.Millisecond)
	}
}

// pause runs fn while every loop waits between two polls. It is the one place where loops wait, for microseconds, once in a
// process's life.
func (s *Server) pause(fn func()) {
	var arrived sync.WaitGroup
	resume := make(chan struct{})
	for _, l := range s.loops {
		arrived.Add(1)
		l.Post(func() {
			arrived.Done()
			<-resume
		})
	}
	arrived.Wait()
	fn()
	close(resume)
}

// queued reports whether a connection waits to be accepted.
func queued(listeners []int) bool {
	fds := make([]unix.PollFd, len(listeners))
	for i, fd := range listeners {
		fds[i] = unix.PollFd{Fd: int32(fd), Events: unix.POLLIN}
	}
	n, err := unix.Poll(fds, 0)
	return err == nil && n > 0
}

// listeners finds the engine's listening sockets, which gnet does not hand out, among the process's descriptors.
func (s *Server) listeners() ([]int, error) {
	entries, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		return nil, err
	}
	ports := []int{portOf(s.addr)}
	if s.tlsAddr != "" {
		ports = append(ports, s.tlsPort)
	}
	var found []int
	for _, e := range entries {
		fd, err := strconv.Atoi(e.Name())
		if err != nil {
			continue
		}
		if on, err := unix.GetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_ACCEPTCONN); err != nil || on == 0 {
			continue
		}
		if sa, err := unix.Getsockname(fd); err == nil && slices.Contains(ports, sockPort(sa)) {
			found = append(found, fd)
		}
	}
	if want := len(s.loops) * len(ports); len(found) != want {
		return nil, fmt.Errorf("server: found %d listening sockets of %d", len(found), want)
	}
	return found, nil
}

func sockPort(sa unix.Sockaddr) int {
	switch sa := sa.(type) {
	case *unix.SockaddrInet4:
		return sa.Port
	case *unix.SockaddrInet6:
		return sa.Port
	}
	return -1
}

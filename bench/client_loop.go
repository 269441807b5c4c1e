package main

import (
	"fmt"
	"runtime"
	"unsafe"

	"golang.org/x/sys/unix"
)

// timerEvent marks the timer among the epoll events, which otherwise carry a connection's index.
const timerEvent = -1

// turn is one pass of the loop.
func (c *client) turn() error {
	n, err := c.wait()
	if err != nil {
		return err
	}
	for _, ev := range c.events[:n] {
		if ev.Fd == timerEvent {
			c.clearTimer()
			continue
		}
		c.ready(ev.Fd, ev.Events)
	}
	if len(c.again) > 0 {
		again := c.again
		c.again = nil
		for _, i := range again {
			c.ready(i, unix.EPOLLIN)
		}
	}
	c.sweep()
	t := now()
	c.sendDue(t)
	if t >= c.nextTick {
		// How late the loop noticed its own timer is how late it noticed everything else.
		c.lag.recordLag(max(t-c.nextTick, 1), c.tickEvery)
		c.nextTick = t + c.tickEvery
		c.tick(t)
	}
	return nil
}

// ready handles one connection's events.
func (c *client) ready(i int32, events uint32) {
	k := &c.conns[i]
	switch k.state {
	case connecting:
		c.finishConnect(i, events)
	case upgrading, open, shutting:
		if events&unix.EPOLLOUT != 0 && len(k.out) > 0 {
			c.flush(i)
		}
		if events&(unix.EPOLLIN|unix.EPOLLHUP|unix.EPOLLERR|unix.EPOLLRDHUP) != 0 && !c.stalled {
			c.read(i)
		}
	}
}

// wait returns when there are events or the timer is due. It asks without blocking first: under load there
// is always something, and a raw call spares the scheduler's bookkeeping around a blocking one.
func (c *client) wait() (int, error) {
	n, _, errno := unix.RawSyscall6(unix.SYS_EPOLL_PWAIT, uintptr(c.ep), uintptr(unsafe.Pointer(&c.events[0])),
		uintptr(len(c.events)), 0, 0, 0)
	if errno != 0 && errno != unix.EINTR {
		return 0, fmt.Errorf("epoll_wait: %w", errno)
	}
	if errno == 0 && n > 0 {
		return int(n), nil
	}
	if len(c.again) > 0 || c.sweepDue >= 1 {
		return 0, nil
	}
	c.setTimer(min(c.nextTick, c.nextDue()))
	m, err := unix.EpollWait(c.ep, c.events, -1)
	if err == unix.EINTR {
		return 0, nil
	}
	if err != nil {
		return 0, fmt.Errorf("epoll_wait: %w", err)
	}
	runtime.KeepAlive(c)
	return m, nil
}

// setTimer arms the timer for the monotonic time t, if it is not already.
func (c *client) setTimer(t int64) {
	if c.armed == t {
		return
	}
	c.armed = t
	spec := unix.ItimerSpec{Value: unix.NsecToTimespec(max(t, 1))}
	_ = unix.TimerfdSettime(c.timer, unix.TFD_TIMER_ABSTIME, &spec, nil)
}

// clearTimer reads the expiration, so that epoll stops reporting it.
func (c *client) clearTimer() {
	var b [8]byte
	_, _ = unix.Read(c.timer, b[:])
	c.armed = 0
}

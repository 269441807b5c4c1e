package gateway

import (
	"context"
	"errors"
	"math/rand/v2"
	"time"

	"rookery/server"
)

// Drain, in order: /readyz says no; the port is closed without resetting anybody; what is said from here on is refused, so
// that nothing is accepted that some would not get; each loop closes its connections in batches. A rookery.v1 client is told
// when to come back, and goes early; a plain one comes back by itself at once, so those are spread over the whole window.

// byeShare is the part of the window in which rookery.v1 connections are closed.
const byeShare = 5

// drainer closes one loop's connections over a window.
type drainer struct {
	lane     *lane
	begun    time.Time
	window   time.Duration
	v1       []*server.Conn
	plain    []*server.Conn
	lagging  []*server.Conn // due, and kept until their sockets have taken the rest of their rooms
	v1Count  int
	allPlain int
}

// Shutdown drains the gateway and stops it: it returns when the last connection is gone, when the window and a second more
// are over, or at once when ctx is done. Any goroutine but a loop's.
func (g *Gateway) Shutdown(ctx context.Context) error {
	if g.draining.Swap(true) {
		return errors.New("gateway: already shutting down")
	}
	begun := time.Now()
	if err := g.srv.StopAccepting(ctx); err != nil {
		g.log.Warn("listener not closed in order", "err", err)
	}
	loops := g.srv.Loops()
	for i, l := range g.lanes {
		loops[i].Post(func() { l.beginDrain(begun) })
	}
	window, cancel := context.WithTimeout(ctx, g.cfg.Drain+time.Second)
	defer cancel()
	poll := time.NewTicker(10 * time.Millisecond)
	defer poll.Stop()
	for g.srv.Stats().Open > 0 && window.Err() == nil {
		select {
		case <-window.Done():
		case <-poll.C:
		}
	}
	rest, cancelRest := context.WithTimeout(ctx, time.Second)
	defer cancelRest()
	return g.srv.Shutdown(rest)
}

func (l *lane) beginDrain(now time.Time) {
	d := &drainer{lane: l, begun: now, window: l.g.cfg.Drain}
	l.g.srv.Loops()[l.index].Conns(func(c *server.Conn) bool {
		if c.Session().(*session).v1 {
			d.v1 = append(d.v1, c)
		} else {
			d.plain = append(d.plain, c)
		}
		return true
	})
	d.v1Count, d.allPlain = len(d.v1), len(d.plain)
	l.drain = d
}

// step closes what is due by now. It runs on the loop, from its tick.
func (d *drainer) step(now time.Time) {
	elapsed := now.Sub(d.begun) + 100*time.Millisecond
	d.v1 = d.close(d.v1, d.v1Count, elapsed, d.window/byeShare)
	d.plain = d.close(d.plain, d.allPlain, elapsed, d.window)
	due := d.lagging
	d.lagging = due[:0]
	for _, c := range due {
		d.bye(c, elapsed >= d.window)
	}
	clear(due[len(d.lagging):])
}

// bye ends a connection that has everything, or whose time is up; one that lags is kept.
func (d *drainer) bye(c *server.Conn, now bool) {
	s, ok := c.Session().(*session)
	switch {
	case !ok: // gone by itself
	case s.flush() || now:
		s.bye(d.window)
	default:
		d.lagging = append(d.lagging, c)
	}
}

// close ends connections from the end of list until no more are left than the time elapsed allows.
func (d *drainer) close(list []*server.Conn, all int, elapsed, window time.Duration) []*server.Conn {
	left := 0
	if elapsed < window {
		left = int(float64(all) * float64(window-elapsed) / float64(window))
	}
	for len(list) > left {
		c := list[len(list)-1]
		list[len(list)-1] = nil
		list = list[:len(list)-1]
		d.bye(c, false)
	}
	return list
}

// flush hands the session what its rooms still hold for it, and reports whether its socket took all of it.
func (s *session) flush() bool {
	all := s.lane.sweeper.Flush(&s.first)
	for _, m := range s.others() {
		all = s.lane.sweeper.Flush(m) && all
	}
	return all
}

// bye tells the client when to come back, and closes.
func (s *session) bye(window time.Duration) {
	if s.v1 {
		s.answer(appendBye(s.lane.out[:0], rand.N(window)))
	}
	s.c.End(server.CauseDraining, "connect again")
}

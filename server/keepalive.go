package server

import (
	"slices"
	"time"

	"github.com/gobwas/ws"
)

const (
	tickInterval  = 100 * time.Millisecond
	hurryInterval = 10 * time.Millisecond
)

// deadlines is a queue of connections in the order in which their time runs out: all that enter one queue are given the
// same time, so no timer wheel is needed.
type deadlines struct {
	queue []deadline
	head  int
	spent func(*Conn) bool // whether an entry has lost its meaning; nil if none does before its time
}

type deadline struct {
	c  *Conn
	at int64 // Unix milliseconds
}

func (d *deadlines) push(c *Conn, at time.Time) {
	if len(d.queue) == cap(d.queue) && d.spent != nil {
		d.compact()
	}
	d.queue = append(d.queue, deadline{c, at.UnixMilli()})
}

// compact drops spent entries, and with them the last pointers to connections that are gone: else a crowd that came and left
// would stay in memory until its time is up. It is done whenever the queue would grow, so an entry pays for one visit.
func (d *deadlines) compact() {
	kept := make([]deadline, 0, 64)
	for _, e := range d.queue[d.head:] {
		if !d.spent(e.c) {
			kept = append(kept, e)
		}
	}
	d.queue, d.head = slices.Grow(kept, len(kept)), 0
}

func (d *deadlines) len() int { return len(d.queue) - d.head }

// pop takes the first entry if it is due.
func (d *deadlines) pop(now time.Time) (*Conn, bool) {
	if d.head == len(d.queue) || d.queue[d.head].at > now.UnixMilli() {
		return nil, false
	}
	c := d.queue[d.head].c
	d.queue[d.head].c = nil
	d.head++
	if d.head == len(d.queue) {
		d.queue, d.head = nil, 0
	} else if d.head > 1024 && d.head > len(d.queue)/2 {
		d.queue = append([]deadline(nil), d.queue[d.head:]...)
		d.head = 0
	}
	return c, true
}

func (l *Loop) tick() {
	l.ticking.Store(false)
	now := time.Now()
	l.expireHandshakes(now)
	l.dropIdleShakes(now)
	l.expireClosing(now)
	l.keepalive(now)
	if h := l.srv.handler.OnTick; h != nil {
		h(l, now)
	}
	l.lastTick = now
	l.stats.publish(&l.count)
}

func (l *Loop) expireHandshakes(now time.Time) {
	for {
		c, due := l.handshaking.pop(now)
		if !due {
			return
		}
		switch {
		case c.shaken():
		case c.http != nil && c.http.deadline.After(now):
			// Never behind more than a timeout: a slow request would hold up those that come after it.
			l.handshaking.push(c, earlier(c.http.deadline, now.Add(l.srv.cfg.HandshakeTimeout)))
		default:
			c.expireRequest()
		}
	}
}

// shaken reports whether the opening handshake is over, one way or the other.
func (c *Conn) shaken() bool { return c.gone || c.state == stateOpen || c.state == stateClosing }

func earlier(a, b time.Time) time.Time {
	if a.Before(b) {
		return a
	}
	return b
}

// expireClosing ends the connections whose closing handshake took too long, and half-closes those whose last bytes have
// gone out since.
func (l *Loop) expireClosing(now time.Time) {
	for {
		c, due := l.closing.pop(now)
		if !due {
			break
		}
		if !c.gone {
			c.shut()
		}
	}
	for i := l.closing.head; i < len(l.closing.queue); i++ {
		if c := l.closing.queue[i].c; !c.gone {
			c.halfClose()
		}
	}
}

// keepalive visits each connection once per PingInterval, a few at every tick. One that was silent since the last visit
// is pinged, and one still silent a whole interval after its ping is closed.
func (l *Loop) keepalive(now time.Time) {
	interval := l.srv.cfg.PingInterval
	if l.lastTick.IsZero() || len(l.conns) == 0 {
		return
	}
	l.scanDebt += float64(len(l.conns)) * float64(now.Sub(l.lastTick)) / float64(interval)
	for n := min(int(l.scanDebt), len(l.conns)); n > 0 && len(l.conns) > 0; n-- {
		l.scanDebt--
		if l.scan >= len(l.conns) {
			l.scan = 0
		}
		c := l.conns[l.scan]
		l.scan++
		if c.state == stateOpen {
			c.keepalive(l.srv.uptime(now), interval)
		}
	}
	l.buryDoomed()
}

func (c *Conn) keepalive(up uint32, interval time.Duration) {
	defer c.recoverPanic()
	if !c.alive {
		switch {
		case c.pingedAt == 0:
			c.pingedAt = up
			c.loop.scratch = appendPing(c.loop.scratch[:0])
			_ = c.reply(c.loop.scratch)
		case time.Duration(up-c.pingedAt)*time.Millisecond >= interval*9/10:
			c.end(CausePingTimeout, "no answer to ping")
			return
		}
	}
	c.alive = false
	if h := c.loop.srv.handler.OnKeepalive; h != nil && c.state == stateOpen {
		h(c)
	}
}

func appendPing(dst []byte) []byte { return append(dst, 0x80|byte(ws.OpPing), 0) }

package server

import (
	"runtime/debug"
	"sync"
	"sync/atomic"
	"time"

	"github.com/panjf2000/gnet/v2"
	"golang.org/x/sys/unix"

	"rookery/codec"
)

// Loop is one event loop: a goroutine that owns the connections accepted on it and everything reached from them.
type Loop struct {
	srv *Server
	idx int

	// Owned by the loop.
	el          gnet.EventLoop
	conns       []*Conn // every connection, in no order; Conn.index points back
	scan        int     // where the keepalive scan stands in conns
	scanDebt    float64 // fractions of a connection left over from the last tick
	handshaking deadlines
	closing     deadlines
	doomed      []*Conn // ended in mid-sweep, to be closed when it is over
	farewells   []*Conn // whose close frames are to be answered
	parted      int     // how many of them were
	nextID      uint64
	accepted    bool
	lastTick    time.Time
	scratch     []byte
	request     codec.Request // the one being answered
	pinned      int           // bytes held for unfinished input
	worst       []*Conn       // that held most when rank looked
	count       counts
	waiting     deadlines // connections whose TLS handshake has to wait, first come first
	shaking     []*secure // TLS handshakes under way
	ciphertext  []byte    // input that crypto/tls has not taken yet, during one pump
	plaintext   []byte    // where all connections decrypt into
	lent        []byte    // the read buffer of the connection that is pumped

	// For other goroutines.
	wakeFD     atomic.Int32 // our end of the socketpair whose other end the loop polls
	signalled  atomic.Bool
	ticking    atomic.Bool
	shedding   atomic.Bool // a shed is posted
	hurry      atomic.Bool
	tickFn     func()
	farewellFn func()
	mu         sync.Mutex // Protects following.
	posted     []func()
	spare      []func()

	stats loopStats
}

func newLoop(s *Server, idx int) *Loop {
	l := &Loop{srv: s, idx: idx, scratch: make([]byte, 0, 4096)}
	l.wakeFD.Store(-1)
	l.handshaking.spent = (*Conn).shaken
	l.closing.spent = func(c *Conn) bool { return c.gone }
	l.tickFn = l.tick
	l.farewellFn = l.sayFarewells
	return l
}

// Index is the loop's number, from 0.
func (l *Loop) Index() int { return l.idx }

// Post runs fn on the loop, after the next poll of its sockets: reads, accepts and closes that are due come first, also
// when the loop posts to itself, so a long piece of work yields by posting its rest. Posts of one goroutine keep their
// order. It never blocks and may be called from any goroutine.
func (l *Loop) Post(fn func()) {
	l.mu.Lock()
	l.posted = append(l.posted, fn)
	l.mu.Unlock()
	l.signal()
}

// signal makes the loop's next poll return. gnet's own task queues are not used: a task that is queued while they are
// drained runs before the next poll, and they do not keep order under load.
func (l *Loop) signal() {
	if l.signalled.Swap(true) {
		return
	}
	// Under the lock: once the server has stopped, the descriptor's number may be somebody else's.
	l.mu.Lock()
	_, _ = unix.Write(int(l.wakeFD.Load()), wakeByte)
	l.mu.Unlock()
}

var wakeByte = []byte{0}

// runPosted runs what was posted before it began.
func (l *Loop) runPosted() {
	l.signalled.Store(false)
	l.mu.Lock()
	tasks := l.posted
	l.posted = l.spare[:0]
	l.mu.Unlock()
	for i, fn := range tasks {
		l.protect(fn)
		tasks[i] = nil
	}
	l.mu.Lock()
	l.spare = tasks[:0]
	l.mu.Unlock()
	l.buryDoomed()
}

func (l *Loop) protect(fn func()) {
	defer func() {
		if r := recover(); r != nil {
			l.srv.log.Error("task panicked", "panic", r, "stack", string(debug.Stack()))
		}
	}()
	fn()
	l.buryDoomed()
}

// Hurry asks for ticks every 10 ms instead of 100 while on. Any goroutine may call it.
func (l *Loop) Hurry(on bool) { l.hurry.Store(on) }

// Accepted reports whether the loop accepted a connection since the last call. A loop that sweeps is not accepting, so a
// sweep gives way when this is true. Loop only.
func (l *Loop) Accepted() bool {
	was := l.accepted
	l.accepted = false
	return was
}

// Conns calls fn for each open connection until it returns false. fn must not end connections in other ways than Conn.Close. Loop only.
func (l *Loop) Conns(fn func(*Conn) bool) {
	// From the end: a close that fails at once puts the last connection, which was visited, in the place of this one.
	for i := len(l.conns) - 1; i >= 0; i-- {
		if c := l.conns[i]; c.state == stateOpen && !fn(c) {
			return
		}
	}
}

func (l *Loop) add(c *Conn) {
	c.index = int32(len(l.conns))
	l.conns = append(l.conns, c)
}

func (l *Loop) remove(c *Conn) {
	last := len(l.conns) - 1
	moved := l.conns[last]
	l.conns[c.index] = moved
	moved.index = c.index
	l.conns[last] = nil
	l.conns = l.conns[:last]
	if cap(l.conns) > 1024 && last < cap(l.conns)/4 {
		l.conns = append(make([]*Conn, 0, cap(l.conns)/2), l.conns...)
	}
}

// buryDoomed closes the connections that failed inside a write: closing them there would call OnClose in the middle of
// somebody's walk over members.
func (l *Loop) buryDoomed() {
	for len(l.doomed) > 0 {
		c := l.doomed[len(l.doomed)-1]
		l.doomed = l.doomed[:len(l.doomed)-1]
		if !c.gone {
			c.shut()
		}
	}
}

package server

import (
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"runtime"
	"runtime/debug"
	"sync"
	"time"
)

// The TLS handshake. crypto/tls keeps its place in a handshake on the stack, so each takes a goroutine until it is done.
// Three bounds keep a storm of them from harming the connections that are established:
//
//   - Config.TLSHandshakes goroutines, most of which wait for their peer's answer; the others wait for their turn without one.
//   - Of those, only as many compute at once as there are processors that no loop needs.
//   - While others wait for their turn, a peer that has not answered for patience loses its place.

// patience lets a lost packet be sent again, twice. Of 5,000 honest clients that came at once from one busy machine, some took
// longer than three seconds to answer.
const patience = 5 * time.Second

// maxShakeInput bounds what a peer may send before its handshake is done: crypto/tls takes messages of 64 KiB.
const maxShakeInput = 96 << 10

// handshakesWaiting is how many connections wait per goroutine that may run.
const handshakesWaiting = 64

// shake is a handshake under way: the loop puts ciphertext in, the handshake's goroutine takes it out.
type shake struct {
	remote, local net.Addr
	computing     chan struct{} // Server.computing

	mu     sync.Mutex // Protects following.
	in     []byte
	closed bool
	parked time.Time     // since when it waits for the peer; zero if it does not
	wake   chan struct{} // of capacity 1
}

// greet takes ciphertext of a connection whose handshake is not done.
func (s *secure) greet(b []byte) {
	c := s.c
	c.alive = true
	if s.tls != nil {
		if !s.shake.put(b) {
			s.fail("too much came before the handshake was done")
			return
		}
		s.pinned += int32(len(b))
		c.loop.pin(len(b))
		return
	}
	if len(c.head) == 0 && looksLikeHTTP(b[0]) {
		c.gc = s.Conn
		c.refuse(CauseTLS, errPlainText)
		return
	}
	started := len(c.head) > 0 && firstRecordComplete(c.head)
	c.growHead(b)
	if len(c.head) < recordHeader {
		return
	}
	if complaint, alert := checkRecord(c.head); complaint != "" {
		_ = c.transmit([]byte{recordAlert, 3, 1, 0, 2, 2, byte(alert)})
		s.fail(complaint)
		return
	}
	if len(c.head) > maxShakeInput {
		s.fail("too much came before the handshake began")
	} else if !started && firstRecordComplete(c.head) {
		c.loop.queueShake(c)
	}
}

// begun reports whether the handshake is under way, or waits to be.
func (s *secure) begun() bool { return s.shake != nil && (s.tls != nil || len(s.c.head) > 0) }

func firstRecordComplete(b []byte) bool {
	return len(b) >= recordHeader && len(b) >= recordHeader+recordLength(b)
}

// queueShake starts a connection's handshake, at once or in its turn.
func (l *Loop) queueShake(c *Conn) {
	if l.waiting.len() >= handshakesWaiting*l.srv.shakesPerLoop() {
		c.record(CauseOverCapacity, 0, "too many TLS handshakes wait (tls-handshakes)")
		c.doom()
		return
	}
	l.waiting.push(c, time.Time{})
	l.startShakes()
}

func (s *Server) shakesPerLoop() int { return max(1, s.cfg.TLSHandshakes/len(s.loops)) }

// startShakes gives free places to those that wait, in the order in which they came.
func (l *Loop) startShakes() {
	for len(l.shaking) < l.srv.shakesPerLoop() {
		c, ok := l.waiting.pop(time.Time{})
		if !ok {
			return
		}
		if c.gone || c.state != stateHandshake {
			continue
		}
		s := c.secure()
		s.shake.in, s.pinned, c.head = c.head, int32(cap(c.head)), nil
		s.tls = tls.Server((*wire)(s), l.srv.secure)
		l.shaking = append(l.shaking, s)
		l.srv.shakers.Add(1)
		go s.handshake()
	}
}

// handshake runs on a goroutine of its own.
func (s *secure) handshake() {
	srv := s.c.loop.srv
	defer srv.shakers.Done()
	srv.computing <- struct{}{}
	err := s.handshakeSafely()
	<-srv.computing
	s.c.loop.Post(func() { s.shaken(err) })
}

// handshakeSafely turns a panic in a callback of the tls.Config into an error.
func (s *secure) handshakeSafely() (err error) {
	defer func() {
		if p := recover(); p != nil {
			s.c.loop.srv.log.Error("TLS handshake panicked", "panic", p, "stack", string(debug.Stack()))
			err = fmt.Errorf("panic: %v", p)
		}
	}()
	return s.tls.Handshake()
}

// shaken takes the connection over into the loop.
func (s *secure) shaken(err error) {
	c, l := s.c, s.c.loop
	l.pin(-int(s.pinned))
	s.pinned = 0
	for i, other := range l.shaking {
		if other == s {
			last := len(l.shaking) - 1
			l.shaking[i] = l.shaking[last]
			l.shaking[last] = nil
			l.shaking = l.shaking[:last]
			break
		}
	}
	l.startShakes()
	if c.gone || c.state != stateHandshake {
		return
	}
	if err != nil {
		s.fail("handshake: " + err.Error())
		return
	}
	rest := s.shake.in
	s.shake = nil
	c.alive = false // what came was no request yet
	s.pump(rest)
}

// dropIdleShakes gives the places of peers that do not answer to those that wait.
func (l *Loop) dropIdleShakes(now time.Time) {
	if l.waiting.len() == 0 {
		return
	}
	for _, s := range l.shaking {
		if since, idle := s.shake.idle(); idle && now.Sub(since) > patience && !s.c.gone {
			s.c.record(CauseHandshakeTimeout, 0, "no answer in the TLS handshake, and others wait")
			s.c.doom()
		}
	}
	l.buryDoomed()
}

// spareProcessors is how many handshakes may compute at once.
func spareProcessors(loops int) int { return max(1, runtime.NumCPU()-loops) }

func newShake(s *Server, remote, local net.Addr) *shake {
	return &shake{remote: remote, local: local, computing: s.computing, wake: make(chan struct{}, 1)}
}

// put adds ciphertext. It reports false if there is too much. Loop only.
func (h *shake) put(b []byte) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	if len(h.in)+len(b) > maxShakeInput {
		return false
	}
	h.in = append(h.in, b...)
	h.signal()
	return true
}

// close ends the goroutine, if there is one. Loop only.
func (h *shake) close() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.closed = true
	h.signal()
}

func (h *shake) signal() {
	select {
	case h.wake <- struct{}{}:
	default:
	}
}

// idle reports since when the handshake waits for its peer, if it does.
func (h *shake) idle() (since time.Time, idle bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.parked, !h.parked.IsZero()
}

var errShakeClosed = errors.New("the connection is gone")

// read waits for ciphertext, and lets others compute meanwhile. The handshake's goroutine only.
func (h *shake) read(b []byte) (int, error) {
	for {
		n, err := h.take(b)
		if n > 0 || err != nil {
			return n, err
		}
		<-h.computing
		<-h.wake
		h.computing <- struct{}{}
	}
}

// take is read without waiting.
func (h *shake) take(b []byte) (int, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.closed {
		return 0, errShakeClosed
	}
	n := copy(b, h.in)
	h.in = h.in[n:]
	h.parked = time.Time{}
	if n == 0 {
		h.parked = time.Now()
	}
	return n, nil
}

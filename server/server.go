package server

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"github.com/panjf2000/gnet/v2"

	"rookery/codec"
)

// ErrServerClosed is what ListenAndServe returns after Shutdown.
var ErrServerClosed = errors.New("server: closed")

// Server accepts connections on one address, or two with TLS, and runs them on its loops.
type Server struct {
	gnet.BuiltinEventEngine

	cfg       Config
	handler   Handler
	log       *slog.Logger
	limits    codec.Limits
	origins   map[string]struct{}
	loops     []*Loop
	held      []net.Listener // see reserveAddr
	claim     sync.Mutex     // Protects Loop.el of every loop until it is set.
	admission *admission
	budget    budget
	jobs      chan httpJob
	started   time.Time
	addr      string
	tlsAddr   string // the second address, "" if there is none
	tlsPort   int
	secure    *tls.Config // nil without TLS
	computing chan struct{}
	shakers   sync.WaitGroup // goroutines of TLS handshakes
	engine    gnet.Engine
	enroll    sync.Once
	ready     chan struct{} // closed when every loop is known and accepts
	done      chan struct{} // closed when the engine has stopped
	stopping  atomic.Bool
}

// New makes a server that is not listening yet.
func New(cfg Config, handler Handler) *Server {
	cfg.setDefaults()
	s := &Server{
		cfg: cfg, handler: handler, log: cfg.Logger,
		limits:    codec.Limits{MaxMessage: cfg.MaxMessage, MaxFragments: cfg.MaxFragments},
		jobs:      make(chan httpJob, 64*cfg.HTTPWorkers),
		started:   time.Now(),
		computing: make(chan struct{}, spareProcessors(cfg.Loops)),
		ready:     make(chan struct{}),
		done:      make(chan struct{}),
	}
	s.budget.set(cfg.MaxPinned)
	for _, o := range cfg.AllowedOrigins {
		if o == "*" {
			s.origins = nil
			break
		}
		if s.origins == nil {
			s.origins = make(map[string]struct{})
		}
		s.origins[o] = struct{}{}
	}
	return s
}

// ListenAndServe listens and serves until Shutdown, then returns ErrServerClosed. Any other return is a failure: the
// address cannot be bound (a *net.OpError), or the engine stopped by itself.
func (s *Server) ListenAndServe() error {
	if err := s.readTLS(); err != nil {
		return err
	}
	addrs, err := s.reserve()
	if err != nil {
		return err
	}
	if s.admission, err = newAdmission(&s.cfg); err != nil {
		return err
	}
	for i := range s.cfg.Loops {
		s.loops = append(s.loops, newLoop(s, i))
	}
	for range s.cfg.HTTPWorkers {
		go s.httpWorker()
	}
	// ReusePort has each loop accept for itself. A main reactor that accepts for all costs 42 instead of 31 us of CPU per
	// connection and takes 13.7 instead of 15.7 thousand a second, but 9.0 instead of 2.4 thousand beside a giant room.
	err = gnet.Rotate(s, addrs,
		gnet.WithNumEventLoop(s.cfg.Loops),
		gnet.WithReusePort(true),
		gnet.WithReuseAddr(true),
		gnet.WithTicker(true),
		gnet.WithLogger(gnetLogger{s.log}),
	)
	close(s.done)
	s.shakers.Wait()
	s.closeLoops()
	if s.stopping.Load() {
		return ErrServerClosed
	}
	if err == nil {
		// gnet returns nil also when an accept error ended the engine.
		err = errors.New("the event engine stopped by itself, see the log above")
	}
	return fmt.Errorf("server: %w", err)
}

func (s *Server) closeLoops() {
	for _, l := range s.loops {
		l.mu.Lock()
		closeFD(int(l.wakeFD.Swap(-1)))
		l.mu.Unlock()
	}
}

// Ready is closed when the server accepts connections.
func (s *Server) Ready() <-chan struct{} { return s.ready }

// Addr is the address listened on, with the port the kernel chose; valid once Ready.
func (s *Server) Addr() string { return s.addr }

// Loops are the server's event loops; valid once Ready.
func (s *Server) Loops() []*Loop { return s.loops }

// Shutdown stops accepting, closes every connection with 1012 and waits until the last is gone or ctx is done, then stops
// the loops. It returns ctx's error if it had to cut connections off.
func (s *Server) Shutdown(ctx context.Context) error {
	if err := s.StopAccepting(ctx); err != nil {
		s.log.Warn("listener not closed in order", "err", err)
	}
	for _, l := range s.loops {
		l.Post(func() {
			for i := len(l.conns) - 1; i >= 0; i-- { // from the end, as in Loop.Conns
				switch c := l.conns[i]; c.state {
				case stateOpen:
					c.end(CauseDraining, "")
				case stateHandshake:
					c.record(CauseDraining, 0, "")
					c.doom()
				}
			}
		})
	}
	err := s.waitEmpty(ctx)
	stopCtx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	if stopErr := s.engine.Stop(stopCtx); err == nil && stopErr != nil {
		err = stopErr
	}
	return err
}

func (s *Server) waitEmpty(ctx context.Context) error {
	poll := time.NewTicker(5 * time.Millisecond)
	defer poll.Stop()
	for s.admission.admitted.Load()+s.admission.refused.Load() > 0 {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-poll.C:
		}
	}
	return nil
}

// uptime is the server's age in milliseconds, at least 1.
func (s *Server) uptime(now time.Time) uint32 { return uint32(now.Sub(s.started)/time.Millisecond) | 1 }

func (s *Server) leave(c *Conn) { s.admission.exit(c) }

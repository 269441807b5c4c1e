package gateway

import (
	"crypto/rand"
	"encoding/hex"
	"log/slog"
	"sync/atomic"
	"time"

	"rookery/codec"
	"rookery/server"
	"rookery/server/hub"
)

// Subprotocol is the dialect besides the plain one.
const Subprotocol = "rookery.v1"

// Gateway is one node of the chat.
type Gateway struct {
	cfg      Config
	log      *slog.Logger
	srv      *server.Server
	hub      *hub.Hub
	lanes    []*lane
	welcome  []byte // the end of every welcome
	draining atomic.Bool
	done     chan struct{} // closed when the server has stopped
}

// lane is what the gateway keeps per loop; it is owned by that loop.
type lane struct {
	g       *Gateway
	index   int
	sweeper *hub.Sweeper
	sweepFn func()
	out     []byte // a frame's payload under construction
	nick    []byte // a decoded nickname
	drain   *drainer
	opening opening
}

// New makes a gateway that is not listening yet.
func New(cfg Config) *Gateway {
	cfg.setDefaults()
	g := &Gateway{cfg: cfg, log: cfg.Server.Logger, done: make(chan struct{})}
	sc := cfg.Server
	sc.Subprotocols = []string{Subprotocol}
	sc.HTTP = g.routes()
	if sc.Loops == 0 {
		sc.Loops = server.DefaultLoops()
	}
	g.srv = server.New(sc, server.Handler{
		OnUpgrade: g.onUpgrade, OnOpen: g.onOpen, OnMessage: g.onMessage,
		OnKeepalive: g.onKeepalive, OnClose: g.onClose, OnTick: g.onTick,
	})
	hc := cfg.Hub
	hc.Quote = appendJSONString
	hc.PresenceFrame, hc.RedactedFrame, hc.PurgedFrame = presenceFrame, redactedFrame, purgedFrame
	start := time.Now()
	g.hub = hub.New(hc, sc.Loops, g.wake, func() int64 { return int64(time.Since(start)) })
	for i := range sc.Loops {
		l := &lane{g: g, index: i, sweeper: g.hub.Sweeper(i), nick: make([]byte, 0, maxNicknameRaw)}
		l.sweepFn = l.sweep
		g.lanes = append(g.lanes, l)
	}
	g.welcome = g.welcomeTail()
	return g
}

func randomName() string {
	var b [4]byte
	_, _ = rand.Read(b[:])
	return hex.EncodeToString(b[:])
}

// ListenAndServe serves until Shutdown, then returns server.ErrServerClosed.
func (g *Gateway) ListenAndServe() error {
	go g.janitor()
	defer close(g.done)
	return g.srv.ListenAndServe()
}

// Server is the reactor under the gateway.
func (g *Gateway) Server() *server.Server { return g.srv }

// Hub is the node's rooms.
func (g *Gateway) Hub() *hub.Hub { return g.hub }

// janitor does what has a second to wait and may take locks.
func (g *Gateway) janitor() {
	tick := time.NewTicker(200 * time.Millisecond)
	defer tick.Stop()
	for n := 0; ; n++ {
		select {
		case <-g.done:
			return
		case now := <-tick.C:
			g.hub.FlushPresence(now)
			if n%5 == 0 {
				g.hub.Expire(now.Unix())
			}
		}
	}
}

func (g *Gateway) wake(i int) { g.srv.Loops()[i].Post(g.lanes[i].sweepFn) }

// A turn of the sweep: 256 writes are some 2 ms, which is what a chatter waits at most for a turn of reading. Right after an
// accept it is a tenth: connections arrive in storms, and at 2 ms a turn a loop took 477 a second, at 0.2 ms 3,286.
var (
	fullTurn  = hub.Budget{Writes: 256, Nanos: 2e6}
	shortTurn = hub.Budget{Writes: 32, Nanos: 2e5}
)

func (l *lane) sweep() {
	loop := l.g.srv.Loops()[l.index]
	budget := fullTurn
	if loop.Accepted() {
		budget = shortTurn
	}
	if l.sweeper.Sweep(budget) {
		loop.Post(l.sweepFn)
	}
}

// retriesPerTick bounds the stalled members that one tick asks.
const retriesPerTick = 2048

func (g *Gateway) onTick(loop *server.Loop, now time.Time) {
	l := g.lanes[loop.Index()]
	l.sweeper.RetryStalled(retriesPerTick)
	loop.Hurry(l.sweeper.Stalled() > 0)
	if l.drain != nil {
		l.drain.step(now)
	}
}

func (g *Gateway) onMessage(c *server.Conn, m codec.Message) {
	s := c.Session().(*session)
	if m.Op != opText {
		c.Close(1003, "messages are text: one JSON object each")
		return
	}
	if s.v1 {
		s.command(m.Payload)
	} else {
		s.chat(m.Payload)
	}
}

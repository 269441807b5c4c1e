package server

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"os"
	"time"

	"github.com/panjf2000/gnet/v2"
	"golang.org/x/sys/unix"
)

// What gnet calls. Its engine lists no loops, so each is learned by enrolling one end of a socketpair on it: the end also
// carries the wake-ups of Loop.Post.

// OnBoot is gnet's: the engine exists, its loops do not yet.
func (s *Server) OnBoot(eng gnet.Engine) gnet.Action {
	s.engine = eng
	return gnet.None
}

// OnTick is gnet's. It runs on a goroutine of its own, first when all loops have started.
func (s *Server) OnTick() (time.Duration, gnet.Action) {
	s.enroll.Do(func() {
		if err := s.enrollLoops(); err != nil {
			s.log.Error("loops not enrolled", "err", err)
			_ = s.engine.Stop(context.Background())
		}
	})
	delay := tickInterval
	for _, l := range s.loops {
		if l.hurry.Load() {
			delay = hurryInterval
		}
		if !l.ticking.Swap(true) {
			l.Post(l.tickFn)
		}
	}
	return delay, gnet.None
}

// wakeFD is the end of a loop's socketpair that Post writes to.
type wakeFD int32

// enrollLoops relies on gnet's round robin, which nothing else uses in ReusePort mode: each registration lands on another loop.
func (s *Server) enrollLoops() error {
	for range s.loops {
		pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0)
		if err != nil {
			return err
		}
		file := os.NewFile(uintptr(pair[1]), "loop")
		conn, err := net.FileConn(file)
		_ = file.Close()
		if err != nil {
			return err
		}
		ctx := gnet.NewContext(context.Background(), wakeFD(pair[0]))
		result, err := s.engine.Register(gnet.NewNetConnContext(ctx, conn))
		if err != nil {
			return err
		}
		if r := <-result; r.Err != nil {
			return r.Err
		}
	}
	s.releaseHeld()
	close(s.ready)
	return nil
}

// OnOpen is gnet's: a connection was accepted, or a loop's wake-up end was enrolled.
func (s *Server) OnOpen(gc gnet.Conn) ([]byte, gnet.Action) {
	l := s.loopOf(gc.EventLoop())
	if wake, ok := gc.Context().(wakeFD); ok {
		l.wakeFD.Store(int32(wake))
		gc.SetContext(l)
		l.signalled.Store(false)
		l.signal()
		return nil, gnet.None
	}
	c := &Conn{gc: gc, loop: l, fd: int32(gc.Fd())}
	if s.speaksTLS(gc.LocalAddr()) {
		c.gc = &secure{Conn: gc, c: c, shake: newShake(s, gc.RemoteAddr(), gc.LocalAddr())}
	}
	gc.SetContext(c)
	l.accepted = true
	l.nextID++
	c.id = l.nextID<<8 | uint64(l.idx)
	l.add(c)
	if !s.admission.enter(c) {
		c.record(c.refused, 0, "refused unread")
		c.state = stateClosed
		return nil, gnet.Close
	}
	l.handshaking.push(c, time.Now().Add(s.cfg.HandshakeTimeout))
	return nil, gnet.None
}

// loopOf finds the Loop of a gnet loop; the first callback on each claims one.
func (s *Server) loopOf(el gnet.EventLoop) *Loop {
	s.claim.Lock()
	defer s.claim.Unlock()
	for _, l := range s.loops {
		if l.el == nil {
			l.el = el
		}
		if l.el == el {
			return l
		}
	}
	panic("server: gnet runs more loops than it was asked for")
}

// OnTraffic is gnet's: there is input. All of it is taken, so gnet's own buffers stay empty.
func (s *Server) OnTraffic(gc gnet.Conn) gnet.Action {
	b, _ := gc.Next(-1)
	switch ctx := gc.Context().(type) {
	case *Conn:
		if s := ctx.secure(); s != nil {
			s.decrypt(b)
		} else {
			ctx.input(b)
		}
		if ctx.state == stateClosed && !ctx.gone {
			if ctx.closeNotify(); !ctx.gone {
				return gnet.Close
			}
		}
	case *Loop:
		ctx.runPosted()
	}
	return gnet.None
}

// OnClose is gnet's.
func (s *Server) OnClose(gc gnet.Conn, err error) gnet.Action {
	if c, ok := gc.Context().(*Conn); ok && !c.gone {
		c.bury(err)
	}
	return gnet.None
}

func closeFD(fd int) { _ = unix.Close(fd) }

// gnetLogger sends gnet's lines to the server's logger; its chatter is debug.
type gnetLogger struct{ log *slog.Logger }

func (g gnetLogger) Debugf(format string, args ...any) {}
func (g gnetLogger) Infof(format string, args ...any)  {}
func (g gnetLogger) Warnf(format string, args ...any) {
	g.log.Debug(fmt.Sprintf("gnet: "+format, args...))
}
func (g gnetLogger) Errorf(format string, args ...any) {
	g.log.Error(fmt.Sprintf("gnet: "+format, args...))
}
func (g gnetLogger) Fatalf(format string, args ...any) {
	g.log.Error(fmt.Sprintf("gnet: "+format, args...))
}

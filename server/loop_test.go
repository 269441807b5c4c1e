package server_test

import (
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gobwas/ws"

	"rookery/codec"
	"rookery/server"
)

// TestPostKeepsOrder posts from several goroutines at once: what one of them posts runs in its order.
func TestPostKeepsOrder(t *testing.T) {
	srv := start(t, server.Config{Loops: 2}, server.Handler{})
	const goroutines, posts = 4, 20_000
	for _, l := range srv.Loops() {
		var next [goroutines]int // owned by the loop
		var all, ran sync.WaitGroup
		ran.Add(goroutines * posts)
		for g := range goroutines {
			all.Go(func() {
				for i := range posts {
					l.Post(func() {
						if next[g] != i {
							t.Errorf("post %d of goroutine %d ran in place %d", i, g, next[g])
						}
						next[g]++
						ran.Done()
					})
				}
			})
		}
		all.Wait()
		ran.Wait()
	}
}

// TestPostToItselfYields has a task post itself again until a message has been read: if the loop did not poll its sockets
// in between, that would never be. Accepts and closes have to get through too.
func TestPostToItselfYields(t *testing.T) {
	var heard, closed atomic.Bool
	srv := start(t, server.Config{Loops: 1}, server.Handler{
		OnMessage: func(c *server.Conn, m codec.Message) { heard.Store(true) },
		OnClose:   func(*server.Conn, *server.CloseError) { closed.Store(true) },
	})
	busy, stopped := make(chan struct{}), make(chan struct{})
	var stop atomic.Bool
	l := srv.Loops()[0]
	var again func()
	again = func() {
		if stop.Load() {
			close(stopped)
			return
		}
		l.Post(again)
	}
	l.Post(func() {
		close(busy)
		again()
	})
	<-busy
	c := upgraded(t, srv)
	c.send(ws.OpText, "while it is busy")
	if !settles(heard.Load) {
		t.Error("nothing was read")
	}
	_ = c.Close()
	if !settles(closed.Load) {
		t.Error("the close was not seen")
	}
	stop.Store(true)
	<-stopped
}

// TestTicks: OnTick comes on every loop, on the loop.
func TestTicks(t *testing.T) {
	var ticks [3]atomic.Int32
	var owner [3]int // owned by the loops: the race detector holds OnTick and Post to one goroutine
	srv := start(t, server.Config{Loops: 3}, server.Handler{OnTick: func(l *server.Loop, now time.Time) {
		owner[l.Index()]++
		if now.IsZero() {
			t.Error("no time")
		}
		ticks[l.Index()].Add(1)
	}})
	for i, l := range srv.Loops() {
		l.Hurry(true)
		l.Post(func() { owner[i]++ })
		if !settles(func() bool { return ticks[i].Load() >= 3 }) {
			t.Errorf("loop %d does not tick", i)
		}
	}
}

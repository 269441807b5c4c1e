package server_test

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"runtime"
	"testing"
	"time"

	"github.com/gobwas/ws"
	"golang.org/x/sys/unix"

	"rookery/codec"
	"rookery/codec/conformance"
	"rookery/server"
)

// idle opens count connections that do nothing. The clients are bare descriptors: what is measured is the server.
func idle(t testing.TB, srv *server.Server, count int) (closeAll func()) {
	t.Helper()
	addr, err := net.ResolveTCPAddr("tcp", srv.Addr())
	if err != nil {
		t.Fatal(err)
	}
	request, answer := []byte(conformance.Request(false)), make([]byte, 1024)
	fds := make([]int, 0, count)
	for range count {
		fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
		if err != nil {
			t.Fatal(err)
		}
		fds = append(fds, fd)
		if err := unix.Connect(fd, &unix.SockaddrInet4{Port: addr.Port, Addr: [4]byte(addr.IP.To4())}); err != nil {
			t.Fatal(err)
		}
		if _, err := unix.Write(fd, request); err != nil {
			t.Fatal(err)
		}
		if n, err := unix.Read(fd, answer); err != nil || n == 0 {
			t.Fatalf("read %d, %v", n, err)
		}
	}
	return func() {
		for _, fd := range fds {
			_ = unix.Close(fd)
		}
	}
}

func TestIdleConnectionsAddNoGoroutine(t *testing.T) {
	srv := start(t, server.Config{HTTP: http.HandlerFunc(say)}, server.Handler{OnMessage: echo})
	c := upgraded(t, srv)
	c.send(ws.OpText, "warm")
	c.hears("warm")
	before := runtime.NumGoroutine()
	defer idle(t, srv, 1000)()
	if !settles(func() bool { return srv.Stats().Open == 1001 }) {
		t.Fatalf("%d are open", srv.Stats().Open)
	}
	if after := runtime.NumGoroutine(); after > before {
		t.Errorf("%d goroutines with 1,000 connections, %d without", after, before)
	}
}

// TestConnSize keeps the layout in view: there are as many as the host has descriptors.
func TestConnSize(t *testing.T) {
	const most = 192
	t.Logf("%d bytes", server.ConnSize)
	if server.ConnSize > most {
		t.Errorf("a Conn has %d bytes, at most %d were meant", server.ConnSize, most)
	}
}

// BenchmarkIdleConnection prints the heap and the stacks that an idle connection adds to the process, gnet's part included.
func BenchmarkIdleConnection(b *testing.B) {
	const count = 4000
	for b.Loop() {
		srv := server.New(server.Config{Addr: "127.0.0.1:0", Loops: 1}, server.Handler{})
		stopped := make(chan error, 1)
		go func() { stopped <- srv.ListenAndServe() }()
		<-srv.Ready()
		before := inUse()
		closeAll := idle(b, srv, count)
		b.ReportMetric(float64(inUse()-before)/count, "B/conn")
		closeAll()
		_ = srv.Shutdown(b.Context())
		<-stopped
	}
}

func inUse() int64 {
	var m runtime.MemStats
	runtime.GC()
	runtime.GC()
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc + m.StackInuse)
}

// onLoop runs fn on the loop of a connection whose peer reads all there is, and waits for it.
func onLoop(t *testing.T, fn func(c *server.Conn)) {
	t.Helper()
	conns := make(chan *server.Conn, 1)
	srv := start(t, server.Config{Loops: 1}, server.Handler{OnOpen: func(c *server.Conn) { conns <- c }})
	peer := upgraded(t, srv)
	drained := make(chan struct{})
	go func() {
		defer close(drained)
		_, _ = io.CopyBuffer(struct{ io.Writer }{io.Discard}, struct{ io.Reader }{peer.Conn}, make([]byte, 64<<10))
	}()
	c, done := <-conns, make(chan struct{})
	c.Loop().Post(func() {
		defer close(done)
		fn(c)
	})
	<-done
	_ = peer.Conn.SetDeadline(time.Now())
	<-drained
}

func TestSendingDoesNotAllocate(t *testing.T) {
	text, frames := make([]byte, 200), []byte{}
	for range 50 {
		frames = codec.AppendFrame(frames, ws.OpText, text)
	}
	onLoop(t, func(c *server.Conn) {
		for name, send := range map[string]func() error{
			"Send":      func() error { return c.Send(ws.OpText, text) },
			"SendFrame": func() error { return c.SendFrame(frames) },
			"Write": func() error {
				// A delivery out of a room's log. A full socket takes nothing: the peer reads at its own pace.
				for range 1000 {
					switch n, ok := c.Write(frames); {
					case !ok:
						return server.ErrClosed
					case n == len(frames):
						return nil
					case n > 0:
						return fmt.Errorf("%d bytes of %d", n, len(frames))
					}
					time.Sleep(time.Millisecond)
				}
				return io.ErrNoProgress
			},
		} {
			var err error
			allocs := testing.AllocsPerRun(20, func() {
				if e := send(); e != nil {
					err = e
				}
			})
			if err != nil || allocs != 0 {
				t.Errorf("%s: %v allocations, %v", name, allocs, err)
			}
		}
	})
}

package server_test

import (
	"crypto/tls"
	"encoding/binary"
	"io"
	"runtime/debug"
	"slices"
	"testing"
	"time"

	"github.com/gobwas/ws"

	"rookery/codec"
	"rookery/server"
)

// pour is a handler that sends numbered frames to whoever says something, as a sweep does: as much as Conn.Write takes, the
// rest from ticks.
type pour struct {
	t       *testing.T
	frames  []byte // all of them
	ends    map[int]bool
	conn    *server.Conn
	at      int
	most    int // of Buffered
	stalled int // times that Write took nothing
}

func newPour(t *testing.T, count, size int) *pour {
	p := &pour{t: t, ends: map[int]bool{0: true}}
	payload := make([]byte, size)
	for i := range count {
		binary.BigEndian.PutUint32(payload, uint32(i))
		p.frames = codec.AppendFrame(p.frames, ws.OpBinary, payload)
		p.ends[len(p.frames)] = true
	}
	return p
}

func (p *pour) start(c *server.Conn, _ codec.Message) {
	p.conn = c
	p.tick(nil, time.Time{})
}

func (p *pour) tick(*server.Loop, time.Time) {
	for p.conn != nil && p.at < len(p.frames) {
		end := min(p.at+64<<10, len(p.frames))
		for !p.ends[end] {
			end--
		}
		if end == p.at { // one frame is longer than what a write carries
			for end++; !p.ends[end]; {
				end++
			}
		}
		n, ok := p.conn.Write(p.frames[p.at:end])
		if !ok {
			p.t.Error("the connection has ended")
			p.conn = nil
			return
		}
		p.most = max(p.most, p.conn.Buffered())
		if p.at += n; !p.ends[p.at] {
			p.t.Errorf("Write stopped at %d, inside a frame", p.at)
			p.conn.Finish(p.frames[p.at:end])
			p.at = end
		}
		if n == 0 {
			p.stalled++
			return
		}
	}
}

// TestTLSBackpressure has a client that does not read, and then does: nothing is lost, and what was held for it meanwhile is
// the rest of a record, or of one frame where that is longer.
func TestTLSBackpressure(t *testing.T) {
	for _, tt := range []struct {
		name        string
		count, size int
		most        int
	}{
		{"small frames", 60_000, 100, 16<<10 + 100},
		{"frames longer than a record", 200, 60_000, 60_000 + 4*100},
	} {
		p := newPour(t, tt.count, tt.size)
		srv := startTLS(t, server.Config{Loops: 1}, server.Handler{OnMessage: p.start, OnTick: p.tick})
		c := dialTLS(t, srv, clientTLS())
		if err := c.WriteMessage(1, []byte("start")); err != nil {
			t.Fatal(err)
		}
		var stalled, most int
		look := func() {
			done := make(chan struct{})
			srv.Loops()[0].Post(func() { stalled, most = p.stalled, p.most; close(done) })
			<-done
		}
		eventually(t, "the socket is full", func() bool { look(); return stalled > 3 })
		for i := range tt.count {
			_, got, err := c.ReadMessage()
			if err != nil || len(got) != tt.size || binary.BigEndian.Uint32(got) != uint32(i) {
				t.Fatalf("%s: message %d: got %d bytes, %v", tt.name, i, len(got), err)
			}
		}
		if look(); most == 0 || most > tt.most {
			t.Errorf("%s: %d bytes were held, want at most %d", tt.name, most, tt.most)
		}
	}
}

// raced reports whether the test was built with the race detector.
func raced() bool {
	info, _ := debug.ReadBuildInfo()
	return slices.Contains(info.Settings, debug.BuildSetting{Key: "-race", Value: "true"})
}

// TestTLSSendingDoesNotAllocate has a peer that reads records and leaves them encrypted, which allocates nothing either.
func TestTLSSendingDoesNotAllocate(t *testing.T) {
	conns := make(chan *server.Conn, 1)
	srv := startTLS(t, server.Config{Loops: 1}, server.Handler{OnOpen: func(c *server.Conn) { conns <- c }})
	allowed := 0.0
	if raced() {
		allowed = 4 // under the race detector a sync.Pool loses things on purpose, and crypto/tls has its buffers in one
	}
	for _, version := range versions {
		cfg := clientTLS()
		cfg.MinVersion, cfg.MaxVersion = version, version
		raw := dialTLS(t, srv, cfg).NetConn().(*tls.Conn).NetConn()
		_ = raw.SetDeadline(time.Time{})
		drained := make(chan struct{})
		go func() {
			defer close(drained)
			_, _ = io.CopyBuffer(struct{ io.Writer }{io.Discard}, struct{ io.Reader }{raw}, make([]byte, 64<<10))
		}()
		c, payload := <-conns, make([]byte, 200)
		frames := codec.AppendFrame(codec.AppendFrame(nil, ws.OpText, payload), ws.OpText, payload)
		done := make(chan struct{})
		c.Loop().Post(func() {
			defer close(done)
			if allocs := testing.AllocsPerRun(20, func() {
				if err := c.Send(ws.OpText, payload); err != nil {
					t.Error(err)
				}
				if n, ok := c.Write(frames); n != len(frames) || !ok {
					t.Errorf("%d bytes, %v", n, ok)
				}
			}); allocs > allowed {
				t.Errorf("%s: %v allocations", tls.VersionName(version), allocs)
			}
		})
		<-done
		_ = raw.SetDeadline(time.Now())
		<-drained
	}
}

package main_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/gobwas/ws"
	"github.com/gorilla/websocket"
)

// record is what one connection saw until its end.
type record struct {
	name    string
	offsets []uint64 // of publications, in the order in which they came
	acked   []uint64
	bye     *int
	err     error
}

// listen reads to the end. What is said again after each ack is the caller's.
func (c *chatter) listen(acked func(offset uint64)) (r record) {
	r.name = c.name
	for {
		_ = c.SetReadDeadline(time.Now().Add(patience))
		_, raw, err := c.ReadMessage()
		if err != nil {
			r.err = err
			return r
		}
		var s said
		if r.err = json.Unmarshal(raw, &s); r.err != nil {
			return r
		}
		switch {
		case s.Status != nil && *s.Status == 1:
			r.offsets = append(r.offsets, s.Offset)
		case s.Ev == "bye":
			r.bye = s.RetryAfter
		case s.Ev == "ack":
			r.acked = append(r.acked, s.Offset)
			acked(s.Offset)
		}
	}
}

// TestDrainLosesNothing says as much as the gateway takes until SIGTERM. What was acknowledged to anyone or seen by
// anyone must have been seen by everyone who read until the close frame.
func TestDrainLosesNothing(t *testing.T) {
	g := serve(t, "--rate", "0", "--drain", "2s")
	const readers, speakers, before = 30, 4, 1000
	var people []*chatter
	for i := range readers {
		people = append(people, g.chatter("lobby", fmt.Sprint("plain-", i)))
		v1 := g.v1(fmt.Sprint("v1-", i))
		v1.join("lobby")
		people = append(people, v1)
	}
	enough := make(chan struct{})
	var said atomic.Int64
	records := make([]record, len(people))
	var all sync.WaitGroup
	for i, c := range people {
		say := func(uint64) {}
		if speaker := i%2 == 1 && i < 2*speakers; speaker {
			say = func(uint64) {
				if said.Add(1) == before {
					close(enough)
				}
				_ = c.WriteJSON(map[string]any{"op": "say", "room": "lobby", "message": strings.Repeat("word ", 40), "id": 1})
			}
			say(0)
		}
		all.Go(func() { records[i] = c.listen(say) })
	}
	<-enough
	g.signal(syscall.SIGTERM)
	all.Wait()
	if code := g.exit(); code != 0 {
		t.Errorf("exit code %d", code)
	}
	newest := uint64(0)
	for _, r := range records {
		for _, offset := range slices.Concat(r.offsets, r.acked) {
			newest = max(newest, offset)
		}
	}
	t.Logf("%d messages were accepted", newest)
	for _, r := range records {
		r.check(t, newest)
	}
}

// check holds one reader to every offset up to newest, once and in order, and to the end that a drain is.
func (r *record) check(t *testing.T, newest uint64) {
	t.Helper()
	for i, offset := range r.offsets {
		if offset != uint64(i+1) {
			t.Errorf("%s: offset %d in place %d", r.name, offset, i+1)
			return
		}
	}
	if n := uint64(len(r.offsets)); n != newest {
		t.Errorf("%s saw %d messages of %d", r.name, n, newest)
	}
	if !websocket.IsCloseError(r.err, websocket.CloseServiceRestart) {
		t.Errorf("%s: ended with %v, want 1012", r.name, r.err)
	}
}

// TestDrainTellsWhenToComeBack: rookery.v1 has a word for it, the plain dialect the close code.
func TestDrainTellsWhenToComeBack(t *testing.T) {
	g := serve(t, "--drain", "60s", "--handshake", "60s", "--loops", "1")
	keptAlive, halfway := g.raw(), g.raw()
	keptAlive.write([]byte("GET /readyz HTTP/1.1\r\nHost: x\r\n\r\n"))
	if res, _ := keptAlive.response(); res.StatusCode != http.StatusOK {
		t.Fatalf("/readyz is %d", res.StatusCode)
	}
	upgrade := fmt.Sprintf(handshake, "lobby")
	halfway.write([]byte(upgrade[:20]))
	bob := g.v1("bob")
	bob.join("lobby")
	crowd := make([]*chatter, 20)
	answers, ends := make(chan said, 20), make(chan error, 20)
	for i := range crowd {
		crowd[i] = g.chatter("lobby", fmt.Sprint("crowd-", i))
		go func() {
			for {
				var s said
				if err := crowd[i].ReadJSON(&s); err != nil {
					ends <- err
					return
				}
				answers <- s
			}
		}()
	}
	g.signal(syscall.SIGTERM)
	if r := bob.listen(nil); r.bye == nil || *r.bye < 0 || *r.bye > 60_000 || !websocket.IsCloseError(r.err, websocket.CloseServiceRestart) {
		t.Errorf("bob: bye %v, then %v", r.bye, r.err)
	}
	// The first of the crowd goes at once, the others one by one over the window.
	if err := receive(t, ends); !websocket.IsCloseError(err, websocket.CloseServiceRestart) || !strings.Contains(err.Error(), "draining") {
		t.Errorf("one of the crowd: %v", err)
	}
	for _, c := range crowd {
		_ = c.WriteJSON(map[string]string{"nickname": c.name, "message": "late"})
	}
	if s := receive(t, answers); s.Error == nil || s.Error.Code != "draining" {
		t.Errorf("what was said late was answered with %v", s)
	}
	keptAlive.write([]byte("GET /readyz HTTP/1.1\r\nHost: x\r\n\r\n"))
	if res, body := keptAlive.response(); res.StatusCode != http.StatusServiceUnavailable || !res.Close {
		t.Errorf("/readyz of a draining gateway is %d %q, close %v", res.StatusCode, body, res.Close)
	}
	halfway.write([]byte(upgrade[20:]))
	if res, body := halfway.response(); res.StatusCode != http.StatusServiceUnavailable || !strings.Contains(body, "draining") {
		t.Errorf("an upgrade is answered %d %q", res.StatusCode, body)
	}
	if _, err := net.DialTimeout("tcp", g.addr, patience); !errors.Is(err, syscall.ECONNREFUSED) {
		t.Errorf("a new connection: %v, want it refused", err)
	}
	for _, c := range crowd {
		_ = c.Close()
	}
	if code := g.exit(); code != 0 { // long before the window is over: nobody is left
		t.Errorf("exit code %d", code)
	}
}

// TestDrainWaitsForSlowReaders: one whose socket is full when the drain begins gets the rest of its room too.
func TestDrainWaitsForSlowReaders(t *testing.T) {
	g := serve(t, "--rate", "0", "--drain", "10s", "--loops", "1")
	ann, slow := g.v1("ann"), g.narrow()
	ann.join("lobby")
	slow.write(fmt.Appendf(nil, handshake, "lobby"))
	slow.upgraded()
	head := uint64(0)
	say := func() {
		ann.send(map[string]any{"op": "say", "room": "lobby", "message": strings.Repeat("x", 16<<10), "id": 1})
		head = ann.until("the message", func(s said) bool { return s.Status != nil }).Offset
	}
	for head%32 != 0 || g.metric("rookery_stalled_members") == 0 {
		say()
	}
	for range 20 {
		say()
	}
	g.signal(syscall.SIGTERM)
	ann.ends()
	for offset := uint64(1); offset <= head; offset++ {
		f := slow.frame()
		if f.Header.OpCode == ws.OpClose {
			t.Fatalf("closed behind offset %d of %d", offset-1, head)
		}
		var s said
		if err := json.Unmarshal(f.Payload, &s); err != nil || s.Offset != offset {
			t.Fatalf("offset %d behind %d, %v", s.Offset, offset-1, err)
		}
	}
	slow.fails(1012)
	if code := g.exit(); code != 0 {
		t.Errorf("exit code %d", code)
	}
}

func TestSecondSignalEndsAtOnce(t *testing.T) {
	g := serve(t, "--drain", "600s", "--loops", "1")
	chat := g.conversation("lobby", 3)
	chat("hello")
	g.signal(syscall.SIGTERM)
	eventually(t, "the log says so", func() bool { return strings.Contains(g.log.String(), "draining") })
	g.signal(syscall.SIGTERM)
	if code := g.exit(); code != 1 {
		t.Errorf("exit code %d after a second signal, want 1", code)
	}
}

func TestRestartOnTheSamePort(t *testing.T) {
	for name, sig := range map[string]syscall.Signal{"SIGTERM": syscall.SIGTERM, "SIGKILL": syscall.SIGKILL} {
		t.Run(name, func(t *testing.T) {
			old := serve(t)
			old.t = t
			for i := range 20 {
				old.chatter("lobby", fmt.Sprint("old-", i))
			}
			old.signal(sig)
			old.exit()
			g := serve(t, "--addr", old.addr)
			if g.addr != old.addr {
				t.Fatalf("listens on %s, want %s", g.addr, old.addr)
			}
			g.conversation("lobby", 3)("back again")
		})
	}
}

func TestSecondGatewayOnThePort(t *testing.T) {
	g := serve(t)
	chat := g.conversation("lobby", 2)
	code, stdout, stderr := rookery(t, nil, "serve", "--addr", g.addr)
	if code != 2 || stdout != "" || strings.Count(stderr, "\n") != 1 || !strings.Contains(stderr, "address already in use") || !strings.Contains(stderr, "--addr") {
		t.Errorf("exit code %d, %q", code, stderr)
	}
	chat("alone")
}

// TestNodesShareAPort is the same when the operator means it.
func TestNodesShareAPort(t *testing.T) {
	first := serve(t, "--share-port")
	second := serve(t, "--share-port", "--addr", first.addr)
	held := 0
	eventually(t, "both have connections", func() bool {
		first.chatter("lobby", fmt.Sprint("person-", held))
		held++
		return strings.Count(first.log.String()+second.log.String(), "listening") == 2 && held > 40
	})
	first.signal(syscall.SIGTERM)
	if code := first.exit(); code != 0 {
		t.Errorf("exit code %d", code)
	}
	second.conversation("attic", 3)("one is left")
}

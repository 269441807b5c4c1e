package main_test

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"os/exec"
	"strings"
	"testing"
	"time"
)

// TestFewDescriptors runs a gateway that may have 128 descriptors and comes to it with 500 connections.
func TestFewDescriptors(t *testing.T) {
	g := launch(t, exec.Command(needed(t, "bash"), "-c", `ulimit -n 128; exec "$0" "$@"`, program, "serve", "--addr", "127.0.0.1:0", "--drain", "100ms"))
	places := int(g.metric("rookery_max_connections"))
	if places < 50 || places > 110 {
		t.Fatalf("%d places with 128 descriptors", places)
	}
	chat := g.conversation("lobby", 3)
	var upgraded, refused, dropped int
	var held []net.Conn
	for i := range 500 {
		c, err := net.Dial("tcp", g.addr)
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		_ = c.SetDeadline(time.Now().Add(patience))
		_, _ = fmt.Fprintf(c, handshake, "crowd")
		var status [13]byte
		_, err = io.ReadFull(c, status[:])
		switch {
		case err != nil:
			dropped++
		case string(status[:]) == "HTTP/1.1 101 ":
			upgraded++
			held = append(held, c)
		case string(status[:]) == "HTTP/1.1 503 ":
			refused++
			held = append(held, c) // also that costs the server a descriptor
		default:
			t.Fatalf("answered %q", status)
		}
		if i%50 == 0 {
			chat(fmt.Sprint("beside ", i))
		}
	}
	if upgraded+3 != places || refused == 0 {
		t.Errorf("%d upgraded, %d told 503, %d closed unread, with %d places", upgraded, refused, dropped, places)
	}
	t.Logf("%d upgraded, %d told 503, %d closed unread", upgraded, refused, dropped)
	chat("when it is full")
	for _, c := range held {
		_ = c.Close()
	}
	eventually(t, "only the chatters are left", func() bool { return g.metric("rookery_connections") == 3 })
	for i := range places - 3 {
		g.chatter("crowd", fmt.Sprint("again-", i))
	}
	chat("after all that")
}

// TestPlacesAreLimited is the same with --max-conns and --max-conns-per-ip, where everybody can be told.
func TestPlacesAreLimited(t *testing.T) {
	for flag, cause := range map[string]string{"--max-conns": "over_capacity", "--max-conns-per-ip": "too_many_from_ip"} {
		t.Run(cause, func(t *testing.T) {
			g := serve(t, flag, "3")
			g.t = t
			chat := g.conversation("lobby", 3)
			for range 5 {
				c := g.raw()
				c.write(fmt.Appendf(nil, handshake, "lobby"))
				res, body := c.response()
				if res.StatusCode != http.StatusServiceUnavailable || !strings.Contains(body, flag[2:]) {
					t.Fatalf("%d %q, want 503 that names %s", res.StatusCode, body, flag)
				}
				_ = c.Close()
				chat("beside it")
			}
			if status, _ := g.get("/healthz"); status != http.StatusOK {
				t.Errorf("/healthz of a full server is %d", status)
			}
			eventually(t, "all are counted", func() bool { return g.closed(cause) >= 5 })
		})
	}
}

// TestClientsThatVanish is about peers that end without a closing handshake: one resets the connection, one says
// nothing any more and keeps its socket.
func TestClientsThatVanish(t *testing.T) {
	g := serve(t, "--ping", "1s")
	ann := g.chatter("lobby", "ann")
	silent, reset := g.enter("lobby"), g.enter("lobby")
	silent.write(masked(text, `{"nickname":"silent","message":"here"}`))
	ann.hears(1, "silent", "here")
	reset.write(masked(text, `{"nickname":"reset","message":"here"}`))
	ann.hears(1, "reset", "here")
	if err := reset.Conn.(*net.TCPConn).SetLinger(0); err != nil {
		t.Fatal(err)
	}
	_ = reset.Close()
	ann.hears(0, "reset", "here")
	ann.hears(0, "silent", "here")
	if vanished, late := g.closed("peer_vanished"), g.closed("ping_timeout"); vanished != 1 || late != 1 {
		t.Errorf("%d counted as peer_vanished, %d as ping_timeout, want 1 and 1", vanished, late)
	}
	silent.fails(1008)
}

// TestClientsThatNeverRead puts 100 of them into a room in which 20 MiB are said: with a queue each they would take 2 GiB.
func TestClientsThatNeverRead(t *testing.T) {
	g := serve(t, "--rate", "0")
	sender, reader := g.v1("ann"), g.v1("bob")
	sender.join("lobby")
	reader.join("lobby")
	for range 100 {
		g.narrow().write(fmt.Appendf(nil, handshake, "lobby"))
	}
	eventually(t, "all are in the room", func() bool { return g.metric("rookery_members") == 102 })
	before := g.metric("process_resident_memory_bytes")
	const messages = 640
	long := strings.Repeat("x", 32<<10)
	offset := uint64(0)
	for i := range messages {
		sender.send(map[string]any{"op": "say", "room": "lobby", "message": long, "id": i})
		for _, c := range []*chatter{sender, reader} {
			s := c.until("the message", func(s said) bool { return s.Status != nil })
			if s.Offset != offset+1 || s.Message != long {
				t.Fatalf("%s got offset %d behind %d", c.name, s.Offset, offset)
			}
		}
		offset++
	}
	grown := g.metric("process_resident_memory_bytes") - before
	t.Logf("resident memory grew by %.1f MiB", grown/(1<<20))
	if grown > 256<<20 {
		t.Errorf("resident memory grew by %.0f MiB", grown/(1<<20))
	}
	if stalled := g.metric("rookery_stalled_members"); stalled != 100 {
		t.Errorf("%v members are stalled, want 100", stalled)
	}
}

// TestSlowConsumers is about one who reads again after the log has moved on: what becomes of it is the policy.
func TestSlowConsumers(t *testing.T) {
	const said32K = 320 // 10 MiB: more than the socket's buffers and the room's log hold
	long := strings.Repeat("x", 32<<10)
	for policy, end := range map[string]func(t *testing.T, c *raw){
		"skip": func(t *testing.T, c *raw) {
			for offset := 0; offset < said32K; {
				s := c.object()
				if int(s.Offset) <= offset {
					t.Fatalf("offset %d after %d", s.Offset, offset)
				}
				offset = int(s.Offset)
			}
		},
		"close": func(t *testing.T, c *raw) { c.fails(1013) },
		"latest": func(t *testing.T, c *raw) {
			for c.object().Offset < said32K {
			}
		},
	} {
		t.Run(policy, func(t *testing.T) {
			g := serve(t, "--rate", "0", "--slow", policy)
			g.t = t
			ann := g.v1("ann")
			ann.join("lobby")
			slow := g.narrow()
			slow.write(fmt.Appendf(nil, handshake, "lobby"))
			slow.upgraded()
			for i := range said32K {
				ann.send(map[string]any{"op": "say", "room": "lobby", "message": long, "id": i})
				ann.until("the message", func(s said) bool { return s.Status != nil })
			}
			end(t, slow)
		})
	}
}

// TestInputBudget sends unfinished messages past --max-pinned: who holds most is closed, the others go on.
func TestInputBudget(t *testing.T) {
	g := serve(t, "--max-pinned", fmt.Sprint(1<<20), "--max-message", fmt.Sprint(256<<10))
	chat := g.conversation("lobby", 2)
	half := masked(text, strings.Repeat("x", 250<<10))[:200<<10]
	var hoarders []*raw
	for i := range 10 {
		c := g.enter("hoard")
		_, _ = c.Write(half)
		hoarders = append(hoarders, c)
		chat(fmt.Sprint("beside ", i))
	}
	eventually(t, "some were closed", func() bool { return g.closed("input_budget_frame")+int(g.metric("rookery_connections")) >= 12 })
	if pinned := g.metric("rookery_pinned_bytes"); pinned > 1<<20 {
		t.Errorf("%v bytes are pinned", pinned)
	}
	for _, c := range hoarders {
		_ = c.Close()
	}
	eventually(t, "nothing is pinned", func() bool { return g.metric("rookery_pinned_bytes") == 0 })
	chat("after it")
}

// TestRateLimit answers what is over the limit with an error, to its sender alone.
func TestRateLimit(t *testing.T) {
	g := serve(t, "--rate", "1")
	ann, bob := g.chatter("lobby", "ann"), g.chatter("lobby", "bob")
	for range 4 {
		ann.say("again")
	}
	if s := ann.until("an error", func(s said) bool { return *s.Status == 2 }); s.Error == nil || s.Error.Code != "rate_limited" {
		t.Errorf("got %v", s)
	}
	bob.say("hello")
	for s := bob.next(); s.Nickname != "bob"; s = bob.next() {
		if *s.Status != 1 {
			t.Errorf("bob heard %v", s)
		}
	}
}

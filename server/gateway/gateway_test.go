package gateway

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"testing"
	"time"

	"github.com/gorilla/websocket"

	"rookery/server"
	"rookery/server/internal/certtest"
)

// start runs a gateway on a free loopback port until the test ends.
func start(t testing.TB, cfg Config) *Gateway {
	t.Helper()
	cfg.Server.Addr, cfg.Server.TLS = "127.0.0.1:0", certtest.Config(cfg.Server.TLS)
	cfg.Server.Logger = slog.New(slog.NewTextHandler(io.Discard, nil))
	if cfg.Drain == 0 {
		cfg.Drain = 200 * time.Millisecond
	}
	g := New(cfg)
	stopped := make(chan error, 1)
	go func() { stopped <- g.ListenAndServe() }()
	select {
	case <-g.Server().Ready():
	case err := <-stopped:
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
		defer cancel()
		if !g.draining.Load() {
			_ = g.Shutdown(ctx)
		}
		if err := <-stopped; !errors.Is(err, server.ErrServerClosed) {
			t.Errorf("ListenAndServe returned %v", err)
		}
	})
	return g
}

type event map[string]any

type client struct {
	t testing.TB
	*websocket.Conn
}

func dial(t testing.TB, g *Gateway, query, protocol string) *client {
	t.Helper()
	return dialAt(t, certtest.URL("ws", g.Server().Addr()), query, protocol)
}

func dialAt(t testing.TB, url, query, protocol string) *client {
	t.Helper()
	d := websocket.Dialer{TLSClientConfig: certtest.Client()}
	if protocol != "" {
		d.Subprotocols = []string{protocol}
	}
	c, _, err := d.Dial(url+"/ws?"+query, http.Header{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	return &client{t, c}
}

func (c *client) say(v any) {
	c.t.Helper()
	if err := c.WriteJSON(v); err != nil {
		c.t.Fatal(err)
	}
}

func (c *client) next() event {
	c.t.Helper()
	_ = c.SetReadDeadline(time.Now().Add(10 * time.Second))
	_, raw, err := c.ReadMessage()
	if err != nil {
		c.t.Fatal(err)
	}
	var e event
	if err := json.Unmarshal(raw, &e); err != nil {
		c.t.Fatalf("%s: %v", raw, err)
	}
	return e
}

func (c *client) expect(name, value string) event {
	c.t.Helper()
	for {
		e := c.next()
		if e["ev"] == "presence" {
			continue
		}
		if e[name] != value {
			c.t.Fatalf("got %v, want %s %q", e, name, value)
		}
		return e
	}
}

func TestPlainDialect(t *testing.T) {
	g := start(t, Config{})
	ann, bob := dial(t, g, "room=r", ""), dial(t, g, "room=r", "")
	time.Sleep(50 * time.Millisecond)
	ann.say(event{"nickname": "ann", "message": "hi", "time": "10-22 21:33:01", "status": 7, "extra": 1})
	for _, c := range []*client{ann, bob} {
		e := c.next()
		if e["status"] != 1.0 || e["room"] != "r" || e["offset"] != 1.0 || e["message"] != "hi" || e["extra"] != 1.0 {
			t.Fatalf("got %v", e)
		}
	}
	if err := ann.WriteMessage(websocket.TextMessage, []byte("{")); err != nil {
		t.Fatal(err)
	}
	if e := ann.next(); e["status"] != 2.0 || e["error"].(map[string]any)["code"] != "bad_json" {
		t.Fatalf("got %v", e)
	}
	_ = ann.Close()
	if e := bob.next(); e["status"] != 0.0 || e["nickname"] != "ann" || e["offset"] != 2.0 {
		t.Fatalf("got %v", e)
	}
}

func TestV1Conversation(t *testing.T) {
	g := start(t, Config{})
	ann, bob := dial(t, g, "", Subprotocol), dial(t, g, "", Subprotocol)
	for _, c := range []*client{ann, bob} {
		if e := c.expect("ev", "welcome"); e["ping_seconds"] != 25.0 {
			t.Fatalf("got %v", e)
		}
	}
	ann.say(event{"op": "join", "room": "r", "nickname": "ann", "id": 1})
	joined := ann.expect("ev", "joined")
	bob.say(event{"op": "join", "room": "r", "nickname": "bob", "id": "x"})
	if e := bob.expect("ev", "joined"); e["online"] != 2.0 || e["id"] != "x" {
		t.Fatalf("got %v", e)
	}
	ann.say(event{"op": "say", "room": "r", "message": event{"a": []int{1}}, "key": "k1", "id": 3})
	if e := bob.next(); e["status"] != 1.0 || e["nickname"] != "ann" || e["offset"] != 1.0 {
		t.Fatalf("got %v", e)
	}
	// The ack and the message come on different lanes, in either order.
	seen := map[any]bool{}
	for range 2 {
		e := ann.next()
		if e["ev"] == "presence" {
			e = ann.next()
		}
		seen[e["ev"]] = true
	}
	if !seen["ack"] || !seen[nil] {
		t.Fatalf("saw %v", seen)
	}
	ann.say(event{"op": "say", "room": "r", "message": "again", "key": "k1", "id": 4})
	if e := ann.expect("ev", "ack"); e["repeat"] != true || e["offset"] != 1.0 {
		t.Fatalf("got %v", e)
	}
	_ = bob.Close()
	ann.say(event{"op": "say", "room": "r", "message": 2})
	bob = dial(t, g, "", Subprotocol)
	bob.expect("ev", "welcome")
	bob.say(event{"op": "join", "room": "r", "nickname": "bob", "after": event{"epoch": joined["epoch"], "offset": 1}})
	if e := bob.expect("ev", "joined"); e["recovered"] != true {
		t.Fatalf("got %v", e)
	}
	if e := bob.next(); e["offset"] != 2.0 || e["message"] != 2.0 {
		t.Fatalf("got %v", e)
	}
	bob.say(event{"op": "who", "room": "r", "id": 9})
	if e := bob.expect("ev", "who"); len(e["members"].([]any)) != 2 {
		t.Fatalf("got %v", e)
	}
	bob.say(event{"op": "history", "room": "r", "before": 2, "limit": 10, "id": 9})
	if e := bob.expect("ev", "history"); len(e["messages"].([]any)) != 1 {
		t.Fatalf("got %v", e)
	}
}

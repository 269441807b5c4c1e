package main_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/gorilla/websocket"
)

// said is any object that the gateway sends, in both dialects.
type said struct {
	Status     *int
	Ev         string
	Room       string
	Epoch      string
	Offset     uint64
	Nickname   string
	Time       string
	Message    any
	Online     int
	Conn       string
	To         uint64
	Members    []string
	Repeat     bool
	RetryAfter *int `json:"retry_after_ms"`
	Code       string
	Error      *struct{ Code, Reason string }
}

func (s said) String() string {
	status := -1
	if s.Status != nil {
		status = *s.Status
	}
	return fmt.Sprintf("%d %s: %v", status, s.Nickname, s.Message)
}

// chatter is one person, in the plain dialect unless it was made with v1.
type chatter struct {
	*websocket.Conn
	t    *testing.T
	name string
}

// chatter enters a room in the plain dialect and has been heard there when it returns: by others too.
func (g *gateway) chatter(room, name string) *chatter {
	g.t.Helper()
	return g.dial("/?room="+room+"&nickname="+name, name, &websocket.Dialer{})
}

// v1 connects in rookery.v1 and is in no room yet.
func (g *gateway) v1(name string) *chatter {
	g.t.Helper()
	c := g.dial("/ws", name, &websocket.Dialer{Subprotocols: []string{"rookery.v1"}})
	c.until("welcome", func(s said) bool { return s.Ev == "welcome" })
	return c
}

func (g *gateway) dial(path, name string, d *websocket.Dialer) *chatter {
	g.t.Helper()
	d.HandshakeTimeout = patience
	conn, res, err := d.Dial("ws://"+g.addr+path, http.Header{})
	if err != nil {
		g.t.Fatalf("%s: %v, %v", name, err, res)
	}
	g.t.Cleanup(func() { _ = conn.Close() })
	return &chatter{Conn: conn, t: g.t, name: name}
}

// send sends any value as JSON.
func (c *chatter) send(v any) {
	c.t.Helper()
	if err := c.WriteJSON(v); err != nil {
		c.t.Fatalf("%s: %v", c.name, err)
	}
}

// say speaks as the tutorials' pages do.
func (c *chatter) say(text string) {
	c.t.Helper()
	c.send(map[string]string{"nickname": c.name, "message": text, "time": "10-22 21:33:01"})
}

// next returns what comes next.
func (c *chatter) next() said {
	c.t.Helper()
	_ = c.SetReadDeadline(time.Now().Add(patience))
	_, raw, err := c.ReadMessage()
	if err != nil {
		c.t.Fatalf("%s: %v", c.name, err)
	}
	var s said
	if err := json.Unmarshal(raw, &s); err != nil {
		c.t.Fatalf("%s got %q: %v", c.name, raw, err)
	}
	return s
}

// until reads on to the first object that fits, and returns it.
func (c *chatter) until(what string, fits func(said) bool) said {
	c.t.Helper()
	for n := 0; n < 100_000; n++ {
		if s := c.next(); fits(s) {
			return s
		}
	}
	c.t.Fatalf("%s: %s never came", c.name, what)
	return said{}
}

// hears fails unless this is what comes next: status 1 is a message, 0 a leave.
func (c *chatter) hears(status int, from, text string) said {
	c.t.Helper()
	s := c.next()
	if s.Status == nil || *s.Status != status || s.Nickname != from || s.Message != text {
		c.t.Fatalf("%s heard %v, want %d %s: %s", c.name, s, status, from, text)
	}
	return s
}

// join enters a room in rookery.v1.
func (c *chatter) join(room string) said {
	c.t.Helper()
	c.send(map[string]any{"op": "join", "room": room, "nickname": c.name})
	return c.until("joined", func(s said) bool { return s.Ev == "joined" && s.Room == room })
}

// ends reads on to the close frame and returns it.
func (c *chatter) ends() *websocket.CloseError {
	c.t.Helper()
	for {
		_ = c.SetReadDeadline(time.Now().Add(patience))
		_, _, err := c.ReadMessage()
		if err == nil {
			continue
		}
		closed, ok := err.(*websocket.CloseError)
		if !ok {
			c.t.Fatalf("%s: %v, want a close frame", c.name, err)
		}
		return closed
	}
}

// conversation makes some people in a room say something and hear each other: how the tests see that a fault that is
// under way is nobody else's.
func (g *gateway) conversation(room string, people int) func(text string) {
	g.t.Helper()
	chatters := make([]*chatter, people)
	for i := range chatters {
		chatters[i] = g.chatter(room, fmt.Sprintf("%s-%d", room, i))
	}
	return func(text string) {
		g.t.Helper()
		for _, speaker := range chatters {
			speaker.say(text)
			for _, c := range chatters {
				c.hears(1, speaker.name, text)
			}
		}
	}
}

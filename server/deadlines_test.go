package server

import (
	"testing"
	"time"
)

// TestDeadlinesForget: a queue holds no more entries than twice those that still mean something, and those in their order.
func TestDeadlinesForget(t *testing.T) {
	l := newLoop(&Server{}, 0)
	now := time.Now()
	var waiting []*Conn
	for i := range 20_000 {
		c := &Conn{loop: l}
		l.handshaking.push(c, now)
		if i%1000 == 0 {
			waiting = append(waiting, c)
		} else {
			c.state = stateOpen
		}
	}
	if n := cap(l.handshaking.queue); n > 128 {
		t.Errorf("room for %d entries", n)
	}
	for _, want := range waiting {
		for {
			c, due := l.handshaking.pop(now)
			if !due {
				t.Fatal("an entry is lost")
			}
			if c == want {
				break
			}
			if !c.shaken() {
				t.Fatal("out of order")
			}
		}
	}
}

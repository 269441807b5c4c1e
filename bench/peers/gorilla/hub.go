package main

import (
	"sync"

	"github.com/gorilla/websocket"
)

// hub is one room. Its members are owned by the goroutine of run.
type hub struct {
	members    map[*client]bool
	broadcast  chan *websocket.PreparedMessage
	register   chan *client
	unregister chan *client
}

func (h *hub) run() {
	for {
		select {
		case c := <-h.register:
			h.members[c] = true
		case c := <-h.unregister:
			h.drop(c)
		case m := <-h.broadcast:
			for c := range h.members {
				select {
				case c.send <- m:
				default: // slow consumer
					h.drop(c)
				}
			}
		}
	}
}

// drop ends c's writing goroutine, once.
func (h *hub) drop(c *client) {
	if h.members[c] {
		delete(h.members, c)
		close(c.send)
	}
}

// hubs finds the hub of a room. A hub, like the example's, lives as long as the process.
type hubs struct {
	mu     sync.Mutex
	byRoom map[string]*hub
}

func (s *hubs) get(room string) *hub {
	s.mu.Lock()
	defer s.mu.Unlock()
	h := s.byRoom[room]
	if h == nil {
		h = &hub{
			members:    make(map[*client]bool),
			broadcast:  make(chan *websocket.PreparedMessage),
			register:   make(chan *client),
			unregister: make(chan *client),
		}
		if s.byRoom == nil {
			s.byRoom = make(map[string]*hub)
		}
		s.byRoom[room] = h
		go h.run()
	}
	return h
}

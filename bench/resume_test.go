package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/gorilla/websocket"
)

// logServer is a rookery.v1 server with one room, just enough of it to see whether bench can tell a server
// that resumes well from one that does not.
type logServer struct {
	forget int // entries a replay leaves out without saying so
	repeat int // entries a replay sends although the member has them

	mu      sync.Mutex
	log     [][]byte
	members map[*websocket.Conn]bool
}

func (s *logServer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	u := websocket.Upgrader{CheckOrigin: func(*http.Request) bool { return true }, Subprotocols: []string{v1}}
	c, err := u.Upgrade(w, r, nil)
	if err != nil {
		return
	}
	defer func() {
		s.mu.Lock()
		delete(s.members, c)
		s.mu.Unlock()
		_ = c.Close()
	}()
	s.send(c, `{"ev":"welcome","node":"n1"}`)
	for {
		var op struct {
			Op      string
			Message json.RawMessage
			After   *struct{ Offset int }
		}
		if c.ReadJSON(&op) != nil {
			return
		}
		s.mu.Lock()
		switch op.Op {
		case "join":
			s.join(c, op.After != nil, func() int { return op.After.Offset })
		case "say":
			s.log = append(s.log, fmt.Appendf(nil, `{"status":1,"room":"r","offset":%d,"message":%s}`, len(s.log)+1, op.Message))
			for m := range s.members {
				_ = m.WriteMessage(websocket.TextMessage, s.log[len(s.log)-1])
			}
		default: // the preflight's plain message
			text, _ := json.Marshal(map[string]json.RawMessage{"message": op.Message})
			_ = c.WriteMessage(websocket.TextMessage, text)
		}
		s.mu.Unlock()
	}
}

func (s *logServer) send(c *websocket.Conn, text string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	_ = c.WriteMessage(websocket.TextMessage, []byte(text))
}

// join answers and replays; the lock is held.
func (s *logServer) join(c *websocket.Conn, resumes bool, offset func() int) {
	joined := fmt.Sprintf(`{"ev":"joined","room":"r","epoch":"E","offset":%d,"recovered":%v}`, len(s.log), resumes)
	_ = c.WriteMessage(websocket.TextMessage, []byte(joined))
	if resumes {
		from := min(max(offset()+s.forget-s.repeat, 0), len(s.log))
		for _, entry := range s.log[from:] {
			_ = c.WriteMessage(websocket.TextMessage, entry)
		}
	}
	s.members[c] = true
}

func TestResumeIsChecked(t *testing.T) {
	for _, tt := range []struct {
		name           string
		forget, repeat int
		gaps, dups     bool
	}{
		{"a good server", 0, 0, false, false},
		{"one that loses a message", 1, 0, true, false},
		{"one that repeats a message", 0, 1, false, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			srv := &logServer{forget: tt.forget, repeat: tt.repeat, members: map[*websocket.Conn]bool{}}
			s := testSession(t, startHandler(t, srv), targetNeeds{})
			s.opt.Rate, s.opt.Duration = 20, 1500*time.Millisecond
			l, members, err := s.v1Members(10)
			if err != nil {
				t.Fatal(err)
			}
			p := s.pass("cut and resume", l)
			// The members stay away for a while, so that there is something to replay.
			p.during = func() error {
				return members.all(order{Cut: &cutOrder{At: now() + int64(300*time.Millisecond), Away: int64(300 * time.Millisecond)}})
			}
			if _, err := s.measure(p); err != nil {
				t.Fatal(err)
			}
			got := l.got.reach
			if (got.Gaps > 0) != tt.gaps || (got.Duplicates > 0) != tt.dups || (got.Share < 1) != tt.gaps {
				t.Errorf("reach %+v, want gaps %v and duplicates %v", got, tt.gaps, tt.dups)
			}
			sum, back, err := l.comeback()
			if err != nil || sum.Back != 10 || sum.Recovered != 10 || back.count() != 10 {
				t.Errorf("%+v came back, %d timed, %v", sum, back.count(), err)
			}
			if peak := peakPerSecond(l.got.resume); peak < 10 {
				t.Errorf("peak of %.0f reconnects per second, want 10", peak)
			}
		})
	}
}

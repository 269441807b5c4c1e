package main

import (
	"crypto/tls"
	"fmt"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gorilla/websocket"
)

// testServer is a broadcast server on another implementation of WebSocket, with faults built in on purpose.
type testServer struct {
	delay     time.Duration // between receiving a message and passing it on
	dropEvery int           // every so manieth delivery is left out
	silent    bool          // takes messages and sends nothing back
	compress  bool

	mu         sync.Mutex
	rooms      map[string]map[*testMember]bool
	last       chan struct{} // closed when the last delayed message has been passed on
	delayed    latencies     // how late a message really left, measured here
	deliveries atomic.Int64
}

type testMember struct {
	conn *websocket.Conn
	mu   sync.Mutex
}

func (s *testServer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	u := websocket.Upgrader{CheckOrigin: func(*http.Request) bool { return true }, EnableCompression: s.compress}
	conn, err := u.Upgrade(w, r, nil)
	if err != nil {
		return
	}
	defer conn.Close()
	m := &testMember{conn: conn}
	room := r.URL.Query().Get("room")
	s.mu.Lock()
	if s.rooms[room] == nil {
		s.rooms[room] = map[*testMember]bool{}
	}
	s.rooms[room][m] = true
	s.mu.Unlock()
	defer func() {
		s.mu.Lock()
		delete(s.rooms[room], m)
		s.mu.Unlock()
	}()
	for {
		_, text, err := conn.ReadMessage()
		if err != nil {
			return
		}
		switch {
		case s.silent:
		case s.delay > 0:
			s.later(func() { s.broadcast(room, text) })
		default:
			s.broadcast(room, text)
		}
	}
}

// later calls fn after the delay, and in the order of the calls: on a busy host timers overtake each other.
func (s *testServer) later(fn func()) {
	done := make(chan struct{})
	s.mu.Lock()
	before := s.last
	s.last = done
	s.mu.Unlock()
	time.AfterFunc(s.delay, func() {
		defer close(done)
		if before != nil {
			<-before
		}
		fn()
	})
}

func (s *testServer) broadcast(room string, text []byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	prepared, err := websocket.NewPreparedMessage(websocket.TextMessage, text)
	if err != nil {
		return
	}
	for m := range s.rooms[room] {
		if n := s.deliveries.Add(1); s.dropEvery > 0 && n%int64(s.dropEvery) == 0 {
			continue
		}
		if mark, ok := findMarker(text); ok {
			s.delayed.record(now() - mark.due)
		}
		m.mu.Lock()
		_ = m.conn.WritePreparedMessage(prepared)
		m.mu.Unlock()
	}
}

// start serves on a port the kernel chooses and returns the target's URL.
func (s *testServer) start(t *testing.T, secure bool) string {
	t.Helper()
	s.rooms = map[string]map[*testMember]bool{}
	s.delayed = newLatencies(fine)
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	scheme := "ws"
	if secure {
		holder := &target{}
		files, err := holder.certificate()
		if err != nil {
			t.Fatal(err)
		}
		cert, err := tls.LoadX509KeyPair(files[1], files[3])
		if err != nil {
			t.Fatal(err)
		}
		holder.cleanup[0]()
		l = tls.NewListener(l, &tls.Config{Certificates: []tls.Certificate{cert}})
		scheme = "wss"
	}
	serve(t, l, s)
	return fmt.Sprintf("%s://%s/?room=%s", scheme, l.Addr(), roomField)
}

func serve(t *testing.T, l net.Listener, h http.Handler) {
	srv := &http.Server{Handler: h}
	go func() { _ = srv.Serve(l) }()
	t.Cleanup(func() { _ = srv.Close() })
}

// startHandler serves on a port the kernel chooses and returns its URL.
func startHandler(t *testing.T, h http.Handler) string {
	t.Helper()
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	serve(t, l, h)
	return "ws://" + l.Addr().String() + "/"
}

// testSession measures a URL with few connections and no patience.
func testSession(t *testing.T, url string, needs targetNeeds) *session {
	t.Helper()
	opt := options{Target: url, Nodes: 1, Runs: 1, Message: defaultTemplate}
	s, err := newSession(t.Context(), opt, needs, newUI(true))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.close)
	s.patience = patience{still: 500 * time.Millisecond, all: 5 * time.Second}
	return s
}

// testRun measures one lane and returns its row.
func testRun(t *testing.T, s *session, l *lane, length time.Duration) row {
	t.Helper()
	u, err := s.measure(pass{what: "test", warmup: 200 * time.Millisecond, length: length, lanes: []*lane{l}})
	if err != nil {
		t.Fatal(err)
	}
	var r row
	r.take(s, l, u)
	return r
}

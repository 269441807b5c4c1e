// Coder is the broadcast peer on coder/websocket, in the shape of that library's chat example: a member is a bounded
// channel and a goroutine that writes from it; one whose channel is full is closed.
package main

import (
	"context"
	"net/http"
	"time"

	"github.com/coder/websocket"

	"rookery/bench/peers/internal/launch"
	"rookery/bench/peers/internal/rooms"
)

const (
	// The chat example has 16 messages, which an honest burst overruns; 256 is what gorilla's has.
	sendBuffer   = 256
	writeTimeout = 5 * time.Second

	maxMessageSize = 1 << 20
)

// message is what one client sent, shared by all members.
type message struct {
	kind    websocket.MessageType
	payload []byte
}

// member is one connection in a room.
type member struct {
	messages chan *message
	slow     func()
}

func main() {
	options := launch.Parse()
	accept := &websocket.AcceptOptions{InsecureSkipVerify: true} // any Origin
	if options.Compress {
		// Without context takeover: with it a member holds a deflate window of its own, megabytes in total.
		accept.CompressionMode = websocket.CompressionNoContextTakeover
		accept.CompressionThreshold = 1 // 0 would mean the default of 512 bytes; the contract compresses every message
	}
	var all rooms.Rooms[*member]

	mux := http.NewServeMux()
	mux.HandleFunc("/{$}", func(w http.ResponseWriter, r *http.Request) {
		conn, err := websocket.Accept(w, r, accept)
		if err != nil {
			return // Accept has answered
		}
		defer conn.CloseNow()
		serve(r.Context(), conn, &all, launch.Room(r))
	})
	mux.HandleFunc("/echo", func(w http.ResponseWriter, r *http.Request) {
		conn, err := websocket.Accept(w, r, accept)
		if err != nil {
			return
		}
		defer conn.CloseNow()
		echo(r.Context(), conn)
	})
	options.Serve(mux)
}

// serve keeps conn in its room until it ends.
func serve(ctx context.Context, conn *websocket.Conn, all *rooms.Rooms[*member], name string) {
	conn.SetReadLimit(maxMessageSize)
	m := &member{
		messages: make(chan *message, sendBuffer),
		slow:     func() { conn.Close(websocket.StatusPolicyViolation, "slow consumer") },
	}
	room := all.Join(name, m)
	defer all.Leave(room, m)

	ctx, stop := context.WithCancel(ctx)
	defer stop()
	go m.write(ctx, conn)
	for {
		kind, payload, err := conn.Read(ctx)
		if err != nil {
			return
		}
		broadcast(room, &message{kind, payload})
	}
}

func broadcast(room *rooms.Room[*member], msg *message) {
	room.Each(func(m *member) {
		select {
		case m.messages <- msg:
		default:
			go m.slow()
		}
	})
}

func (m *member) write(ctx context.Context, conn *websocket.Conn) {
	for {
		select {
		case msg := <-m.messages:
			if writeWithin(ctx, writeTimeout, conn, msg) != nil {
				conn.CloseNow()
				return
			}
		case <-ctx.Done():
			return
		}
	}
}

func writeWithin(ctx context.Context, timeout time.Duration, conn *websocket.Conn, msg *message) error {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	return conn.Write(ctx, msg.kind, msg.payload)
}

func echo(ctx context.Context, conn *websocket.Conn) {
	conn.SetReadLimit(maxMessageSize)
	for {
		kind, payload, err := conn.Read(ctx)
		if err != nil {
			return
		}
		if conn.Write(ctx, kind, payload) != nil {
			return
		}
	}
}

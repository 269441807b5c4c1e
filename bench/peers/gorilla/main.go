// Gorilla is the broadcast peer on gorilla/websocket, in the shape of that library's chat example: a hub goroutine per
// room, a reading and a writing goroutine per client, a bounded channel between them.
package main

import (
	"net/http"
	"sync"

	"github.com/gorilla/websocket"

	"rookery/bench/peers/internal/launch"
)

func main() {
	options := launch.Parse()
	upgrader := &websocket.Upgrader{
		ReadBufferSize:  1024,
		WriteBufferSize: 1024,
		// A write buffer is lent for the time of a write, so an idle client has none.
		WriteBufferPool:   new(sync.Pool),
		EnableCompression: options.Compress,
		CheckOrigin:       func(*http.Request) bool { return true },
	}
	var hubs hubs

	mux := http.NewServeMux()
	mux.HandleFunc("/{$}", func(w http.ResponseWriter, r *http.Request) {
		conn, err := upgrader.Upgrade(w, r, nil)
		if err != nil {
			return // Upgrade has answered
		}
		c := &client{hub: hubs.get(launch.Room(r)), conn: conn, send: make(chan *websocket.PreparedMessage, sendBuffer)}
		c.hub.register <- c
		// In goroutines of their own, so that what net/http keeps for the request can be collected.
		go c.writePump()
		go c.readPump()
	})
	mux.HandleFunc("/echo", func(w http.ResponseWriter, r *http.Request) {
		conn, err := upgrader.Upgrade(w, r, nil)
		if err != nil {
			return
		}
		go echo(conn)
	})
	options.Serve(mux)
}

func echo(conn *websocket.Conn) {
	defer conn.Close()
	for {
		kind, payload, err := conn.ReadMessage()
		if err != nil {
			return
		}
		if conn.WriteMessage(kind, payload) != nil {
			return
		}
	}
}

package server_test

import (
	"context"
	"fmt"
	"log"
	"net/http"
	"os"
	"os/signal"
	"time"

	"github.com/gobwas/ws"
	"github.com/gorilla/websocket"

	"rookery/codec"
	"rookery/server"
)

// An echo server, and one client of it.
func Example() {
	srv := server.New(server.Config{Addr: "127.0.0.1:0"}, server.Handler{
		OnMessage: func(c *server.Conn, m codec.Message) { _ = c.Send(m.Op, m.Payload) },
	})
	go func() { _ = srv.ListenAndServe() }()
	<-srv.Ready()

	c, _, err := websocket.DefaultDialer.Dial("ws://"+srv.Addr(), nil)
	if err != nil {
		log.Fatal(err)
	}
	_ = c.WriteMessage(websocket.TextMessage, []byte("hello"))
	_, message, _ := c.ReadMessage()
	fmt.Println(string(message))
	_ = c.Close()

	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	_ = srv.Shutdown(ctx)
	// Output: hello
}

// A broadcast to all, beside ordinary HTTP on the same port: Node's `new WebSocketServer({ server })`.
func ExampleServer_Broadcast() {
	mux := http.NewServeMux()
	mux.HandleFunc("/hello", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, "hello over HTTP") })
	var srv *server.Server
	srv = server.New(server.Config{Addr: "127.0.0.1:0", HTTP: mux}, server.Handler{
		OnMessage: func(c *server.Conn, m codec.Message) {
			srv.Broadcast(m.Op, m.Payload, nil)
		},
	})
	go func() { _ = srv.ListenAndServe() }()
	<-srv.Ready()

	ann, _, _ := websocket.DefaultDialer.Dial("ws://"+srv.Addr(), nil)
	bob, _, _ := websocket.DefaultDialer.Dial("ws://"+srv.Addr(), nil)
	_ = ann.WriteMessage(websocket.TextMessage, []byte("hi all"))
	_, message, _ := bob.ReadMessage()
	fmt.Println(string(message))
	_ = ann.Close()
	_ = bob.Close()

	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	_ = srv.Shutdown(ctx)
	// Output: hi all
}

// Work from another goroutine is posted to the connection's loop; SIGINT drains.
func ExampleLoop_Post() {
	srv := server.New(server.Config{Addr: "127.0.0.1:8080"}, server.Handler{
		OnOpen: func(c *server.Conn) {
			go func() {
				time.Sleep(time.Second) // a query, say
				c.Loop().Post(func() { _ = c.Send(ws.OpText, []byte("the answer")) })
			}()
		},
	})
	go func() {
		interrupted := make(chan os.Signal, 1)
		signal.Notify(interrupted, os.Interrupt)
		<-interrupted
		_ = srv.Shutdown(context.Background())
	}()
	log.Println(srv.ListenAndServe())
}

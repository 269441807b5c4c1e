// Centrifuge is the broadcast peer on the centrifuge library: its node, broker, hub and per-client queue, behind a
// unidirectional transport that puts the bare payload of a publication on the wire.
//
// The library's own WebSocket handler speaks centrifuge's protocol: a client has to send a connect command first and
// receives publications wrapped in JSON. The benchmark compares servers on plain text messages, so this peer uses the
// extension point the library has for such cases, a Transport, and reads the client's messages itself.
package main

import (
	"context"
	"log"
	"net/http"
	"sync"

	"github.com/centrifugal/centrifuge"
	"github.com/gorilla/websocket"

	"rookery/bench/peers/internal/launch"
)

const maxMessageSize = 1 << 20

// roomKey is where a client's context keeps the room it asked for; an echo client has none.
type roomKey struct{}

func main() {
	options := launch.Parse()
	if options.Compress {
		log.Fatal("this peer has no --compress: see README.md")
	}
	node, err := centrifuge.New(centrifuge.Config{})
	if err != nil {
		log.Fatal(err)
	}
	node.OnConnecting(func(ctx context.Context, _ centrifuge.ConnectEvent) (centrifuge.ConnectReply, error) {
		reply := centrifuge.ConnectReply{Credentials: &centrifuge.Credentials{}}
		if room, ok := ctx.Value(roomKey{}).(string); ok {
			reply.Subscriptions = map[string]centrifuge.SubscribeOptions{room: {}}
		}
		return reply, nil
	})
	if err := node.Run(); err != nil {
		log.Fatal(err)
	}

	// As in the library's handler: small read buffers, write buffers lent for the time of a write.
	upgrader := &websocket.Upgrader{
		ReadBufferSize:  1024,
		WriteBufferSize: 1024,
		WriteBufferPool: new(sync.Pool),
		CheckOrigin:     func(*http.Request) bool { return true },
	}
	mux := http.NewServeMux()
	mux.HandleFunc("/{$}", func(w http.ResponseWriter, r *http.Request) {
		room := launch.Room(r)
		open(node, upgrader, w, r, context.WithValue(context.Background(), roomKey{}, room),
			func(_ *centrifuge.Client, payload []byte) error {
				_, err := node.Publish(room, payload)
				return err
			})
	})
	mux.HandleFunc("/echo", func(w http.ResponseWriter, r *http.Request) {
		open(node, upgrader, w, r, context.Background(), (*centrifuge.Client).Send)
	})
	options.Serve(mux)
}

// open upgrades r, connects it to the node and hands every message that arrives to receive.
func open(node *centrifuge.Node, upgrader *websocket.Upgrader, w http.ResponseWriter, r *http.Request,
	ctx context.Context, receive func(*centrifuge.Client, []byte) error) {
	conn, err := upgrader.Upgrade(w, r, nil)
	if err != nil {
		return // Upgrade has answered
	}
	conn.SetReadLimit(maxMessageSize)
	// In a goroutine of its own, so that what net/http keeps for the request can be collected.
	go func() {
		defer conn.Close()
		client, closeClient, err := centrifuge.NewClient(ctx, node, &transport{conn: conn})
		if err != nil {
			return
		}
		defer closeClient()
		client.Connect(centrifuge.ConnectRequest{})
		for {
			_, payload, err := conn.ReadMessage()
			if err != nil || receive(client, payload) != nil {
				return
			}
		}
	}()
}

// Gws is the broadcast peer on lxzan/gws: its Broadcaster, which frames (and deflates) a message once and writes it to
// every member from that member's own write queue.
package main

import (
	"net/http"

	"github.com/lxzan/gws"

	"rookery/bench/peers/internal/launch"
	"rookery/bench/peers/internal/rooms"
)

// roomKey is where a connection's session keeps the room it joined; an echo connection has none.
const roomKey = "room"

func main() {
	options := launch.Parse()
	h := new(handler)
	upgrader := gws.NewUpgrader(h, &gws.ServerOption{
		// ParallelEnabled stays off: it hands the messages of one client to several goroutines, and a room has to see
		// them in the order they were sent.
		Recovery: gws.Recovery,
		PermessageDeflate: gws.PermessageDeflate{
			Enabled:   options.Compress,
			Threshold: 1, // 0 would mean the default of 512 bytes; the contract compresses every message
		},
	})

	open := func(w http.ResponseWriter, r *http.Request, join bool) {
		socket, err := upgrader.Upgrade(w, r)
		if err != nil {
			return
		}
		if join {
			socket.Session().Store(roomKey, h.rooms.Join(launch.Room(r), socket))
		}
		// In a goroutine of its own, so that what net/http keeps for the request can be collected.
		go socket.ReadLoop()
	}
	mux := http.NewServeMux()
	mux.HandleFunc("/{$}", func(w http.ResponseWriter, r *http.Request) { open(w, r, true) })
	mux.HandleFunc("/echo", func(w http.ResponseWriter, r *http.Request) { open(w, r, false) })
	options.Serve(mux)
}

type handler struct {
	gws.BuiltinEventHandler
	rooms rooms.Rooms[*gws.Conn]
}

func (h *handler) OnMessage(socket *gws.Conn, message *gws.Message) {
	room := joined(socket)
	if room == nil {
		defer message.Close()
		socket.WriteMessage(message.Opcode, message.Bytes())
		return
	}
	// message is left to the garbage collector: queued writes outlive this call, and with context takeover they read
	// the payload as well as the frame made of it.
	b := gws.NewBroadcaster(message.Opcode, message.Bytes())
	defer b.Close()
	room.Each(func(member *gws.Conn) { b.Broadcast(member) })
}

func (h *handler) OnPing(socket *gws.Conn, payload []byte) {
	socket.WritePong(payload)
}

func (h *handler) OnClose(socket *gws.Conn, err error) {
	if room := joined(socket); room != nil {
		h.rooms.Leave(room, socket)
	}
}

func joined(socket *gws.Conn) *rooms.Room[*gws.Conn] {
	v, _ := socket.Session().Load(roomKey)
	room, _ := v.(*rooms.Room[*gws.Conn])
	return room
}

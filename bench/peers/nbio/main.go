// Nbio is the broadcast peer on lesismal/nbio in its non-blocking mode: connections live on epoll pollers, and a
// message is written to every member's socket right away, from the goroutine that received it.
package main

import (
	"log"
	"net"
	"net/http"

	stdtls "github.com/lesismal/llib/std/crypto/tls"
	"github.com/lesismal/nbio/logging"
	"github.com/lesismal/nbio/nbhttp"
	"github.com/lesismal/nbio/nbhttp/websocket"

	"rookery/bench/peers/internal/launch"
	"rookery/bench/peers/internal/rooms"
)

// maxWriteBuffer is what nbio keeps for a member whose socket is full before it closes it: the README's figure.
const maxWriteBuffer = 6 << 20

func main() {
	options := launch.Parse()
	logging.SetLevel(logging.LevelError) // stdout is for the line that says the peer is ready
	var all rooms.Rooms[*websocket.Conn]
	broadcast, echo := upgrader(options, &all), upgrader(options, nil)

	mux := http.NewServeMux()
	mux.HandleFunc("/{$}", func(w http.ResponseWriter, r *http.Request) {
		conn, err := broadcast.Upgrade(w, r, nil)
		if err != nil {
			return // Upgrade has answered
		}
		// nbio runs the handler and the callbacks of one connection in turn: none has run before this.
		conn.SetSession(all.Join(launch.Room(r), conn))
	})
	mux.HandleFunc("/echo", func(w http.ResponseWriter, r *http.Request) { echo.Upgrade(w, r, nil) })

	serve(options, mux)
}

// upgrader makes connections that broadcast to the room in their session, or echo when all is nil.
func upgrader(options launch.Options, all *rooms.Rooms[*websocket.Conn]) *websocket.Upgrader {
	u := websocket.NewUpgrader()
	u.CheckOrigin = func(*http.Request) bool { return true }
	u.EnableCompression(options.Compress)
	u.KeepaliveTime = 0 // no peer drops an idle client; the default closes it after 120 s
	u.OnOpen(func(conn *websocket.Conn) { conn.EnableWriteCompression(options.Compress) })
	if all == nil {
		u.OnMessage(func(conn *websocket.Conn, kind websocket.MessageType, payload []byte) {
			conn.WriteMessage(kind, payload)
		})
		return u
	}
	u.OnMessage(func(conn *websocket.Conn, kind websocket.MessageType, payload []byte) {
		room := conn.Session().(*rooms.Room[*websocket.Conn])
		// WriteMessage takes a copy, so payload may go back to nbio's pool afterwards. An error has closed the member,
		// which takes it out of the room.
		room.Each(func(member *websocket.Conn) { member.WriteMessage(kind, payload) })
	})
	u.OnClose(func(conn *websocket.Conn, err error) {
		if room, ok := conn.Session().(*rooms.Room[*websocket.Conn]); ok {
			all.Leave(room, conn)
		}
	})
	return u
}

// serve runs h on nbio's own HTTP engine until a signal.
func serve(options launch.Options, h http.Handler) {
	bound := make(chan net.Addr, 1)
	config := nbhttp.Config{
		Network:                 "tcp",
		IOMod:                   nbhttp.IOModNonBlocking,
		Handler:                 h,
		MaxWriteBufferSize:      maxWriteBuffer,
		ReleaseWebsocketPayload: true,
		Listen: func(network, addr string) (net.Listener, error) {
			ln, err := net.Listen(network, addr)
			if err == nil {
				bound <- ln.Addr()
			}
			return ln, err
		},
	}
	if options.TLSCert == "" {
		config.Addrs = []string{options.Addr}
	} else {
		cert, err := stdtls.LoadX509KeyPair(options.TLSCert, options.TLSKey)
		if err != nil {
			log.Fatal(err)
		}
		// nbio brings a crypto/tls of its own that can be read without blocking.
		config.AddrsTLS = []string{options.Addr}
		config.TLSConfig = &stdtls.Config{Certificates: []stdtls.Certificate{cert}}
	}
	engine := nbhttp.NewEngine(config)
	if err := engine.Start(); err != nil {
		log.Fatal(err)
	}
	launch.Announce(<-bound)
	launch.Wait()
}

package gateway

import (
	"log/slog"
	"net/http"
	"time"

	"rookery/server"
	"rookery/server/hub"
)

// Config holds a gateway's settings. Zero fields get the default named.
type Config struct {
	Server server.Config // HTTP, Subprotocols and the handlers are the gateway's own
	Hub    hub.Config    // Quote and the frames are the gateway's own

	// Rate is how many messages a connection may send per second, with bursts of twice that; 0 is no limit.
	Rate float64
	// LeaveEvents is the room size up to which leaves are published one by one; 0 is 1,000.
	LeaveEvents int
	// RoomsPerConn bounds the rooms that one connection may join; 0 is 100.
	RoomsPerConn int
	// APIKey opens the HTTP API; "" turns it off.
	APIKey string
	// Drain is the window over which Shutdown spreads closes and reconnects; 0 is 10 s.
	Drain time.Duration
	// Node names this process in welcome; "" picks a random name.
	Node string
	// Version is reported in welcome.
	Version string
	// Pages serves what is neither the API nor health nor metrics; nil answers 404.
	Pages http.Handler
}

func (c *Config) setDefaults() {
	if c.LeaveEvents == 0 {
		c.LeaveEvents = 1000
	}
	if c.RoomsPerConn == 0 {
		c.RoomsPerConn = 100
	}
	if c.Drain == 0 {
		c.Drain = 10 * time.Second
	}
	if c.Node == "" {
		c.Node = randomName()
	}
	if c.Server.PingInterval == 0 {
		c.Server.PingInterval = 25 * time.Second
	}
	if c.Server.Logger == nil {
		c.Server.Logger = slog.Default()
	}
}

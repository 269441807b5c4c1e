package server

import (
	"crypto/tls"
	"log/slog"
	"net/http"
	"runtime"
	"time"

	"rookery/codec"
)

// Config holds a server's settings. The zero value works: every field says what
// its zero means. It is read when New is called and not after.
type Config struct {
	// Addr is host:port to listen on; ":8080" if empty. Port 0 lets the kernel choose, see Server.Addr.
	Addr string
	// Loops is the number of event loops; 0 is DefaultLoops().
	Loops int
	// SharePort binds even if another process listens on the port: that process and this one then share its
	// connections, which only nodes of one cluster may do.
	SharePort bool

	// TLS makes the server speak TLS 1.2 and 1.3 on Addr, or on TLSAddr if that is set; nil is no TLS. It needs
	// Certificates, GetCertificate (see Certificates.Get) or GetConfigForClient. It is copied.
	TLS *tls.Config
	// TLSAddr is a second host:port, of another port, that speaks TLS while Addr stays plain text; "" is none.
	TLSAddr string
	// TLSHandshakes is how many TLS handshakes are under way at once; 0 is 1,024. At most 64 times as many wait; one more
	// is closed unanswered. While others wait, one whose peer is silent for five seconds is closed.
	TLSHandshakes int

	// MaxConns is how many connections are held at once; 0 derives it from the descriptor limit, less a reserve.
	// One more is answered with 503.
	MaxConns int
	// MaxConnsPerIP is the same for one remote address; 0 is no such limit.
	MaxConnsPerIP int

	// MaxHeader caps a request's head in bytes; 0 is 8 KiB.
	MaxHeader int
	// MaxMessage caps a message in bytes, after decompression; 0 is 64 KiB.
	MaxMessage int
	// MaxFragments caps the fragments of one message; 0 is 1,024.
	MaxFragments int
	// MaxBuffered caps the bytes of replies that one connection leaves unread in this process, beyond the
	// reply being sent; 0 is 16 KiB. At the cap the connection is closed with 1013.
	MaxBuffered int
	// MaxPinned caps the memory of the process that all unfinished input may cost, in bytes; 0 is 256 MiB. What is held is
	// counted with its overhead, and times 1.95 with GOGC=50, 2.6 with 100, for what the collector leaves lying meanwhile. Past it
	// the connections that hold most are closed with 1013.
	MaxPinned int

	// HandshakeTimeout bounds the time from accept to the end of the opening handshake, that of TLS included, or of one HTTP request; 0 is 10 s.
	HandshakeTimeout time.Duration
	// CloseTimeout bounds the closing handshake; 0 is 5 s.
	CloseTimeout time.Duration
	// PingInterval is how often an idle connection is pinged; 0 is 25 s. One that stays silent for a whole interval
	// after a ping is closed.
	PingInterval time.Duration

	// Subprotocols are those the server speaks, for Sec-WebSocket-Protocol; the client's order decides.
	Subprotocols []string
	// AllowedOrigins restricts the Origin of an upgrade to these (scheme://host[:port]); nil or "*" allows all.
	// A request without Origin does not come from a browser and is allowed.
	AllowedOrigins []string
	// Deflate offers permessage-deflate.
	Deflate bool

	// HTTP serves the requests that are no upgrade; nil answers 426.
	HTTP http.Handler
	// HTTPWorkers bounds the handlers at work at once; 0 is 16. At most 64 times as many requests wait.
	HTTPWorkers int
	// MaxBody caps a request's body in bytes; 0 is 1 MiB.
	MaxBody int

	// Logger takes lifecycle events; nil is slog.Default().
	Logger *slog.Logger
}

// Handler holds the callbacks of a server; nil ones are no-ops. They run on the connection's loop and must not block.
type Handler struct {
	// OnUpgrade may refuse an opening handshake. r is valid until it returns. The connection is not open yet: it may
	// be given a Session and must not be written to.
	OnUpgrade func(c *Conn, r *codec.Request) *codec.HTTPError
	// OnOpen is called when the opening handshake is done.
	OnOpen func(c *Conn)
	// OnMessage is called for each text and binary message. m.Payload is valid until it returns; copy to keep.
	OnMessage func(c *Conn, m codec.Message)
	// OnKeepalive is called once every PingInterval for each open connection.
	OnKeepalive func(c *Conn)
	// OnClose is called once for each connection that OnOpen saw. The connection must not be written to any more.
	OnClose func(c *Conn, err *CloseError)
	// OnTick is called on each loop about ten times a second, a hundred times while Loop.Hurry asks for it.
	OnTick func(l *Loop, now time.Time)
}

// DefaultLoops is half of the processors, at least one. On a machine of two, shared with the senders, one loop delivers to 5,000
// members at 7.3 to 7.8 us of CPU each, with a p99 of 43 ms; two loops take 8.6 to 9.0 us and 28 to 42 ms, and 24 instead of 21
// million deliveries a second at the limit: more loops are for those whose processors are free. gnet's build tags and other
// numbers for GOMAXPROCS make no difference above noise ("bench choices" measures all of it).
func DefaultLoops() int { return max(1, runtime.GOMAXPROCS(0)/2) }

func (c *Config) setDefaults() {
	def := func(v *int, d int) {
		if *v == 0 {
			*v = d
		}
	}
	defDur := func(v *time.Duration, d time.Duration) {
		if *v == 0 {
			*v = d
		}
	}
	if c.Addr == "" {
		c.Addr = ":8080"
	}
	def(&c.Loops, DefaultLoops())
	def(&c.MaxHeader, 8<<10)
	def(&c.MaxMessage, 64<<10)
	def(&c.MaxFragments, 1024)
	def(&c.MaxBuffered, 16<<10)
	def(&c.MaxPinned, 256<<20)
	defDur(&c.HandshakeTimeout, 10*time.Second)
	defDur(&c.CloseTimeout, 5*time.Second)
	defDur(&c.PingInterval, 25*time.Second)
	def(&c.TLSHandshakes, 1024)
	def(&c.HTTPWorkers, 16)
	def(&c.MaxBody, 1<<20)
	if c.Logger == nil {
		c.Logger = slog.Default()
	}
}

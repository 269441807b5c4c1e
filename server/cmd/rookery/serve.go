package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/http/pprof"
	"os"
	"os/signal"
	"runtime"
	"runtime/debug"
	"strings"
	"syscall"
	"time"

	"rookery/server"
	"rookery/server/gateway"
	"rookery/server/hub"
	"rookery/web"
)

type serveCmd struct {
	Addr             string        `default:":8080" help:"Address to listen on, HOST:PORT; port 0 lets the kernel choose."`
	Loops            int           `help:"Event loops; 0 is half of the processors."`
	MaxConns         int           `help:"Connections held at most; 0 is what the descriptor limit allows."`
	MaxConnsPerIP    int           `name:"max-conns-per-ip" help:"Connections from one address at most; 0 is no limit."`
	MaxMessage       int           `default:"65536" help:"Bytes of a message at most."`
	MaxFragments     int           `default:"1024" help:"Fragments of a message at most."`
	MaxPinned        int           `default:"268435456" help:"Bytes of memory that all unfinished input may cost."`
	MaxRooms         int           `default:"250000" help:"Rooms on this node at most."`
	RoomsPerConn     int           `default:"100" help:"Rooms that one connection may be in."`
	Rate             float64       `default:"20" help:"Messages per second and connection, in bursts of twice that; 0 is no limit."`
	RoomHistory      int           `default:"1000" help:"Messages of a room that a join may read back."`
	RoomBytes        int           `default:"1048576" help:"Bytes of one room's log."`
	LogBytes         int64         `default:"536870912" help:"Bytes of all rooms' logs."`
	HistoryAge       time.Duration `default:"1h" help:"How long an empty room is kept for its history."`
	Slow             []string      `default:"skip" help:"What befalls slow consumers: skip, close or latest; PREFIX=POLICY for rooms whose names begin so."`
	LeaveEvents      int           `default:"1000" help:"Room size up to which leaves are said one by one."`
	Ping             time.Duration `default:"25s" help:"How often an idle connection is pinged."`
	Handshake        time.Duration `default:"10s" help:"Time for an opening handshake or an HTTP request to arrive."`
	Deflate          bool          `default:"true" negatable:"" help:"Offer permessage-deflate."`
	DeflateThreshold int           `default:"128" help:"Bytes of a message from which on it is compressed."`
	AllowedOrigin    []string      `name:"allowed-origins" help:"Origins that pages may connect from; all by default."`
	tlsFlags
	APIKeyFile string        `name:"api-key-file" help:"File with the key of the HTTP API; it is off without." placeholder:"FILE"`
	SharePort  bool          `help:"Listen even if another node of the same cluster does."`
	Drain      time.Duration `default:"10s" help:"Window over which clients are sent away at the end."`
	LogFormat  string        `default:"text" enum:"text,json" help:"text or json."`
	LogLevel   slog.Level    `default:"info" help:"debug, info, warn or error."`
	DebugAddr  string        `help:"Serve pprof on this address, off by default." placeholder:"ADDR"`
}

// Run serves until a signal or a failure.
func (c *serveCmd) Run(out outputs) error {
	log := slog.New(slog.NewTextHandler(out.stderr, &slog.HandlerOptions{Level: c.LogLevel}))
	if c.LogFormat == "json" {
		log = slog.New(slog.NewJSONHandler(out.stderr, &slog.HandlerOptions{Level: c.LogLevel}))
	}
	slog.SetDefault(log)
	cfg, err := c.config(log)
	if err != nil {
		return err
	}
	certs, err := c.serveTLS(&cfg.Server)
	if err != nil {
		return err
	}
	defer watchCertificates(certs, log)()
	if os.Getenv("GOMAXPROCS") == "" {
		// A loop that sweeps keeps its processor: with one more than there are, what else runs (HTTP, the collector's
		// workers) waits 5-7 ms for a turn and not 15-22.
		runtime.GOMAXPROCS(runtime.NumCPU() + 1)
	}
	if os.Getenv("GOGC") == "" {
		// Little garbage is made but while people connect; half the usual headroom saves 190 bytes of memory per idle
		// connection and costs nothing that could be measured.
		debug.SetGCPercent(50)
	}
	g := gateway.New(cfg)
	failed := make(chan error, 2)
	if c.DebugAddr != "" {
		ln, err := net.Listen("tcp", c.DebugAddr)
		if err != nil {
			return fmt.Errorf("%w: --debug-addr: %w", errUsage, err)
		}
		go func() { failed <- http.Serve(ln, debugMux()) }()
	}
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, syscall.SIGTERM, os.Interrupt)
	defer signal.Stop(signals)
	go func() { failed <- g.ListenAndServe() }()
	done := make(chan struct{})
	defer close(done)
	go returnMemory(g.Server().Ready(), func() int { return int(g.Server().Stats().Open) }, done)
	return c.supervise(log, g, signals, failed)
}

func (c *serveCmd) supervise(log *slog.Logger, g *gateway.Gateway, signals chan os.Signal, failed chan error) error {
	ready := g.Server().Ready()
	for {
		select {
		case err := <-failed:
			if op := (*net.OpError)(nil); errors.As(err, &op) {
				return fmt.Errorf("%w: %s: %w", errUsage, c.addrFlag(op, c.Addr), err)
			}
			return err
		case <-ready:
			ready = nil
			log.Info("listening", "addr", g.Server().Addr(), "tls_addr", g.Server().TLSAddr(), "loops", len(g.Server().Loops()), "max_conns", g.Server().Stats().MaxConns,
				"max_message", c.MaxMessage, "rate", c.Rate, "room_history", c.RoomHistory, "api", c.APIKeyFile != "", "version", version())
		case sig := <-signals:
			return c.drain(log, g, sig, signals, failed)
		}
	}
}

// drain sends the clients away. A second signal ends it at once.
func (c *serveCmd) drain(log *slog.Logger, g *gateway.Gateway, sig os.Signal, signals chan os.Signal, failed chan error) error {
	log.Info("draining", "signal", sig.String(), "connections", g.Server().Stats().Open, "window", c.Drain)
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	drained := make(chan error, 1)
	go func() { drained <- g.Shutdown(ctx) }()
	select {
	case err := <-drained:
		if err != nil && !errors.Is(err, context.DeadlineExceeded) {
			return err
		}
		if err := <-failed; !errors.Is(err, server.ErrServerClosed) {
			return err
		}
		log.Info("stopped")
		return nil
	case sig := <-signals:
		return fmt.Errorf("stopped at once by a second signal (%s)", sig)
	}
}

func (c *serveCmd) config(log *slog.Logger) (gateway.Config, error) {
	cfg := gateway.Config{
		Server: server.Config{
			Addr: c.Addr, Loops: c.Loops, SharePort: c.SharePort, MaxConns: c.MaxConns, MaxConnsPerIP: c.MaxConnsPerIP,
			MaxMessage: c.MaxMessage, MaxFragments: c.MaxFragments, MaxPinned: c.MaxPinned, HandshakeTimeout: c.Handshake,
			PingInterval: c.Ping, AllowedOrigins: c.AllowedOrigin, Deflate: c.Deflate, Logger: log,
		},
		Hub: hub.Config{
			RoomBytes: c.RoomBytes, RoomHistory: c.RoomHistory, LogBytes: c.LogBytes, MaxRooms: c.MaxRooms,
			HistorySeconds: int64(c.HistoryAge / time.Second), DeflateThreshold: c.DeflateThreshold,
		},
		Rate: c.Rate, LeaveEvents: c.LeaveEvents, RoomsPerConn: c.RoomsPerConn, Drain: c.Drain, Version: version(), Pages: web.Handler(),
	}
	if err := c.check(); err != nil {
		return cfg, err
	}
	if err := parseSlow(c.Slow, &cfg.Hub); err != nil {
		return cfg, err
	}
	if c.APIKeyFile != "" {
		key, err := os.ReadFile(c.APIKeyFile)
		if err != nil {
			return cfg, fmt.Errorf("%w: --api-key-file: %w", errUsage, err)
		}
		if cfg.APIKey = strings.TrimSpace(string(key)); cfg.APIKey == "" {
			return cfg, fmt.Errorf("%w: --api-key-file %s is empty", errUsage, c.APIKeyFile)
		}
	}
	return cfg, nil
}

// check finds the values that no server can run with.
func (c *serveCmd) check() error {
	for _, v := range []struct {
		name       string
		got, least int64
	}{
		{"loops", int64(c.Loops), 0}, {"max-conns", int64(c.MaxConns), 0}, {"max-conns-per-ip", int64(c.MaxConnsPerIP), 0},
		{"max-message", int64(c.MaxMessage), 1}, {"max-fragments", int64(c.MaxFragments), 1}, {"max-pinned", int64(c.MaxPinned), 1 << 20},
		{"max-rooms", int64(c.MaxRooms), 1}, {"rooms-per-conn", int64(c.RoomsPerConn), 1}, {"rate", int64(c.Rate), 0},
		{"room-history", int64(c.RoomHistory), 1}, {"room-bytes", int64(c.RoomBytes), 4 * int64(c.MaxMessage)}, {"log-bytes", c.LogBytes, 1 << 20},
		{"leave-events", int64(c.LeaveEvents), 1}, {"ping", int64(c.Ping), int64(time.Second)}, {"handshake", int64(c.Handshake), int64(time.Second)},
		{"deflate-threshold", int64(c.DeflateThreshold), 1},
		{"drain", int64(c.Drain), int64(time.Millisecond)}, {"history-age", int64(c.HistoryAge), int64(time.Second)},
	} {
		if v.got < v.least {
			return fmt.Errorf("%w: --%s is %d and must be at least %d", errUsage, v.name, v.got, v.least)
		}
	}
	return nil
}

// parseSlow reads skip, close, latest and PREFIX=POLICY.
func parseSlow(values []string, cfg *hub.Config) error {
	names := map[string]hub.Policy{"skip": hub.Skip, "close": hub.Close, "latest": hub.Latest}
	for _, v := range values {
		prefix, name, byPrefix := strings.Cut(v, "=")
		if !byPrefix {
			name = v
		}
		policy, ok := names[name]
		if !ok {
			return fmt.Errorf("%w: --slow %s: a policy is skip, close or latest", errUsage, v)
		}
		if !byPrefix {
			cfg.Policy = policy
			continue
		}
		if cfg.PolicyByPrefix == nil {
			cfg.PolicyByPrefix = map[string]hub.Policy{}
		}
		cfg.PolicyByPrefix[prefix] = policy
	}
	return nil
}

func debugMux() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("/debug/pprof/", pprof.Index)
	mux.HandleFunc("/debug/pprof/cmdline", pprof.Cmdline)
	mux.HandleFunc("/debug/pprof/profile", pprof.Profile)
	mux.HandleFunc("/debug/pprof/symbol", pprof.Symbol)
	mux.HandleFunc("/debug/pprof/trace", pprof.Trace)
	return mux
}

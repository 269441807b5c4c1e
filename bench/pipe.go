package main

// The coordinator and its client processes talk in JSON lines over the client's stdin and stdout: orders go
// down, answers come up. A client that reads end of file stops by itself.

// order is one line to a client. Exactly one field is set.
type order struct {
	Connect *connectOrder `json:"connect,omitempty"`
	Run     *runOrder     `json:"run,omitempty"`
	Report  bool          `json:"report,omitempty"`  // answer with the tally of the run
	Stall   bool          `json:"stall,omitempty"`   // stop reading on every connection
	Unstall bool          `json:"unstall,omitempty"` // read again
	Cut     *cutOrder     `json:"cut,omitempty"`
	Stream  *streamOrder  `json:"stream,omitempty"`
	Close   bool          `json:"close,omitempty"` // closing handshake on every connection
}

// connectOrder opens Count connections, those with the global numbers First to First+Count-1. Connection i
// is a member of room i modulo Rooms and goes to Addrs[i modulo len(Addrs)].
type connectOrder struct {
	Addrs    []string `json:"addrs"` // ip:port
	Host     string   `json:"host"`  // for the Host header and the certificate's name
	Path     string   `json:"path"`  // with {{room}} where the room's name goes
	RoomBase string   `json:"room_base"`
	First    int      `json:"first"`
	Count    int      `json:"count"`
	Rooms    int      `json:"rooms"`
	Every    int      `json:"every"` // every how manieth connection is parsed; the others are drained

	Sweep    int64    `json:"sweep"`            // nanoseconds between two reads of a drained connection; 0: whenever something arrives
	Narrow   bool     `json:"narrow,omitempty"` // smallest receive buffer and segments, see narrow
	InFlight int      `json:"in_flight"`        // handshakes under way at once
	Rate     float64  `json:"rate"`             // connections per second; 0: as fast as InFlight lets it
	Sources  []string `json:"sources"`          // local addresses, used in turn; empty: the kernel chooses
	Port     int      `json:"port"`             // first source port to try
	Avoid    []int    `json:"avoid"`            // ports somebody listens on
	Retries  int      `json:"retries"`          // attempts after the first, each from another source port

	Protocol string  `json:"protocol,omitempty"` // subprotocol to ask for
	Join     bool    `json:"join,omitempty"`     // rookery.v1: join the room once open
	OneEach  bool    `json:"one_each,omitempty"` // rookery.v1: keep one connection per node, drop the others
	Deflate  bool    `json:"deflate,omitempty"`  // offer permessage-deflate
	TLS      bool    `json:"tls,omitempty"`      // certificates are not verified: the ruler measures, it does not trust
	Life     float64 `json:"life,omitempty"`     // churn: seconds a connection lives before it is replaced; 0: for ever
	Return   string  `json:"return,omitempty"`   // what a connection does when the server closes it: "", "now" or "told"
	Lag      int64   `json:"lag_tick"`           // nanoseconds between two probes of the client's own lag
}

// runOrder arms one measured run: what is expected from when on, and which streams this client sends.
type runOrder struct {
	Run      uint8  `json:"run"`
	Pacer    pacer  `json:"pacer"`
	Streams  int    `json:"streams"` // stream s belongs to room s modulo Rooms and is sent by connection s
	Measure  int64  `json:"measure"` // messages due before this are warm-up: counted, but not timed
	Sweep    int64  `json:"sweep"`   // for this run, if the connect order has one
	Template string `json:"template"`
	Payload  int    `json:"payload"`
	Send     bool   `json:"send"`

	Discard    bool `json:"discard,omitempty"`    // count drained connections by their bytes
	Everywhere bool `json:"everywhere,omitempty"` // every connection of this client publishes every message
}

// cutOrder breaks every rookery.v1 connection with a reset at time At and brings it back after Away
// nanoseconds; it then resumes after the last offset it saw.
type cutOrder struct {
	At   int64 `json:"at"`
	Away int64 `json:"away"`
}

// streamOrder has every connection send one message that does not end: Rate fragments of Bytes each per second, over all of
// this client's connections in turn.
type streamOrder struct {
	Rate  float64 `json:"rate"`
	Bytes int     `json:"bytes"`
}

// answer is one line from a client.
type answer struct {
	Connected *connected `json:"connected,omitempty"`
	Progress  *progress  `json:"progress,omitempty"`
	Tally     *tally     `json:"tally,omitempty"`
	Closed    *closed    `json:"closed,omitempty"`
	Error     string     `json:"error,omitempty"`
}

// progress goes up every 100 ms and tells the coordinator when a run has settled.
type progress struct {
	Open      int    `json:"open"`
	Failed    int    `json:"failed"`
	Delivered uint64 `json:"delivered"`
	Sent      uint64 `json:"sent"`
	Back      int    `json:"back"` // connections that came back after a cut and have caught up
}

// connected says how a connectOrder went.
type connected struct {
	Open      int            `json:"open"`
	Nanos     int64          `json:"nanos"`
	Errors    map[string]int `json:"errors,omitempty"` // every failed attempt, by kind
	Handshake []byte         `json:"handshake"`        // histogram: from connect(2) to the end of the upgrade
	Deflated  int            `json:"deflated"`
	Nodes     []string       `json:"nodes,omitempty"`
}

// closed says how a Close went.
type closed struct {
	Clean int   `json:"clean"` // closing handshake completed
	Other int   `json:"other"`
	Nanos int64 `json:"nanos"`
}

// tally is what one client saw in one run.
type tally struct {
	Conns      int            `json:"conns"`
	Open       int            `json:"open"`
	Parsed     int            `json:"parsed"` // connections whose every message was parsed
	Expected   uint64         `json:"expected"`
	Delivered  uint64         `json:"delivered"`  // of those expected
	Surplus    uint64         `json:"surplus"`    // messages beyond the number expected, on drained connections
	Gaps       uint64         `json:"gaps"`       // sequence numbers skipped, on parsed connections
	Duplicates uint64         `json:"duplicates"` // or out of order
	Foreign    uint64         `json:"foreign"`    // messages without a marker
	Misrouted  uint64         `json:"misrouted"`  // messages of another room
	Sent       uint64         `json:"sent"`
	Unsent     uint64         `json:"unsent"` // due, but the target did not take them
	Bytes      uint64         `json:"bytes"`  // received
	Ends       map[string]int `json:"ends,omitempty"`
	Samples    []string       `json:"samples,omitempty"` // the first gaps, in words
	Opened     uint64         `json:"opened"`            // churn and resume: connections opened during the run
	Latency    []byte         `json:"latency"`
	Timeline   [][]byte       `json:"timeline,omitempty"`
	Lag        []byte         `json:"lag"`
	Handshake  []byte         `json:"handshake,omitempty"`
	Resume     *resumeTally   `json:"resume,omitempty"`
}

// resumeTally is the part of a tally that only resume and drain have.
type resumeTally struct {
	Back      int            `json:"back"`      // connections joined again
	Recovered int            `json:"recovered"` // of those, told that nothing is missing
	GapEvents int            `json:"gap_events"`
	Byes      int            `json:"byes"`
	Time      []byte         `json:"time"`  // from the cut to joined again
	Dials     []int64        `json:"dials"` // reconnects started, per 100 ms since FirstDial
	FirstDial int64          `json:"first_dial"`
	Errors    map[string]int `json:"errors,omitempty"`
}

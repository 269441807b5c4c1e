package hub

import (
	"errors"
	"sort"
	"strings"
	"sync"
	"sync/atomic"
)

// ErrTooManyRooms says that the node holds Config.MaxRooms rooms.
var ErrTooManyRooms = errors.New("hub: too many rooms on this node")

// Config holds a hub's settings. Zero fields get the default named.
type Config struct {
	// RoomBytes bounds the memory of one room's log, all encodings counted; 0 is 1 MiB. It should be at least four times
	// the largest message.
	RoomBytes int
	// RoomHistory is how many publications a join may read back; 0 is 1,000. Members that lag are not bound by it.
	RoomHistory int
	// HistorySeconds is how long an empty room is kept for its history; 0 is an hour.
	HistorySeconds int64
	// LogBytes bounds the memory of all logs together; 0 is 512 MiB. Past it the room that was idle longest loses its history first.
	LogBytes int64
	// MaxRooms bounds the rooms of this node; 0 is 250,000.
	MaxRooms int
	// DeflateThreshold is the smallest payload in bytes that is compressed; 0 is 128.
	DeflateThreshold int
	// Policy is what happens to slow consumers; PolicyByPrefix decides for rooms whose name begins so, the longest first.
	Policy         Policy
	PolicyByPrefix map[string]Policy
	// Broker carries publications; nil keeps them on this node.
	Broker Broker

	// Quote appends s as a JSON string. The frames that a room's members are sent besides publications are the owner's to word.
	Quote         func(dst []byte, s string) []byte
	PresenceFrame func(*Room, Presence) []byte
	RedactedFrame func(*Room, uint64) []byte
	PurgedFrame   func(*Room, uint64) []byte
}

// Hub is all rooms of one node.
type Hub struct {
	cfg      Config
	broker   Broker
	sweepers []*Sweeper

	mu    sync.RWMutex // Protects following.
	rooms map[string]*Room

	dirtyMu sync.Mutex // Protects following.
	dirty   []*Room    // rooms with presence to tell

	members      atomic.Int64
	publications atomic.Uint64
	logBytes     atomic.Int64
}

// New makes a hub with one sweeper for each loop. wake(i) is called, from any goroutine, when sweeper i has work; clock is
// monotonic nanoseconds.
func New(cfg Config, loops int, wake func(i int), clock func() int64) *Hub {
	def := func(v *int, d int) {
		if *v == 0 {
			*v = d
		}
	}
	def(&cfg.RoomBytes, 1<<20)
	def(&cfg.RoomHistory, 1000)
	def(&cfg.MaxRooms, 250_000)
	def(&cfg.DeflateThreshold, 128)
	if cfg.HistorySeconds == 0 {
		cfg.HistorySeconds = 3600
	}
	if cfg.LogBytes == 0 {
		cfg.LogBytes = 512 << 20
	}
	h := &Hub{cfg: cfg, broker: cfg.Broker, rooms: make(map[string]*Room)}
	if h.broker == nil {
		h.broker = localBroker{}
	}
	for i := range loops {
		h.sweepers = append(h.sweepers, &Sweeper{hub: h, index: i, wake: func() { wake(i) }, clock: clock})
	}
	return h
}

func (c *Config) policy(room string) Policy {
	policy, longest := c.Policy, -1
	for prefix, p := range c.PolicyByPrefix {
		if len(prefix) > longest && strings.HasPrefix(room, prefix) {
			policy, longest = p, len(prefix)
		}
	}
	return policy
}

// Sweeper is the one of loop i.
func (h *Hub) Sweeper(i int) *Sweeper { return h.sweepers[i] }

// Publish gives p to the broker, see Broker.Publish. Any goroutine.
func (h *Hub) Publish(p Publication, ack Acker) (res Result, done bool) {
	return h.broker.Publish(p, ack)
}

// Find returns a room if the node has it, held until Release.
func (h *Hub) Find(name string) *Room {
	h.mu.RLock()
	defer h.mu.RUnlock()
	r := h.rooms[name]
	if r != nil {
		r.refs.Add(1)
	}
	return r
}

// Room returns a room, made if need be, and holds it until Release: a held room does not expire.
func (h *Hub) Room(name string, now int64) (*Room, error) {
	if r := h.Find(name); r != nil {
		return r, nil
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	r := h.rooms[name]
	if r == nil {
		if len(h.rooms) >= h.cfg.MaxRooms {
			return nil, ErrTooManyRooms
		}
		r = newRoom(h, name, string(h.cfg.Quote(nil, name)))
		r.active.Store(now)
		h.rooms[r.name] = r
	}
	r.refs.Add(1)
	return r, nil
}

// Release ends a hold.
func (r *Room) Release() { r.refs.Add(-1) }

// Busiest lists the rooms with most members, at most limit.
func (h *Hub) Busiest(limit int) []*Room {
	h.mu.RLock()
	rooms := make([]*Room, 0, len(h.rooms))
	for _, r := range h.rooms {
		rooms = append(rooms, r)
	}
	h.mu.RUnlock()
	sort.Slice(rooms, func(i, j int) bool {
		a, b := rooms[i], rooms[j]
		if x, y := a.Online(), b.Online(); x != y {
			return x > y
		}
		return a.name < b.name
	})
	return rooms[:min(limit, len(rooms))]
}

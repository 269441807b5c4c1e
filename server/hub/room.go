package hub

import (
	"crypto/rand"
	"encoding/base32"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/gobwas/ws"

	"rookery/codec"
)

// Policy is what happens to a member of a room that cannot take its publications.
type Policy uint8

// The policies for slow consumers.
const (
	Skip   Policy = iota // it gets a gap and goes on
	Close                // it is closed
	Latest               // only the newest publication matters: it is given that and no gap
)

// Room is one room of this node. Its methods may be called from any goroutine unless they say otherwise.
type Room struct {
	hub    *Hub
	name   string
	epoch  string
	prefix string // what stands between the status and the offset of every entry
	policy Policy

	log      log
	mu       sync.Mutex // Protects following, appending to log, and what is in keys.
	logBytes int64      // of log.memory, what hub.logBytes knows of

	keys     atomic.Pointer[keyring] // nil where no key is remembered
	online   atomic.Int32
	refs     atomic.Int32 // members, and joins under way: a room with any is not expired
	deflated atomic.Int32 // members that take permessage-deflate
	wanted   atomic.Int32 // members that take notices
	active   atomic.Int64 // when something last happened, in Unix seconds
	shards   []atomic.Pointer[shard]
	bulletin atomic.Pointer[bulletin]
	presence presence
}

func newRoom(h *Hub, name, quoted string) *Room {
	r := &Room{
		hub: h, epoch: newEpoch(), policy: h.cfg.policy(name),
		prefix: `,"room":` + quoted + `,"offset":`,
		shards: make([]atomic.Pointer[shard], len(h.sweepers)),
	}
	// Most names need no escapes, and then one copy of the name is enough.
	if _, rest, _ := strings.Cut(r.prefix, `:"`); strings.HasPrefix(rest, name+`"`) {
		r.name = rest[:len(name)]
	} else {
		r.name = strings.Clone(name)
	}
	r.log.limit = h.cfg.RoomBytes
	return r
}

// newEpoch names one life of a log: 40 random bits, so that two lives of a room do not meet.
func newEpoch() string {
	var b [5]byte
	_, _ = rand.Read(b[:])
	return base32.StdEncoding.EncodeToString(b[:])
}

// Name is the room's name.
func (r *Room) Name() string { return r.name }

// Epoch identifies the log: an offset means nothing in another epoch.
func (r *Room) Epoch() string { return r.epoch }

// Head is the offset of the newest publication, 0 before the first.
func (r *Room) Head() uint64 { return r.log.head.Load() }

// Online is the number of members on this node.
func (r *Room) Online() int64 { return int64(r.online.Load()) }

// Deliver appends a publication that came from the broker, and has it swept. It makes no allocation but for segments.
func (r *Room) Deliver(p Publication) Result {
	r.mu.Lock()
	if p.Key != "" {
		if offset, ok := r.keys.Load().find(p.Key, p.Now); ok {
			r.mu.Unlock()
			return Result{Offset: offset, Epoch: r.epoch, Repeat: true}
		}
	}
	offset := r.append(p)
	if p.Key != "" {
		keys := r.keys.Load()
		if keys == nil {
			keys = &keyring{}
			r.keys.Store(keys)
		}
		keys.add(p.Key, offset, p.Now)
	}
	if grown := int64(r.log.memory) - r.logBytes; grown != 0 {
		r.logBytes += grown
		r.hub.logBytes.Add(grown)
	}
	r.mu.Unlock()
	r.active.Store(p.Now)
	r.hub.publications.Add(1)
	r.markAll()
	return Result{Offset: offset, Epoch: r.epoch}
}

// append encodes the entry into the log: one frame, for every dialect and every receiver.
func (r *Room) append(p Publication) uint64 {
	head := r.log.head.Load()
	digits := 1
	for n := head + 1; n > 9; n /= 10 {
		digits++
	}
	size := len(`{"status":1`) + len(r.prefix) + digits + 1 + len(p.Members) + 1
	if len(p.Members) == 0 {
		size--
	}
	frame := codec.HeaderSize(size) + size
	deflate := r.deflated.Load() > 0
	offset, s := r.log.next(frame, deflate)
	b := s.plain.space(s.n, frame)
	b = codec.AppendHeader(b, ws.OpText, false, size)
	header := len(b)
	b = append(b, `{"status":`...)
	b = append(b, '0'+p.Status)
	b = append(b, r.prefix...)
	b = strconv.AppendUint(b, offset, 10)
	if len(p.Members) > 0 {
		b = append(b, ',')
	}
	b = append(b, p.Members...)
	b = append(b, '}')
	end := int(s.plain.start(s.n)) + len(b)
	deflatedEnd := 0
	if s.deflated != nil {
		deflatedEnd = int(s.deflated.start(s.n)) + r.appendDeflated(s.deflated.space(s.n, frame), b, b[header:], deflate)
	}
	r.log.commit(s, end, deflatedEnd)
	return offset
}

// appendDeflated writes the entry's other encoding into dst and returns its length: compressed where that is worth it, the
// plain frame where it is not.
func (r *Room) appendDeflated(dst, plain, payload []byte, deflate bool) int {
	if deflate && len(payload) >= r.hub.cfg.DeflateThreshold {
		// Behind room for the largest header that may be needed. What outgrows dst is not shorter than plain.
		at := codec.HeaderSize(len(payload))
		body := codec.AppendDeflated(dst[:at], payload)[at:]
		if n := len(body); codec.HeaderSize(n)+n < len(plain) {
			dst = codec.AppendHeader(dst, ws.OpText, true, n)
			return len(append(dst, body...))
		}
	}
	return len(append(dst, plain...))
}

// markAll has every shard swept. An entry or notice is stored before, and a joining member looks for it after its shard is
// stored, so one of the two sees the other.
func (r *Room) markAll() {
	for i := range r.shards {
		if sh := r.shards[i].Load(); sh != nil {
			r.hub.sweepers[i].mark(sh)
		}
	}
}

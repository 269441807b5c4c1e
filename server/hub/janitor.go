package hub

import (
	"sort"
	"time"
)

// FlushPresence sends the presence events that are due. It is to be called a few times a second, by one goroutine that is no loop.
func (h *Hub) FlushPresence(now time.Time) {
	h.dirtyMu.Lock()
	rooms := h.dirty
	h.dirty = nil
	h.dirtyMu.Unlock()
	var again []*Room
	for _, r := range rooms {
		if r.presence.flush(r, now.UnixMilli()) {
			again = append(again, r)
		}
	}
	h.dirtyMu.Lock()
	h.dirty = append(h.dirty, again...)
	h.dirtyMu.Unlock()
}

// emptySeconds is how long an empty room without history is kept, for a reload of its only member.
const emptySeconds = 10

// roomsPerHold bounds how many rooms the janitor looks at before it lets others have the registry: some 0.1 ms.
const roomsPerHold = 1024

// Expire drops empty rooms whose history is too old, and history beyond the process's budget. It is to be called about once a
// second, by one goroutine that is no loop.
func (h *Hub) Expire(now int64) {
	seen := 0
	h.mu.Lock()
	for name, r := range h.rooms {
		// A map may change between two steps of a range, which is all that happens to it meanwhile.
		if seen++; seen%roomsPerHold == 0 {
			h.mu.Unlock()
			h.mu.Lock()
		}
		if r.expire(now) {
			delete(h.rooms, name)
		}
	}
	h.mu.Unlock()
	if h.logBytes.Load() > h.cfg.LogBytes {
		h.evict(now, h.cfg.LogBytes/10*9)
	}
}

// expire frees what the room has kept for long enough, and reports whether that is all of it. Under Hub.mu.
func (r *Room) expire(now int64) bool {
	idle := now - r.active.Load()
	if idle >= keyMemory && r.keys.Load() != nil {
		r.mu.Lock()
		r.keys.Store(nil)
		r.mu.Unlock()
	}
	if r.refs.Load() > 0 {
		return false
	}
	if idle >= r.hub.cfg.HistorySeconds || idle >= emptySeconds && len(r.log.list()) == 0 {
		r.mu.Lock()
		r.drop()
		r.mu.Unlock()
		return true
	}
	return false
}

// busySeconds is how lately a room must have been active to keep its newest segment: its members may be in mid-sweep.
const busySeconds = 2

// evict frees logs, longest idle first, down to target bytes.
func (h *Hub) evict(now, target int64) {
	type idle struct {
		r  *Room
		at int64
	}
	seen := 0
	h.mu.RLock()
	rooms := make([]idle, 0, len(h.rooms))
	for _, r := range h.rooms {
		if seen++; seen%roomsPerHold == 0 {
			h.mu.RUnlock()
			h.mu.RLock()
		}
		if len(r.log.list()) > 0 {
			rooms = append(rooms, idle{r, r.active.Load()})
		}
	}
	h.mu.RUnlock()
	sort.Slice(rooms, func(i, j int) bool { return rooms[i].at < rooms[j].at })
	for _, x := range rooms {
		if h.logBytes.Load() <= target {
			return
		}
		x.r.mu.Lock()
		if now-x.at < busySeconds {
			x.r.trim()
		} else {
			x.r.drop()
		}
		x.r.mu.Unlock()
	}
}

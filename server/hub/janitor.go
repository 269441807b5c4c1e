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

// Expire drops empty rooms whose history is too old, and history beyond the process's budget. It is to be called about once a
// second, by one goroutine that is no loop.
func (h *Hub) Expire(now int64) {
	h.mu.Lock()
	for name, r := range h.rooms {
		if r.refs.Load() > 0 {
			continue
		}
		idle := now - r.active.Load()
		if idle >= h.cfg.HistorySeconds || idle >= emptySeconds && len(r.log.list()) == 0 {
			delete(h.rooms, name)
			r.mu.Lock()
			r.drop()
			r.mu.Unlock()
		}
	}
	h.mu.Unlock()
	if h.logBytes.Load() > h.cfg.LogBytes {
		h.evict(h.cfg.LogBytes / 10 * 9)
	}
}

// evict frees logs, longest idle first, down to target bytes. Members at the head of a room lose nothing.
func (h *Hub) evict(target int64) {
	type idle struct {
		r  *Room
		at int64
	}
	h.mu.RLock()
	rooms := make([]idle, 0, len(h.rooms))
	for _, r := range h.rooms {
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
		x.r.drop()
		x.r.mu.Unlock()
	}
}

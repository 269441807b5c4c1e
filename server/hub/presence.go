package hub

import (
	"slices"
	"sync"
)

const (
	// namesPerEvent bounds the names in one presence event and in each of its lists; the rest is counted.
	namesPerEvent = 20
	// graceSeconds is how long a leave waits for the same nickname to come back, as a reload of a page does.
	graceSeconds = 3
	// maxDeparted bounds the leaves of a room that wait; beyond it a leave is counted at once and not named.
	maxDeparted = 1024
)

// Presence is what a room's members are told about who is there: changes since the last event, coalesced.
type Presence struct {
	Online       int64
	Joined, Left []string
	More         int // joins and leaves that are not named
}

// presence collects a room's joins and leaves between two events. Nothing is collected while nobody wants to know.
type presence struct {
	mu       sync.Mutex // Protects following, and Room.bulletin's replacement.
	joins    []string
	leaves   []string
	departed map[string]int64 // nicknames that left, and when
	more     int
	dirty    bool  // on Hub.dirty
	sent     int64 // when the last event was made, in Unix milliseconds
}

func (p *presence) joined(r *Room, name string) {
	if r.wanted.Load() == 0 {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if _, back := p.departed[name]; back && name != "" {
		delete(p.departed, name)
		return
	}
	if name != "" && len(p.joins) < namesPerEvent {
		p.joins = append(p.joins, name)
	} else {
		p.more++
	}
	p.queue(r)
}

func (p *presence) left(r *Room, name string, now int64) {
	if r.wanted.Load() == 0 {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.queue(r)
	if i := slices.Index(p.joins, name); i >= 0 && name != "" {
		p.joins = slices.Delete(p.joins, i, i+1) // came and went between two events
		return
	}
	if name == "" || len(p.departed) >= maxDeparted {
		p.more++
		return
	}
	if p.departed == nil {
		p.departed = make(map[string]int64)
	}
	p.departed[name] = now
}

func (p *presence) queue(r *Room) {
	if !p.dirty {
		p.dirty = true
		r.hub.dirtyMu.Lock()
		r.hub.dirty = append(r.hub.dirty, r)
		r.hub.dirtyMu.Unlock()
	}
}

// flush makes the room's next event if one is due, and reports whether the room has to be looked at again.
func (p *presence) flush(r *Room, nowMillis int64) (again bool) {
	p.mu.Lock()
	if nowMillis-p.sent < 1000 {
		p.mu.Unlock()
		return true
	}
	for name, at := range p.departed {
		if nowMillis/1000-at >= graceSeconds {
			delete(p.departed, name)
			if len(p.leaves) < namesPerEvent {
				p.leaves = append(p.leaves, name)
			} else {
				p.more++
			}
		}
	}
	ev := Presence{Online: r.online.Load(), Joined: p.joins, Left: p.leaves, More: p.more}
	again = len(p.departed) > 0
	p.dirty = again
	changed := len(ev.Joined)+len(ev.Left)+ev.More > 0
	if changed {
		p.joins, p.leaves, p.more, p.sent = nil, nil, 0, nowMillis
	}
	p.mu.Unlock()
	if changed && r.wanted.Load() > 0 {
		r.notify(presenceNotice, r.hub.cfg.PresenceFrame(r, ev))
	}
	return again
}

// Names appends the nicknames of the room's members on this loop until limit are there, passing over the first skip of them.
// It also returns how many it passed over. Loop only.
func (sw *Sweeper) Names(dst []string, r *Room, skip, limit int) (names []string, passed int) {
	sh := r.shards[sw.index].Load()
	if sh == nil {
		return dst, 0
	}
	for i := 0; i < len(sh.members) && len(dst) < limit; i++ {
		switch name := sh.members[i].m.Nickname; {
		case name == "":
		case passed < skip:
			passed++
		default:
			dst = append(dst, name)
		}
	}
	return dst, passed
}

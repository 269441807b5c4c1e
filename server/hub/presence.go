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
	mu      sync.Mutex // Protects following, and Room.bulletin's replacement.
	changes *changes   // since the last event; nil is none
	dirty   bool       // on Hub.dirty
	sent    int64      // when the last event was made, in Unix milliseconds
	claims  *claims
}

type changes struct {
	joins    []string
	leaves   []string
	departed map[string]int64 // nicknames that left, and when
	more     int
}

func (p *presence) joined(r *Room, name string) {
	if r.wanted.Load() == 0 {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	ch := p.collect(r)
	if _, back := ch.departed[name]; back {
		delete(ch.departed, name)
		return
	}
	if name != "" && len(ch.joins) < namesPerEvent {
		ch.joins = append(ch.joins, name)
	} else {
		ch.more++
	}
}

func (p *presence) left(r *Room, name string, now int64) {
	if r.wanted.Load() == 0 {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	ch := p.collect(r)
	if i := slices.Index(ch.joins, name); i >= 0 {
		ch.joins = slices.Delete(ch.joins, i, i+1) // came and went between two events
		return
	}
	if name == "" || len(ch.departed) >= maxDeparted {
		ch.more++
		return
	}
	if ch.departed == nil {
		ch.departed = make(map[string]int64)
	}
	ch.departed[name] = now
}

// collect has the room looked at by the next flush. Under presence.mu.
func (p *presence) collect(r *Room) *changes {
	if p.changes == nil {
		p.changes = &changes{}
	}
	if !p.dirty {
		p.dirty = true
		r.hub.dirtyMu.Lock()
		r.hub.dirty = append(r.hub.dirty, r)
		r.hub.dirtyMu.Unlock()
	}
	return p.changes
}

// forget drops what was collected: the last member that wanted to know has left, and nobody notes who comes back.
func (p *presence) forget() {
	p.mu.Lock()
	p.changes = nil
	p.mu.Unlock()
}

// flush makes the room's next event if one is due, and reports whether the room has to be looked at again.
func (p *presence) flush(r *Room, nowMillis int64) (again bool) {
	p.mu.Lock()
	if nowMillis-p.sent < 1000 {
		p.mu.Unlock()
		return true
	}
	ch := p.changes
	if ch == nil {
		p.dirty = false
		p.mu.Unlock()
		return false
	}
	for name, at := range ch.departed {
		if nowMillis/1000-at >= graceSeconds {
			delete(ch.departed, name)
			if len(ch.leaves) < namesPerEvent {
				ch.leaves = append(ch.leaves, name)
			} else {
				ch.more++
			}
		}
	}
	ev := Presence{Online: r.Online(), Joined: ch.joins, Left: ch.leaves, More: ch.more}
	again = len(ch.departed) > 0
	p.dirty, p.changes = again, nil
	if again {
		p.changes = &changes{departed: ch.departed}
	}
	changed := len(ev.Joined)+len(ev.Left)+ev.More > 0
	if changed {
		p.sent = nowMillis
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

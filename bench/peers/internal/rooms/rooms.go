// Package rooms keeps who is in which room, for the peers whose library leaves that to its user.
package rooms

import "sync"

// Rooms is a set of rooms by name, safe for concurrent use. A room lives from the first Join to the last Leave.
type Rooms[M comparable] struct {
	mu     sync.Mutex // guards byName and every room's users
	byName map[string]*Room[M]
}

// Room is the members of one room.
type Room[M comparable] struct {
	name  string
	users int // joins that have not left

	mu      sync.Mutex // guards members; held for a whole broadcast, so that all members see one order
	members map[M]struct{}
}

// Join adds m to the room called name and returns that room.
func (r *Rooms[M]) Join(name string, m M) *Room[M] {
	r.mu.Lock()
	room := r.byName[name]
	if room == nil {
		if r.byName == nil {
			r.byName = make(map[string]*Room[M])
		}
		room = &Room[M]{name: name, members: make(map[M]struct{})}
		r.byName[name] = room
	}
	room.users++
	r.mu.Unlock()

	room.mu.Lock()
	room.members[m] = struct{}{}
	room.mu.Unlock()
	return room
}

// Leave takes m out of the room that Join returned. It is called once for each Join.
func (r *Rooms[M]) Leave(room *Room[M], m M) {
	room.mu.Lock()
	delete(room.members, m)
	room.mu.Unlock()

	r.mu.Lock()
	defer r.mu.Unlock()
	room.users--
	if room.users == 0 {
		delete(r.byName, room.name)
	}
}

// Each calls send for every member. Calls of Each on one room do not overlap; send must not join or leave.
func (r *Room[M]) Each(send func(M)) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for m := range r.members {
		send(m)
	}
}

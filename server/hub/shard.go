package hub

import "sync/atomic"

// shard is the part of a room on one loop.
type shard struct {
	room    *Room
	sweeper *Sweeper
	queued  atomic.Bool // on the sweeper's list of rooms with something new
	link    *shard      // the next one on that list

	// Owned by the loop.
	members []cursor
	pos     int    // members below pos are still to be visited in this pass
	after   *shard // the next one in the sweeper's queue
	share   int32  // writes left of the quantum
	moves   uint32 // joins and leaves so far: a cursor's address holds until the next
	again   bool   // somebody was left behind in this pass: make another
	running bool   // in a queue of the sweeper's
}

func (sh *shard) add(c cursor) {
	c.m.shard, c.m.index = sh, int32(len(sh.members))
	sh.members = append(sh.members, c)
	sh.moves++
}

// remove swaps the last member into the place. A pass goes from the last to the first, so the one that moves either was
// visited already or is visited later, never missed.
func (sh *shard) remove(m *Member) {
	last := len(sh.members) - 1
	i := int(m.index)
	sh.members[i] = sh.members[last]
	sh.members[i].m.index = int32(i)
	sh.members[last] = cursor{}
	sh.members = sh.members[:last]
	sh.pos = min(sh.pos, last)
	if cap(sh.members) > 64 && last < cap(sh.members)/4 {
		sh.members = append(make([]cursor, 0, cap(sh.members)/2), sh.members...)
	}
	sh.moves++
	m.shard = nil
}

// cursor is m's, nil once it has left. A call to a Writer or to Events may move it.
func (sh *shard) cursor(m *Member) *cursor {
	if m.shard != sh {
		return nil
	}
	return &sh.members[m.index]
}

// pass is a shard's log as one stretch of work sees it. It remembers per encoding the run that the member before got: most
// get the same. It ends with the stretch, so that a publication withdrawn since is not read, and no segment is pinned.
type pass struct {
	view
	sh   *shard
	tips [2]run
	from [2]uint64 // what tips were read from; no offset is 0
}

func (sh *shard) pass() pass { return pass{view: sh.room.log.view(), sh: sh} }

// run returns what a member at from gets.
func (p *pass) run(from uint64, f cursorFlags) *run {
	i := f & deflated
	if p.from[i] != from {
		p.from[i], p.tips[i] = from, p.read(from, i != 0)
	}
	return &p.tips[i]
}

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
	again   bool   // somebody was left behind in this pass: make another
	running bool   // in the sweeper's round
	tip     [2]tip // the run that the member before got, per encoding: most members get the same
}

type tip struct {
	head uint64
	from uint64
	run  run
}

func (sh *shard) add(c cursor) {
	c.m.shard, c.m.index = sh, int32(len(sh.members))
	sh.members = append(sh.members, c)
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
	m.shard = nil
}

// read returns what a member at from gets of v.
func (sh *shard) read(v *view, from uint64, f cursorFlags) run {
	t := &sh.tip[f&deflated]
	if t.head != v.head || t.from != from {
		*t = tip{head: v.head, from: from, run: v.read(from, f&deflated != 0)}
	}
	return t.run
}

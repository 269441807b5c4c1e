package hub

import "errors"

// Why a join is refused.
var (
	// ErrFutureOffset says that the resume point lies ahead of the log.
	ErrFutureOffset = errors.New("hub: offset is ahead of the room")
	// ErrNicknameTaken says that another member goes by the nickname.
	ErrNicknameTaken = errors.New("hub: nickname is taken")
)

// Join says how a member enters a room.
type Join struct {
	Nickname string
	Writer   Writer
	Events   Events
	Deflated bool // the connection takes permessage-deflate
	Notices  bool // it takes presence and redactions
	// Unique refuses a nickname that another Unique member has, unless the join resumes: whoever resumes has come back before
	// its old connection was missed.
	Unique bool

	// After resumes behind an offset of an epoch, if Epoch is not "".
	Epoch  string
	Offset uint64
	// History asks for that many of the newest publications, if there is no Epoch.
	History int
}

// Joined says where a member stands.
type Joined struct {
	Epoch     string
	Offset    uint64 // the head at the time of joining
	Online    int64
	Recovered bool // nothing between the resume point and the head is missing
	// GapFrom..GapTo cannot be delivered any more, if GapTo is not 0.
	GapFrom, GapTo uint64
	// Withdrawn are the notices of what was withdrawn lately, for a member that resumes: it may show some of it.
	Withdrawn [][]byte
}

// Join makes m a member of the room on the sweeper's loop; m is not moved and not reused afterwards. Nothing is written
// before the loop's next Sweep, so the caller can answer first. Loop only. The room must be held, see Hub.Room.
func (sw *Sweeper) Join(r *Room, m *Member, j Join) (Joined, error) {
	sh := r.shards[sw.index].Load()
	if sh == nil {
		sh = &shard{room: r, sweeper: sw}
		r.shards[sw.index].Store(sh)
	}
	v := r.log.view()
	res := Joined{Epoch: r.epoch, Offset: v.head}
	next, err := r.start(&v, j, &res)
	if err == nil && j.Unique && j.Nickname != "" && !r.presence.claim(j.Nickname, j.Epoch != "") {
		err = ErrNicknameTaken
	}
	if err != nil {
		if len(sh.members) == 0 {
			r.shards[sw.index].Store(nil)
		}
		return Joined{}, err
	}
	c := cursor{w: j.Writer, m: m, next: next, notice: r.noticeNumber()}
	if j.Deflated {
		c.flags |= deflated
		r.deflated.Add(1)
	}
	if j.Unique && j.Nickname != "" {
		c.flags |= unique
	}
	if j.Epoch != "" {
		res.Withdrawn = r.withdrawn()
	}
	if j.Notices {
		c.flags |= notices
		r.wanted.Add(1)
	}
	m.Nickname, m.events = j.Nickname, j.Events
	sh.add(c)
	r.refs.Add(1)
	res.Online = int64(r.online.Add(1))
	sw.hub.members.Add(1)
	r.presence.joined(r, m.Nickname)
	if next <= r.log.head.Load() {
		sw.mark(sh)
	}
	return res, nil
}

// start finds the first offset that the joining member is to get.
func (r *Room) start(v *view, j Join, res *Joined) (uint64, error) {
	if j.Epoch == r.epoch && j.Offset > v.head {
		return 0, ErrFutureOffset
	}
	oldest := max(v.oldest(), r.historyStart(v))
	switch {
	case r.policy == Latest && (j.Epoch != "" || j.History > 0):
		if res.Recovered = j.Epoch == r.epoch && j.Offset == v.head; res.Recovered {
			return v.head + 1, nil
		}
		return max(v.head, 1), nil // the sweep would pass over the others
	case j.Epoch == r.epoch:
		next := max(j.Offset, v.purged) + 1
		if next < oldest {
			res.GapFrom, res.GapTo = next, oldest-1
			return oldest, nil
		}
		res.Recovered = true
		return next, nil
	case j.Epoch != "":
		// Another life of the log: nothing of it is known, so all that this one has is new to the member.
		if oldest > v.purged+1 {
			res.GapFrom, res.GapTo = v.purged+1, oldest-1
		}
		return oldest, nil
	case j.History > 0:
		n := min(uint64(j.History), v.head)
		return max(v.head-n+1, oldest), nil
	}
	return v.head + 1, nil
}

// historyStart is the lowest offset that a join may read back to.
func (r *Room) historyStart(v *view) uint64 {
	if limit := uint64(r.hub.cfg.RoomHistory); v.head > limit {
		return v.head - limit + 1
	}
	return 1
}

// Leave ends the membership. It may be called at any time, also from Events, and more than once. Loop only.
func (m *Member) Leave(now int64) {
	sh := m.shard
	if sh == nil {
		return
	}
	r := sh.room
	flags := sh.members[m.index].flags
	if flags&deflated != 0 {
		r.deflated.Add(-1)
	}
	if flags&notices != 0 {
		if r.wanted.Add(-1) == 0 {
			r.presence.forget()
		}
	}
	if flags&unique != 0 {
		r.presence.unclaim(m.Nickname)
	}
	sh.remove(m)
	if len(sh.members) == 0 {
		r.shards[sh.sweeper.index].Store(nil)
	}
	r.online.Add(-1)
	r.hub.members.Add(-1)
	r.active.Store(now)
	r.presence.left(r, m.Nickname, now)
	r.refs.Add(-1)
}

package hub

// Notices are what a room's members are told besides its publications: presence, redactions. They never enter the log:
// they have no offset and are not history. A room keeps the last few, and a cursor remembers which it has got.

// maxNotices bounds the notices a room keeps for members that are behind.
const maxNotices = 256

type notice struct {
	number uint32
	frame  []byte
	kind   noticeKind
}

type noticeKind uint8

const (
	presenceNotice  noticeKind = iota // the newest replaces the ones before
	redactionNotice                   // every member must get every one
)

// bulletin is a room's notices, oldest first. It is replaced, never changed.
type bulletin struct {
	items []notice
	last  uint32 // number of the newest
	lost  uint32 // number of the newest redaction that is no longer kept
}

// notify adds a notice and marks the room's shards. Any goroutine.
func (r *Room) notify(kind noticeKind, frame []byte) {
	r.presence.mu.Lock()
	next := &bulletin{}
	if old := r.bulletin.Load(); old != nil {
		next.last, next.lost = old.last, old.lost
		for _, n := range old.items {
			if kind != presenceNotice || n.kind != presenceNotice {
				next.items = append(next.items, n)
			}
		}
	}
	if len(next.items) == maxNotices {
		if oldest := next.items[0]; oldest.kind == redactionNotice {
			next.lost = oldest.number
		}
		next.items = next.items[1:]
	}
	next.last++
	next.items = append(next.items, notice{number: next.last, frame: frame, kind: kind})
	r.bulletin.Store(next)
	r.presence.mu.Unlock()
	r.markAll()
}

// withdrawn are the notices of redactions that are still kept.
func (r *Room) withdrawn() (frames [][]byte) {
	if b := r.bulletin.Load(); b != nil {
		for _, n := range b.items {
			if n.kind == redactionNotice {
				frames = append(frames, n.frame)
			}
		}
	}
	return frames
}

// noticeNumber is the number that the next notice will have.
func (r *Room) noticeNumber() uint32 {
	if b := r.bulletin.Load(); b != nil {
		return b.last + 1
	}
	return 1
}

// tell writes the notices that a member has not got. It returns the number of writes.
func (sw *Sweeper) tell(sh *shard, c *cursor) (writes int) {
	b, m := sh.room.bulletin.Load(), c.m
	if b == nil || c.notice > b.last {
		return 0
	}
	if c.notice <= b.lost {
		c.flags |= dead
		m.events.Slow(m)
		return 0
	}
	for _, item := range b.items {
		if item.number < c.notice {
			continue
		}
		moves := sh.moves
		n, ok := c.w.Write(item.frame)
		writes++
		if sh.moves != moves {
			if c = sh.cursor(m); c == nil {
				return writes
			}
		}
		switch {
		case !ok:
			c.flags |= dead
			return writes
		case n == 0:
			c.notice = item.number
			sw.stall(sh, c, nil)
			return writes
		}
		c.notice = item.number + 1
		if n < len(item.frame) {
			sw.stall(sh, c, item.frame[n:])
			return writes
		}
	}
	c.notice = b.last + 1
	return writes
}

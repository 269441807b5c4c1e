package hub

// Writer is a member's socket as a sweep sees it. All calls come from the member's loop.
type Writer interface {
	// Write writes a prefix of frames, which are whole frames, as far as the socket takes it without waiting: 0 while it is
	// full or earlier output is still buffered. ok is false once the socket is gone; it is not called again then.
	Write(frames []byte) (n int, ok bool)
	// Finish takes the rest of a frame that Write broke. rest is the log's: it must be copied.
	Finish(rest []byte)
	// Buffered is the number of bytes that wait for the socket.
	Buffered() int
}

// Events is told what befalls a member. It is called on the member's loop. It may call Leave and Join, for any members, and
// Publish; so may a Writer's methods.
type Events interface {
	// Gap says that the publications from..to can no longer be delivered to the member.
	Gap(m *Member, from, to uint64)
	// Slow says that the member fell behind the log in a room whose policy is Close. The member gets nothing more.
	Slow(m *Member)
}

// Member is one connection's place in one room. Its methods belong to its loop.
type Member struct {
	Nickname string // as presence shows it; "" is counted and not named
	events   Events
	shard    *shard // nil once left
	index    int32  // in shard.members
}

// Room is the room, nil once the member has left.
func (m *Member) Room() *Room {
	if m.shard == nil {
		return nil
	}
	return m.shard.room
}

// Events is what the member joined with.
func (m *Member) Events() Events { return m.events }

// Used reports whether the Member was ever in a room: it cannot join again.
func (m *Member) Used() bool { return m.events != nil }

// Rename gives a nickname to a member that had none. Presence names it as one that joined.
func (m *Member) Rename(nickname string) {
	m.Nickname = nickname
	m.shard.room.presence.joined(m.shard.room, nickname)
}

// cursor is a member's place in the log, and all that a sweep touches of it while it keeps up.
type cursor struct {
	w      Writer
	m      *Member
	next   uint64 // offset of the first entry that is not written yet
	notice uint32 // number of the first notice that is not written yet
	flags  cursorFlags
}

type cursorFlags uint8

const (
	deflated cursorFlags = 1 << iota // takes permessage-deflate
	notices                          // takes presence and other notices
	unique                           // holds a claim on its nickname
	stalled                          // its socket was full; it is retried from a tick
	dead                             // its socket is gone, or it fell behind and is being closed
)

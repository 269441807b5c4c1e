package hub

import "sync/atomic"

const (
	// A room's first segment is small, so that an idle room with a few messages stays under 1 KiB; each next one doubles.
	minSegment = 384
	// A segment is at most this part of what retention keeps: it drops whole ones, and members a little behind must not
	// lose theirs with it.
	segmentsPerLog = 8
	// A full-sized segment is also the most that one write carries: more would hold the loop on one socket for longer
	// than its share, and a stalled socket takes at most one frame of it.
	maxSegment = 64 << 10
	// Chat messages are rarely shorter than this on the wire; where they are, the segment ends early.
	bytesPerEntry = 48
)

// segment is a run of a log's entries, with offsets that follow each other from first. Its slices are allocated at full
// length and never moved; an entry is written before the log's head makes it visible and not changed after, so readers
// below the head need no lock.
type segment struct {
	first    uint64
	plain    track
	deflated *track // the same entries for members that take permessage-deflate; nil where the log had none
	dead     atomic.Pointer[bitmap]

	n int // entries written; the appender's
}

// track is one encoding of a segment's entries.
type track struct {
	buf  []byte
	ends []uint32 // ends[i] is where entry i ends in buf
}

func newTrack(size, entries int) track {
	return track{buf: make([]byte, size), ends: make([]uint32, entries)}
}

func newSegment(first uint64, size int, deflated bool) *segment {
	entries := max(size/bytesPerEntry, 1)
	s := &segment{first: first, plain: newTrack(size, entries)}
	if deflated {
		t := newTrack(size, entries)
		s.deflated = &t
	}
	return s
}

// memory is what the segment pins, in bytes.
func (s *segment) memory() int {
	n := len(s.plain.buf) + 4*len(s.plain.ends)
	if s.deflated != nil {
		n *= 2
	}
	return n
}

func (t *track) start(i int) uint32 {
	if i == 0 {
		return 0
	}
	return t.ends[i-1]
}

// space returns room for entry i, of at most size bytes, or nil if the track is full.
func (t *track) space(i, size int) []byte {
	if i == len(t.ends) {
		return nil
	}
	at := int(t.start(i))
	if len(t.buf)-at < size {
		return nil
	}
	return t.buf[at:at:len(t.buf)]
}

// track chooses the encoding for a member.
func (s *segment) track(deflated bool) *track {
	if deflated && s.deflated != nil {
		return s.deflated
	}
	return &s.plain
}

// bitmap marks withdrawn entries. It is replaced, never changed.
type bitmap []uint64

func (b *bitmap) has(i int) bool {
	return b != nil && i/64 < len(*b) && (*b)[i/64]&(1<<(i%64)) != 0
}

// withdraw marks entry i. Appender only.
func (s *segment) withdraw(i int) {
	marked := make(bitmap, (len(s.plain.ends)+63)/64)
	if old := s.dead.Load(); old != nil {
		copy(marked, *old)
	}
	marked[i/64] |= 1 << (i % 64)
	s.dead.Store(&marked)
}

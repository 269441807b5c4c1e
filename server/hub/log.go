package hub

import (
	"sort"
	"sync/atomic"
)

// log is a room's append-only sequence of entries. One appender at a time, under the room's lock; readers on any goroutine
// load the head and then the segments, in this order, and read what is at or below that head. Entries are found by offset,
// so a cursor is a number and pins no memory.
type log struct {
	head     atomic.Uint64 // offset of the newest entry; 0 before the first
	segments atomic.Pointer[[]*segment]
	purged   atomic.Uint64 // entries up to this offset were withdrawn together
	memory   int           // bytes of all segments; the appender's
	limit    int           // memory that retention keeps to
}

func (l *log) list() []*segment {
	if p := l.segments.Load(); p != nil {
		return *p
	}
	return nil
}

// next makes room for one entry of at most size bytes and returns its offset and its segment. The entry is visible after commit.
func (l *log) next(size int, deflated bool) (uint64, *segment) {
	offset := l.head.Load() + 1
	list := l.list()
	if len(list) > 0 {
		s := list[len(list)-1]
		if s.first+uint64(s.n) == offset && s.plain.space(s.n, size) != nil && (s.deflated != nil || !deflated) {
			return offset, s
		}
	}
	return offset, l.grow(offset, size, deflated)
}

func (l *log) grow(first uint64, size int, deflated bool) *segment {
	old := l.list()
	capacity := minSegment
	if len(old) > 0 {
		capacity = min(2*len(old[len(old)-1].plain.buf), maxSegment, max(l.limit/segmentsPerLog, minSegment))
	}
	s := newSegment(first, max(capacity, size), deflated)
	l.memory += s.memory()
	drop := 0
	for l.memory > l.limit && drop < len(old) {
		l.memory -= old[drop].memory()
		drop++
	}
	list := append(make([]*segment, 0, len(old)-drop+1), old[drop:]...)
	list = append(list, s)
	l.segments.Store(&list)
	return s
}

// commit makes the entry that was written into s visible.
func (l *log) commit(s *segment, end int, deflatedEnd int) {
	s.plain.ends[s.n] = uint32(end)
	if s.deflated != nil {
		s.deflated.ends[s.n] = uint32(deflatedEnd)
	}
	s.n++
	l.head.Store(s.first + uint64(s.n) - 1)
}

// view is the log as one reader sees it: consistent, and immutable.
type view struct {
	head     uint64
	purged   uint64
	segments []*segment
}

// view loads the head first: segments loaded later hold everything up to it, but for what retention dropped.
func (l *log) view() view {
	v := view{head: l.head.Load()}
	v.segments = l.list()
	v.purged = l.purged.Load()
	return v
}

// oldest is the lowest offset that can be read, head+1 if none can.
func (v *view) oldest() uint64 {
	if len(v.segments) == 0 {
		return v.head + 1
	}
	return min(max(v.segments[0].first, v.purged+1), v.head+1)
}

// run is a piece of one segment: count whole entries from offset first on, in one encoding.
type run struct {
	first uint64
	count int
	bytes []byte
	t     *track
	index int // of the first entry in t
}

// next is the offset at which a reader goes on that took the whole run.
func (r *run) next() uint64 { return r.first + uint64(r.count) }

// read returns the entries from offset from on that lie in one segment, which is at most maxSegment bytes or one entry.
// from must lie between oldest and head. Withdrawn entries are passed over, so the run may begin later, or be empty and
// only say where to go on.
func (v *view) read(from uint64, deflated bool) run {
	i := len(v.segments) - 1
	for v.segments[i].first > from {
		i--
	}
	s, last := v.segments[i], v.head
	if i+1 < len(v.segments) {
		last = min(v.head, v.segments[i+1].first-1)
	}
	lo, hi := int(from-s.first), int(last-s.first)+1
	if dead := s.dead.Load(); dead != nil {
		lo, hi = dead.alive(lo, hi)
	}
	t := s.track(deflated)
	r := run{first: s.first + uint64(lo), count: hi - lo, t: t, index: lo}
	if lo < hi {
		r.bytes = t.buf[t.start(lo):t.ends[hi-1]]
	}
	return r
}

// alive narrows [lo, hi) to the first stretch without a withdrawn entry.
func (b *bitmap) alive(lo, hi int) (int, int) {
	for lo < hi && b.has(lo) {
		lo++
	}
	for i := lo; i < hi; i++ {
		if b.has(i) {
			return lo, i
		}
	}
	return lo, hi
}

// cut says where a reader stands that took n bytes of the run: the offset at which it goes on, and the rest of the frame
// that n broke.
func (r *run) cut(n int) (next uint64, rest []byte) {
	start := int(r.t.start(r.index))
	ends := r.t.ends[r.index : r.index+r.count]
	i := sort.Search(len(ends), func(i int) bool { return int(ends[i])-start > n })
	whole := 0
	if i > 0 {
		whole = int(ends[i-1]) - start
	}
	if n == whole {
		return r.first + uint64(i), nil
	}
	return r.first + uint64(i) + 1, r.bytes[n : int(ends[i])-start]
}

package hub

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"time"
)

// TestConcurrently is the model check's other half, for the race detector: loops sweep while publishers append and a janitor
// withdraws, evicts and expires. What exactly a member gets depends on the moment; that offsets rise, that each is what was
// said, and that none is passed over without a gap or a withdrawal does not.
func TestConcurrently(t *testing.T) {
	t.Parallel()
	const loops, publishers, members, perPublisher = 3, 3, 60, 10_000
	c := newCrowd(t, loops)
	for i := range members {
		c.loops[i%loops].members = append(c.loops[i%loops].members, &crowdMember{crowd: c, loop: c.loops[i%loops], space: -1})
	}
	var speaking, sweeping sync.WaitGroup
	for p := range publishers {
		speaking.Go(func() { c.publish(rand.New(rand.NewPCG(uint64(p), 9)), perPublisher) })
	}
	for _, l := range c.loops {
		sweeping.Go(l.run)
	}
	stop := make(chan struct{})
	sweeping.Go(func() { c.keep(stop) })
	speaking.Wait()
	close(stop)
	for _, l := range c.loops {
		close(l.stop)
	}
	sweeping.Wait()
	delivered, gaps := 0, 0
	for _, l := range c.loops {
		l.end()
		for _, m := range l.members {
			m.check(t)
			delivered += m.delivered
			gaps += m.gaps
		}
	}
	t.Logf("%d deliveries, %d gaps, %d publications", delivered, gaps, publishers*perPublisher)
	if delivered == 0 || gaps == 0 {
		t.Error("nothing happened")
	}
}

type crowd struct {
	*world
	rooms []*Room // held, so that they have one epoch
	loops []*crowdLoop

	mu        sync.Mutex // Protects following.
	withdrawn map[*Room]map[uint64]bool
	purged    map[*Room]uint64
}

func newCrowd(t *testing.T, loops int) *crowd {
	c := &crowd{withdrawn: make(map[*Room]map[uint64]bool), purged: make(map[*Room]uint64)}
	for range loops {
		c.loops = append(c.loops, &crowdLoop{crowd: c, wake: make(chan struct{}, 1), stop: make(chan struct{})})
	}
	w := newWorld(t, Config{RoomBytes: 8192, LogBytes: 30_000}, loops)
	start := time.Now()
	w.Hub = New(w.cfg, loops, func(i int) { c.loops[i].wake <- struct{}{} }, func() int64 { return int64(time.Since(start)) })
	c.world = w
	for i, l := range c.loops {
		l.sweeper, l.rng = w.Sweeper(i), rand.New(rand.NewPCG(uint64(i), 10))
	}
	for i := range 4 {
		r := w.room(fmt.Sprint("room ", i))
		c.rooms = append(c.rooms, r)
		c.withdrawn[r] = make(map[uint64]bool)
	}
	return c
}

func (c *crowd) publish(rng *rand.Rand, n int) {
	for i := range n {
		r := c.rooms[rng.IntN(len(c.rooms))]
		p := Publication{Room: r, Status: 1, Members: fmt.Appendf(nil, `"text":"%s"`, strings.Repeat("x", rng.IntN(100))), Now: c.now}
		if i%10 == 0 {
			p.Key = fmt.Sprint("key ", rng.IntN(100))
		}
		c.Publish(p, nil)
		if i%50 == 0 {
			time.Sleep(time.Millisecond) // the loops have few processors to sweep on
		}
	}
}

// keep is the janitor and an operator.
func (c *crowd) keep(stop chan struct{}) {
	rng := rand.New(rand.NewPCG(11, 12))
	for now := c.now; ; now++ {
		select {
		case <-stop:
			return
		default:
		}
		time.Sleep(time.Millisecond)
		r := c.rooms[rng.IntN(len(c.rooms))]
		switch rng.IntN(12) {
		case 0:
			// Whoever purges later than here is known to have purged more: up to the head it returns.
			c.mu.Lock()
			c.purged[r] = max(c.purged[r], r.Purge())
			c.mu.Unlock()
		case 1, 2, 3:
			offset := r.Head() - min(r.Head(), rng.Uint64N(30))
			c.mu.Lock()
			c.withdrawn[r][offset] = true
			c.mu.Unlock()
			r.Redact(offset)
		}
		c.FlushPresence(timeOf(now))
		c.Expire(now)
		// Rooms that come and go beside the ones that are held.
		if other, err := c.Room(fmt.Sprint("passing ", rng.IntN(5)), now); err == nil {
			c.Publish(Publication{Room: other, Status: 1, Now: now}, nil)
			other.Release()
		}
		_ = r.AppendBefore(nil, r.Head(), 20, 4096)
		_ = c.Busiest(3)
		_ = c.Stats()
	}
}

// crowdLoop is an event loop's goroutine.
type crowdLoop struct {
	*crowd
	sweeper *Sweeper
	rng     *rand.Rand
	wake    chan struct{}
	stop    chan struct{}
	members []*crowdMember
}

func (l *crowdLoop) run() {
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	more := false
	for {
		if more {
			select {
			case l.wake <- struct{}{}:
			default: // publishers wait for a loop that is awake
			}
		}
		select {
		case <-l.stop:
			return
		case <-tick.C:
			l.sweeper.RetryStalled(100)
			l.change()
		case <-l.wake:
			more = l.sweeper.Sweep(Budget{Writes: 1 + l.rng.IntN(64), Nanos: 1e6})
		}
	}
}

// change lets members come, go, stall and read again.
func (l *crowdLoop) change() {
	m := l.members[l.rng.IntN(len(l.members))]
	switch n := l.rng.IntN(10); {
	case m.member == nil:
		m.join(l.crowd.rooms[l.rng.IntN(len(l.crowd.rooms))])
	case n < 4:
		m.space, m.held = l.rng.IntN(5000), 0
	case n < 9:
		m.space, m.held = -1, 0
	default:
		m.member.Leave(l.now)
		m.check(l.t)
		m.member = nil
	}
}

// end delivers what is left, once nobody else runs.
func (l *crowdLoop) end() {
	for _, m := range l.members {
		m.space, m.held = -1, 0
	}
	for l.sweeper.Stalled() > 0 {
		l.sweeper.RetryStalled(1000)
	}
	for l.sweeper.Sweep(Budget{Writes: 1000, Nanos: 1e9}) {
	}
	for _, m := range l.members {
		if m.member != nil {
			m.passedOver(m.room.Head() + 1)
		}
	}
}

type crowdMember struct {
	*crowd
	loop      *crowdLoop
	member    *Member
	room      *Room
	space     int
	held      int
	next      uint64
	skipped   []uint64 // offsets that were passed over: each must have been withdrawn
	delivered int
	gaps      int
}

func (m *crowdMember) join(r *Room) {
	m.member, m.room, m.space, m.held, m.skipped = new(Member), r, -1, 0, nil
	j := Join{Writer: m, Events: m, Notices: true, Epoch: r.Epoch(), Nickname: "somebody"}
	j.Offset = r.Head() - min(r.Head(), m.loop.rng.Uint64N(20))
	res, err := m.loop.sweeper.Join(r, m.member, j)
	if err != nil {
		m.t.Error(err)
	}
	m.next = j.Offset + 1
	if res.GapTo > 0 {
		m.passedOver(res.GapFrom)
		m.next = res.GapTo + 1
	}
}

func (m *crowdMember) Write(frames []byte) (int, bool) {
	if m.held > 0 {
		return 0, true
	}
	n := len(frames)
	if m.space >= 0 {
		n = min(n, m.space)
		m.space -= n
	}
	for at := 0; at < n; {
		f, size, ok := readFrame(frames[at:])
		if !ok {
			m.t.Errorf("not a whole frame: %q", frames[at:])
			return 0, false
		}
		at += size
		if !bytes.HasPrefix(f.payload, []byte(`{"status":`)) {
			continue
		}
		offset := offsetOf(f.payload)
		if !bytes.Contains(f.payload, []byte(`"room":"`+m.room.name+`"`)) || offset < m.next {
			m.t.Errorf("owed %d of %q, got %q", m.next, m.room.name, f.payload)
		}
		m.passedOver(offset)
		m.delivered++
		m.next = offset + 1
	}
	return n, true
}

func (m *crowdMember) passedOver(until uint64) {
	for ; m.next < until; m.next++ {
		m.skipped = append(m.skipped, m.next)
	}
}

func (m *crowdMember) Finish(rest []byte) { m.held = len(rest) }
func (m *crowdMember) Buffered() int      { return m.held }
func (m *crowdMember) Slow(*Member)       { m.t.Error("slow in a room that skips") }

func (m *crowdMember) Gap(_ *Member, from, to uint64) {
	if from < m.next || to < from {
		m.t.Errorf("a gap %d..%d for a member that is owed %d", from, to, m.next)
	}
	m.passedOver(from)
	m.gaps++
	m.next = to + 1
}

// check: whatever was passed over was withdrawn.
func (m *crowdMember) check(t testing.TB) {
	if m.member == nil {
		return
	}
	m.crowd.mu.Lock()
	defer m.crowd.mu.Unlock()
	for _, offset := range m.skipped {
		if offset > m.purged[m.room] && !m.withdrawn[m.room][offset] {
			t.Errorf("offset %d of %q was never delivered", offset, m.room.name)
		}
	}
}

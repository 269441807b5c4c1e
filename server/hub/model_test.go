package hub

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"testing"
)

// The model check turns a hub by hand, in one goroutine, through random publications, full sockets, broken frames, ends of
// connections, resumes, withdrawals, evictions and expiries, and holds every single frame that a member is sent to a naive
// model: rooms as slices of strings, members as the next offset that they are owed. See naiveRoom and modelMember.

var (
	modelSeed  = flag.Uint64("seed", 0, "seed of the model check's first episode; 0 draws one")
	modelSteps = flag.Int("steps", 1_000_000, "steps of the model check")
)

const episodeSteps = 5000

func TestModel(t *testing.T) {
	t.Parallel()
	seed := *modelSeed
	if seed == 0 {
		seed = rand.Uint64N(1 << 40)
	}
	var total tally
	for done := 0; done < *modelSteps; done += episodeSteps {
		m := newModel(t, seed)
		for m.step = range min(episodeSteps, *modelSteps-done) {
			m.turn()
		}
		m.settle()
		total.add(&m.tally)
		seed++
	}
	t.Logf("%d steps: %+v", *modelSteps, total)
	if *modelSteps >= 1_000_000 && total.rare() == 0 {
		t.Errorf("the steps did not reach everything: %+v", total)
	}
}

// tally counts what a run came across, so that it can be seen that it did.
type tally struct {
	entries, compressed, broken, gaps, slow, recovered, joinGaps, otherLives, redacted, purged, evicted, expired, repeats, presences int
}

func (a *tally) fields() []*int {
	return []*int{
		&a.entries, &a.compressed, &a.broken, &a.gaps, &a.slow, &a.recovered, &a.joinGaps, &a.otherLives, &a.redacted,
		&a.purged, &a.evicted, &a.expired, &a.repeats, &a.presences,
	}
}

func (a *tally) add(b *tally) {
	for i, f := range b.fields() {
		*a.fields()[i] += *f
	}
}

// rare is the smallest count.
func (a *tally) rare() int {
	least := a.entries
	for _, f := range a.fields() {
		least = min(least, *f)
	}
	return least
}

const (
	modelLoops   = 3
	modelMembers = 40
	modelHistory = 20
	modelKept    = 40 // seconds
	modelBudget  = 20_000
)

type model struct {
	*world
	tally
	rng     *rand.Rand
	seed    uint64
	step    int
	rooms   map[string]*naiveRoom
	names   []string
	members []*modelMember
}

func newModel(t *testing.T, seed uint64) *model {
	m := &model{rng: rand.New(rand.NewPCG(seed, 6)), seed: seed, rooms: make(map[string]*naiveRoom)}
	m.world = newWorld(t, Config{
		RoomBytes: 4096, RoomHistory: modelHistory, HistorySeconds: modelKept, LogBytes: modelBudget,
		PolicyByPrefix: map[string]Policy{"close": Close, "latest": Latest},
	}, modelLoops)
	m.cfg.RedactedFrame = func(r *Room, offset uint64) []byte { return m.rooms[r.name].told("redacted", offset) }
	m.cfg.PurgedFrame = func(r *Room, to uint64) []byte { return m.rooms[r.name].told("purged", to) }
	m.cfg.PresenceFrame = func(r *Room, p Presence) []byte {
		m.presences++
		return m.rooms[r.name].present(m, p)
	}
	m.names = []string{"skip", "deflated", `"quoted"`, "empty", "close", "latest"}
	for id := range modelMembers {
		m.members = append(m.members, &modelMember{model: m, id: id, loop: id % modelLoops, space: -1})
	}
	return m
}

// failf says how to see it again.
func (m *model) failf(format string, args ...any) {
	m.t.Helper()
	m.t.Fatalf("step %d: %s\nreplay: go test ./server/hub -run 'TestModel$' -seed=%d -steps=%d",
		m.step, fmt.Sprintf(format, args...), m.seed, episodeSteps)
}

// turn makes one random step.
func (m *model) turn() {
	c := m.members[m.rng.IntN(len(m.members))]
	switch n := m.rng.IntN(1000); {
	case n < 350:
		m.publish(m.names[m.rng.IntN(len(m.names))])
	case n < 600:
		m.Sweeper(m.rng.IntN(modelLoops)).Sweep(Budget{Writes: 1 + m.rng.IntN(40), Nanos: 1e9})
	case n < 680:
		m.Sweeper(m.rng.IntN(modelLoops)).RetryStalled(m.rng.IntN(20))
	case n < 800:
		c.read([]int{0, m.rng.IntN(200), m.rng.IntN(2000), -1, -1}[m.rng.IntN(5)])
	case n < 880:
		if c.member == nil {
			c.join()
		} else if m.rng.IntN(4) == 0 {
			c.leave()
		}
	case n < 890:
		c.gone = c.member != nil
	case n < 940:
		m.tick()
	case n < 970:
		m.readHistory(m.names[m.rng.IntN(len(m.names))])
	case n < 995:
		m.redact(m.names[m.rng.IntN(len(m.names))])
	case n < 996:
		m.purge(m.names[m.rng.IntN(len(m.names))])
	case n < 997:
		m.settle()
	case n < 998 && c.member != nil:
		m.Sweeper(c.loop).Flush(c.member)
	case n == 998 && m.rng.IntN(3) == 0:
		m.abandon()
	}
}

// publish says something, sometimes a second time.
func (m *model) publish(name string) {
	if name == "empty" {
		return
	}
	r, err := m.Room(name, m.now)
	if err != nil {
		m.failf("%v", err)
	}
	defer r.Release()
	nr := m.know(r)
	p := Publication{Room: r, Status: byte(m.rng.IntN(2)), Now: m.now}
	if n := []int{0, m.rng.IntN(60), m.rng.IntN(60), m.rng.IntN(500), 1000}[m.rng.IntN(5)]; n > 0 && (n < 1000 || m.rng.IntN(20) == 0) {
		p.Members = members(int(nr.head()), filler[:3*n])
	}
	if m.rng.IntN(5) == 0 {
		p.Key = fmt.Sprint("key ", m.rng.IntN(1+len(nr.texts)/3))
	}
	res, done := m.Publish(p, nil)
	want, repeat := nr.say(p)
	if !done || res.Offset != want || res.Repeat != repeat || res.Epoch != nr.epoch {
		m.failf("published in %q with key %q: %+v, want offset %d, repeat %v, epoch %s", name, p.Key, res, want, repeat, nr.epoch)
	}
	if repeat {
		m.repeats++
	}
	nr.observe(m, r, false)
}

// filler is what makes publications long: it compresses, but not to nothing.
var filler = func() string {
	rng := rand.New(rand.NewPCG(7, 8))
	b := make([]byte, 3000)
	for i := range b {
		b[i] = "abcdefgh"[rng.IntN(8)]
	}
	return string(b)
}()

func (m *model) redact(name string) {
	nr := m.rooms[name]
	if nr == nil {
		return
	}
	offset := nr.head() - min(nr.head(), m.rng.Uint64N(60)) + m.rng.Uint64N(2)
	want := offset > nr.purged && offset > nr.lost && offset <= nr.head()
	if want {
		nr.withdrawn[offset-1] = true
	}
	r := m.Find(name)
	defer r.Release()
	if got := r.Redact(offset); got != want {
		m.failf("redact %d of %q: %v, want %v", offset, name, got, want)
	}
	m.redacted++
}

func (m *model) purge(name string) {
	nr := m.rooms[name]
	if nr == nil {
		return
	}
	r := m.Find(name)
	defer r.Release()
	nr.purged, nr.lost, nr.kept = nr.head(), nr.head(), false
	if got := r.Purge(); got != nr.head() {
		m.failf("purged %q to %d, want %d", name, got, nr.head())
	}
	m.purged++
}

// abandon empties everything for long enough that rooms expire.
func (m *model) abandon() {
	for _, c := range m.members {
		if c.member != nil {
			c.leave()
		}
	}
	m.now += 10 + m.rng.Int64N(modelKept+10)
	m.tick()
}

// settle lets every socket take everything, and then nobody may be owed anything.
func (m *model) settle() {
	for _, c := range m.members {
		if c.member != nil && (c.gone || c.slow) {
			c.leave()
		}
		c.read(-1)
	}
	for i, sw := range m.sweepers {
		for tries := 0; sw.Stalled() > 0; tries++ {
			if tries > 1000 {
				m.failf("loop %d: %d stay stalled", i, sw.Stalled())
			}
			sw.RetryStalled(100)
		}
		m.sweep(i)
	}
	for _, c := range m.members {
		if c.member != nil && !c.slow {
			c.settled()
		}
	}
}

package hub

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// naiveRoom is one life of a room, with everything ever said in it.
type naiveRoom struct {
	name, epoch string
	policy      Policy
	texts       []string // texts[i] is the payload of offset i+1
	withdrawn   []bool
	purged      uint64 // up to this offset everything was purged
	lost        uint64 // up to this offset the log has nothing any more
	kept        bool   // the log has something
	keys        map[string]naiveKey
	inflated    map[uint64]string // compressed payloads that were seen to be right
	notices     []string          // redactions and purges
	presence    string            // the newest event
	presences   int
	presentAt   int64
	online      int64
	active      int64
}

type naiveKey struct {
	offset uint64
	at     int64
}

// know returns the model of a room, a new one if the room is new.
func (m *model) know(r *Room) *naiveRoom {
	nr := m.rooms[r.name]
	if nr == nil {
		nr = &naiveRoom{
			name: r.name, epoch: r.epoch, policy: m.cfg.policy(r.name), keys: make(map[string]naiveKey),
			inflated: make(map[uint64]string), active: m.now,
		}
		m.rooms[r.name] = nr
	}
	if nr.epoch != r.epoch {
		m.failf("room %q has a new epoch and did not expire", r.name)
	}
	return nr
}

func (nr *naiveRoom) head() uint64 { return uint64(len(nr.texts)) }

func (nr *naiveRoom) say(p Publication) (offset uint64, repeat bool) {
	if k, ok := nr.keys[p.Key]; ok && p.Key != "" && p.Now-k.at < 120 {
		return k.offset, true
	}
	offset = nr.head() + 1
	text := fmt.Sprintf(`{"status":%d,"room":%s,"offset":%d`, p.Status, strconv.Quote(nr.name), offset)
	if len(p.Members) > 0 {
		text += "," + string(p.Members)
	}
	nr.texts = append(nr.texts, text+"}")
	nr.withdrawn = append(nr.withdrawn, false)
	nr.kept, nr.active = true, p.Now
	if p.Key != "" {
		nr.keys[p.Key] = naiveKey{offset, p.Now}
	}
	return offset, false
}

// observe takes over from the log how far retention went; that it keeps enough is another test's. It may move on with a
// publication, and lose everything by eviction.
func (nr *naiveRoom) observe(m *model, r *Room, evicting bool) {
	lost := nr.head()
	if list := r.log.list(); len(list) > 0 {
		lost = list[0].first - 1
	}
	if lost < nr.lost || lost > nr.head() || !evicting && lost == nr.head() && nr.kept {
		m.failf("room %q of %d: the log lost up to %d, before it was %d", nr.name, nr.head(), lost, nr.lost)
	}
	nr.lost = lost
}

// gone says that an offset will not be delivered though it is in the log.
func (nr *naiveRoom) gone(offset uint64) bool { return offset <= nr.purged || nr.withdrawn[offset-1] }

// readable says that a join may read back to an offset.
func (nr *naiveRoom) readable(offset uint64) bool {
	return offset > nr.lost && offset > nr.purged && offset+modelHistory > nr.head()
}

// enter is what a join should come to: the next offset owed, and the answer.
func (nr *naiveRoom) enter(j Join) (next uint64, res Joined, err error) {
	head := nr.head()
	res = Joined{Epoch: nr.epoch, Offset: head}
	same := j.Epoch == nr.epoch
	if same && j.Offset > head {
		return 0, Joined{}, ErrFutureOffset
	}
	after := head // what the member asks for is above
	switch {
	case same:
		after = j.Offset
	case j.Epoch != "":
		after = 0
	case j.History > 0:
		after = head - min(head, uint64(j.History))
	}
	if nr.policy == Latest && after < head {
		return head, res, nil
	}
	next, res.Recovered = head+1, same
	for k := head; k > after; k-- {
		switch {
		case nr.readable(k):
			next = k
		case k > nr.purged && j.Epoch != "":
			res.Recovered = false
			res.GapFrom, res.GapTo = k, max(res.GapTo, k)
		}
	}
	return next, res, nil
}

func (nr *naiveRoom) told(what string, offset uint64) []byte {
	text := fmt.Sprintf(`{"notice":%q,"offset":%d}`, what, offset)
	nr.notices = append(nr.notices, text)
	return noticeFrame(text)
}

func (nr *naiveRoom) present(m *model, p Presence) []byte {
	if p.Online != nr.online {
		m.failf("presence in %q says %d online, want %d", nr.name, p.Online, nr.online)
	}
	if m.now == nr.presentAt {
		m.failf("two presence events in %q in one second", nr.name)
	}
	nr.presentAt = m.now
	nr.presences++
	nr.presence = fmt.Sprintf(`{"notice":"presence","number":%d}`, nr.presences)
	return noticeFrame(nr.presence)
}

// tick lets time pass and the janitor work.
func (m *model) tick() {
	m.now += m.rng.Int64N(3)
	m.FlushPresence(timeOf(m.now))
	over := m.logBytes.Load() > modelBudget
	m.Expire(m.now)
	oldest, total := int64(0), m.logBytes.Load()
	for _, name := range m.names {
		nr := m.rooms[name]
		if nr == nil {
			continue
		}
		idle := m.now - nr.active
		r := m.Find(name)
		if want := nr.online == 0 && (idle >= modelKept || idle >= 10 && !nr.kept); (r == nil) != want {
			m.failf("room %q, idle for %d s with %d online: expired %v, want %v", name, idle, nr.online, r == nil, want)
		}
		if r == nil {
			m.expired++
			delete(m.rooms, name)
			continue
		}
		if kept := len(r.log.list()) > 0; nr.kept && !kept {
			m.evicted++
			if !over {
				m.failf("room %q lost its log and all logs have %d bytes", name, total)
			}
			nr.kept = false
			oldest = max(oldest, nr.active)
		}
		nr.observe(m, r, true)
		r.Release()
	}
	for name, nr := range m.rooms {
		if nr.kept && nr.active < oldest {
			m.failf("room %q kept its log, idle since %d; one idle since %d lost its", name, nr.active, oldest)
		}
	}
	if total > modelBudget {
		m.failf("%d bytes of logs after the janitor, want at most %d", total, modelBudget)
	}
}

// readHistory pages through a room as the history command and the API do.
func (m *model) readHistory(name string) {
	nr := m.rooms[name]
	if nr == nil {
		return
	}
	r := m.Find(name)
	defer r.Release()
	at, limit := m.rng.Uint64N(nr.head()+3), 1+m.rng.IntN(70)
	var before, after []string
	for k := uint64(1); k <= nr.head(); k++ {
		if !nr.readable(k) || nr.gone(k) {
			continue
		}
		if k < at {
			before = append(before, nr.texts[k-1])
		}
		if k > at && len(after) < limit {
			after = append(after, nr.texts[k-1])
		}
	}
	before = slices.Clone(before[max(0, len(before)-limit):])
	if got, want := string(r.AppendBefore(nil, at, limit, 1<<20)), "["+strings.Join(before, ",")+"]"; got != want {
		m.failf("%d before %d of %q:\n%s, want\n%s", limit, at, name, got, want)
	}
	if got, want := string(r.AppendAfter(nil, at, limit, 1<<20)), "["+strings.Join(after, ",")+"]"; got != want {
		m.failf("%d after %d of %q:\n%s, want\n%s", limit, at, name, got, want)
	}
}

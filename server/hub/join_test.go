package hub

import (
	"errors"
	"slices"
	"strings"
	"testing"
)

// TestJoinPoints: where a member starts, by what it asks for, in a room of 20 of which a join may read back 10.
func TestJoinPoints(t *testing.T) {
	t.Parallel()
	const future, other = 1 << 63, "OTHER"
	for _, tt := range []struct {
		name      string
		epoch     string // "" is none, "same" the room's
		offset    uint64
		history   int
		from      uint64 // first offset delivered, 21 for nothing
		recovered bool
		gap       [2]uint64
		err       error
	}{
		{name: "live", from: 21},
		{name: "history of one", history: 1, from: 20},
		{name: "history of all that may be read", history: 10, from: 11},
		{name: "more history than there is", history: 1 << 31, from: 11},
		{name: "resume at the head", epoch: "same", offset: 20, from: 21, recovered: true},
		{name: "resume one behind", epoch: "same", offset: 19, from: 20, recovered: true},
		{name: "resume from the oldest", epoch: "same", offset: 10, from: 11, recovered: true},
		{name: "resume from before the oldest", epoch: "same", offset: 9, from: 11, gap: [2]uint64{10, 10}},
		{name: "resume from the start", epoch: "same", offset: 0, from: 11, gap: [2]uint64{1, 10}},
		{name: "resume from the future", epoch: "same", offset: 21, err: ErrFutureOffset},
		{name: "resume from the far future", epoch: "same", offset: future, err: ErrFutureOffset},
		{name: "resume from the last offset there is", epoch: "same", offset: 1<<64 - 1, err: ErrFutureOffset},
		{name: "another epoch", epoch: other, offset: 20, from: 11, gap: [2]uint64{1, 10}},
		{name: "another epoch, an offset from the future", epoch: other, offset: future, from: 11, gap: [2]uint64{1, 10}},
		{name: "resume goes before history", epoch: "same", offset: 18, history: 10, from: 19, recovered: true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, Config{RoomHistory: 10}, 1)
			r := w.room("r")
			w.say(r, 20, "x")
			if tt.epoch == "same" {
				tt.epoch = r.Epoch()
			}
			c := &client{socket: newSocket()}
			got, err := w.Sweeper(0).Join(r, &c.Member, Join{
				Writer: c.socket, Events: &c.gapEvents, Epoch: tt.epoch, Offset: tt.offset, History: tt.history,
			})
			if !errors.Is(err, tt.err) {
				t.Fatalf("got %v, want %v", err, tt.err)
			}
			if err != nil {
				if r.Online() != 0 || c.Room() != nil || c.Used() || r.shards[0].Load() != nil {
					t.Error("a refused join left something behind")
				}
				return
			}
			if got.Recovered != tt.recovered || got.GapFrom != tt.gap[0] || got.GapTo != tt.gap[1] || got.Offset != 20 || got.Online != 1 {
				t.Errorf("joined %+v, want recovered %v and a gap %v", got, tt.recovered, tt.gap)
			}
			if c.writes > 0 {
				t.Error("written to before the sweep")
			}
			w.sweep(0)
			w.say(r, 1, "live")
			w.sweep(0)
			if got := offsets(c.messages(t)); !slices.Equal(got, span(tt.from, 21)) || len(c.gaps) > 0 {
				t.Errorf("got %v and gaps %v, want from %d on", got, c.gaps, tt.from)
			}
		})
	}
}

// TestUniqueNicknames: a nickname is one Unique member's at a time, but for one that resumes.
func TestUniqueNicknames(t *testing.T) {
	t.Parallel()
	w := newWorld(t, Config{}, 2)
	r := w.room("r")
	ann := w.join(r, 0, Join{Nickname: "ann", Unique: true})
	w.join(r, 0, Join{Nickname: "ann"}) // not Unique: the plain dialect
	second := Join{Nickname: "ann", Unique: true, Writer: newSocket(), Events: &gapEvents{}}
	if _, err := w.Sweeper(1).Join(r, new(Member), second); !errors.Is(err, ErrNicknameTaken) {
		t.Fatalf("got %v, want ErrNicknameTaken", err)
	}
	if r.Online() != 2 {
		t.Errorf("%d online after a refused join", r.Online())
	}
	resumed := w.join(r, 1, Join{Nickname: "ann", Unique: true, Epoch: r.Epoch()})
	ann.Leave(w.now)
	if _, err := w.Sweeper(1).Join(r, new(Member), second); !errors.Is(err, ErrNicknameTaken) {
		t.Errorf("got %v while the one that resumed is there", err)
	}
	resumed.Leave(w.now)
	if _, err := w.Sweeper(1).Join(r, new(Member), second); err != nil {
		t.Errorf("got %v for a free nickname", err)
	}
	for range 2 { // those without a nickname
		w.join(r, 0, Join{Unique: true})
	}
}

// TestHistoryPages: pages are bounded in number and bytes, and hold at least one publication.
func TestHistoryPages(t *testing.T) {
	t.Parallel()
	w := newWorld(t, Config{}, 1)
	r := w.room("r")
	w.say(r, 100, strings.Repeat("h", 100))
	for _, offset := range []uint64{40, 41, 42, 43, 44, 45, 50, 100} {
		r.Redact(offset)
	}
	for _, tt := range []struct {
		name            string
		page            []byte
		count           int
		oldest, newest  uint64
		atMost, atLeast int // bytes
	}{
		{"before the head", r.AppendBefore(nil, 101, 10, 1<<20), 10, 90, 99, 2000, 1},
		{"over a stretch of withdrawn ones", r.AppendBefore(nil, 47, 3, 1<<20), 3, 38, 46, 1000, 1},
		{"before the first", r.AppendBefore(nil, 1, 10, 1<<20), 0, 0, 0, 2, 2},
		{"before nothing", r.AppendBefore(nil, 0, 10, 1<<20), 0, 0, 0, 2, 2},
		{"before the future", r.AppendBefore(nil, 1<<64-1, 1, 1<<20), 1, 99, 99, 1000, 1},
		{"in few bytes", r.AppendBefore(nil, 101, 100, 1000), 6, 94, 99, 1000, 500},
		{"in hardly any", r.AppendBefore(nil, 101, 100, 1), 1, 99, 99, 1000, 1},
		{"after the first", r.AppendAfter(nil, 1, 10, 1<<20), 10, 2, 11, 2000, 1},
		{"after withdrawn ones", r.AppendAfter(nil, 39, 3, 1<<20), 3, 46, 48, 1000, 1},
		{"after the head", r.AppendAfter(nil, 100, 10, 1<<20), 0, 0, 0, 2, 2},
		{"after the future", r.AppendAfter(nil, 1<<64-1, 10, 1<<20), 0, 0, 0, 2, 2},
		{"after, in few bytes", r.AppendAfter(nil, 0, 100, 1000), 7, 1, 7, 1200, 500},
		{"after, in hardly any", r.AppendAfter(nil, 0, 100, 1), 1, 1, 1, 1000, 1},
		{"none", r.AppendAfter(nil, 0, 0, 1<<20), 0, 0, 0, 2, 2},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got := parseArray(t, tt.page)
			if len(got) != tt.count || len(tt.page) > tt.atMost || len(tt.page) < tt.atLeast {
				t.Fatalf("%d in %d bytes, want %d: %s", len(got), len(tt.page), tt.count, tt.page)
			}
			if tt.count > 0 && (got[0].Offset != tt.oldest || got[tt.count-1].Offset != tt.newest) {
				t.Errorf("%d to %d, want %d to %d", got[0].Offset, got[tt.count-1].Offset, tt.oldest, tt.newest)
			}
		})
	}
}

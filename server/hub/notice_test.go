package hub

import (
	"encoding/json"
	"testing"
)

func parseArray(t *testing.T, b []byte) (all []said) {
	t.Helper()
	if err := json.Unmarshal(b, &all); err != nil {
		t.Fatalf("%s: %v", b, err)
	}
	return all
}

// TestNotices: presence, redactions and a purge reach every member that takes notices, also one whose socket was full, and
// nobody else.
func TestNotices(t *testing.T) {
	t.Parallel()
	w := newWorld(t, Config{}, 2)
	r := w.room("r")
	w.say(r, 10, "x")
	healthy, plain := w.join(r, 0, Join{Notices: true, Nickname: "ann"}), w.join(r, 0, Join{})
	full, broken := w.join(r, 1, Join{Notices: true}), w.join(r, 1, Join{Notices: true})
	full.open(0)
	broken.open(10) // the first notice is broken within its frame
	r.Redact(3)
	w.sweep(0)
	w.sweep(1)
	r.Redact(4)
	w.FlushPresence(timeOf(w.now))
	r.Purge()
	r.Redact(5) // gone already: no notice
	late := w.join(r, 0, Join{Notices: true})
	w.settle([]*client{healthy, plain, full, broken, late})
	for name, c := range map[string]*client{"healthy": healthy, "full": full, "broken": broken} {
		var told []string
		for _, m := range c.messages(t) {
			told = append(told, m.Notice)
		}
		want := []string{"redacted", "redacted", "presence", "purged"}
		if len(told) != len(want) {
			t.Fatalf("%s: told %v, want %v", name, told, want)
		}
		for i := range want {
			if told[i] != want[i] {
				t.Errorf("%s: told %v, want %v", name, told, want)
			}
		}
	}
	if plain.writes > 0 || late.writes > 0 {
		t.Errorf("%d writes to a member without notices, %d to one that came later", plain.writes, late.writes)
	}
}

// TestTooManyNotices: of presence a member that is behind needs only the newest event; one that missed a redaction that is
// no longer kept is closed, because it cannot be told what to hide.
func TestTooManyNotices(t *testing.T) {
	t.Parallel()
	w := newWorld(t, Config{}, 1)
	r := w.room("r")
	w.say(r, 2*maxNotices, "x")
	c, healthy := w.join(r, 0, Join{Notices: true}), w.join(r, 0, Join{Notices: true})
	c.open(0)
	for range 3 * maxNotices {
		r.notify(presenceNotice, noticeFrame(`{"notice":"presence"}`))
		w.sweep(0)
	}
	if n := len(r.bulletin.Load().items); n != 1 {
		t.Errorf("%d presence events are kept", n)
	}
	for i := range uint64(maxNotices - 1) {
		r.Redact(1 + i)
		w.sweep(0)
	}
	if w.settle([]*client{c}); c.slow > 0 || len(c.messages(t)) != maxNotices {
		t.Fatal("a member that is behind by as many notices as are kept lost some")
	}
	c.open(0)
	for i := range uint64(maxNotices + 1) {
		r.Redact(maxNotices + i)
		w.sweep(0)
	}
	c.open(-1)
	w.Sweeper(0).RetryStalled(1)
	writes := c.writes
	w.say(r, 1, "x")
	if w.sweep(0); c.slow != 1 || c.writes != writes {
		t.Errorf("slow %d times, %d writes after it", c.slow, c.writes-writes)
	}
	if got := len(healthy.messages(t)); healthy.slow > 0 || got != 3*maxNotices+2*maxNotices+1 {
		t.Errorf("the member beside it: slow %d times, %d messages", healthy.slow, got)
	}
	if res := w.join(r, 0, Join{Notices: true, Epoch: r.Epoch(), Offset: 1}); len(res.joined.Withdrawn) != maxNotices {
		t.Errorf("a resume is told of %d withdrawals, want the %d that are kept", len(res.joined.Withdrawn), maxNotices)
	}
}

package hub

import (
	"fmt"
	"testing"
)

// TestKeyring: a key holds for two minutes or 10,000 keys, whichever ends first.
func TestKeyring(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name    string
		seconds int64 // between the first publication and the repeat
		others  int   // keys in between
		repeat  bool
	}{
		{"at once", 0, 0, true},
		{"just in time", keyMemory - 1, 0, true},
		{"too late", keyMemory, 0, false},
		{"much too late", 10 * keyMemory, 0, false},
		{"as many others as are remembered", 1, maxKeys - 1, true},
		{"one more", 1, maxKeys, false},
		{"many more", 1, 3 * maxKeys, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, Config{}, 1)
			r := w.room("r")
			say := func(key string) Result {
				res, _ := w.Publish(Publication{Room: r, Status: 1, Key: key, Now: w.now}, nil)
				return res
			}
			first := say("mine")
			for i := range tt.others {
				if say(fmt.Sprint("other ", i)).Repeat {
					t.Fatal("another key is a repeat")
				}
			}
			w.now += tt.seconds
			again := say("mine")
			if again.Repeat != tt.repeat || tt.repeat && again.Offset != first.Offset || again.Epoch != first.Epoch {
				t.Errorf("got %+v after %+v, want repeat %v", again, first, tt.repeat)
			}
			if want := uint64(1 + tt.others); tt.repeat && r.Head() != want || !tt.repeat && r.Head() != want+1 {
				t.Errorf("head %d after %d publications", r.Head(), want)
			}
			if k := r.keys.Load(); len(k.offsets) > maxKeys || len(k.offsets) != len(k.queue)-k.head || len(k.queue) > 2*maxKeys+64 {
				t.Errorf("%d keys, %d places from %d on", len(k.offsets), len(k.queue), k.head)
			}
		})
	}
}

// TestKeysAreForgotten: a room in which nobody speaks holds no keys, though its members stay.
func TestKeysAreForgotten(t *testing.T) {
	t.Parallel()
	w := newWorld(t, Config{}, 1)
	r := w.room("r")
	w.join(r, 0, Join{})
	w.Publish(Publication{Room: r, Status: 1, Key: "k", Now: w.now}, nil)
	w.Expire(w.now + keyMemory - 1)
	if r.keys.Load() == nil {
		t.Error("forgotten too soon")
	}
	if w.Expire(w.now + keyMemory); r.keys.Load() != nil {
		t.Error("not forgotten")
	}
}

// TestKeysAreARoomsOwn: the same key in another room is not a repeat, nor is a publication without one.
func TestKeysAreARoomsOwn(t *testing.T) {
	t.Parallel()
	w := newWorld(t, Config{}, 1)
	for _, name := range []string{"a", "b"} {
		for _, key := range []string{"k", "", ""} {
			if res, _ := w.Publish(Publication{Room: w.room(name), Key: key, Now: w.now}, nil); res.Repeat {
				t.Errorf("key %q in %q is a repeat", key, name)
			}
		}
	}
}

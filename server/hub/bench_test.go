package hub

import (
	"fmt"
	"testing"
)

var benchBody = []byte(`"nickname":"ann","time":"2026-11-22T10:00:00.123Z","message":"an ordinary thing to say, of ordinary length"`)

// crowded is a world of one loop with members in rooms of the given size, whose sockets take everything.
func crowded(b *testing.B, members, size int) (*world, []*Room) {
	w := newWorld(b, Config{}, 1)
	nobody := &gapEvents{}
	all := make([]Member, members)
	var rooms []*Room
	for i := range all {
		r := w.room(fmt.Sprint("room ", i/size))
		if i%size == 0 {
			rooms = append(rooms, r)
		}
		if _, err := w.Sweeper(0).Join(r, &all[i], Join{Writer: drain{}, Events: nobody}); err != nil {
			b.Fatal(err)
		}
	}
	return w, rooms
}

// BenchmarkPublish is an append to a room's log; nobody is swept.
func BenchmarkPublish(b *testing.B) {
	for _, compressed := range []bool{false, true} {
		b.Run(map[bool]string{false: "plain", true: "compressed"}[compressed], func(b *testing.B) {
			w := newWorld(b, Config{}, 1)
			r := w.room("r")
			_, _ = w.Sweeper(0).Join(r, new(Member), Join{Writer: drain{}, Events: &gapEvents{}, Deflated: compressed})
			b.ReportAllocs()
			for b.Loop() {
				w.Publish(Publication{Room: r, Status: 1, Members: benchBody, Now: w.now}, nil)
			}
		})
	}
}

// BenchmarkSweep is one publication to everyone, with sockets that cost nothing: what a delivery adds to its system call.
func BenchmarkSweep(b *testing.B) {
	for _, size := range []int{10, 100, 5000} {
		b.Run(fmt.Sprintf("5000 members in rooms of %d", size), func(b *testing.B) {
			w, rooms := crowded(b, 5000, size)
			b.ReportAllocs()
			n := 0
			for b.Loop() {
				for _, r := range rooms {
					w.Publish(Publication{Room: r, Status: 1, Members: benchBody, Now: w.now}, nil)
				}
				w.sweep(0)
				n++
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(n*5000), "ns/delivery")
		})
	}
}

// BenchmarkBurst is a sweep that has many publications to carry in each write.
func BenchmarkBurst(b *testing.B) {
	w, rooms := crowded(b, 5000, 5000)
	b.ReportAllocs()
	n := 0
	for b.Loop() {
		for range 32 {
			w.Publish(Publication{Room: rooms[0], Status: 1, Members: benchBody, Now: w.now}, nil)
		}
		w.sweep(0)
		n++
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(n*5000*32), "ns/delivery")
}

// BenchmarkPresence is a join and a leave in a room that somebody watches, with an event for every hundred thousand.
func BenchmarkPresence(b *testing.B) {
	w, rooms := crowded(b, 5000, 5000)
	_, _ = w.Sweeper(0).Join(rooms[0], new(Member), Join{Writer: drain{}, Events: &gapEvents{}, Notices: true})
	b.ReportAllocs()
	n := 0
	for b.Loop() {
		m := new(Member)
		_, _ = w.Sweeper(0).Join(rooms[0], m, Join{Nickname: "bob", Writer: drain{}, Events: &gapEvents{}, Notices: true})
		m.Leave(w.now)
		if n++; n%100_000 == 0 {
			w.now++
			w.FlushPresence(timeOf(w.now))
			w.sweep(0)
		}
	}
}

// BenchmarkExpire is the janitor's look at a full registry.
func BenchmarkExpire(b *testing.B) {
	w, _ := crowded(b, 250_000, 1)
	for b.Loop() {
		w.Expire(w.now)
	}
}

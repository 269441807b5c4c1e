package hub

import (
	"fmt"
	"runtime"
	"runtime/metrics"
	"sync"
	"testing"
	"time"
)

// simulated is as much memory, with as many pointers in it, as a connection has.
type simulated struct {
	Member
	events gapEvents
	conn   *[256]byte
	refs   [8]*simulated
}

func (s *simulated) Write(frames []byte) (int, bool) { return len(frames), true }
func (s *simulated) Finish([]byte)                   {}
func (s *simulated) Buffered() int                   { return 0 }

// BenchmarkGarbage measures what the collector takes of a gateway with a million members in rooms of ten, 10,000 publications
// a second: go test ./server/hub -run XXX -bench Garbage -benchtime 60s. An iteration is 10 ms of that.
func BenchmarkGarbage(b *testing.B) {
	const members, size, rate, loops = 1_000_000, 10, 10_000, 2
	wake, stop := make([]chan struct{}, loops), make(chan struct{})
	for i := range wake {
		wake[i] = make(chan struct{}, 1)
	}
	w := newWorld(b, Config{}, loops)
	start := time.Now()
	w.Hub = New(w.cfg, loops, func(i int) { wake[i] <- struct{}{} }, func() int64 { return int64(time.Since(start)) })
	rooms := make([]*Room, 0, members/size)
	for i := range members {
		if i%size == 0 {
			rooms = append(rooms, w.room(fmt.Sprint("room ", i/size)))
		}
		s := &simulated{conn: new([256]byte)}
		s.refs[0] = s
		if _, err := w.Sweeper(i%loops).Join(rooms[i/size], &s.Member, Join{Writer: s, Events: &s.events}); err != nil {
			b.Fatal(err)
		}
	}
	var running sync.WaitGroup
	for i := range loops {
		running.Go(func() {
			for {
				select {
				case <-stop:
					return
				case <-wake[i]:
					for w.Sweeper(i).Sweep(Budget{Writes: 256, Nanos: 2e6}) {
					}
				}
			}
		})
	}
	before, said, began := readCollector(), 0, time.Now()
	for b.Loop() {
		time.Sleep(10 * time.Millisecond)
		for due := int(time.Since(began).Seconds() * rate); said < due; said++ {
			w.Publish(Publication{Room: rooms[said*7919%len(rooms)], Status: 1, Members: benchBody, Now: w.now}, nil)
		}
	}
	after := readCollector()
	close(stop)
	running.Wait()
	gc := after.gc - before.gc
	b.ReportMetric(100*gc/(after.busy-before.busy), "%gc-of-used")
	b.ReportMetric(100*gc/(after.all-before.all), "%gc-of-all")
	b.ReportMetric(1e6*after.pauses.longest(before.pauses), "us-longest-pause")
	b.ReportMetric(float64(after.cycles-before.cycles-1), "collections")
	b.ReportMetric(float64(after.heap>>20), "MiB-heap")
	b.ReportMetric(float64(w.Stats().Deliveries)/time.Since(began).Seconds(), "deliveries/s")
}

// collector is what the runtime says of its garbage collector, in CPU seconds since the start.
type collector struct {
	gc, busy, all float64
	cycles, heap  uint64
	pauses        pauses
}

type pauses metrics.Float64Histogram

// longest is the upper end of the highest bucket that has more than before.
func (p pauses) longest(before pauses) (seconds float64) {
	for i, n := range p.Counts {
		if n > before.Counts[i] {
			seconds = p.Buckets[i+1]
		}
	}
	return seconds
}

// readCollector collects first: the CPU metrics are brought up to date by that.
func readCollector() (c collector) {
	runtime.GC()
	s := []metrics.Sample{
		{Name: "/cpu/classes/gc/total:cpu-seconds"}, {Name: "/cpu/classes/idle:cpu-seconds"},
		{Name: "/cpu/classes/total:cpu-seconds"}, {Name: "/gc/cycles/total:gc-cycles"},
		{Name: "/memory/classes/heap/objects:bytes"}, {Name: "/sched/pauses/total/gc:seconds"},
	}
	metrics.Read(s)
	h := s[5].Value.Float64Histogram()
	c.gc, c.all = s[0].Value.Float64(), s[2].Value.Float64()
	c.busy = c.all - s[1].Value.Float64()
	c.cycles, c.heap = s[3].Value.Uint64(), s[4].Value.Uint64()
	c.pauses = pauses{Counts: append([]uint64(nil), h.Counts...), Buckets: h.Buckets}
	return c
}

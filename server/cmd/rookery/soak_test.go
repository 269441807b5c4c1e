package main_test

import (
	"bytes"
	"flag"
	"fmt"
	"slices"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

var soak = flag.Duration("soak", 0, "run the soak test for so long: go test ./server/cmd/rookery -run Soak -soak 1m -v")

func soaking() bool {
	flag.Parse()
	return *soak > 0
}

// The soak: everybody says one message a second in a small room, and all are in one large room too.
const (
	soakConns    = 5000
	soakRoomSize = 10
	largeRate    = 20 // messages a second in the large room
)

// TestSoak holds a gateway to what it promises, for long and with many: every message reaches everyone of its room, in
// order, offsets without holes.
func TestSoak(t *testing.T) {
	if !soaking() {
		t.Skip("a minute of 150,000 deliveries a second, for a machine of one's own: -soak 1m")
	}
	g := serve(t)
	crowd := newCrowd(t, g.addr)
	begun := time.Now()
	for i := range soakConns {
		crowd.connect(fmt.Sprintf("small-%d", i/soakRoomSize))
	}
	crowd.pump("all have joined", func() bool { return crowd.joined == 2*soakConns })
	connected := time.Since(begun)
	cpu := g.metric("process_cpu_seconds_total")

	crowd.begin()
	crowd.pump("the time is over", func() bool { return crowd.speak(*soak) })
	crowd.pump("everybody has everything", crowd.complete)
	took := time.Since(crowd.begun)

	cpu = g.metric("process_cpu_seconds_total") - cpu
	deliveries := crowd.saidSmall*soakRoomSize + crowd.saidLarge*soakConns
	slices.Sort(crowd.latencies)
	percentile := func(p float64) time.Duration {
		return time.Duration(crowd.latencies[int(p*float64(len(crowd.latencies)-1))]).Round(100 * time.Microsecond)
	}
	fmt.Printf("soak: %d connections in %.1f s; %d messages in %d small rooms and %d in one of all, %d deliveries in %.1f s (%.0f/s), none missing\n",
		soakConns, connected.Seconds(), crowd.saidSmall, soakConns/soakRoomSize, crowd.saidLarge, deliveries, took.Seconds(), float64(deliveries)/took.Seconds())
	fmt.Printf("soak: from due to read: p50 %v, p99 %v, max %v; %.2f deliveries a write; gateway %.0f%% of a processor, %.0f MiB resident\n",
		percentile(0.5), percentile(0.99), percentile(1), g.metric("rookery_deliveries_total")/g.metric("rookery_writes_total"),
		100*cpu/took.Seconds(), g.metric("process_resident_memory_bytes")/(1<<20))
	if gaps := g.metric("rookery_gaps_total"); gaps != 0 {
		t.Errorf("%v gaps", gaps)
	}
	if got := int(g.metric("rookery_deliveries_total")); got != deliveries {
		t.Errorf("the gateway counts %d deliveries, %d were due", got, deliveries)
	}
}

// speak says what is due by now, and reports whether the time is over.
func (cr *crowd) speak(duration time.Duration) (over bool) {
	elapsed := min(time.Since(cr.begun), duration)
	for due := int(elapsed.Seconds() * soakConns); cr.saidSmall < due; cr.saidSmall++ {
		m := cr.members[cr.saidSmall%soakConns]
		cr.heads[m.room]++
		cr.say(m, m.room, time.Duration(cr.saidSmall)*time.Second/soakConns)
	}
	for due := int(elapsed.Seconds() * largeRate); cr.saidLarge < due; cr.saidLarge++ {
		cr.say(cr.members[cr.saidLarge*257%soakConns], "large", time.Duration(cr.saidLarge)*time.Second/largeRate)
	}
	return elapsed == duration
}

// complete reports whether everybody has every message and every ack.
func (cr *crowd) complete() bool {
	if cr.acked < cr.saidSmall+cr.saidLarge {
		return false
	}
	for _, m := range cr.members {
		if m.large != uint64(cr.saidLarge) || m.small != uint64(cr.heads[m.room]) {
			return false
		}
	}
	return true
}

// read takes one object that came to m.
func (cr *crowd) read(m *soaker, payload []byte) {
	switch {
	case bytes.HasPrefix(payload, []byte(`{"status":1,"room":"`)):
		rest := payload[len(`{"status":1,"room":"`):]
		end := bytes.IndexByte(rest, '"')
		offset := number(rest[end+len(`","offset":`):])
		last := &m.small
		if string(rest[:end]) == "large" {
			last = &m.large
		} else if string(rest[:end]) != m.room {
			cr.t.Fatalf("a member of %s got %s", m.room, payload)
		}
		if *last++; *last != offset {
			cr.t.Fatalf("offset %d in place %d: %s", offset, *last, payload)
		}
		if cr.sampled++; cr.sampled%64 == 0 {
			due := number(payload[bytes.LastIndexByte(payload, ':')+1:])
			cr.latencies = append(cr.latencies, int64(time.Since(cr.begun))-int64(due))
		}
	case bytes.HasPrefix(payload, []byte(`{"ev":"ack"`)):
		cr.acked++
	case bytes.HasPrefix(payload, []byte(`{"ev":"joined"`)):
		cr.joined++
	case bytes.HasPrefix(payload, []byte(`{"ev":"welcome"`)), bytes.HasPrefix(payload, []byte(`{"ev":"presence"`)), bytes.HasPrefix(payload, []byte(`{"ev":"ping"`)):
	default:
		cr.t.Fatalf("a member of %s got %s", m.room, payload)
	}
}

// number reads the digits that b begins with.
func number(b []byte) (n uint64) {
	for i := 0; i < len(b) && b[i] >= '0' && b[i] <= '9'; i++ {
		n = 10*n + uint64(b[i]-'0')
	}
	return n
}

// begin starts the clock, when presence has settled: joins were news until now.
func (cr *crowd) begin() {
	quiet := time.Now().Add(2 * time.Second)
	cr.pump("presence has settled", func() bool { return time.Now().After(quiet) })
	cr.begun = time.Now()
}

// wait is how long the crowd sleeps at most while nothing comes, in milliseconds.
const wait = 2

// pump reads what comes until done returns true.
func (cr *crowd) pump(what string, done func() bool) {
	cr.t.Helper()
	events := make([]unix.EpollEvent, 512)
	for deadline := time.Now().Add(*soak + patience); !done(); {
		if time.Now().After(deadline) {
			cr.t.Fatalf("never came true: %s: %d joined, %d and %d said, %d acked", what, cr.joined, cr.saidSmall, cr.saidLarge, cr.acked)
		}
		n, err := unix.EpollWait(cr.epoll, events, wait)
		if err != nil && err != unix.EINTR {
			cr.t.Fatal(err)
		}
		for _, e := range events[:max(n, 0)] {
			cr.receive(cr.members[e.Fd])
		}
	}
}

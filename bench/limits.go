package main

import "time"

// Limits are what Rookery is asked to reach: a table of goals as data. Each goal is judged by checks; a check
// takes one figure of one scenario, as it is or divided by the best of some peers, and compares the median
// over the runs with a bound. The arithmetic is in limits_judge.go, the command in limits_command.go.

// goal is one line of what is asked, with everything that is compared for it.
type goal struct {
	name   string
	how    string // how it was measured, in one line
	checks []check
}

// check is one comparison.
type check struct {
	what   string
	of     quantity
	over   []quantity // what it is divided by: the best of these; none: the figure itself is compared
	op     operator
	bound  float64
	unit   string     // of the bound, and so of the figure; a ratio has "x"
	beside []quantity // shown, but not judged
}

// quantity is a figure of one target in one scenario. The latency's p50, p99 and max are figures too.
type quantity struct{ scenario, target, figure string }

// operator says on which side of the bound the goal is met.
type operator string

const (
	atMost  operator = "at most"
	atLeast operator = "at least"
)

// of returns one figure of several targets.
func of(scenario, figure string, targets ...string) []quantity {
	var all []quantity
	for _, t := range targets {
		all = append(all, quantity{scenario, t, figure})
	}
	return all
}

func ours(scenario, figure string) quantity { return quantity{scenario, "rookery", figure} }

// goals are in the order in which they are printed.
var goals = []goal{
	{"cost", "5,000 members of one room, 8 messages/s: the server's CPU per delivery, beside a C server that loops over send()", []check{
		{what: "to the floor's", of: ours("broadcast", "cpu_per_delivery"), over: of("broadcast", "cpu_per_delivery", "floor"), op: atMost, bound: 1.10, unit: "x"},
		{what: "to Bun's", of: ours("broadcast", "cpu_per_delivery"), over: of("broadcast", "cpu_per_delivery", "bun"), op: atMost, bound: 1.0, unit: "x"},
	}},
	{"capacity", "2,000 members, 128 B: deliveries/s at the highest rate with reach 1 and p99 within 500 ms", []check{
		{what: "to Bun's", of: ours("capacity", "capacity_deliveries"), over: of("capacity", "capacity_deliveries", "bun"), op: atLeast, bound: 6, unit: "x"},
		{
			what: "to the best of gws, nbio, gorilla, ws", of: ours("capacity", "capacity_deliveries"),
			over: of("capacity", "capacity_deliveries", "gws", "nbio", "gorilla", "ws"), op: atLeast, bound: 50, unit: "x",
		},
	}},
	{"latency", "the broadcast of 'cost': received minus due", []check{
		{what: "p50 to the lower of Bun's and gws's", of: ours("broadcast", "p50"), over: of("broadcast", "p50", "bun", "gws"), op: atMost, bound: 1.05, unit: "x"},
		{what: "p99 to the lower of Bun's and gws's", of: ours("broadcast", "p99"), over: of("broadcast", "p99", "bun", "gws"), op: atMost, bound: 1.05, unit: "x"},
	}},
	{"isolation", "a room of 10 at 20 messages/s in a process of its own, beside a room of 5,000 offered 200 messages/s", []check{
		{
			what: "p99 of the small room", of: ours("isolation", "p99"), op: atMost, bound: 10_000, unit: "us",
			beside: append(of("isolation", "probe_lag_p99", "rookery"), of("isolation", "p99", "bun")...),
		},
	}},
	{"rooms", "10,000 members in 1,000 rooms of 10, each room 1 message/s", []check{
		{what: "p99", of: ours("rooms", "p99"), op: atMost, bound: 20_000, unit: "us"},
		{
			what: "CPU per delivery to the single room's of 'cost'", of: ours("rooms", "cpu_per_delivery"),
			over: of("broadcast", "cpu_per_delivery", "rookery"), op: atMost, bound: 1.3, unit: "x", beside: of("rooms", "cpu_ratio_to_one_room", "rookery"),
		},
	}},
	{"slow", "5,000 members, of whom 500 stop reading; 1 KB messages, 8/s", []check{
		{what: "p99 of the others to before", of: ours("slow", "p99_ratio"), op: atMost, bound: 1.2, unit: "x", beside: of("slow", "p99", "rookery")},
		{what: "memory growth per stalled member", of: ours("slow", "rss_per_stalled"), op: atMost, bound: 4096, unit: "B"},
		{what: "of the messages the stalled get after all", of: ours("slow", "stalled_caught_up"), op: atLeast, bound: 1},
	}},
	{"memory", "19,000 idle members of one room, each with a nickname of its own", []check{
		{
			what: "resident memory per connection", of: ours("idle", "rss_per_conn"), op: atMost, bound: 1000, unit: "B",
			beside: of("idle", "kernel_per_conn", "rookery"),
		},
	}},
	{"connect", "10,000 connections from two processes: accept, upgrade and join; then beside a room of 5,000 at 100 messages/s", []check{
		{what: "CPU per connection to Bun's", of: ours("connect", "cpu_per_connect"), over: of("connect", "cpu_per_connect", "bun"), op: atMost, bound: 0.85, unit: "x"},
		{what: "connections/s to Bun's", of: ours("connect", "connects_per_s"), over: of("connect", "connects_per_s", "bun"), op: atLeast, bound: 1, unit: "x"},
		{
			what: "connections/s while the giant room is swept", of: ours("connect", "connects_per_s_beside_giant"), op: atLeast, bound: 2000, unit: "1/s",
			beside: of("connect", "connects_per_s_beside_giant", "bun"),
		},
	}},
	{"leave", "19,000 members of one room leave at once and come back, watched from a room of 10 in a process of its own", []check{
		{
			what: "longest delivery while they leave", of: ours("leave", "leave_max"), op: atMost, bound: 50, unit: "ms",
			beside: of("leave", "leave_probe_lag_max", "rookery"),
		},
		{
			what: "longest delivery while they come back", of: ours("leave", "rejoin_max"), op: atMost, bound: 50, unit: "ms",
			beside: of("leave", "rejoin_probe_lag_max", "rookery"),
		},
		{what: "memory with everybody back to before", of: ours("leave", "rss_after_rejoin"), op: atMost, bound: 1.10, unit: "x"},
	}},
	{"garbage", "a million simulated members in rooms of 10 in one process, 10,000 publications/s (BenchmarkGarbage of server/hub)", []check{
		{what: "the collector's share of the CPU used", of: ours("garbage", "gc_of_used"), op: atMost, bound: 5, unit: "%", beside: of("garbage", "gc_of_all", "rookery")},
		{what: "longest pause", of: ours("garbage", "longest_pause"), op: atMost, bound: 1000, unit: "us"},
	}},
}

// measurement is how a scenario is run for the goals.
type measurement struct {
	sc     *scenario
	opt    options            // what differs from the scenario's defaults
	first  map[string]float64 // capacity: the first step for those whose capacity is known to be far from --rate
	takes  time.Duration      // about so long for one target, for the estimate
	single bool               // measured once, however many runs there are
}

// limitMeasurements are in the order of a round.
var limitMeasurements = []measurement{
	{sc: &broadcastScenario, takes: 16 * time.Second},
	{
		sc: &capacityScenario, opt: options{Rate: 32, Duration: 4 * time.Second}, takes: 38 * time.Second,
		first: map[string]float64{"rookery": 1024, "bun": 256, "gws": 64, "gorilla": 64},
	},
	{sc: &isolationScenario, opt: options{Duration: 6 * time.Second}, takes: 22 * time.Second},
	{sc: &roomsScenario, opt: options{Duration: 6 * time.Second}, takes: 26 * time.Second},
	{sc: &slowScenario, opt: options{Duration: 10 * time.Second}, takes: 32 * time.Second},
	{sc: &idleScenario, takes: 10 * time.Second},
	{sc: &connectScenario, takes: 14 * time.Second},
	{sc: &leaveScenario, takes: 28 * time.Second},
	{sc: &garbageScenario, takes: 220 * time.Second, single: true},
}

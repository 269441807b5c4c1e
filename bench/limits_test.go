package main

import (
	"bytes"
	"context"
	"errors"
	"math"
	"slices"
	"strings"
	"testing"
	"time"
)

// limitRow is a made row: one figure of one run.
func limitRow(target string, run int, cost float64) row {
	r := row{Scenario: "s", Target: target, Run: run}
	r.add("cost", cost, "us", "lower")
	return r
}

func voidRow(target string, run int, why string) row {
	r := limitRow(target, run, 1)
	r.void(why)
	return r
}

func TestJudgeGoals(t *testing.T) {
	cost := func(targets ...string) []quantity { return of("s", "cost", targets...) }
	own := cost("a")[0]
	rows := []row{
		limitRow("a", 1, 10), limitRow("b", 1, 8), limitRow("c", 1, 4),
		limitRow("a", 2, 12), limitRow("b", 2, 6), limitRow("c", 2, 40),
		limitRow("a", 3, 11), voidRow("b", 3, "reach 0.9"), limitRow("c", 3, 20),
		voidRow("never", 1, "client saturated"), limitRow("zero", 1, 0),
	}
	for _, tt := range []struct {
		name                string
		c                   check
		verdict             string
		value, low, high    float64
		against, why, notes string
	}{
		{"a figure as it is", check{of: own, op: atMost, bound: 11}, met, 11, 10, 12, "", "", ""},
		{"just above", check{of: own, op: atMost, bound: 10.9}, missed, 11, 10, 12, "", "", ""},
		{"at least", check{of: own, op: atLeast, bound: 11}, met, 11, 10, 12, "", "", ""},
		{"just below", check{of: own, op: atLeast, bound: 11.1}, missed, 11, 10, 12, "", "", ""},
		// Medians 11 and 20; the runs give 2.5, 0.3 and 0.55.
		{"a ratio of medians", check{of: own, over: cost("c"), op: atMost, bound: 1}, met, 0.55, 0.3, 2.5, "c", "", ""},
		// b has two good runs, of median 7.
		{"a run of the other is void", check{of: own, over: cost("b"), op: atMost, bound: 1}, missed, 11.0 / 7, 1.25, 2, "b", "", "b: 1 of 3 runs were void: reach 0.9"},
		{"the lower of two", check{of: own, over: cost("b", "c"), op: atMost, bound: 2}, met, 11.0 / 7, 1.25, 2, "b", "", ""},
		{"the higher of two", check{of: own, over: cost("b", "c"), op: atLeast, bound: 0.5}, met, 0.55, 0.3, 2.5, "c", "", ""},
		{"none of ours is good", check{of: cost("never")[0], op: atMost, bound: 1}, void, 0, 0, 0, "", "client saturated", ""},
		{"none of the other's is good", check{of: own, over: cost("never"), op: atMost, bound: 1}, void, 0, 0, 0, "", "never: client saturated", ""},
		{"met, but one of two is missing", check{of: own, over: cost("b", "gone"), op: atMost, bound: 2}, void, 11.0 / 7, 1.25, 2, "b", "gone is missing: no gone on this machine", ""},
		{"missed, whatever the missing one has", check{of: own, over: cost("b", "gone"), op: atMost, bound: 1}, missed, 11.0 / 7, 1.25, 2, "b", "", ""},
		{"divided by nothing", check{of: own, over: cost("zero"), op: atMost, bound: 1}, void, 0, 0, 0, "zero", "zero's figure is 0", ""},
		{"no such figure", check{of: quantity{"s", "a", "weight"}, op: atMost, bound: 1}, void, 0, 0, 0, "", "the row has no weight", ""},
		{"never run", check{of: quantity{"other", "a", "cost"}, op: atMost, bound: 1}, void, 0, 0, 0, "", "not measured", ""},
	} {
		d := &document{Rows: rows, Missing: []string{"gone is missing: no gone on this machine"}}
		v := tt.c.judge(d)
		if v.Verdict != tt.verdict || !close3(v.Value, tt.value) || !close3(v.Min, tt.low) || !close3(v.Max, tt.high) || v.Against != tt.against {
			t.Errorf("%s: %s %g (%g to %g) against %q, want %s %g (%g to %g) against %q",
				tt.name, v.Verdict, v.Value, v.Min, v.Max, v.Against, tt.verdict, tt.value, tt.low, tt.high, tt.against)
		}
		if !strings.Contains(v.Why, tt.why) || tt.why == "" && v.Why != "" {
			t.Errorf("%s: void for %q, want %q", tt.name, v.Why, tt.why)
		}
		if tt.notes != "" && !slices.Contains(v.Notes, tt.notes) {
			t.Errorf("%s: notes %q, want %q", tt.name, v.Notes, tt.notes)
		}
	}
}

func close3(a, b float64) bool { return math.Abs(a-b) < 1e-9 }

func TestGatherLatencyAndNotes(t *testing.T) {
	d := &document{}
	for run := 1; run <= 3; run++ {
		r := limitRow("a", run, 1)
		r.Latency = &distribution{P50: float64(run), P99: float64(10 * run)}
		if run > 1 {
			r.Notes = []string{disturbedNote + "something", "the same"}
		}
		d.Rows = append(d.Rows, r)
	}
	s := gather(d, quantity{"s", "a", "p99"})
	if s.Median != 20 || s.Min != 10 || s.Max != 30 || s.Runs != 3 || s.Unit != "us" {
		t.Errorf("p99 %+v", s)
	}
	want := []string{"the same", "disturbed by other processes of this host in 2 of 3 runs"}
	if !slices.Equal(s.notes, want) {
		t.Errorf("notes %q, want %q", s.notes, want)
	}
	d.Partial = "interrupted"
	if s := gather(d, quantity{"s", "b", "p99"}); s.Void != "interrupted" {
		t.Errorf("a target an interrupted run never came to is void for %q", s.Void)
	}
}

// Every quantity of the table must be one that some job measures, with the unit of its bound.
func TestGoalsAreMeasured(t *testing.T) {
	jobs := limitJobs(goals, 2, options{Nodes: 1, Runs: 2}, time.Minute)
	for _, g := range goals {
		for _, c := range g.checks {
			for _, q := range slices.Concat([]quantity{c.of}, c.over, c.beside) {
				if !slices.ContainsFunc(jobs, func(j job) bool { return j.sc.name == q.scenario && j.opt.Target == q.target }) {
					t.Errorf("%s: nobody measures %s of %s", g.name, q.scenario, q.target)
				}
			}
			if c.bound <= 0 || c.op != atMost && c.op != atLeast || len(c.over) > 0 && c.unit != "x" {
				t.Errorf("%s: %q has bound %g %q %q", g.name, c.what, c.bound, c.op, c.unit)
			}
		}
	}
	for i, j := range jobs {
		opt := j.opt.fill(j.sc.defaults)
		if err := opt.check(); err != nil {
			t.Errorf("job %d, %s: %v", i, j.sc.name, err)
		}
		if j.takes <= 0 {
			t.Errorf("job %d, %s: nobody knows how long it takes", i, j.sc.name)
		}
	}
	// Rounds: whatever is measured for the second time comes after everything was measured once.
	for i := 1; i < len(jobs); i++ {
		if jobs[i].run < jobs[i-1].run {
			t.Errorf("job %d of run %d comes after run %d", i, jobs[i].run, jobs[i-1].run)
		}
	}
	if first := jobs[0]; first.sc != &garbageScenario || first.opt.Duration != time.Minute {
		t.Errorf("the first job is %s for %v", first.sc.name, first.opt.Duration)
	}
	if _, err := chooseGoals([]string{"cost", "speed"}); err == nil {
		t.Error("took a goal that is none")
	}
}

func TestTakeBenchmark(t *testing.T) {
	var r row
	text := "goos: linux\nBenchmarkGarbage-2  \t  6000\t  10012345 ns/op\t 3.25 %gc-of-used\t 1.5 %gc-of-all\t" +
		" 163.8 us-longest-pause\t 2 collections\t 700 MiB-heap\t 99999 deliveries/s\t 12 of-no-interest\nPASS\n"
	if err := r.takeBenchmark(text); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]float64{"gc_of_used": 3.25, "gc_of_all": 1.5, "longest_pause": 163.8, "heap": 700 << 20, "collections": 2} {
		if v, ok := r.figure(name); !ok || v != want {
			t.Errorf("%s is %g, want %g", name, v, want)
		}
	}
	if len(r.Figures) != len(garbageFigures) {
		t.Errorf("%d figures, want %d", len(r.Figures), len(garbageFigures))
	}
	for _, bad := range []string{"", "PASS\n", "BenchmarkGarbage-2 60 many ns/op\n"} {
		if err := new(row).takeBenchmark(bad); err == nil {
			t.Errorf("took %q for a result", bad)
		}
	}
}

func TestEstimate(t *testing.T) {
	a := job{sc: &broadcastScenario, opt: options{Target: "a"}, takes: 10 * time.Second}
	b := job{sc: &broadcastScenario, opt: options{Target: "b"}, takes: 30 * time.Second}
	var e estimate
	if left := e.left([]job{a, b, a}); left != 50*time.Second {
		t.Errorf("%v left before anything ran", left)
	}
	e.took(a, 20*time.Second)
	if left := e.left([]job{b, a}); left != 50*time.Second {
		t.Errorf("%v left after one took longer", left)
	}
	if got := e.prefix([]job{a, b, a}, 1); got != "[2 of 3, 50 s left] " {
		t.Errorf("prefix %q", got)
	}
	if got := e.prefix([]job{{sc: &broadcastScenario}}, 0); got != "" {
		t.Errorf("prefix %q of a job nobody knows", got)
	}
	if got := showMinutes(38*time.Minute + 31*time.Second); got != "39 min" {
		t.Errorf("%q", got)
	}
}

// goalDocument has a verdict of each kind, with notes and a name that must be escaped.
func goalDocument() (*document, []goal) {
	d := fixture()
	d.Partial = "interrupted"
	asked := []goal{
		{"cost", "how <it> was measured", []check{
			{what: "to the floor's", of: ours("broadcast", "cpu_per_delivery"), over: of("broadcast", "cpu_per_delivery", "floor"), op: atMost, bound: 1.1, unit: "x"},
			{what: "to Bun's", of: ours("broadcast", "cpu_per_delivery"), over: of("broadcast", "cpu_per_delivery", "bun"), op: atMost, bound: 1, unit: "x"},
		}},
		{"memory", "idle members", []check{
			{what: "resident", of: ours("idle", "rss_per_conn"), op: atMost, bound: 900, unit: "B", beside: of("idle", "kernel_per_conn", "rookery")},
		}},
	}
	d.Goals = judge(asked, d)
	return d, asked
}

func TestGoldenGoals(t *testing.T) {
	d, _ := goalDocument()
	var table bytes.Buffer
	writeGoals(&table, d)
	golden(t, "goals.txt", table.Bytes())
	h, err := renderHTML(d)
	if err != nil {
		t.Fatal(err)
	}
	page := string(h)
	for _, want := range []string{"how &lt;it&gt; was measured", `class="verdict met"`, `class="verdict missed"`, `class="verdict void"`, "1 met, 1 missed, 1 void"} {
		if !strings.Contains(page, want) {
			t.Errorf("the report lacks %q", want)
		}
	}
	if n := strings.Count(page, `<svg class="goal"`); n != len(d.Goals) {
		t.Errorf("%d pictures for %d checks", n, len(d.Goals))
	}
	if err := unmeasured(d.Goals); err == nil || !strings.Contains(err.Error(), "cost") {
		t.Errorf("a void goal gives error %v", err)
	}
	if err := unmeasured(d.Goals[:1]); err != nil {
		t.Errorf("goals that are met or missed give error %v", err)
	}
}

// The picture has its bound in the middle, the better side at the left, and nothing outside.
func TestGoalPicture(t *testing.T) {
	low, high := verdict{Op: atMost, Bound: 10}, verdict{Op: atLeast, Bound: 10}
	middle := goalWidth / 2
	if low.place(10) != middle || high.place(10) != middle {
		t.Error("the bound is not in the middle")
	}
	if low.place(5) >= middle || low.place(20) <= middle || high.place(5) <= middle || high.place(20) >= middle {
		t.Error("a value is on the wrong side")
	}
	for _, v := range []float64{-5, 0, 1e-12, 1e12} {
		for _, side := range []verdict{low, high} {
			if x := side.place(v); x < goalEdge || x > goalWidth-goalEdge {
				t.Errorf("%s: %g is at %g", side.Op, v, x)
			}
		}
	}
}

// A goal measured from end to end on a server of another make, and one whose target does not exist: the first
// has a verdict, the second a reason.
func TestLimitsEndToEnd(t *testing.T) {
	url := (&testServer{}).start(t, false)
	asked := []goal{{"reach", "a few members", []check{
		{what: "deliveries", of: quantity{"broadcast", "rookery", "deliveries_per_s"}, op: atLeast, bound: 1, unit: "1/s"},
		{what: "to a server that is not there", of: quantity{"broadcast", "rookery", "p99"}, over: of("broadcast", "p99", "nobody"), op: atMost, bound: 1e9, unit: "x"},
	}}}
	p := plan{jobs: limitJobs(asked, 1, options{Conns: 20, Rate: 20, Payload: 64, Duration: time.Second, Warmup: 100 * time.Millisecond, Nodes: 1, Runs: 1}, time.Second)}
	for i := range p.jobs {
		if p.jobs[i].opt.Target == "rookery" {
			p.jobs[i].opt.Target, p.jobs[i].label = url, "rookery"
		}
	}
	d := &document{Started: time.Now()}
	failure := p.measure(t.Context(), d, newUI(true))
	if failure == nil || len(d.Rows) != 2 {
		t.Fatalf("%d rows, error %v", len(d.Rows), failure)
	}
	v := judge(asked, d)
	if why := d.Rows[0].Void; why != "" {
		// A busy machine may void the run for the client's own lag; then the verdict must say so.
		if v[0].Verdict != void || v[0].Why != why {
			t.Errorf("a void run gives %+v", v[0])
		}
		return
	}
	if v[0].Verdict != met || v[0].Seen[0].Runs != 1 {
		t.Errorf("verdict %+v", v[0])
	}
	if v[1].Verdict != void || !strings.Contains(v[1].Why, "no target") {
		t.Errorf("verdict without the peer %+v", v[1])
	}
}

// What an interrupted plan measured before is judged; the rest is void with the reason.
func TestLimitsInterrupted(t *testing.T) {
	ctx, cancel := context.WithCancelCause(t.Context())
	first := scenario{name: "s", alone: func(_ context.Context, _ options, r *row, _ *ui) error {
		r.add("cost", 3, "us", "lower")
		return nil
	}}
	second := scenario{name: "t", alone: func(ctx context.Context, _ options, _ *row, _ *ui) error {
		cancel(errInterrupted)
		return context.Cause(ctx)
	}}
	opt := options{Target: "a"}
	p := plan{jobs: []job{{sc: &first, opt: opt, run: 1}, {sc: &second, opt: opt, run: 1}, {sc: &first, opt: opt, run: 2}}}
	d := &document{Started: time.Now()}
	if err := p.measure(ctx, d, newUI(true)); !errors.Is(err, errInterrupted) {
		t.Fatalf("error %v", err)
	}
	v := judge([]goal{{"g", "", []check{
		{of: quantity{"s", "a", "cost"}, op: atMost, bound: 3}, {of: quantity{"t", "a", "cost"}, op: atMost, bound: 3},
	}}}, d)
	if v[0].Verdict != met || v[1].Verdict != void || v[1].Why != "interrupted" {
		t.Errorf("verdicts %s, %s for %q", v[0].Verdict, v[1].Verdict, v[1].Why)
	}
}

func TestChoices(t *testing.T) {
	names := map[string]bool{}
	for _, v := range variants {
		if names[v.name] || v.what == "" {
			t.Errorf("variant %q twice, or without words", v.name)
		}
		names[v.name] = true
	}
	jobs := choiceJobs(variants, map[string]string{"gc_opt": "bin/rookery-gc_opt"}, 2, options{Nodes: 1, Runs: 2})
	if want := 2 * len(variants) * len(choiceMeasurements); len(jobs) != want {
		t.Errorf("%d jobs, want %d", len(jobs), want)
	}
	d := &document{}
	for run := 1; run <= 3; run++ {
		for i, name := range []string{"default", "loops-2"} {
			r := row{Scenario: "broadcast", Target: name, Run: run}
			r.add("cpu_per_delivery", float64(10*(i+1)+run), "us", "lower")
			d.Rows = append(d.Rows, r)
		}
	}
	var b bytes.Buffer
	writeChoices(&b, d)
	for _, want := range []string{"12 us (11 us to 13 us)", "22 us (21 us to 23 us) +83 %"} {
		if !strings.Contains(b.String(), want) {
			t.Errorf("the table lacks %q:\n%s", want, b.String())
		}
	}
	if strings.Contains(strings.SplitN(b.String(), "\n\n", 3)[1], "pinned") {
		t.Error("a variant that was not measured has a line")
	}
}

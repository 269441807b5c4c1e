package main

import (
	"fmt"
	"math"
	"slices"
	"strings"
)

// verdict is a check with what came of it. Value is what is compared with the bound: the ratio of the medians,
// or the median itself; its minimum and maximum are those of the single runs.
type verdict struct {
	Goal    string   `json:"goal"`
	How     string   `json:"how"`
	What    string   `json:"what"`
	Op      operator `json:"op"`
	Bound   float64  `json:"bound"`
	Unit    string   `json:"unit"`
	Value   float64  `json:"value"`
	Min     float64  `json:"min"`
	Max     float64  `json:"max"`
	Against string   `json:"against,omitempty"` // the target whose figure it was divided by
	Verdict string   `json:"verdict"`           // met, missed or void
	Why     string   `json:"why,omitempty"`     // of void
	Seen    []spread `json:"seen"`
	Notes   []string `json:"notes,omitempty"`
}

const (
	met    = "met"
	missed = "missed"
	void   = "void"
)

// spread is one quantity over its runs. Void runs are not in it; where there are no others, Void says why.
type spread struct {
	Scenario string  `json:"scenario"`
	Target   string  `json:"target"`
	Figure   string  `json:"figure"`
	Unit     string  `json:"unit"`
	Median   float64 `json:"median"`
	Min      float64 `json:"min"`
	Max      float64 `json:"max"`
	Runs     int     `json:"runs"`
	Void     string  `json:"void,omitempty"`

	byRun    map[int]float64
	notes    []string
	someVoid string
}

// judge returns the verdicts of all checks of the goals.
func judge(goals []goal, d *document) []verdict {
	var all []verdict
	for _, g := range goals {
		for _, c := range g.checks {
			v := c.judge(d)
			v.Goal, v.How = g.name, g.how
			all = append(all, v)
		}
	}
	return all
}

func (c check) judge(d *document) verdict {
	v := verdict{What: c.what, Op: c.op, Bound: c.bound, Unit: c.unit}
	own := gather(d, c.of)
	var over []spread
	for _, q := range c.over {
		over = append(over, gather(d, q))
	}
	v.Seen = append(append(v.Seen, own), over...)
	for _, q := range c.beside {
		v.Seen = append(v.Seen, gather(d, q))
	}
	v.Notes = own.notes
	for _, o := range over {
		if o.someVoid != "" {
			v.Notes = append(v.Notes, o.Target+": "+o.someVoid)
		}
	}
	v.decide(own, over)
	return v
}

// decide compares. A peer without a figure could only have made the ratio worse: without it a goal can be
// missed, but not met.
func (v *verdict) decide(own spread, over []spread) {
	v.Verdict = void
	if own.Runs == 0 {
		v.Why = own.Void
		return
	}
	var absent []string
	if len(over) > 0 {
		best, ok := bestOf(over, v.Op)
		if !ok {
			v.Why = over[0].whyVoid()
			return
		}
		v.Against = best.Target
		v.Value, v.Min, v.Max = ratio(own, best)
		for _, o := range over {
			if o.Runs == 0 {
				absent = append(absent, o.whyVoid())
			}
		}
	} else {
		v.Value, v.Min, v.Max = own.Median, own.Min, own.Max
	}
	switch {
	case math.IsNaN(v.Value) || math.IsInf(v.Value, 0):
		v.Value, v.Min, v.Max = 0, 0, 0
		v.Why = v.Against + "'s figure is 0"
	case !v.Op.holds(v.Value, v.Bound):
		v.Verdict = missed
	case len(absent) > 0:
		v.Why = "met but for those that could not be measured: " + strings.Join(absent, "; ")
	default:
		v.Verdict = met
	}
}

func (op operator) holds(value, bound float64) bool {
	if op == atMost {
		return value <= bound
	}
	return value >= bound
}

// bestOf returns the spread that is hardest to beat, and false if none has a figure.
func bestOf(all []spread, op operator) (best spread, ok bool) {
	for _, s := range all {
		if s.Runs == 0 {
			continue
		}
		if !ok || op == atMost && s.Median < best.Median || op == atLeast && s.Median > best.Median {
			best, ok = s, true
		}
	}
	return best, ok
}

// ratio divides the medians. Minimum and maximum are over the runs that both have, each divided by its own
// neighbour in time.
func ratio(own, other spread) (value, low, high float64) {
	value = own.Median / other.Median
	low, high = math.Inf(1), math.Inf(-1)
	for run, v := range own.byRun {
		if o, ok := other.byRun[run]; ok && o != 0 {
			low, high = min(low, v/o), max(high, v/o)
		}
	}
	if low > high {
		return value, value, value
	}
	return value, low, high
}

// gather collects a quantity from the rows of a document.
func gather(d *document, q quantity) spread {
	s := spread{Scenario: q.scenario, Target: q.target, Figure: q.figure, byRun: map[int]float64{}}
	var values []float64
	total, bad, disturbed := 0, 0, 0
	for _, r := range d.Rows {
		if r.Scenario != q.scenario || r.Target != q.target {
			continue
		}
		total++
		f, ok := quantityOf(r, q.figure)
		if why := orString(r.Failed, r.Void); why != "" || !ok {
			bad++
			s.Void = orString(why, "the row has no "+label(q.figure))
			continue
		}
		s.Unit, s.byRun[r.Run] = f.Unit, f.Value
		values = append(values, f.Value)
		for _, n := range r.Notes {
			switch {
			case strings.HasPrefix(n, disturbedNote):
				disturbed++
			case !slices.Contains(s.notes, n):
				s.notes = append(s.notes, n)
			}
		}
	}
	if disturbed > 0 {
		s.notes = append(s.notes, fmt.Sprintf("disturbed by other processes of this host in %d of %d runs", disturbed, len(values)))
	}
	if len(values) == 0 {
		s.Void = orString(s.Void, d.whyMissing(q.target))
		return s
	}
	if bad > 0 {
		s.someVoid = fmt.Sprintf("%d of %d runs were void: %s", bad, total, s.Void)
		s.notes = append(s.notes, s.someVoid)
	}
	s.Void = ""
	s.Median, s.Min, s.Max, s.Runs = median(values), slices.Min(values), slices.Max(values), len(values)
	return s
}

// quantityOf returns a figure of a row, or one of its latency's quantiles.
func quantityOf(r row, name string) (figure, bool) {
	for _, f := range comparable(r) {
		if f.Name == name {
			return f, true
		}
	}
	return figure{}, false
}

// whyVoid says why there is no figure, and whose.
func (s spread) whyVoid() string {
	if strings.HasPrefix(s.Void, s.Target+" ") {
		return s.Void
	}
	return s.Target + ": " + s.Void
}

// whyMissing says why a target has no row at all.
func (d *document) whyMissing(target string) string {
	for _, m := range d.Missing {
		if strings.HasPrefix(m, target+" ") {
			return m
		}
	}
	return orString(d.Partial, "not measured")
}

package main

import (
	"fmt"
	"io"
	"math"
)

// noticeable is the change below which compare says nothing: two runs of the same thing differ by as much.
const noticeable = 0.05

// compareDocuments prints every figure two result files share, with the change from the first to the second.
func compareDocuments(w io.Writer, a, b *document) error {
	fmt.Fprintf(w, "A: %s (%s)\nB: %s (%s)\n", a.Title, a.Started.UTC().Format("2006-01-02 15:04"), b.Title, b.Started.UTC().Format("2006-01-02 15:04"))
	if a.Host.CPU != b.Host.CPU || a.Host.Cores != b.Host.Cores {
		fmt.Fprintf(w, "different machines: %s / %s\n", hostLine(a.Host), hostLine(b.Host))
	}
	shared := 0
	for _, old := range a.Summary {
		for _, new := range b.Summary {
			if old.Scenario != new.Scenario || old.Target != new.Target {
				continue
			}
			shared++
			compareRows(w, old, new)
		}
	}
	if shared == 0 {
		return usagef("the two files have no scenario and target in common")
	}
	return nil
}

func compareRows(w io.Writer, old, new row) {
	fmt.Fprintf(w, "\n%s %s: %s\n", old.Scenario, old.Target, loadLine(old.Params))
	if before, after := loadLine(old.Params), loadLine(new.Params); before != after {
		fmt.Fprintf(w, "  other load in B: %s\n", after)
	}
	for _, side := range []struct {
		name string
		r    row
	}{{"A", old}, {"B", new}} {
		if why := side.r.Void + side.r.Failed; why != "" {
			fmt.Fprintf(w, "  %s is void: %s\n", side.name, why)
		}
	}
	for _, f := range comparable(old) {
		for _, g := range comparable(new) {
			if f.Name == g.Name {
				fmt.Fprintf(w, "  %-30s %12s %12s  %s\n", label(f.Name), show(f.Value, f.Unit), show(g.Value, g.Unit), change(f, g))
			}
		}
	}
}

// comparable returns a row's figures with the latency's quantiles first.
func comparable(r row) []figure {
	var all []figure
	if d := r.Latency; d != nil {
		all = append(all, figure{Name: "p50", Value: d.P50, Unit: "us", Better: "lower"},
			figure{Name: "p99", Value: d.P99, Unit: "us", Better: "lower"}, figure{Name: "max", Value: d.Max, Unit: "us", Better: "lower"})
	}
	for _, f := range r.Figures {
		if f.Name != "p50" && f.Name != "p99" {
			all = append(all, f)
		}
	}
	return all
}

// change says how a figure moved, and whether that is good.
func change(old, new figure) string {
	if old.Value == 0 {
		return ""
	}
	part := new.Value/old.Value - 1
	s := fmt.Sprintf("%+.1f %%", 100*part)
	switch {
	case math.Abs(part) < noticeable || old.Better == "":
	case (part < 0) == (old.Better == "lower"):
		s += "  better"
	default:
		s += "  worse"
	}
	return s
}

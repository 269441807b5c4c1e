package main

import (
	"fmt"
	"slices"
)

// summarize returns a row of medians for every scenario and target, in the order they first appear. Void
// rows do not count, unless there are no others.
func summarize(rows []row) []row {
	type key struct{ scenario, target string }
	var order []key
	groups := map[key][]row{}
	for _, r := range rows {
		k := key{r.Scenario, r.Target}
		if _, ok := groups[k]; !ok {
			order = append(order, k)
		}
		groups[k] = append(groups[k], r)
	}
	var all []row
	for _, k := range order {
		all = append(all, medians(groups[k]))
	}
	return all
}

// medians boils repetitions of one row down to one. Curves and timelines cannot be averaged: they are those
// of the run whose p99 is the median.
func medians(rows []row) row {
	good := slices.DeleteFunc(slices.Clone(rows), func(r row) bool { return r.Void != "" || r.Failed != "" })
	if len(good) == 0 {
		worst := rows[len(rows)-1]
		worst.Runs = len(rows)
		return worst
	}
	slices.SortStableFunc(good, func(a, b row) int {
		return int(max(min(p99Of(a)-p99Of(b), 1), -1))
	})
	sum := good[(len(good)-1)/2]
	sum.Run, sum.Runs = 0, len(good)
	sum.Figures, sum.Notes = nil, nil
	if sum.Latency != nil {
		d := *sum.Latency
		for _, q := range []struct {
			name string
			of   func(*distribution) *float64
		}{
			{"p50", func(d *distribution) *float64 { return &d.P50 }},
			{"p90", func(d *distribution) *float64 { return &d.P90 }},
			{"p99", func(d *distribution) *float64 { return &d.P99 }},
			{"p999", func(d *distribution) *float64 { return &d.P999 }},
			{"max", func(d *distribution) *float64 { return &d.Max }},
		} {
			var values []float64
			for _, r := range good {
				if r.Latency != nil {
					values = append(values, *q.of(r.Latency))
				}
			}
			f := medianFigure(q.name, values)
			f.Unit, f.Better = "us", "lower"
			*q.of(&d) = f.Value
			if len(good) > 1 && (q.name == "p50" || q.name == "p99") {
				sum.Figures = append(sum.Figures, f)
			}
		}
		sum.Latency = &d
	}
	sum.Figures = append(sum.Figures, medianFigures(good)...)
	seen := map[string]bool{}
	for _, r := range rows {
		for _, n := range r.Notes {
			if !seen[n] {
				seen[n] = true
				sum.Notes = append(sum.Notes, n)
			}
		}
	}
	if void := len(rows) - len(good); void > 0 {
		sum.Notes = append(sum.Notes, fmt.Sprintf("%d of %d runs were void and are not in the medians: %s", void, len(rows), whyVoid(rows)))
	}
	return sum
}

// medianFigures returns the median of every figure the rows have, in the order of the first row.
func medianFigures(rows []row) []figure {
	var all []figure
	for _, f := range rows[0].Figures {
		var values []float64
		for _, r := range rows {
			if v, ok := r.figure(f.Name); ok {
				values = append(values, v)
			}
		}
		m := medianFigure(f.Name, values)
		m.Unit, m.Better = f.Unit, f.Better
		all = append(all, m)
	}
	return all
}

func medianFigure(name string, values []float64) figure {
	f := figure{Name: name, Value: median(values)}
	if len(values) > 1 {
		low, high := slices.Min(values), slices.Max(values)
		f.Min, f.Max = &low, &high
	}
	return f
}

func p99Of(r row) float64 {
	if r.Latency == nil {
		return 0
	}
	return r.Latency.P99
}

func whyVoid(rows []row) string {
	for _, r := range rows {
		if r.Void != "" {
			return r.Void
		}
		if r.Failed != "" {
			return r.Failed
		}
	}
	return ""
}

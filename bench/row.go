package main

import "math"

// row is one measured line of a report: one scenario, one target, one run. Its JSON form is the documented
// schema (see schema in report_json.go); times are microseconds, memory is bytes.
type row struct {
	Scenario string         `json:"scenario"`
	Target   string         `json:"target"`
	Library  string         `json:"library,omitempty"`
	Params   params         `json:"params"`
	Run      int            `json:"run"`            // 1 for the first repetition
	Runs     int            `json:"runs,omitempty"` // set on a row of medians: how many rows it stands for
	Void     string         `json:"void,omitempty"` // why nothing in this row may be quoted
	Failed   string         `json:"failed,omitempty"`
	Reach    *reach         `json:"reach,omitempty"`
	Latency  *distribution  `json:"latency_us,omitempty"`
	Timeline []moment       `json:"timeline,omitempty"`
	Figures  []figure       `json:"figures,omitempty"`
	Steps    []step         `json:"steps,omitempty"` // capacity: every rate that was tried
	Server   *processes     `json:"server,omitempty"`
	Clients  *processes     `json:"clients,omitempty"`
	Others   float64        `json:"other_cores"` // what the rest of the host used during the measurement
	Memory   []memoryPart   `json:"memory,omitempty"`
	Errors   map[string]int `json:"errors,omitempty"`
	Notes    []string       `json:"notes,omitempty"`
}

type params struct {
	Conns   int     `json:"conns"`
	Rooms   int     `json:"rooms,omitempty"`
	Rate    float64 `json:"rate,omitempty"`
	Payload int     `json:"payload,omitempty"`
	Nodes   int     `json:"nodes,omitempty"`
	Seconds float64 `json:"seconds,omitempty"`
}

// reach says what of the messages that had to arrive did arrive.
type reach struct {
	Share      float64 `json:"share"` // delivered / expected
	Expected   uint64  `json:"expected"`
	Delivered  uint64  `json:"delivered"`
	Sent       uint64  `json:"sent"`
	Unsent     uint64  `json:"unsent,omitempty"`
	Gaps       uint64  `json:"gaps,omitempty"`
	Duplicates uint64  `json:"duplicates,omitempty"`
	Foreign    uint64  `json:"foreign,omitempty"`
	Misrouted  uint64  `json:"misrouted,omitempty"`
	Surplus    uint64  `json:"surplus,omitempty"`
	Parsed     int     `json:"parsed_connections"`
	Bytes      uint64  `json:"bytes"`
}

// distribution is a latency histogram boiled down for a table and a curve.
type distribution struct {
	Count int64        `json:"count"`
	Mean  float64      `json:"mean"`
	Min   float64      `json:"min"`
	P50   float64      `json:"p50"`
	P90   float64      `json:"p90"`
	P99   float64      `json:"p99"`
	P999  float64      `json:"p999"`
	Max   float64      `json:"max"`
	Curve []curvePoint `json:"curve,omitempty"`
}

type curvePoint struct {
	Percent float64 `json:"percent"`
	Value   float64 `json:"us"`
}

// moment is one half second of a run, by due time.
type moment struct {
	Seconds float64 `json:"s"`
	Count   int64   `json:"count"`
	P50     float64 `json:"p50_us"`
	P99     float64 `json:"p99_us"`
	Max     float64 `json:"max_us"`
}

// figure is a scenario's own result. Over several runs the value is the median.
type figure struct {
	Name   string   `json:"name"`
	Value  float64  `json:"value"`
	Unit   string   `json:"unit"` // "us", "ms", "s", "B", "1/s", "x" (a ratio), "%", "cores" or ""
	Better string   `json:"better,omitempty"`
	Min    *float64 `json:"min,omitempty"`
	Max    *float64 `json:"max,omitempty"`
}

// processes is the CPU side of a run: all processes of the server, or of the ruler itself.
type processes struct {
	Count   int     `json:"count"`
	Cores   float64 `json:"cores"`   // CPU seconds per second, over the measurement
	User    float64 `json:"user_s"`  // of it, in user mode
	System  float64 `json:"sys_s"`   // and in the kernel
	Busiest float64 `json:"busiest"` // cores of the busiest process
	LagP99  float64 `json:"lag_p99_us,omitempty"`
	LagMax  float64 `json:"lag_max_us,omitempty"`
	RSS     int64   `json:"rss"` // bytes, at the end
}

// memoryPart is one bar of the memory chart: growth from before the first connection.
type memoryPart struct {
	Name    string  `json:"name"`
	Bytes   int64   `json:"bytes"`
	PerConn float64 `json:"per_conn"`
}

// percents are the points of a percentile curve: evenly spaced on its logarithmic axis.
var percents = func() []float64 {
	var p []float64
	for i := range 41 {
		p = append(p, 100*(1-math.Pow(10, -float64(i)/8)))
	}
	return p
}()

const us = 1e3 // nanoseconds in the unit of the report

// distributionOf returns nil for an empty histogram.
func distributionOf(l latencies) *distribution {
	if l.count() == 0 {
		return nil
	}
	d := &distribution{
		Count: l.count(), Mean: l.h.Mean() / us, Min: float64(l.h.Min()) / us, P50: float64(l.at(50)) / us,
		P90: float64(l.at(90)) / us, P99: float64(l.at(99)) / us, P999: float64(l.at(99.9)) / us, Max: float64(l.h.Max()) / us,
	}
	for _, p := range percents {
		d.Curve = append(d.Curve, curvePoint{p, float64(l.at(p)) / us})
		// Beyond this point the curve would only repeat the maximum.
		if float64(l.count())*(1-p/100) < 1 {
			break
		}
	}
	return d
}

func momentsOf(t timeline) []moment {
	var all []moment
	for i, l := range t.slots {
		if l.count() == 0 {
			continue
		}
		all = append(all, moment{
			Seconds: float64(i) * float64(slot) / 1e9, Count: l.count(), P50: float64(l.at(50)) / us, P99: float64(l.at(99)) / us,
			Max: float64(l.h.Max()) / us,
		})
	}
	return all
}

// add appends a figure. better is "lower", "higher" or "".
func (r *row) add(name string, value float64, unit, better string) {
	if math.IsNaN(value) || math.IsInf(value, 0) {
		return
	}
	r.Figures = append(r.Figures, figure{Name: name, Value: value, Unit: unit, Better: better})
}

// figure returns a figure's value, and false if the row has none of that name.
func (r *row) figure(name string) (float64, bool) {
	for _, f := range r.Figures {
		if f.Name == name {
			return f.Value, true
		}
	}
	return 0, false
}

// void marks the row; the first reason stays.
func (r *row) void(why string) {
	if r.Void == "" {
		r.Void = why
	}
}

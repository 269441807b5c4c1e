package main

import (
	"bytes"
	_ "embed"
	"fmt"
	"html/template"
	"strings"
)

//go:embed report.html
var reportPage string

var reportTemplate = template.Must(template.New("report").Parse(reportPage))

// page is what the template sees.
type page struct {
	Title, When, Host, Limits, Command, Commit, Go, Partial string
	Missing                                                 []string
	Score                                                   string
	Goals                                                   []goalBlock
	Sections                                                []section
}

// section is one scenario.
type section struct {
	Name, What, Method, Load string
	Legend                   []legend
	Heads                    []string
	Lines                    []reportLine
	Charts                   []chart
}

type legend struct {
	Name  string
	Color int
}

type reportLine struct {
	Cells   []string
	Color   int
	Bad     bool
	Remarks []string
	Library string
}

type chart struct {
	Title string
	SVG   template.HTML
}

// renderHTML returns the report as one self-contained page.
func renderHTML(d *document) ([]byte, error) {
	p := page{
		Title: d.Title, When: d.Started.UTC().Format("2006-01-02 15:04 UTC"), Host: hostLine(d.Host), Command: d.Command, Commit: d.Commit,
		Go: d.Go, Partial: d.Partial, Missing: d.Missing,
		Limits: fmt.Sprintf("RLIMIT_NOFILE %d, tcp_mem %d pages, %s of memory available at the start", d.Host.NoFile, d.Host.TCPMem[2],
			showBytes(float64(d.Host.Available))),
	}
	if len(d.Goals) > 0 {
		p.Goals, p.Score = goalBlocks(d.Goals), scoreLine(d.Goals)
	}
	colors := colorsOf(d.Summary)
	var block []row
	for i, r := range d.Summary {
		block = append(block, r)
		if i+1 == len(d.Summary) || d.Summary[i+1].Scenario != r.Scenario {
			p.Sections = append(p.Sections, newSection(block, colors))
			block = nil
		}
	}
	var b bytes.Buffer
	if err := reportTemplate.Execute(&b, p); err != nil {
		return nil, fmt.Errorf("render the report: %w", err)
	}
	return b.Bytes(), nil
}

// colorsOf gives every target one colour for the whole report, in the order of appearance.
func colorsOf(rows []row) map[string]int {
	colors := map[string]int{}
	for _, r := range rows {
		if _, ok := colors[r.Target]; !ok {
			colors[r.Target] = len(colors)
		}
	}
	return colors
}

func newSection(rows []row, colors map[string]int) section {
	s := section{Name: rows[0].Scenario, Load: loadLine(rows[0].Params), Heads: blockColumns(rows)}
	if sc := reported(s.Name); sc != nil {
		s.What, s.Method = sc.what, sc.method
	}
	for _, r := range rows {
		l := reportLine{Cells: rowCells(r, s.Heads), Color: colors[r.Target] % palette, Bad: r.Void+r.Failed != "", Library: r.Library}
		if r.Failed != "" {
			l.Remarks = append(l.Remarks, "failed: "+r.Failed)
		}
		if r.Void != "" {
			l.Remarks = append(l.Remarks, "void: "+r.Void)
		}
		l.Remarks = append(l.Remarks, r.Notes...)
		s.Lines = append(s.Lines, l)
		if len(rows) > 1 {
			s.Legend = append(s.Legend, legend{r.Target, colors[r.Target] % palette})
		}
	}
	for _, draw := range []func([]row, map[string]int) (chart, bool){percentileChart, timelineChart, stepsChart, cpuChart, memoryChart} {
		if c, ok := draw(rows, colors); ok {
			s.Charts = append(s.Charts, c)
		}
	}
	return s
}

func percentileChart(rows []row, colors map[string]int) (chart, bool) {
	var all []series
	var values []float64
	for _, r := range rows {
		if r.Latency == nil {
			continue
		}
		s := series{name: r.Target, color: colors[r.Target]}
		for _, p := range r.Latency.Curve {
			s.points = append(s.points, point{x: nines(p.Percent), y: p.Value})
			values = append(values, p.Value)
		}
		all = append(all, s)
	}
	if len(values) == 0 {
		return chart{}, false
	}
	return chart{"Latency by percentile", template.HTML(lineChart("latency by percentile", percentAxis(), timeAxis("", values), all))}, true
}

func timelineChart(rows []row, colors map[string]int) (chart, bool) {
	var all []series
	var values []float64
	end := 0.0
	for _, r := range rows {
		if len(r.Timeline) < 2 {
			continue
		}
		p50 := series{name: r.Target + " p50", color: colors[r.Target], thin: true}
		p99 := series{name: r.Target + " p99", color: colors[r.Target]}
		for _, m := range r.Timeline {
			p50.points = append(p50.points, point{x: m.Seconds, y: m.P50})
			p99.points = append(p99.points, point{x: m.Seconds, y: m.P99})
			values = append(values, m.P50, m.P99)
			end = max(end, m.Seconds)
		}
		all = append(all, p50, p99)
	}
	if len(all) == 0 {
		return chart{}, false
	}
	svg := lineChart("latency over time", secondsAxis("seconds since the end of the warm-up, by due time", end), timeAxis("", values), all)
	return chart{"Latency over time: p99, and p50 as a thin line", template.HTML(svg)}, true
}

func stepsChart(rows []row, colors map[string]int) (chart, bool) {
	var all []series
	var rates, values []float64
	for _, r := range rows {
		if len(r.Steps) == 0 {
			continue
		}
		s := series{name: r.Target, color: colors[r.Target], dots: true}
		for _, st := range r.Steps {
			if st.P99 <= 0 {
				continue
			}
			note := fmt.Sprintf("%s: %s offered, p99 %s %s", r.Target, show(st.Rate, "1/s"), showTime(st.P99), st.Why)
			s.points = append(s.points, point{x: st.Rate, y: st.P99, hollow: !st.Passed, note: strings.TrimSpace(note)})
			rates, values = append(rates, st.Rate), append(values, st.P99)
		}
		sortPoints(s.points)
		all = append(all, s)
	}
	if len(values) == 0 {
		return chart{}, false
	}
	svg := lineChart("p99 by offered rate", rateAxis("messages offered per second (hollow: failed)", rates), timeAxis("", values), all)
	return chart{"p99 by offered rate", template.HTML(svg)}, true
}

func cpuChart(rows []row, colors map[string]int) (chart, bool) {
	var bars []bar
	for _, r := range rows {
		for _, side := range []struct {
			name string
			p    *processes
		}{{r.Target + ", server", r.Server}, {r.Target + ", clients", r.Clients}} {
			if side.p == nil || side.p.User+side.p.System == 0 {
				continue
			}
			share := side.p.Cores / (side.p.User + side.p.System)
			bars = append(bars, bar{
				name: side.name, color: colors[r.Target], parts: []float64{side.p.System * share, side.p.User * share}, text: show(side.p.Cores, "cores"),
			})
		}
	}
	if len(bars) == 0 {
		return chart{}, false
	}
	return chart{"CPU: kernel, and user in a paler tone", template.HTML(barChart("CPU", bars))}, true
}

func memoryChart(rows []row, colors map[string]int) (chart, bool) {
	var bars []bar
	for _, r := range rows {
		for _, m := range r.Memory {
			name := m.Name
			if len(rows) > 1 {
				name = r.Target + ", " + name
			}
			bars = append(bars, bar{
				name: name, color: colors[r.Target], parts: []float64{m.PerConn}, text: showBytes(m.PerConn),
			})
		}
	}
	if len(bars) == 0 {
		return chart{}, false
	}
	return chart{"Memory per connection", template.HTML(barChart("memory per connection", bars))}, true
}

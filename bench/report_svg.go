package main

import (
	"cmp"
	"fmt"
	"html"
	"math"
	"slices"
	"strings"
)

// Charts are SVG written by hand: a report is one file without scripts, and its colours follow the page's
// light or dark scheme through CSS variables.

const (
	chartWidth, chartHeight = 560.0, 280.0
	marginLeft, marginRight = 64.0, 30.0
	marginTop, marginBottom = 12.0, 44.0
	palette                 = 10 // colours the style sheet defines
)

type point struct {
	x, y   float64
	hollow bool   // a point that does not count
	note   string // shown when the pointer rests on it
}

// series is one line of a chart.
type series struct {
	name   string
	color  int
	dots   bool
	thin   bool
	points []point
}

// axis maps values to a line; ticks carry their own text.
type axis struct {
	title    string
	min, max float64
	log      bool
	ticks    []tick
}

type tick struct {
	at   float64
	text string
}

// place returns where v lies between 0 and 1.
func (a axis) place(v float64) float64 {
	low, high := a.min, a.max
	if a.log {
		v, low, high = math.Log10(math.Max(v, a.min)), math.Log10(low), math.Log10(high)
	}
	if high <= low {
		return 0
	}
	return math.Max(0, math.Min(1, (v-low)/(high-low)))
}

// timeAxis is logarithmic in microseconds and covers the values.
func timeAxis(title string, values []float64) axis {
	low, high := math.Inf(1), 0.0
	for _, v := range values {
		if v > 0 {
			low, high = math.Min(low, v), math.Max(high, v)
		}
	}
	if high == 0 {
		low, high = 1, 10
	}
	a := axis{title: title, log: true, min: round125(low, false), max: round125(high, true)}
	if a.max <= a.min {
		a.max = 2 * a.min
	}
	wide := a.max/a.min > 1000
	for v := math.Pow(10, math.Floor(math.Log10(a.min))); v <= a.max; v *= 10 {
		for _, m := range []float64{1, 2, 5} {
			if at := v * m; at >= a.min*0.999 && at <= a.max*1.001 && (m == 1 || !wide) {
				a.ticks = append(a.ticks, tick{at, showTime(at)})
			}
		}
	}
	return a
}

// round125 returns the nearest of 1, 2, 5, 10, 20 ... that is not above v, or with up not below it.
func round125(v float64, up bool) float64 {
	base := math.Pow(10, math.Floor(math.Log10(v)))
	below := base
	for _, m := range []float64{1, 2, 5, 10} {
		if at := base * m; at >= v {
			if up || at == v {
				return at
			}
			return below
		}
		below = base * m
	}
	return below
}

// rateAxis is logarithmic in messages per second, with ticks at the powers of ten within it.
func rateAxis(title string, values []float64) axis {
	a := axis{title: title, log: true, min: math.Inf(1)}
	for _, v := range values {
		a.min, a.max = math.Min(a.min, v), math.Max(a.max, v)
	}
	a.min, a.max = a.min/1.2, a.max*1.2
	for v := math.Pow(10, math.Ceil(math.Log10(a.min))); v <= a.max; v *= 10 {
		for _, m := range []float64{1, 2, 5} {
			if v*m <= a.max {
				a.ticks = append(a.ticks, tick{v * m, showCount(v * m)})
			}
		}
	}
	return a
}

// secondsAxis is linear from zero.
func secondsAxis(title string, max float64) axis {
	a := axis{title: title, max: math.Max(max, 1)}
	step := 1.0
	for a.max/step > 8 {
		step *= 2
		if a.max/step > 8 {
			step *= 2.5
		}
	}
	for v := 0.0; v <= a.max; v += step {
		a.ticks = append(a.ticks, tick{v, digits(v)})
	}
	return a
}

// percentAxis spreads out the tail: 90 %, 99 % and 99.9 % are equally far apart.
func percentAxis() axis {
	a := axis{title: "percentile", max: 5}
	for i, text := range []string{"0 %", "90 %", "99 %", "99.9 %", "99.99 %", "99.999 %"} {
		a.ticks = append(a.ticks, tick{float64(i), text})
	}
	return a
}

func nines(percent float64) float64 { return -math.Log10(math.Max(1-percent/100, 1e-5)) }

// lineChart draws series over two axes.
func lineChart(name string, x, y axis, all []series) string {
	var b strings.Builder
	fmt.Fprintf(&b, `<svg viewBox="0 0 %g %g" role="img" aria-label="%s">`, chartWidth, chartHeight, html.EscapeString(name))
	w, h := chartWidth-marginLeft-marginRight, chartHeight-marginTop-marginBottom
	px := func(v float64) float64 { return marginLeft + w*x.place(v) }
	py := func(v float64) float64 { return marginTop + h*(1-y.place(v)) }
	for _, t := range y.ticks {
		fmt.Fprintf(&b, `<path class="grid" d="M%.1f %.1fH%.1f"/><text class="tick" x="%.1f" y="%.1f" text-anchor="end">%s</text>`,
			marginLeft, py(t.at), marginLeft+w, marginLeft-8, py(t.at)+4, html.EscapeString(t.text))
	}
	for _, t := range x.ticks {
		fmt.Fprintf(&b, `<path class="grid" d="M%.1f %.1fV%.1f"/><text class="tick" x="%.1f" y="%.1f" text-anchor="middle">%s</text>`,
			px(t.at), marginTop, marginTop+h, px(t.at), marginTop+h+17, html.EscapeString(t.text))
	}
	fmt.Fprintf(&b, `<text class="axis" x="%.1f" y="%.1f" text-anchor="middle">%s</text>`, marginLeft+w/2, chartHeight-6, html.EscapeString(x.title))
	for _, s := range all {
		class := fmt.Sprintf("line c%d", s.color%palette)
		if s.thin {
			class += " thin"
		}
		fmt.Fprintf(&b, `<polyline class="%s" points="`, class)
		for _, p := range s.points {
			fmt.Fprintf(&b, "%.1f,%.1f ", px(p.x), py(p.y))
		}
		fmt.Fprintf(&b, `"><title>%s</title></polyline>`, html.EscapeString(s.name))
		for _, p := range s.points {
			if !s.dots {
				break
			}
			class := fmt.Sprintf("dot c%d", s.color%palette)
			if p.hollow {
				class += " hollow"
			}
			fmt.Fprintf(&b, `<circle class="%s" cx="%.1f" cy="%.1f" r="4"><title>%s</title></circle>`, class, px(p.x), py(p.y), html.EscapeString(p.note))
		}
	}
	b.WriteString("</svg>")
	return b.String()
}

// bar is one line of a bar chart, of one or more parts laid end to end.
type bar struct {
	name  string
	color int
	parts []float64
	text  string
}

const (
	barHeight, barGap = 18.0, 8.0
	barLabel          = 220.0
	barText           = 110.0
)

// barChart draws horizontal bars on one scale; later parts of a bar are paler.
func barChart(name string, bars []bar) string {
	high := 0.0
	for _, r := range bars {
		sum := 0.0
		for _, p := range r.parts {
			sum += math.Max(p, 0)
		}
		high = math.Max(high, sum)
	}
	if high == 0 {
		high = 1
	}
	var b strings.Builder
	fmt.Fprintf(&b, `<svg viewBox="0 0 %g %g" role="img" aria-label="%s">`, chartWidth, float64(len(bars))*(barHeight+barGap)+barGap, html.EscapeString(name))
	w := chartWidth - barLabel - barText
	for i, r := range bars {
		y := barGap + float64(i)*(barHeight+barGap)
		fmt.Fprintf(&b, `<text class="label" x="%.1f" y="%.1f" text-anchor="end">%s</text>`, barLabel-8, y+13, html.EscapeString(r.name))
		x := barLabel
		for k, p := range r.parts {
			width := w * math.Max(p, 0) / high
			fmt.Fprintf(&b, `<rect class="bar c%d part%d" x="%.1f" y="%.1f" width="%.1f" height="%.1f"/>`, r.color%palette, k, x, y, width, barHeight)
			x += width
		}
		fmt.Fprintf(&b, `<text class="tick" x="%.1f" y="%.1f">%s</text>`, x+6, y+13, html.EscapeString(r.text))
	}
	b.WriteString("</svg>")
	return b.String()
}

// sortPoints orders points from left to right.
func sortPoints(p []point) {
	slices.SortStableFunc(p, func(a, b point) int { return cmp.Compare(a.x, b.x) })
}

package main

import (
	"fmt"
	"io"
	"strings"
	"unicode/utf8"
)

// writeTable prints the summary for a terminal: a block per scenario, a line per target, and what must be
// known about a line under it.
func writeTable(w io.Writer, d *document) {
	fmt.Fprintf(w, "\n%s\n%s\n", d.Title, hostLine(d.Host))
	var last string
	var block []row
	flush := func() {
		if len(block) > 0 {
			writeBlock(w, block)
		}
		block = nil
	}
	for _, r := range d.Summary {
		if r.Scenario != last {
			flush()
			last = r.Scenario
		}
		block = append(block, r)
	}
	flush()
	for _, m := range d.Missing {
		fmt.Fprintf(w, "missing: %s\n", m)
	}
	if d.Partial != "" {
		fmt.Fprintf(w, "\nPARTIAL: %s\n", d.Partial)
	}
}

func hostLine(h hostFacts) string {
	return fmt.Sprintf("%s, %d cores, %s, Linux %s", h.CPU, h.Cores, showBytes(float64(h.Memory)), h.Kernel)
}

// writeBlock prints one scenario's rows. Columns nobody has a value for are left out.
func writeBlock(w io.Writer, rows []row) {
	columns := blockColumns(rows)
	cells := [][]string{columns}
	for _, r := range rows {
		cells = append(cells, rowCells(r, columns))
	}
	fmt.Fprintf(w, "\n%s: %s\n", rows[0].Scenario, loadLine(rows[0].Params))
	for n, line := range aligned(cells) {
		fmt.Fprintln(w, line)
		if n > 0 {
			writeRemarks(w, rows[n-1])
		}
	}
}

// aligned renders cells under each other, the first column flush left.
func aligned(lines [][]string) []string {
	width := make([]int, len(lines[0]))
	for _, cells := range lines {
		for i, c := range cells {
			width[i] = max(width[i], utf8.RuneCountInString(c))
		}
	}
	var all []string
	for _, cells := range lines {
		var b strings.Builder
		for i, c := range cells {
			pad := strings.Repeat(" ", width[i]-utf8.RuneCountInString(c))
			if i == 0 {
				b.WriteString("  " + c + pad)
			} else {
				b.WriteString("  " + pad + c)
			}
		}
		all = append(all, strings.TrimRight(b.String(), " "))
	}
	return all
}

func writeRemarks(w io.Writer, r row) {
	if r.Failed != "" {
		fmt.Fprintf(w, "    FAILED: %s\n", r.Failed)
	}
	if r.Void != "" {
		fmt.Fprintf(w, "    VOID: %s\n", r.Void)
	}
	for _, n := range r.Notes {
		fmt.Fprintf(w, "    %s\n", n)
	}
}

// blockColumns returns the headings: the latency and CPU everybody wants, then the scenario's own.
func blockColumns(rows []row) []string {
	columns := []string{"target"}
	has := func(f func(row) bool) bool {
		for _, r := range rows {
			if f(r) {
				return true
			}
		}
		return false
	}
	if has(func(r row) bool { return r.Latency != nil }) {
		columns = append(columns, "p50", "p99", "max")
	}
	if has(func(r row) bool { return r.Reach != nil }) {
		columns = append(columns, "reach")
	}
	if has(func(r row) bool { return r.Server != nil }) {
		columns = append(columns, "server")
	}
	if has(func(r row) bool { return r.Clients != nil }) {
		columns = append(columns, "clients")
	}
	var own []string
	if sc := reported(rows[0].Scenario); sc != nil {
		own = sc.columns
	}
	for _, name := range own {
		if has(func(r row) bool { _, ok := r.figure(name); return ok }) {
			columns = append(columns, label(name))
		}
	}
	return columns
}

// rowCells returns a row's cells under the headings; a dash stands for what was not measured.
func rowCells(r row, columns []string) []string {
	cells := []string{r.Target}
	for _, c := range columns[1:] {
		cells = append(cells, cell(r, c))
	}
	return cells
}

func cell(r row, column string) string {
	switch column {
	case "p50", "p99", "max":
		if r.Latency == nil {
			return "-"
		}
		v := map[string]float64{"p50": r.Latency.P50, "p99": r.Latency.P99, "max": r.Latency.Max}[column]
		return showTime(v) + span(r, column)
	case "reach":
		if r.Reach == nil {
			return "-"
		}
		return showReach(r.Reach.Share)
	case "server":
		if r.Server == nil {
			return "-"
		}
		return show(r.Server.Cores, "cores")
	case "clients":
		if r.Clients == nil {
			return "-"
		}
		return show(r.Clients.Cores, "cores")
	}
	for _, f := range r.Figures {
		if label(f.Name) == column {
			return show(f.Value, f.Unit) + span(r, f.Name)
		}
	}
	return "-"
}

// span renders minimum and maximum of a figure over several runs.
func span(r row, name string) string {
	for _, f := range r.Figures {
		if f.Name == name && f.Min != nil && f.Max != nil && r.Runs > 1 {
			return " (" + show(*f.Min, f.Unit) + " to " + show(*f.Max, f.Unit) + ")"
		}
	}
	return ""
}

// loadLine says what was offered.
func loadLine(p params) string {
	parts := []string{fmt.Sprintf("%d connections", p.Conns)}
	if p.Rooms > 1 {
		parts = append(parts, fmt.Sprintf("%d rooms", p.Rooms))
	}
	if p.Nodes > 1 {
		parts = append(parts, fmt.Sprintf("%d nodes", p.Nodes))
	}
	if p.Rate > 0 {
		parts = append(parts, show(p.Rate, "1/s"))
	}
	if p.Payload > 0 {
		parts = append(parts, fmt.Sprintf("%d B", p.Payload))
	}
	if p.Seconds > 0 {
		parts = append(parts, digits(p.Seconds)+" s")
	}
	return strings.Join(parts, ", ")
}

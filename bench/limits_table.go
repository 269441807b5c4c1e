package main

import (
	"fmt"
	"io"
	"strings"
	"unicode/utf8"
)

// writeGoals prints the goals for a terminal: the machine first, then a block per goal with a line per check,
// what was seen under it, and what must be known about that.
func writeGoals(w io.Writer, d *document) {
	writeMachine(w, d)
	width := [3]int{len(missed)}
	for _, v := range d.Goals {
		for i, c := range v.cells() {
			width[i] = max(width[i], utf8.RuneCountInString(c))
		}
	}
	last := ""
	for _, v := range d.Goals {
		if v.Goal != last {
			fmt.Fprintf(w, "\n%s: %s\n", v.Goal, v.How)
			last = v.Goal
		}
		var b strings.Builder
		for i, c := range v.cells() {
			b.WriteString("  " + c + strings.Repeat(" ", width[i]-utf8.RuneCountInString(c)))
		}
		fmt.Fprintf(w, "%s  %s\n", b.String(), v.asked())
		for _, line := range v.remarks() {
			fmt.Fprintf(w, "          %s\n", line)
		}
	}
	for _, m := range d.Missing {
		fmt.Fprintf(w, "\nmissing: %s\n", m)
	}
	if d.Partial != "" {
		fmt.Fprintf(w, "\nPARTIAL: %s\n", d.Partial)
	}
	fmt.Fprintf(w, "\n%s\n", scoreLine(d.Goals))
}

// writeMachine prints the title, the machine, and how this was come by.
func writeMachine(w io.Writer, d *document) {
	fmt.Fprintf(w, "\n%s\n%s\n%s%s, %s to %s\n%s\n", d.Title, hostLine(d.Host), d.Go, commitWord(d.Commit),
		d.Started.UTC().Format("2006-01-02 15:04"), d.Finished.UTC().Format("15:04 UTC"), d.Command)
}

func commitWord(commit string) string {
	if commit == "" {
		return ""
	}
	return ", commit " + commit
}

// cells are the verdict, what was judged, and the value with its range.
func (v verdict) cells() []string { return []string{v.Verdict, v.What, v.value()} }

func (v verdict) value() string {
	if v.Verdict == void && v.Value == 0 {
		return "-"
	}
	s := show(v.Value, v.Unit)
	if v.Min != v.Max {
		s += " (" + show(v.Min, v.Unit) + " to " + show(v.Max, v.Unit) + ")"
	}
	return s
}

func (v verdict) asked() string { return "asked: " + string(v.Op) + " " + show(v.Bound, v.Unit) }

// remarks are the lines under a check.
func (v verdict) remarks() []string {
	var seen []string
	for i, s := range v.Seen {
		// The figure that is judged as it is stands on the line above.
		if i > 0 || v.Against != "" {
			seen = append(seen, s.text(v.Seen[0]))
		}
	}
	var lines []string
	if v.Why != "" {
		lines = append(lines, "void: "+v.Why)
	}
	if len(seen) > 0 {
		lines = append(lines, wrap(strings.Join(seen, ", "), 110)...)
	}
	return append(lines, v.Notes...)
}

// text renders what was seen of one quantity. What it shares with the one that is judged is not said again.
func (s spread) text(judged spread) string {
	name := s.Target
	if s.Figure != judged.Figure {
		name = label(s.Figure)
		if s.Target != judged.Target {
			name = s.Target + " " + name
		}
	} else if s.Scenario != judged.Scenario {
		name += " in " + s.Scenario
	}
	if s.Runs == 0 {
		return name + " -"
	}
	return name + " " + show(s.Median, s.Unit) + s.span()
}

// span renders minimum and maximum, nothing where they are the same.
func (s spread) span() string {
	if s.Min == s.Max {
		return ""
	}
	return " (" + show(s.Min, s.Unit) + " to " + show(s.Max, s.Unit) + ")"
}

// scoreLine counts the verdicts.
func scoreLine(all []verdict) string {
	n := map[string]int{}
	for _, v := range all {
		n[v.Verdict]++
	}
	return fmt.Sprintf("%d met, %d missed, %d void", n[met], n[missed], n[void])
}

package main

import (
	"fmt"
	"html"
	"html/template"
	"math"
	"strings"
)

// goalBlock is a goal in the report.
type goalBlock struct {
	Name, How string
	Lines     []goalLine
}

type goalLine struct {
	Verdict, What, Value, Asked string
	Picture                     template.HTML
	Remarks                     []string
}

// goalBlocks groups the verdicts by goal.
func goalBlocks(all []verdict) []goalBlock {
	var blocks []goalBlock
	for _, v := range all {
		if n := len(blocks); n == 0 || blocks[n-1].Name != v.Goal {
			blocks = append(blocks, goalBlock{Name: v.Goal, How: v.How})
		}
		b := &blocks[len(blocks)-1]
		b.Lines = append(b.Lines, goalLine{
			Verdict: v.Verdict, What: v.What, Value: v.value(), Asked: v.asked(), Remarks: v.remarks(), Picture: template.HTML(v.picture()),
		})
	}
	return blocks
}

const (
	goalWidth, goalHeight = 260.0, 22.0
	goalEdge              = 8.0 // room for half a dot
	goalReach             = 4.0 // times better or worse than the bound that the picture shows
)

// picture draws how far the value lies from the bound, which is the line in the middle: left of it, on the
// shaded ground, the goal is met. The scale is logarithmic; what is farther out sits on the edge.
func (v verdict) picture() string {
	var b strings.Builder
	text := fmt.Sprintf("%s: %s, asked %s", v.What, v.value(), v.asked())
	fmt.Fprintf(&b, `<svg class="goal" viewBox="0 0 %g %g" role="img" aria-label="%s"><title>%s</title>`,
		goalWidth, goalHeight, html.EscapeString(text), html.EscapeString(text))
	middle, center := goalWidth/2, goalHeight/2
	fmt.Fprintf(&b, `<rect class="fine" x="0" y="0" width="%g" height="%g"/><path class="grid" d="M0 %gH%g"/><path class="bound" d="M%g 0V%g"/>`,
		middle, goalHeight, center, goalWidth, middle, goalHeight)
	if v.Verdict != void || v.Value != 0 {
		low, high := v.place(v.Min), v.place(v.Max)
		fmt.Fprintf(&b, `<path class="range %s" d="M%.1f %gH%.1f"/><circle class="mark %s" cx="%.1f" cy="%g" r="5"/>`,
			v.Verdict, low, center, high, v.Verdict, v.place(v.Value), center)
	}
	b.WriteString("</svg>")
	return b.String()
}

// place returns where a value lies in the picture. Values of zero and below, such as memory that shrank, are
// as far to the good or bad side as there is room.
func (v verdict) place(value float64) float64 {
	far := math.Log(math.Max(value, 1e-9)/v.Bound) / math.Log(goalReach)
	if v.Op == atLeast {
		far = -far
	}
	far = math.Max(-1, math.Min(1, far))
	return goalWidth/2 + far*(goalWidth/2-goalEdge)
}

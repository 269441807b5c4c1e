package main

import (
	"context"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
)

// browserView is what inspectPage saw of a report.
type browserView struct {
	Charts     int  `json:"charts"`
	Empty      int  `json:"empty"` // charts with nothing drawn
	Overflow   bool `json:"overflow"`
	Void       int  `json:"void"` // rows marked as not to be quoted
	Background int  `json:"background"`
	Contrast   int  `json:"contrast"`
}

const inspectPage = `(() => {
  const grey = (c) => { const [r, g, b] = c.match(/[\d.]+/g).map(Number); return Math.round((r + g + b) / 3); };
  const charts = [...document.querySelectorAll('.charts svg')];
  const marks = (s) => [...s.querySelectorAll('polyline, rect')].some((m) => m.getBoundingClientRect().width > 1);
  const style = getComputedStyle(document.body);
  return {
    charts: charts.length,
    empty: charts.filter((s) => !marks(s)).length,
    overflow: document.documentElement.scrollWidth > window.innerWidth,
    void: [...document.querySelectorAll('tr.bad td:first-child:not(.remark)')].length,
    background: grey(style.backgroundColor),
    contrast: Math.abs(grey(style.backgroundColor) - grey(style.color)),
  };
})()`

// emulateScheme makes the page see a light or a dark system.
func emulateScheme(ctx context.Context, scheme string) error {
	_, err := chromedp.Call(ctx, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
		Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}},
	})
	return err
}

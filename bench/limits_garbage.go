package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os/exec"
	"strconv"
	"strings"
	"time"
)

// garbageScenario has no server: it runs the hub's benchmark, in which a million members live in one process
// on a transport that only counts, and takes over what the runtime says of its collector. --duration is the
// benchmark's -benchtime; before it the million is set up, which takes as long again.
var garbageScenario = scenario{
	name: "garbage",
	what: "the garbage collector's part with a million members in one process",
	method: "go test -run '^$' -bench Garbage ./server/hub: a million members in rooms of 10 on a transport that only counts, 10,000 " +
		"publications/s; the collector's share of CPU time and its longest pause are the runtime's own figures.",
	defaults: options{Conns: 1_000_000, Rooms: 100_000, Rate: 10_000, Duration: 180 * time.Second},
	columns:  []string{"gc_of_used", "gc_of_all", "longest_pause", "collections", "heap"},
	alone:    measureGarbage,
}

// garbageFigures are the benchmark's own units, and what a row calls them.
var garbageFigures = []struct {
	unit string
	as   figure
	by   float64
}{
	{"%gc-of-used", figure{Name: "gc_of_used", Unit: "%", Better: "lower"}, 1},
	{"%gc-of-all", figure{Name: "gc_of_all", Unit: "%", Better: "lower"}, 1},
	{"us-longest-pause", figure{Name: "longest_pause", Unit: "us", Better: "lower"}, 1},
	{"collections", figure{Name: "collections"}, 1},
	{"MiB-heap", figure{Name: "heap", Unit: "B"}, 1 << 20},
	{"deliveries/s", figure{Name: "deliveries_per_s", Unit: "1/s"}, 1},
}

func measureGarbage(ctx context.Context, opt options, r *row, ui *ui) error {
	root, err := repository()
	if err != nil {
		return err
	}
	goTool, err := exec.LookPath("go")
	if err != nil {
		return errors.New("no go on this machine, and what is measured is a Go benchmark")
	}
	r.Library = "server/hub"
	argv := []string{
		goTool, "test", "-run", "^$", "-bench", "Garbage", "-benchtime", opt.Duration.String(), "-timeout", (opt.Duration + 10*time.Minute).String(), "./server/hub",
	}
	ui.phase("a million members", 0)
	text, err := output(ctx, "the benchmark", root, argv)
	if err != nil {
		return err
	}
	return r.takeBenchmark(text)
}

// output runs a program and returns what it wrote to stdout. A cancelled context stops it with all its children.
func output(ctx context.Context, name, dir string, argv []string) (string, error) {
	var b bytes.Buffer
	c, err := spawn(name, dir, argv, func(cmd *exec.Cmd) error {
		cmd.Stdout = &b
		return nil
	})
	if err != nil {
		return "", err
	}
	go c.reap()
	select {
	case <-c.gone:
	case <-ctx.Done():
		c.stop(time.Second)
		return "", context.Cause(ctx)
	}
	if c.status != nil {
		return "", fmt.Errorf("%w: %s", c.epitaph(), shorten(strings.TrimSpace(b.String())))
	}
	return b.String(), nil
}

// takeBenchmark finds the benchmark's line and adds its figures.
func (r *row) takeBenchmark(text string) error {
	for line := range strings.Lines(text) {
		f := strings.Fields(line)
		if len(f) < 4 || !strings.HasPrefix(f[0], "BenchmarkGarbage") {
			continue
		}
		for i := 2; i+1 < len(f); i += 2 {
			v, err := strconv.ParseFloat(f[i], 64)
			if err != nil {
				return fmt.Errorf("the benchmark's figure %q: %w", f[i], err)
			}
			for _, known := range garbageFigures {
				if known.unit == f[i+1] {
					r.add(known.as.Name, v*known.by, known.as.Unit, known.as.Better)
				}
			}
		}
		return nil
	}
	return errors.New("the benchmark printed no result")
}

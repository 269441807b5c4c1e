package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"time"
)

// variant is one way to build or run rookery. What is empty is as it is by default.
type variant struct {
	name  string
	what  string
	flags []string
	env   []string
	under string // command line the process is started with
	tags  string // of the build
	needs string // program that must be there
}

// variants begin with the default, which the others are compared with. The build tags are gnet's: poll_opt
// keeps the connection's address in the epoll entry instead of looking the descriptor up in a map; gc_opt
// keeps connections in a matrix of slices instead of that map.
var variants = []variant{
	{name: "default", what: "what rookery does by itself: a loop for two processors, GOMAXPROCS one above their number"},
	{name: "loops-2", what: "two event loops", flags: []string{"--loops=2"}},
	{name: "procs-all", what: "GOMAXPROCS is the number of processors", env: []string{"GOMAXPROCS=" + strconv.Itoa(runtime.NumCPU())}},
	{name: "procs-1", what: "GOMAXPROCS is 1", env: []string{"GOMAXPROCS=1"}},
	{name: "poll_opt", what: "built with -tags poll_opt", tags: "poll_opt"},
	{name: "gc_opt", what: "built with -tags gc_opt", tags: "gc_opt"},
	{name: "pinned", what: "all threads on the first processor", under: "taskset -c 0", needs: "taskset"},
}

// choiceMeasurements is what every variant is measured by.
var choiceMeasurements = []measurement{
	{sc: &broadcastScenario, opt: options{Duration: 8 * time.Second}, takes: 16 * time.Second},
	{sc: &capacityScenario, opt: options{Rate: 1024, Duration: 4 * time.Second}, takes: 32 * time.Second},
	{sc: &isolationScenario, opt: options{Duration: 6 * time.Second}, takes: 22 * time.Second},
}

// choiceFigures are the columns of the table.
var choiceFigures = []struct{ scenario, figure, title string }{
	{"broadcast", "cpu_per_delivery", "CPU per delivery"},
	{"broadcast", "p99", "broadcast p99"},
	{"capacity", "capacity_deliveries", "capacity"},
	{"isolation", "p99", "small room's p99"},
}

type choicesCommand struct {
	Only []string `help:"Only these variants, beside the default: ${variants}." placeholder:"VARIANT"`
	Runs int      `help:"Rounds; in each every variant is measured in turn." default:"3"`
	reportFlags
	trialFlags
}

func (c choicesCommand) Run(ctx context.Context, o *outcome) error {
	for _, name := range c.Only {
		if !slices.ContainsFunc(variants, func(v variant) bool { return v.name == name }) {
			return usagef("no variant %q: want some of %s", name, variantNames())
		}
	}
	base := options{Conns: c.Conns, Duration: c.Duration, Runs: c.Runs, Nodes: 1, Target: "rookery"}
	if err := base.check(); err != nil {
		return err
	}
	p := c.plan("choices", "Ways to build and run Rookery, in turn")
	p.kept, p.print = true, writeChoices
	var absent []string
	built := map[string]string{}
	var chosen []variant
	for i, v := range variants {
		if i > 0 && len(c.Only) > 0 && !slices.Contains(c.Only, v.name) {
			continue
		}
		path, err := v.binary(ctx)
		if err != nil {
			absent = append(absent, v.name+" is missing: "+err.Error())
			continue
		}
		built[v.name] = path
		chosen = append(chosen, v)
	}
	p.jobs = choiceJobs(chosen, built, c.Runs, base)
	p.conclude = func(d *document) error {
		for _, a := range absent {
			d.lacks(a)
		}
		if len(absent) > 0 {
			return errors.New(strings.Join(absent, "; "))
		}
		return nil
	}
	var err error
	o.code, err = p.execute(ctx)
	return err
}

func variantNames() string {
	var names []string
	for _, v := range variants {
		names = append(names, v.name)
	}
	return strings.Join(names, ", ")
}

// choiceJobs lists round after round of every scenario for every variant.
func choiceJobs(chosen []variant, built map[string]string, runs int, base options) []job {
	var jobs []job
	for run := 1; run <= runs; run++ {
		for _, m := range choiceMeasurements {
			for _, v := range chosen {
				j := job{sc: m.sc, opt: base.fill(m.opt), run: run, label: v.name, takes: m.takes}
				j.opt.Rooms, j.opt.Message = 0, ""
				j.opt.Binary, j.opt.Flags, j.opt.Env, j.opt.Under = built[v.name], v.flags, v.env, v.under
				jobs = append(jobs, j)
			}
		}
	}
	return jobs
}

// binary returns the rookery to run, built if the variant has tags of its own; empty is the usual one.
func (v variant) binary(ctx context.Context) (string, error) {
	if v.needs != "" {
		if _, err := exec.LookPath(v.needs); err != nil {
			return "", fmt.Errorf("no %s on this machine", v.needs)
		}
	}
	if v.tags == "" {
		return "", nil
	}
	root, err := repository()
	if err != nil {
		return "", err
	}
	path := filepath.Join(root, "bin", "rookery-"+v.tags)
	cmd := exec.CommandContext(ctx, "go", "build", "-tags", v.tags, "-o", path, "./server/cmd/rookery")
	cmd.Dir = root
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("go build -tags %s: %w: %s", v.tags, err, shorten(strings.TrimSpace(string(out))))
	}
	return path, nil
}

// writeChoices prints a line per variant: medians with their range, and the change from the default.
func writeChoices(w io.Writer, d *document) {
	writeMachine(w, d)
	lines := [][]string{{""}}
	for _, f := range choiceFigures {
		lines[0] = append(lines[0], f.title)
	}
	var remarks []string
	for _, v := range variants {
		cells := []string{v.name}
		measured, begun := false, len(remarks)
		for _, f := range choiceFigures {
			s := gather(d, quantity{f.scenario, v.name, f.figure})
			measured = measured || s.Runs > 0
			cells = append(cells, s.beside(gather(d, quantity{f.scenario, variants[0].name, f.figure})))
			if s.Runs == 0 && s.Void != "" {
				s.notes = []string{"void: " + s.Void}
			}
			for _, n := range s.notes {
				if line := v.name + ", " + f.scenario + ": " + n; !slices.Contains(remarks, line) {
					remarks = append(remarks, line)
				}
			}
		}
		if !measured {
			remarks = remarks[:begun]
			continue
		}
		lines = append(lines, cells)
	}
	fmt.Fprintln(w)
	for _, line := range aligned(lines) {
		fmt.Fprintln(w, line)
	}
	for _, v := range variants {
		fmt.Fprintf(w, "\n  %-9s  %s", v.name, v.what)
	}
	fmt.Fprintln(w)
	for _, r := range remarks {
		fmt.Fprintf(w, "\n  %s", r)
	}
	for _, m := range d.Missing {
		fmt.Fprintf(w, "\nmissing: %s", m)
	}
	if d.Partial != "" {
		fmt.Fprintf(w, "\nPARTIAL: %s", d.Partial)
	}
	fmt.Fprintln(w)
}

// beside renders a spread with its change from another.
func (s spread) beside(base spread) string {
	if s.Runs == 0 {
		return "-"
	}
	text := show(s.Median, s.Unit) + s.span()
	if base.Median != 0 && s.Target != base.Target {
		text += fmt.Sprintf(" %+.0f %%", 100*(s.Median/base.Median-1))
	}
	return text
}

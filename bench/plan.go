package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"time"
)

// job is one row to measure.
type job struct {
	sc    *scenario
	opt   options
	run   int
	label string        // what the row calls its target, if not by its name
	takes time.Duration // about so long; 0: nobody knows
	again bool          // bench was the limit the first time, which on a busy host may be chance
}

// plan is a list of jobs and where their report goes.
type plan struct {
	title  string
	name   string // of the files in bench/results
	jobs   []job
	json   string
	html   string
	wait   bool
	quiet  bool
	budget time.Duration // jobs that would begin after it are left out; 0: no bound

	kept     bool                       // the run is long: its data is written after every row, and a row of which bench was the limit is tried again
	conclude func(*document) error      // adds what the rows amount to; the error is what it lacks
	print    func(io.Writer, *document) // for the terminal; nil: writeTable
}

// alternate lists every scenario for every target in turn, run by run: A B A B, so that a machine that
// changes its mood changes it for all.
func alternate(scs []*scenario, targets []string, runs int, opt func(*scenario) options) []job {
	var jobs []job
	for run := 1; run <= runs; run++ {
		for _, sc := range scs {
			for _, t := range targets {
				o := opt(sc)
				o.Target = t
				jobs = append(jobs, job{sc: sc, opt: o, run: run})
			}
		}
	}
	return jobs
}

// execute measures every job, prints the table, writes the report and returns the exit code. Whatever goes
// wrong half-way, what was measured until then is reported.
func (p plan) execute(ctx context.Context) (int, error) {
	if err := p.destinations(); err != nil {
		return exitUsage, err
	}
	if p.print == nil {
		p.print = writeTable
	}
	ui := newUI(p.quiet)
	defer ui.end()
	release, err := lockHost(ctx, lockPath(), p.wait, ui.say)
	if err != nil {
		return exitFor(err), err
	}
	defer release()
	d := &document{
		Schema: schema, Title: p.title, Started: time.Now(), Command: strings.Join(os.Args, " "), Commit: commit(), Go: runtime.Version(),
		Host: readHostFacts(),
	}
	if jobs := p.jobs; len(jobs) > 0 && jobs[0].takes > 0 {
		ui.say("bench: %d measurements, about %s", len(jobs), showMinutes(new(estimate).left(jobs)))
	}
	failure := p.measure(ctx, d, ui)
	d.Finished = time.Now()
	d.Summary = summarize(d.Rows)
	if p.conclude != nil {
		if err := p.conclude(d); failure == nil {
			failure = err
		}
	}
	ui.end()
	if len(d.Rows) > 0 {
		p.print(os.Stdout, d)
	}
	if err := p.write(d); err != nil {
		return exitFailed, err
	}
	return exitFor(failure), failure
}

// measure runs the jobs into the document. The error is the first that keeps the report from being whole.
func (p plan) measure(ctx context.Context, d *document, ui *ui) error {
	var failure error
	missing := map[string]bool{}
	var clock estimate
	jobs := slices.Clone(p.jobs)
	for i := 0; i < len(jobs); i++ {
		j := jobs[i]
		if p.budget > 0 && time.Since(d.Started) > p.budget {
			d.lacks(fmt.Sprintf("%s: left out, the time for this run is up", j.sc.name))
			continue
		}
		if missing[j.opt.Target] {
			continue
		}
		ui.prefix = clock.prefix(jobs, i)
		begun := time.Now()
		r, err := runRow(ctx, j.sc, j.opt, j.run, ui)
		clock.took(j, time.Since(begun))
		r.Target = orString(j.label, r.Target)
		var absent missingError
		switch {
		case errors.As(err, &absent) && len(p.jobs) > 1:
			missing[j.opt.Target] = true
			d.lacks(absent.Error())
			continue
		case ctx.Err() != nil:
			d.Partial = context.Cause(ctx).Error()
			if len(r.Steps)+len(r.Figures) > 0 {
				d.Rows = append(d.Rows, r)
			}
			return context.Cause(ctx)
		}
		var never notStarted
		if errors.As(err, &never) && len(p.jobs) == 1 {
			// Nothing was measured, and the report of the last run is worth more than this one.
			return err
		}
		d.Rows = append(d.Rows, r)
		if err != nil && failure == nil {
			failure = err
			d.Partial = err.Error()
		}
		p.keep(d, ui)
		if p.kept && !j.again && strings.HasPrefix(r.Void, clientLimit) {
			j.again = true
			jobs = slices.Insert(jobs, i+1, j)
		}
		if err != nil && len(p.jobs) > 1 {
			ui.say("bench: %v", err)
		}
	}
	return failure
}

// lacks notes what a report will not have, once.
func (d *document) lacks(what string) {
	if !slices.Contains(d.Missing, what) {
		d.Missing = append(d.Missing, what)
	}
}

// keep writes the data of a run under way. That it cannot is said; the run goes on.
func (p plan) keep(d *document, ui *ui) {
	if !p.kept {
		return
	}
	sofar := *d
	sofar.Finished, sofar.Partial, sofar.Summary = time.Now(), orString(d.Partial, "the run is under way"), summarize(d.Rows)
	b, err := sofar.encode()
	if err == nil {
		err = writeReport(p.json, b)
	}
	if err != nil {
		ui.say("bench: %v", err)
	}
}

// destinations fills in where the report goes, and finds out whether it can.
func (p *plan) destinations() error {
	dir := filepath.Join(os.TempDir(), "rookery-bench")
	if root, err := repository(); err == nil {
		dir = filepath.Join(root, "bench", "results")
	}
	p.json = orString(p.json, filepath.Join(dir, p.name+".json"))
	p.html = orString(p.html, filepath.Join(dir, p.name+".html"))
	for _, path := range []string{p.json, p.html} {
		if err := checkWritable(path); err != nil {
			return err
		}
	}
	return nil
}

// write writes both files and says where they are.
func (p *plan) write(d *document) error {
	if len(d.Rows) == 0 && len(d.Missing) == 0 {
		return nil
	}
	b, err := d.encode()
	if err != nil {
		return fmt.Errorf("encode the report: %w", err)
	}
	if err := writeReport(p.json, b); err != nil {
		return err
	}
	if b, err = renderHTML(d); err != nil {
		return err
	}
	if err := writeReport(p.html, b); err != nil {
		return err
	}
	fmt.Printf("\nreport: %s\ndata:   %s\n", p.html, p.json)
	return nil
}

// exitFor returns the exit code an error asks for.
func exitFor(err error) int {
	var usage usageError
	switch {
	case err == nil:
		return exitOK
	case errors.As(err, &usage):
		return exitUsage
	}
	return exitFailed
}

// commit names the checkout bench runs in, with a plus sign if it has changes; empty outside of one.
func commit() string {
	root, err := repository()
	if err != nil {
		return ""
	}
	git := func(args ...string) string {
		cmd := exec.Command("git", args...)
		cmd.Dir = root
		out, _ := cmd.Output()
		return strings.TrimSpace(string(out))
	}
	id := git("rev-parse", "--short", "HEAD")
	if id != "" && git("status", "--porcelain", "--untracked-files=no") != "" {
		id += "+"
	}
	return id
}

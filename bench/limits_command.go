package main

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"
)

type limitsCommand struct {
	Only        []string      `help:"Only these goals: ${goals}." placeholder:"GOAL"`
	Runs        int           `help:"Rounds; in each every scenario is run for every target in turn." default:"5"`
	GarbageTime time.Duration `help:"How long the garbage collector is watched." default:"180s"`
	Budget      time.Duration `help:"Begin nothing new after this long; 0 is no bound." default:"0s"`
	reportFlags
	trialFlags
}

// trialFlags make a long command short, for trying it out.
type trialFlags struct {
	Conns    int           `hidden:"" help:"Connections of every scenario."`
	Duration time.Duration `hidden:"" help:"Length of every measurement."`
}

func (c limitsCommand) Run(ctx context.Context, o *outcome) error {
	chosen, err := chooseGoals(c.Only)
	if err != nil {
		return err
	}
	base := options{Conns: c.Conns, Duration: c.Duration, Runs: c.Runs, Nodes: 1, Target: "rookery"}
	if err := base.check(); err != nil {
		return err
	}
	if c.GarbageTime < time.Second || c.GarbageTime > time.Hour {
		return usagef("--garbage-time %v: want a second to an hour", c.GarbageTime)
	}
	p := c.plan("limits", "What Rookery is to reach")
	p.kept, p.budget, p.print = true, c.Budget, writeGoals
	p.jobs = limitJobs(chosen, c.Runs, base, c.GarbageTime)
	p.conclude = func(d *document) error {
		d.Goals = judge(chosen, d)
		return unmeasured(d.Goals)
	}
	o.code, err = p.execute(ctx)
	return err
}

// goalNames lists all goals, for the help text.
func goalNames() string {
	var names []string
	for _, g := range goals {
		names = append(names, g.name)
	}
	return strings.Join(names, ", ")
}

func chooseGoals(only []string) ([]goal, error) {
	for _, name := range only {
		if !slices.ContainsFunc(goals, func(g goal) bool { return g.name == name }) {
			return nil, usagef("no goal %q: want some of %s", name, goalNames())
		}
	}
	var chosen []goal
	for _, g := range goals {
		if len(only) == 0 || slices.Contains(only, g.name) {
			chosen = append(chosen, g)
		}
	}
	return chosen, nil
}

// limitJobs lists what the goals need: first what is measured once, then round after round of every scenario
// for every target, so that a run that is broken off has some rounds of everything. Whatever base sets holds
// for all.
func limitJobs(chosen []goal, runs int, base options, garbageTime time.Duration) []job {
	var once, jobs []job
	for run := 1; run <= runs; run++ {
		for _, m := range limitMeasurements {
			for _, t := range targetsOf(chosen, m.sc.name) {
				j := job{sc: m.sc, opt: base.fill(m.opt), run: run, takes: m.takes}
				j.opt.Target, j.opt.Rooms, j.opt.Message = t, 0, ""
				if first := m.first[t]; first > 0 {
					j.opt.Rate = first
				}
				switch {
				case !m.single:
					jobs = append(jobs, j)
				case run == 1:
					j.opt.Conns, j.opt.Duration = 0, garbageTime
					j.takes += garbageTime - m.sc.defaults.Duration
					once = append(once, j)
				}
			}
		}
	}
	return append(once, jobs...)
}

// targetsOf returns the targets of a scenario that the goals look at, in the order of their first mention.
func targetsOf(chosen []goal, scenario string) []string {
	var all []string
	for _, g := range chosen {
		for _, c := range g.checks {
			for _, q := range slices.Concat([]quantity{c.of}, c.over, c.beside) {
				if q.scenario == scenario && !slices.Contains(all, q.target) {
					all = append(all, q.target)
				}
			}
		}
	}
	return all
}

// unmeasured returns an error that names the goals without a verdict.
func unmeasured(all []verdict) error {
	var names []string
	for _, v := range all {
		if v.Verdict == void && !slices.Contains(names, v.Goal) {
			names = append(names, v.Goal)
		}
	}
	if len(names) == 0 {
		return nil
	}
	return fmt.Errorf("not measured: %s", strings.Join(names, ", "))
}

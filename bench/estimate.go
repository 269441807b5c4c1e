package main

import (
	"fmt"
	"time"
)

// estimate tells how long a plan's jobs still take: as long as the same job took before, or what its author
// expected.
type estimate struct{ seen map[estimateKey]time.Duration }

type estimateKey struct{ scenario, target, label string }

func keyOf(j job) estimateKey { return estimateKey{j.sc.name, j.opt.Target, j.label} }

// took notes how long a job took.
func (e *estimate) took(j job, d time.Duration) {
	if e.seen == nil {
		e.seen = map[estimateKey]time.Duration{}
	}
	e.seen[keyOf(j)] = d
}

// left returns the time the jobs take, one after another.
func (e *estimate) left(jobs []job) time.Duration {
	var sum time.Duration
	for _, j := range jobs {
		if d, ok := e.seen[keyOf(j)]; ok {
			sum += d
		} else {
			sum += j.takes
		}
	}
	return sum
}

// prefix says how far a plan is before its i-th job. It is empty where nobody knows.
func (e *estimate) prefix(jobs []job, i int) string {
	if jobs[i].takes == 0 {
		return ""
	}
	s := fmt.Sprintf("[%d of %d, %s left] ", i+1, len(jobs), showMinutes(e.left(jobs[i:])))
	if jobs[i].label != "" {
		s += jobs[i].label + ": "
	}
	return s
}

// showMinutes renders a time to come: whole minutes, and seconds below two of them.
func showMinutes(d time.Duration) string {
	if d < 2*time.Minute {
		return fmt.Sprintf("%d s", int(d.Round(time.Second).Seconds()))
	}
	return fmt.Sprintf("%d min", int(d.Round(time.Minute).Minutes()))
}

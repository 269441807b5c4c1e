package main

import (
	"fmt"
	"math"
	"strings"
	"time"
)

// capacity: the highest offered rate that a server delivers whole and in time. The rate doubles from step to
// step until one fails, then the border is halved a few times, and the result is confirmed by a longer run;
// a rate that holds for two seconds may still be one that fills queues. A step passes with reach 1, in order,
// and a p99 within the bound. Should the client be what fails, the result is void: it is only a lower bound.
var capacityScenario = scenario{
	name: "capacity",
	what: "the highest rate with reach 1 and p99 within 500 ms",
	method: "One sender, N members. The offered rate doubles until reach falls below 1 or p99 exceeds 500 ms, then the border is " +
		"bisected and the result confirmed by a run of --duration. --rate sets the first step. One member in twenty is parsed and timed; " +
		"the others are drained, and must get as many bytes as a parsed one.",
	defaults: options{Conns: 2000, Rate: 16, Payload: 128, Duration: 8 * time.Second, Warmup: 500 * time.Millisecond},
	quick:    options{Conns: 1000, Rate: 256, Duration: 3 * time.Second},
	columns:  []string{"capacity_rate", "capacity_deliveries"},
	measure:  measureCapacity,
}

const (
	capacityBound = 500e3 // microseconds of p99
	stepLength    = 2 * time.Second
	bisections    = 3
	stepPatience  = 8 * time.Second

	patienceUnclear = 3 // steps in a row in which the client failed, before the search gives up
)

// step is one rate that was tried.
type step struct {
	Rate       float64 `json:"rate"`
	Deliveries float64 `json:"deliveries_per_s"`
	Reach      float64 `json:"reach"`
	P99        float64 `json:"p99_us"`
	Cores      float64 `json:"server_cores"`
	Client     float64 `json:"client_busiest"`
	Passed     bool    `json:"passed"`
	Why        string  `json:"why,omitempty"`
}

// search is the state of one capacity measurement.
type search struct {
	s    *session
	r    *row
	lane *lane
}

func measureCapacity(s *session, r *row) error {
	r.Params.Rate = 0
	s.patience = patience{still: time.Second, all: stepPatience}
	c := &search{s: s, r: r}
	good, bad, err := c.ascend()
	if err != nil {
		return err
	}
	if good == 0 {
		r.void("not even one message per second was delivered whole and in time")
		return nil
	}
	for range bisections {
		middle := math.Sqrt(good * bad)
		passed, err := c.try(middle, stepLength)
		switch {
		case err != nil:
			return err
		case passed:
			good = middle
		default:
			bad = middle
		}
	}
	return c.confirm(good)
}

// ascend doubles the rate until it fails, and returns the last that passed and the one that failed. Where the
// first step already fails, it descends instead; good is 0 if nothing passes.
func (c *search) ascend() (good, bad float64, err error) {
	unclear := 0
	for rate := c.s.opt.Rate; rate <= maxRate && unclear < patienceUnclear; rate *= 2 {
		passed, err := c.try(rate, stepLength)
		if err != nil {
			return 0, 0, err
		}
		if passed {
			good, unclear = rate, 0
			continue
		}
		bad = rate
		if !c.clientFailed() {
			unclear = 0
			break
		}
		// It was bench that failed, which on a busy host may be chance: the next step will tell.
		unclear++
	}
	if unclear > 0 && good > 0 {
		c.r.Notes = append(c.r.Notes, "above "+show(good, "1/s")+" it was the client that failed: the capacity found is a lower bound")
	}
	if good > 0 {
		return good, max(bad, good*math.Sqrt2), nil
	}
	for rate := c.s.opt.Rate / 2; rate >= 1; rate /= 2 {
		passed, err := c.try(rate, stepLength)
		if passed || err != nil {
			return rate, 2 * rate, err
		}
	}
	return 0, 0, nil
}

// confirm repeats the best rate for longer, and gives way a tenth at a time.
func (c *search) confirm(rate float64) error {
	for range 8 {
		passed, err := c.try(rate, c.s.opt.Duration)
		if err != nil {
			return err
		}
		if passed {
			last := c.r.Steps[len(c.r.Steps)-1]
			c.r.add("capacity_rate", rate, "1/s", "higher")
			c.r.add("capacity_deliveries", last.Deliveries, "1/s", "higher")
			return nil
		}
		rate *= 0.9
	}
	c.r.void("no rate near the border held for " + c.s.opt.Duration.String())
	return nil
}

// try measures a step, and once more if it was the client that failed: on a busy host that may be chance.
func (c *search) try(rate float64, length time.Duration) (bool, error) {
	passed, err := c.measure(rate, length)
	if err != nil || passed || !c.clientFailed() {
		return passed, err
	}
	return c.measure(rate, length)
}

// clientFailed reports whether the last step failed for a reason on bench's side.
func (c *search) clientFailed() bool {
	return strings.HasPrefix(c.r.Steps[len(c.r.Steps)-1].Why, "client saturated")
}

// measure runs one step. A step that left the server behind is given fresh connections afterwards.
func (c *search) measure(rate float64, length time.Duration) (bool, error) {
	s := c.s
	if c.lane == nil {
		l, err := s.members(s.opt.Conns, 1, math.MaxInt32)
		if err != nil {
			return false, err
		}
		l.discard = true
		c.lane = l
	}
	l := c.lane
	l.rate = rate
	u, err := s.measure(pass{what: fmt.Sprintf("%.0f messages/s", rate), warmup: s.opt.Warmup, length: length, lanes: []*lane{l}})
	if err != nil {
		return false, err
	}
	// The row holds the last step that passed.
	trial := row{}
	trial.take(s, l, u)
	st := step{Rate: rate, Deliveries: l.measured() / u.seconds, Reach: l.got.reach.Share, Client: u.clients.Busiest, Why: trial.Void}
	if trial.Latency != nil {
		st.P99 = trial.Latency.P99
	}
	if trial.Server != nil {
		st.Cores = trial.Server.Cores
	}
	if st.Why == "" && st.P99 > capacityBound {
		st.Why = fmt.Sprintf("p99 %.0f ms", st.P99/1e3)
	}
	st.Passed = st.Why == ""
	c.r.Steps = append(c.r.Steps, st)
	if st.Passed {
		c.keep(trial)
		return true, nil
	}
	for _, g := range append([]*group(nil), s.groups...) {
		g.quit()
	}
	s.groups, c.lane = nil, nil
	return false, nil
}

// keep makes a passed step the row's own.
func (c *search) keep(t row) {
	c.r.Reach, c.r.Latency, c.r.Timeline = t.Reach, t.Latency, t.Timeline
	c.r.Server, c.r.Clients, c.r.Figures = t.Server, t.Clients, t.Figures
}

package main

import (
	"errors"
	"fmt"
	"net/url"
	"strings"
	"time"
)

// options are the flags of a scenario. Zero means: the scenario's own default.
type options struct {
	Target   string        `help:"What to measure: rookery, a peer's name (see 'bench help'), or a ws:// or wss:// URL; {{room}} in it is replaced." default:"rookery"`
	Conns    int           `help:"Connections."`
	Rooms    int           `help:"Rooms they are spread over."`
	Rate     float64       `help:"Messages per second, over all rooms (connections per second for churn)."`
	Payload  int           `help:"Bytes per message."`
	Duration time.Duration `help:"Length of a measurement, without warm-up."`
	Warmup   time.Duration `help:"Length of the warm-up before it."`
	Nodes    int           `help:"Server processes (rookery only), on one shared port." default:"1"`
	Message  string        `help:"Template of a message; needs {{marker}}, may have {{pad}} and {{room}}."`
	Runs     int           `help:"Repetitions; figures become medians with minimum and maximum." default:"1"`
	Against  []string      `help:"Peers to measure in turn with the target: A B A B."`
	PID      int           `help:"Process of a URL target whose CPU and memory to read (found by itself on this host)."`
	Binary   string        `help:"The rookery binary to measure, such as an older build; bin/rookery by default." placeholder:"FILE"`
	Flags    []string      `name:"server-flag" help:"Extra flag for the rookery process, such as --server-flag=--loops=2."`
	Env      []string      `name:"server-env" help:"Variable of the rookery process's environment, such as --server-env=GOMAXPROCS=2." sep:"none"`
	Under    string        `name:"server-under" help:"Command line that starts the rookery process and becomes it, such as 'taskset -c 0'." placeholder:"COMMAND"`
	JSON     string        `help:"Write the results here." placeholder:"FILE"`
	HTML     string        `help:"Write the report here." placeholder:"FILE"`
	Wait     bool          `help:"If another bench is running, wait for it instead of giving up."`
	Quiet    bool          `help:"No progress line."`
}

// usageError is a mistake in the command line: exit code 2.
type usageError struct{ error }

func (e usageError) Unwrap() error { return e.error }

func usagef(format string, args ...any) error { return usageError{fmt.Errorf(format, args...)} }

const (
	maxConns = 4_000_000 // 128 loopback addresses' worth of ports is far beyond any one machine's memory
	maxRate  = 10_000_000
)

// check refuses what no run could mean. Whether this host can hold it is another question: hostlimits.go.
func (o *options) check() error {
	for _, c := range []struct {
		bad  bool
		text string
	}{
		{o.Conns < 0 || o.Conns > maxConns, fmt.Sprintf("--conns %d: want 1 to %d", o.Conns, maxConns)},
		{o.Rooms < 0 || o.Rooms > maxStreams, fmt.Sprintf("--rooms %d: want 1 to %d", o.Rooms, maxStreams)},
		{o.Conns > 0 && o.Rooms > o.Conns, fmt.Sprintf("--rooms %d: more rooms than connections (%d)", o.Rooms, o.Conns)},
		{!(o.Rate >= 0 && o.Rate <= maxRate), fmt.Sprintf("--rate %g: want up to %d messages per second", o.Rate, maxRate)},
		{o.Payload < 0 || o.Payload > 16<<20, fmt.Sprintf("--payload %d: want up to %d bytes", o.Payload, 16<<20)},
		{o.Duration < 0 || o.Duration > time.Hour, fmt.Sprintf("--duration %v: want up to an hour", o.Duration)},
		{o.Warmup < 0 || o.Warmup > time.Hour, fmt.Sprintf("--warmup %v: want up to an hour", o.Warmup)},
		{o.Nodes < 1 || o.Nodes > 1000, fmt.Sprintf("--nodes %d: want 1 to 1000", o.Nodes)},
		{o.Runs < 1 || o.Runs > 1000, fmt.Sprintf("--runs %d: want 1 to 1000", o.Runs)},
		{o.Nodes > 1 && o.Target != "rookery", "--nodes: only for the target rookery"},
	} {
		if c.bad {
			return usageError{errors.New(c.text)}
		}
	}
	if o.Message != "" || o.Payload > 0 {
		if _, err := newMessage(orString(o.Message, defaultTemplate), o.Payload); err != nil {
			return usageError{err}
		}
	}
	if strings.Contains(o.Target, "://") {
		u, err := url.Parse(strings.ReplaceAll(o.Target, roomField, "r"))
		if err != nil || u.Host == "" || u.Scheme != "ws" && u.Scheme != "wss" {
			return usagef("--target %s: want ws://host:port/path or wss://...", o.Target)
		}
	}
	return nil
}

// fill returns the options with a scenario's defaults in the places left empty.
func (o options) fill(d options) options {
	o.Conns = orInt(o.Conns, d.Conns)
	o.Rooms = orInt(o.Rooms, max(d.Rooms, 1))
	o.Payload = orInt(o.Payload, d.Payload)
	o.Message = orString(o.Message, orString(d.Message, defaultTemplate))
	if o.Rate == 0 {
		o.Rate = d.Rate
	}
	if o.Duration == 0 {
		o.Duration = d.Duration
	}
	if o.Warmup == 0 {
		o.Warmup = d.Warmup
	}
	return o
}

func orInt(v, d int) int {
	if v == 0 {
		return d
	}
	return v
}

func orString(v, d string) string {
	if v == "" {
		return d
	}
	return v
}

package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/alecthomas/kong"
)

// commandLine is what bench understands besides the scenarios, which are added from their table.
type commandLine struct {
	All     allCommand     `cmd:"" help:"A short run of everything against rookery, in under three minutes."`
	Peers   peersCommand   `cmd:"" help:"Rookery and every peer in turn: the broadcast and the capacity table."`
	Limits  limitsCommand  `cmd:"" help:"What Rookery is to reach, goal by goal, against peers in turn: met or missed."`
	Choices choicesCommand `cmd:"" help:"Ways to build and run rookery, in turn: loops, processors, build tags."`
	Compare compareCommand `cmd:"" help:"What changed between two result files."`
	Help    helpCommand    `cmd:"" help:"The scenarios and how each is measured; targets; the message template."`
}

// outcome is what a command leaves behind besides its error.
type outcome struct{ code int }

// reportFlags are what every command that runs several scenarios takes.
type reportFlags struct {
	JSON  string `help:"Write the results here." placeholder:"FILE"`
	HTML  string `help:"Write the report here." placeholder:"FILE"`
	Wait  bool   `help:"If another bench is running, wait for it."`
	Quiet bool   `help:"No progress line."`
}

func (f reportFlags) plan(name, title string) plan {
	return plan{title: title, name: name, json: f.JSON, html: f.HTML, wait: f.Wait, quiet: f.Quiet}
}

type allCommand struct {
	Target string        `help:"What to measure." default:"rookery"`
	Budget time.Duration `help:"Begin nothing new after this long." default:"150s"`
	reportFlags
}

// allScenarios are in the order in which somebody would want to know, should the time run out.
var allScenarios = []string{
	"broadcast", "idle", "connect", "echo", "isolation", "capacity", "rooms", "slow", "churn", "compress", "resume", "tls",
}

func (c allCommand) Run(ctx context.Context, o *outcome) error {
	p := c.plan("all", "Rookery, a short run of everything")
	p.budget = c.Budget
	if c.Target != "rookery" {
		p.title = c.Target + ", a short run of everything"
	}
	for _, name := range allScenarios {
		sc := findScenario(name)
		opt := sc.quick.fill(sc.defaults)
		opt.Target, opt.Nodes, opt.Runs = c.Target, 1, 1
		if err := opt.check(); err != nil {
			return err
		}
		p.jobs = append(p.jobs, job{sc: sc, opt: opt, run: 1})
	}
	code, err := p.execute(ctx)
	o.code = code
	return err
}

type peersCommand struct {
	Runs      int           `help:"Repetitions; figures are medians with minimum and maximum." default:"3"`
	Scenarios []string      `help:"Scenarios to run." default:"broadcast,capacity"`
	Targets   []string      `help:"Only these (rookery and peers' names); all by default."`
	Conns     int           `help:"Connections, instead of each scenario's own number."`
	Duration  time.Duration `help:"Length of a measurement, instead of each scenario's own."`
	reportFlags
}

func (c peersCommand) Run(ctx context.Context, o *outcome) error {
	targets := c.Targets
	if len(targets) == 0 {
		targets = []string{"rookery"}
		all, err := readPeers()
		if err != nil {
			return err
		}
		for _, p := range all {
			targets = append(targets, p.Name)
		}
	}
	var scs []*scenario
	for _, name := range c.Scenarios {
		sc := findScenario(name)
		if sc == nil {
			return usagef("no scenario %q: see 'bench help'", name)
		}
		scs = append(scs, sc)
	}
	base := options{Conns: c.Conns, Duration: c.Duration, Runs: c.Runs, Nodes: 1, Target: "rookery"}
	if err := base.check(); err != nil {
		return err
	}
	p := c.plan("peers", "Rookery and its peers, in turn")
	p.jobs = alternate(scs, targets, c.Runs, func(*scenario) options { return base })
	code, err := p.execute(ctx)
	o.code = code
	return err
}

type compareCommand struct {
	A string `arg:"" help:"Result file."`
	B string `arg:"" help:"Result file."`
}

func (c compareCommand) Run(*outcome) error {
	a, err := readDocument(c.A)
	if err != nil {
		return err
	}
	b, err := readDocument(c.B)
	if err != nil {
		return err
	}
	return compareDocuments(os.Stdout, a, b)
}

// scenarioCommand is the command of one scenario.
type scenarioCommand struct {
	options
	sc *scenario
}

func (c *scenarioCommand) Run(ctx context.Context, o *outcome) error {
	if err := c.check(); err != nil {
		return err
	}
	targets := append([]string{c.Target}, c.Against...)
	p := plan{
		title: c.sc.name + ": " + strings.Join(targets, ", "), name: c.sc.name, json: c.JSON, html: c.HTML, wait: c.Wait, quiet: c.Quiet,
		jobs: alternate([]*scenario{c.sc}, targets, c.Runs, func(*scenario) options { return c.options }),
	}
	code, err := p.execute(ctx)
	o.code = code
	return err
}

type helpCommand struct{}

func (helpCommand) Run(*outcome) error {
	writeHelp(os.Stdout)
	return nil
}

// writeHelp prints what 'bench help' says.
func writeHelp(w io.Writer) {
	fmt.Fprint(w, "bench measures how long a message takes to reach everyone.\n\n"+
		"  bench SCENARIO [--target rookery|PEER|URL] [--conns N] [--rate R] ...   (bench SCENARIO --help)\n"+
		"  bench all                    a short run of everything\n"+
		"  bench peers                  rookery and every peer, in turn\n"+
		"  bench limits                 what rookery is to reach, goal by goal: met or missed\n"+
		"  bench choices                ways to build and run rookery, in turn\n"+
		"  bench compare A.json B.json  what changed\n\nScenarios:\n")
	for _, sc := range scenarios {
		fmt.Fprintf(w, "\n  %-10s %s\n", sc.name, sc.what)
		for _, line := range wrap(sc.method, 96) {
			fmt.Fprintf(w, "             %s\n", line)
		}
	}
	fmt.Fprint(w, "\nTargets: rookery (bin/rookery, built if absent)")
	if peers, err := readPeers(); err == nil {
		for _, p := range peers {
			fmt.Fprintf(w, ", %s", p.Name)
		}
	}
	fmt.Fprintf(w, "; or ws://host:port/path?room=%s.\nAny server that echoes or broadcasts can be measured: the message is %s\nby default; "+
		"--message gives another, which needs %s and may have %s (filling up to --payload) and %s.\n",
		roomField, defaultTemplate, markerField, padField, roomField)
}

// wrap breaks text into lines of at most n bytes, at spaces.
func wrap(text string, n int) []string {
	var lines []string
	line := ""
	for _, word := range strings.Fields(text) {
		if line != "" && len(line)+1+len(word) > n {
			lines = append(lines, line)
			line = ""
		}
		if line != "" {
			line += " "
		}
		line += word
	}
	return append(lines, line)
}

// execute parses the command line, carries it out and returns the exit code.
func execute(ctx context.Context, args []string, stderr io.Writer) int {
	var cli commandLine
	var o outcome
	settings := []kong.Option{
		kong.Name("bench"), kong.Description("Measures how long a message takes to reach everyone. 'bench help' explains the scenarios."),
		kong.Bind(&o), kong.BindTo(ctx, (*context.Context)(nil)), kong.ConfigureHelp(kong.HelpOptions{Compact: true}),
		kong.Vars{"goals": goalNames(), "variants": variantNames()},
	}
	for _, sc := range scenarios {
		settings = append(settings, kong.DynamicCommand(sc.name, sc.what, "Scenarios", &scenarioCommand{sc: sc}))
	}
	parser, err := kong.New(&cli, settings...)
	if err != nil {
		fmt.Fprintln(stderr, "bench:", err)
		return exitUsage
	}
	kctx, err := parser.Parse(args)
	if err != nil {
		fmt.Fprintln(stderr, "bench:", err)
		return exitUsage
	}
	if err := kctx.Run(); err != nil {
		fmt.Fprintln(stderr, "bench:", err)
		return max(o.code, exitFor(err))
	}
	return o.code
}

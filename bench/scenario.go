package main

import (
	"context"
	"errors"
	"fmt"
	"math"
	"sort"
	"strings"
)

// scenario is one way to look at a server. Each lives in a file of its own, whose doc comment is its method.
type scenario struct {
	name     string
	what     string  // one line
	method   string  // how it is measured, for 'bench help' and the report
	defaults options // what is not given on the command line
	quick    options // what 'bench all' uses instead, so that all of it ends within three minutes
	needs    targetNeeds
	columns  []string // figures that belong into the terminal table
	measure  func(s *session, r *row) error
	alone    func(ctx context.Context, opt options, r *row, ui *ui) error // instead of measure where there is no server
}

// scenarios lists all of them, in the order of 'bench help' and of 'bench all'.
var scenarios = []*scenario{
	&idleScenario, &broadcastScenario, &capacityScenario, &roomsScenario, &isolationScenario, &slowScenario,
	&streamsScenario, &churnScenario, &leaveScenario, &connectScenario, &echoScenario, &compressScenario, &tlsScenario, &resumeScenario,
	&drainScenario, &millionScenario,
}

func findScenario(name string) *scenario {
	for _, sc := range scenarios {
		if sc.name == name {
			return sc
		}
	}
	return nil
}

// reported is findScenario for the rows of a report, which may be of the one that has no server to point at.
func reported(name string) *scenario {
	if name == garbageScenario.name {
		return &garbageScenario
	}
	return findScenario(name)
}

// runRow measures one row. What went wrong is in the row as well as in the error, so that a partial report
// still says it.
func runRow(ctx context.Context, sc *scenario, opt options, n int, ui *ui) (row, error) {
	asked := opt.Conns > 0
	opt = opt.fill(sc.defaults)
	r := row{Scenario: sc.name, Target: opt.Target, Run: n, Params: params{
		Conns: opt.Conns, Rooms: opt.Rooms, Rate: opt.Rate, Payload: opt.Payload, Seconds: opt.Duration.Seconds(),
	}}
	ui.row("%s %s", sc.name, opt.Target)
	defer ui.end()
	var err error
	if sc.alone != nil {
		err = sc.alone(ctx, opt, &r, ui)
	} else {
		err = runServer(ctx, sc, opt, asked, &r, ui)
	}
	if err != nil {
		r.Failed = err.Error()
		var missing missingError
		if errors.As(err, &missing) {
			return r, err
		}
		return r, fmt.Errorf("%s %s: %w", sc.name, opt.Target, err)
	}
	return r, nil
}

// runServer measures a row whose scenario has a server to point at.
func runServer(ctx context.Context, sc *scenario, opt options, asked bool, r *row, ui *ui) error {
	note, err := fitHost(&opt, sc.needs, asked)
	r.Params.Conns, r.Params.Nodes = opt.Conns, opt.Nodes
	if note != "" {
		r.Notes = append(r.Notes, note)
		ui.say("%s", note)
	}
	if err != nil {
		return notStarted{err}
	}
	return runSession(ctx, sc, opt, sc.needs, r, ui)
}

// notStarted is the error of a row that ended before anything could be measured.
type notStarted struct{ error }

func (e notStarted) Unwrap() error { return e.error }

func runSession(ctx context.Context, sc *scenario, opt options, needs targetNeeds, r *row, ui *ui) error {
	s, err := newSession(ctx, opt, needs, ui)
	if err != nil {
		return notStarted{err}
	}
	defer s.close()
	r.Library = s.target.library
	err = s.check(sc.measure(s, r))
	r.Notes = append(r.Notes, s.notes...)
	return err
}

// fitHost looks whether this host holds what is about to be opened, before anything is started. Connections
// somebody asked for are refused with the first limit in the way; a scenario's own default shrinks to what
// fits, and the note says so.
func fitHost(opt *options, needs targetNeeds, asked bool) (note string, err error) {
	h := readHostFacts()
	if needs.spread && opt.Nodes <= 1 {
		opt.Nodes = h.nodesFor(opt.Conns)
	}
	d := demand{conns: opt.Conns, nodes: opt.Nodes, loopback: true}
	if strings.Contains(opt.Target, "://") {
		d.nodes = 0
		d.loopback = strings.Contains(opt.Target, "://127.") || strings.Contains(opt.Target, "://localhost")
	}
	err = h.fits(d)
	if err == nil || asked {
		return "", err
	}
	first := h.limits(d)[0]
	if first.conns < 100 {
		return "", err
	}
	note = fmt.Sprintf("scaled from %d to %d connections: the first limit is %s", opt.Conns, first.conns, first.what)
	opt.Conns = int(first.conns)
	if needs.spread {
		opt.Nodes = h.nodesFor(opt.Conns)
	}
	return note, nil
}

// parseBudget is how many deliveries per second the clients look into and time; beyond it they take a sample
// of the connections and count the others. fewestParsed connections are looked into in any case.
const (
	parseBudget  = 2_000
	fewestParsed = 100
)

// sampleEvery returns every how manieth connection is to be parsed at a rate of deliveries per second.
func sampleEvery(conns int, deliveries float64) int {
	return max(min(int(math.Ceil(deliveries/parseBudget)), conns/fewestParsed), 1)
}

// members opens conns connections in rooms rooms, one of each room being its sender. Senders have a process
// of their own, so that a burst of deliveries does not delay the next message.
func (s *session) members(conns, rooms int, rate float64) (*lane, error) {
	perMember := rate / float64(rooms)
	senders := s.plan(rooms, 0, rooms)
	receivers := s.plan(conns-rooms, rooms, rooms)
	receivers.Every = sampleEvery(conns, perMember*float64(conns))
	receivers.Sweep = slowestSweep
	if receivers.Count < 1 {
		return nil, usagef("%d connections in %d rooms: every room needs a sender and a receiver", conns, rooms)
	}
	g1, err := s.connect("members", receivers)
	if err != nil {
		return nil, err
	}
	g2, err := s.connect("senders", senders)
	if err != nil {
		return nil, err
	}
	return &lane{groups: []*group{g1, g2}, rate: rate, streams: rooms, template: s.opt.Message, payload: s.opt.Payload}, nil
}

// take fills a row from a lane and what the run used, and judges it.
func (r *row) take(s *session, l *lane, u usage) {
	r.Reach = &l.got.reach
	r.Latency = distributionOf(l.got.latency)
	r.Timeline = momentsOf(l.got.timeline)
	for why, n := range l.got.ends {
		if r.Errors == nil {
			r.Errors = map[string]int{}
		}
		r.Errors["connection ended: "+why] += n
	}
	r.use(s, u)
	if n := l.measured(); n > 0 && len(u.servers) > 0 {
		r.add("cpu_per_delivery", u.settled.total()/n*1e6, "us", "lower")
	}
	r.add("deliveries_per_s", l.measured()/u.seconds, "1/s", "")
	if n := min(len(l.got.samples), 3); n > 0 {
		r.Notes = append(r.Notes, l.got.samples[:n]...)
	}
	r.judge(r.Reach, r.Latency, s.crowded)
}

// use fills in who used how much CPU.
func (r *row) use(s *session, u usage) {
	c := u.clients
	r.Clients = &c
	r.Others = max(u.others, 0)
	if limit := disturbance * float64(s.host.Cores); u.others > limit {
		r.Notes = append(r.Notes, fmt.Sprintf(disturbedNote+"other processes of this host used %.2f of its %d cores meanwhile", u.others, s.host.Cores))
	}
	if len(u.servers) == 0 {
		return
	}
	r.Server = &processes{
		Count: len(u.servers), User: u.server.User, System: u.server.System, Cores: u.server.total() / u.seconds, RSS: u.rss,
	}
	for _, cores := range u.servers {
		r.Server.Busiest = max(r.Server.Busiest, cores)
	}
}

const (
	disturbance = 0.15 // of the host's cores, used by others
	saturated   = 0.95 // of a core: a client is one thread, and has no more
	allowedLag  = 10e3 // microseconds a client may notice things late, in any case
	allowedPart = 0.5  // or as a part of the p99 it reports
)

const (
	disturbedNote = "disturbed: "      // begins the note of a row during which others used the host as well
	clientLimit   = "client saturated" // begins the reason of a row that is void because of bench itself
)

// judge voids a row that must not be quoted. On a host that is crowded by design lag is no verdict.
func (r *row) judge(got *reach, d *distribution, crowded bool) {
	switch {
	case got.Expected == 0:
		r.void("nothing was to be delivered: the run was too short for its rate")
	case got.Unsent > 0:
		r.void(fmt.Sprintf("the target did not take %d of the messages due", got.Unsent))
	case got.Delivered < got.Expected:
		r.void(fmt.Sprintf("reach %s: %d of %d deliveries missing", showReach(got.Share), got.Expected-got.Delivered, got.Expected))
	case got.Duplicates > 0 || got.Gaps > 0:
		r.void(fmt.Sprintf("order: %d gaps, %d duplicates", got.Gaps, got.Duplicates))
	case got.Misrouted > 0:
		r.void(fmt.Sprintf("%d messages of another room", got.Misrouted))
	case got.Surplus > 0:
		r.void(fmt.Sprintf("%d more messages than were published", got.Surplus))
	}
	if c := r.Clients; c != nil {
		if c.Busiest >= saturated {
			r.void(fmt.Sprintf(clientLimit+": its busiest process used %.2f of a core", c.Busiest))
		}
		limit := float64(allowedLag)
		if d != nil {
			limit = max(limit, allowedPart*d.P99)
		}
		if c.LagP99 > limit && !crowded {
			r.void(fmt.Sprintf(clientLimit+": it noticed its own timers %.1f ms late (p99)", c.LagP99/1e3))
		}
	}
}

// countWords renders a map of counts, largest first.
func countWords(m map[string]int) string {
	var words []string
	for w := range m {
		words = append(words, w)
	}
	sort.Slice(words, func(i, j int) bool {
		return m[words[i]] > m[words[j]] || m[words[i]] == m[words[j]] && words[i] < words[j]
	})
	for i, w := range words {
		words[i] = fmt.Sprintf("%s (%d)", w, m[w])
	}
	if len(words) == 0 {
		return "no reason given"
	}
	return strings.Join(words, ", ")
}

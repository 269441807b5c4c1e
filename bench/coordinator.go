package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"sync/atomic"
	"time"
)

// clientProc is a client process as the coordinator sees it.
type clientProc struct {
	*child
	stdin   io.WriteCloser
	replies chan answer // connected, tally, closed and errors, in the order they came
	latest  atomic.Pointer[progress]
	first   int // connections it was last told to open
	count   int
}

// startClient runs this very program as a client.
func startClient(name string) (*clientProc, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, fmt.Errorf("find own program: %w", err)
	}
	p := &clientProc{replies: make(chan answer, 8)}
	var stdout io.ReadCloser
	p.child, err = spawn("client "+name, "", []string{self, clientCommand}, func(cmd *exec.Cmd) error {
		var err error
		if p.stdin, err = cmd.StdinPipe(); err != nil {
			return err
		}
		stdout, err = cmd.StdoutPipe()
		return err
	})
	if err != nil {
		return nil, err
	}
	p.latest.Store(&progress{})
	go func() {
		p.listen(stdout)
		p.reap()
	}()
	return p, nil
}

// listen sorts a client's answers until its end.
func (p *clientProc) listen(stdout io.Reader) {
	defer close(p.replies)
	dec := json.NewDecoder(bufio.NewReaderSize(stdout, 64<<10))
	for {
		var a answer
		if dec.Decode(&a) != nil {
			return
		}
		if a.Progress != nil {
			p.latest.Store(a.Progress)
			continue
		}
		p.replies <- a
	}
}

func (p *clientProc) order(o order) error {
	b, err := json.Marshal(o)
	if err != nil {
		return err
	}
	if _, err := p.stdin.Write(append(b, '\n')); err != nil {
		return p.failure()
	}
	return nil
}

// reply waits for the client's next answer.
func (p *clientProc) reply(ctx context.Context) (answer, error) {
	select {
	case a, ok := <-p.replies:
		if !ok {
			return a, p.failure()
		}
		if a.Error != "" {
			return a, errors.New(p.name + ": " + a.Error)
		}
		return a, nil
	case <-ctx.Done():
		return answer{}, context.Cause(ctx)
	}
}

// failure is why a client is gone.
func (p *clientProc) failure() error {
	<-p.gone
	return p.epitaph()
}

// quit ends the client: it stops at the end of its input.
func (p *clientProc) quit() {
	_ = p.stdin.Close()
	select {
	case <-p.gone:
	case <-time.After(2 * time.Second):
		p.stop(time.Second)
	}
}

// group is a set of client processes that share one task, such as all receivers.
type group struct {
	name    string
	plan    connectOrder // for all of them together
	clients []*clientProc
	opened  connectedGroup
}

// connectedGroup is how the connecting of a whole group went.
type connectedGroup struct {
	open, deflated int
	seconds        float64
	handshake      latencies
	errors         map[string]int
	nodes          int
}

// startGroup starts enough processes for the plan's connections, at most perProcess on each.
func startGroup(name string, plan connectOrder, perProcess int) (*group, error) {
	g := &group{name: name, plan: plan}
	n := max((plan.Count+perProcess-1)/perProcess, 1)
	first := plan.First
	for k := range n {
		p, err := startClient(fmt.Sprintf("%s/%d", name, k+1))
		if err != nil {
			g.quit()
			return nil, err
		}
		p.first, p.count = first, plan.Count*(k+1)/n-plan.Count*k/n
		first += p.count
		g.clients = append(g.clients, p)
	}
	return g, nil
}

// beginConnect tells every process to connect its share.
func (g *group) beginConnect(sources func(count int) ([]string, int)) error {
	for _, p := range g.clients {
		o := g.plan
		o.First, o.Count = p.first, p.count
		if g.plan.Rate > 0 {
			o.Rate = g.plan.Rate / float64(len(g.clients))
		}
		o.Sources, o.Port = sources(p.count)
		if err := p.order(order{Connect: &o}); err != nil {
			return err
		}
	}
	return nil
}

// awaitConnect collects the processes' answers.
func (g *group) awaitConnect(ctx context.Context) error {
	r := connectedGroup{handshake: newLatencies(fine), errors: map[string]int{}}
	for _, p := range g.clients {
		a, err := p.reply(ctx)
		if err != nil {
			return err
		}
		if a.Connected == nil {
			return fmt.Errorf("%s: unexpected answer to connect", p.name)
		}
		h, err := decodeLatencies(a.Connected.Handshake)
		if err != nil {
			return err
		}
		r.handshake.merge(h)
		r.open += a.Connected.Open
		r.deflated += a.Connected.Deflated
		r.nodes += len(a.Connected.Nodes)
		r.seconds = max(r.seconds, float64(a.Connected.Nanos)/1e9)
		for k, n := range a.Connected.Errors {
			r.errors[k] += n
		}
	}
	g.opened = r
	return nil
}

// all gives every process of the group the same order.
func (g *group) all(o order) error {
	for _, p := range g.clients {
		if err := p.order(o); err != nil {
			return err
		}
	}
	return nil
}

// close asks every process for closing handshakes, and says how many completed.
func (g *group) close(ctx context.Context) (closed, error) {
	var sum closed
	if err := g.all(order{Close: true}); err != nil {
		return sum, err
	}
	for _, p := range g.clients {
		a, err := p.reply(ctx)
		if err != nil {
			return sum, err
		}
		if a.Closed != nil {
			sum.Clean += a.Closed.Clean
			sum.Other += a.Closed.Other
			sum.Nanos = max(sum.Nanos, a.Closed.Nanos)
		}
	}
	return sum, nil
}

func (g *group) quit() {
	for _, p := range g.clients {
		_ = p.stdin.Close()
	}
	for _, p := range g.clients {
		p.quit()
	}
}

// seen sums up the latest progress of all processes.
func (g *group) seen() progress {
	var s progress
	for _, p := range g.clients {
		l := p.latest.Load()
		s.Open += l.Open
		s.Failed += l.Failed
		s.Delivered += l.Delivered
		s.Sent += l.Sent
		s.Back += l.Back
	}
	return s
}

package main_test

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"rookery/server/internal/certtest"
)

// node is one process of Node with many clients in it.
type node struct {
	in      io.Writer
	mu      sync.Mutex
	clients map[int]*nodePeer
}

// nodePeer is a client of Node's ws. Its channels are closed when it is.
type nodePeer struct {
	n        *node
	id       int
	opened   chan string // what was agreed on
	messages chan []byte
	pongs    chan string
	failed   chan string
}

func startNode(t *testing.T) *node {
	t.Helper()
	path := needed(t, "node")
	needed(t, "npm")
	const setup = "../../../web/test/setup"
	if out, err := exec.Command(setup).CombinedOutput(); err != nil {
		t.Fatalf("%s: %v\n%s", setup, err, out)
	}
	authority := filepath.Join(t.TempDir(), "ca.pem")
	certtest.Replace(t, authority, certtest.Authority())
	cmd := exec.Command(path, "testdata/deflate.mjs")
	cmd.Env = append(cmd.Environ(), "NODE_EXTRA_CA_CERTS="+authority)
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	n := &node{in: in, clients: map[int]*nodePeer{}}
	read := make(chan error, 1)
	go func() { read <- n.read(out) }()
	t.Cleanup(func() {
		_ = in.Close()
		if err := <-read; err != nil {
			t.Error(err)
		}
		if err := cmd.Wait(); err != nil {
			t.Error(err)
		}
	})
	return n
}

// read hands on what the process says, until it ends.
func (n *node) read(out io.Reader) error {
	for events := json.NewDecoder(out); ; {
		var id int
		var event, text string
		if err := events.Decode(&[]any{&id, &event, &text}); err != nil {
			if err == io.EOF {
				err = nil
			}
			return err
		}
		n.mu.Lock()
		p := n.clients[id]
		n.mu.Unlock()
		switch event {
		case "open":
			p.opened <- text
		case "message":
			p.messages <- []byte(text)
		case "pong":
			p.pongs <- text
		case "error":
			p.failed <- text
		case "close":
			close(p.opened)
			close(p.messages)
			close(p.pongs)
			close(p.failed)
		}
	}
}

func (n *node) order(t *testing.T, order ...any) {
	t.Helper()
	b, err := json.Marshal(order)
	if err == nil {
		_, err = n.in.Write(append(b, '\n'))
	}
	if err != nil {
		t.Fatal(err)
	}
}

func (n *node) open(t *testing.T, url string, options map[string]any) *nodePeer {
	t.Helper()
	p := &nodePeer{n: n, opened: make(chan string, 1), messages: make(chan []byte, 100), pongs: make(chan string, 10), failed: make(chan string, 10)}
	n.mu.Lock()
	p.id = len(n.clients)
	n.clients[p.id] = p
	n.mu.Unlock()
	n.order(t, p.id, "open", url, options)
	return p
}

func (n *node) dial(t *testing.T, url string, options map[string]any) (p *nodePeer, agreed string) {
	t.Helper()
	p = n.open(t, url, options)
	return p, receive(t, p.opened)
}

func (p *nodePeer) say(t *testing.T, text string) { t.Helper(); p.n.order(t, p.id, "say", text) }

func (p *nodePeer) fragments(t *testing.T, parts ...string) {
	t.Helper()
	p.n.order(t, p.id, "fragments", strings.Join(parts, ""), len(parts))
	for range parts[1:] {
		receive(t, p.pongs)
	}
}

func (p *nodePeer) ping(t *testing.T) {
	t.Helper()
	p.n.order(t, p.id, "ping", "node")
	if got := receive(t, p.pongs); got != "node" {
		t.Fatalf("pong %q", got)
	}
}

func (p *nodePeer) next(t *testing.T) []byte { t.Helper(); return receive(t, p.messages) }

func (p *nodePeer) goodbye(t *testing.T) {
	t.Helper()
	p.n.order(t, p.id, "close")
	ended(t, p.messages)
	for reason := range p.failed {
		t.Errorf("ws: %s", reason)
	}
}

// combinations are all settings of ws by which it can be made to offer something. A value of nil leaves the setting out.
func (n *node) combinations() []combination {
	server := []any{nil, true, 8, 9, 10, 11, 12, 13, 14, 15}
	client := []any{nil, false, true, 8, 9, 10, 11, 12, 13, 14, 15}
	all := []combination{
		n.combination("perMessageDeflate=false", false, nil),
		n.combination("perMessageDeflate=true", true, []string{"client_max_window_bits"}),
	}
	all[1].packs = atLeast(1024) // its default, without context takeover
	for _, s := range []any{nil, true} {
		for _, c := range []any{nil, false, true} {
			for _, serverBits := range server {
				for _, clientBits := range client {
					all = append(all, n.settings(s, c, serverBits, clientBits))
				}
			}
		}
	}
	return all
}

// combination is ws with a value of perMessageDeflate, which makes it send this offer unless it is false.
func (n *node) combination(name string, deflate any, offer []string) combination {
	options := map[string]any{"perMessageDeflate": deflate}
	c := combination{name: "ws " + name, packs: always, splits: true, interleaves: true}
	if deflate != false {
		c = c.offers(offer...)
	}
	c.dial = func(t *testing.T, url string) (peer, string) {
		t.Helper()
		return n.dial(t, url, options)
	}
	return c
}

// settings is ws with these options and a threshold of 0, which makes it compress everything.
func (n *node) settings(server, client, serverBits, clientBits any) combination {
	options := map[string]any{"threshold": 0}
	var offer []string
	set := func(option, parameter string, value any) {
		if value != nil {
			options[option] = value
		}
		switch value := value.(type) {
		case bool:
			if value {
				offer = append(offer, parameter)
			}
		case int:
			offer = append(offer, fmt.Sprint(parameter, "=", value))
		}
	}
	set("serverNoContextTakeover", "server_no_context_takeover", server)
	set("clientNoContextTakeover", "client_no_context_takeover", client)
	set("serverMaxWindowBits", "server_max_window_bits", serverBits)
	set("clientMaxWindowBits", "client_max_window_bits", clientBits)
	if clientBits == nil {
		offer = append(offer, "client_max_window_bits") // its default
	}
	c := n.combination(fmt.Sprint(options), options, offer)
	agrees := c.wanted() != ""
	_, bits := clientBits.(int)
	c.short = server != nil || client != nil || !bits && clientBits != nil || bits && !agrees
	if agrees && client == false {
		// RFC 7692 section 7.1.1.2 has every client support client_no_context_takeover in an answer; ws, told not to offer
		// it, ends the handshake in which a server says it.
		c.breaks = func(t *testing.T, url string) {
			t.Helper()
			p := n.open(t, url, map[string]any{"perMessageDeflate": options})
			if got := receive(t, p.failed); got != "Invalid Sec-WebSocket-Extensions header" {
				t.Errorf("failed with %q", got)
			}
			ended(t, p.messages)
		}
	}
	return c
}

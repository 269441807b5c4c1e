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
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// peer is an entry of bench/peers/peers.json: a server to measure ourselves against.
type peer struct {
	Name     string   `json:"name"`
	Language string   `json:"language"`
	Library  string   `json:"library"`
	Version  string   `json:"version"`
	Build    []string `json:"build"`
	Run      []string `json:"run"`
	Needs    []string `json:"needs"` // programs that must be installed
	Features []string `json:"features"`

	dir string
}

// missingError names a peer that cannot run here; the others go on without it.
type missingError struct{ peer, what string }

func (e missingError) Error() string {
	return e.peer + " is missing: no " + e.what + " on this machine"
}

// readPeers returns the manifest.
func readPeers() ([]peer, error) {
	root, err := repository()
	if err != nil {
		return nil, err
	}
	dir := filepath.Join(root, "bench", "peers")
	b, err := os.ReadFile(filepath.Join(dir, "peers.json"))
	if err != nil {
		return nil, err
	}
	var all []peer
	if err := json.Unmarshal(b, &all); err != nil {
		return nil, fmt.Errorf("peers.json: %w", err)
	}
	for i := range all {
		all[i].dir = dir
	}
	return all, nil
}

func findPeer(name string) (peer, error) {
	all, err := readPeers()
	if err != nil {
		return peer{}, err
	}
	var names []string
	for _, p := range all {
		if p.Name == name {
			return p, nil
		}
		names = append(names, p.Name)
	}
	return peer{}, usagef("no target %q: want rookery, a URL, or one of %s", name, strings.Join(names, ", "))
}

func (p peer) has(feature string) bool { return slices.Contains(p.Features, feature) }

// build makes the peer ready to run, or says what is missing.
func (p peer) build(ctx context.Context) error {
	for _, program := range p.Needs {
		if _, err := exec.LookPath(program); err != nil {
			return missingError{p.Name, program}
		}
	}
	if p.Build[0] == "npm" {
		// npm installs the whole package.json at once, for all peers, and takes long to find that nothing is to do.
		if _, err := os.Stat(filepath.Join(p.dir, "node_modules", ".package-lock.json")); err == nil {
			return nil
		}
	}
	cmd := exec.CommandContext(ctx, p.Build[0], p.Build[1:]...)
	cmd.Dir = p.dir
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("build peer %s: %w: %s", p.Name, err, shorten(string(out)))
	}
	return nil
}

// startPeer builds and starts the peer the target is named after.
func (t *target) startPeer(ctx context.Context, needs targetNeeds) error {
	p, err := findPeer(t.name)
	if err != nil {
		return err
	}
	argv := append(slices.Clone(p.Run), "--addr", "127.0.0.1:0")
	if strings.Contains(argv[0], "/") {
		argv[0] = filepath.Join(p.dir, argv[0])
	}
	if needs.tls {
		if !p.has("tls") {
			return missingError{p.Name, "TLS in it"}
		}
		files, err := t.certificate()
		if err != nil {
			return err
		}
		argv = append(argv, files...)
		t.tls = true
	}
	if needs.compress {
		if !p.has("compress") {
			return missingError{p.Name, "permessage-deflate in it"}
		}
		argv = append(argv, "--compress")
	}
	if err := p.build(ctx); err != nil {
		return err
	}
	t.library = strings.TrimSpace(p.Library + " " + p.Version)
	t.path, t.rooms = "/?room="+roomField, p.has("rooms")
	if p.has("echo") {
		t.echoPath = "/echo"
	}
	addr, err := t.runPeer(ctx, p, argv)
	t.addrs, t.host = []string{addr}, addr
	return err
}

// runPeer starts the process and waits for the line that names its address.
func (t *target) runPeer(ctx context.Context, p peer, argv []string) (string, error) {
	var stdout io.ReadCloser
	c, err := spawn(p.Name, p.dir, argv, func(cmd *exec.Cmd) (err error) {
		stdout, err = cmd.StdoutPipe()
		return err
	})
	if err != nil {
		return "", err
	}
	ready := make(chan string, 1)
	go func() {
		s := bufio.NewScanner(stdout)
		for s.Scan() {
			if addr, ok := strings.CutPrefix(s.Text(), "listening "); ok {
				ready <- addr
				break
			}
		}
		_, _ = io.Copy(io.Discard, stdout)
		c.reap()
	}()
	t.adopt(c)
	select {
	case addr := <-ready:
		return addr, nil
	case <-ctx.Done():
		return "", context.Cause(ctx)
	case <-time.After(20 * time.Second):
		return "", errors.New(p.Name + " did not say that it listens within 20 s")
	}
}

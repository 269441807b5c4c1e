package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// errNoRepository is returned where bench was copied away from the repository it builds its targets from.
var errNoRepository = errors.New("not inside the rookery repository: run bench there, or name a server with --target")

// repository returns the root of the checkout bench runs in, or lies in.
func repository() (string, error) {
	var starts []string
	if dir, err := os.Getwd(); err == nil {
		starts = append(starts, dir)
	}
	if self, err := os.Executable(); err == nil {
		starts = append(starts, filepath.Dir(self))
	}
	for _, dir := range starts {
		for ; ; dir = filepath.Dir(dir) {
			b, err := os.ReadFile(filepath.Join(dir, "go.mod"))
			if err == nil && strings.HasPrefix(string(b), "module rookery\n") {
				return dir, nil
			}
			if dir == filepath.Dir(dir) {
				break
			}
		}
	}
	return "", errNoRepository
}

// rookeryBinary returns the binary that was given, or bin/rookery, built first if it is not there.
func rookeryBinary(ctx context.Context, given string) (string, error) {
	if given != "" {
		path, err := filepath.Abs(given)
		if err == nil {
			_, err = os.Stat(path)
		}
		if err != nil {
			return "", usagef("--binary %s: %v", given, plainPath(err))
		}
		return path, nil
	}
	root, err := repository()
	if err != nil {
		return "", err
	}
	path := filepath.Join(root, "bin", "rookery")
	if _, err := os.Stat(path); err == nil {
		return path, nil
	}
	cmd := exec.CommandContext(ctx, "go", "build", "-o", path, "./server/cmd/rookery")
	cmd.Dir = root
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("build rookery: %w: %s", err, shorten(string(out)))
	}
	return path, nil
}

// startRookery starts opt.Nodes processes on one port.
func (t *target) startRookery(ctx context.Context, opt options, needs targetNeeds) error {
	path, err := rookeryBinary(ctx, opt.Binary)
	if err != nil {
		return err
	}
	addr, err := freeAddr()
	if err != nil {
		return err
	}
	t.addrs, t.host = []string{addr}, addr
	t.rooms, t.v1, t.tls = true, true, needs.tls
	t.path = "/?room=" + roomField
	t.library = "rookery " + rookeryVersion(path)
	// The defaults protect a public server from exactly what a benchmark does: many connections and
	// messages from one address. Pings are kept out of the figures of short runs.
	argv := []string{path, "serve", "--addr", addr, "--rate", "0", "--max-conns-per-ip", "0", "--ping", "10m", "--log-level", "error"}
	if needs.share || opt.Nodes > 1 {
		argv = append(argv, "--share-port")
	}
	if needs.tls {
		files, err := t.certificate()
		if err != nil {
			return err
		}
		argv = append(argv, files...)
	} else {
		t.metrics = "http://" + addr + "/metrics"
	}
	argv = append(append(argv, needs.flags...), opt.Flags...)
	t.argv, t.env = append(strings.Fields(opt.Under), argv...), opt.Env
	for n := range opt.Nodes {
		if err := t.startNode(fmt.Sprintf("rookery/%d", n+1), t.argv); err != nil {
			return err
		}
	}
	return t.awaitReady(ctx)
}

// startNode starts one more process of the target.
func (t *target) startNode(name string, argv []string) error {
	c, err := spawn(name, "", argv, func(cmd *exec.Cmd) error {
		cmd.Env = append(os.Environ(), t.env...)
		return nil
	})
	if err != nil {
		return err
	}
	go c.reap()
	t.adopt(c)
	return nil
}

// awaitReady tries the address until something answers there.
func (t *target) awaitReady(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	for {
		err := reachable(ctx, t.addrs[0])
		if err == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			if cause := context.Cause(ctx); cause != context.DeadlineExceeded {
				return cause
			}
			return fmt.Errorf("%s does not listen on %s after 10 s: %w", t.name, t.addrs[0], err)
		case <-time.After(20 * time.Millisecond):
		}
	}
}

func rookeryVersion(path string) string {
	out, err := exec.Command(path, "version").Output()
	if err != nil {
		return "(unknown version)"
	}
	first, _, _ := strings.Cut(string(out), "\n")
	return shorten(strings.TrimPrefix(strings.TrimSpace(first), "rookery "))
}

// heap returns the bytes of live Go heap the target reports, 0 if it does not.
func (t *target) heap(ctx context.Context) int64 {
	return metricValue(bytes.NewReader(t.scrape(ctx)), "go_memstats_heap_inuse_bytes")
}

// scrape returns the target's metrics, nothing if it has none or they would be those of one process of several.
func (t *target) scrape(ctx context.Context) []byte {
	if t.metrics == "" || len(t.procs) > 1 {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, t.metrics, nil)
	if err != nil {
		return nil
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return nil
	}
	defer resp.Body.Close()
	text, _ := io.ReadAll(io.LimitReader(resp.Body, 4<<20))
	return text
}

// metricValue finds a plain metric in Prometheus text.
func metricValue(r io.Reader, name string) int64 {
	for s := bufio.NewScanner(r); s.Scan(); {
		if rest, ok := strings.CutPrefix(s.Text(), name+" "); ok {
			v, _ := strconv.ParseFloat(rest, 64)
			return int64(v)
		}
	}
	return 0
}

package main_test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime/debug"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// The tests here drive the program as its users do: a process, its sockets, its log and its exit code.

// patience is how long one step may take on a busy machine. Nothing waits for it to pass.
const patience = 30 * time.Second

// program is the binary under test.
var program string

func TestMain(m *testing.M) { os.Exit(buildAndRun(m)) }

func buildAndRun(m *testing.M) int {
	dir, err := os.MkdirTemp("", "rookery")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(dir)
	program = filepath.Join(dir, "rookery")
	args := []string{"build", "-o", program}
	if raced() && !soaking() {
		args = append(args, "-race")
	}
	if out, err := exec.Command("go", append(args, ".")...).CombinedOutput(); err != nil {
		fmt.Fprintf(os.Stderr, "go build: %v\n%s", err, out)
		return 1
	}
	return m.Run()
}

// raced reports whether this test was built with the race detector: then the program is too.
func raced() bool {
	info, _ := debug.ReadBuildInfo()
	for _, s := range info.Settings {
		if s.Key == "-race" {
			return s.Value == "true"
		}
	}
	return false
}

// needed finds a program that a test cannot do without. Where it is missing, CI fails, and others are told and skip.
func needed(t *testing.T, name string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	if err == nil {
		return path
	}
	if os.Getenv("CI") == "true" {
		t.Fatalf("%s is missing, and CI has to have it", name)
	}
	fmt.Fprintf(os.Stderr, "\n*** %s IS NOT INSTALLED: %s IS NOT TESTED ***\n\n", name, t.Name())
	t.Skipf("%s is not installed", name)
	return ""
}

// gateway is one running process.
type gateway struct {
	t      *testing.T
	cmd    *exec.Cmd
	addr   string
	log    transcript
	exited chan struct{}
}

// transcript is what a process wrote to stderr.
type transcript struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *transcript) add(line string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.text.WriteString(line + "\n")
}

func (l *transcript) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

// serve starts a gateway on a port that the kernel chooses, and ends it with the test: in order, or the test fails.
func serve(t *testing.T, flags ...string) *gateway {
	t.Helper()
	return launch(t, exec.Command(program, append([]string{"serve", "--addr", "127.0.0.1:0", "--drain", "100ms"}, flags...)...))
}

// launch starts cmd, which is to become a gateway, and waits until it listens.
func launch(t *testing.T, cmd *exec.Cmd) *gateway {
	t.Helper()
	g := &gateway{t: t, cmd: cmd, exited: make(chan struct{})}
	cmd.Env = append(cmd.Environ(), "ROOKERY_LOG_FORMAT=json", "GORACE=atexit_sleep_ms=0")
	cmd.Stdout = os.Stdout
	stderr, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	listening := make(chan string, 1)
	go g.readLog(stderr, listening)
	t.Cleanup(g.stop)
	select {
	case g.addr = <-listening:
	case <-g.exited:
		t.Fatalf("the gateway ended at once: %s\n%s", cmd.ProcessState, &g.log)
	case <-time.After(patience):
		t.Fatalf("the gateway does not listen:\n%s", &g.log)
	}
	return g
}

func (g *gateway) readLog(stderr io.Reader, listening chan<- string) {
	lines := bufio.NewScanner(stderr)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		g.log.add(lines.Text())
		var entry struct{ Msg, Addr string }
		if json.Unmarshal(lines.Bytes(), &entry) == nil && entry.Msg == "listening" {
			listening <- entry.Addr
		}
	}
	_ = g.cmd.Wait()
	close(g.exited)
}

// signal sends sig; the process may have ended by itself.
func (g *gateway) signal(sig syscall.Signal) {
	g.t.Helper()
	if err := g.cmd.Process.Signal(sig); err != nil && !errors.Is(err, os.ErrProcessDone) {
		g.t.Fatal(err)
	}
}

// exit waits for the end and returns the exit code.
func (g *gateway) exit() int {
	g.t.Helper()
	select {
	case <-g.exited:
	case <-time.After(patience):
		g.signal(syscall.SIGQUIT)
		select {
		case <-g.exited:
		case <-time.After(patience):
			g.signal(syscall.SIGKILL)
		}
		g.t.Fatalf("the gateway does not end:\n%s", &g.log)
	}
	return g.cmd.ProcessState.ExitCode()
}

// stop ends what still runs. The log of a gateway that was treated well has no errors in it.
func (g *gateway) stop() {
	select {
	case <-g.exited:
	default:
		g.signal(syscall.SIGTERM)
		if code := g.exit(); code != 0 {
			g.t.Errorf("exit code %d after SIGTERM", code)
		}
	}
	log := g.log.String()
	for _, bad := range []string{"DATA RACE", "panic", `"level":"ERROR"`, `"level":"WARN"`} {
		if strings.Contains(log, bad) {
			g.t.Errorf("%s in the log:\n%s", bad, log)
		}
	}
}

// get fetches a path of the gateway.
func (g *gateway) get(path string) (status int, body string) {
	g.t.Helper()
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}, Timeout: patience}
	res, err := client.Get("http://" + g.addr + path)
	if err != nil {
		g.t.Fatal(err)
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		g.t.Fatal(err)
	}
	return res.StatusCode, string(b)
}

// metric reads one series off /metrics, 0 if it is not there.
func (g *gateway) metric(series string) float64 {
	g.t.Helper()
	_, body := g.get("/metrics")
	for _, line := range strings.Split(body, "\n") {
		if rest, ok := strings.CutPrefix(line, series+" "); ok {
			v, err := strconv.ParseFloat(rest, 64)
			if err != nil {
				g.t.Fatal(err)
			}
			return v
		}
	}
	return 0
}

// closed is how many connections ended for a cause.
func (g *gateway) closed(cause string) int {
	g.t.Helper()
	return int(g.metric(`rookery_closed_total{cause="` + cause + `"}`))
}

// eventually waits until holds returns true.
func eventually(t *testing.T, what string, holds func() bool) {
	t.Helper()
	for deadline := time.Now().Add(patience); !holds(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("never came true: %s", what)
		}
	}
}

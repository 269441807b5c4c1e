// Package peers checks that every server Rookery is measured against keeps the contract of README.md.
package peers

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"
)

// patience bounds every wait on a peer; a healthy one needs milliseconds.
const patience = 30 * time.Second

// peer is one entry of peers.json.
type peer struct {
	Name      string   `json:"name"`
	Language  string   `json:"language"`
	Library   string   `json:"library"`
	Version   string   `json:"version"`
	Build     []string `json:"build"`
	Run       []string `json:"run"`
	Needs     []string `json:"needs"`
	Features  []string `json:"features"`
	Broadcast string   `json:"broadcast"`
}

func (p peer) can(feature string) bool { return slices.Contains(p.Features, feature) }

func loadPeers(t *testing.T) []peer {
	t.Helper()
	f, err := os.Open("peers.json")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var peers []peer
	dec := json.NewDecoder(f)
	dec.DisallowUnknownFields()
	if err := dec.Decode(&peers); err != nil {
		t.Fatalf("peers.json: %v", err)
	}
	return peers
}

// missing names the executables of p that are not on PATH.
func (p peer) missing() []string {
	var names []string
	for _, name := range p.Needs {
		if _, err := exec.LookPath(name); err != nil {
			names = append(names, name)
		}
	}
	return names
}

// untested collects the peers whose runtime is missing, to be named after the tests.
var untested []string

func TestMain(m *testing.M) {
	code := m.Run()
	for _, line := range untested {
		fmt.Fprintln(os.Stderr, "NOT TESTED:", line)
	}
	os.Exit(code)
}

// requireRuntime ends the test when p cannot run here: in CI that is a failure, elsewhere it is named.
func requireRuntime(t *testing.T, p peer) {
	t.Helper()
	missing := p.missing()
	if len(missing) == 0 {
		return
	}
	line := fmt.Sprintf("%s: not installed: %s", p.Name, strings.Join(missing, ", "))
	if os.Getenv("CI") == "true" {
		t.Fatal(line)
	}
	untested = append(untested, line)
	t.Skip(line)
}

// built remembers build commands that have run: two peers share one npm ci.
var built = map[string]error{}

func build(t *testing.T, p peer) {
	t.Helper()
	key := strings.Join(p.Build, " ")
	err, done := built[key]
	if !done {
		out, buildErr := exec.Command(p.Build[0], p.Build[1:]...).CombinedOutput()
		if buildErr != nil {
			buildErr = fmt.Errorf("%w\n%s", buildErr, out)
		}
		err, built[key] = buildErr, buildErr
	}
	if err != nil {
		t.Fatalf("%s: %v", key, err)
	}
}

// process is a peer that runs.
type process struct {
	cmd  *exec.Cmd
	addr string
}

// start runs argv on a port of the kernel's choice and waits until it is ready. The end of the test kills it.
func start(t *testing.T, argv ...string) *process {
	t.Helper()
	cmd := exec.Command(argv[0], append(argv[1:], "--addr", "127.0.0.1:0")...)
	cmd.Stderr = os.Stderr
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if cmd.ProcessState == nil {
			cmd.Process.Kill()
			cmd.Wait()
		}
	})
	impatient := time.AfterFunc(patience, func() { cmd.Process.Kill() })
	defer impatient.Stop()
	line, err := bufio.NewReader(stdout).ReadString('\n')
	if err != nil {
		t.Fatalf("%v ended before it was ready: %v", argv, err)
	}
	addr, ok := strings.CutPrefix(strings.TrimSuffix(line, "\n"), "listening 127.0.0.1:")
	if !ok || addr == "0" {
		t.Fatalf("first line of stdout is %q, want listening 127.0.0.1:PORT", line)
	}
	go io.Copy(io.Discard, stdout)
	return &process{cmd: cmd, addr: "127.0.0.1:" + addr}
}

// stop sends SIGTERM and wants a clean exit.
func (p *process) stop(t *testing.T) {
	t.Helper()
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	impatient := time.AfterFunc(patience, func() { p.cmd.Process.Kill() })
	defer impatient.Stop()
	if err := p.cmd.Wait(); err != nil {
		t.Errorf("after SIGTERM: %v, want exit status 0", err)
	}
}

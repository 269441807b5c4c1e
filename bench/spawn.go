package main

import (
	"errors"
	"fmt"
	"io"
	"os/exec"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

// child is a process bench started: a client of its own, or a target. It is in a process group of its own, so
// that Ctrl-C reaches only bench, which then stops its children in order; and the kernel kills it should
// bench die without that chance.
type child struct {
	cmd    *exec.Cmd
	name   string
	stderr tail
	gone   chan struct{} // closed once the process has been waited for
	status error         // valid once gone is closed

	released atomic.Bool // its end is no surprise
}

// spawnThread runs starts on one thread that lives as long as bench: Pdeathsig is bound to the thread that
// forked, not to the process.
var spawnThread = sync.OnceValue(func() chan func() {
	work := make(chan func())
	go func() {
		runtime.LockOSThread()
		for f := range work {
			f()
		}
	}()
	return work
})

// spawn starts argv in dir. prepare, if not nil, sets up pipes before the start.
func spawn(name, dir string, argv []string, prepare func(*exec.Cmd) error) (*child, error) {
	c := &child{name: name, gone: make(chan struct{})}
	c.cmd = exec.Command(argv[0], argv[1:]...)
	c.cmd.Dir = dir
	c.cmd.Stderr = &c.stderr
	c.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	if prepare != nil {
		if err := prepare(c.cmd); err != nil {
			return nil, err
		}
	}
	started := make(chan error)
	spawnThread() <- func() { started <- c.cmd.Start() }
	if err := <-started; err != nil {
		return nil, fmt.Errorf("start %s: %w", name, err)
	}
	return c, nil
}

// reap waits for the process. It must be called once, on its own goroutine, and after the process's output
// has been read to its end where that goes through a pipe.
func (c *child) reap() {
	c.status = c.cmd.Wait()
	close(c.gone)
}

func (c *child) pid() int { return c.cmd.Process.Pid }

// alive reports whether the process still runs.
func (c *child) alive() bool {
	select {
	case <-c.gone:
		return false
	default:
		return true
	}
}

// stop ends the process: SIGTERM first, SIGKILL after grace. It returns when the process is gone.
func (c *child) stop(grace time.Duration) {
	if !c.alive() {
		return
	}
	_ = c.cmd.Process.Signal(syscall.SIGTERM)
	timer := time.NewTimer(grace)
	defer timer.Stop()
	select {
	case <-c.gone:
		return
	case <-timer.C:
	}
	_ = syscall.Kill(-c.pid(), syscall.SIGKILL)
	<-c.gone
}

// epitaph says how the process ended, with the last line it wrote to stderr.
func (c *child) epitaph() error {
	how := "exit status 0"
	if c.status != nil {
		how = c.status.Error()
	}
	if last := c.stderr.lastLine(); last != "" {
		how += ": " + last
	}
	return errors.New(c.name + " died: " + how)
}

// tail keeps the last part of what is written to it. Safe for one writer and many readers.
type tail struct {
	mu sync.Mutex
	b  []byte
}

const tailBytes = 8 << 10

var _ io.Writer = (*tail)(nil)

func (t *tail) Write(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.b = append(t.b, p...)
	if over := len(t.b) - tailBytes; over > 0 {
		t.b = append(t.b[:0], t.b[over:]...)
	}
	return len(p), nil
}

func (t *tail) lastLine() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	lines := strings.Split(strings.TrimSpace(string(t.b)), "\n")
	return shorten(lines[len(lines)-1])
}

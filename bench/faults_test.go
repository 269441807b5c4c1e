package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// mortalServer is the sub-command under which the test binary serves until it is told to die.
const mortalServer = "mortal-server"

// serveMortal broadcasts for a second and a half and then exits with status 7.
func serveMortal() error {
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		return err
	}
	fmt.Println("listening", l.Addr())
	time.AfterFunc(1500*time.Millisecond, func() {
		fmt.Fprintln(os.Stderr, "out of luck")
		os.Exit(7)
	})
	s := &testServer{rooms: map[string]map[*testMember]bool{}, delayed: newLatencies(fine)}
	return http.Serve(l, s)
}

// Every way in which a target can be wrong is told in one line before anything is opened.
func TestPreflight(t *testing.T) {
	closed, err := freeAddr()
	if err != nil {
		t.Fatal(err)
	}
	web := httptest.NewServer(http.NotFoundHandler())
	defer web.Close()
	silent := &testServer{silent: true}
	other := listen(t, func(c net.Conn) { _, _ = io.WriteString(c, "SSH-2.0-x\r\n\r\n") })
	rude := listen(t, func(net.Conn) {})
	for _, tt := range []struct{ name, url, want string }{
		{"nothing there", "ws://" + closed + "/", "cannot reach ws://" + closed + "/: connection refused"},
		{"a web server", "ws" + strings.TrimPrefix(web.URL, "http") + "/", "http 404"},
		{"another protocol", "ws://" + other + "/", `no WebSocket server: it answered "SSH-2.0-x"`},
		{"closes at once", "ws://" + rude + "/", "no WebSocket server: it took the connection and answered nothing"},
		{"no TLS", "wss" + strings.TrimPrefix(web.URL, "http") + "/", "no TLS there"},
		{"says nothing back", silent.start(t, false), "did not send it back within"},
		{"no such host", "ws://no-such-host.invalid/", "cannot resolve no-such-host.invalid"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
			defer cancel()
			target, err := openTarget(ctx, options{Target: tt.url, Nodes: 1}, targetNeeds{}, func(error) {})
			if err == nil {
				target.patience = 300 * time.Millisecond
				err = target.preflight(ctx)
				target.close()
			}
			if err == nil || !strings.Contains(err.Error(), tt.want) || strings.Contains(err.Error(), "\n") {
				t.Errorf("error %v, want %q in one line", err, tt.want)
			}
		})
	}
}

// listen serves connections with f, after reading something, and closes them.
func listen(t *testing.T, f func(net.Conn)) string {
	t.Helper()
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			_, _ = c.Read(make([]byte, 4096))
			f(c)
			_ = c.Close()
		}
	}()
	return l.Addr().String()
}

// A target that dies half-way ends the run with what it said last, and leaves no client behind.
func TestTargetDies(t *testing.T) {
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancelCause(t.Context())
	defer cancel(nil)
	tg := &target{
		name: "mortal", onDeath: cancel, stopping: make(chan struct{}), roomBase: "r-", path: "/?room=" + roomField, rooms: true,
		patience: 5 * time.Second,
	}
	addr, err := tg.runPeer(ctx, peer{Name: "mortal"}, []string{self, mortalServer})
	if err != nil {
		t.Fatal(err)
	}
	tg.addrs, tg.host = []string{addr}, addr
	s := &session{
		ctx: ctx, opt: options{Message: defaultTemplate}, target: tg, host: readHostFacts(), ui: newUI(true), patience: usualPatience,
	}
	defer s.close()
	l, err := s.members(20, 1, 20)
	if err != nil {
		t.Fatal(err)
	}
	_, err = s.measure(pass{what: "dying", warmup: 100 * time.Millisecond, length: time.Minute, lanes: []*lane{l}})
	if want := "mortal died: exit status 7: out of luck"; err == nil || err.Error() != want {
		t.Errorf("error %v, want %q", err, want)
	}
}

// Ctrl-C ends the clients and is the error.
func TestInterrupt(t *testing.T) {
	srv := &testServer{}
	url := srv.start(t, false)
	ctx, cancel := context.WithCancelCause(t.Context())
	s, err := newSession(ctx, options{Target: url, Nodes: 1, Message: defaultTemplate}, targetNeeds{}, newUI(true))
	if err != nil {
		t.Fatal(err)
	}
	l, err := s.members(20, 1, 20)
	if err != nil {
		t.Fatal(err)
	}
	time.AfterFunc(300*time.Millisecond, func() { cancel(errInterrupted) })
	_, err = s.measure(pass{what: "interrupted", length: time.Minute, lanes: []*lane{l}})
	if !errors.Is(err, errInterrupted) {
		t.Errorf("error %v, want %v", err, errInterrupted)
	}
	var pids []int
	for _, g := range s.groups {
		for _, c := range g.clients {
			pids = append(pids, c.pid())
		}
	}
	s.close()
	for _, pid := range pids {
		if err := syscall.Kill(pid, 0); !errors.Is(err, syscall.ESRCH) {
			t.Errorf("client %d is still there: %v", pid, err)
		}
	}
}

// A client that dies is named.
func TestClientDies(t *testing.T) {
	srv := &testServer{}
	s := testSession(t, srv.start(t, false), targetNeeds{})
	l, err := s.members(20, 1, 20)
	if err != nil {
		t.Fatal(err)
	}
	victim := l.groups[0].clients[0]
	_ = syscall.Kill(victim.pid(), syscall.SIGKILL)
	<-victim.gone
	_, err = s.measure(pass{what: "dead client", length: 100 * time.Millisecond, lanes: []*lane{l}})
	if err == nil || !strings.Contains(err.Error(), "client members/1 died: signal: killed") {
		t.Errorf("error %v", err)
	}
}

func TestTwoBenches(t *testing.T) {
	path := filepath.Join(t.TempDir(), "lock")
	say := func(string, ...any) {}
	release, err := lockHost(t.Context(), path, false, say)
	if err != nil {
		t.Fatal(err)
	}
	_, err = lockHost(t.Context(), path, false, say)
	if want := fmt.Sprintf("another bench is running (process %d)", os.Getpid()); err == nil || !strings.HasPrefix(err.Error(), want) {
		t.Errorf("error %v, want %q", err, want)
	}
	time.AfterFunc(100*time.Millisecond, release)
	again, err := lockHost(t.Context(), path, true, say)
	if err != nil {
		t.Fatal(err)
	}
	again()
}

func TestReportNotWritable(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct{ name, path, want string }{
		{"a file where a directory should be", filepath.Join(file, "report.json"), "not a directory"},
		{"a directory", dir, "it is a directory"},
	} {
		err := checkWritable(tt.path)
		if err == nil || !strings.HasPrefix(err.Error(), "cannot write the report "+tt.path) || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: error %v, want %q", tt.name, err, tt.want)
		}
		if err := writeReport(tt.path, []byte("x")); err == nil {
			t.Errorf("%s: written", tt.name)
		}
	}
	good := filepath.Join(dir, "new", "report.json")
	if err := checkWritable(good); err != nil {
		t.Error(err)
	}
	if err := writeReport(good, []byte("x")); err != nil {
		t.Error(err)
	}
	if left, _ := filepath.Glob(filepath.Join(dir, "new", "*.tmp")); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}

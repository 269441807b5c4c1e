package server_test

import (
	"fmt"
	"os"
	"runtime"
	"strings"
	"testing"
	"time"
)

// TestMain fails the run if its servers left goroutines or descriptors behind.
func TestMain(m *testing.M) {
	files := descriptors()
	code := m.Run()
	if code == 0 && !settles(func() bool { return len(leftBehind()) == 0 }) {
		fmt.Fprintln(os.Stderr, "goroutines were left behind:\n"+strings.Join(leftBehind(), "\n\n"))
		code = 1
	}
	// The runtime's poller takes two with the first socket: its epoll and an eventfd.
	if code == 0 && !settles(func() bool { return descriptors() <= files+2 }) {
		fmt.Fprintf(os.Stderr, "%d descriptors at the beginning, %d at the end:\n", files, descriptors())
		listDescriptors()
		code = 1
	}
	os.Exit(code)
}

// leftBehind is the stacks of goroutines that are a server's. (gnet's pool of workers is the process's.)
func leftBehind() (stacks []string) {
	buf := make([]byte, 1<<20)
	for _, s := range strings.Split(string(buf[:runtime.Stack(buf, true)]), "\n\n") {
		if strings.Contains(s, "rookery/server.") || strings.Contains(s, "panjf2000/gnet") {
			stacks = append(stacks, s)
		}
	}
	return stacks
}

// settles waits until holds returns true. Goroutines and sockets that are about to end may need a moment.
func settles(holds func() bool) bool {
	for deadline := time.Now().Add(30 * time.Second); time.Now().Before(deadline); time.Sleep(10 * time.Millisecond) {
		if holds() {
			return true
		}
	}
	return false
}

func descriptors() int {
	entries, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		panic(err)
	}
	return len(entries)
}

func listDescriptors() {
	entries, _ := os.ReadDir("/proc/self/fd")
	for _, e := range entries {
		target, _ := os.Readlink("/proc/self/fd/" + e.Name())
		fmt.Fprintln(os.Stderr, e.Name(), target)
	}
}

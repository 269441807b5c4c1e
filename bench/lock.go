package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// lockHost makes sure that only one bench measures on this host: two would measure each other. The lock is
// the kernel's, so it ends with the process, however that ends.
func lockHost(ctx context.Context, path string, wait bool, say func(string, ...any)) (release func(), err error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o666)
	if err != nil {
		return nil, fmt.Errorf("cannot lock %s: %w", path, plainPath(err))
	}
	told := false
	for {
		err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB)
		if err == nil {
			break
		}
		b := make([]byte, 32)
		n, _ := f.ReadAt(b, 0)
		who := strings.TrimSpace(string(b[:n]))
		if !wait {
			_ = f.Close()
			return nil, usagef("another bench is running (process %s), and two would measure each other: wait for it, or give --wait", who)
		}
		if !told {
			say("bench: waiting for process %s, which is measuring", who)
			told = true
		}
		sleepUntil(ctx.Done(), now()+int64(500*time.Millisecond))
		if ctx.Err() != nil {
			_ = f.Close()
			return nil, context.Cause(ctx)
		}
	}
	_ = f.Truncate(0)
	_, _ = fmt.Fprintf(f, "%d\n", os.Getpid())
	return func() { _ = f.Close() }, nil
}

func lockPath() string { return filepath.Join(os.TempDir(), "rookery-bench.lock") }

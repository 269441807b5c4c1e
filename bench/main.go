// Command bench measures how long a message takes to reach everyone, at very large connection counts.
//
// It speaks only the wire and points at any WebSocket server. A coordinator (this process) starts the target,
// tells client processes over pipes what to open and when to publish, merges their histograms and writes the
// report. The files, bottom up: clock, pacer, marker and frames are pure; client_*.go, conn.go, dial.go and
// upgrade.go are the client process; coordinator.go, session.go and measure.go drive it; target*.go are the
// servers; scenario_*.go what is measured; report_*.go what is written.
package main

import (
	"context"
	"errors"
	"os"
	"os/signal"
	"syscall"
)

// clientCommand is the hidden sub-command under which this program is its own client process.
const clientCommand = "client-process"

// Exit codes.
const (
	exitOK     = 0
	exitFailed = 1 // a row could not be measured, or the report not written; what there is was written
	exitUsage  = 2
)

// errInterrupted is the cause of a run ended by Ctrl-C.
var errInterrupted = errors.New("interrupted")

func main() {
	if len(os.Args) == 2 && os.Args[1] == clientCommand {
		if runClient(os.Stdin, os.Stdout) != nil {
			os.Exit(exitFailed)
		}
		return
	}
	raiseLimit()
	ctx, stop := interruptible()
	code := execute(ctx, os.Args[1:], os.Stderr)
	stop()
	os.Exit(code)
}

// interruptible returns a context that Ctrl-C and SIGTERM end; a second one kills bench as usual.
func interruptible() (context.Context, func()) {
	ctx, cancel := context.WithCancelCause(context.Background())
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	go func() {
		if _, ok := <-signals; ok {
			signal.Stop(signals)
			cancel(errInterrupted)
		}
	}()
	return ctx, func() {
		signal.Stop(signals)
		cancel(nil)
	}
}

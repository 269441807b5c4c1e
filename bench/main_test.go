package main

import (
	"flag"
	"fmt"
	"os"
	"testing"
)

var update = flag.Bool("update", false, "rewrite the golden files in testdata")

// TestMain lets the test binary be what bench starts: its own client process, and a server to die on command.
func TestMain(m *testing.M) {
	if len(os.Args) == 2 && os.Args[1] == clientCommand {
		if runClient(os.Stdin, os.Stdout) != nil {
			os.Exit(exitFailed)
		}
		os.Exit(exitOK)
	}
	if len(os.Args) > 1 && os.Args[1] == mortalServer {
		if err := serveMortal(); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(exitFailed)
		}
		os.Exit(exitOK)
	}
	flag.Parse()
	// Under the race detector every client would otherwise linger for a second at its end.
	_ = os.Setenv("GORACE", "atexit_sleep_ms=0")
	raiseLimit()
	os.Exit(m.Run())
}

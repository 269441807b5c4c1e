package web

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// needed finds a program that a test cannot do without. Where it is missing, CI fails, and others are told and skip.
func needed(t *testing.T, name string) string {
	t.Helper()
	program, err := exec.LookPath(name)
	if err == nil {
		return program
	}
	if os.Getenv("CI") == "true" {
		t.Fatalf("%s is missing, and CI has to have it", name)
	}
	fmt.Fprintf(os.Stderr, "\n*** %s IS NOT INSTALLED: %s IS NOT TESTED ***\n\n", name, t.Name())
	t.Skipf("%s is not installed", name)
	return ""
}

// setUp installs the npm packages that the tests in JavaScript use.
func setUp(t *testing.T) {
	t.Helper()
	needed(t, "npm")
	if out, err := exec.Command("test/setup").CombinedOutput(); err != nil {
		t.Fatalf("test/setup: %v\n%s", err, out)
	}
}

// TestClient runs the tests of rookery.js, which are written in JavaScript.
func TestClient(t *testing.T) {
	node := needed(t, "node")
	setUp(t)
	files, err := filepath.Glob("test/*.test.mjs")
	if err != nil || len(files) == 0 {
		t.Fatalf("no tests in test: %v", err)
	}
	out, err := exec.Command(node, append([]string{"--test"}, files...)...).CombinedOutput()
	if err != nil {
		t.Fatalf("node --test: %v\n%s", err, out)
	}
}

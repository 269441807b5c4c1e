package main

import (
	"bytes"
	"errors"
	"math"
	"strings"
	"testing"
	"time"
)

func TestOptionsCheck(t *testing.T) {
	good := options{Target: "rookery", Nodes: 1, Runs: 1}
	for _, tt := range []struct {
		name string
		set  func(*options)
		want string
	}{
		{"good", func(*options) {}, ""},
		{"a URL", func(o *options) { o.Target = "wss://chat.example/ws?room={{room}}" }, ""},
		{"negative connections", func(o *options) { o.Conns = -1 }, "--conns -1"},
		{"too many connections", func(o *options) { o.Conns = 5_000_000 }, "want 1 to 4000000"},
		{"more rooms than connections", func(o *options) { o.Conns, o.Rooms = 10, 11 }, "more rooms than connections"},
		{"negative rate", func(o *options) { o.Rate = -1 }, "--rate -1"},
		{"no number for a rate", func(o *options) { o.Rate = math.NaN() }, "--rate NaN"},
		{"endless rate", func(o *options) { o.Rate = math.Inf(1) }, "--rate +Inf"},
		{"a payload that holds no marker", func(o *options) { o.Payload = 10 }, "needs at least 63"},
		{"a huge payload", func(o *options) { o.Payload = 1 << 30 }, "--payload"},
		{"a template without a marker", func(o *options) { o.Message = "hello" }, "no {{marker}}"},
		{"a day", func(o *options) { o.Duration = 24 * time.Hour }, "--duration"},
		{"no nodes", func(o *options) { o.Nodes = 0 }, "--nodes 0"},
		{"nodes of a peer", func(o *options) { o.Nodes, o.Target = 2, "bun" }, "only for the target rookery"},
		{"no runs", func(o *options) { o.Runs = 0 }, "--runs 0"},
		{"http", func(o *options) { o.Target = "http://127.0.0.1/" }, "want ws://host:port/path"},
		{"no host", func(o *options) { o.Target = "ws:///x" }, "want ws://host:port/path"},
		{"a broken URL", func(o *options) { o.Target = "ws://[::1/" }, "want ws://host:port/path"},
	} {
		o := good
		tt.set(&o)
		err := o.check()
		if (err == nil) != (tt.want == "") || err != nil && !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: %v, want %q", tt.name, err, tt.want)
		}
		var usage usageError
		if err != nil && (!errors.As(err, &usage) || strings.Contains(err.Error(), "\n")) {
			t.Errorf("%s: %q is not a usage error in one line", tt.name, err)
		}
	}
}

// A command line that makes no sense is exit code 2 and one line.
func TestExecuteUsage(t *testing.T) {
	for _, tt := range []struct {
		args []string
		want string
	}{
		{[]string{}, "expected one of"},
		{[]string{"braodcast"}, "unexpected argument braodcast"},
		{[]string{"broadcast", "--conns", "many"}, "--conns"},
		{[]string{"broadcast", "--conns=-4"}, "--conns -4"},
		{[]string{"broadcast", "--no-such-flag"}, "unknown flag"},
		{[]string{"compare", "testdata/none.json", "testdata/none.json"}, "no such file"},
		{[]string{"compare", "options_test.go", "options_test.go"}, "not a result file"},
		{[]string{"peers", "--scenarios", "nonsense"}, `no scenario "nonsense"`},
		{[]string{"peers", "--runs", "0"}, "--runs 0"},
	} {
		var stderr bytes.Buffer
		code := execute(t.Context(), tt.args, &stderr)
		if out := stderr.String(); code != exitUsage || !strings.Contains(out, tt.want) || strings.Count(out, "\n") != 1 {
			t.Errorf("%v: exit %d, %q, want %d and %q in one line", tt.args, code, out, exitUsage, tt.want)
		}
	}
}

// Every scenario states what it measures and how, and its short form is a valid one.
func TestScenariosAreWhole(t *testing.T) {
	seen := map[string]bool{}
	for _, sc := range scenarios {
		if sc.what == "" || sc.method == "" || sc.measure == nil || seen[sc.name] {
			t.Errorf("%s: incomplete or named twice", sc.name)
		}
		seen[sc.name] = true
		o := sc.quick.fill(sc.defaults)
		o.Target, o.Nodes, o.Runs = "rookery", 1, 1
		if err := o.check(); err != nil || o.Conns == 0 || o.Duration == 0 {
			t.Errorf("%s: %+v: %v", sc.name, o, err)
		}
	}
	for _, name := range allScenarios {
		if !seen[name] {
			t.Errorf("bench all runs %q, which is no scenario", name)
		}
	}
}

func TestAlternate(t *testing.T) {
	a, b := &scenario{name: "a"}, &scenario{name: "b"}
	var got []string
	for _, j := range alternate([]*scenario{a, b}, []string{"x", "y"}, 2, func(*scenario) options { return options{} }) {
		got = append(got, j.sc.name+j.opt.Target)
	}
	if want := "ax ay bx by ax ay bx by"; strings.Join(got, " ") != want {
		t.Errorf("%v, want %s", got, want)
	}
}

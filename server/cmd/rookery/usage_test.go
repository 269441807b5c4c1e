package main_test

import (
	"bytes"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// rookery runs the program to its end.
func rookery(t *testing.T, env []string, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	cmd := exec.Command(program, args...)
	cmd.Env = append(cmd.Environ(), append(env, "GORACE=atexit_sleep_ms=0")...)
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	err := cmd.Run()
	if exit := (*exec.ExitError)(nil); err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	return cmd.ProcessState.ExitCode(), out.String(), errs.String()
}

// TestBadUsage expects exit code 2 and one line that says what and where.
func TestBadUsage(t *testing.T) {
	dir := t.TempDir()
	file := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	for _, tt := range []struct {
		name string
		env  []string
		args []string
		says string
	}{
		{"no command", nil, nil, "serve"},
		{"unknown command", nil, []string{"fly"}, "fly"},
		{"unknown flag", nil, []string{"serve", "--colour", "red"}, "--colour"},
		{"no number", nil, []string{"serve", "--loops", "many"}, "--loops"},
		{"negative", nil, []string{"serve", "--max-conns=-1"}, "--max-conns"},
		{"log too small for a message", nil, []string{"serve", "--room-bytes", "1000"}, "--room-bytes"},
		{"ping too often", nil, []string{"serve", "--ping", "1ms"}, "--ping"},
		{"nothing is too short to compress", nil, []string{"serve", "--deflate-threshold", "0"}, "--deflate-threshold"},
		{"no policy", nil, []string{"serve", "--slow", "shout"}, "--slow"},
		{"no policy for a prefix", nil, []string{"serve", "--slow", "a=b"}, "--slow"},
		{"log format", nil, []string{"serve", "--log-format", "xml"}, "--log-format"},
		{"log level", nil, []string{"serve", "--log-level", "loud"}, "--log-level"},
		{"address without port", nil, []string{"serve", "--addr", "localhost"}, "--addr"},
		{"address of another machine", nil, []string{"serve", "--addr", "192.0.2.1:0"}, "--addr"},
		{"debug address", nil, []string{"serve", "--addr", "127.0.0.1:0", "--debug-addr", "nowhere"}, "--debug-addr"},
		{"no key file", nil, []string{"serve", "--api-key-file", filepath.Join(dir, "none")}, "--api-key-file"},
		{"empty key file", nil, []string{"serve", "--api-key-file", file("empty", "\n")}, "--api-key-file"},
		{"environment", []string{"ROOKERY_MAX_CONNS=lots"}, []string{"serve"}, "max-conns"},
		{"environment out of range", []string{"ROOKERY_RATE=-1"}, []string{"serve"}, "--rate"},
		{"no config file", nil, []string{"--config", filepath.Join(dir, "none"), "serve"}, "--config"},
		{"config file that is no JSON", nil, []string{"--config", file("text", "max-conns: 5"), "serve"}, "--config"},
		{"config file with an unknown key", nil, []string{"--config", file("key", `{"max-con": 5}`), "serve"}, "max-con"},
		{"config file with a bad value", nil, []string{"--config", file("value", `{"max-conns": "lots"}`), "serve"}, "max-conns"},
		{"config file out of range", nil, []string{"--config", file("range", `{"max-message": 0}`), "serve"}, "--max-message"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			code, stdout, stderr := rookery(t, tt.env, tt.args...)
			if code != 2 || stdout != "" {
				t.Errorf("exit code %d, stdout %q", code, stdout)
			}
			if strings.Count(stderr, "\n") != 1 || !strings.HasPrefix(stderr, "rookery: ") || !strings.Contains(stderr, tt.says) {
				t.Errorf("stderr is not one line that says %s: %q", tt.says, stderr)
			}
		})
	}
}

func TestUsage(t *testing.T) {
	if code, stdout, stderr := rookery(t, nil, "version"); code != 0 || !strings.HasPrefix(stdout, "rookery ") || stderr != "" {
		t.Errorf("version: %d %q %q", code, stdout, stderr)
	}
	if code, stdout, stderr := rookery(t, nil, "doctor"); code != 0 || !strings.Contains(stdout, "descriptors (ulimit -Hn)") || stderr != "" {
		t.Errorf("doctor: %d %q %q", code, stdout, stderr)
	}
	if code, stdout, stderr := rookery(t, nil, "serve", "--help"); code != 0 || !strings.Contains(stdout, "--max-conns") || stderr != "" {
		t.Errorf("--help: %d %q %q", code, stdout, stderr)
	}
}

// TestSettingsRank checks what outranks what: the flag, the environment, the file.
func TestSettingsRank(t *testing.T) {
	file := filepath.Join(t.TempDir(), "rookery.json")
	if err := os.WriteFile(file, []byte(`{"max-conns": 11, "rate": 12.5, "max-message": 4096, "slow": ["close", "news.=latest"], "drain": "100ms"}`), 0o600); err != nil {
		t.Fatal(err)
	}
	named := exec.Command(program, "--config", file, "serve", "--addr", "127.0.0.1:0", "--max-message", "1024")
	named.Env = append(named.Environ(), "ROOKERY_MAX_CONNS=22", "ROOKERY_MAX_MESSAGE=2048")
	inherited := exec.Command(program, "serve", "--addr", "127.0.0.1:0", "--max-message", "1024")
	inherited.Env = append(named.Environ(), "ROOKERY_CONFIG="+file)
	for _, cmd := range []*exec.Cmd{named, inherited} {
		g := launch(t, cmd)
		for _, want := range []string{`"max_message":1024,`, `"max_conns":22,`, `"rate":12.5,`} {
			if !strings.Contains(g.log.String(), want) {
				t.Errorf("%s is not in the log: %s", want, &g.log)
			}
		}
	}
}

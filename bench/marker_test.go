package main

import (
	"bytes"
	"strings"
	"testing"
)

func TestMarkerRoundTrip(t *testing.T) {
	for _, m := range []marker{
		{}, {run: 1, stream: 2, seq: 3, due: 4}, {run: 255, stream: maxStreams - 1, seq: 1<<32 - 1, due: 1<<63 - 1},
	} {
		b := make([]byte, markerLen)
		m.put(b)
		got, ok := findMarker(append(append([]byte(`{"status":1,"message":"`), b...), `","room":"r"}`...))
		if !ok || got != m {
			t.Errorf("found %+v %v, want %+v", got, ok, m)
		}
		for n := range b {
			if _, ok := findMarker(b[:n]); ok {
				t.Errorf("found a marker in its first %d bytes", n)
			}
		}
	}
}

func TestMarkerRefusesOtherText(t *testing.T) {
	b := make([]byte, markerLen)
	marker{seq: 7}.put(b)
	for i := len(markerPrefix); i < len(b); i++ {
		for _, c := range []byte{'g', 'A', ' ', 0, 0xff, '"'} {
			broken := bytes.Clone(b)
			broken[i] = c
			if _, ok := findMarker(broken); ok {
				t.Fatalf("took %q for a marker", broken)
			}
		}
	}
}

func TestNewMessage(t *testing.T) {
	for _, tt := range []struct {
		name, template string
		size           int
		wantLen        int
		wantErr        string
	}{
		{"smallest", defaultTemplate, 0, 63, ""},
		{"64 bytes", defaultTemplate, 64, 64, ""},
		{"padded", defaultTemplate, 5000, 5000, ""},
		{"pad in its own place", `{"pad":"{{pad}}","m":"{{marker}}"}`, 200, 200, ""},
		{"bare", "{{marker}}", 0, markerLen, ""},
		{"too small", defaultTemplate, 62, 0, "at least 63"},
		{"no marker", "hello", 64, 0, "no {{marker}}"},
		{"two markers", "{{marker}}{{marker}}", 0, 0, "more than once"},
	} {
		m, err := newMessage(tt.template, tt.size)
		if tt.wantErr != "" {
			if err == nil || !strings.Contains(err.Error(), tt.wantErr) {
				t.Errorf("%s: error %v, want %q", tt.name, err, tt.wantErr)
			}
			continue
		}
		if err != nil {
			t.Errorf("%s: %v", tt.name, err)
			continue
		}
		want := marker{run: 3, stream: 5, seq: 9, due: 77}
		text := m.renderInto([]byte("before"), want)[len("before"):]
		if got, ok := findMarker(text); !ok || got != want || len(text) != tt.wantLen {
			t.Errorf("%s: %d bytes with marker %+v %v, want %d and %+v", tt.name, len(text), got, ok, tt.wantLen, want)
		}
	}
}

func TestRenderDoesNotAllocate(t *testing.T) {
	m, err := newMessage(defaultTemplate, 512)
	if err != nil {
		t.Fatal(err)
	}
	b := make([]byte, 0, 1024)
	if n := testing.AllocsPerRun(100, func() { b = m.renderInto(b[:0], marker{seq: 1}) }); n != 0 {
		t.Errorf("%v allocations per message, want 0", n)
	}
	if n := testing.AllocsPerRun(100, func() { findMarker(b) }); n != 0 {
		t.Errorf("%v allocations per search, want 0", n)
	}
}

// Property: findMarker never panics, and what it finds is in the text, letter by letter.
func FuzzFindMarker(f *testing.F) {
	b := make([]byte, markerLen)
	marker{run: 1, stream: 2, seq: 3, due: 4}.put(b)
	f.Add(b)
	f.Add([]byte("~rk~rk~rk"))
	f.Fuzz(func(t *testing.T, text []byte) {
		m, ok := findMarker(text)
		if !ok {
			return
		}
		again := make([]byte, markerLen)
		m.put(again)
		if !bytes.Contains(text, again) {
			t.Errorf("found %q, which is not in %q", again, text)
		}
	})
}

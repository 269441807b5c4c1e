package main_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

const key = "correct horse battery staple"

// withAPI starts a gateway whose API is on.
func withAPI(t *testing.T, flags ...string) *gateway {
	t.Helper()
	file := filepath.Join(t.TempDir(), "key")
	if err := os.WriteFile(file, []byte(key+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	return serve(t, append([]string{"--api-key-file", file}, flags...)...)
}

// answer is any body of the API.
type answer struct {
	Room         string
	Online       int
	Offset       int
	Epoch        string
	PurgedTo     int `json:"purged_to"`
	Disconnected int
	Messages     []said
	Rooms        []answer
	Error        struct{ Code, Reason string }
}

// call makes one request with the key, and fails unless the status is the one wanted.
func (g *gateway) call(method, path, body string, want int) answer {
	g.t.Helper()
	return g.callWith("Bearer "+key, method, path, body, want)
}

func (g *gateway) callWith(authorization, method, path, body string, want int) (a answer) {
	g.t.Helper()
	req, err := http.NewRequest(method, "http://"+g.addr+path, strings.NewReader(body))
	if err != nil {
		g.t.Fatal(err)
	}
	if authorization != "" {
		req.Header.Set("Authorization", authorization)
	}
	client := http.Client{Timeout: patience}
	res, err := client.Do(req)
	if err != nil {
		g.t.Fatal(err)
	}
	defer res.Body.Close()
	raw, err := io.ReadAll(res.Body)
	if err != nil {
		g.t.Fatal(err)
	}
	if res.StatusCode != want {
		g.t.Fatalf("%s %s is %d %s, want %d", method, path, res.StatusCode, raw, want)
	}
	if err := json.Unmarshal(raw, &a); err != nil {
		g.t.Fatalf("%s %s answers %q: %v", method, path, raw, err)
	}
	if want >= 400 && (a.Error.Code == "" || a.Error.Reason == "") {
		g.t.Errorf("%s %s is %d without code and reason: %s", method, path, want, raw)
	}
	return a
}

func TestAPI(t *testing.T) {
	g := withAPI(t)
	ann, bob := g.chatter("lobby", "ann"), g.v1("bob")
	epoch := bob.join("lobby").Epoch

	t.Run("publish", func(t *testing.T) {
		for i, message := range []string{`"hello"`, `{"temperature":21.5}`, `"third"`} {
			a := g.call("POST", "/api/rooms/lobby/messages", `{"nickname":"bot","message":`+message+`}`, http.StatusAccepted)
			if a.Room != "lobby" || a.Offset != i+1 || a.Epoch != epoch {
				t.Errorf("answered %+v", a)
			}
			for _, c := range []*chatter{ann, bob} {
				s := c.until("the message", func(s said) bool { return s.Status != nil })
				if got, _ := json.Marshal(s.Message); string(got) != message || s.Nickname != "bot" || s.Time == "" {
					t.Errorf("%s got %v", c.name, s)
				}
			}
		}
	})
	t.Run("read", func(t *testing.T) {
		if a := g.call("GET", "/api/rooms/lobby", "", http.StatusOK); a.Online != 2 || a.Offset != 3 || a.Epoch != epoch {
			t.Errorf("room: %+v", a)
		}
		if a := g.call("GET", "/api/rooms?limit=1", "", http.StatusOK); len(a.Rooms) != 1 || a.Rooms[0].Room != "lobby" {
			t.Errorf("rooms: %+v", a)
		}
		a := g.call("GET", "/api/rooms/lobby/messages?after=1&limit=1", "", http.StatusOK)
		if len(a.Messages) != 1 || a.Messages[0].Offset != 2 {
			t.Errorf("messages: %+v", a)
		}
	})
	t.Run("redact", func(t *testing.T) {
		g.call("DELETE", "/api/rooms/lobby/messages/2", "", http.StatusOK)
		if s := bob.until("redacted", func(s said) bool { return s.Ev == "redacted" }); s.Offset != 2 {
			t.Errorf("bob was told %+v", s)
		}
		a := g.call("GET", "/api/rooms/lobby/messages", "", http.StatusOK)
		if len(a.Messages) != 2 || a.Messages[1].Offset != 3 {
			t.Errorf("messages: %+v", a)
		}
	})
	t.Run("purge", func(t *testing.T) {
		if a := g.call("DELETE", "/api/rooms/lobby/messages", "", http.StatusOK); a.PurgedTo != 3 {
			t.Errorf("purged: %+v", a)
		}
		if s := bob.until("purged", func(s said) bool { return s.Ev == "purged" }); s.To != 3 {
			t.Errorf("bob was told %+v", s)
		}
		if a := g.call("GET", "/api/rooms/lobby/messages", "", http.StatusOK); len(a.Messages) != 0 || a.Offset != 3 {
			t.Errorf("messages: %+v", a)
		}
		ann.say("and on")
		if s := ann.hears(1, "ann", "and on"); s.Offset != 4 {
			t.Errorf("went on at %d", s.Offset)
		}
	})
	t.Run("disconnect", func(t *testing.T) {
		if a := g.call("POST", "/api/disconnect", `{"nickname":"bob","reason":"enough, bob"}`, http.StatusOK); a.Disconnected != 1 {
			t.Errorf("disconnected %+v", a)
		}
		if end := bob.ends(); end.Code != 4003 || end.Text != "enough, bob" {
			t.Errorf("bob was closed with %v", end)
		}
		ann.say("still here")
		ann.hears(1, "ann", "still here")
	})
}

func TestAPIRefuses(t *testing.T) {
	g := withAPI(t, "--max-message", "1024")
	ann := g.chatter("lobby", "ann")
	ann.say("one")
	ann.hears(1, "ann", "one")
	for _, tt := range []struct {
		method, path, body string
		status             int
		code               string
	}{
		{"GET", "/api/rooms/attic", "", 404, "no_such_room"},
		{"GET", "/api/nothing", "", 404, "no_such_path"},
		{"PUT", "/api/rooms/lobby", "", 404, "no_such_path"},
		{"GET", "/api/rooms?limit=many", "", 400, "bad_field"},
		{"GET", "/api/rooms/lobby/messages?after=-1", "", 400, "bad_field"},
		{"POST", "/api/rooms/lobby/messages", `{"nickname":"bot"}`, 400, "bad_field"},
		{"POST", "/api/rooms/lobby/messages", `{"message":`, 400, "bad_json"},
		{"POST", "/api/rooms/lobby/messages", strings.Repeat(`{"message":`, 2000), 413, "too_large"},
		{"POST", "/api/rooms/" + strings.Repeat("x", 200) + "/messages", `{"message":1}`, 400, "room_too_long"},
		{"DELETE", "/api/rooms/lobby/messages/9", "", 404, "no_such_message"},
		{"DELETE", "/api/rooms/lobby/messages/x", "", 400, "bad_offset"},
		{"POST", "/api/disconnect", `{}`, 400, "bad_field"},
		{"POST", "/api/disconnect", `[`, 400, "bad_json"},
	} {
		if a := g.call(tt.method, tt.path, tt.body, tt.status); a.Error.Code != tt.code {
			t.Errorf("%s %s: code %q, want %q", tt.method, tt.path, a.Error.Code, tt.code)
		}
	}
	for _, wrong := range []string{"", "Bearer", "Bearer wrong", "Basic " + key, key} {
		if a := g.callWith(wrong, "GET", "/api/rooms", "", 401); a.Error.Code != "not_authorised" {
			t.Errorf("Authorization %q: code %q", wrong, a.Error.Code)
		}
	}
	g.call("POST", "/api/rooms/lobby/messages", fmt.Sprintf(`{"message":%q}`, strings.Repeat("x", 1000)), http.StatusAccepted)
	ann.until("the message of the API", func(s said) bool { return s.Offset == 2 })
}

func TestAPIIsOffWithoutAKey(t *testing.T) {
	g := serve(t)
	if a := g.call("GET", "/api/rooms", "", http.StatusNotFound); a.Error.Code != "api_off" {
		t.Errorf("code %q, want api_off", a.Error.Code)
	}
}

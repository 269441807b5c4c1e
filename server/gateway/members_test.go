package gateway

import (
	"encoding/json"
	"net/http"
	"testing"

	"rookery/server/internal/certtest"
)

func TestAPIMembersShowsWhoLags(t *testing.T) {
	g := start(t, Config{APIKey: "k"})
	ann, bob := dial(t, g, "", Subprotocol), dial(t, g, "", Subprotocol)
	for i, c := range []*client{ann, bob} {
		c.expect("ev", "welcome")
		c.say(event{"op": "join", "room": "r", "nickname": []string{"ann", "bob"}[i]})
		c.expect("ev", "joined")
	}
	req, err := http.NewRequest("GET", certtest.URL("http", g.Server().Addr())+"/api/rooms/r/members?limit=5", nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer k")
	res, err := certtest.HTTPClient().Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	var got struct {
		Online  int
		Members []memberState
	}
	if err := json.NewDecoder(res.Body).Decode(&got); err != nil {
		t.Fatal(err)
	}
	if got.Online != 2 || len(got.Members) != 2 || got.Members[0].Lag != 0 || got.Members[0].Conn == "" {
		t.Fatalf("got %+v", got)
	}
}

func TestNicknameTaken(t *testing.T) {
	g := start(t, Config{})
	ann, other := dial(t, g, "", Subprotocol), dial(t, g, "", Subprotocol)
	ann.expect("ev", "welcome")
	other.expect("ev", "welcome")
	ann.say(event{"op": "join", "room": "r", "nickname": "ann"})
	joined := ann.expect("ev", "joined")
	other.say(event{"op": "join", "room": "r", "nickname": "ann", "id": 1})
	if e := other.expect("ev", "error"); e["code"] != "nickname_taken" || e["id"] != 1.0 {
		t.Fatalf("got %v", e)
	}
	// Whoever resumes has come back before the old connection was missed.
	other.say(event{"op": "join", "room": "r", "nickname": "ann", "after": event{"epoch": joined["epoch"], "offset": 0}})
	if e := other.expect("ev", "joined"); e["online"] != 2.0 {
		t.Fatalf("got %v", e)
	}
	// Both claims have to go before the name is free.
	_ = ann.Close()
	_ = other.Close()
	for third := dial(t, g, "", Subprotocol); ; {
		third.say(event{"op": "join", "room": "r", "nickname": "ann", "id": 2})
		if e := third.next(); e["ev"] == "joined" {
			return
		} else if e["ev"] == "error" && e["code"] != "nickname_taken" {
			t.Fatalf("got %v", e)
		}
	}
}

func TestResumeHearsOfRedactions(t *testing.T) {
	g := start(t, Config{})
	ann := dial(t, g, "", Subprotocol)
	ann.expect("ev", "welcome")
	ann.say(event{"op": "join", "room": "r", "nickname": "ann"})
	joined := ann.expect("ev", "joined")
	ann.say(event{"op": "say", "room": "r", "message": "regretted", "id": 1})
	for e := ann.next(); e["ev"] != "ack"; e = ann.next() {
	}
	_ = ann.Close()
	room := g.hub.Find("r")
	defer room.Release()
	if !room.Redact(1) {
		t.Fatal("not redacted")
	}
	ann = dial(t, g, "", Subprotocol)
	ann.expect("ev", "welcome")
	ann.say(event{"op": "join", "room": "r", "nickname": "ann", "after": event{"epoch": joined["epoch"], "offset": 1}})
	if e := ann.expect("ev", "joined"); e["recovered"] != true {
		t.Fatalf("got %v", e)
	}
	if e := ann.expect("ev", "redacted"); e["offset"] != 1.0 {
		t.Fatalf("got %v", e)
	}
}

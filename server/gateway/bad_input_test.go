package gateway

import (
	"fmt"
	"strings"
	"testing"
)

// TestBadInputLeavesTheStateAsItWas sends what no client should, and after each line asks who is in the room and how far it is.
func TestBadInputLeavesTheStateAsItWas(t *testing.T) {
	g := start(t, Config{RoomsPerConn: 3})
	ann, bob := dial(t, g, "", Subprotocol), dial(t, g, "", Subprotocol)
	ann.expect("ev", "welcome")
	bob.expect("ev", "welcome")
	ann.say(event{"op": "join", "room": "r", "nickname": "ann"})
	epoch := ann.expect("ev", "joined")["epoch"]
	ann.say(event{"op": "say", "room": "r", "message": "one", "id": 1})
	for seen := 0; seen < 2; { // the ack and the message itself, in either order
		if e := ann.next(); e["ev"] == "ack" || e["status"] == 1.0 {
			seen++
		}
	}
	after := func(offset string) string {
		return fmt.Sprintf(`{"op":"join","room":"r","after":{"epoch":%q,"offset":%s},"id":7}`, epoch, offset)
	}
	join := func(room, nickname string) string {
		return fmt.Sprintf(`{"op":"join","room":%q,"nickname":%q,"id":7}`, room, nickname)
	}
	for _, tt := range []struct{ name, send, code string }{
		{"offset from the future", after("2"), "bad_offset"},
		{"offset negative", after("-1"), "bad_offset"},
		{"offset fractional", after("0.5"), "bad_offset"},
		{"offset 2^63", after("9223372036854775808"), "bad_offset"},
		{"offset a string", after(`"1"`), "bad_offset"},
		{"after without epoch", `{"op":"join","room":"r","after":{"offset":1},"id":7}`, "bad_field"},
		{"after no object", `{"op":"join","room":"r","after":3,"id":7}`, "bad_field"},
		{"after and history", `{"op":"join","room":"r","history":1,"after":{"epoch":"E","offset":1},"id":7}`, "bad_field"},
		{"history negative", `{"op":"join","room":"r","history":-1,"id":7}`, "bad_field"},
		{"nickname empty", join("r", ""), "nickname_empty"},
		{"nickname of 10 KB", join("r", strings.Repeat("n", 10<<10)), "nickname_too_long"},
		{"nickname with a control character", `{"op":"join","room":"r","nickname":"a\u0007","id":7}`, "bad_nickname"},
		{"nickname that turns the text", `{"op":"join","room":"r","nickname":"a\u202e","id":7}`, "bad_nickname"},
		{"nickname of another", join("r", "ann"), "nickname_taken"},
		{"nickname no string", `{"op":"join","room":"r","nickname":5,"id":7}`, "bad_nickname"},
		{"room empty", join("", "bob"), "room_empty"},
		{"room of 10 KB", join(strings.Repeat("r", 10<<10), "bob"), "room_too_long"},
		{"room with a control character", `{"op":"join","room":"a\u0000b","id":7}`, "bad_room"},
		{"room missing", `{"op":"join","id":7}`, "bad_field"},
		{"say in a room not joined", `{"op":"say","room":"r","message":1,"id":7}`, "not_joined"},
		{"leave a room not joined", `{"op":"leave","room":"r","id":7}`, "not_joined"},
		{"who of a room not joined", `{"op":"who","room":"r","id":7}`, "not_joined"},
		{"history of a room not joined", `{"op":"history","room":"r","id":7}`, "not_joined"},
		{"no such op", `{"op":"shout","room":"r","id":7}`, "bad_op"},
		{"no op", `{"room":"r","id":7}`, "bad_op"},
		{"id an object", `{"op":"ping","id":{}}`, "bad_id"},
		{"not JSON", `{"op":`, "bad_json"},
		{"no object", `[1]`, "not_object"},
		{"nested deep", `{"op":"say","room":"r","message":` + strings.Repeat("[", 40) + strings.Repeat("]", 40) + `}`, "too_deep"},
		{"half a character", `{"op":"say","room":"r","message":"\ud800"}`, "lone_surrogate"},
		{"a huge number", `{"op":"say","room":"r","message":1e999}`, "number_range"},
	} {
		if err := bob.WriteMessage(1, []byte(tt.send)); err != nil {
			t.Fatal(err)
		}
		if e := bob.expect("ev", "error"); e["code"] != tt.code {
			t.Errorf("%s: got %v, want %s", tt.name, e, tt.code)
		}
		ann.say(event{"op": "who", "room": "r", "id": tt.name})
		if e := ann.expect("ev", "who"); e["online"] != 1.0 || len(e["members"].([]any)) != 1 {
			t.Errorf("%s: %v", tt.name, e)
		}
		ann.say(event{"op": "history", "room": "r", "id": tt.name})
		if e := ann.expect("ev", "history"); len(e["messages"].([]any)) != 1 {
			t.Errorf("%s: %v", tt.name, e)
		}
	}
	for _, room := range []string{"комната", "部屋", "غرفة", "🐦 nest", "e\u0301", "a/b?c#d%20", strings.Repeat("x", 128)} {
		bob.say(event{"op": "join", "room": room, "nickname": "bob"})
		if e := bob.expect("ev", "joined"); e["room"] != room {
			t.Errorf("room %q: %v", room, e)
		}
		bob.say(event{"op": "join", "room": room, "nickname": "bob"})
		if e := bob.expect("ev", "error"); e["code"] != "already_joined" {
			t.Errorf("room %q, twice: %v", room, e)
		}
		bob.say(event{"op": "leave", "room": room})
		bob.expect("ev", "left")
	}
	refused := 0
	for i := range 1000 {
		bob.say(event{"op": "join", "room": fmt.Sprint("room", i)})
		for e := bob.next(); ; e = bob.next() {
			if e["ev"] == "error" && e["code"] == "too_many_rooms" {
				refused++
			}
			if e["ev"] != "presence" {
				break
			}
		}
	}
	if refused != 997 {
		t.Errorf("%d of 1,000 joins were refused, want 997", refused)
	}
}

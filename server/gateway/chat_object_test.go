package gateway

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"
)

func TestSpliceChat(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name, src, want string
		c               chatObject
	}{
		{"tutorial message", `{"nickname":"ann","message":"hi","time":"10-22 21:33:01"}`, `"nickname":"ann","message":"hi","time":"10-22 21:33:01"`,
			chatObject{Nickname: []byte("ann"), NicknameAt: 11, Message: []byte(`"hi"`), Time: []byte(`"10-22 21:33:01"`), Members: 3}},
		{"empty", ` { } `, ``, chatObject{}},
		{"only owned names", `{"status":0,"room":"r","offset":1,"epoch":"e","ev":"bye","error":{}}`, ``, chatObject{}},
		{"owned names in escapes", `{"st\u0061tus":0,"\u0065\u0076":1,"a":2}`, `"a":2`, chatObject{Members: 1}},
		{"owned names inside values stay", `{"message":{"status":0}}`, `"message":{"status":0}`, chatObject{Message: []byte(`{"status":0}`), Members: 1}},
		{"owned names in capitals are others", `{"Status":0,"status ":1}`, `"Status":0,"status ":1`, chatObject{Members: 2}},
		{"owned first and last", `{"ev":1,"a":2,"ev":3}`, `"a":2`, chatObject{Members: 1}},
		{"white space", " {\n\t\"a\" : [ 1 , \" x \" ] ,\r\n \"key\" : { } } ", `"a":[1," x "],"key":{}`, chatObject{Key: []byte(`{ }`), Members: 2}},
		{"unknown names and duplicates stay", `{"a":1,"b":1.50,"a":[]}`, `"a":1,"b":1.50,"a":[]`, chatObject{Members: 3}},
		{"the last duplicate counts", `{"nickname":7,"message":1,"x":0,"n\u0069ckname":"\u0062ob","message":2,"key":1,"key":2,"time":1,"time":2}`,
			`"x":0,"n\u0069ckname":"\u0062ob","message":2,"key":2,"time":2`,
			chatObject{Nickname: []byte("bob"), NicknameAt: 22, Message: []byte("2"), Key: []byte("2"), Time: []byte("2"), Members: 5}},
		{"null message", `{"message":null}`, `"message":null`, chatObject{Message: []byte("null"), Members: 1}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			out, c, err := spliceChat([]byte("{"), nil, []byte(tt.src))
			if err != nil || string(out) != "{"+tt.want {
				t.Fatalf("%s, %+v\nwant %s", out, err, tt.want)
			}
			if string(c.Nickname) != string(tt.c.Nickname) || c.HasMessage != (tt.c.Message != nil) || c.Members != tt.c.Members ||
				c.NicknameRaw != nil && c.NicknameAt != 1+tt.c.NicknameAt || string(c.Message) != string(tt.c.Message) ||
				string(c.Time) != string(tt.c.Time) || string(c.Key) != string(tt.c.Key) {
				t.Errorf("%+v\nwant %+v", c, tt.c)
			}
			checkSplice(t, []byte(tt.src))
		})
	}
}

func TestSpliceChatRefuses(t *testing.T) {
	t.Parallel()
	nickname := func(raw string) string { return `{"message":1,"nickname":` + raw + `}` }
	for _, tt := range []struct{ name, src, code string }{
		{"number", nickname(`7`), "bad_nickname"},
		{"null", nickname(`null`), "bad_nickname"},
		{"object", nickname(`{}`), "bad_nickname"},
		{"65 characters", nickname(`"` + strings.Repeat("a", 65) + `"`), "nickname_too_long"},
		{"65 escaped characters", nickname(`"` + strings.Repeat(`\u0061`, 65) + `"`), "nickname_too_long"},
		{"10 KB", nickname(`"` + strings.Repeat("a", 10<<10) + `"`), "nickname_too_long"},
		{"10 KB of escapes", nickname(`"` + strings.Repeat(`\u0000`, 10<<10/6) + `"`), "nickname_too_long"},
		{"escaped control", nickname(`"a\u0000"`), "bad_nickname"},
		{"escaped override", nickname(`"a\u202eb"`), "bad_nickname"},
		{"override", nickname("\"a\u202eb\""), "bad_nickname"},
		{"not JSON", nickname(``), "bad_json"},
		{"lone surrogate", nickname(`"\ud800"`), "lone_surrogate"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			out, c, err := spliceChat([]byte("dst"), nil, []byte(tt.src))
			if err == nil || err.Code != tt.code || err.Reason == "" || string(out) != "dst" || c.Members != 0 || c.NicknameRaw != nil {
				t.Fatalf("%+v, out %q, %+v, want %s", err, out, c, tt.code)
			}
			if strings.Contains(tt.code, "nickname") && err.At != strings.Index(tt.src, `nickname":`)+len(`nickname":`) {
				t.Errorf("at %d of %s", err.At, tt.src)
			}
			checkSplice(t, []byte(tt.src))
		})
	}
}

func TestCheckNames(t *testing.T) {
	t.Parallel()
	family := "👨‍👩‍👧" // held together by U+200D
	for _, tt := range []struct{ name, s, nickname, room string }{
		{"empty", "", "nickname_empty", "room_empty"},
		{"space", " ", "", ""},
		{"ASCII", "ann's room #1/2?&%", "", ""},
		{"scripts", "Анна אנה آنا アン 安 अन्ना", "", ""},
		{"joined and flagged emoji", family + "🏳️‍🌈🇩🇪", "", ""},
		{"combining marks", "a\u0301\u0323", "", ""},
		{"private use", "\ue000\U0010fffd", "", ""},
		{"64 emoji", strings.Repeat("😀", 64), "", "room_too_long"},
		{"65 letters", strings.Repeat("a", 65), "nickname_too_long", ""},
		{"128 bytes", strings.Repeat("é", 64), "", ""},
		{"129 bytes", strings.Repeat("a", 129), "nickname_too_long", "room_too_long"},
		{"10 KB", strings.Repeat("a", 10<<10), "nickname_too_long", "room_too_long"},
		{"NUL", "a\x00", "bad_nickname", "bad_room"},
		{"newline", "a\nb", "bad_nickname", "bad_room"},
		{"delete", "\x7f", "bad_nickname", "bad_room"},
		{"C1 control", "a\u0085", "bad_nickname", "bad_room"},
		{"left-to-right mark", "a\u200e", "bad_nickname", "bad_room"},
		{"Arabic letter mark", "a\u061c", "bad_nickname", "bad_room"},
		{"override", "a\u202etxt.exe", "bad_nickname", "bad_room"},
		{"isolate", "\u2066a\u2069", "bad_nickname", "bad_room"},
		{"stray byte", "a\xff", "bad_nickname", "bad_room"},
		{"encoded surrogate", "\xed\xa0\x80", "bad_nickname", "bad_room"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			for _, check := range []struct {
				err  *jsonError
				want string
			}{{checkNickname([]byte(tt.s)), tt.nickname}, {checkRoomName([]byte(tt.s)), tt.room}} {
				if check.want == "" && check.err != nil || check.want != "" && (check.err == nil || check.err.Code != check.want) {
					t.Errorf("%q: %+v, want %q", tt.s, check.err, check.want)
				}
			}
		})
	}
}

func TestBidiControlsAreTheUnicodeProperty(t *testing.T) {
	t.Parallel()
	for r := range rune(unicode.MaxRune) {
		if got, want := isBidiControl(r), unicode.Is(unicode.Bidi_Control, r); got != want {
			t.Errorf("%U: %v, want %v", r, got, want)
		}
	}
}

func TestRefusalsAreComplete(t *testing.T) {
	t.Parallel()
	for why := accepted + 1; int(why) < len(refusals); why++ {
		if refusals[why].Code == "" || refusals[why].Reason == "" {
			t.Errorf("refusal %d has no words", why)
		}
	}
	if len(refusals) != int(refusedRoomRune)+1 {
		t.Error("the table ends before the last refusal")
	}
}

func TestJSONAllocatesNothing(t *testing.T) {
	dst, scratch := make([]byte, 0, 4096), make([]byte, 0, maxNicknameRaw)
	text := "a \"quoted\" line\u2028 \xff"
	sources := [][]byte{[]byte(richObject), []byte(`{"nickname":"` + strings.Repeat(`\u0061`, 64) + `","n":1.7976931348623157e308,"\u0065v":1}`)}
	for _, src := range benchObjects {
		sources = append(sources, src)
	}
	for _, src := range sources {
		allocs := testing.AllocsPerRun(100, func() {
			if _, _, err := spliceChat(dst, scratch, src); err != nil {
				t.Fatal(err)
			}
			o, _ := scanObject(src)
			for name, value, ok := o.next(); ok; name, value, ok = o.next() {
				nameIs(name, "nickname")
				jsonInt(value)
				jsonString(scratch, value)
			}
			appendJSONString(dst, text)
			checkNickname(scratch[:1:1])
			checkRoomName(src[2:6])
		})
		if allocs != 0 {
			t.Errorf("%v allocations for %s", allocs, src)
		}
	}
}

// checkSplice holds spliceChat against encoding/json. Accepted input is valid JSON; what comes out, in braces, is
// compact and valid JSON that decodes to the original less the server-owned names, each value byte for byte but for
// white space; and the nickname, the raw values and the count of members are right. Refused input leaves dst alone.
func checkSplice(t *testing.T, src []byte) {
	t.Helper()
	kept := bytes.Clone(src)
	out, c, err := spliceChat([]byte("{"), make([]byte, 3), src)
	if !bytes.Equal(kept, src) {
		t.Fatalf("src was written to: %q, was %q", src, kept)
	}
	nicknameRefused := err != nil && strings.Contains(err.Code, "nickname")
	if !nicknameRefused {
		checkVerdict(t, src, err)
	}
	if err != nil && string(out) != "{" {
		t.Fatalf("%q refused with %+v, but out is %q", src, err, out)
	}
	if err != nil && !nicknameRefused {
		return
	}
	want := decodeMembers(t, src)
	checkNicknameTwin(t, want["nickname"], c, err)
	if err != nil {
		return
	}
	out = append(out, '}')
	var compact bytes.Buffer
	if err := json.Compact(&compact, out); err != nil || !bytes.Equal(compact.Bytes(), out) {
		t.Fatalf("%q was spliced into %q: %v", src, out, err)
	}
	for _, name := range []string{"status", "room", "offset", "epoch", "ev", "error"} {
		delete(want, name)
	}
	got := decodeMembers(t, out)
	if len(got) != len(want) {
		t.Fatalf("%q was spliced into %q: %d names, want %d", src, out, len(got), len(want))
	}
	for name, value := range want {
		if !bytes.Equal(got[name], value) {
			t.Fatalf("%q was spliced into %q: member %q is %s, want %s", src, out, name, got[name], value)
		}
	}
	checkChatObject(t, out, c, want)
}

// decodeMembers returns the compact values by decoded name; of duplicates the last.
func decodeMembers(t *testing.T, src []byte) map[string]json.RawMessage {
	t.Helper()
	var members map[string]json.RawMessage
	if err := json.Unmarshal(src, &members); err != nil {
		t.Fatalf("%q: %v", src, err)
	}
	for name, value := range members {
		var compact bytes.Buffer
		if err := json.Compact(&compact, value); err != nil {
			t.Fatal(err)
		}
		members[name] = compact.Bytes()
	}
	return members
}

// checkNicknameTwin decodes and judges the nickname once more, the slow way.
func checkNicknameTwin(t *testing.T, raw json.RawMessage, c chatObject, err *jsonError) {
	t.Helper()
	want, s := "", ""
	if raw != nil {
		if raw[0] != '"' || json.Unmarshal(raw, &s) != nil {
			want = "bad_nickname"
		} else if len(s) > 256 || utf8.RuneCountInString(s) > 64 {
			want = "nickname_too_long"
		} else if strings.ContainsFunc(s, func(r rune) bool { return unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r) }) {
			want = "bad_nickname"
		}
	}
	got := ""
	if err != nil {
		got = err.Code
	}
	if got != want || err == nil && string(c.Nickname) != s {
		t.Fatalf("nickname %s: %q with %+v, want %q with %q", raw, c.Nickname, err, s, want)
	}
}

// checkChatObject checks what the caller is told against out, in braces, and its members.
func checkChatObject(t *testing.T, out []byte, c chatObject, want map[string]json.RawMessage) {
	t.Helper()
	if c.NicknameRaw != nil && !bytes.HasPrefix(out[c.NicknameAt:], c.NicknameRaw) {
		t.Fatalf("%q: nickname %q is not at %d", out, c.NicknameRaw, c.NicknameAt)
	}
	if _, has := want["message"]; has != c.HasMessage {
		t.Fatalf("%q: HasMessage is %v", out, c.HasMessage)
	}
	for name, raw := range map[string][]byte{"nickname": c.NicknameRaw, "message": c.Message, "time": c.Time, "key": c.Key} {
		if !bytes.Equal(appendCompact(nil, raw), want[name]) {
			t.Fatalf("%q: %s is %q, want %q", out, name, raw, want[name])
		}
	}
	o, err := scanObject(out)
	if err != nil {
		t.Fatalf("%q: spliced, but refused with %+v", out, err)
	}
	members, known := 0, 0
	for name, value, ok := o.next(); ok; name, value, ok = o.next() {
		members++
		if fieldOf(name) < fieldUnknown {
			known++
		}
		checkScalars(t, name, value)
	}
	once := 0
	for name := range want {
		if fieldOf([]byte(name)) < fieldUnknown && !strings.Contains(name, `\`) {
			once++
		}
	}
	if members != c.Members || known != once {
		t.Fatalf("%q: %d members, said to be %d; %d of the server's fields, want each of %d once", out, members, c.Members, known, once)
	}
}

// checkScalars decodes a member's name and value with the functions the gateway uses and with encoding/json.
func checkScalars(t *testing.T, name, value []byte) {
	t.Helper()
	quoted := append(append([]byte{'"'}, name...), '"')
	for _, raw := range [][]byte{quoted, value} {
		var want string
		wantOK := raw[0] == '"' && json.Unmarshal(raw, &want) == nil
		got, ok := jsonString(nil, raw)
		if ok != wantOK || string(got) != want {
			t.Fatalf("jsonString(%q) = %q, %v, want %q, %v", raw, got, ok, want, wantOK)
		}
	}
	var want string
	if err := json.Unmarshal(quoted, &want); err != nil || !nameIs(name, want) || nameIs(name, want+"x") {
		t.Fatalf("name %q is not %q (%v)", name, want, err)
	}
	got, ok := jsonInt(value)
	if want, wantOK := twinInt(string(value)); got != want || ok != wantOK {
		t.Fatalf("jsonInt(%s) = %d, %v, want %d, %v", value, got, ok, want, wantOK)
	}
}

// FuzzChatObject: for any bytes, what scanObject and spliceChat accept is what encoding/json decodes, and what they
// refuse breaks the rule that the code names, as checkVerdict and checkSplice say. No input makes them panic.
func FuzzChatObject(f *testing.F) {
	f.Add([]byte(richObject))
	for _, src := range benchObjects {
		f.Add(src)
	}
	f.Fuzz(func(t *testing.T, src []byte) {
		checkSplice(t, src)
	})
}

func BenchmarkSpliceChat(b *testing.B) {
	dst, scratch := make([]byte, 0, 4096), make([]byte, 0, maxNicknameRaw)
	for name, src := range benchObjects {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			b.SetBytes(int64(len(src)))
			for b.Loop() {
				if _, _, err := spliceChat(dst, scratch, src); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

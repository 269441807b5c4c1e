package gateway

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
)

func TestScanObject(t *testing.T) {
	t.Parallel()
	nested := func(n int) string { // n containers in all
		return `{"a":` + strings.Repeat("[", n-1) + strings.Repeat("]", n-1) + `}`
	}
	for _, tt := range []struct {
		name, src, code string
		at              int
	}{
		{"empty object", `{}`, "", 0},
		{"white space of all four kinds", " \t\r\n{ \t\r\n} \t\r\n", "", 0},
		{"every kind of value", `{"a":null,"b":true,"c":false,"d":[],"e":{},"f":"","g":-0.5e-7,"":[1,[2],{"x":3}]}`, "", 0},
		{"every escape", `{"a":"\"\\\/\b\f\n\r\t\u0000\uABcd\ud83d\ude00"}`, "", 0},
		{"delete and non-characters are plain", "{\"a\":\"\x7f\uffff\ufffd\u2028\"}", "", 0},
		{"containers up to the limit", nested(maxDepth), "", 0},
		{"number up to the limit", `{"a":` + strings.Repeat("1", maxNumberLen) + `}`, "", 0},
		{"largest float64", `{"a":1.7976931348623157e+308}`, "", 0},
		{"rounds down to the largest", `{"a":1.797693134862315807937289714053034e308}`, "", 0},
		{"a shifted largest", `{"a":-0.00000017976931348623158079E315}`, "", 0},
		{"too small is zero", `{"a":1e-999999999999999999999999}`, "", 0},
		{"zero has no scale", `{"a":0.000e999999999}`, "", 0},
		{"quote in a full word", `{"a":"1234567\"12345678"}`, "", 0},

		{"nothing", ``, "bad_json", 0},
		{"only white space", `  `, "bad_json", 2},
		{"NUL", "\x00{}", "bad_json", 0},
		{"byte order mark", "\ufeff{}", "bad_json", 0},
		{"word", `hello`, "bad_json", 0},
		{"array", `[{}]`, "not_object", 0},
		{"string", ` "a"`, "not_object", 1},
		{"number", `12`, "not_object", 0},
		{"null", `null`, "not_object", 0},
		{"trailing brace", `{}}`, "bad_json", 2},
		{"two objects", `{} {}`, "bad_json", 3},
		{"trailing NUL", "{}\x00", "bad_json", 2},
		{"trailing comma", `{"a":1,}`, "bad_json", 7},
		{"trailing comma in an array", `{"a":[1,]}`, "bad_json", 8},
		{"only a comma", `{,}`, "bad_json", 1},
		{"comma in an empty array", `{"a":[,]}`, "bad_json", 6},
		{"no comma", `{"a":1 "b":2}`, "bad_json", 7},
		{"no colon", `{"a" 1}`, "bad_json", 5},
		{"no value", `{"a":}`, "bad_json", 5},
		{"name no string", `{a:1}`, "bad_json", 1},
		{"single quotes", `{'a':1}`, "bad_json", 1},
		{"closed by the other bracket", `{"a":[1}`, "bad_json", 7},
		{"comment", `{/**/}`, "bad_json", 1},
		{"vertical tab is no white space", "{\v}", "bad_json", 1},
		{"no-break space is no white space", "{\u00a0}", "bad_json", 1},
		{"NaN", `{"a":NaN}`, "bad_json", 5},
		{"nul", `{"a":nul}`, "bad_json", 8},
		{"nulll", `{"a":nulll}`, "bad_json", 9},
		{"True", `{"a":True}`, "bad_json", 5},
		{"leading zero", `{"a":01}`, "bad_json", 6},
		{"leading plus", `{"a":+1}`, "bad_json", 5},
		{"leading point", `{"a":.5}`, "bad_json", 5},
		{"trailing point", `{"a":1.}`, "bad_json", 7},
		{"only a minus", `{"a":-}`, "bad_json", 6},
		{"empty exponent", `{"a":1e+}`, "bad_json", 8},
		{"hexadecimal", `{"a":0x1}`, "bad_json", 6},
		{"raw newline", "{\"a\":\"\n\"}", "bad_json", 6},
		{"raw control in a full word", "{\"a\":\"1234\x1f67890\"}", "bad_json", 10},
		{"raw control in a name", "{\"\x00\":1}", "bad_json", 2},
		{"unknown escape", `{"a":"\x41"}`, "bad_json", 6},
		{"short unicode escape", `{"a":"\u12g4"}`, "bad_json", 6},
		{"signed unicode escape", `{"a":"\u+123"}`, "bad_json", 6},

		{"lone high surrogate", `{"a":"\ud800"}`, "lone_surrogate", 6},
		{"lone low surrogate", `{"a":"\uDFFF"}`, "lone_surrogate", 6},
		{"two high surrogates", `{"a":"\ud800\ud800"}`, "lone_surrogate", 6},
		{"high surrogate before another escape", `{"a":"\ud800\n12345"}`, "lone_surrogate", 6},
		{"low before high", `{"\udc00\ud800":1}`, "lone_surrogate", 2},
		{"stray continuation", "{\"a\":\"\x80\"}", "bad_utf8", 6},
		{"overlong slash", "{\"a\":\"\xc0\xaf\"}", "bad_utf8", 6},
		{"encoded surrogate", "{\"a\":\"\xed\xa0\x80\"}", "bad_utf8", 6},
		{"past U+10FFFF", "{\"a\":\"\xf4\x90\x80\x80\"}", "bad_utf8", 6},
		{"stray continuation after a rune", "{\"a\":\"é\x80\"}", "bad_utf8", 8},
		{"cut rune", "{\"a\":\"\xe2\x82\"}", "bad_utf8", 6},
		{"one container too many", nested(maxDepth + 1), "too_deep", 5 + maxDepth - 1},
		{"number one byte too long", `{"a":` + strings.Repeat("1", maxNumberLen+1) + `}`, "number_too_long", 5 + maxNumberLen + 1},
		{"past the largest float64", `{"a":1.797693134862315807937289714053035e308}`, "number_range", 44},
		{"1e309", `{"a":1e309}`, "number_range", 10},
		{"-1E+400", `{"a":-1E+400}`, "number_range", 12},
		{"0.1e310", `{"a":0.1e310}`, "number_range", 12},
		{"exponent past an int", `{"a":1e99999999999999999999}`, "number_range", 27},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			_, err := scanObject([]byte(tt.src))
			var got jsonError
			if err != nil {
				got = *err
			}
			if got.Code != tt.code || got.At != tt.at {
				t.Fatalf("scanObject(%q) = %+v, want code %q at %d", tt.src, got, tt.code, tt.at)
			}
			checkVerdict(t, []byte(tt.src), err)
		})
	}
}

// checkVerdict holds what scanObject said against encoding/json, as far as the two agree on what is right.
func checkVerdict(t *testing.T, src []byte, err *jsonError) {
	t.Helper()
	var object map[string]any
	oracle := json.Unmarshal(src, &object)
	switch {
	case err == nil:
		if oracle != nil || object == nil {
			t.Fatalf("accepted %q, encoding/json: %v", src, oracle)
		}
	case err.Reason == "" || err.At < 0 || err.At > len(src):
		t.Fatalf("%q: incomplete error %+v", src, err)
	case err.Code == "bad_json" && json.Valid(src):
		t.Fatalf("%q: %+v, but encoding/json finds it valid", src, err)
	case (err.Code == "not_object" || err.Code == "number_range") && oracle == nil && object != nil:
		t.Fatalf("%q: %+v, but encoding/json decodes it", src, err)
	}
}

// richObject holds every kind of token; every truncation of it is broken in another place.
const richObject = `{"nickname":"ann\u00e9\ud83d\ude00é😀","message":{"a":[1,-2.5e+10,true,false,null,"\n"],"b":{}},"time":"10-22 21:33:01","st\u0061tus":7 , "x":[ ]}`

func TestScanObjectTruncated(t *testing.T) {
	t.Parallel()
	for n := range len(richObject) {
		src := []byte(richObject[:n])
		if _, err := scanObject(src[:n:n]); err == nil {
			t.Errorf("accepted the first %d bytes: %q", n, src)
		}
		out, c, err := spliceChat([]byte("dst"), nil, src[:n:n])
		if err == nil || string(out) != "dst" || c.Members != 0 {
			t.Errorf("first %d bytes: out %q, %d members, error %v", n, out, c.Members, err)
		}
	}
}

func TestScanObjectByteFlips(t *testing.T) {
	t.Parallel()
	for at := range len(richObject) {
		for b := range 256 {
			src := []byte(richObject)
			src[at] = byte(b)
			_, err := scanObject(src)
			checkVerdict(t, src, err)
		}
	}
}

func TestNumberRangeAgainstParser(t *testing.T) {
	t.Parallel()
	for _, digits := range []string{"0", "0.0", "1", "9", "17", "1.7976931348623157", "1.7976931348623158", "1.79769313486231580793728971405",
		"179769313486231580793728971405303", "1797693134862315807937289714053.04", "0.01797693134862315807937289714", "179769313486231580793728971405304"} {
		for exponent := 270; exponent < 312; exponent++ {
			src := fmt.Appendf(nil, `{"a":-%se%d}`, digits, exponent)
			var v map[string]any
			_, err := scanObject(src)
			if want := json.Unmarshal(src, &v); (err == nil) != (want == nil) {
				t.Errorf("%s: %v, encoding/json: %v", src, err, want)
			}
		}
	}
}

// hostileObjects are large inputs of the kinds that make careless parsers quadratic or exhaust their stack.
func hostileObjects() map[string][]byte {
	const size = 1 << 20
	repeat := func(before, s, after string) []byte {
		return []byte(before + strings.Repeat(s, size/len(s)) + after)
	}
	return map[string][]byte{
		"deep arrays":      repeat(`{"a":`, `[`, ``),
		"deep objects":     repeat(``, `{"a":`, ``),
		"long string":      repeat(`{"message":"`, `a`, `"}`),
		"long UTF-8":       repeat(`{"message":"`, `é`, `"}`),
		"escaped quotes":   repeat(`{"message":"`, `\"`, `"}`),
		"backslashes":      repeat(`{"message":"`, `\\`, `"}`),
		"huge number":      repeat(`{"a":`, `1`, `}`),
		"huge exponent":    repeat(`{"a":1e`, `1`, `}`),
		"white space":      repeat(`{`, ` `, `}`),
		"many members":     repeat(`{"z":0`, `,"a":1`, `}`),
		"many nicknames":   repeat(`{"z":0`, `,"nickname":"a"`, `}`),
		"many owned names": repeat(`{"z":0`, `, "st\u0061tus":[ ]`, `}`),
		"flat array":       repeat(`{"a":[0`, `, 0`, `]}`),
		"long nickname":    repeat(`{"nickname":"`, `\u0041`, `"}`),
		"long name":        repeat(`{"`, `\u0041`, `":1}`),
		"open string":      repeat(`{"a":"`, `a`, ``),
	}
}

func TestHostileObjects(t *testing.T) {
	t.Parallel()
	for name, src := range hostileObjects() {
		_, err := scanObject(src)
		checkVerdict(t, src, err)
		checkSplice(t, src)
		if err != nil && strings.HasPrefix(name, "deep") && err.Code != "too_deep" {
			t.Errorf("%s: %+v", name, err)
		}
	}
}

func BenchmarkHostileObjects(b *testing.B) {
	for name, src := range hostileObjects() {
		dst, scratch := make([]byte, 0, len(src)), make([]byte, 0, maxNicknameRaw)
		b.Run(name, func(b *testing.B) {
			b.SetBytes(int64(len(src)))
			for b.Loop() {
				spliceChat(dst, scratch, src)
			}
		})
	}
}

var benchObjects = map[string][]byte{
	"64B":        []byte(`{"nickname":"ann","message":"hello there","time":"10-22 21:33:0"}`),
	"100B":       []byte(`{"nickname":"ann","message":"hello there, how is everybody doing this evening?","time":"10-22 21:33:01"}`),
	"100Bspaced": []byte(`{"nickname": "ann", "message": "hello there, how is everybody doing this evening", "time": "21:33:01"}`),
	"100BUTF8":   []byte(`{"nickname":"ann","message":"привет, как дела у всех сегодня? 😀","time":"10-22 21:33:01"}`),
	"200B":       []byte(`{"nickname":"ann","message":{"text":"hello there, how is everybody doing this evening? \"fine\" they said","tags":["a","b",3],"to":null},"time":"10-22 21:33:01","client":"page","version":12.5,"urgent":false}`),
}

func BenchmarkScanObject(b *testing.B) {
	for name, src := range benchObjects {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			b.SetBytes(int64(len(src)))
			for b.Loop() {
				if _, err := scanObject(src); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

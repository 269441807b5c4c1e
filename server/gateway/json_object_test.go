package gateway

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strconv"
	"testing"
)

func TestObjectMembers(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		src  string
		want []string // name and value in turn
	}{
		{`{}`, nil},
		{` { } `, nil},
		{`{"a":1}`, []string{`a`, `1`}},
		{` { "a" : 1 , "b" : [ 1 , {"c":"]}"} ] } `, []string{`a`, `1`, `b`, `[ 1 , {"c":"]}"} ]`}},
		{`{"":"","\"\\":"\\\"","a,b:":"{,:","n":null}`, []string{``, `""`, `\"\\`, `"\\\""`, `a,b:`, `"{,:"`, `n`, `null`}},
		{`{"a":{"a":{}},"a":-1e5}`, []string{`a`, `{"a":{}}`, `a`, `-1e5`}},
	} {
		o, err := scanObject([]byte(tt.src))
		if err != nil {
			t.Fatalf("%s: %+v", tt.src, err)
		}
		for pass := range 2 {
			var got []string
			for name, value, ok := o.next(); ok; name, value, ok = o.next() {
				got = append(got, string(name), string(value))
				if at := tt.src[o.valueAt:]; at[:len(value)] != string(value) {
					t.Errorf("%s: value %s said to be at %q", tt.src, value, at)
				}
			}
			if fmt.Sprintf("%q", got) != fmt.Sprintf("%q", tt.want) {
				t.Errorf("%s, pass %d: %q, want %q", tt.src, pass, got, tt.want)
			}
			o.rewind()
		}
	}
	var zero jsonObject
	if _, _, ok := zero.next(); ok {
		t.Error("the zero object has a member")
	}
}

func TestNameIs(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		raw, name string
		want      bool
	}{
		{`status`, `status`, true},
		{`st\u0061tus`, `status`, true},
		{`\u0073\u0074\u0061\u0074\u0075\u0073`, `status`, true},
		{`statu\u0073`, `status`, true},
		{``, ``, true},
		{`Status`, `status`, false},
		{`st\u0041tus`, `status`, false},
		{`statu`, `status`, false},
		{`status\u0000`, `status`, false},
		{`\\status`, `status`, false},
		{`\/`, `/`, true},
		{`\ud83d\ude00`, `😀`, true},
		{`\ud83d\ude00`, "\xf0", false},
		{`\u00e9`, `é`, true},
		{`\n`, "\n", true},
		{`\u006`, `l`, false},
		{`st\atus`, `status`, false},
	} {
		if got := nameIs([]byte(tt.raw), tt.name); got != tt.want {
			t.Errorf("nameIs(%s, %q) = %v", tt.raw, tt.name, got)
		}
	}
}

func TestJSONString(t *testing.T) {
	t.Parallel()
	dst := []byte("0123456789")
	for _, tt := range []struct {
		raw, want string
		ok        bool
	}{
		{`""`, ``, true},
		{`"plain é"`, `plain é`, true},
		{`"\"\\\/\b\f\n\r\t"`, "\"\\/\b\f\n\r\t", true},
		{`"a\u0000b\uABCDc\ud83d\ude00"`, "a\x00b\uabcdc😀", true},
		{`12`, ``, false},
		{`null`, ``, false},
		{`{"a":"b"}`, ``, false},
		{`"`, ``, false},
		{``, ``, false},
	} {
		got, ok := jsonString(dst[:4], []byte(tt.raw))
		if string(got) != tt.want || ok != tt.ok {
			t.Errorf("jsonString(%s) = %q, %v", tt.raw, got, ok)
		}
	}

	raw := []byte(`"ab"`)
	got, _ := jsonString(dst, raw)
	if &got[0] != &raw[1] {
		t.Error("a string without escapes was copied")
	}
	got, _ = jsonString(dst, []byte(`"\n"`))
	if &got[0] != &dst[0] {
		t.Error("a string with escapes was not decoded into dst")
	}
}

func TestJSONInt(t *testing.T) {
	t.Parallel()
	for _, raw := range []string{"0", "-0", "1", "-1", "41", "9223372036854775807", "-9223372036854775808", "922337203685477580", "-922337203685477581",
		"9223372036854775808", "-9223372036854775809", "9223372036854775810", "18446744073709551616", "99999999999999999999999999",
		"", "-", "00", "-01", "1.0", "1e2", "1E2", "0.5", "null", "true", `"1"`, "[]", "{}", "--1", "1 "} {
		got, ok := jsonInt([]byte(raw))
		want, wantOK := twinInt(raw)
		if got != want || ok != wantOK {
			t.Errorf("jsonInt(%s) = %d, %v, want %d, %v", raw, got, ok, want, wantOK)
		}
	}
}

// twinInt says the same with strconv: an integer is what it parses and JSON allows.
func twinInt(raw string) (int64, bool) {
	v, err := strconv.ParseInt(raw, 10, 64)
	if err != nil || !json.Valid([]byte(raw)) || bytes.ContainsAny([]byte(raw), " +") {
		return 0, false
	}
	return v, true
}

package gateway

import (
	"bytes"
	"encoding/json"
	"testing"
	"unicode/utf8"
)

func TestAppendJSONString(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ s, want string }{
		{"", `""`},
		{"plain", `"plain"`},
		{"quote \" and \\", `"quote \" and \\"`},
		{"\b\f\n\r\t\x00\x1f", `"\b\f\n\r\t\u0000\u001f"`},
		{"\x7f é 😀", "\"\x7f é 😀\""},
		{"<a href='x'>&amp;</a>", `"<a href='x'>&amp;</a>"`},
		{"a\u2028b\u2029c\u2027", `"a\u2028b\u2029c` + "\u2027\""},
		{"\ufffd", "\"\ufffd\""},
		{"a\xffb\xe2\x82", `"a\ufffdb\ufffd\ufffd"`},
		{"\xed\xa0\x80", `"\ufffd\ufffd\ufffd"`},
	} {
		if got := appendJSONString([]byte("dst"), tt.s); string(got) != "dst"+tt.want {
			t.Errorf("%q: %s, want %s", tt.s, got, tt.want)
		}
	}
}

// FuzzAppendJSONString: what is appended is byte for byte what encoding/json writes, and jsonString undoes it.
func FuzzAppendJSONString(f *testing.F) {
	f.Add("")
	f.Add("a\"\\\b\x00\u2028é😀\xff\xed\xa0\x80<&>")
	f.Fuzz(func(t *testing.T, s string) {
		got := appendJSONString(nil, s)
		var want bytes.Buffer
		encoder := json.NewEncoder(&want)
		encoder.SetEscapeHTML(false)
		if err := encoder.Encode(s); err != nil {
			t.Fatal(err)
		}
		if want.Truncate(want.Len() - 1); !bytes.Equal(got, want.Bytes()) { // without the newline
			t.Fatalf("%q: %s, want %s", s, got, want.Bytes())
		}
		back, ok := jsonString(nil, got)
		if !ok || utf8.ValidString(s) && string(back) != s {
			t.Fatalf("%q came back as %q, %v", s, back, ok)
		}
	})
}

func TestAppendCompact(t *testing.T) {
	t.Parallel()
	for _, src := range []string{`1`, `" a "`, `[ ]`, "\t{ \"a b\" :\r\n[ 1 , \"\\\" , \\\\\" , { } ] }", richObject} {
		var want bytes.Buffer
		if err := json.Compact(&want, []byte(src)); err != nil {
			t.Fatal(err)
		}
		if got := appendCompact(nil, []byte(src)); string(got) != want.String() {
			t.Errorf("%s: %s, want %s", src, got, want.Bytes())
		}
	}
}

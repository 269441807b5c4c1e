package codec

import (
	"net/url"
	"testing"
)

func TestQueryValue(t *testing.T) {
	for _, tt := range []struct {
		query, name, want string
		found             bool
	}{
		{"", "room", "", false},
		{"room=lobby", "room", "lobby", true},
		{"room", "room", "", true},
		{"room=", "room", "", true},
		{"a=1&room=x&room=y", "room", "x", true},
		{"room=a%20b+c", "room", "a b c", true},
		{"r%6fom=a", "room", "a", true},
		{"my+room=a", "my room", "a", true},
		{"room=a=b", "room", "a=b", true},
		{"room=%zz&room=ok", "room", "ok", true},
		{"room=a;b&room=ok", "room", "ok", true},
		{"&&room=x&", "room", "x", true},
		{"rooms=x", "room", "", false},
		{"=x", "", "x", true},
	} {
		r := Request{Query: []byte(tt.query)}
		if got, found := r.QueryValue(tt.name); got != tt.want || found != tt.found {
			t.Errorf("%q: got %q, %v, want %q, %v", tt.query, got, found, tt.want, tt.found)
		}
	}
}

// FuzzQuery: the first value of every name is the one net/url finds.
func FuzzQuery(f *testing.F) {
	f.Add("room=a%20b&room=c&;x&%zz=1", "room")
	f.Add("a+b=%41&=", "a b")
	f.Fuzz(func(t *testing.T, query, name string) {
		r := Request{Query: []byte(query)}
		all, _ := url.ParseQuery(query)
		for _, name := range []string{name, "room", ""} {
			got, found := r.QueryValue(name)
			if values, want := all[name]; found != want || found && got != values[0] {
				t.Fatalf("%q of %q: got %q, %v, want %q, %v", name, query, got, found, values, want)
			}
		}
	})
}

package codec

import (
	"regexp"
	"strings"
	"testing"
)

// TestNegotiateDeflate covers what package conformance's table of offers cannot: lists given apart.
func TestNegotiateDeflate(t *testing.T) {
	offers := func(lists ...string) (out [][]byte) {
		for _, l := range lists {
			out = append(out, []byte(l))
		}
		return out
	}
	for _, tt := range []struct {
		lists [][]byte
		want  []byte
	}{
		{nil, nil},
		{offers(""), nil},
		{offers("permessage-deflate"), deflateAnswer},
		{offers("permessage-deflate; server_max_window_bits=9", "permessage-deflate; server_max_window_bits=15"), deflateAnswerWindow},
		{offers("permessage-deflate; x", "a, b"), nil},
		{offers("permessage-deflate; =", "permessage-deflate"), deflateAnswer},
	} {
		if got := NegotiateDeflate(tt.lists...); string(got) != string(tt.want) {
			t.Errorf("%q: got %q, want %q", tt.lists, got, tt.want)
		}
	}
}

func TestNegotiateDeflateByAgent(t *testing.T) {
	for _, tt := range []struct {
		agent string
		want  []byte
	}{
		{"", deflateAnswer},
		{"Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/15.0 Safari/605.1.15", nil},
		{"Mozilla/5.0 (iPhone; CPU iPhone OS 15_3_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/15.3.1 Mobile/15E148 Safari/604.1", nil},
		{"Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/15.4 Safari/605.1.15", deflateAnswer},
		{"Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/15.30 Safari/605.1.15", deflateAnswer},
		{"Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/150.0.0.0 Safari/537.36", deflateAnswer},
		{"Something Version/15.1", deflateAnswer},
		{"Something Version/15.", deflateAnswer},
	} {
		r := parse(t, "GET / HTTP/1.1\r\nHost: h\r\nUser-Agent: "+tt.agent+"\r\nSec-WebSocket-Extensions: permessage-deflate\r\n\r\n")
		if got := r.NegotiateDeflate(); string(got) != string(tt.want) {
			t.Errorf("%q: got %q, want %q", tt.agent, got, tt.want)
		}
	}
	if got := parse(t, sampleUpgrade).NegotiateDeflate(); got != nil {
		t.Errorf("nothing was offered, got %q", got)
	}
}

// The grammar of RFC 6455 section 9.1, and the offers that can be met, as patterns of offers without quotes.
var (
	token         = `[!#$%&'*+\-.^_|~0-9A-Za-z` + "`]+"
	offerGrammar  = regexp.MustCompile(`^` + token + `([ \t]*;[ \t]*` + token + `([ \t]*=[ \t]*` + token + `)?)*$`)
	offerParams   = regexp.MustCompile(`[ \t]*[;][ \t]*`)
	legalParam    = regexp.MustCompile(`^(?i:server_no_context_takeover|client_no_context_takeover|client_max_window_bits|client_max_window_bits[ \t]*=[ \t]*([89]|1[0-5])|server_max_window_bits[ \t]*=[ \t]*15)$`)
	paramValue    = regexp.MustCompile(`[ \t]*=.*`)
	windowOfOffer = regexp.MustCompile(`(?i:server_max_window_bits)`)
)

func naiveNegotiate(list string) (answer string, grammar bool) {
	grammar = true
	for _, offer := range strings.Split(list, ",") {
		if offer = strings.Trim(offer, " \t"); offer == "" {
			continue
		}
		if !offerGrammar.MatchString(offer) {
			grammar = false
			continue
		}
		params := offerParams.Split(offer, -1)
		met := strings.EqualFold(params[0], "permessage-deflate")
		seen := map[string]bool{}
		for _, p := range params[1:] {
			name := strings.ToLower(paramValue.ReplaceAllString(p, ""))
			met = met && legalParam.MatchString(p) && !seen[name]
			seen[name] = true
		}
		if met && answer == "" {
			answer = string(deflateAnswer)
			if windowOfOffer.MatchString(offer) {
				answer = string(deflateAnswerWindow)
			}
		}
	}
	return answer, grammar
}

// FuzzDeflateOffer: lists without quotes are judged as regular expressions judge them, and no list breaks the parser.
// Putting quotes around a value changes nothing.
func FuzzDeflateOffer(f *testing.F) {
	for _, seed := range []string{
		"permessage-deflate; client_max_window_bits",
		"permessage-deflate; server_max_window_bits=10, permessage-deflate;server_max_window_bits = 15",
		`x; a="b\"c", permessage-deflate; client_max_window_bits="1\5"`,
		"permessage-deflate; server_no_context_takeover; server_no_context_takeover",
		"permessage-deflate; client_no_context_takeover; client_max_window_bits=08,,",
		"permessage-deflate; , ;a",
	} {
		f.Add(seed)
	}
	value := regexp.MustCompile(`=[ \t]*(` + token + `)`)
	f.Fuzz(func(t *testing.T, list string) {
		got, grammar := string(NegotiateDeflate([]byte(list))), extensionList([]byte(list))
		if got != "" && got != string(deflateAnswer) && got != string(deflateAnswerWindow) {
			t.Fatalf("answer %q", got)
		}
		if strings.ContainsAny(list, "\"\r\n") || !grammar && got == "" {
			return
		}
		want, legal := naiveNegotiate(list)
		if grammar != legal || grammar && got != want {
			t.Fatalf("%q: got %q, %v, want %q, %v", list, got, grammar, want, legal)
		}
		if grammar {
			quoted := value.ReplaceAllString(list, `="$1"`)
			if again := string(NegotiateDeflate([]byte(quoted))); again != got {
				t.Fatalf("%q: got %q, with quotes %q", list, got, again)
			}
		}
	})
}

package codec

import "bytes"

// Answers to an acceptable offer of permessage-deflate. Both directions go without context takeover: outgoing so that
// one compressed frame serves every receiver, incoming so that a connection between messages holds no window.
// RFC 7692 section 7.1.1.2 lets a server ask for the latter in any answer.
var (
	deflateAnswer       = []byte("permessage-deflate; server_no_context_takeover; client_no_context_takeover")
	deflateAnswerWindow = []byte("permessage-deflate; server_no_context_takeover; client_no_context_takeover; server_max_window_bits=15")
)

// NegotiateDeflate is the function of that name for this request, which also spares the one browser that cannot do
// what it answers: Safari 15.0 to 15.3 takes context over after client_no_context_takeover was agreed.
func (r *Request) NegotiateDeflate() []byte {
	if len(r.Extensions) == 0 || takesOverRegardless(r.Header("User-Agent")) {
		return nil
	}
	return NegotiateDeflate(r.Extensions)
}

func takesOverRegardless(agent []byte) bool {
	const version = " Version/15."
	i := bytes.Index(agent, []byte(version))
	if i < 0 {
		return false
	}
	rest := agent[i+len(version):]
	minor := len(rest) > 0 && rest[0] >= '0' && rest[0] <= '3' && (len(rest) == 1 || rest[1] < '0' || rest[1] > '9')
	return minor && bytes.Contains(rest, []byte(" Safari/"))
}

// NegotiateDeflate reads the client's Sec-WebSocket-Extensions lines and returns the value to answer the first offer
// of permessage-deflate with that can be met, nil if there is none. The result is shared and must not be changed.
func NegotiateDeflate(extensions ...[]byte) []byte {
	for _, list := range extensions {
		for e := (extensionScanner{rest: list}); e.next(); {
			if !foldEqual(e.name, "permessage-deflate") {
				continue
			}
			if answer := answerOffer(e.params); answer != nil {
				return answer
			}
		}
	}
	return nil
}

// answerOffer decides about one offer. RFC 7692 section 7.1: a server declines an offer that contains a parameter
// not defined for it, one with an invalid value, or one twice.
func answerOffer(params []byte) []byte {
	const (
		serverTakeover = 1 << iota
		clientTakeover
		serverBits
		clientBits
	)
	seen := 0
	p := paramScanner{rest: params}
	for p.next() {
		bit := 0
		switch {
		case foldEqual(p.name, "server_no_context_takeover") && !p.hasValue:
			bit = serverTakeover
		case foldEqual(p.name, "client_no_context_takeover") && !p.hasValue:
			bit = clientTakeover
		// Section 7.1.2.1: the answer may not exceed the offer, and Go compresses with a window of 15 bits.
		case foldEqual(p.name, "server_max_window_bits") && p.hasValue && windowBits(p.value) == 15:
			bit = serverBits
		// Section 7.1.2.2: a hint; an answer without it leaves the client free to use up to 15 bits, or its own offer.
		case foldEqual(p.name, "client_max_window_bits") && (!p.hasValue || windowBits(p.value) != 0):
			bit = clientBits
		}
		if bit == 0 || seen&bit != 0 {
			return nil
		}
		seen |= bit
	}
	switch {
	case p.bad:
		return nil
	case seen&serverBits != 0:
		return deflateAnswerWindow
	}
	return deflateAnswer
}

// windowBits reads "a decimal integer value without leading zeroes between 8 to 15 inclusive"; 0 is none.
func windowBits(v []byte) int {
	switch {
	case len(v) == 1 && (v[0] == '8' || v[0] == '9'):
		return int(v[0] - '0')
	case len(v) == 2 && v[0] == '1' && v[1] >= '0' && v[1] <= '5':
		return 10 + int(v[1]-'0')
	}
	return 0
}

// extensionList says whether a whole Sec-WebSocket-Extensions list keeps to the grammar of RFC 6455 section 9.1.
func extensionList(list []byte) bool {
	e := extensionScanner{rest: list}
	for e.next() {
		p := paramScanner{rest: e.params}
		for p.next() {
		}
		if p.bad {
			return false
		}
	}
	return !e.bad
}

// extensionScanner walks a list of extensions: token *( ";" param ). bad ends the walk.
type extensionScanner struct {
	rest, name, params []byte
	bad                bool
}

func (s *extensionScanner) next() bool {
	for len(s.rest) > 0 {
		var one []byte
		if i := indexUnquoted(s.rest, ','); i >= 0 {
			one, s.rest = s.rest[:i], s.rest[i+1:]
		} else {
			one, s.rest = s.rest, nil
		}
		if one = trimSpace(one); len(one) == 0 {
			continue
		}
		s.name, s.params = one, nil
		if i := indexUnquoted(one, ';'); i >= 0 {
			s.name, s.params = trimSpace(one[:i]), one[i:]
		}
		s.bad = !isToken(s.name)
		return !s.bad
	}
	return false
}

// paramScanner walks *( ";" token [ "=" ( token | quoted-string ) ] ). bad ends the walk.
type paramScanner struct {
	rest, name, value []byte
	hasValue, bad     bool
}

func (s *paramScanner) next() bool {
	if len(s.rest) == 0 || s.bad {
		return false
	}
	one := s.rest[1:]
	if i := indexUnquoted(one, ';'); i >= 0 {
		one, s.rest = one[:i], one[i:]
	} else {
		s.rest = nil
	}
	s.name, s.value, s.hasValue = bytes.Cut(trimSpace(one), []byte("="))
	s.name, s.value = trimSpace(s.name), trimSpace(s.value)
	if n := len(s.value); n >= 2 && s.value[0] == '"' && s.value[n-1] == '"' {
		s.value = unquote(s.value[1 : n-1])
	}
	// RFC 6455 section 9.1: "the value after quoted-string unescaping MUST conform to the 'token' ABNF".
	s.bad = !isToken(s.name) || s.hasValue && !isToken(s.value)
	return !s.bad
}

// unquote removes the backslashes of a quoted string; it copies only if there are any.
func unquote(b []byte) []byte {
	if bytes.IndexByte(b, '\\') < 0 {
		return b
	}
	out := make([]byte, 0, len(b))
	for i := 0; i < len(b); i++ {
		if b[i] == '\\' && i+1 < len(b) {
			i++
		}
		out = append(out, b[i])
	}
	return out
}

// indexUnquoted finds c outside quoted strings; -1 if it is not there.
func indexUnquoted(b []byte, c byte) int {
	quoted := false
	for i := 0; i < len(b); i++ {
		switch {
		case quoted && b[i] == '\\':
			i++
		case b[i] == '"':
			quoted = !quoted
		case !quoted && b[i] == c:
			return i
		}
	}
	return -1
}

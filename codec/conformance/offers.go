package conformance

// Answers a server gives that compresses with a window of 15 bits and takes no context over in either direction.
const (
	accepted       = "permessage-deflate; server_no_context_takeover; client_no_context_takeover"
	acceptedWindow = accepted + "; server_max_window_bits=15"
)

// offered lists offers by what must become of them.
var offered = []struct {
	rfc    string
	answer string
	offers []string
}{
	{"7692 7: accepted", accepted, []string{
		"permessage-deflate",
		"permessage-deflate; client_max_window_bits",
		"permessage-deflate; client_max_window_bits=8",
		"permessage-deflate; client_max_window_bits=10",
		"permessage-deflate; client_max_window_bits=15",
		`permessage-deflate; client_max_window_bits="12"`,
		"permessage-deflate; client_no_context_takeover",
		"permessage-deflate; server_no_context_takeover",
		"permessage-deflate; server_no_context_takeover; client_no_context_takeover",
		"permessage-deflate; client_no_context_takeover; server_no_context_takeover; client_max_window_bits",
		"permessage-deflate;client_max_window_bits",
		"permessage-deflate ; client_max_window_bits = 15",
		"Permessage-Deflate",
		"x-webkit-deflate-frame, permessage-deflate",
		"permessage-deflate, permessage-deflate; server_max_window_bits=15",
		", permessage-deflate,",
		`x; a="permessage-deflate"; b, permessage-deflate`,
	}},
	{"7692 7.1.2.1: server_max_window_bits of 15", acceptedWindow, []string{
		"permessage-deflate; server_max_window_bits=15",
		`permessage-deflate; server_max_window_bits="15"`,
		`permessage-deflate; server_max_window_bits="1\5"`,
		"permessage-deflate; server_max_window_bits=15; client_max_window_bits",
		"permessage-deflate; server_max_window_bits=15; client_max_window_bits=9; server_no_context_takeover; client_no_context_takeover",
	}},
	{"7692 7.1.2.1: smaller windows declined", "", []string{
		"permessage-deflate; server_max_window_bits=8",
		"permessage-deflate; server_max_window_bits=9",
		"permessage-deflate; server_max_window_bits=10",
		"permessage-deflate; server_max_window_bits=14",
		`permessage-deflate; server_max_window_bits="10"`,
		"permessage-deflate; client_max_window_bits; server_max_window_bits=12",
	}},
	{"7692 7.1: invalid offers declined", "", []string{
		"permessage-deflate; unknown",
		"permessage-deflate; unknown=1",
		"permessage-deflate; server_no_context_takeover=1",
		`permessage-deflate; client_no_context_takeover="true"`,
		"permessage-deflate; server_max_window_bits",
		"permessage-deflate; server_max_window_bits=7",
		"permessage-deflate; server_max_window_bits=16",
		"permessage-deflate; server_max_window_bits=015",
		"permessage-deflate; server_max_window_bits=+15",
		"permessage-deflate; server_max_window_bits=fifteen",
		"permessage-deflate; client_max_window_bits=7",
		"permessage-deflate; client_max_window_bits=16",
		"permessage-deflate; client_max_window_bits=08",
		"permessage-deflate; client_max_window_bits=0",
		"permessage-deflate; client_max_window_bits=100000000000000000000",
		"permessage-deflate; client_max_window_bits=1e1",
		"permessage-deflate; server_no_context_takeover; server_no_context_takeover",
		"permessage-deflate; client_no_context_takeover; client_no_context_takeover",
		"permessage-deflate; client_max_window_bits; client_max_window_bits",
		"permessage-deflate; client_max_window_bits; client_max_window_bits=10",
		"permessage-deflate; server_max_window_bits=15; server_max_window_bits=15",
	}},
	{"7692 5.1: the next offer is tried", accepted, []string{
		"permessage-deflate; server_max_window_bits=10, permessage-deflate",
		"permessage-deflate; server_max_window_bits=10; client_max_window_bits, permessage-deflate; client_max_window_bits",
		"permessage-deflate; unknown, permessage-deflate; client_no_context_takeover",
		"permessage-deflate; client_max_window_bits=99, permessage-deflate; server_max_window_bits=9, permessage-deflate",
	}},
	{"7692 5.1: the next offer is tried, and its window", acceptedWindow, []string{
		"permessage-deflate; server_max_window_bits=10, permessage-deflate; server_max_window_bits=15, permessage-deflate",
	}},
	{"9.1: other extensions ignored", "", []string{
		"x-webkit-deflate-frame",
		"permessage-bzip2",
		"permessage-deflate-2; client_max_window_bits",
		"deflate-stream, mux; max-channels=4",
	}},
}

func offers(s *suite) {
	s.beginChapter("Deflate offers")
	for _, group := range offered {
		s.beginSection(group.rfc)
		for _, o := range group.offers {
			s.add(o, Case{Request: handshake("Sec-WebSocket-Extensions: " + o), WantExtensions: group.answer})
		}
	}
	s.beginSection("9.1: several lines are one list")
	s.add("declined in the first line, accepted in the second", Case{WantExtensions: accepted, Request: handshake(
		"Sec-WebSocket-Extensions: permessage-deflate; server_max_window_bits=8", "Sec-WebSocket-Extensions: permessage-deflate")})
	s.add("three lines, the last accepted", Case{WantExtensions: acceptedWindow, Request: handshake(
		"Sec-WebSocket-Extensions: a", "Sec-WebSocket-Extensions: b; c=d", "Sec-WebSocket-Extensions: permessage-deflate; server_max_window_bits=15")})
	s.beginSection("9.1: violations of the grammar")
	for _, o := range []string{
		"permessage-deflate;", "permessage-deflate; ", "permessage-deflate; =15", "permessage-deflate; client_max_window_bits=",
		`permessage-deflate; client_max_window_bits="`, `permessage-deflate; client_max_window_bits="15`, `permessage-deflate; client_max_window_bits=""`,
		"permessage-deflate; a b", "permessage deflate", "; permessage-deflate", `"permessage-deflate"`, "permessage-deflate; x=(1)",
		`x; a="b, c", permessage-deflate`, `x; a="b\"c", permessage-deflate`,
	} {
		s.add(o, Case{Request: handshake("Sec-WebSocket-Extensions: " + o), WantStatus: 400})
	}
}

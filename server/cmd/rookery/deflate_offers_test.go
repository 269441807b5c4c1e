package main_test

import (
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// An offer is here a list of parameters as they are written. What has to become of it is read off RFC 7692 by sets of
// legal parameters, without a parser: package codec's own has no part in this.

const extension = "permessage-deflate"

// offering is a Sec-WebSocket-Extensions value.
func offering(offers ...[]string) string {
	var list []string
	for _, params := range offers {
		list = append(list, strings.Join(append([]string{extension}, params...), "; "))
	}
	return strings.Join(list, ", ")
}

// mayOffer are the parameters that section 7.1 has for an offer.
var mayOffer = func() map[string]bool {
	legal := map[string]bool{"server_no_context_takeover": true, "client_no_context_takeover": true, "client_max_window_bits": true}
	for bits := 8; bits <= 15; bits++ {
		legal[fmt.Sprint("client_max_window_bits=", bits)] = true
		legal[fmt.Sprint("server_max_window_bits=", bits)] = true
	}
	return legal
}()

// valid: section 7.1 has a server decline an offer with an unknown parameter, an invalid value, or a parameter twice.
func valid(params []string) bool {
	names := map[string]bool{}
	for _, p := range params {
		name, _, _ := strings.Cut(p, "=")
		if !mayOffer[p] || names[name] {
			return false
		}
		names[name] = true
	}
	return true
}

// wanted is the answer to a list of offers: to the first that is valid and leaves the server its window of 15 bits, which
// is the only one it has.
func wanted(offers ...[]string) string {
	answer := offering([]string{"server_no_context_takeover", "client_no_context_takeover"})
	for _, params := range offers {
		narrow := slices.ContainsFunc(params, func(p string) bool {
			return strings.HasPrefix(p, "server_max_window_bits=") && p != "server_max_window_bits=15"
		})
		switch {
		case !valid(params) || narrow:
			continue
		case slices.Contains(params, "server_max_window_bits=15"):
			return answer + "; server_max_window_bits=15"
		}
		return answer
	}
	return ""
}

// illegal says what is wrong with an answer to one of these offers, whatever the server prefers.
func illegal(answer string, offers ...[]string) string {
	if answer == "" {
		return "" // section 5.1: a server may decline all
	}
	reason := "it answers nothing that was offered"
	for _, params := range offers {
		if !valid(params) {
			continue
		}
		if reason = breach(answer, params); reason == "" {
			return ""
		}
	}
	return reason
}

// breach says what an answer does against one offer.
func breach(answer string, offered []string) string {
	agreed := strings.Split(answer, "; ")
	if agreed[0] != extension || !valid(agreed[1:]) {
		return "it is no answer"
	}
	value := func(params []string, name string) (bits int, there bool) {
		for _, p := range params {
			if n, v, _ := strings.Cut(p, "="); n == name {
				bits, _ = strconv.Atoi(v)
				return bits, true
			}
		}
		return 0, false
	}
	server, limited := value(offered, "server_max_window_bits")
	agreedServer, limits := value(agreed, "server_max_window_bits")
	client, may := value(offered, "client_max_window_bits")
	agreedClient, limitsClient := value(agreed, "client_max_window_bits")
	switch {
	case slices.Contains(offered, "server_no_context_takeover") && !slices.Contains(agreed, "server_no_context_takeover"):
		return "section 7.1.1.1: server_no_context_takeover is accepted by saying it"
	case limited && (!limits || agreedServer > server):
		return "section 7.1.2.1: server_max_window_bits is accepted with the same value or a smaller one"
	case limitsClient && (!may || agreedClient == 0 || client != 0 && agreedClient > client):
		return "section 7.1.2.2: client_max_window_bits is answered with a value and only to a client that knows it"
	}
	return ""
}

// everyOffer is every set of the four parameters with every legal value.
func everyOffer() (offers [][]string) {
	server, client := []string{""}, []string{"", "client_max_window_bits"}
	for bits := 8; bits <= 15; bits++ {
		server = append(server, fmt.Sprint("server_max_window_bits=", bits))
		client = append(client, fmt.Sprint("client_max_window_bits=", bits))
	}
	for _, a := range []string{"", "server_no_context_takeover"} {
		for _, b := range []string{"", "client_no_context_takeover"} {
			for _, c := range server {
				for _, d := range client {
					offers = append(offers, slices.DeleteFunc([]string{a, b, c, d}, func(p string) bool { return p == "" }))
				}
			}
		}
	}
	return offers
}

// orders are all permutations of an offer's parameters.
func orders(params []string) [][]string {
	if len(params) < 2 {
		return [][]string{params}
	}
	var all [][]string
	for i := range params {
		rest := slices.Concat(params[:i], params[i+1:])
		for _, o := range orders(rest) {
			all = append(all, append([]string{params[i]}, o...))
		}
	}
	return all
}

// offered opens a handshake with these Sec-WebSocket-Extensions lines and returns the answer's.
func (c *raw) offered(target string, lines ...string) string {
	c.t.Helper()
	request := "GET " + target + " HTTP/1.1\r\nHost: rookery\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n" +
		"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n"
	for _, line := range lines {
		request += "Sec-WebSocket-Extensions: " + line + "\r\n"
	}
	c.write([]byte(request + "\r\n"))
	res, err := http.ReadResponse(c.r, nil)
	if err != nil || res.StatusCode != http.StatusSwitchingProtocols {
		c.t.Fatalf("%q: %v, %v, want an upgrade", lines, res, err)
	}
	return extensions(res)
}

// TestDeflateOffers makes every offer that the four parameters allow, in every order, and pairs of offers in one line and
// in two, the bad ones among them.
func TestDeflateOffers(t *testing.T) {
	g := serve(t)
	try := func(lines []string, offers ...[]string) {
		t.Helper()
		c := g.raw()
		got := c.offered("/ws", lines...)
		_ = c.Close()
		if want := wanted(offers...); got != want {
			t.Errorf("%q: answered %q, want %q", lines, got, want)
		}
		if reason := illegal(got, offers...); reason != "" {
			t.Errorf("%q: answered %q: %s", lines, got, reason)
		}
	}
	single := 0
	for _, set := range everyOffer() {
		for _, params := range orders(set) {
			try([]string{offering(params)}, params)
			single++
		}
	}
	some := [][]string{
		{}, {"client_max_window_bits"}, {"server_no_context_takeover", "client_max_window_bits=8"}, {"server_max_window_bits=15"},
		{"server_max_window_bits=10"}, {"client_max_window_bits", "server_max_window_bits=8"}, {"server_max_window_bits"},
		{"server_max_window_bits=7"}, {"server_max_window_bits=16"}, {"server_max_window_bits=015"}, {"client_max_window_bits=7"},
		{"client_no_context_takeover=1"}, {"server_no_context_takeover", "server_no_context_takeover"}, {"unknown"},
	}
	for _, a := range some {
		for _, b := range some {
			try([]string{offering(a, b)}, a, b)
			try([]string{offering(a), offering(b)}, a, b)
		}
	}
	t.Logf("%d single offers, %d pairs", single, 2*len(some)*len(some))
}

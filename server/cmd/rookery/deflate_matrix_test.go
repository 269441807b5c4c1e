package main_test

import (
	"fmt"
	"net/http"
	"testing"

	coder "github.com/coder/websocket"
	"github.com/gorilla/websocket"
	"github.com/lxzan/gws"

	"rookery/server/internal/certtest"
)

// serveBoth is a gateway with a port for ws and one for wss, without a limit of messages.
func serveBoth(t *testing.T, more ...string) *gateway {
	t.Helper()
	_, _, flags := keys(t, certtest.For("localhost"))
	return serve(t, append(append(flags, "--tls-addr", "127.0.0.1:0", "--rate", "0", "--max-message", fmt.Sprint(maxMessage)), more...)...)
}

// lanes is how many rooms share the combinations of a client: with several, none waits for the others' turns.
const lanes = 4

// hold has combinations meet on a gateway, in several rooms at once.
func (g *gateway) hold(t *testing.T, room string, secure bool, all []combination) {
	t.Helper()
	t.Logf("%d combinations", len(all))
	for lane := range lanes {
		t.Run(fmt.Sprint("lane-", lane), func(t *testing.T) {
			t.Parallel()
			var share []combination
			for i := lane; i < len(all); i += lanes {
				share = append(share, all[i])
			}
			g.holdOne(t, fmt.Sprint(room, "-", lane), secure, share)
		})
	}
}

// holdOne has combinations meet in one room.
func (g *gateway) holdOne(t *testing.T, room string, secure bool, all []combination) {
	t.Helper()
	m := g.meet(t, room, secure)
	current := ""
	defer func() {
		if t.Failed() {
			t.Logf("this was %s", current)
		}
	}()
	for i := range all {
		current = all[i].name
		m.enter(t, &all[i], fmt.Sprintf("c%04d", i))
		if t.Failed() {
			return
		}
	}
	m.over(t)
}

func always(int) bool { return true }

func never(int) bool { return false }

// atLeast is a client that compresses messages from a size on.
func atLeast(size int) func(int) bool { return func(n int) bool { return n >= size } }

// offers makes one offer.
func (c combination) offers(params ...string) combination {
	c.offer, c.lines = [][]string{params}, []string{offering(params)}
	return c
}

// gorillas: gorilla makes one offer, if any, and may leave messages uncompressed all the same.
func gorillas() (all []combination) {
	for _, deflate := range []bool{false, true} {
		for _, write := range []bool{false, true} {
			for level := -2; level <= 9; level++ {
				c := combination{name: fmt.Sprintf("gorilla deflate=%v write=%v level=%d", deflate, write, level), packs: never, splits: true}
				if deflate {
					c = c.offers("server_no_context_takeover", "client_no_context_takeover")
				}
				if write {
					c.packs = always
				}
				c.stores, c.short = level == 0, level != 1 && (!deflate || !write || level%2 != 0)
				c.interleaves = !deflate || !write // compressed, nothing leaves before the last part is there
				c.dial = func(t *testing.T, url string) (peer, string) {
					t.Helper()
					p, agreed := dialGorilla(t, url, websocket.Dialer{EnableCompression: deflate, TLSClientConfig: certtest.Client()})
					p.EnableWriteCompression(write)
					if err := p.SetCompressionLevel(level); err != nil {
						t.Fatal(err)
					}
					return p, agreed
				}
				all = append(all, c)
			}
		}
	}
	return all
}

// coders: coder/websocket has two offers.
func coders() (all []combination) {
	for mode, c := range map[coder.CompressionMode]combination{
		coder.CompressionDisabled:          {name: "coder disabled", interleaves: true, packs: never},
		coder.CompressionContextTakeover:   combination{name: "coder takeover"}.offers(),
		coder.CompressionNoContextTakeover: combination{name: "coder no takeover"}.offers("client_no_context_takeover", "server_no_context_takeover"),
	} {
		// Without takeover, on which every answer is, its default is not to compress less than 512 bytes.
		for size, atMost := range map[int]int{0: 512, 1: 1, 2000: 2000} {
			c := c
			c.name, c.splits = fmt.Sprintf("%s from %d", c.name, size), true
			if c.packs == nil {
				c.packs = atLeast(atMost)
			}
			c.dial = func(t *testing.T, url string) (peer, string) {
				t.Helper()
				client := &http.Client{Transport: &http.Transport{TLSClientConfig: certtest.Client(), DisableKeepAlives: true}}
				return dialCoder(t, url, coder.DialOptions{HTTPClient: client, CompressionMode: mode, CompressionThreshold: size})
			}
			all = append(all, c)
		}
	}
	return all
}

// gwss: gws offers both windows, or none where it is of 15 bits.
func gwss() (all []combination) {
	all = append(all, gwsCombination(gws.PermessageDeflate{}))
	for bits := range 64 {
		for _, server := range []bool{false, true} {
			for _, client := range []bool{false, true} {
				all = append(all, gwsCombination(gws.PermessageDeflate{
					Enabled: true, Threshold: 100, ServerContextTakeover: server, ClientContextTakeover: client,
					ServerMaxWindowBits: 15 - bits/8, ClientMaxWindowBits: 15 - bits%8,
				}))
			}
		}
	}
	return all
}

func gwsCombination(settings gws.PermessageDeflate) combination {
	c := combination{name: fmt.Sprintf("gws %+v", settings), packs: atLeast(settings.Threshold)}
	var offer []string
	if !settings.ServerContextTakeover {
		offer = append(offer, "server_no_context_takeover")
	}
	if !settings.ClientContextTakeover {
		offer = append(offer, "client_no_context_takeover")
	}
	if settings.ServerMaxWindowBits != 15 {
		offer = append(offer, fmt.Sprint("server_max_window_bits=", settings.ServerMaxWindowBits))
	}
	if settings.ClientMaxWindowBits != 15 {
		offer = append(offer, fmt.Sprint("client_max_window_bits=", settings.ClientMaxWindowBits))
	} else if settings.ClientContextTakeover {
		offer = append(offer, "client_max_window_bits")
	}
	if settings.Enabled {
		c = c.offers(offer...)
	}
	c.short = settings.ServerMaxWindowBits+settings.ClientMaxWindowBits != 30
	c.dial = func(t *testing.T, url string) (peer, string) {
		t.Helper()
		return dialGWS(t, url, gws.ClientOption{TlsConfig: certtest.Client(), PermessageDeflate: settings})
	}
	return c
}

// raws are all that a raw client can offer within RFC 7692, and some of it twice.
func raws() (all []combination) {
	add := func(lines []string, offer ...[]string) {
		c := combination{name: fmt.Sprintf("raw %q", lines), lines: lines, offer: offer, packs: always, splits: true, interleaves: true}
		c.short = len(all)%40 != 0
		c.dial = func(t *testing.T, url string) (peer, string) {
			t.Helper()
			p := dialRaw(t, url, lines...)
			return p, p.agreed
		}
		all = append(all, c)
	}
	add(nil)
	for _, offer := range everyOffer() {
		add([]string{offering(offer)}, offer)
	}
	narrow, wide := []string{"server_max_window_bits=10"}, []string{"server_max_window_bits=15"}
	add([]string{offering(narrow, wide)}, narrow, wide)
	add([]string{offering(narrow), offering(wide)}, narrow, wide)
	add([]string{offering(narrow), offering(narrow)}, narrow, narrow)
	return all
}

func TestDeflateGorilla(t *testing.T) { serveBoth(t).hold(t, "gorilla", false, gorillas()) }

func TestDeflateCoder(t *testing.T) { serveBoth(t).hold(t, "coder", false, coders()) }

func TestDeflateGWS(t *testing.T) { serveBoth(t).hold(t, "gws", false, gwss()) }

func TestDeflateRaw(t *testing.T) { serveBoth(t).hold(t, "raw", false, raws()) }

func TestDeflateNode(t *testing.T) { serveBoth(t).hold(t, "node", false, startNode(t).combinations()) }

// some takes every so manieth combination of each client, in turn.
func some(every int, clients ...[]combination) (list []combination) {
	for i := 0; ; i += every {
		n := len(list)
		for _, all := range clients {
			if i < len(all) {
				list = append(list, all[i])
			}
		}
		if len(list) == n {
			return list
		}
	}
}

// TestDeflateMixed has clients of all kinds follow each other in a room.
func TestDeflateMixed(t *testing.T) {
	serveBoth(t).hold(t, "mixed", false, some(37, gorillas(), startNode(t).combinations(), coders(), raws(), gwss()))
}

func TestDeflateTLS(t *testing.T) {
	serveBoth(t).hold(t, "tls", true, some(23, startNode(t).combinations(), gwss(), gorillas(), coders()))
}

// TestNoDeflate: with --no-deflate whatever is offered is declined.
func TestNoDeflate(t *testing.T) {
	serveBoth(t, "--no-deflate").hold(t, "none", false, some(29, gorillas(), startNode(t).combinations(), coders(), raws(), gwss()))
}

package main_test

import (
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
)

// tabPeer is a page in Chromium as a client. A page can neither send fragments nor ping.
type tabPeer struct{ *tab }

// The page keeps what comes until it is asked for.
const tabScript = `
	var socket, came = [], waiting = [];
	function connect(address) {
		socket = new WebSocket(address);
		socket.onmessage = (event) => waiting.length > 0 ? waiting.shift()(event.data) : came.push(event.data);
		return new Promise((resolve, reject) => {
			socket.onopen = () => resolve(socket.extensions);
			socket.onclose = (event) => reject(new Error('closed with ' + event.code));
		});
	}
	function say(text) {
		socket.send(text);
		return '';
	}
	function next() {
		return new Promise((resolve) => came.length > 0 ? resolve(came.shift()) : waiting.push(resolve));
	}
	function leave() {
		return new Promise((resolve) => {
			socket.onclose = (event) => resolve(String(event.code));
			socket.close(1000);
		});
	}`

// call has the page evaluate a function of a string, which may be a promise.
func (p tabPeer) call(t *testing.T, function, argument string) string {
	t.Helper()
	quoted, err := json.Marshal(argument)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(p.ctx, patience)
	defer cancel()
	result, err := chromedp.Run(ctx, chromedp.Evaluate[string](function+"("+string(quoted)+")", chromedp.EvalAwaitPromise))
	if err != nil {
		t.Fatalf("%s: %v", function, err)
	}
	return result
}

func (p tabPeer) say(t *testing.T, text string) {
	t.Helper()
	p.call(t, "say", text)
}

func (p tabPeer) fragments(t *testing.T, parts ...string) {
	t.Helper()
	p.say(t, strings.Join(parts, ""))
}

func (p tabPeer) ping(*testing.T) {}

func (p tabPeer) next(t *testing.T) []byte { t.Helper(); return []byte(p.call(t, "next", "")) }

func (p tabPeer) goodbye(t *testing.T) {
	t.Helper()
	if code := p.call(t, "leave", ""); code != "1000" {
		t.Fatalf("closed with %s", code)
	}
}

// TestDeflateChromium has pages chat in compressed rooms and in others, over ws and wss. A page cannot choose what is
// offered; it can read what was agreed on.
func TestDeflateChromium(t *testing.T) {
	browser := startBrowser(t, chromedp.Flag("ignore-certificate-errors", true))
	page := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		_, _ = w.Write([]byte("<!doctype html><title>a page</title><script>" + tabScript + "</script>"))
	}))
	t.Cleanup(page.Close)
	chromium := combination{name: "chromium"}.offers("client_max_window_bits")
	chromium.dial = func(t *testing.T, url string) (peer, string) {
		t.Helper()
		p := tabPeer{openTab(t, browser, page.URL)}
		return p, p.call(t, "connect", url)
	}
	chromium.packs = always // the empty message too
	pair := []combination{chromium, chromium}
	deflate, plain := serveBoth(t), serveBoth(t, "--no-deflate")
	t.Run("ws", func(t *testing.T) { deflate.holdOne(t, "chromium", false, pair) })
	t.Run("wss", func(t *testing.T) { deflate.holdOne(t, "secure", true, pair) })
	t.Run("no-deflate", func(t *testing.T) { plain.holdOne(t, "plain", false, pair) })
}

package main_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
)

// TestNodeClients runs the clients that a tutorial on Node's ws leads to.
func TestNodeClients(t *testing.T) {
	node := needed(t, "node")
	needed(t, "npm")
	const setup = "../../../web/test/setup"
	if out, err := exec.Command(setup).CombinedOutput(); err != nil {
		t.Fatalf("%s: %v\n%s", setup, err, out)
	}
	g := serve(t)
	ctx, cancel := context.WithTimeout(context.Background(), 2*patience)
	defer cancel()
	if out, err := exec.CommandContext(ctx, node, "testdata/chatters.mjs", "ws://"+g.addr, "6").CombinedOutput(); err != nil {
		t.Fatalf("chatters.mjs: %v\n%s", err, out)
	}
}

// startBrowser starts Chromium; every tab opened from the context it returns is a person of their own.
func startBrowser(t *testing.T, more ...chromedp.ExecAllocatorOption) context.Context {
	t.Helper()
	path := needed(t, "chromium")
	opts := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.ExecPath(path), chromedp.NoSandbox, chromedp.DisableGPU,
		chromedp.UserDataDir(t.TempDir()), chromedp.Flag("disable-quic", true), chromedp.Flag("disable-component-update", true))
	ctx, cancel := chromedp.NewExecAllocator(context.Background(), append(opts, more...)...)
	t.Cleanup(cancel)
	ctx, _ = chromedp.NewContext(ctx)
	t.Cleanup(func() { chromedp.Cancel(ctx) })
	if err := chromedp.Do(ctx); err != nil {
		t.Fatalf("chromium: %v", err)
	}
	return ctx
}

// tab is one page, open in a browser context of its own.
type tab struct {
	t   *testing.T
	ctx context.Context
}

func openTab(t *testing.T, browser context.Context, address string) *tab {
	t.Helper()
	ctx, cancel := chromedp.NewContext(browser, chromedp.WithNewBrowserContext())
	t.Cleanup(cancel)
	p := &tab{t: t, ctx: ctx}
	// The first call opens the tab, which lives no longer than the context it is given.
	if err := chromedp.Do(ctx); err != nil {
		t.Fatal(err)
	}
	p.do(chromedp.Navigate(address))
	return p
}

func (p *tab) do(steps ...chromedp.Action[chromedp.Void]) {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(p.ctx, patience)
	defer cancel()
	if err := chromedp.Do(ctx, steps...); err != nil {
		p.t.Fatal(err)
	}
}

// fill types into fields, given as selector and value in turn, and clicks on the last selector.
func (p *tab) fill(fields ...string) {
	p.t.Helper()
	for ; len(fields) > 1; fields = fields[2:] {
		p.do(chromedp.SetValue(chromedp.CSS(fields[0]), fields[1]))
	}
	p.do(chromedp.Click(chromedp.CSS(fields[0])))
}

const prelude = `const find = (id) => document.getElementById(id);
	const texts = (where) => [...document.querySelectorAll(where)].map((e) => e.textContent);`

// waits until an expression over find and texts holds.
func (p *tab) waits(expression string) {
	p.t.Helper()
	for deadline := time.Now().Add(patience); ; {
		holds, err := chromedp.Run(p.ctx, chromedp.Evaluate[bool]("(() => {"+prelude+"return Boolean("+expression+");})()"))
		if err != nil {
			p.t.Fatalf("%s: %v", expression, err)
		}
		if holds {
			return
		}
		if time.Now().After(deadline) {
			shown, _ := chromedp.Run(p.ctx, chromedp.Evaluate[string]("document.body.innerText"))
			p.t.Fatalf("never came true: %s\nthe page reads:\n%s", expression, shown)
		}
		p.do(chromedp.Sleep(20 * time.Millisecond))
	}
}

// shows waits until the log holds these messages and no others.
func (p *tab) shows(messages ...string) {
	p.t.Helper()
	p.waits(fmt.Sprintf("JSON.stringify(texts('#log .text')) === JSON.stringify([`%s`])", strings.Join(messages, "`, `")))
}

// TestTwoTabsChat is what a visitor does: the page off the gateway, a conversation, a reload in the middle of it, and a
// gateway that is restarted under them.
func TestTwoTabsChat(t *testing.T) {
	g, browser := serve(t), startBrowser(t)
	ann, bob := openTab(t, browser, "http://"+g.addr+"/"), openTab(t, browser, "http://"+g.addr+"/?room=attic")
	ann.fill("#nickname", "ann", "#room", "attic", "#join")
	bob.fill("#nickname", "bob", "#join")
	for _, p := range []*tab{ann, bob} {
		p.waits(`find('state').textContent === 'connected to attic' && find('online').textContent === '2'`)
		p.waits(`texts('#who bdi').sort().join() === 'ann,bob'`)
	}
	const markup = "<b>not</b> markup & <script>no script</script>"
	ann.fill("#message", markup, "#send")
	bob.shows(markup)
	bob.fill("#message", "hello, ann", "#send")
	ann.shows(markup, "hello, ann")

	bob.do(chromedp.Reload())
	bob.waits(`find('state').textContent === 'connected to attic' && find('nickname').value === 'bob'`)
	bob.shows(markup, "hello, ann")
	bob.fill("#message", "back again", "#send")
	ann.shows(markup, "hello, ann", "back again")
	ann.waits(`find('online').textContent === '2' && !document.querySelector('.pending, .failed')`)

	// A plain client stands in the same room, and speaks another dialect.
	carl := g.chatter("attic", "carl")
	carl.say("from afar")
	bob.shows(markup, "hello, ann", "back again", "from afar")
	ann.fill("#leave")
	ann.waits(`find('state').textContent === 'disconnected: you left'`)
	bob.waits(`find('online').textContent === '2' && texts('#who bdi').sort().join() === 'bob,carl'`)

	dashboard := openTab(t, browser, "http://"+g.addr+"/dashboard")
	dashboard.waits(`find('state').textContent === 'live' && texts('.tile .value').includes('2') && texts('.absent').length === 0`)
}

// TestTutorialPage opens a page of somebody else's server, written from the protocol's description.
func TestTutorialPage(t *testing.T) {
	page, err := os.ReadFile("testdata/tutorial.html")
	if err != nil {
		t.Fatal(err)
	}
	other := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		_, _ = w.Write(page)
	}))
	defer other.Close()
	g, browser := serve(t), startBrowser(t)
	ann, bob := openTab(t, browser, other.URL+"/#"+g.addr), openTab(t, browser, other.URL+"/#"+g.addr)
	for _, p := range []*tab{ann, bob} {
		p.waits(`find('state').textContent === 'open'`)
	}
	ann.fill("#name", "ann", "#text", "hello", "#send")
	bob.waits(`texts('li').join() === '10-22 21:33:01 ann: hello'`)
	bob.fill("#name", "bob", "#text", "hello, ann", "#send")
	ann.waits(`texts('li')[1] === '10-22 21:33:01 bob: hello, ann'`)
	ann.fill("#text", "nonsense", "#send")
	ann.waits(`texts('li')[2]?.startsWith('rookery objects: ') && find('state').textContent === 'open'`)
	if err := chromedp.Cancel(bob.ctx); err != nil { // closes the tab
		t.Fatal(err)
	}
	ann.waits(`texts('li')[3] === 'bob left'`)
}

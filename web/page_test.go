package web

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

// patience is how long a page may take for one step on a busy machine.
const patience = 30 * time.Second

// mock is the gateway of test/mock.mjs, with the page served by this package's Handler in front of it.
type mock struct {
	t       *testing.T
	address string
	in      io.Writer
	out     *bufio.Scanner
}

func startMock(t *testing.T) *mock {
	t.Helper()
	node := needed(t, "node")
	setUp(t)
	cmd := exec.Command(node, "test/mock.mjs")
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		cmd.Process.Kill()
		cmd.Wait()
	})
	m := &mock{t: t, in: in, out: bufio.NewScanner(out)}
	if !m.out.Scan() {
		t.Fatal("the mock gateway did not start")
	}
	gateway, err := url.Parse(m.out.Text())
	if err != nil {
		t.Fatal(err)
	}
	proxy := httputil.NewSingleHostReverseProxy(gateway)
	mux := http.NewServeMux()
	mux.Handle("/", Handler())
	mux.Handle("/ws", proxy)
	mux.Handle("/metrics", proxy)
	front := httptest.NewServer(mux)
	t.Cleanup(front.Close)
	m.address = front.URL + "/"
	return m
}

// do gives the mock a command and waits until it is carried out.
func (m *mock) do(format string, args ...any) {
	m.t.Helper()
	fmt.Fprintf(m.in, format+"\n", args...)
	if !m.out.Scan() || m.out.Text() != "done" {
		m.t.Fatalf("the mock gateway answered %q to %q", m.out.Text(), fmt.Sprintf(format, args...))
	}
}

// startBrowser starts Chromium; every tab opened from the context it returns is a person of their own.
func startBrowser(t *testing.T) context.Context {
	t.Helper()
	program := needed(t, "chromium")
	opts := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.ExecPath(program), chromedp.NoSandbox, chromedp.DisableGPU,
		chromedp.UserDataDir(t.TempDir()), chromedp.Flag("disable-quic", true), chromedp.Flag("disable-component-update", true))
	ctx, cancel := chromedp.NewExecAllocator(context.Background(), opts...)
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
	p := &tab{t: t, ctx: ctx}
	if err := chromedp.Do(ctx); err != nil {
		cancel()
		t.Fatal(err)
	}
	console, read := chromedp.Console(ctx), make(chan struct{})
	t.Cleanup(func() {
		cancel()
		<-read
	})
	go func() {
		defer close(read)
		// A refusal by the policy, an exception, a missing file: whatever a console says is wrong. A lost line is not.
		for m, err := range console {
			if err != nil {
				return
			}
			if !strings.Contains(m.Text, "WebSocket connection to") {
				t.Errorf("console: %s", m)
			}
		}
	}()
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

func (p *tab) join(nickname, room string) {
	p.t.Helper()
	p.do(chromedp.SetValue(chromedp.CSS("#nickname"), nickname), chromedp.SetValue(chromedp.CSS("#room"), room),
		chromedp.Click(chromedp.CSS("#join")))
	p.waits(`find('state').textContent === 'connected to ` + room + `'`)
}

func (p *tab) says(text string) {
	p.t.Helper()
	p.do(chromedp.SendKeys(chromedp.CSS("#message"), text), chromedp.Click(chromedp.CSS("#send")))
}

const prelude = `const find = (id) => document.getElementById(id);
	const texts = (where) => [...document.querySelectorAll(where)].map((e) => e.textContent);
	const all = (...which) => JSON.stringify(texts('#log .text')) === JSON.stringify(which);`

// waits until an expression over `find`, `texts` and `all` holds.
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
			text, _ := chromedp.Run(p.ctx, chromedp.Evaluate[string]("document.body.innerText"))
			p.t.Fatalf("never came true: %s\nthe page reads:\n%s", expression, text)
		}
		p.do(chromedp.Sleep(20 * time.Millisecond))
	}
}

func TestPageTwoPeopleTalkAndOneReloads(t *testing.T) {
	m, browser := startMock(t), startBrowser(t)
	ann, bob := openTab(t, browser, m.address), openTab(t, browser, m.address+"?room=attic")
	bob.waits(`find('room').value === 'attic'`)
	ann.join("ann", "lobby")
	bob.join("bob", "lobby")
	bob.waits(`location.search === '?room=lobby'`)

	const markup = `<img src=x onerror="document.title='broken'"> & <b>bold</b>`
	ann.says(markup)
	for _, p := range []*tab{ann, bob} {
		p.waits("all(`" + markup + "`)")
		p.waits(`!document.querySelector('#log img, #log b, .pending')`)
		p.waits(`find('online').textContent === '2' && texts('#who bdi').sort().join() === 'ann,bob'`)
		p.waits(`texts('#log .name').join() === 'ann' && document.querySelector('#log time')?.dateTime`)
	}
	m.do(`say lobby bot {"temperature":21.5}`)
	bob.says("second\n")
	bob.do(chromedp.Reload())
	bob.waits(`find('state').textContent === 'connected to lobby' && find('nickname').value === 'bob'`)
	for _, p := range []*tab{ann, bob} {
		p.waits("all(`" + markup + "`, '{\"temperature\":21.5}', 'second')")
	}
	ann.do(chromedp.Click(chromedp.CSS("#leave")))
	ann.waits(`find('state').textContent === 'disconnected: you left' && find('message').disabled`)
	bob.waits(`find('online').textContent === '1'`)
	bob.waits(`texts('.notice').some((text) => text.includes('ann left'))`)
}

func TestPageTellsWhatBecameOfAMessage(t *testing.T) {
	m, browser := startMock(t), startBrowser(t)
	ann := openTab(t, browser, m.address)
	ann.join("ann", "lobby")

	ann.says("/refuse")
	ann.waits(`texts('.failed .status')[0]?.startsWith('Not sent: that may not be said here.')`)
	ann.do(chromedp.Click(chromedp.CSS(".failed button + button")))
	ann.waits(`all()`)

	m.do("deaf on")
	ann.says("once")
	ann.waits(`texts('.pending .text').join() === 'once'`)
	m.do("deaf off")
	m.do("cut")
	ann.waits(`!document.querySelector('.pending') && all('once')`)

	m.do("redact lobby 1")
	ann.waits(`texts('.withdrawn .text').join() === 'This message was withdrawn.'`)

	ann.says("gone soon")
	ann.waits(`all('This message was withdrawn.', 'gone soon') && !document.querySelector('.pending')`)
	m.do("purge lobby")
	ann.waits(`texts('.withdrawn').length === 2 && texts('.notice').includes('The messages above were withdrawn.')`)

	m.do("bye 600000")
	ann.waits(`/^disconnected: the server is restarting; reconnecting in [0-9]+ s$/.test(find('state').textContent)`)
	ann.waits(`find('spoken').textContent === 'disconnected: the server is restarting; reconnecting'`)
	ann.says("held back")
	ann.do(chromedp.Click(chromedp.CSS("#retry")))
	ann.waits(`find('state').textContent === 'connected to lobby' && texts('#log li:not(.pending) .text').includes('held back')`)
}

func TestPageKeepsThePlaceOfWhoReadsBack(t *testing.T) {
	m, browser := startMock(t), startBrowser(t)
	for i := 1; i <= 90; i++ {
		m.do("say lobby bot %d", i)
	}
	ann := openTab(t, browser, m.address)
	ann.join("ann", "lobby")
	ann.waits(`texts('#log .text').join() === Array.from({length: 50}, (_, i) => i + 41).join()`)
	ann.waits(`find('scroller').scrollTop > 0`)

	// The page learns of scrolling with the next frame.
	ann.do(chromedp.Evaluate[chromedp.Void](`document.getElementById('scroller').scrollTop = 0;
		new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))`, chromedp.EvalAwaitPromise))
	m.do(`say lobby bot "new"`)
	ann.waits(`!find('newer').hidden && find('newer').textContent === '1 new message' && find('scroller').scrollTop === 0`)
	ann.do(chromedp.Click(chromedp.CSS("#older")))
	ann.waits(`texts('#log .text').length === 91 && texts('#log .text')[0] === '1' && find('older').hidden`)
	ann.waits(`find('scroller').scrollTop > 0`)
	ann.do(chromedp.Click(chromedp.CSS("#newer")))
	ann.waits(`find('newer').hidden && find('scroller').scrollHeight - find('scroller').scrollTop - find('scroller').clientHeight < 2`)

	m.do(`presence lobby ["bob","eve","bob"] ["bob"] 12 48210`)
	ann.waits(`find('online').textContent.replace(/\D/g, '') === '48210' && find('more').textContent.includes('more')`)
}

func TestPageIsUsableWithTheKeyboardAlone(t *testing.T) {
	m, browser := startMock(t), startBrowser(t)
	ann := openTab(t, browser, m.address)
	ann.do(chromedp.KeyEvent("ann"), chromedp.KeyEvent(kb.Enter))
	ann.waits(`find('state').textContent === 'connected to lobby' && document.activeElement === find('message')`)
	ann.do(chromedp.KeyEvent("hello"), chromedp.KeyEvent(kb.Enter, chromedp.KeyModifiers(chromedp.ModifierShift)),
		chromedp.KeyEvent("there"), chromedp.KeyEvent(kb.Enter))
	ann.waits(`all('hello\nthere') && find('message').value === '' && !document.querySelector('.pending')`)

	order := []string{"Dashboard", "nickname", "room", "join", "leave", "scroller", "message", "send"}
	ann.do(chromedp.Evaluate[chromedp.Void](`document.querySelector('.skip').focus()`))
	for _, want := range order {
		ann.do(chromedp.KeyEvent(kb.Tab))
		ann.waits(`(document.activeElement.id || document.activeElement.className || document.activeElement.textContent) === '` + want + `'
			&& getComputedStyle(document.activeElement).outlineStyle === 'solid'`)
	}
}

func TestPageSaysThatABrowserHasNoWebSocket(t *testing.T) {
	m, browser := startMock(t), startBrowser(t)
	p := openTab(t, browser, m.address)
	if _, err := chromedp.Call(p.ctx, page.AddScriptToEvaluateOnNewDocument,
		page.AddScriptToEvaluateOnNewDocumentParams{Source: "delete window.WebSocket"}); err != nil {
		t.Fatal(err)
	}
	p.do(chromedp.Reload())
	p.waits(`find('unable').checkVisibility() && find('unable').textContent.includes('has no WebSocket') && find('join').disabled`)
}

func TestPageFitsAPhone(t *testing.T) {
	m, browser := startMock(t), startBrowser(t)
	ann := openTab(t, browser, m.address)
	ann.do(chromedp.EmulateViewport(360, 640, chromedp.EmulateMobile, chromedp.EmulateTouch))
	ann.join("ann", "lobby")
	m.do("say lobby bot %q", strings.Repeat("long", 100))
	ann.waits(`texts('#log .text').length === 1`)
	ann.waits(`document.documentElement.scrollWidth <= 360 && find('send').getBoundingClientRect().bottom <= 640`)
	ann.waits(`!find('who').checkVisibility() && find('menu').getAttribute('aria-expanded') === 'false'`)
	ann.do(chromedp.Click(chromedp.CSS("#menu")))
	ann.waits(`find('who').checkVisibility() && find('leave').checkVisibility()`)
}

func TestDashboardShowsWhatThereIs(t *testing.T) {
	m, browser := startMock(t), startBrowser(t)
	p := openTab(t, browser, m.address+"dashboard")
	p.waits(`find('state').textContent === 'live' && texts('.tile .label')[0] === 'Connections' && texts('.tile .value')[0] === '0'`)
	p.waits(`texts('.absent .label').includes('Gaps') && texts('.absent .value')[0] === 'not offered by this server'`)
	p.waits(`document.querySelector('.spark path')?.getAttribute('d') && texts('#causes td')[0] === 'client'`)
}

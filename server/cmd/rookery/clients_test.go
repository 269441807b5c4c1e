package main_test

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	coder "github.com/coder/websocket"
	"github.com/gorilla/websocket"
	"github.com/lxzan/gws"
)

// peer is a client of some library.
type peer interface {
	say(t *testing.T, text string)           // sends one message at once
	fragments(t *testing.T, parts ...string) // sends one message in so many frames, with a ping before each but the first, where the library can
	ping(t *testing.T)                       // returns when the pong is there
	next(t *testing.T) []byte                // the next message that comes
	goodbye(t *testing.T)                    // closes, and returns when that is done
}

// TestGoClients has clients of three libraries talk to each other, each compressed and not.
func TestGoClients(t *testing.T) {
	g := serve(t)
	peers := map[string]peer{}
	order := []string{"gorilla", "gorilla deflate", "coder", "coder deflate", "gws", "gws deflate"}
	for _, name := range order {
		url := "ws://" + g.addr + "/ws?room=lobby"
		library, _, deflate := strings.Cut(name, " ")
		var agreed string
		switch library {
		case "gorilla":
			peers[name], agreed = dialGorilla(t, url, websocket.Dialer{EnableCompression: deflate})
		case "coder":
			mode := coder.CompressionDisabled
			if deflate {
				mode = coder.CompressionContextTakeover
			}
			peers[name], agreed = dialCoder(t, url, coder.DialOptions{CompressionMode: mode, CompressionThreshold: 1})
		case "gws":
			peers[name], agreed = dialGWS(t, url, gws.ClientOption{PermessageDeflate: gws.PermessageDeflate{Enabled: deflate, Threshold: 1, ServerMaxWindowBits: 15}})
		}
		if (agreed != "") != deflate {
			t.Fatalf("%s agreed on %q", name, agreed)
		}
	}
	for _, speaker := range order {
		for _, message := range []string{"short", strings.Repeat("a long one, which is worth compressing. ", 200)} {
			object, err := json.Marshal(map[string]string{"nickname": speaker, "message": message})
			if err != nil {
				t.Fatal(err)
			}
			peers[speaker].fragments(t, thirds(string(object))...)
			for _, name := range order {
				var s said
				if err := json.Unmarshal(peers[name].next(t), &s); err != nil || s.Nickname != speaker || s.Message != message || *s.Status != 1 {
					t.Fatalf("%s got %.80v, %v, want %.80s of %s", name, s, err, message, speaker)
				}
			}
			peers[speaker].ping(t)
		}
	}
}

// thirds cuts text in three, wherever that is within a character.
func thirds(text string) []string {
	third := len(text) / 3
	return []string{text[:third], text[third : 2*third], text[2*third:]}
}

type gorillaPeer struct {
	*websocket.Conn
	messages chan []byte
	pongs    chan string
}

// dialGorilla returns also what was agreed on, as the client sees it.
func dialGorilla(t *testing.T, url string, d websocket.Dialer) (p *gorillaPeer, agreed string) {
	t.Helper()
	d.HandshakeTimeout, d.WriteBufferSize = patience, 512
	conn, res, err := d.Dial(url, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	p = &gorillaPeer{Conn: conn, messages: make(chan []byte, 100), pongs: make(chan string, 1)}
	conn.SetPongHandler(func(data string) error { p.pongs <- data; return nil })
	go func() {
		defer close(p.messages)
		for {
			_, raw, err := conn.ReadMessage()
			if err != nil {
				return
			}
			p.messages <- raw
		}
	}()
	return p, extensions(res)
}

// extensions is what a response agrees to.
func extensions(res *http.Response) string {
	return strings.Join(res.Header.Values("Sec-WebSocket-Extensions"), ", ")
}

func (p *gorillaPeer) say(t *testing.T, text string) {
	t.Helper()
	if err := p.WriteMessage(websocket.TextMessage, []byte(text)); err != nil {
		t.Fatal(err)
	}
}

// fragments makes more frames than it is told: gorilla flushes whenever its buffer of 512 bytes is full, and not before.
func (p *gorillaPeer) fragments(t *testing.T, parts ...string) {
	t.Helper()
	w, err := p.NextWriter(websocket.TextMessage)
	for i, part := range parts {
		if i > 0 {
			p.ping(t)
		}
		if err == nil {
			_, err = w.Write([]byte(part))
		}
	}
	if err == nil {
		err = w.Close()
	}
	if err != nil {
		t.Fatal(err)
	}
}

func (p *gorillaPeer) ping(t *testing.T) {
	t.Helper()
	if err := p.WriteControl(websocket.PingMessage, []byte("gorilla"), time.Now().Add(patience)); err != nil {
		t.Fatal(err)
	}
	if got := receive(t, p.pongs); got != "gorilla" {
		t.Fatalf("pong %q", got)
	}
}

func (p *gorillaPeer) next(t *testing.T) []byte { t.Helper(); return receive(t, p.messages) }

func (p *gorillaPeer) goodbye(t *testing.T) {
	t.Helper()
	_ = p.WriteControl(websocket.CloseMessage, websocket.FormatCloseMessage(websocket.CloseNormalClosure, ""), time.Now().Add(patience))
	ended(t, p.messages)
	_ = p.Conn.Close()
}

// ended waits for the end of a connection, whatever still came over it.
func ended(t *testing.T, from <-chan []byte) {
	t.Helper()
	for timeout := time.After(patience); ; {
		select {
		case _, ok := <-from:
			if !ok {
				return
			}
		case <-timeout:
			t.Fatal("the connection does not end")
		}
	}
}

func receive[T any](t *testing.T, from <-chan T) (v T) {
	t.Helper()
	select {
	case v, ok := <-from:
		if !ok {
			t.Fatal("the connection ended")
		}
		return v
	case <-time.After(patience):
		t.Fatal("nothing came")
	}
	return v
}

type coderPeer struct {
	conn     *coder.Conn
	messages chan []byte
}

func dialCoder(t *testing.T, url string, opts coder.DialOptions) (p *coderPeer, agreed string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	conn, res, err := coder.Dial(ctx, url, &opts)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.CloseNow() })
	conn.SetReadLimit(1 << 20)
	p = &coderPeer{conn: conn, messages: make(chan []byte, 100)}
	go func() {
		defer close(p.messages)
		for {
			_, raw, err := conn.Read(context.Background())
			if err != nil {
				return
			}
			p.messages <- raw
		}
	}()
	return p, extensions(res)
}

func (p *coderPeer) say(t *testing.T, text string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	if err := p.conn.Write(ctx, coder.MessageText, []byte(text)); err != nil {
		t.Fatal(err)
	}
}

func (p *coderPeer) fragments(t *testing.T, parts ...string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	w, err := p.conn.Writer(ctx, coder.MessageText)
	for i, part := range parts {
		if i > 0 {
			p.ping(t)
		}
		if err == nil {
			_, err = w.Write([]byte(part))
		}
	}
	if err == nil {
		err = w.Close()
	}
	if err != nil {
		t.Fatal(err)
	}
}

func (p *coderPeer) ping(t *testing.T) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	if err := p.conn.Ping(ctx); err != nil {
		t.Fatal(err)
	}
}

func (p *coderPeer) next(t *testing.T) []byte { t.Helper(); return receive(t, p.messages) }

func (p *coderPeer) goodbye(t *testing.T) {
	t.Helper()
	_ = p.conn.Close(coder.StatusNormalClosure, "")
	ended(t, p.messages)
}

type gwsPeer struct {
	gws.BuiltinEventHandler
	conn     *gws.Conn
	messages chan []byte
	pongs    chan string
}

func dialGWS(t *testing.T, url string, opts gws.ClientOption) (p *gwsPeer, agreed string) {
	t.Helper()
	p = &gwsPeer{messages: make(chan []byte, 100), pongs: make(chan string, 1)}
	opts.Addr, opts.HandshakeTimeout = url, patience
	conn, res, err := gws.NewClient(p, &opts)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.NetConn().Close() })
	p.conn = conn
	go conn.ReadLoop()
	return p, extensions(res)
}

func (p *gwsPeer) OnClose(*gws.Conn, error) { close(p.messages) }

func (p *gwsPeer) OnPong(_ *gws.Conn, payload []byte) { p.pongs <- string(payload) }

func (p *gwsPeer) OnMessage(_ *gws.Conn, m *gws.Message) {
	defer m.Close()
	p.messages <- bytes.Clone(m.Bytes())
}

func (p *gwsPeer) say(t *testing.T, text string) {
	t.Helper()
	if err := p.conn.WriteString(text); err != nil {
		t.Fatal(err)
	}
}

// fragments sends a large message as gws does: WriteFile cuts it into frames of its own size, and lets no ping between them.
func (p *gwsPeer) fragments(t *testing.T, parts ...string) {
	t.Helper()
	if err := p.conn.WriteFile(gws.OpcodeText, bytes.NewBufferString(strings.Join(parts, ""))); err != nil {
		t.Fatal(err)
	}
}

func (p *gwsPeer) ping(t *testing.T) {
	t.Helper()
	if err := p.conn.WritePing([]byte("gws")); err != nil {
		t.Fatal(err)
	}
	if got := receive(t, p.pongs); got != "gws" {
		t.Fatalf("pong %q", got)
	}
}

func (p *gwsPeer) next(t *testing.T) []byte { t.Helper(); return receive(t, p.messages) }

// goodbye does not wait for the answer: neither does gws.
func (p *gwsPeer) goodbye(t *testing.T) {
	t.Helper()
	_ = p.conn.WriteClose(1000, nil)
	ended(t, p.messages)
}

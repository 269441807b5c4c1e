package main_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	coder "github.com/coder/websocket"
	"github.com/gorilla/websocket"
	"github.com/lxzan/gws"
)

// peer is one of the Go libraries as a client, with or without permessage-deflate.
type peer interface {
	fragments(t *testing.T, parts ...string) // sends one message in so many frames, where the library can
	ping(t *testing.T)                       // returns when the pong is there
	next(t *testing.T) said
}

// TestGoClients has clients of three libraries talk to each other, each compressed and not.
func TestGoClients(t *testing.T) {
	g := serve(t)
	peers := map[string]peer{}
	order := []string{"gorilla", "gorilla deflate", "coder", "coder deflate", "gws", "gws deflate"}
	for _, name := range order {
		url := "ws://" + g.addr + "/ws?room=lobby"
		library, _, deflate := strings.Cut(name, " ")
		switch library {
		case "gorilla":
			peers[name] = dialGorilla(t, url, deflate)
		case "coder":
			peers[name] = dialCoder(t, url, deflate)
		case "gws":
			peers[name] = dialGWS(t, url, deflate)
		}
	}
	for _, speaker := range order {
		for _, message := range []string{"short", strings.Repeat("a long one, which is worth compressing. ", 200)} {
			object, err := json.Marshal(map[string]string{"nickname": speaker, "message": message})
			if err != nil {
				t.Fatal(err)
			}
			third := len(object) / 3
			peers[speaker].fragments(t, string(object[:third]), string(object[third:2*third]), string(object[2*third:]))
			for _, name := range order {
				if s := peers[name].next(t); s.Nickname != speaker || s.Message != message || *s.Status != 1 {
					t.Fatalf("%s got %.80v, want %.80s of %s", name, s, message, speaker)
				}
			}
			peers[speaker].ping(t)
		}
	}
}

type gorillaPeer struct {
	*websocket.Conn
	messages chan said
	pongs    chan string
}

func dialGorilla(t *testing.T, url string, deflate bool) peer {
	t.Helper()
	d := websocket.Dialer{EnableCompression: deflate, WriteBufferSize: 64, HandshakeTimeout: patience}
	conn, res, err := d.Dial(url, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	if agreed := res.Header.Get("Sec-WebSocket-Extensions") != ""; agreed != deflate {
		t.Fatalf("permessage-deflate: %v, want %v", agreed, deflate)
	}
	p := &gorillaPeer{Conn: conn, messages: make(chan said, 100), pongs: make(chan string, 1)}
	conn.SetPongHandler(func(data string) error { p.pongs <- data; return nil })
	go func() {
		defer close(p.messages)
		for {
			var s said
			if conn.ReadJSON(&s) != nil {
				return
			}
			p.messages <- s
		}
	}()
	return p
}

// fragments makes a frame of each part, and more: gorilla flushes whenever its buffer of 64 bytes is full.
func (p *gorillaPeer) fragments(t *testing.T, parts ...string) {
	t.Helper()
	w, err := p.NextWriter(websocket.TextMessage)
	for _, part := range parts {
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

func (p *gorillaPeer) next(t *testing.T) said { t.Helper(); return receive(t, p.messages) }

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
	messages chan said
}

func dialCoder(t *testing.T, url string, deflate bool) peer {
	t.Helper()
	mode := coder.CompressionDisabled
	if deflate {
		mode = coder.CompressionContextTakeover
	}
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	conn, _, err := coder.Dial(ctx, url, &coder.DialOptions{CompressionMode: mode, CompressionThreshold: 1})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.CloseNow() })
	p := &coderPeer{conn: conn, messages: make(chan said, 100)}
	go func() {
		defer close(p.messages)
		for {
			_, raw, err := conn.Read(context.Background())
			var s said
			if err != nil || json.Unmarshal(raw, &s) != nil {
				return
			}
			p.messages <- s
		}
	}()
	return p
}

func (p *coderPeer) fragments(t *testing.T, parts ...string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	w, err := p.conn.Writer(ctx, coder.MessageText)
	for _, part := range parts {
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

func (p *coderPeer) next(t *testing.T) said { t.Helper(); return receive(t, p.messages) }

type gwsPeer struct {
	gws.BuiltinEventHandler
	conn     *gws.Conn
	messages chan said
	pongs    chan string
}

func dialGWS(t *testing.T, url string, deflate bool) peer {
	t.Helper()
	p := &gwsPeer{messages: make(chan said, 100), pongs: make(chan string, 1)}
	conn, _, err := gws.NewClient(p, &gws.ClientOption{
		Addr: url, HandshakeTimeout: patience, PermessageDeflate: gws.PermessageDeflate{Enabled: deflate, Threshold: 1},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.NetConn().Close() })
	p.conn = conn
	go conn.ReadLoop()
	return p
}

func (p *gwsPeer) OnClose(*gws.Conn, error) { close(p.messages) }

func (p *gwsPeer) OnPong(_ *gws.Conn, payload []byte) { p.pongs <- string(payload) }

func (p *gwsPeer) OnMessage(_ *gws.Conn, m *gws.Message) {
	defer m.Close()
	var s said
	if err := json.Unmarshal(m.Bytes(), &s); err != nil {
		s.Message = fmt.Sprint(err)
	}
	p.messages <- s
}

// fragments sends a large message as gws does: WriteFile cuts it into frames of its own size.
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

func (p *gwsPeer) next(t *testing.T) said { t.Helper(); return receive(t, p.messages) }

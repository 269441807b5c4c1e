package main_test

import (
	"bufio"
	"bytes"
	"compress/flate"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/gobwas/ws"
)

// tap stands between clients and a gateway and keeps what passes, so that every client is seen as a raw one would be.
// A connection is known by the parameter "as" of its request.
type tap struct {
	t    *testing.T
	to   string
	ln   net.Listener
	mu   sync.Mutex
	over map[string]chan *line
}

// line is one connection that is over.
type line struct{ up, down bytes.Buffer }

func (g *gateway) tap(t *testing.T) *tap {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = ln.Close() })
	p := &tap{t: t, to: g.addr, ln: ln, over: map[string]chan *line{}}
	go func() {
		for {
			client, err := ln.Accept()
			if err != nil {
				return
			}
			go p.pass(client.(*net.TCPConn))
		}
	}()
	return p
}

// pass carries both directions to their ends.
func (p *tap) pass(client *net.TCPConn) {
	defer client.Close()
	conn, err := net.Dial("tcp", p.to)
	if err != nil {
		return // the client sees its connection end, and its test fails
	}
	defer conn.Close()
	server, l, down := conn.(*net.TCPConn), &line{}, make(chan struct{})
	go func() {
		defer close(down)
		_, _ = io.Copy(io.MultiWriter(&l.down, client), server)
		_ = client.CloseWrite()
	}()
	_, _ = io.Copy(io.MultiWriter(&l.up, server), client)
	_ = server.CloseWrite()
	<-down
	if req, err := http.ReadRequest(bufio.NewReader(bytes.NewReader(l.up.Bytes()))); err == nil {
		p.line(req.URL.Query().Get("as")) <- l
	}
}

// line is where the connection of this name comes when it is over.
func (p *tap) line(as string) chan *line {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.over[as] == nil {
		p.over[as] = make(chan *line, 1)
	}
	return p.over[as]
}

// overheard is what one connection said, once it is over.
type overheard struct {
	offer, answer string
	up, down      []passed
}

// passed is a data message as it went over the wire.
type passed struct {
	text   string // inflated
	packed bool   // RSV1
	size   int    // bytes of payload on the wire
	frames int
	pings  int // between its frames
}

// hear waits for the end of a connection and reads it through.
func (p *tap) hear(t *testing.T, as string) (h overheard) {
	t.Helper()
	l := receive(t, p.line(as))
	up, down := bufio.NewReader(&l.up), bufio.NewReader(&l.down)
	req, err := http.ReadRequest(up)
	if err != nil {
		t.Fatal(err)
	}
	res, err := http.ReadResponse(down, req)
	if err != nil || res.StatusCode != http.StatusSwitchingProtocols {
		t.Fatalf("%s: %v, %v, want an upgrade", as, res, err)
	}
	h.offer, h.answer = strings.Join(req.Header.Values("Sec-WebSocket-Extensions"), ", "), extensions(res)
	if h.up, err = messages(up, true); err != nil {
		t.Fatalf("%s, from the client: %v", as, err)
	}
	if h.down, err = messages(down, false); err != nil {
		t.Fatalf("%s, from the server: %v", as, err)
	}
	return h
}

// messages reads a direction to its end. It holds frames to their mask and RSV1 to the first frame of a data message.
func messages(r *bufio.Reader, masked bool) (list []passed, err error) {
	var m passed
	var payload []byte
	for {
		h, err := ws.ReadHeader(r)
		if errors.Is(err, io.EOF) {
			return list, nil
		}
		if err != nil {
			return list, err
		}
		b := make([]byte, h.Length)
		if _, err := io.ReadFull(r, b); err != nil {
			return list, err
		}
		if h.Masked {
			ws.Cipher(b, h.Mask, 0)
		}
		first := h.OpCode == ws.OpText && m.frames == 0
		switch {
		case h.Masked != masked, h.Rsv2(), h.Rsv3(), h.Rsv1() && !first:
			return list, errors.New("a frame is not as it has to be")
		case h.OpCode == ws.OpPing && m.frames > 0:
			m.pings++
			continue
		case h.OpCode.IsControl():
			continue
		case !first && h.OpCode != ws.OpContinuation:
			return list, errors.New("a frame is not of a text message")
		case first:
			m.packed = h.Rsv1()
		}
		m.frames++
		payload = append(payload, b...)
		if !h.Fin {
			continue
		}
		m.size, m.text = len(payload), string(payload)
		if m.packed {
			if m.text, err = inflated(payload); err != nil {
				return list, err
			}
		}
		list = append(list, m)
		m, payload = passed{}, nil
	}
}

// inflated decompresses a message by itself, as it has to be possible without context takeover.
func inflated(payload []byte) (string, error) {
	// Section 7.2.2 has four bytes appended; the rest is an empty last block, at which package flate stops.
	text, err := io.ReadAll(flate.NewReader(io.MultiReader(bytes.NewReader(payload), strings.NewReader("\x00\x00\xff\xff\x01\x00\x00\xff\xff"))))
	return string(text), err
}

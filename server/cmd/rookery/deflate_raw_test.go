package main_test

import (
	"bytes"
	"compress/flate"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gobwas/ws"
)

const rsv1 = 0x40

// rawPeer is a raw socket as a client, which looks at each frame. It compresses whenever that was agreed.
type rawPeer struct {
	*raw
	agreed string
}

// dialRaw opens the socket at the address of a ws URL. The lines are its Sec-WebSocket-Extensions.
func dialRaw(t *testing.T, address string, lines ...string) *rawPeer {
	t.Helper()
	u, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	c := (&gateway{t: t, addr: u.Host}).raw()
	return &rawPeer{raw: c, agreed: c.offered(u.RequestURI(), lines...)}
}

// deflaters are few: one takes longer to make than to use.
var deflaters = sync.Pool{New: func() any {
	w, _ := flate.NewWriter(nil, flate.BestCompression) // fails only for a level that does not exist
	return w
}}

// packed is a message compressed by itself. Its tail of 00 00 ff ff is taken off, RFC 7692 section 7.2.1.
func packed(text string) string {
	var b bytes.Buffer
	w := deflaters.Get().(*flate.Writer)
	defer deflaters.Put(w)
	w.Reset(&b)
	_, _ = w.Write([]byte(text))
	_ = w.Flush()
	return strings.TrimSuffix(b.String(), "\x00\x00\xff\xff")
}

// payload is a message as it is to be sent, and the bit that says so.
func (p *rawPeer) payload(message string) (string, byte) {
	if p.agreed == "" {
		return message, 0
	}
	return packed(message), rsv1
}

func (p *rawPeer) say(t *testing.T, message string) {
	t.Helper()
	payload, bit := p.payload(message)
	p.write(masked(text|bit, payload))
}

func (p *rawPeer) fragments(t *testing.T, parts ...string) {
	t.Helper()
	payload, bit := p.payload(strings.Join(parts, ""))
	cut := len(payload) / len(parts)
	p.write(masked(firstOf|bit, payload[:cut]))
	for range parts[2:] {
		p.ping(t)
		p.write(masked(fragment, payload[cut:2*cut]))
		payload = payload[cut:]
	}
	p.ping(t)
	p.write(masked(last, payload[cut:]))
}

func (p *rawPeer) ping(t *testing.T) {
	t.Helper()
	p.write(masked(ping, "raw"))
	if f := p.frame(); f.Header.OpCode != ws.OpPong || string(f.Payload) != "raw" {
		t.Fatalf("got %v %q, want a pong", f.Header, f.Payload)
	}
}

// next holds the server to RFC 7692 sections 5.1 and 6, and to its threshold: RSV1 if that was agreed and the message is
// of 128 bytes or more, and then only if that made it shorter.
func (p *rawPeer) next(t *testing.T) []byte {
	t.Helper()
	_ = p.SetDeadline(time.Now().Add(patience))
	f := p.frame()
	if f.Header.OpCode != ws.OpText || !f.Header.Fin || f.Header.Masked || f.Header.Rsv2() || f.Header.Rsv3() {
		t.Fatalf("got %v", f.Header)
	}
	if !f.Header.Rsv1() {
		if p.agreed != "" && len(f.Payload) >= threshold && bytes.HasPrefix(f.Payload, []byte(`{"status":1`)) {
			t.Fatalf("%d bytes came as they are", len(f.Payload))
		}
		return f.Payload
	}
	message, err := inflated(f.Payload)
	if err != nil || p.agreed == "" || len(message) < threshold || len(message) <= len(f.Payload) {
		t.Fatalf("%d bytes came as %d: %v", len(message), len(f.Payload), err)
	}
	return []byte(message)
}

func (p *rawPeer) goodbye(t *testing.T) {
	t.Helper()
	p.write(masked(closing, "\x03\xe8"))
	p.fails(ws.StatusNormalClosure)
	_ = p.Close()
}

package main

import (
	"bytes"
	"crypto/rand"
	"crypto/sha1"
	"encoding/base64"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// acceptGUID is appended to the key before hashing: RFC 6455, 1.3.
const acceptGUID = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"

// A client process uses one key for all its connections. It is random, as RFC 6455, 4.1 asks, and the
// expected answer is then computed once.
var (
	upgradeKey    = newKey()
	upgradeAccept = acceptFor(upgradeKey)
)

func newKey() string {
	b := make([]byte, 16)
	fillRandom(b)
	return base64.StdEncoding.EncodeToString(b)
}

// fillRandom fills b with random bytes.
func fillRandom(b []byte) {
	// crypto/rand.Read never returns an error since Go 1.24.
	_, _ = rand.Read(b)
}

func acceptFor(key string) string {
	sum := sha1.Sum([]byte(key + acceptGUID))
	return base64.StdEncoding.EncodeToString(sum[:])
}

const deflateOffer = "permessage-deflate; server_no_context_takeover; client_no_context_takeover"

// request renders the opening handshake of connection i.
func (c *client) request(i int32) string {
	room := c.plan.RoomBase + strconv.Itoa(int(c.conns[i].room))
	path := strings.ReplaceAll(c.plan.Path, roomField, room)
	path = strings.ReplaceAll(path, connField, strconv.Itoa(c.plan.First+int(i)))
	return upgradeRequest(path, c.plan.Host, c.plan.Protocol, c.plan.Deflate)
}

func upgradeRequest(path, host, protocol string, deflate bool) string {
	var b strings.Builder
	b.WriteString("GET " + path + " HTTP/1.1\r\nHost: " + host + "\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n" +
		"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: " + upgradeKey + "\r\n")
	if protocol != "" {
		b.WriteString("Sec-WebSocket-Protocol: " + protocol + "\r\n")
	}
	if deflate {
		b.WriteString("Sec-WebSocket-Extensions: " + deflateOffer + "\r\n")
	}
	b.WriteString("\r\n")
	return b.String()
}

// upgradeAnswer is what a server agreed to.
type upgradeAnswer struct {
	size     int // bytes of the answer; 0: not complete
	protocol string
	deflate  bool
	takeover bool
}

var errLongAnswer = errors.New("answer to the upgrade over 16 KiB")

// parseUpgrade checks the server's answer as RFC 6455, 4.1 tells a client to.
func parseUpgrade(b []byte) (upgradeAnswer, error) {
	var a upgradeAnswer
	end := bytes.Index(b, []byte("\r\n\r\n"))
	if end < 0 {
		if len(b) > 16<<10 {
			return a, errLongAnswer
		}
		return a, nil
	}
	lines := strings.Split(string(b[:end]), "\r\n")
	status, ok := strings.CutPrefix(lines[0], "HTTP/1.1 ")
	if !ok {
		return a, fmt.Errorf("no WebSocket server: it answered %q", shorten(lines[0]))
	}
	if !strings.HasPrefix(status, "101") {
		return a, fmt.Errorf("http %s", shorten(status))
	}
	accept := ""
	for _, line := range lines[1:] {
		name, value, _ := strings.Cut(line, ":")
		value = strings.TrimSpace(value)
		switch strings.ToLower(name) {
		case "sec-websocket-accept":
			accept = value
		case "sec-websocket-protocol":
			a.protocol = value
		case "sec-websocket-extensions":
			a.deflate = strings.HasPrefix(value, "permessage-deflate")
			a.takeover = !strings.Contains(value, "server_no_context_takeover")
		}
	}
	if accept != upgradeAccept {
		return a, errors.New("no WebSocket server: Sec-WebSocket-Accept is wrong or missing")
	}
	a.size = end + 4
	return a, nil
}

// finishUpgrade reads the server's answer from b and returns how many bytes it took; 0 asks for more.
func (c *client) finishUpgrade(i int32, b []byte) (int, error) {
	a, err := parseUpgrade(b)
	if err != nil || a.size == 0 {
		return 0, err
	}
	if c.plan.Protocol != "" && a.protocol != c.plan.Protocol {
		return 0, fmt.Errorf("no subprotocol %s there", c.plan.Protocol)
	}
	if a.deflate && !c.plan.Deflate {
		return 0, errors.New("permessage-deflate answered, but not offered")
	}
	k := &c.conns[i]
	t := now()
	k.state, k.opened, k.carry = open, t, nil
	k.deflate, k.takeover = a.deflate, a.takeover
	d := &c.dial
	if a.deflate {
		d.deflated++
	}
	d.inFlight--
	d.open++
	d.opened++
	d.handshake.record(t - k.started)
	if c.plan.Join {
		c.join(i)
	}
	if c.swept(k) {
		c.interest(i, unix.EPOLL_CTL_MOD, 0)
	}
	return a.size, nil
}

package main

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// reachable reports whether something accepts connections at addr.
func reachable(ctx context.Context, addr string) error {
	d := net.Dialer{Timeout: 5 * time.Second}
	c, err := d.DialContext(ctx, "tcp", addr)
	if err != nil {
		return err
	}
	return c.Close()
}

// preflight opens one connection, sends one message and waits until it is back, so that a wrong target is
// told in a sentence before a thousand connections are opened.
func (t *target) preflight(ctx context.Context) error {
	d := net.Dialer{Timeout: 5 * time.Second}
	c, err := d.DialContext(ctx, "tcp", t.addrs[0])
	if err != nil {
		return fmt.Errorf("cannot reach %s: %w", t.url(), plainCause(err))
	}
	defer c.Close()
	_ = c.SetDeadline(time.Now().Add(t.patience))
	if t.tls {
		name, _, _ := strings.Cut(t.host, ":")
		s := tls.Client(c, &tls.Config{ServerName: name, InsecureSkipVerify: true})
		if err := s.HandshakeContext(ctx); err != nil {
			return fmt.Errorf("%s: no TLS there: %w", t.url(), err)
		}
		c = s
	}
	path := strings.ReplaceAll(t.path, roomField, t.roomBase+"preflight")
	if _, err := c.Write([]byte(upgradeRequest(path, t.host, "", false))); err != nil {
		return fmt.Errorf("%s: %w", t.url(), err)
	}
	rest, err := readUpgrade(c)
	if err != nil {
		return fmt.Errorf("%s: %w", t.url(), err)
	}
	m, err := newMessage(orString(t.message, defaultTemplate), 0)
	if err != nil {
		return usageError{err}
	}
	text := m.renderInto(nil, marker{due: now()})
	if _, err := c.Write(appendFrame(nil, bitFin|opText, text, 1)); err != nil {
		return fmt.Errorf("%s: %w", t.url(), err)
	}
	want := text[m.at : m.at+markerLen]
	return t.awaitEcho(c, rest, want)
}

// readUpgrade reads the answer to an upgrade request and returns what came behind it.
func readUpgrade(c net.Conn) ([]byte, error) {
	var got []byte
	b := make([]byte, 4<<10)
	for {
		n, err := c.Read(b)
		got = append(got, b[:n]...)
		a, bad := parseUpgrade(got)
		if bad != nil {
			return nil, bad
		}
		if a.size > 0 {
			return got[a.size:], nil
		}
		if err != nil {
			if len(got) > 0 {
				return nil, fmt.Errorf("no WebSocket server: it answered %q and no more", shorten(string(got)))
			}
			return nil, fmt.Errorf("no WebSocket server: it took the connection and answered nothing: %w", plainCause(err))
		}
	}
}

// awaitEcho reads until the marker has come back.
func (t *target) awaitEcho(c net.Conn, got, want []byte) error {
	b := make([]byte, 4<<10)
	for !bytes.Contains(got, want) {
		n, err := c.Read(b)
		got = append(got, b[:n]...)
		if err != nil && !bytes.Contains(got, want) {
			var timeout net.Error
			if errors.As(err, &timeout) && timeout.Timeout() {
				return fmt.Errorf("%s took a message but did not send it back within %v: bench measures servers that echo or "+
					"broadcast; if this one wants another form, give --message", t.url(), t.patience)
			}
			return fmt.Errorf("%s closed the connection after the first message: %w", t.url(), plainCause(err))
		}
		if len(got) > 1<<20 {
			return fmt.Errorf("%s sends other things than what it was sent", t.url())
		}
	}
	return nil
}

func (t *target) url() string {
	return map[bool]string{false: "ws", true: "wss"}[t.tls] + "://" + t.host + t.path
}

// plainCause strips net's prefixes, which repeat the address.
func plainCause(err error) error {
	var errno unix.Errno
	if errors.As(err, &errno) {
		return errno
	}
	return err
}

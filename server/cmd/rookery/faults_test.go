package main_test

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/gobwas/ws"
	"golang.org/x/sys/unix"
)

func TestHandshakeAndFramesArriveByteByByte(t *testing.T) {
	g := serve(t)
	ann := g.chatter("attic", "ann")
	slow := g.raw()
	slow.dribble(fmt.Appendf(nil, handshake, "attic"))
	slow.upgraded()
	slow.dribble(masked(text, `{"nickname":"bob","message":"at last"}`))
	ann.hears(1, "bob", "at last")
	slow.dribble(masked(ping, "anybody?"))
	for {
		if f := slow.frame(); f.Header.OpCode == ws.OpPong {
			if string(f.Payload) != "anybody?" {
				t.Fatalf("pong %q", f.Payload)
			}
			break
		}
	}
}

// TestFramesPipelinedBehindTheHandshake sends all in one segment: what follows the head must not be lost.
func TestFramesPipelinedBehindTheHandshake(t *testing.T) {
	g := serve(t)
	ann := g.chatter("attic", "ann")
	c := g.raw()
	c.write(append(fmt.Appendf(nil, handshake, "attic"), masked(text, `{"nickname":"bob","message":"early"}`)...))
	ann.hears(1, "bob", "early")
	c.upgraded()
}

// TestHalfOpenHandshakes holds 10,000 connections that never finish their request, or as many as the descriptors of this
// process allow.
func TestHalfOpenHandshakes(t *testing.T) {
	var limit unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &limit); err != nil {
		t.Fatal(err)
	}
	count := min(10_000, int(min(limit.Cur, 1<<20)-1000)*3/4)
	if count < 10_000 {
		fmt.Printf("TestHalfOpenHandshakes: %d connections, for want of descriptors (ulimit -n is %d)\n", count, limit.Cur)
	}
	g := serve(t, "--handshake", "8s")
	chat := g.conversation("lobby", 3)
	held := make([]net.Conn, count)
	for i := range held {
		c, err := net.Dial("tcp", g.addr)
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		if _, err := c.Write([]byte("GET /ws HTTP/1.1\r\nHost: rook")); err != nil {
			t.Fatal(err)
		}
		held[i] = c
		if i%1000 == 0 {
			chat(fmt.Sprint("beside ", i))
		}
	}
	chat("beside all of them")
	timedOut := 0
	for i, c := range held {
		_ = c.SetDeadline(time.Now().Add(patience))
		answer, err := io.ReadAll(c)
		if err != nil {
			t.Fatal(err)
		}
		if strings.HasPrefix(string(answer), "HTTP/1.1 408 ") {
			timedOut++
		}
		if i%1000 == 0 {
			chat(fmt.Sprint("while they end ", i))
		}
	}
	if timedOut != count {
		t.Errorf("%d of %d were told 408", timedOut, count)
	}
	for _, c := range held {
		_ = c.Close()
	}
	eventually(t, "all are counted", func() bool { return g.closed("handshake_timeout") == count })
}

func TestFramesThatNoClientMaySend(t *testing.T) {
	g := serve(t, "--max-fragments", "8", "--max-message", "1024")
	chat := g.conversation("lobby", 2)
	unmasked := ws.MustCompileFrame(ws.NewTextFrame([]byte(`{"message":"x"}`)))
	for _, tt := range []struct {
		name string
		send []byte
		code ws.StatusCode
	}{
		{"unmasked", unmasked, 1002},
		{"reserved bit", masked(text|0x40, "x"), 1002},
		{"reserved opcode", masked(fin|3, "x"), 1002},
		{"continuation of nothing", masked(last, "x"), 1002},
		{"message within a message", append(masked(firstOf, "x"), masked(text, "y")...), 1002},
		{"fragmented ping", masked(byte(ws.OpPing), "x"), 1002},
		{"long ping", masked(ping, strings.Repeat("x", 126)), 1002},
		{"one byte of a close code", masked(closing, "\x03"), 1002},
		{"close code that may not be sent", masked(closing, "\x03\xee"), 1002},
		{"invalid UTF-8", masked(text, "\xff"), 1007},
		{"invalid UTF-8 over fragments", append(masked(firstOf, "\xce\xba\xe1"), masked(last, "\xbd\xb9\xcf\xed\xa0\x80")...), 1007},
		{"half a character", append(masked(firstOf, "\xf0\x9f"), masked(last, "")...), 1007},
		{"message too large", masked(text, strings.Repeat("x", 1025)), 1009},
		{"message too large over fragments", append(masked(firstOf, strings.Repeat("x", 1000)), masked(last, strings.Repeat("x", 25))...), 1009},
		{"length of 2^63-1", append([]byte{text, 0xff, 0x7f}, strings.Repeat("\xff", 7+4)...), 1009},
		{"too many fragments", append(masked(firstOf, "{"), []byte(strings.Repeat(string(masked(fragment, "")), 8))...), 1008},
		{"binary", masked(fin|byte(ws.OpBinary), "x"), 1003},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := g.enter("lobby")
			c.t = t
			c.write(tt.send)
			if reason := c.fails(tt.code); reason == "" {
				t.Error("closed without a reason")
			}
			chat("after " + tt.name)
		})
	}
}

// TestEmptyFrames is about payloads of no bytes: in gnet to discard none means to discard all.
func TestEmptyFrames(t *testing.T) {
	g := serve(t)
	ann := g.chatter("lobby", "ann")
	c := g.enter("lobby")
	var send []byte
	send = append(send, masked(text, "")...)
	send = append(send, masked(ping, "")...)
	send = append(send, masked(firstOf, "")...)
	send = append(send, masked(fragment, `{"nickname":"bob",`)...)
	send = append(send, masked(fragment, "")...)
	send = append(send, masked(ping, "")...)
	send = append(send, masked(fragment, `"message":"whole"}`)...)
	send = append(send, masked(last, "")...)
	send = append(send, masked(closing, "")...)
	c.write(send)
	if f := c.frame(); f.Header.OpCode != ws.OpText || !strings.Contains(string(f.Payload), `"code":"bad_json"`) {
		t.Fatalf("an empty message was answered with %q", f.Payload)
	}
	ann.hears(1, "bob", "whole")
	for pongs := 0; ; {
		f := c.frame()
		if f.Header.OpCode == ws.OpPong {
			if pongs++; len(f.Payload) > 0 {
				t.Fatalf("pong %q", f.Payload)
			}
		}
		if f.Header.OpCode == ws.OpClose {
			if len(f.Payload) > 0 || pongs != 2 {
				t.Fatalf("close %q after %d pongs", f.Payload, pongs)
			}
			break
		}
	}
	c.over()
	ann.hears(0, "bob", "whole")
}

func TestRequestsThatNoClientMaySend(t *testing.T) {
	g := serve(t)
	chat := g.conversation("lobby", 2)
	good := fmt.Sprintf(handshake, "lobby")
	for _, tt := range []struct {
		name, send string
		status     int
	}{
		{"oversized head", strings.Replace(good, "Host:", "X: "+strings.Repeat("x", 8<<10)+"\r\nHost:", 1), http.StatusRequestHeaderFieldsTooLarge},
		{"head without end", "GET /" + strings.Repeat("x", 9<<10), http.StatusRequestHeaderFieldsTooLarge},
		{"bare line feeds", strings.ReplaceAll(good, "\r\n", "\n") + "\r\n\r\n", http.StatusBadRequest},
		{"no key", strings.Replace(good, "Sec-WebSocket-Key", "X-Key", 1), http.StatusBadRequest},
		{"short key", strings.Replace(good, "dGhlIHNhbXBsZSBub25jZQ==", "c2hvcnQ=", 1), http.StatusBadRequest},
		{"version 8", strings.Replace(good, "Version: 13", "Version: 8", 1), http.StatusUpgradeRequired},
		{"POST", strings.Replace(good, "GET", "POST", 1), http.StatusMethodNotAllowed},
		{"another path", strings.Replace(good, "/ws", "/chat", 1), http.StatusNotFound},
		{"room name too long", strings.Replace(good, "room=lobby", "room="+strings.Repeat("x", 200), 1), http.StatusBadRequest},
		{"TLS", "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n", http.StatusBadRequest},
	} {
		c := g.raw()
		c.write([]byte(tt.send))
		res, body := c.response()
		if res.StatusCode != tt.status || body == "" {
			t.Errorf("%s: %d %q, want %d and a reason", tt.name, res.StatusCode, body, tt.status)
		}
		_ = c.Conn.(*net.TCPConn).CloseWrite()
		c.over()
		chat("after " + tt.name)
	}
}

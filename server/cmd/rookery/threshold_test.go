package main_test

import (
	"strings"
	"testing"
)

// TestDeflateThreshold: messages shorter than --deflate-threshold leave as they are, the others compressed.
func TestDeflateThreshold(t *testing.T) {
	for _, tt := range []struct {
		flags []string
		size  int
		packs bool
	}{
		{nil, 2000, true},
		{[]string{"--deflate-threshold", "1"}, 60, true},
		{[]string{"--deflate-threshold", "1000"}, 60, false},
		{[]string{"--deflate-threshold", "1000"}, 2000, true},
	} {
		g := serve(t, tt.flags...)
		c := g.raw()
		c.write([]byte(strings.Replace(strings.Replace(handshake, "%s", "lobby", 1), "\r\n\r\n", "\r\nSec-WebSocket-Extensions: permessage-deflate\r\n\r\n", 1)))
		c.upgraded()
		c.write(masked(text, `{"nickname":"ann","message":"`+strings.Repeat("a", tt.size)+`"}`))
		if f := c.frame(); f.Header.Rsv1() != tt.packs {
			t.Errorf("%v: a message of %d letters came in a frame whose RSV1 is %v", tt.flags, tt.size, f.Header.Rsv1())
		}
		_ = c.Close()
	}
}

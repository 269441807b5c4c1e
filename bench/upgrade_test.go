package main

import (
	"bytes"
	"strings"
	"testing"

	"github.com/klauspost/compress/flate"
)

// RFC 6455, 1.3.
func TestAcceptVector(t *testing.T) {
	if got, want := acceptFor("dGhlIHNhbXBsZSBub25jZQ=="), "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="; got != want {
		t.Errorf("accept %q, want %q", got, want)
	}
}

func TestParseUpgrade(t *testing.T) {
	ok := "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: " + upgradeAccept
	for _, tt := range []struct {
		name, text string
		want       upgradeAnswer
		err        string
	}{
		{"plain", ok + "\r\n\r\n", upgradeAnswer{size: len(ok) + 4, takeover: false}, ""},
		{"with a frame behind", ok + "\r\n\r\n\x81\x02hi", upgradeAnswer{size: len(ok) + 4}, ""},
		{
			"names in any case", strings.ToUpper(ok[:32]) + "\r\nsec-websocket-ACCEPT:" + upgradeAccept + "\r\nSec-WebSocket-Protocol: rookery.v1\r\n\r\n",
			upgradeAnswer{size: 32 + 2 + 21 + len(upgradeAccept) + 36 + 4, protocol: "rookery.v1"}, "",
		},
		{"refused", "HTTP/1.1 503 Service Unavailable\r\n\r\n", upgradeAnswer{}, "http 503 Service Unavailable"},
		{"wrong accept", "HTTP/1.1 101 x\r\nSec-WebSocket-Accept: nonsense\r\n\r\n", upgradeAnswer{}, "Sec-WebSocket-Accept is wrong"},
		{"not HTTP", "220 mail.example ESMTP\r\n\r\n", upgradeAnswer{}, `it answered "220 mail.example ESMTP"`},
		{"endless", strings.Repeat("x", 17<<10), upgradeAnswer{}, "over 16 KiB"},
	} {
		got, err := parseUpgrade([]byte(tt.text))
		if tt.err != "" {
			if err == nil || !strings.Contains(err.Error(), tt.err) {
				t.Errorf("%s: error %v, want %q", tt.name, err, tt.err)
			}
			continue
		}
		if err != nil || got.size != tt.want.size || got.protocol != tt.want.protocol {
			t.Errorf("%s: %+v, %v, want %+v", tt.name, got, err, tt.want)
		}
		for n := range tt.want.size {
			if a, err := parseUpgrade([]byte(tt.text[:n])); a.size != 0 || err != nil {
				t.Fatalf("%s cut to %d bytes: %+v, %v", tt.name, n, a, err)
			}
		}
	}
}

func TestParseUpgradeExtensions(t *testing.T) {
	for _, tt := range []struct {
		line              string
		deflate, takeover bool
	}{
		{"permessage-deflate; server_no_context_takeover; client_no_context_takeover", true, false},
		{"permessage-deflate", true, true},
		{"permessage-deflate; client_no_context_takeover", true, true},
	} {
		a, err := parseUpgrade([]byte("HTTP/1.1 101 x\r\nSec-WebSocket-Accept: " + upgradeAccept + "\r\nSec-WebSocket-Extensions: " + tt.line + "\r\n\r\n"))
		if err != nil || a.deflate != tt.deflate || a.takeover != tt.takeover {
			t.Errorf("%s: %+v, %v", tt.line, a, err)
		}
	}
}

// compressed returns messages as a server with one deflate stream sends them.
func compressed(t *testing.T, takeover bool, texts []string) [][]byte {
	t.Helper()
	var all [][]byte
	var b bytes.Buffer
	w, err := flate.NewWriter(&b, 6)
	if err != nil {
		t.Fatal(err)
	}
	for _, text := range texts {
		b.Reset()
		if !takeover {
			w.Reset(&b)
		}
		_, _ = w.Write([]byte(text))
		_ = w.Flush()
		all = append(all, bytes.TrimSuffix(bytes.Clone(b.Bytes()), []byte("\x00\x00\xff\xff")))
	}
	return all
}

func TestInflate(t *testing.T) {
	texts := []string{padding(500), "", padding(500), strings.Repeat("x", 100_000), padding(700)}
	for _, takeover := range []bool{false, true} {
		k := &conn{deflate: true, takeover: takeover}
		for i, b := range compressed(t, takeover, texts) {
			got, err := k.inflate(b)
			if err != nil || string(got) != texts[i] {
				t.Fatalf("takeover %v, message %d: %d bytes, %v, want %d", takeover, i, len(got), err, len(texts[i]))
			}
		}
		if len(k.window) > windowSize {
			t.Errorf("window of %d bytes", len(k.window))
		}
	}
	if _, err := (&conn{}).inflate([]byte("x")); err != errNotOffered {
		t.Errorf("error %v, want %v", err, errNotOffered)
	}
}

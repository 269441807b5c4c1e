package server

import (
	"bytes"
	"crypto/tls"
	"math/rand/v2"
	"net"
	"testing"

	"github.com/gobwas/ws"

	"rookery/codec"
)

// TestBuffersOfCryptoTLS fails when a version of Go has moved what tls_buffers.go reaches for.
func TestBuffersOfCryptoTLS(t *testing.T) {
	if !rawInputKnown || !handKnown {
		t.Fatal("tls.Conn has no bytes.Buffer rawInput or hand any more: connections keep their buffers")
	}
	a, b := net.Pipe()
	defer a.Close()
	server := tls.Server(a, &tls.Config{})
	go func() { _, _ = b.Write([]byte("GET / HTTP/1.1\r\n")); _ = b.Close() }()
	_ = server.Handshake()
	if got := bufferAt(server, rawInputAt).Bytes(); !bytes.HasPrefix(got, []byte("GET /")) {
		t.Fatalf("rawInput holds %q", got)
	}
}

// TestWholeFrames compares wholeFrames with frames whose ends are known.
func TestWholeFrames(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	for range 300 {
		var frames []byte
		ends := []int{0}
		for range 1 + random.IntN(60) {
			size := random.IntN(300)
			if random.IntN(8) == 0 {
				size = random.IntN(3 * maxRecord)
			}
			if random.IntN(40) == 0 {
				size = 1 << 17
			}
			frames = codec.AppendFrame(frames, ws.OpText, make([]byte, size))
			ends = append(ends, len(frames))
		}
		for i := 0; i < len(ends)-1; i++ {
			want := ends[i+1]
			for _, end := range ends[i+1:] {
				if end-ends[i] <= maxRecord {
					want = end
				}
			}
			if got := wholeFrames(frames[ends[i]:]); got != want-ends[i] {
				t.Fatalf("from %d of %v: got %d, want %d", i, ends, got, want-ends[i])
			}
		}
	}
}

func TestCheckRecord(t *testing.T) {
	for _, tt := range []struct {
		name   string
		header [recordHeader]byte
		alert  tls.AlertError
	}{
		{"a ClientHello", [5]byte{22, 3, 1, 2, 0}, 0},
		{"the longest", [5]byte{22, 3, 1, 0x40, 0}, 0},
		{"one byte too long", [5]byte{22, 3, 1, 0x40, 1}, 22},
		{"empty", [5]byte{22, 3, 1, 0, 0}, 10},
		{"application data", [5]byte{23, 3, 3, 0, 5}, 10},
		{"an alert", [5]byte{21, 3, 1, 0, 2}, 10},
		{"a heartbeat", [5]byte{24, 3, 1, 0, 3}, 10},
		{"SSL 2", [5]byte{0x80, 0x2e, 1, 0, 2}, 10},
		{"version 2", [5]byte{22, 2, 0, 0, 5}, 10},
	} {
		if complaint, alert := checkRecord(tt.header[:]); alert != tt.alert || (complaint == "") != (alert == 0) {
			t.Errorf("%s: got %q and alert %d, want %d", tt.name, complaint, alert, tt.alert)
		}
	}
}

func TestSecureConfig(t *testing.T) {
	if _, err := secureConfig(&tls.Config{}); err == nil {
		t.Fatal("no certificate, no error")
	}
	own := &tls.Config{GetCertificate: new(Certificates).Get, MinVersion: tls.VersionTLS10, MaxVersion: tls.VersionTLS12, NextProtos: []string{"x"}}
	cfg, err := secureConfig(own)
	if err != nil || cfg.MinVersion != tls.VersionTLS12 || cfg.MaxVersion != tls.VersionTLS12 || cfg.NextProtos[0] != "x" {
		t.Fatalf("got %+v, %v", cfg, err)
	}
	if own.MinVersion != tls.VersionTLS10 || own.CipherSuites != nil {
		t.Fatal("the caller's config was changed")
	}
}

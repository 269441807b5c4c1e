package server_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"log/slog"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"rookery/server"
	"rookery/server/internal/certtest"
)

// journal is a log that a test reads while it is written.
type journal struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (j *journal) Write(b []byte) (int, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.text.Write(b)
}

func (j *journal) count(text string) int {
	j.mu.Lock()
	defer j.mu.Unlock()
	return strings.Count(j.text.String(), text)
}

// TestCertificateReload renews a certificate under a running server: by files that change and by a signal, good and bad.
func TestCertificateReload(t *testing.T) {
	dir := t.TempDir()
	certFile, keyFile := dir+"/cert.pem", dir+"/key.pem"
	first, second, third := certtest.For("first"), certtest.For("second"), certtest.For("third")
	first.Write(t, certFile, keyFile)
	certs, err := server.LoadCertificates([]string{certFile}, []string{keyFile})
	if err != nil {
		t.Fatal(err)
	}
	srv := startTLS(t, server.Config{Loops: 1, TLS: &tls.Config{GetCertificate: certs.Get}}, server.Handler{OnMessage: echo})
	serves := func() string {
		state, err := handshakeWith(t, srv, &tls.Config{InsecureSkipVerify: true})
		if err != nil {
			t.Fatal(err)
		}
		return state.PeerCertificates[0].Subject.CommonName
	}
	log, hangup := &journal{}, make(chan os.Signal, 1)
	ctx, cancel := context.WithCancel(context.Background())
	var watching sync.WaitGroup
	watching.Go(func() { certs.Watch(ctx, 10*time.Millisecond, hangup, slog.New(slog.NewTextHandler(log, nil))) })
	defer watching.Wait()
	defer cancel()

	old := dialTLS(t, srv, &tls.Config{InsecureSkipVerify: true})
	if got := serves(); got != "first" {
		t.Fatalf("serves %q at the start", got)
	}
	second.Write(t, certFile, keyFile)
	eventually(t, "the renewed certificate is served", func() bool { return serves() == "second" })
	wantEcho(t, old, "connections from before go on")

	certtest.Replace(t, certFile, []byte("-----BEGIN CERTIFICATE-----\n"))
	eventually(t, "the bad file is refused", func() bool { return log.count("certificates refused") == 1 })
	third.Write(t, dir+"/unused.pem", keyFile)
	eventually(t, "and the key that fits nothing", func() bool { return log.count("certificates refused") == 2 })
	if got := serves(); got != "second" {
		t.Fatalf("serves %q after a bad file", got)
	}
	hangup <- os.Interrupt
	eventually(t, "a signal has it tried again", func() bool { return log.count("certificates refused") == 3 })

	third.Write(t, certFile, keyFile)
	hangup <- os.Interrupt
	eventually(t, "the good files are served", func() bool { return serves() == "third" })
}

func TestLoadCertificatesErrors(t *testing.T) {
	dir := t.TempDir()
	certtest.For("a").Write(t, dir+"/a.pem", dir+"/a.key")
	certtest.For("b").Write(t, dir+"/b.pem", dir+"/b.key")
	for _, tt := range []struct {
		name        string
		certs, keys []string
		says        string
	}{
		{"none", nil, nil, "0 certificate files"},
		{"a key too few", []string{"/a.pem", "/b.pem"}, []string{"/a.key"}, "1 key files"},
		{"no such file", []string{"/none.pem"}, []string{"/a.key"}, "none.pem"},
		{"the other's key", []string{"/a.pem"}, []string{"/b.key"}, "does not match"},
		{"the second is wrong", []string{"/a.pem", "/b.pem"}, []string{"/a.key", "/a.key"}, "b.pem"},
	} {
		for i := range tt.certs {
			tt.certs[i] = dir + tt.certs[i]
		}
		for i := range tt.keys {
			tt.keys[i] = dir + tt.keys[i]
		}
		if _, err := server.LoadCertificates(tt.certs, tt.keys); err == nil || !strings.Contains(err.Error(), tt.says) {
			t.Errorf("%s: got %v, want %q in it", tt.name, err, tt.says)
		}
	}
}

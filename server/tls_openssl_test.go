package server_test

import (
	"bufio"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"testing"

	"rookery/server"
)

// openssl is s_client with its lines as they come. It takes single letters as commands where a line begins.
type openssl struct {
	t     *testing.T
	stdin io.WriteCloser
	lines chan string
}

// needOpenSSL skips, loudly, where openssl is missing; CI has to have it.
func needOpenSSL(t *testing.T) {
	t.Helper()
	if _, err := exec.LookPath("openssl"); err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatal("openssl is missing, and CI has to have it")
		}
		fmt.Fprintf(os.Stderr, "\n*** OPENSSL IS NOT INSTALLED: %s IS NOT TESTED ***\n\n", t.Name())
		t.Skip("openssl is not installed")
	}
}

func sClient(t *testing.T, srv *server.Server, flags ...string) *openssl {
	t.Helper()
	needOpenSSL(t)
	cmd := exec.Command("openssl", append([]string{"s_client", "-connect", srv.TLSAddr(), "-servername", "localhost"}, flags...)...)
	stdin, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	r, w := io.Pipe()
	cmd.Stdout, cmd.Stderr = w, w
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	c := &openssl{t, stdin, make(chan string, 1000)}
	go func() {
		defer close(c.lines)
		for s := bufio.NewScanner(r); s.Scan(); {
			c.lines <- s.Text()
		}
	}()
	t.Cleanup(func() {
		_ = stdin.Close()
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		_ = w.Close()
	})
	return c
}

func (c *openssl) say(s string) {
	c.t.Helper()
	if _, err := io.WriteString(c.stdin, s); err != nil {
		c.t.Fatal(err)
	}
}

// expect reads on to a line that has this text in it.
func (c *openssl) expect(text string) {
	c.t.Helper()
	var seen []string
	for line := range c.lines {
		if seen = append(seen, line); strings.Contains(line, text) {
			return
		}
	}
	c.t.Fatalf("openssl did not say %q but\n%s", text, strings.Join(seen, "\n"))
}

func startHTTPS(t *testing.T) *server.Server {
	return startTLS(t, server.Config{Loops: 1, HTTP: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = w.Write([]byte("you asked for " + r.URL.Path + "\n"))
	})}, server.Handler{OnMessage: echo})
}

// TestOpenSSLKeyUpdate has both sides change keys in mid-stream, asked for and not.
func TestOpenSSLKeyUpdate(t *testing.T) {
	c := sClient(t, startHTTPS(t), "-tls1_3")
	c.expect("TLSv1.3")
	for i, command := range []string{"", "k\n", "K\n", "K\n", "k\n"} {
		if command != "" {
			c.say(command)
			c.expect("KEYUPDATE")
		}
		c.say(fmt.Sprintf("GET /%d HTTP/1.1\r\nHost: localhost\r\n\r\n", i))
		c.expect(fmt.Sprint("you asked for /", i))
	}
}

// TestOpenSSLRenegotiation: TLS 1.2 has it, this server refuses it and goes on serving others.
func TestOpenSSLRenegotiation(t *testing.T) {
	srv := startHTTPS(t)
	c := sClient(t, srv, "-tls1_2")
	c.expect("Verify return code")
	c.say("GET /before HTTP/1.1\r\nHost: localhost\r\n\r\n")
	c.expect("you asked for /before")
	c.say("R\n")
	c.expect("alert")
	eventually(t, "it is counted as tls", func() bool { return closings(srv, server.CauseTLS) == 1 })
	c = sClient(t, srv, "-tls1_2")
	c.expect("Verify return code")
	c.say("GET /after HTTP/1.1\r\nHost: localhost\r\n\r\n")
	c.expect("you asked for /after")
}

// TestOpenSSLVersions: what is too old is refused, and so is a client that was talked down to 1.2: RFC 7507.
func TestOpenSSLVersions(t *testing.T) {
	srv := startHTTPS(t)
	for _, tt := range []struct {
		flags string
		says  string
	}{
		{"-tls1_3 -ciphersuites TLS_AES_128_GCM_SHA256", "Cipher is TLS_AES_128_GCM_SHA256"},
		{"-tls1_3 -ciphersuites TLS_AES_256_GCM_SHA384", "Cipher is TLS_AES_256_GCM_SHA384"},
		{"-tls1_3 -ciphersuites TLS_CHACHA20_POLY1305_SHA256", "Cipher is TLS_CHACHA20_POLY1305_SHA256"},
		{"-tls1_2 -cipher ECDHE-ECDSA-AES128-GCM-SHA256", "Cipher is ECDHE-ECDSA-AES128-GCM-SHA256"},
		{"-tls1_2 -cipher ECDHE-ECDSA-CHACHA20-POLY1305", "Cipher is ECDHE-ECDSA-CHACHA20-POLY1305"},
		{"-tls1_2 -cipher ECDHE-ECDSA-AES128-SHA", "Cipher is (NONE)"},
		{"-tls1_2 -cipher AES128-SHA:AES128-GCM-SHA256", "Cipher is (NONE)"},
		{"-tls1_2 -fallback_scsv", "inappropriate fallback"},
		{"-tls1_1 -cipher ALL:@SECLEVEL=0", "Cipher is (NONE)"},
		{"-tls1 -cipher ALL:@SECLEVEL=0", "Cipher is (NONE)"},
		{"-alpn h2,http/1.1", "ALPN protocol: http/1.1"},
	} {
		t.Run(tt.flags, func(t *testing.T) { sClient(t, srv, strings.Fields(tt.flags)...).expect(tt.says) })
	}
}

// TestOpenSSLResumes goes by openssl's own word for it, with the session in a file.
func TestOpenSSLResumes(t *testing.T) {
	srv := startHTTPS(t)
	for _, version := range []string{"-tls1_2", "-tls1_3"} {
		session := t.TempDir() + "/session"
		c := sClient(t, srv, version, "-sess_out", session)
		c.expect("New, TLSv1")
		c.say("GET /first HTTP/1.1\r\nHost: localhost\r\n\r\n")
		c.expect("you asked for /first")
		eventually(t, "the session is written", func() bool { info, err := os.Stat(session); return err == nil && info.Size() > 0 })
		sClient(t, srv, version, "-sess_in", session).expect("Reused, TLSv1")
	}
}

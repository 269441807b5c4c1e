package main_test

import (
	"crypto/tls"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/gorilla/websocket"

	"rookery/server/internal/certtest"
)

// keys writes a certificate and its key and returns the flags that name them.
func keys(t *testing.T, pair *certtest.Pair) (certFile, keyFile string, flags []string) {
	t.Helper()
	dir := t.TempDir()
	certFile, keyFile = filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	pair.Write(t, certFile, keyFile)
	return certFile, keyFile, []string{"--tls-cert", certFile, "--tls-key", keyFile}
}

// tlsAddr is the second address, as the log has it.
func (g *gateway) tlsAddr() string {
	g.t.Helper()
	for _, line := range strings.Split(g.log.String(), "\n") {
		var entry struct {
			Msg  string
			Addr string `json:"tls_addr"`
		}
		if json.Unmarshal([]byte(line), &entry) == nil && entry.Msg == "listening" {
			return entry.Addr
		}
	}
	g.t.Fatal("the gateway does not say where it listens")
	return ""
}

// serves is the name in the certificate that a client is shown.
func serves(t *testing.T, addr, name string) string {
	t.Helper()
	c, err := tls.Dial("tcp", addr, &tls.Config{InsecureSkipVerify: true, ServerName: name})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	return c.ConnectionState().PeerCertificates[0].Subject.CommonName
}

// TestServeTLS has one process serve both ports: pages, numbers and a room of members on either, and a drain.
func TestServeTLS(t *testing.T) {
	_, _, flags := keys(t, certtest.For("localhost"))
	g := serve(t, append(flags, "--tls-addr", "127.0.0.1:0")...)
	browser := certtest.HTTPClient()
	browser.Timeout = patience
	for path, want := range map[string]string{"/": "<title>", "/healthz": "ok", "/metrics": "rookery_closed_total"} {
		res, err := browser.Get("https://" + g.tlsAddr() + path)
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(res.Body)
		_ = res.Body.Close()
		if err != nil || res.StatusCode != http.StatusOK || !strings.Contains(string(body), want) {
			t.Errorf("%s: %s, %v, want %q in %.200q", path, res.Status, err, want, body)
		}
	}
	dialer := websocket.Dialer{TLSClientConfig: certtest.Client(), HandshakeTimeout: patience}
	var members []*websocket.Conn
	for _, url := range []string{"ws://" + g.addr, "wss://" + g.tlsAddr()} {
		c, _, err := dialer.Dial(url+"/?room=r", nil)
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		_ = c.SetReadDeadline(time.Now().Add(patience))
		members = append(members, c)
	}
	for i, speaker := range members {
		message := fmt.Sprint("message ", i)
		if err := speaker.WriteJSON(map[string]string{"nickname": "ann", "message": message}); err != nil {
			t.Fatal(err)
		}
		for _, c := range members {
			var got said
			if err := c.ReadJSON(&got); err != nil || got.Message != message {
				t.Fatalf("got %v, %v, want %q", got, err, message)
			}
		}
	}
	g.signal(syscall.SIGTERM)
	for _, c := range members {
		for {
			if _, _, err := c.ReadMessage(); err != nil {
				if !websocket.IsCloseError(err, websocket.CloseServiceRestart) {
					t.Errorf("drained with %v, want 1012", err)
				}
				break
			}
		}
	}
	if code := g.exit(); code != 0 {
		t.Errorf("exit code %d", code)
	}
}

// TestTwoTabsChatOverTLS has Chromium take the page by https and talk by wss.
func TestTwoTabsChatOverTLS(t *testing.T) {
	_, _, flags := keys(t, certtest.For("localhost"))
	g, browser := serve(t, flags...), startBrowser(t, chromedp.Flag("ignore-certificate-errors", true))
	ann, bob := openTab(t, browser, "https://"+g.addr+"/?room=attic"), openTab(t, browser, "https://"+g.addr+"/?room=attic")
	ann.fill("#nickname", "ann", "#join")
	bob.fill("#nickname", "bob", "#join")
	for _, p := range []*tab{ann, bob} {
		p.waits(`location.protocol === 'https:' && find('state').textContent === 'connected to attic' && find('online').textContent === '2'`)
	}
	ann.fill("#message", "hello", "#send")
	bob.shows("hello")
	long := strings.TrimSpace(strings.Repeat("sixteen letters ", 200))
	bob.fill("#message", long, "#send")
	ann.shows("hello", long)
}

// TestRenewCertificates replaces the files of two certificates, known by name, one by its change and one with SIGHUP.
func TestRenewCertificates(t *testing.T) {
	oneCert, oneKey, one := keys(t, certtest.For("one.example"))
	twoCert, twoKey, two := keys(t, certtest.For("two.example"))
	g := serve(t, append(one, two...)...)
	if a, b := serves(t, g.addr, "one.example"), serves(t, g.addr, "two.example"); a != "one.example" || b != "two.example" {
		t.Fatalf("serves %q and %q", a, b)
	}
	certtest.For("renewed", "one.example").Write(t, oneCert, oneKey)
	g.signal(syscall.SIGHUP)
	eventually(t, "SIGHUP has it read", func() bool { return serves(t, g.addr, "one.example") == "renewed" })
	certtest.For("renewed too", "two.example").Write(t, twoCert, twoKey)
	eventually(t, "a change has it read", func() bool { return serves(t, g.addr, "two.example") == "renewed too" })
}

// TestClientAuthority: with it a client shows a certificate; with "optional" it may.
func TestClientAuthority(t *testing.T) {
	_, _, flags := keys(t, certtest.For("localhost"))
	ca := filepath.Join(t.TempDir(), "ca.pem")
	certtest.Replace(t, ca, certtest.Authority())
	flags = append(flags, "--tls-client-ca", ca)
	for _, tt := range []struct {
		auth   string
		shown  *certtest.Pair
		served bool
	}{
		{"require", certtest.For("ann"), true},
		{"require", nil, false},
		{"optional", certtest.For("ann"), true},
		{"optional", nil, true},
		{"optional", certtest.Stranger(), false},
	} {
		g := serve(t, append(flags, "--tls-client-auth", tt.auth)...)
		browser := certtest.HTTPClient()
		browser.Timeout = patience
		if tt.shown != nil {
			browser.Transport.(*http.Transport).TLSClientConfig.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) {
				cert := tt.shown.TLS()
				return &cert, nil
			}
		}
		res, err := browser.Get("https://" + g.addr + "/healthz")
		if err == nil {
			_ = res.Body.Close()
		}
		if (err == nil) != tt.served {
			t.Errorf("%s, %v: %v", tt.auth, tt.shown != nil, err)
		}
		g.signal(syscall.SIGTERM)
		g.exit()
	}
}

// TestBadTLSUsage expects exit code 2 and one line that says what and where.
func TestBadTLSUsage(t *testing.T) {
	certFile, keyFile, flags := keys(t, certtest.For("localhost"))
	_, otherKey, _ := keys(t, certtest.For("localhost"))
	empty := filepath.Join(t.TempDir(), "empty")
	if err := os.WriteFile(empty, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		name string
		args []string
		says string
	}{
		{"the key of another", []string{"--tls-cert", certFile, "--tls-key", otherKey}, "does not match"},
		{"no key", []string{"--tls-cert", certFile}, "--tls-key 0 times"},
		{"no certificate", []string{"--tls-key", keyFile}, "--tls-cert is given 0 times"},
		{"no such file", []string{"--tls-cert", certFile + "x", "--tls-key", keyFile}, certFile + "x"},
		{"an empty file", []string{"--tls-cert", empty, "--tls-key", keyFile}, empty},
		{"an address without", []string{"--tls-addr", ":1"}, "--tls-addr"},
		{"authorities without", []string{"--tls-client-ca", certFile}, "--tls-client-ca"},
		{"no authority", append([]string{"--tls-client-ca", empty}, flags...), "--tls-client-ca"},
		{"no such policy", append([]string{"--tls-client-auth", "perhaps"}, flags...), "--tls-client-auth"},
		{"no port", append([]string{"--tls-addr", "localhost"}, flags...), "--tls-addr"},
		{"one port for both", append([]string{"--addr", "127.0.0.1:7000", "--tls-addr", "127.0.0.2:7000"}, flags...), "--tls-addr"},
		{"another machine's", append([]string{"--addr", "127.0.0.1:0", "--tls-addr", "192.0.2.1:4433"}, flags...), "--tls-addr 192.0.2.1:4433"},
		{"no places", append([]string{"--tls-handshakes", "0"}, flags...), "--tls-handshakes"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			code, _, stderr := rookery(t, nil, append([]string{"serve"}, tt.args...)...)
			if lines := strings.Count(stderr, "\n"); code != 2 || lines != 1 || !strings.Contains(stderr, tt.says) {
				t.Errorf("exit code %d, %d lines, want 2, one line and %q:\n%s", code, lines, tt.says, stderr)
			}
		})
	}
}

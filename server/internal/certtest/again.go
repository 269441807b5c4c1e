package certtest

import (
	"crypto/tls"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"testing"
)

// variable makes a package's tests use TLS wherever they would use plain text.
const variable = "ROOKERY_TEST_TLS"

// On reports whether the tests are to use TLS wherever they would use plain text.
func On() bool { return os.Getenv(variable) != "" }

// Config is a server's settings for the mode in which the tests run: own, if that is set, or those of On.
func Config(own *tls.Config) *tls.Config {
	if own == nil && On() {
		return Server()
	}
	return own
}

// URL begins with the secure form of scheme, which is ws or http, if On.
func URL(scheme, addr string) string {
	if On() {
		scheme += "s"
	}
	return scheme + "://" + addr
}

// HTTPClient trusts the authority. It keeps no connections.
func HTTPClient() *http.Client {
	return &http.Client{Transport: &http.Transport{TLSClientConfig: Client(), DisableKeepAlives: true}}
}

// Over makes a client's connection one over TLS, if On. Close drops it, as it would without TLS.
func Over(conn net.Conn) net.Conn {
	if On() {
		return dropped{tls.Client(conn, Client())}
	}
	return conn
}

// dropped is a connection that does not say goodbye.
type dropped struct{ *tls.Conn }

func (d dropped) Close() error { return d.NetConn().Close() }

// Again runs the tests of this package in a process of their own, over TLS, but those whose names match skip.
func Again(t *testing.T, skip string) {
	t.Helper()
	if On() {
		return
	}
	cmd := exec.Command(os.Args[0], "-test.v", "-test.timeout=10m", "-test.skip="+skip)
	cmd.Env = append(cmd.Environ(), variable+"=1")
	out, err := cmd.CombinedOutput()
	report := string(out)
	if err != nil {
		t.Fatalf("over TLS: %v\n%s", err, report)
	}
	passed := strings.Count(report, "\n--- PASS: ") + strings.Count(report, "\n    --- PASS: ")
	if passed == 0 {
		t.Fatalf("no test ran over TLS:\n%s", report)
	}
	t.Logf("%d tests passed over TLS", passed)
}

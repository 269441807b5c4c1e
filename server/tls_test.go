package server_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/gorilla/websocket"

	"rookery/codec"
	"rookery/server"
)

// authority signs the certificates of a test run.
var authority = sync.OnceValue(func() *signer {
	return newSigner("rookery test authority", nil, &x509.Certificate{IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign})
})

type signer struct {
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
}

func newSigner(name string, parent *signer, template *x509.Certificate) *signer {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		panic(err)
	}
	template.SerialNumber = big.NewInt(time.Now().UnixNano())
	template.Subject = pkix.Name{CommonName: name}
	template.NotBefore, template.NotAfter = time.Now().Add(-time.Hour), time.Now().Add(24*time.Hour)
	self := &signer{cert: template, key: key}
	if parent == nil {
		parent = self
	}
	der, err := x509.CreateCertificate(rand.Reader, template, parent.cert, key.Public(), parent.key)
	if err != nil {
		panic(err)
	}
	if self.cert, err = x509.ParseCertificate(der); err != nil {
		panic(err)
	}
	return self
}

// certificateFor is signed by the authority, for servers and clients.
func certificateFor(names ...string) *signer {
	return newSigner(names[0], authority(), &x509.Certificate{
		DNSNames: names, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	})
}

func (s *signer) tls() tls.Certificate {
	return tls.Certificate{Certificate: [][]byte{s.cert.Raw}, PrivateKey: s.key, Leaf: s.cert}
}

// write puts certificate and key into two files, at once as a renewal does.
func (s *signer) write(t testing.TB, certFile, keyFile string) {
	t.Helper()
	der, err := x509.MarshalPKCS8PrivateKey(s.key)
	if err != nil {
		t.Fatal(err)
	}
	replaceFile(t, keyFile, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}))
	replaceFile(t, certFile, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: s.cert.Raw}))
}

func replaceFile(t testing.TB, path string, content []byte) {
	t.Helper()
	tmp := filepath.Join(t.TempDir(), "new")
	if err := os.WriteFile(tmp, content, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(tmp, path); err != nil {
		t.Fatal(err)
	}
}

func roots() *x509.CertPool {
	pool := x509.NewCertPool()
	pool.AddCert(authority().cert)
	return pool
}

var localhost = sync.OnceValue(func() *signer { return certificateFor("localhost", "127.0.0.1") })

func serverTLS() *tls.Config { return &tls.Config{Certificates: []tls.Certificate{localhost().tls()}} }

func clientTLS() *tls.Config { return &tls.Config{RootCAs: roots(), ServerName: "localhost"} }

// startTLS runs a server that speaks TLS on its only port.
func startTLS(t *testing.T, cfg server.Config, h server.Handler) *server.Server {
	t.Helper()
	if cfg.TLS == nil {
		cfg.TLS = serverTLS()
	}
	return start(t, cfg, h)
}

func dialTLS(t *testing.T, srv *server.Server, cfg *tls.Config) *websocket.Conn {
	t.Helper()
	d := websocket.Dialer{TLSClientConfig: cfg, HandshakeTimeout: 20 * time.Second}
	c, _, err := d.Dial("wss://"+srv.TLSAddr()+"/", nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	_ = c.SetReadDeadline(time.Now().Add(20 * time.Second))
	return c
}

func TestTLSEcho(t *testing.T) {
	srv := startTLS(t, server.Config{Loops: 2}, server.Handler{OnMessage: echo})
	for _, version := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
		cfg := clientTLS()
		cfg.MinVersion, cfg.MaxVersion = version, version
		for range 10 {
			c := dialTLS(t, srv, cfg)
			for _, size := range []int{0, 1, 125, 126, 16383, 16384, 16385, 65535, 65536} {
				want := make([]byte, size)
				if err := c.WriteMessage(websocket.BinaryMessage, want); err != nil {
					t.Fatal(err)
				}
				_, got, err := c.ReadMessage()
				if err != nil || len(got) != size {
					t.Fatalf("%s, size %d: got %d bytes, %v", tls.VersionName(version), size, len(got), err)
				}
			}
		}
	}
}

// closeOnDemand is an echo that closes when it is told "close".
func closeOnDemand(c *server.Conn, m codec.Message) {
	if string(m.Payload) == "close" {
		c.Close(websocket.CloseNormalClosure, "as you said")
		return
	}
	echo(c, m)
}

// Package certtest makes certificates for tests, and runs the tests of a package a second time over TLS.
package certtest

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
)

// Pair is a certificate and its key.
type Pair struct {
	Cert *x509.Certificate
	Key  *ecdsa.PrivateKey
}

var authority = sync.OnceValue(func() *Pair {
	return sign("test authority", nil, &x509.Certificate{IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign})
})

var localhost = sync.OnceValue(func() *Pair { return For("localhost") })

// For is a certificate for these names and 127.0.0.1, of servers and of clients, from the one authority of this process.
func For(names ...string) *Pair {
	return sign(names[0], authority(), &x509.Certificate{
		DNSNames: names, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	})
}

// Stranger is a client's certificate that only it has signed.
func Stranger() *Pair {
	return sign("stranger", nil, &x509.Certificate{ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}})
}

func sign(name string, parent *Pair, template *x509.Certificate) *Pair {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		panic(err)
	}
	template.SerialNumber = big.NewInt(time.Now().UnixNano())
	template.Subject = pkix.Name{CommonName: name}
	template.NotBefore, template.NotAfter = time.Now().Add(-time.Hour), time.Now().Add(24*time.Hour)
	if parent == nil {
		parent = &Pair{template, key}
	}
	der, err := x509.CreateCertificate(rand.Reader, template, parent.Cert, key.Public(), parent.Key)
	if err != nil {
		panic(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		panic(err)
	}
	return &Pair{cert, key}
}

// TLS is the pair as crypto/tls wants it.
func (p *Pair) TLS() tls.Certificate {
	return tls.Certificate{Certificate: [][]byte{p.Cert.Raw}, PrivateKey: p.Key, Leaf: p.Cert}
}

// Write puts the pair into two files, the key first, each replaced at once as a renewal does.
func (p *Pair) Write(t testing.TB, certFile, keyFile string) {
	t.Helper()
	der, err := x509.MarshalPKCS8PrivateKey(p.Key)
	if err != nil {
		t.Fatal(err)
	}
	Replace(t, keyFile, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}))
	Replace(t, certFile, p.PEM())
}

// PEM is the certificate alone.
func (p *Pair) PEM() []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: p.Cert.Raw})
}

// Replace puts content into a file without a moment in which it is not whole.
func Replace(t testing.TB, path string, content []byte) {
	t.Helper()
	next := filepath.Join(t.TempDir(), "next")
	if err := os.WriteFile(next, content, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(next, path); err != nil {
		t.Fatal(err)
	}
}

// Authority is the certificate that clients trust, in PEM.
func Authority() []byte { return authority().PEM() }

// Roots is what clients trust.
func Roots() *x509.CertPool {
	pool := x509.NewCertPool()
	pool.AddCert(authority().Cert)
	return pool
}

// Server is the settings of a server that is localhost.
func Server() *tls.Config { return &tls.Config{Certificates: []tls.Certificate{localhost().TLS()}} }

// Client is the settings of its clients.
func Client() *tls.Config { return &tls.Config{RootCAs: Roots(), ServerName: "localhost"} }

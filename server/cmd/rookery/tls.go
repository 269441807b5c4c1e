package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"log/slog"
	"net"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"rookery/server"
)

// reloadEvery is how often the certificate files are looked at. A change counts once it is this old.
const reloadEvery = 2 * time.Second

type tlsFlags struct {
	TLSAddr       string   `name:"tls-addr" help:"Second address, which speaks TLS while --addr stays plain text." placeholder:"HOST:PORT"`
	TLSCert       []string `name:"tls-cert" help:"PEM file with a certificate and its chain: speak TLS, on --tls-addr if that is given. Repeat it for several names. Files that change and SIGHUP make it read again." placeholder:"FILE"`
	TLSKey        []string `name:"tls-key" help:"PEM file with the certificate's key, one for each --tls-cert." placeholder:"FILE"`
	TLSClientCA   string   `name:"tls-client-ca" help:"PEM file with the authorities of client certificates. It is read once." placeholder:"FILE"`
	TLSClientAuth string   `name:"tls-client-auth" default:"require" enum:"require,optional" help:"With --tls-client-ca: require a client certificate, or only verify one that is given."`
	TLSHandshakes int      `name:"tls-handshakes" default:"1024" help:"TLS handshakes under way at once; 64 times as many wait."`
}

// serveTLS makes a server speak TLS if there are certificates; otherwise the result is nil.
func (c *serveCmd) serveTLS(cfg *server.Config) (*server.Certificates, error) {
	f := &c.tlsFlags
	if err := f.check(c.Addr); err != nil || len(f.TLSCert) == 0 {
		return nil, err
	}
	certs, err := server.LoadCertificates(f.TLSCert, f.TLSKey)
	if err != nil {
		return nil, fmt.Errorf("%w: --tls-cert: %w", errUsage, err)
	}
	cfg.TLS = &tls.Config{GetCertificate: certs.Get}
	cfg.TLSAddr, cfg.TLSHandshakes = f.TLSAddr, f.TLSHandshakes
	return certs, f.askClients(cfg.TLS)
}

// askClients asks for client certificates if there is an authority for them.
func (f *tlsFlags) askClients(cfg *tls.Config) error {
	if f.TLSClientCA == "" {
		return nil
	}
	authorities, err := os.ReadFile(f.TLSClientCA)
	if err != nil {
		return fmt.Errorf("%w: --tls-client-ca: %w", errUsage, err)
	}
	cfg.ClientCAs = x509.NewCertPool()
	if !cfg.ClientCAs.AppendCertsFromPEM(authorities) {
		return fmt.Errorf("%w: --tls-client-ca %s: no certificate in it", errUsage, f.TLSClientCA)
	}
	cfg.ClientAuth = tls.RequireAndVerifyClientCert
	if f.TLSClientAuth == "optional" {
		cfg.ClientAuth = tls.VerifyClientCertIfGiven
	}
	return nil
}

// check finds the flags that do not fit each other.
func (f *tlsFlags) check(addr string) error {
	switch {
	case len(f.TLSCert) != len(f.TLSKey):
		return fmt.Errorf("%w: --tls-cert is given %d times and --tls-key %d times", errUsage, len(f.TLSCert), len(f.TLSKey))
	case len(f.TLSCert) == 0 && f.TLSAddr != "":
		return fmt.Errorf("%w: --tls-addr needs --tls-cert", errUsage)
	case len(f.TLSCert) == 0 && f.TLSClientCA != "":
		return fmt.Errorf("%w: --tls-client-ca needs --tls-cert", errUsage)
	case f.TLSHandshakes < 1:
		return fmt.Errorf("%w: --tls-handshakes is %d and must be at least 1", errUsage, f.TLSHandshakes)
	case f.TLSAddr == "":
		return nil
	}
	_, port, err := net.SplitHostPort(f.TLSAddr)
	if err != nil {
		return fmt.Errorf("%w: --tls-addr: %w", errUsage, err)
	}
	if port != "0" && strings.HasSuffix(addr, ":"+port) {
		return fmt.Errorf("%w: --tls-addr %s has the port of --addr %s", errUsage, f.TLSAddr, addr)
	}
	return nil
}

// addrFlag names the flag whose address could not be listened on.
func (f *tlsFlags) addrFlag(err *net.OpError, addr string) string {
	if tcp, ok := err.Addr.(*net.TCPAddr); ok && f.TLSAddr != "" && strings.HasSuffix(f.TLSAddr, fmt.Sprint(":", tcp.Port)) {
		return "--tls-addr " + f.TLSAddr
	}
	return "--addr " + addr
}

// watchCertificates reloads them until the function it returns is called.
func watchCertificates(certs *server.Certificates, log *slog.Logger) (stop func()) {
	if certs == nil {
		return func() {}
	}
	ctx, cancel := context.WithCancel(context.Background())
	hangup := make(chan os.Signal, 1)
	signal.Notify(hangup, syscall.SIGHUP)
	go certs.Watch(ctx, reloadEvery, hangup, log)
	return func() {
		signal.Stop(hangup)
		cancel()
	}
}

package server_test

import (
	"crypto/tls"
	"io"
	"net/http"
	"slices"
	"testing"

	"rookery/server"
	"rookery/server/internal/certtest"
)

// handshakeWith tries one set of client settings.
func handshakeWith(t *testing.T, srv *server.Server, cfg *tls.Config) (tls.ConnectionState, error) {
	t.Helper()
	c := tls.Client(dialRaw(t, srv.TLSAddr()), cfg)
	if err := c.Handshake(); err != nil {
		return tls.ConnectionState{}, err
	}
	return c.ConnectionState(), nil
}

// TestTLSVersionsAndSuites offers every version and suite that crypto/tls knows, one at a time.
func TestTLSVersionsAndSuites(t *testing.T) {
	srv := startTLS(t, server.Config{Loops: 1}, server.Handler{OnMessage: echo})
	for version, accepted := range map[uint16]bool{
		tls.VersionTLS10: false, tls.VersionTLS11: false, tls.VersionTLS12: true, tls.VersionTLS13: true,
	} {
		cfg := clientTLS()
		cfg.MinVersion, cfg.MaxVersion = version, version
		if _, err := handshakeWith(t, srv, cfg); (err == nil) != accepted {
			t.Errorf("%s: got %v, want accepted %v", tls.VersionName(version), err, accepted)
		}
	}
	want := []string{
		"TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256", "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384",
		"TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256",
	}
	var got []string
	for _, suite := range slices.Concat(tls.CipherSuites(), tls.InsecureCipherSuites()) {
		if !slices.Contains(suite.SupportedVersions, tls.VersionTLS12) {
			continue
		}
		cfg := clientTLS()
		cfg.MaxVersion, cfg.CipherSuites = tls.VersionTLS12, []uint16{suite.ID}
		if _, err := handshakeWith(t, srv, cfg); err == nil {
			got = append(got, suite.Name)
		}
	}
	slices.Sort(got)
	if !slices.Equal(got, want) {
		t.Errorf("TLS 1.2 with\n%v, want\n%v", got, want)
	}
}

// TestTLSOwnSuites: an own list in Config.TLS is kept.
func TestTLSOwnSuites(t *testing.T) {
	own := serverTLS()
	own.MaxVersion, own.CipherSuites = tls.VersionTLS12, []uint16{tls.TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384}
	srv := startTLS(t, server.Config{Loops: 1, TLS: own}, server.Handler{OnMessage: echo})
	if state, err := handshakeWith(t, srv, clientTLS()); err != nil || state.CipherSuite != own.CipherSuites[0] {
		t.Errorf("got %s, %v", tls.CipherSuiteName(state.CipherSuite), err)
	}
}

func TestALPN(t *testing.T) {
	srv := startTLS(t, server.Config{Loops: 1}, server.Handler{OnMessage: echo})
	for _, tt := range []struct {
		offered []string
		agreed  string
		refused bool
	}{
		{nil, "", false},
		{[]string{"http/1.1"}, "http/1.1", false},
		{[]string{"h2", "http/1.1"}, "http/1.1", false},
		{[]string{"spdy/3"}, "", true},
	} {
		cfg := clientTLS()
		cfg.NextProtos = tt.offered
		state, err := handshakeWith(t, srv, cfg)
		if (err != nil) != tt.refused || state.NegotiatedProtocol != tt.agreed {
			t.Errorf("%q: got %q, %v, want %q", tt.offered, state.NegotiatedProtocol, err, tt.agreed)
		}
	}
}

// TestTLSResumption: a second connection resumes the session of the first, and the keys outlive a reload.
func TestTLSResumption(t *testing.T) {
	srv := startTLS(t, server.Config{Loops: 2}, server.Handler{OnMessage: echo})
	for _, version := range versions {
		cfg := clientTLS()
		cfg.MinVersion, cfg.MaxVersion, cfg.ClientSessionCache = version, version, tls.NewLRUClientSessionCache(4)
		for i := range 3 {
			c := dialTLS(t, srv, cfg)
			wantEcho(t, c, "hello") // a ticket of TLS 1.3 comes before it
			if resumed := c.NetConn().(*tls.Conn).ConnectionState().DidResume; resumed != (i > 0) {
				t.Errorf("%s, connection %d: resumed %v", tls.VersionName(version), i, resumed)
			}
		}
	}
}

func TestSNI(t *testing.T) {
	one, two := certtest.For("one.example"), certtest.For("*.two.example")
	dir := t.TempDir()
	one.Write(t, dir+"/one.pem", dir+"/one.key")
	two.Write(t, dir+"/two.pem", dir+"/two.key")
	certs, err := server.LoadCertificates([]string{dir + "/one.pem", dir + "/two.pem"}, []string{dir + "/one.key", dir + "/two.key"})
	if err != nil {
		t.Fatal(err)
	}
	srv := startTLS(t, server.Config{Loops: 1, TLS: &tls.Config{GetCertificate: certs.Get}}, server.Handler{OnMessage: echo})
	for name, want := range map[string]*certtest.Pair{
		"one.example": one, "www.two.example": two, "other.example": one, "": one,
	} {
		state, err := handshakeWith(t, srv, &tls.Config{ServerName: name, InsecureSkipVerify: true})
		if err != nil {
			t.Fatal(err)
		}
		if got := state.PeerCertificates[0]; !got.Equal(want.Cert) {
			t.Errorf("%q: got the certificate of %v, want of %v", name, got.DNSNames, want.Cert.DNSNames)
		}
	}
}

// TestClientCertificates: required, optional and of the wrong authority. Handlers see whose it is.
func TestClientCertificates(t *testing.T) {
	opened := make(chan string, 1)
	for _, auth := range []tls.ClientAuthType{tls.RequireAndVerifyClientCert, tls.VerifyClientCertIfGiven} {
		cfg := serverTLS()
		cfg.ClientAuth, cfg.ClientCAs = auth, certtest.Roots()
		srv := startTLS(t, server.Config{Loops: 1, TLS: cfg}, server.Handler{OnMessage: echo, OnOpen: func(c *server.Conn) {
			name := "nobody"
			if peers := c.TLS().PeerCertificates; len(peers) > 0 {
				name = peers[0].Subject.CommonName
			}
			opened <- name
		}})
		stranger := certtest.Stranger()
		for who, want := range map[*certtest.Pair]string{
			certtest.For("ann"): "ann",
			stranger:            "",
			nil:                 map[tls.ClientAuthType]string{tls.VerifyClientCertIfGiven: "nobody"}[auth],
		} {
			client := clientTLS()
			if who != nil {
				// Given whatever the server asks for.
				client.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) {
					cert := who.TLS()
					return &cert, nil
				}
			}
			c, err := upgradeTLS(srv.TLSAddr(), client)
			if (err == nil) != (want != "") {
				t.Errorf("auth %v, want %q: %v", auth, want, err)
			}
			if err == nil {
				if got := <-opened; got != want {
					t.Errorf("auth %v: got %q, want %q", auth, got, want)
				}
				_ = c.NetConn().Close()
			}
		}
	}
}

// TestHTTPS serves requests over TLS, several on a connection, one of them in two parts.
func TestHTTPS(t *testing.T) {
	srv := startTLS(t, server.Config{Loops: 1, HTTP: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		if r.TLS == nil || r.TLS.ServerName != "localhost" {
			t.Error("the request does not know of its TLS")
		}
		_, _ = w.Write(append(body, make([]byte, 100_000)...))
	})}, server.Handler{OnMessage: echo})
	transport := &http.Transport{TLSClientConfig: clientTLS()}
	defer transport.CloseIdleConnections()
	client := &http.Client{Transport: transport}
	for range 3 {
		reader, writer := io.Pipe()
		go func() {
			_, _ = writer.Write(make([]byte, 20_000))
			barrier(srv)
			_, _ = writer.Write(make([]byte, 20_000))
			_ = writer.Close()
		}()
		req, err := http.NewRequest(http.MethodPost, "https://"+srv.TLSAddr()+"/", reader)
		if err != nil {
			t.Fatal(err)
		}
		req.ContentLength = 40_000
		res, err := client.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		got, err := io.ReadAll(res.Body)
		_ = res.Body.Close()
		if err != nil || len(got) != 140_000 {
			t.Fatalf("got %d bytes, %v", len(got), err)
		}
	}
}

// TestBothPorts: plain text on one, TLS on the other, the same handlers; both close for a shutdown.
func TestBothPorts(t *testing.T) {
	srv := start(t, server.Config{Loops: 3, TLS: serverTLS(), TLSAddr: "127.0.0.1:0"}, server.Handler{OnMessage: echo})
	if srv.Addr() == srv.TLSAddr() {
		t.Fatal("there is one address for both")
	}
	for range 8 {
		wantEcho(t, dial(t, srv, "/"), "plain")
		wantEcho(t, dialTLS(t, srv, clientTLS()), "secret")
	}
	for _, cfg := range []server.Config{
		{Addr: "127.0.0.1:0", TLSAddr: "127.0.0.1:0"},
		{Addr: "127.0.0.1:0", TLS: &tls.Config{}},
		{Addr: "127.0.0.1:7", TLS: serverTLS(), TLSAddr: "127.0.0.2:7", SharePort: true},
	} {
		if err := server.New(cfg, server.Handler{}).ListenAndServe(); err == nil || err == server.ErrServerClosed {
			t.Errorf("%+v: got %v", cfg, err)
		}
	}
}

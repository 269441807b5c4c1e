package server

import (
	"crypto/tls"
	"errors"
	"net"
	"net/http"
	"strconv"

	"rookery/codec"
)

// TLS on the loops, in the order a connection goes through it:
//
//  1. OnOpen sees by the listener that the connection is to speak TLS and wraps it into a secure.
//  2. greet collects the first record on the loop. A peer that never completes it costs no goroutine, and one that
//     speaks plain HTTP is answered in plain text. (tls_handshake.go)
//  3. The handshake runs on a goroutine, of which there is a bounded number, fed by the loop. (tls_handshake.go)
//  4. From then on the loop itself drives crypto/tls, whose Read goes on after a temporary error: decrypt and seal are
//     all the difference from a connection without TLS. (tls_conn.go)

const (
	recordHeader = 5
	// maxRecord is the plaintext of a record at most: RFC 8446 section 5.1.
	maxRecord = 1 << 14
	// maxCiphertext is what a record of TLS 1.2 may grow to by encryption: RFC 5246 section 6.2.3; TLS 1.3 allows less.
	maxCiphertext = maxRecord + 2048

	recordAlert     = 21
	recordHandshake = 22
)

// secureConfig is what the server makes of Config.TLS.
func secureConfig(user *tls.Config) (*tls.Config, error) {
	if len(user.Certificates) == 0 && user.GetCertificate == nil && user.GetConfigForClient == nil {
		return nil, errors.New("server: TLS without a certificate: set Certificates, GetCertificate or GetConfigForClient")
	}
	cfg := user.Clone()
	// RFC 8996: "TLS 1.0 MUST NOT be used", "TLS 1.1 MUST NOT be used".
	cfg.MinVersion = max(cfg.MinVersion, tls.VersionTLS12)
	if cfg.CipherSuites == nil {
		cfg.CipherSuites = modernSuites // of TLS 1.2; those of 1.3 cannot be chosen
	}
	if cfg.NextProtos == nil {
		cfg.NextProtos = []string{"http/1.1"} // RFC 6455 knows no other
	}
	// Records that grow slowly serve a page whose head is to be shown early. Here they would cut a batch of messages into
	// many records, each with its own write.
	cfg.DynamicRecordSizingDisabled = true
	return cfg, nil
}

// modernSuites are the AEAD ones with forward secrecy: RFC 9325 section 4.2. Every browser that has WebSockets knows them.
var modernSuites = []uint16{
	tls.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256, tls.TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256,
	tls.TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384, tls.TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384,
	tls.TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256, tls.TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256,
}

// readTLS makes sense of Config.TLS.
func (s *Server) readTLS() (err error) {
	switch {
	case s.cfg.TLS != nil:
		s.secure, err = secureConfig(s.cfg.TLS)
	case s.cfg.TLSAddr != "":
		err = errors.New("server: TLSAddr without TLS")
	}
	return err
}

// portOf is the port of an address that was bound: it has one, and by number. That of "" is 0.
func portOf(addr string) int {
	_, port, _ := net.SplitHostPort(addr)
	n, _ := strconv.Atoi(port)
	return n
}

// TLSAddr is the address that speaks TLS, with the port the kernel chose; "" if there is none. Valid once Ready.
func (s *Server) TLSAddr() string {
	if s.secure != nil && s.tlsAddr == "" {
		return s.addr
	}
	return s.tlsAddr
}

// speaksTLS tells by its listener whether a connection is to speak TLS.
func (s *Server) speaksTLS(local net.Addr) bool {
	if s.secure == nil || s.tlsAddr == "" {
		return s.secure != nil
	}
	tcp, ok := local.(*net.TCPAddr)
	return ok && tcp.Port == s.tlsPort
}

// TLS is what the TLS handshake agreed on, with the client's certificates; nil on a connection without TLS.
func (c *Conn) TLS() *tls.ConnectionState {
	s := c.secure()
	if s == nil || s.tls == nil || s.shake != nil {
		return nil
	}
	state := s.tls.ConnectionState()
	return &state
}

// looksLikeHTTP tells a request in plain text from a TLS record by its first byte: a method is a word in capitals.
func looksLikeHTTP(first byte) bool { return first >= 'A' && first <= 'Z' }

var errPlainText = &codec.HTTPError{Status: http.StatusBadRequest, Reason: "this port speaks TLS: use https:// or wss://"}

// checkRecord judges the first record of a connection, of whose header it needs all: "" is a handshake record of a fair
// length; otherwise alert is what to answer.
func checkRecord(header []byte) (complaint string, alert tls.AlertError) {
	const unexpectedMessage, recordOverflow = 10, 22
	// RFC 8446 section 5: an implementation that receives an unexpected record type "MUST terminate the connection with
	// an "unexpected_message" alert". The version in the first record says nothing: section 5.1.
	if header[0] != recordHandshake || header[1] != 3 {
		return "the first bytes are no TLS handshake", unexpectedMessage
	}
	// Section 5.1: "The length MUST NOT exceed 2^14 bytes. An endpoint that receives a record that exceeds this length
	// MUST terminate the connection with a "record_overflow" alert."
	if length := recordLength(header); length > maxRecord {
		return "the first record is too long", recordOverflow
	} else if length == 0 {
		return "the first record is empty", unexpectedMessage
	}
	return "", 0
}

func recordLength(header []byte) int { return int(header[3])<<8 | int(header[4]) }

// Package launch is what every Go peer does the same way: flags, listener, the line that says it is ready, and the end.
package launch

import (
	"context"
	"crypto/tls"
	"flag"
	"fmt"
	"log"
	"net"
	"net/http"
	"os"
	"os/signal"
	"syscall"
)

// Options are the flags every peer takes.
type Options struct {
	Addr     string
	TLSCert  string
	TLSKey   string
	Compress bool
}

// Parse reads the command line. It ends the process with status 2 on one it does not understand.
func Parse() Options {
	var o Options
	flag.StringVar(&o.Addr, "addr", "127.0.0.1:0", "listen on `HOST:PORT`; port 0 lets the kernel choose")
	flag.StringVar(&o.TLSCert, "tls-cert", "", "serve TLS with the PEM certificate in `FILE`")
	flag.StringVar(&o.TLSKey, "tls-key", "", "private key of --tls-cert, PEM `FILE`")
	flag.BoolVar(&o.Compress, "compress", false, "offer permessage-deflate")
	flag.Parse()
	if flag.NArg() > 0 || (o.TLSCert == "") != (o.TLSKey == "") {
		flag.Usage()
		os.Exit(2)
	}
	return o
}

// TLS returns the TLS configuration asked for, nil without one. It ends the process when the certificate cannot be read.
func (o Options) TLS() *tls.Config {
	if o.TLSCert == "" {
		return nil
	}
	cert, err := tls.LoadX509KeyPair(o.TLSCert, o.TLSKey)
	if err != nil {
		log.Fatal(err)
	}
	return &tls.Config{Certificates: []tls.Certificate{cert}}
}

// Listen opens the listening socket, without TLS. It ends the process when it cannot.
func (o Options) Listen() net.Listener {
	ln, err := net.Listen("tcp", o.Addr)
	if err != nil {
		log.Fatal(err)
	}
	return ln
}

// Announce prints the address a harness waits for.
func Announce(addr net.Addr) {
	fmt.Println("listening", addr)
}

// Wait blocks until SIGTERM or SIGINT.
func Wait() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, os.Interrupt)
	defer stop()
	<-ctx.Done()
}

// Serve runs h on net/http until a signal, and leaves the open connections to the end of the process.
func (o Options) Serve(h http.Handler) {
	ln := o.Listen()
	// HTTP/1.1 only: a WebSocket cannot be opened the RFC 6455 way on the HTTP/2 that ServeTLS would offer.
	srv := &http.Server{Handler: h, TLSConfig: o.TLS(), Protocols: new(http.Protocols)}
	srv.Protocols.SetHTTP1(true)
	serve := srv.Serve
	if srv.TLSConfig != nil {
		serve = func(ln net.Listener) error { return srv.ServeTLS(ln, "", "") }
	}
	go func() { log.Fatal(serve(ln)) }()
	Announce(ln.Addr())
	Wait()
}

// Room returns the room a request asks for, "lobby" when it names none.
func Room(r *http.Request) string {
	if room := r.URL.Query().Get("room"); room != "" {
		return room
	}
	return "lobby"
}

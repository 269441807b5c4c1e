package server

import (
	"context"
	"crypto/tls"
	"fmt"
	"log/slog"
	"os"
	"slices"
	"sync/atomic"
	"syscall"
	"time"
)

// Certificates are the certificates of a server, read from files and read again when they were renewed. Set Get as the
// GetCertificate of a tls.Config. Any goroutine may call its methods.
type Certificates struct {
	certFiles []string
	keyFiles  []string
	current   atomic.Pointer[[]tls.Certificate]
}

// LoadCertificates reads PEM files: certFiles[i] begins with the certificate whose key is in keyFiles[i], followed by its
// chain. The first is for clients that name no server, or none that is known.
func LoadCertificates(certFiles, keyFiles []string) (*Certificates, error) {
	if len(certFiles) == 0 || len(certFiles) != len(keyFiles) {
		return nil, fmt.Errorf("server: %d certificate files and %d key files", len(certFiles), len(keyFiles))
	}
	cs := &Certificates{certFiles: certFiles, keyFiles: keyFiles}
	if err := cs.Reload(); err != nil {
		return nil, err
	}
	return cs, nil
}

// Reload reads the files again. On an error all certificates stay as they were.
func (cs *Certificates) Reload() error {
	var loaded []tls.Certificate
	for i, certFile := range cs.certFiles {
		cert, err := tls.LoadX509KeyPair(certFile, cs.keyFiles[i])
		if err != nil {
			return fmt.Errorf("server: certificate %s with key %s: %w", certFile, cs.keyFiles[i], err)
		}
		loaded = append(loaded, cert)
	}
	cs.current.Store(&loaded)
	return nil
}

// Get chooses the certificate for a client: the first that its server name, its versions and its algorithms fit.
func (cs *Certificates) Get(hello *tls.ClientHelloInfo) (*tls.Certificate, error) {
	loaded := *cs.current.Load()
	for i := range loaded {
		if len(loaded) == 1 || hello.SupportsCertificate(&loaded[i]) == nil {
			return &loaded[i], nil
		}
	}
	return &loaded[0], nil
}

// Watch reloads when now says so and when a file has changed and then stayed the same for one interval: a renewal replaces
// certificate and key one after the other. What cannot be loaded is logged once, and the old certificates stay. It returns
// when ctx is done.
func (cs *Certificates) Watch(ctx context.Context, every time.Duration, now <-chan os.Signal, log *slog.Logger) {
	poll := time.NewTicker(every)
	defer poll.Stop()
	tried := cs.fingerprint()
	last := tried
	for {
		select {
		case <-ctx.Done():
			return
		case <-now:
			last = cs.fingerprint()
		case <-poll.C:
			seen := cs.fingerprint()
			settled := slices.Equal(seen, last)
			last = seen
			if !settled || slices.Equal(seen, tried) {
				continue
			}
		}
		tried = last
		if err := cs.Reload(); err != nil {
			log.Error("certificates refused, the old ones stay", "err", err)
			continue
		}
		log.Info("certificates reloaded", "files", cs.certFiles, "not_after", cs.notAfter())
	}
}

// notAfter is when the first of the certificates expires.
func (cs *Certificates) notAfter() time.Time {
	var first time.Time
	for _, cert := range *cs.current.Load() {
		if end := cert.Leaf.NotAfter; first.IsZero() || end.Before(first) {
			first = end
		}
	}
	return first
}

// fileState tells a changed file from an unchanged one, also where a rename put an older one in its place.
type fileState struct {
	size     int64
	modified time.Time
	inode    uint64
}

func (cs *Certificates) fingerprint() []fileState {
	var all []fileState
	for _, name := range slices.Concat(cs.certFiles, cs.keyFiles) {
		var f fileState
		if info, err := os.Stat(name); err == nil {
			f.size, f.modified = info.Size(), info.ModTime()
			if st, ok := info.Sys().(*syscall.Stat_t); ok {
				f.inode = st.Ino
			}
		}
		all = append(all, f)
	}
	return all
}

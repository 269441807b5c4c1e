package server

import (
	"crypto/tls"
	"io"
	"net"
	"time"

	"github.com/gobwas/ws"
	"github.com/panjf2000/gnet/v2"
)

// secure is a connection's TLS side. It takes the place of gnet's connection in Conn.gc, so that connections without TLS
// pay nothing for it, not even a field.
type secure struct {
	gnet.Conn
	c      *Conn
	tls    *tls.Conn // nil until the first record is complete
	shake  *shake    // nil once the handshake is done
	pinned int32     // bytes of an unfinished record, or of all records of an unfinished handshake
	broken bool      // by either side: nothing can be encrypted or decrypted any more
}

// secure is nil on a connection without TLS.
func (c *Conn) secure() *secure {
	s, _ := c.gc.(*secure)
	return s
}

// decrypt takes ciphertext from the loop.
func (s *secure) decrypt(b []byte) {
	switch {
	case s.broken:
	case s.shake != nil:
		s.greet(b)
	default:
		s.pump(b)
	}
}

// pump reads what crypto/tls makes of b, which may end in the middle of a record.
func (s *secure) pump(b []byte) {
	c, l := s.c, s.c.loop
	l.ciphertext = b
	s.lendBuffers()
	var err error
	for err == nil && c.state != stateClosed {
		var n int
		// A record at the end of the input can come together with the error that there is no more.
		n, err = s.tls.Read(l.plaintext)
		if n > 0 {
			c.input(l.plaintext[:n])
		}
	}
	s.takeBuffers(err)
	l.ciphertext = nil
	if err != nil && err != errNoInput && c.state != stateClosed {
		s.ended(err)
	}
}

// ended handles the end of the peer's direction, in order or not.
func (s *secure) ended(err error) {
	c := s.c
	if err != io.EOF {
		s.fail(err.Error())
		return
	}
	// RFC 8446 section 6.1: close_notify "notifies the recipient that the sender will not send any more messages on this
	// connection". Without a close frame that is code 1006, RFC 6455 section 7.1.5, but no truncation.
	if c.opened {
		c.record(CausePeerClosed, ws.StatusAbnormalClosure, "close_notify without a close frame")
	}
	c.doom()
}

// fail ends a connection whose TLS is broken. crypto/tls has sent the alert: the socket stays open for the peer to read it.
func (s *secure) fail(reason string) {
	c := s.c
	if s.broken || c.gone || c.state == stateClosed {
		return
	}
	s.broken = true
	c.record(CauseTLS, ws.StatusAbnormalClosure, reason)
	c.loop.srv.log.Debug("TLS failed", "conn", c.ID(), "reason", reason)
	if c.state != stateClosing {
		c.state = stateClosing
		c.loop.closing.push(c, time.Now().Add(c.loop.srv.cfg.CloseTimeout))
	}
	c.halfClose()
}

// seal encrypts b and sends it or leaves it to gnet. When it returns nil, all of b is on its way: a record is never broken.
func (s *secure) seal(b []byte) error {
	if s.broken || s.shake != nil {
		return ErrClosed
	}
	if _, err := s.tls.Write(b); err != nil {
		s.broken = true
		s.c.vanish()
		return ErrClosed
	}
	return nil
}

// write is Conn.Write. What is encrypted must be sent, so it encrypts whole frames, a record's worth at a time, and no more
// once gnet had to hold something: a peer that does not read costs the rest of one record, or of one long frame.
func (s *secure) write(frames []byte) (n int, ok bool) {
	for n < len(frames) && !s.c.held {
		end := n + wholeFrames(frames[n:])
		if s.seal(frames[n:end]) != nil {
			return 0, false
		}
		n = end
	}
	return n, true
}

// wholeFrames is the length of the longest prefix of frames, unmasked ones, that fits into a record, or of the first frame
// if that does not.
func wholeFrames(frames []byte) int {
	if len(frames) <= maxRecord {
		return len(frames)
	}
	end := 0
	for {
		next := end + frameLength(frames[end:])
		if next > maxRecord && end > 0 {
			return end
		}
		if end = next; end >= maxRecord {
			return min(end, len(frames))
		}
	}
}

// frameLength is the length of the first of frames, header included: RFC 6455 section 5.2.
func frameLength(b []byte) int {
	switch n := int(b[1] & 0x7f); n {
	case 126:
		return 4 + int(b[2])<<8 + int(b[3])
	case 127:
		// A server's own frame is far below 4 GiB.
		return 10 + int(b[6])<<24 + int(b[7])<<16 + int(b[8])<<8 + int(b[9])
	default:
		return 2 + n
	}
}

// closeNotify says that nothing more comes. RFC 8446 section 6.1: "Each party MUST send a "close_notify" alert before
// closing its write side of the connection, unless it has already sent some error alert."
func (c *Conn) closeNotify() {
	if s := c.secure(); s != nil && s.shake == nil && !s.broken && !c.gone {
		_ = s.tls.CloseWrite()
	}
}

// shut closes the connection now.
func (c *Conn) shut() {
	c.closeNotify()
	if c.gone {
		return
	}
	gc := c.gc
	if s := c.secure(); s != nil {
		gc = s.Conn
	}
	_ = c.loop.el.Close(gc)
}

// wire is a secure as crypto/tls sees it: the net.Conn that carries its records. Once the handshake is done it belongs to
// the loop, as everything else does, and neither Read nor Write waits.
type wire secure

// Read gives crypto/tls ciphertext.
func (w *wire) Read(b []byte) (int, error) {
	if w.shake != nil {
		return w.shake.read(b)
	}
	l := w.c.loop
	if len(l.ciphertext) == 0 {
		return 0, errNoInput
	}
	n := copy(b, l.ciphertext)
	l.ciphertext = l.ciphertext[n:]
	return n, nil
}

// Write sends a record.
func (w *wire) Write(record []byte) (int, error) {
	c := w.c
	if w.shake == nil {
		if err := c.transmit(record); err != nil {
			return 0, err
		}
		return len(record), nil
	}
	own := append([]byte(nil), record...)
	c.loop.Post(func() {
		if !c.gone && c.state != stateClosed {
			_ = c.transmit(own)
		}
	})
	return len(record), nil
}

// RemoteAddr and LocalAddr are for the callbacks of a tls.Config, which run during the handshake.
func (w *wire) RemoteAddr() net.Addr {
	if w.shake != nil {
		return w.shake.remote
	}
	return w.c.RemoteAddr()
}

func (w *wire) LocalAddr() net.Addr {
	if w.shake != nil {
		return w.shake.local
	}
	return nil
}

// The loop closes the connection and keeps its deadlines.

func (w *wire) Close() error                     { return nil }
func (w *wire) SetDeadline(time.Time) error      { return nil }
func (w *wire) SetReadDeadline(time.Time) error  { return nil }
func (w *wire) SetWriteDeadline(time.Time) error { return nil }

// errNoInput is the temporary error after which crypto/tls can go on.
var errNoInput error = noInput{}

type noInput struct{}

func (noInput) Error() string   { return "no input yet" }
func (noInput) Timeout() bool   { return true }
func (noInput) Temporary() bool { return true }

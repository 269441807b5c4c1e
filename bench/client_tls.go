package main

import (
	"bytes"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// secureConn is a TLS connection driven from the loop: crypto/tls over a socket whose Read says "temporary"
// when there is nothing, which makes tls.Conn keep its partial record and go on at the next call.
type secureConn struct {
	raw *rawConn
	tls *tls.Conn
}

// read returns what is there, or EAGAIN.
func (s *secureConn) read(b []byte) (int, error) {
	n, err := s.tls.Read(b)
	if n > 0 {
		return n, nil
	}
	var temporary errAgain
	if errors.As(err, &temporary) {
		return 0, unix.EAGAIN
	}
	if err == io.EOF {
		return 0, nil
	}
	return 0, err
}

func (s *secureConn) write(b []byte) error {
	_, err := s.tls.Write(b)
	return err
}

// errAgain is a socket that has nothing now.
type errAgain struct{}

func (errAgain) Error() string   { return "nothing there yet" }
func (errAgain) Timeout() bool   { return true }
func (errAgain) Temporary() bool { return true }

// rawConn is a socket as a net.Conn, without the runtime's poller. While blocking it serves the handshake;
// afterwards Read never waits, and Write waits for a socket that is full, because few connections write.
type rawConn struct{ fd int }

func (r *rawConn) Read(b []byte) (int, error) {
	for {
		n, err := unix.Read(r.fd, b)
		switch {
		case err == unix.EINTR:
			continue
		case err == unix.EAGAIN:
			return 0, errAgain{}
		case err != nil:
			return 0, err
		case n == 0 && len(b) > 0:
			return 0, io.EOF
		}
		return n, nil
	}
}

func (r *rawConn) Write(b []byte) (int, error) {
	sent := 0
	for sent < len(b) {
		n, err := unix.SendmsgN(r.fd, b[sent:], nil, nil, unix.MSG_NOSIGNAL)
		switch err {
		case nil:
			sent += n
		case unix.EINTR:
		case unix.EAGAIN:
			_, _ = unix.Poll([]unix.PollFd{{Fd: int32(r.fd), Events: unix.POLLOUT}}, 1000)
		default:
			return sent, err
		}
	}
	return sent, nil
}

func (r *rawConn) Close() error                     { return nil } // the loop owns the descriptor
func (r *rawConn) LocalAddr() net.Addr              { return &net.TCPAddr{} }
func (r *rawConn) RemoteAddr() net.Addr             { return &net.TCPAddr{} }
func (r *rawConn) SetDeadline(time.Time) error      { return nil }
func (r *rawConn) SetReadDeadline(time.Time) error  { return nil }
func (r *rawConn) SetWriteDeadline(time.Time) error { return nil }

// securedConn is a finished TLS connection on its way to the loop.
type securedConn struct {
	i      int32
	secure *secureConn
	head   []byte
	err    error
}

// dialSecure connects, shakes hands and upgrades on a goroutine of its own, with blocking calls. It reads
// only what the loop does not change while a dial is under way.
func (c *client) dialSecure(i int32, fd int, target unix.SockaddrInet4) {
	done := securedConn{i: i}
	defer func() { c.dial.secured <- done }()
	limit := unix.NsecToTimeval(dialTimeout)
	_ = unix.SetsockoptTimeval(fd, unix.SOL_SOCKET, unix.SO_RCVTIMEO, &limit)
	_ = unix.SetsockoptTimeval(fd, unix.SOL_SOCKET, unix.SO_SNDTIMEO, &limit)
	if done.err = unix.Connect(fd, &target); done.err != nil {
		return
	}
	name, _, _ := strings.Cut(c.plan.Host, ":")
	raw := &rawConn{fd}
	s := &secureConn{raw, tls.Client(raw, &tls.Config{ServerName: name, InsecureSkipVerify: true, NextProtos: []string{"http/1.1"}})}
	if done.err = s.tls.Handshake(); done.err != nil {
		return
	}
	if done.err = s.write([]byte(c.request(i))); done.err != nil {
		return
	}
	var one [1]byte
	for !bytes.HasSuffix(done.head, []byte("\r\n\r\n")) && len(done.head) < 16<<10 {
		n, err := s.tls.Read(one[:])
		if err != nil {
			done.err = err
			return
		}
		done.head = append(done.head, one[:n]...)
	}
	done.err = unix.SetNonblock(fd, true)
	done.secure = s
}

// finishSecure takes a finished dial over into the loop.
func (c *client) finishSecure(s securedConn) {
	k := &c.conns[s.i]
	if s.err != nil {
		word := errorWord(s.err)
		var temporary errAgain
		if errors.As(s.err, &temporary) {
			word = "timeout"
		}
		c.refused(s.i, word)
		return
	}
	k.secure = s.secure
	k.state = upgrading
	if !c.take(s.i, s.head) {
		return
	}
	c.watch(s.i)
	if k.state == open && !c.stalled {
		c.read(s.i)
	}
}

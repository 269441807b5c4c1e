package server

import (
	"errors"
	"net"
	"strconv"

	"github.com/panjf2000/gnet/v2"

	"rookery/codec"
)

// What Send returns when it could not.
var (
	// ErrClosed says that the connection is closing or closed.
	ErrClosed = errors.New("server: connection closed")
	// ErrSlowConsumer says that the peer left more than Config.MaxBuffered bytes unread; the connection is being closed.
	ErrSlowConsumer = errors.New("server: slow consumer")
)

type state uint8

const (
	stateHandshake state = iota // reading a request
	stateHTTP                   // a plain request is being served
	stateOpen                   // frames
	stateClosing                // our last bytes are sent or on their way; input is only waited for
	stateClosed                 // nothing may be written; gnet may still hold it for a moment
)

// Conn is one connection. It belongs to its loop, see the package documentation.
//
// There are as many as the host has descriptors, so a field here costs megabytes: the layout is asserted by a test.
type Conn struct {
	gc      gnet.Conn
	loop    *Loop
	session any
	head    []byte // the unfinished request head, or unread bytes behind a plain request
	http    *httpState
	ended   *CloseError
	dec     codec.Decoder
	id      uint64
	fd      int32
	index   int32
	// pingedAt is the server's uptime in milliseconds when an unanswered ping was sent, 0 if there is none.
	pingedAt uint32
	protocol uint8 // 1 + index into Config.Subprotocols
	state    state
	held     bool // gnet may hold output
	gone     bool // OnClose has run: the descriptor may be another user's
	opened   bool // OnOpen has run
	alive    bool // something came since the last keepalive visit
	admitted bool
	refused  Cause
	halfShut bool
	deflate  bool
	reads    uint8 // that the message begun came in, so far; 255 if there are more
}

// Loop is the loop that owns the connection. Any goroutine may call it.
func (c *Conn) Loop() *Loop { return c.loop }

// ID names the connection among all of this server's. Any goroutine may call it.
func (c *Conn) ID() string { return strconv.FormatUint(c.id, 36) }

// Session is what SetSession was given.
func (c *Conn) Session() any { return c.session }

// SetSession attaches the user's state.
func (c *Conn) SetSession(v any) { c.session = v }

// Subprotocol is the subprotocol agreed on, "" if none.
func (c *Conn) Subprotocol() string {
	if c.protocol == 0 {
		return ""
	}
	return c.loop.srv.cfg.Subprotocols[c.protocol-1]
}

// RemoteAddr is the peer's address; nil after OnClose.
func (c *Conn) RemoteAddr() net.Addr {
	if c.gone {
		return nil
	}
	return c.gc.RemoteAddr()
}

// Buffered is the number of bytes accepted by Send and not yet taken by the kernel.
func (c *Conn) Buffered() int {
	if !c.held || c.gone {
		return 0
	}
	n := c.gc.OutboundBuffered()
	c.held = n > 0
	return n
}

// Compressed reports whether permessage-deflate was agreed on.
func (c *Conn) Compressed() bool { return c.deflate }

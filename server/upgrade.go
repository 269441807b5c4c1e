package server

import (
	"net/http"
	"time"

	"github.com/gobwas/ws"

	"rookery/codec"
)

// readRequest collects one request head and hands it on. It returns what follows the head in b.
func (c *Conn) readRequest(b []byte) []byte {
	srv := c.loop.srv
	in := b
	if len(c.head) > 0 {
		if c.growHead(b); c.state != stateHandshake {
			return nil // it was one too much
		}
		in = c.head
	}
	// The loop keeps the one request it is looking at: on the heap per connection it was a third of what connecting allocates.
	r := &c.loop.request
	var n int
	var herr *codec.HTTPError
	*r, n, herr = codec.ParseRequest(in, srv.cfg.MaxHeader)
	switch {
	case herr != nil:
		c.refuse(CauseBadHandshake, herr)
		return nil
	case n == 0:
		if len(c.head) == 0 {
			c.growHead(b)
		}
		return nil
	}
	// What is behind the head stands at the end of both in and b: a head never ends in what was held before.
	rest := b[len(b)-(len(in)-n):]
	if !r.Upgrade {
		c.serveHTTP(r, in[:n], rest)
		return nil
	}
	ok := c.upgrade(r)
	c.dropHead()
	if !ok {
		return nil
	}
	return rest
}

func (c *Conn) growHead(b []byte) {
	before := cap(c.head)
	c.head = append(c.head, b...)
	c.loop.pin(cap(c.head) - before)
}

func (c *Conn) dropHead() {
	if c.head != nil {
		c.loop.pin(-cap(c.head))
		c.head = nil
	}
}

// upgrade answers an opening handshake, RFC 6455 section 4.2.
func (c *Conn) upgrade(r *codec.Request) bool {
	srv := c.loop.srv
	if herr := r.CheckUpgrade(); herr != nil {
		return c.refuse(CauseBadHandshake, herr)
	}
	if c.refused != CauseNone {
		return c.refuse(c.refused, &codec.HTTPError{Status: http.StatusServiceUnavailable, Reason: refusalReason(c.refused)})
	}
	if srv.stopping.Load() {
		return c.refuse(CauseDraining, &codec.HTTPError{Status: http.StatusServiceUnavailable, Reason: "the server is draining: connect again later"})
	}
	if !srv.originAllowed(r.Origin) {
		return c.refuse(CauseBadHandshake, &codec.HTTPError{Status: http.StatusForbidden, Reason: "origin not allowed (allowed-origins)"})
	}
	protocol := r.SelectProtocol(srv.cfg.Subprotocols)
	for i, p := range srv.cfg.Subprotocols {
		if p == protocol {
			c.protocol = uint8(i + 1)
		}
	}
	if h := srv.handler.OnUpgrade; h != nil {
		if herr := h(c, r); herr != nil {
			return c.refuse(CauseBadHandshake, herr)
		}
	}
	var deflate []byte
	if srv.cfg.Deflate {
		deflate = r.NegotiateDeflate()
		c.deflate = deflate != nil
		c.dec.SetDeflate(c.deflate)
	}
	c.loop.scratch = codec.AppendUpgrade(c.loop.scratch[:0], r, protocol, deflate)
	if c.push(c.loop.scratch) != nil {
		return false
	}
	c.open()
	return true
}

func refusalReason(cause Cause) string {
	if cause == CauseTooManyFromIP {
		return "too many connections from this address (max-conns-per-ip): try again later"
	}
	return "the server is full (max-conns): try again later"
}

func (c *Conn) open() {
	c.state, c.opened = stateOpen, true
	c.loop.stats.open.Add(1)
	if h := c.loop.srv.handler.OnOpen; h != nil {
		h(c)
	}
}

// refuse answers a request with an error and closes. It returns false, for its callers to return.
func (c *Conn) refuse(cause Cause, herr *codec.HTTPError) bool {
	c.record(cause, ws.StatusCode(herr.Status), herr.Reason)
	c.loop.srv.log.Debug("refused", "conn", c.ID(), "cause", cause.String(), "status", herr.Status, "reason", herr.Reason)
	c.loop.scratch = codec.AppendHTTPError(c.loop.scratch[:0], herr)
	c.dropHead()
	c.finishHTTP(c.loop.scratch)
	return false
}

// finishHTTP sends the last response of a connection that never was, or no longer is, to become a WebSocket.
func (c *Conn) finishHTTP(response []byte) {
	c.state = stateClosing
	if c.push(response) != nil {
		return
	}
	c.loop.closing.push(c, time.Now().Add(c.loop.srv.cfg.CloseTimeout))
	c.halfClose()
}

// expireRequest ends a connection whose request did not arrive in time.
func (c *Conn) expireRequest() {
	if s := c.secure(); s != nil && s.begun() {
		c.record(CauseHandshakeTimeout, 0, "the TLS handshake was not done in time")
		c.doom()
		c.loop.buryDoomed()
		return
	}
	if len(c.head) == 0 || c.state != stateHandshake {
		c.record(CauseUnused, 0, "no request came in time")
		c.doom()
		c.loop.buryDoomed()
		return
	}
	c.refuse(CauseHandshakeTimeout, &codec.HTTPError{Status: http.StatusRequestTimeout, Reason: "the request did not arrive in time"})
}

func (s *Server) originAllowed(origin []byte) bool {
	if len(s.origins) == 0 || len(origin) == 0 {
		return true
	}
	_, ok := s.origins[string(origin)]
	return ok
}

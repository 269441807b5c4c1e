package server

import (
	"slices"
	"time"

	"github.com/gobwas/ws"
	"golang.org/x/sys/unix"

	"rookery/codec"
)

// How a connection ends, in order: somebody calls end, fail, Close or peerClose, which records the one cause and sends
// our close frame; the closing handshake or its deadline follows; gnet calls OnClose, which calls bury.

// Close starts the closing handshake with an application's code and reason, the reason cut to 123 bytes.
func (c *Conn) Close(code ws.StatusCode, reason string) {
	c.finish(CauseApplication, code, reason)
}

// End starts the closing handshake for a cause of the table, with the cause's code.
func (c *Conn) End(cause Cause, detail string) { c.end(cause, detail) }

func (c *Conn) end(cause Cause, detail string) {
	reason := cause.String()
	if detail != "" {
		reason += ": " + detail
	}
	c.finish(cause, cause.Code(), reason)
}

// fail ends the connection because the peer broke the protocol: RFC 6455 section 7.1.7.
func (c *Conn) fail(err *codec.Error) {
	if c.state != stateOpen {
		return
	}
	c.finish(CauseProtocolError, err.Code, err.Reason)
	c.halfClose()
}

func (c *Conn) finish(cause Cause, code ws.StatusCode, reason string) {
	if c.state == stateClosing || c.state == stateClosed {
		return
	}
	c.record(cause, code, reason)
	if c.state != stateOpen {
		c.doom()
		return
	}
	c.state = stateClosing
	if code == ws.StatusAbnormalClosure {
		c.doom()
		return
	}
	c.loop.scratch = codec.AppendClose(c.loop.scratch[:0], code, reason)
	if c.push(c.loop.scratch) == nil {
		c.loop.closing.push(c, time.Now().Add(c.loop.srv.cfg.CloseTimeout))
	}
}

// farewellBatch is how many closing handshakes a loop completes between two polls. One costs some 30 us in the kernel, and
// reading a close frame a tenth of it: when thousands leave at once the others wait for a batch and not for the thousands.
const farewellBatch = 32

// peerClose takes the peer's close frame, to be answered after the next poll.
func (c *Conn) peerClose(payload []byte) {
	code, reason, err := codec.ParseClose(payload)
	if err != nil {
		c.fail(err)
		return
	}
	c.record(CausePeerClosed, code, reason)
	c.state = stateClosing
	l := c.loop
	if l.farewells = append(l.farewells, c); len(l.farewells) == 1 {
		l.Post(l.farewellFn)
	}
}

// sayFarewells answers a batch of close frames, and posts itself for the rest.
func (l *Loop) sayFarewells() {
	n := min(len(l.farewells), l.parted+farewellBatch)
	for ; l.parted < n; l.parted++ {
		c := l.farewells[l.parted]
		l.farewells[l.parted] = nil
		if !c.gone && c.state == stateClosing {
			c.answerClose()
		}
	}
	switch {
	case l.parted == len(l.farewells):
		l.farewells, l.parted = nil, 0
		return
	case l.parted > 1024 && l.parted > len(l.farewells)/2:
		l.farewells, l.parted = slices.Clone(l.farewells[l.parted:]), 0
	}
	l.Post(l.farewellFn)
}

// answerClose answers the peer's close frame: RFC 6455 section 5.5.1, "the endpoint typically echos the status code".
func (c *Conn) answerClose() {
	defer c.recoverPanic()
	c.loop.scratch = codec.AppendClose(c.loop.scratch[:0], c.ended.Code, "")
	if c.push(c.loop.scratch) != nil {
		return
	}
	if c.Buffered() > 0 {
		c.loop.closing.push(c, time.Now().Add(c.loop.srv.cfg.CloseTimeout))
		c.halfClose()
		return
	}
	// Section 7.1.1: the server is to close the TCP connection first.
	c.doom()
}

// vanish ends a connection whose socket failed.
func (c *Conn) vanish() {
	c.record(CausePeerVanished, ws.StatusAbnormalClosure, "write failed")
	c.doom()
}

// doom marks the connection for closing at the end of the current callback or task. Nothing is written to it again.
func (c *Conn) doom() {
	if c.state == stateClosed {
		return
	}
	c.state = stateClosed
	c.loop.doomed = append(c.loop.doomed, c)
	c.loop.signal()
}

// halfClose ends our direction once everything is sent, and leaves reading on: close(2) with unread input would reset
// the connection and could take our close frame with it.
func (c *Conn) halfClose() {
	if c.halfShut || c.gone || c.state == stateClosed || c.Buffered() > 0 {
		return
	}
	if c.ended != nil && c.opened && !c.ended.Cause.unread() && c.ended.Cause != CausePeerClosed {
		return // the peer's close frame is still awaited
	}
	if c.closeNotify(); c.gone || c.state == stateClosed || c.Buffered() > 0 {
		return
	}
	c.halfShut = true
	_ = unix.Shutdown(int(c.fd), unix.SHUT_WR)
}

func (c *Conn) record(cause Cause, code ws.StatusCode, reason string) {
	if c.ended == nil {
		c.ended = &CloseError{Cause: cause, Code: code, Reason: reason}
	}
}

// bury is gnet's OnClose: the last that happens to a connection. The descriptor may belong to somebody else from here on.
func (c *Conn) bury(err error) {
	l := c.loop
	c.gone = true
	switch {
	case c.opened:
	case c.http != nil:
		c.record(CauseHTTPDone, 0, "")
	case c.state == stateHandshake && !c.alive:
		c.record(CauseUnused, 0, "no request came")
	}
	if err != nil {
		c.record(CausePeerVanished, ws.StatusAbnormalClosure, err.Error())
	}
	c.record(CausePeerVanished, ws.StatusAbnormalClosure, "connection dropped")
	c.state = stateClosed
	l.remove(c)
	if s := c.secure(); s != nil && s.shake != nil {
		s.shake.close()
	}
	l.pin(-c.dropInput())
	c.http = nil
	l.srv.leave(c)
	l.stats.closed[c.ended.Cause].Add(1)
	if c.opened {
		l.stats.open.Add(-1)
		l.srv.log.Debug("closed", "conn", c.ID(), "cause", c.ended.Cause.String(), "code", int(c.ended.Code), "reason", c.ended.Reason)
		c.tellClosed()
	}
	c.session = nil
}

func (c *Conn) tellClosed() {
	defer c.recoverPanic()
	if h := c.loop.srv.handler.OnClose; h != nil {
		h(c, c.ended)
	}
}

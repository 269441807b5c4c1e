package server

import (
	"math"
	"runtime/debug"

	"github.com/gobwas/ws"

	"rookery/codec"
)

// Input, in the order the bytes take:
//
//  1. gnet reads into the loop's buffer and calls OnTraffic, which takes all of it: gnet never holds input.
//  2. input sends it to the request parser, to the frame decoder, or nowhere, by state.
//  3. messages decodes in place; control frames are answered here, messages go to the Handler.

// input consumes all of b, which is overwritten in place.
func (c *Conn) input(b []byte) {
	defer c.recoverPanic()
	c.alive = true
	c.pingedAt = 0
	for len(b) > 0 {
		switch c.state {
		case stateHandshake:
			b = c.readRequest(b)
		case stateHTTP:
			c.holdPipelined(b)
			return
		case stateOpen:
			b = c.messages(b)
		case stateClosing:
			c.awaitClose(b)
			return
		default:
			return
		}
	}
}

// recoverPanic keeps a panicking handler from taking the process with it: gnet has no recover.
func (c *Conn) recoverPanic() {
	if r := recover(); r != nil {
		c.loop.srv.log.Error("handler panicked", "conn", c.ID(), "panic", r, "stack", string(debug.Stack()))
		c.end(CauseHandlerPanic, "internal error")
	}
}

func (c *Conn) messages(b []byte) []byte {
	srv := c.loop.srv
	before := c.dec.Pinned()
	for len(b) > 0 && c.state == stateOpen {
		m, n, err := c.dec.Next(&srv.limits, b)
		if err != nil {
			c.fail(err)
			break
		}
		b = b[n:]
		// Before the handler: it may end the connection, which gives back what was counted.
		if before = c.account(before); c.state != stateOpen {
			break
		}
		switch m.Op {
		case 0:
		case ws.OpText, ws.OpBinary:
			c.loop.count.messagesIn++
			c.reads = 0
			if srv.handler.OnMessage != nil {
				srv.handler.OnMessage(c, m)
			}
		case ws.OpPing:
			c.pong(m.Payload)
		case ws.OpPong:
		case ws.OpClose:
			c.peerClose(m.Payload)
		}
	}
	c.dec.Release() // the last message has been handled
	if c.account(before) > 0 && c.reads < math.MaxUint8 {
		c.reads++
	}
	if c.state != stateOpen {
		return nil
	}
	return b
}

// account counts what the decoder holds against the budget, which has counted before of it, and returns what is counted now.
func (c *Conn) account(before int) int {
	if after := c.dec.Pinned(); after != before && !c.gone {
		c.loop.pin(after - before)
	}
	return c.dec.Pinned()
}

// pong answers a ping. While the peer leaves replies unread only what fits the bound is kept: RFC 6455 section 5.5.3
// allows to answer the most recent ping only, and gnet cannot take back what it holds, so a ping that comes meanwhile
// goes unanswered until the replies have gone out.
func (c *Conn) pong(payload []byte) {
	if c.Buffered() > 0 {
		return
	}
	c.loop.scratch = codec.AppendFrame(c.loop.scratch[:0], ws.OpPong, payload)
	_ = c.reply(c.loop.scratch)
}

// awaitClose reads on behind our own close frame, for the peer's. What follows a close frame of the peer's is dropped: RFC
// 6455 section 1.4.
func (c *Conn) awaitClose(b []byte) {
	if !c.opened || c.halfShut || c.ended.Cause.unread() || c.ended.Cause == CausePeerClosed {
		return
	}
	before := c.dec.Pinned()
	for len(b) > 0 {
		m, n, err := c.dec.Next(&c.loop.srv.limits, b)
		if err != nil || m.Op == ws.OpClose {
			c.doom()
			break
		}
		b = b[n:]
	}
	c.dec.Release()
	c.loop.pin(c.dec.Pinned() - before)
}

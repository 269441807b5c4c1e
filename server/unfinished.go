package server

import (
	"bytes"
	"fmt"
	"net/http"

	"github.com/gobwas/ws"

	"rookery/codec"
)

// budgetSpent ends the reason of every connection that is closed for the input budget.
const budgetSpent = "; the budget for unfinished input (max-pinned) is spent"

// What makes input a trickle: it came in at least so many reads of at most so many bytes each. A segment of an honest sender
// carries more, but for its last.
const (
	trickleReads = 8
	trickleBytes = 32
)

// shed ends a connection whose unfinished input is one too much, and lets go of that input. What the peer sends from here on
// cannot be understood any more and is not looked at.
func (c *Conn) shed() {
	if c.gone || c.pinnedBytes() == 0 {
		return
	}
	cause, what := c.unfinished()
	what += budgetSpent
	s := c.secure()
	switch {
	case c.state == stateOpen:
		c.end(cause, what)
		c.halfClose()
	case s != nil && s.shake != nil:
		c.record(cause, ws.StatusAbnormalClosure, what)
		c.loop.srv.log.Debug("refused", "conn", c.ID(), "cause", cause.String(), "reason", what)
		c.doom()
	case c.state == stateHandshake || c.state == stateHTTP:
		c.refuse(cause, &codec.HTTPError{Status: http.StatusServiceUnavailable, Reason: cause.String() + ": " + what})
	default:
		c.doom() // it was told already why it is closed
	}
	if s != nil && !c.gone {
		s.dropRecord()
	}
	c.loop.pin(-c.dropInput())
}

// unfinished says which kind of input is unfinished, and how, for a person. Of several kinds it is the one that holds most.
func (c *Conn) unfinished() (Cause, string) {
	u := c.dec.Unfinished()
	switch s := c.secure(); {
	case s != nil && s.shake != nil:
		return CauseInputBudgetTLS, "the TLS handshake is unfinished"
	case s != nil && int(s.pinned) > c.dec.Pinned()+cap(c.head):
		return CauseInputBudgetTLS, "a TLS record is unfinished"
	case c.head != nil:
		return CauseInputBudgetRequest, fmt.Sprintf("a request is unfinished at %d bytes", len(c.head))
	case u.Fragments > 1 || u.Fragments == 1 && u.Missing == 0:
		return CauseInputBudgetFragments, fmt.Sprintf("a message is unfinished at %d fragments", u.Fragments)
	case c.reads >= trickleReads && u.Received <= trickleBytes*int(c.reads):
		return CauseInputBudgetTrickle, "a frame comes in drops"
	}
	return CauseInputBudgetFrame, fmt.Sprintf("a frame lacks %d bytes", u.Missing)
}

// dropRecord makes crypto/tls let go of an unfinished record. Nothing can be decrypted after it.
func (s *secure) dropRecord() {
	s.broken = true
	if s.shake == nil && rawInputKnown {
		*bufferAt(s.tls, rawInputAt) = bytes.Buffer{}
	}
}

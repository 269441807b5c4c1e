package server

import "github.com/gobwas/ws"

// Cause is why a connection ended: the word in the close reason, in the log line
// and in the metric's label.
type Cause uint8

// The closed table of causes. Every end of a connection has exactly one.
const (
	CauseNone Cause = iota
	CausePeerClosed
	CausePeerVanished
	CausePingTimeout
	CauseUnused
	CauseHandshakeTimeout
	CauseCloseTimeout
	CauseBadHandshake
	CauseProtocolError
	CauseHandlerPanic
	CauseSlowConsumer
	CauseOverCapacity
	CauseTooManyFromIP
	CauseInputBudgetRequest
	CauseInputBudgetTLS
	CauseInputBudgetFrame
	CauseInputBudgetTrickle
	CauseInputBudgetFragments
	CauseDraining
	CauseHTTPDone
	CauseApplication
	CauseTLS
	causes
)

var causeTable = [causes]struct {
	name string
	code ws.StatusCode
}{
	CauseNone:             {"none", ws.StatusNoStatusRcvd},
	CausePeerClosed:       {"peer_closed", ws.StatusNormalClosure},
	CausePeerVanished:     {"peer_vanished", ws.StatusAbnormalClosure},
	CausePingTimeout:      {"ping_timeout", ws.StatusPolicyViolation},
	CauseUnused:           {"unused", ws.StatusNormalClosure}, // browsers open spare connections
	CauseHandshakeTimeout: {"handshake_timeout", ws.StatusPolicyViolation},
	CauseCloseTimeout:     {"close_timeout", ws.StatusAbnormalClosure},
	CauseBadHandshake:     {"bad_handshake", ws.StatusProtocolError},
	CauseProtocolError:    {"protocol_error", ws.StatusProtocolError},
	CauseHandlerPanic:     {"handler_panic", ws.StatusInternalServerError},
	CauseSlowConsumer:     {"slow_consumer", StatusTryAgainLater},
	CauseOverCapacity:     {"over_capacity", StatusTryAgainLater},
	CauseTooManyFromIP:    {"too_many_from_ip", StatusTryAgainLater},
	// Closed for the budget of unfinished input, and for which: a request without its end, a TLS handshake or record, a frame that
	// was declared and not sent, one that comes byte by byte, a message left in fragments.
	CauseInputBudgetRequest:   {"input_budget_request", StatusTryAgainLater},
	CauseInputBudgetTLS:       {"input_budget_tls", StatusTryAgainLater},
	CauseInputBudgetFrame:     {"input_budget_frame", StatusTryAgainLater},
	CauseInputBudgetTrickle:   {"input_budget_trickle", StatusTryAgainLater},
	CauseInputBudgetFragments: {"input_budget_fragments", StatusTryAgainLater},
	CauseDraining:             {"draining", StatusServiceRestart},
	CauseHTTPDone:             {"http_done", ws.StatusNormalClosure},
	CauseApplication:          {"application", ws.StatusNormalClosure},
	CauseTLS:                  {"tls", ws.StatusProtocolError},
}

// Close codes that the IANA registry has and gobwas/ws does not name.
const (
	StatusServiceRestart ws.StatusCode = 1012
	StatusTryAgainLater  ws.StatusCode = 1013
)

// String is the cause's word, as in logs and metrics.
func (c Cause) String() string { return causeTable[c].name }

// Code is the close code a connection gets that ends for this cause.
func (c Cause) Code() ws.StatusCode { return causeTable[c].code }

// unread reports whether what still comes on a connection that ends for this cause cannot be understood: there is no closing
// handshake to wait for.
func (c Cause) unread() bool {
	return c == CauseProtocolError || c == CauseTLS || c >= CauseInputBudgetRequest && c <= CauseInputBudgetFragments
}

// Causes lists every cause but CauseNone, for metrics that must not have holes.
func Causes() []Cause {
	list := make([]Cause, 0, causes-1)
	for c := CausePeerClosed; c < causes; c++ {
		list = append(list, c)
	}
	return list
}

// CloseError is how a connection ended: what OnClose is given.
type CloseError struct {
	Cause  Cause
	Code   ws.StatusCode // of the close frame that was sent or came; 1006 if there was none
	Reason string
}

func (e *CloseError) Error() string {
	if e.Reason == "" {
		return "server: connection ended: " + e.Cause.String()
	}
	return "server: connection ended: " + e.Cause.String() + ": " + e.Reason
}

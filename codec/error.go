package codec

import (
	"fmt"

	"github.com/gobwas/ws"
)

// Error says why a connection has to be failed (RFC 6455 section 7.1.7): the close code to send, and a reason a
// person understands, never longer than a close frame can carry. It is what this side found, not what a peer said.
// Values are shared and must not be changed.
type Error struct {
	Code   ws.StatusCode
	Reason string
}

// Error returns the reason, named as the codec's.
func (e *Error) Error() string { return "codec: " + e.Reason }

func protocolError(reason string) *Error { return &Error{ws.StatusProtocolError, reason} }
func invalidData(reason string) *Error   { return &Error{ws.StatusInvalidFramePayloadData, reason} }

// What a decoder can find, prepared once so that a hostile peer costs no allocation.
var (
	errReservedOpcode   = protocolError("the frame's opcode is reserved")
	errReservedBits     = protocolError("a reserved bit is set that no extension gave a meaning")
	errCompressedPart   = protocolError("RSV1 is set on a frame that does not begin a message")
	errUnmasked         = protocolError("frames from a client must be masked")
	errControlFragment  = protocolError("control frames must not be fragmented")
	errControlLength    = protocolError("a control frame's payload is longer than 125 bytes")
	errLengthNotMinimal = protocolError("the payload length is not encoded in the fewest bytes")
	errLengthSign       = protocolError("the highest bit of a 64-bit payload length is set")
	errNoMessage        = protocolError("a continuation frame arrived with no message begun")
	errMessageBegun     = protocolError("a new message began before the one before it ended")
	errUTF8             = invalidData("a text message is not valid UTF-8")
	errInflate          = invalidData("a compressed message is not valid DEFLATE data")
	errCloseLength      = protocolError("a close frame's payload is one byte long")
	errCloseCode        = protocolError("the close code must not be used on the wire")
	errCloseReason      = invalidData("the close reason is not valid UTF-8")
	errFinalBlocks      = &Error{ws.StatusPolicyViolation, "a compressed message has too many final DEFLATE blocks"}
)

func errTooBig(limit int) *Error {
	return &Error{ws.StatusMessageTooBig, fmt.Sprintf("the message is larger than the limit of %d bytes", limit)}
}

func errTooManyFragments(limit int) *Error {
	return &Error{ws.StatusPolicyViolation, fmt.Sprintf("the message has more than %d fragments", limit)}
}

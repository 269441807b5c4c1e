package gateway

// errorCode is a word of the closed table of what a client can be refused for. The codes of malformed JSON, names and
// nicknames are in the table `refusals`; these are the protocol's own.
type errorCode uint8

const (
	codeBadOp errorCode = iota
	codeBadID
	codeBadField
	codeBadKey
	codeNotJoined
	codeAlreadyJoined
	codeNicknameTaken
	codeTooManyRooms
	codeNodeFull
	codeBadOffset
	codeRateLimited
	codeDraining
	codeUnavailable
	errorCodes
)

var errorTable = [errorCodes]struct{ code, reason string }{
	codeBadOp:         {"bad_op", "op is one of join, leave, say, who, history, ping"},
	codeBadID:         {"bad_id", "id is an integer or a string of at most 64 bytes"},
	codeBadField:      {"bad_field", "a field is missing or has the wrong type"},
	codeBadKey:        {"bad_key", "key is a string of 1 to 64 bytes"},
	codeNotJoined:     {"not_joined", "join the room first"},
	codeNicknameTaken: {"nickname_taken", "somebody in the room goes by that nickname"},
	codeAlreadyJoined: {"already_joined", "this connection is in the room"},
	codeTooManyRooms:  {"too_many_rooms", "this connection is in as many rooms as it may (rooms-per-conn)"},
	codeNodeFull:      {"node_full", "this node holds as many rooms as it may (max-rooms)"},
	codeBadOffset:     {"bad_offset", "the offset is not one that the room has given out"},
	codeRateLimited:   {"rate_limited", "too many messages: the limit is per connection and second (rate)"},
	codeDraining:      {"draining", "the server is going away: connect again"},
	codeUnavailable:   {"unavailable", "the message could not be stored: say it again"},
}

// refuse answers with an error of the table.
func (s *session) refuse(id []byte, code errorCode, retryAfterMillis int64) {
	e := &errorTable[code]
	s.sendError(id, e.code, e.reason, retryAfterMillis)
}

// sendError answers in the session's dialect. The state of the session is as before.
func (s *session) sendError(id []byte, code, reason string, retryAfterMillis int64) {
	l := s.lane
	if s.v1 {
		l.out = appendError(l.out[:0], id, code, reason, retryAfterMillis)
	} else {
		l.out = appendPlainError(l.out[:0], code, reason)
	}
	_ = s.c.Send(opText, l.out)
}

package gateway

import (
	"strconv"
	"time"

	"rookery/codec"
	"rookery/server/hub"
)

// What the server says besides publications, as JSON appended to a buffer.

const timeLayout = "2006-01-02T15:04:05.000Z"

func appendMember(dst []byte, name, value string) []byte {
	if len(dst) > 0 {
		dst = append(dst, ',')
	}
	dst = append(append(append(dst, '"'), name...), `":`...)
	return appendJSONString(dst, value)
}

// begin starts an event, with the id of the command it answers.
func begin(dst []byte, ev string, id []byte) []byte {
	dst = append(append(append(dst, `{"ev":"`...), ev...), '"')
	if len(id) > 0 {
		dst = append(append(dst, `,"id":`...), id...)
	}
	return dst
}

func beginRoom(dst []byte, ev string, id []byte, room string) []byte {
	dst = append(begin(dst, ev, id), `,"room":`...)
	return appendJSONString(dst, room)
}

func appendInt(dst []byte, name string, v int64) []byte {
	dst = append(append(append(dst, `,"`...), name...), `":`...)
	return strconv.AppendInt(dst, v, 10)
}

func appendBool(dst []byte, name string, v bool) []byte {
	dst = append(append(append(dst, `,"`...), name...), `":`...)
	return strconv.AppendBool(dst, v)
}

func appendNames(dst []byte, field string, names []string) []byte {
	dst = append(append(append(dst, `,"`...), field...), `":[`...)
	for i, n := range names {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = appendJSONString(dst, n)
	}
	return append(dst, ']')
}

func (g *Gateway) welcomeTail() []byte {
	b := append([]byte(`,"node":`), appendJSONString(nil, g.cfg.Node)...)
	b = append(append(b, `,"version":`...), appendJSONString(nil, g.cfg.Version)...)
	b = appendInt(b, "ping_seconds", int64(max(g.cfg.Server.PingInterval/time.Second, 1)))
	return append(b, '}')
}

func (s *session) sendWelcome() {
	l := s.lane
	b := append(begin(l.out[:0], "welcome", nil), `,"conn":`...)
	b = appendJSONString(b, s.c.ID())
	l.out = append(b, l.g.welcome...)
	_ = s.c.Send(opText, l.out)
}

func appendError(dst, id []byte, code, reason string, retryAfterMillis int64) []byte {
	dst = append(begin(dst, "error", id), `,"code":"`...)
	dst = append(append(dst, code...), `","reason":`...)
	dst = appendJSONString(dst, reason)
	if retryAfterMillis > 0 {
		dst = appendInt(dst, "retry_after_ms", retryAfterMillis)
	}
	return append(dst, '}')
}

// appendPlainError words an error so that a tutorial's page shows it as a line of chat.
func appendPlainError(dst []byte, code, reason string) []byte {
	dst = append(dst, `{"status":2,"nickname":"rookery","time":"`...)
	dst = time.Now().AppendFormat(dst, "01-02 15:04:05")
	dst = append(dst, `","message":`...)
	dst = appendJSONString(dst, reason)
	dst = append(append(append(dst, `,"error":{"code":"`...), code...), `","reason":`...)
	dst = appendJSONString(dst, reason)
	return append(dst, `}}`...)
}

func appendGap(dst []byte, room string, from, to uint64) []byte {
	dst = beginRoom(dst, "gap", nil, room)
	return append(appendInt(appendInt(dst, "from", int64(from)), "to", int64(to)), '}')
}

func appendBye(dst []byte, retryAfter time.Duration) []byte {
	dst = append(begin(dst, "bye", nil), `,"reason":"draining"`...)
	return append(appendInt(dst, "retry_after_ms", retryAfter.Milliseconds()), '}')
}

var pingFrame = codec.AppendFrame(nil, opText, []byte(`{"ev":"ping"}`))

func presenceFrame(r *hub.Room, p hub.Presence) []byte {
	b := beginRoom(nil, "presence", nil, r.Name())
	b = appendInt(b, "online", p.Online)
	b = appendNames(appendNames(b, "joined", p.Joined), "left", p.Left)
	b = append(appendInt(b, "more", int64(p.More)), '}')
	return codec.AppendFrame(nil, opText, b)
}

func redactedFrame(r *hub.Room, offset uint64) []byte {
	b := append(appendInt(beginRoom(nil, "redacted", nil, r.Name()), "offset", int64(offset)), '}')
	return codec.AppendFrame(nil, opText, b)
}

func purgedFrame(r *hub.Room, to uint64) []byte {
	b := append(appendInt(beginRoom(nil, "purged", nil, r.Name()), "to", int64(to)), '}')
	return codec.AppendFrame(nil, opText, b)
}

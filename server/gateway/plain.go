package gateway

import (
	"strings"
	"time"

	"rookery/server/hub"
)

// The plain dialect: what comes up is validated, freed of the server's own names and spliced into the log.

// maxGoodbye is the size up to which an object is kept for the leave event; of a larger one only the nickname is.
const maxGoodbye = 1024

// chat takes one object of the plain dialect.
func (s *session) chat(src []byte) {
	if s.overLimit(nil) {
		return
	}
	l := s.lane
	out, obj, err := spliceChat(l.out[:0], l.nick, src)
	l.out = out
	if err != nil {
		s.sendError(nil, err.Code, err.Reason, 0)
		return
	}
	if l.g.draining.Load() {
		s.refuse(nil, codeDraining, 0)
		return
	}
	m := &s.first
	if m.Room() == nil {
		return
	}
	if len(obj.Nickname) > 0 && m.Nickname == "" {
		m.Rename(strings.Clone(string(obj.Nickname)))
	} else if obj.NicknameRaw == nil && m.Nickname != "" {
		l.out = appendMember(l.out, "nickname", m.Nickname)
	}
	s.keepLast(l.out, m.Nickname)
	l.g.hub.Publish(hub.Publication{Room: m.Room(), Status: statusChat, Members: l.out, Now: time.Now().Unix()}, nil)
}

// Status of an object in the log.
const (
	statusLeave = 0
	statusChat  = 1
	statusError = 2 // never in the log
)

func (s *session) keepLast(members []byte, nickname string) {
	if s.last == nil {
		s.last = new([]byte)
	}
	if len(members) > maxGoodbye {
		*s.last = appendMember((*s.last)[:0], "nickname", nickname)
		return
	}
	*s.last = append((*s.last)[:0], members...)
}

// sayGoodbye publishes the last object once more, as a leave. In a large room nobody could read them.
func (s *session) sayGoodbye(now int64) {
	g := s.lane.g
	room := s.first.Room()
	if room == nil || room.Online() > int64(g.cfg.LeaveEvents) || g.draining.Load() {
		return
	}
	g.hub.Publish(hub.Publication{Room: room, Status: statusLeave, Members: *s.last, Now: now}, nil)
}

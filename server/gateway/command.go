package gateway

import (
	"slices"
	"strconv"
	"time"

	"rookery/server/hub"
)

// The rookery.v1 dialect: each message up is one command.

// command is one command's fields, raw JSON that aliases the message; nil where absent.
type command struct {
	op, room, nickname, after, history, id, message, key, before, limit, from []byte
}

// read picks the fields out of o. Of duplicate names the last counts; unknown ones are ignored.
func (cmd *command) read(o *jsonObject) {
	for name, value, ok := o.next(); ok; name, value, ok = o.next() {
		switch {
		case nameIs(name, "op"):
			cmd.op = value
		case nameIs(name, "room"):
			cmd.room = value
		case nameIs(name, "nickname"):
			cmd.nickname = value
		case nameIs(name, "after"):
			cmd.after = value
		case nameIs(name, "history"):
			cmd.history = value
		case nameIs(name, "id"):
			cmd.id = value
		case nameIs(name, "message"):
			cmd.message = value
		case nameIs(name, "key"):
			cmd.key = value
		case nameIs(name, "before"):
			cmd.before = value
		case nameIs(name, "limit"):
			cmd.limit = value
		case nameIs(name, "from"):
			cmd.from = value
		}
	}
}

const maxID = 64

func validID(id []byte) bool {
	if id == nil {
		return true
	}
	_, integer := jsonInt(id)
	return integer || id[0] == '"' && len(id) <= maxID+2
}

// command takes one message of the dialect.
func (s *session) command(src []byte) {
	o, jerr := scanObject(src)
	if jerr != nil {
		s.sendError(nil, jerr.Code, jerr.Reason, 0)
		return
	}
	var cmd command
	cmd.read(&o)
	if !validID(cmd.id) {
		s.refuse(nil, codeBadID, 0)
		return
	}
	if s.overLimit(cmd.id) {
		return
	}
	op, _ := jsonString(nil, orEmpty(cmd.op))
	switch string(op) {
	case "ping":
		s.answer(append(begin(s.lane.out[:0], "pong", cmd.id), '}'))
		return
	case "join", "leave", "say", "who", "history":
	default:
		s.refuse(cmd.id, codeBadOp, 0)
		return
	}
	room, ok := jsonString(nil, orEmpty(cmd.room))
	if !ok {
		s.badField(cmd.id, "room is a string")
		return
	}
	if jerr := checkRoomName(room); jerr != nil {
		s.sendError(cmd.id, jerr.Code, jerr.Reason, 0)
		return
	}
	m := s.member(room)
	switch {
	case string(op) == "join":
		s.join(&cmd, string(room), m)
	case m == nil:
		s.refuse(cmd.id, codeNotJoined, 0)
	case string(op) == "leave":
		s.leave(&cmd, m)
	case string(op) == "say":
		s.say(&cmd, m)
	case string(op) == "who":
		s.who(&cmd, m)
	default:
		s.history(&cmd, m)
	}
}

// orEmpty keeps jsonString from being asked about an absent value.
func orEmpty(raw []byte) []byte {
	if raw == nil {
		return []byte("null")
	}
	return raw
}

// answer sends one event and keeps its buffer.
func (s *session) answer(payload []byte) {
	s.lane.out = payload
	_ = s.c.Send(opText, payload)
}

func (s *session) badField(id []byte, reason string) {
	s.sendError(id, errorTable[codeBadField].code, reason, 0)
}

// intField reads an integer from least to most, absent if it is not there.
func (s *session) intField(cmd *command, raw []byte, name string, absent, least, most int64) (int64, bool) {
	if raw == nil {
		return absent, true
	}
	v, ok := jsonInt(raw)
	if !ok || v < least || v > most {
		s.badField(cmd.id, name+" is an integer from "+strconv.FormatInt(least, 10)+" to "+strconv.FormatInt(most, 10))
		return 0, false
	}
	return v, true
}

func (s *session) leave(cmd *command, m *hub.Member) {
	room := m.Room().Name()
	m.Leave(time.Now().Unix())
	if others := s.others(); m != &s.first {
		*s.more = slices.DeleteFunc(others, func(other *hub.Member) bool { return other == m })
	}
	s.answer(append(beginRoom(s.lane.out[:0], "left", cmd.id, room), '}'))
}

func (s *session) say(cmd *command, m *hub.Member) {
	if cmd.message == nil {
		s.badField(cmd.id, "message is missing")
		return
	}
	var key []byte
	if cmd.key != nil {
		var ok bool
		if key, ok = jsonString(nil, cmd.key); !ok || len(key) == 0 || len(key) > 64 {
			s.refuse(cmd.id, codeBadKey, 0)
			return
		}
	}
	l := s.lane
	if l.g.draining.Load() {
		s.refuse(cmd.id, codeDraining, l.g.cfg.Drain.Milliseconds())
		return
	}
	now := time.Now()
	b := l.out[:0]
	if m.Nickname != "" {
		b = appendMember(b, "nickname", m.Nickname)
		b = append(b, ',')
	}
	b = append(b, `"time":"`...)
	b = now.UTC().AppendFormat(b, timeLayout)
	b = append(b, `","message":`...)
	b = appendCompact(b, cmd.message)
	l.out = b
	p := hub.Publication{Room: m.Room(), Status: statusChat, Members: b, Key: string(key), Now: now.Unix()}
	ack := &sayAck{s: s, room: m.Room(), id: string(cmd.id)}
	if res, done := l.g.hub.Publish(p, ack); done {
		ack.send(res)
	}
}

// sayAck answers a say when the broker has taken it.
type sayAck struct {
	s    *session
	room *hub.Room
	id   string
}

// Published implements hub.Acker: it comes from another goroutine.
func (a *sayAck) Published(res hub.Result, err error) {
	a.s.c.Loop().Post(func() {
		if err != nil {
			a.s.refuse([]byte(a.id), codeUnavailable, 1000)
			return
		}
		a.send(res)
	})
}

func (a *sayAck) send(res hub.Result) {
	b := beginRoom(a.s.lane.out[:0], "ack", []byte(a.id), a.room.Name())
	b = appendInt(b, "offset", int64(res.Offset))
	a.s.answer(append(appendBool(b, "repeat", res.Repeat), '}'))
}

func (s *session) history(cmd *command, m *hub.Member) {
	room := m.Room()
	before, ok := s.intField(cmd, cmd.before, "before", int64(room.Head())+1, 1, 1<<53)
	if !ok {
		return
	}
	limit, ok := s.intField(cmd, cmd.limit, "limit", 50, 1, 200)
	if !ok {
		return
	}
	b := append(beginRoom(s.lane.out[:0], "history", cmd.id, room.Name()), `,"messages":`...)
	b = room.AppendBefore(b, uint64(before), int(limit), maxHistoryBytes)
	s.answer(append(b, '}'))
}

// maxHistoryBytes bounds one history answer, but for its last message.
const maxHistoryBytes = 64 << 10

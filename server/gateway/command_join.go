package gateway

import (
	"errors"
	"strings"
	"time"

	"rookery/server/hub"
)

// join enters a room; m is the session's place in it if it has one.
func (s *session) join(cmd *command, name string, m *hub.Member) {
	g := s.lane.g
	if m != nil {
		s.refuse(cmd.id, codeAlreadyJoined, 0)
		return
	}
	j := hub.Join{Writer: s.c, Events: s, Deflated: s.c.Compressed(), Notices: true, Unique: true}
	if !s.readJoin(cmd, &j) {
		return
	}
	inRooms := len(s.others())
	if s.first.Room() != nil {
		inRooms++
	}
	if inRooms >= g.cfg.RoomsPerConn {
		s.refuse(cmd.id, codeTooManyRooms, 0)
		return
	}
	room, err := g.hub.Room(name, time.Now().Unix())
	if err != nil {
		s.refuse(cmd.id, codeNodeFull, 10_000)
		return
	}
	defer room.Release()
	m = &s.first
	if m.Used() {
		m = new(hub.Member)
	}
	res, err := s.lane.sweeper.Join(room, m, j)
	switch {
	case errors.Is(err, hub.ErrNicknameTaken):
		s.refuse(cmd.id, codeNicknameTaken, 0)
		return
	case err != nil:
		s.refuse(cmd.id, codeBadOffset, 0)
		return
	}
	if m != &s.first {
		if s.more == nil {
			s.more = new(rooms)
		}
		*s.more = append(*s.more, m)
	}
	s.sendJoined(cmd.id, room, res)
}

// readJoin reads a join's fields, or answers with an error.
func (s *session) readJoin(cmd *command, j *hub.Join) bool {
	if cmd.nickname != nil {
		nick, why := readNickname(s.lane.nick, cmd.nickname)
		if why != accepted {
			e := why.at(0)
			s.sendError(cmd.id, e.Code, e.Reason, 0)
			return false
		}
		j.Nickname = strings.Clone(string(nick))
	}
	if cmd.after != nil && cmd.history != nil {
		s.badField(cmd.id, "after and history exclude each other")
		return false
	}
	history, ok := s.intField(cmd, cmd.history, "history", 0, 0, 1<<31)
	if !ok {
		return false
	}
	j.History = int(history)
	return cmd.after == nil || s.readAfter(cmd, j)
}

func (s *session) readAfter(cmd *command, j *hub.Join) bool {
	after, jerr := scanObject(cmd.after)
	if jerr != nil {
		s.badField(cmd.id, "after is an object with epoch and offset")
		return false
	}
	offset := int64(-1)
	for name, value, ok := after.next(); ok; name, value, ok = after.next() {
		switch {
		case nameIs(name, "epoch"):
			if epoch, ok := jsonString(nil, value); ok && len(epoch) <= 64 {
				j.Epoch = string(epoch)
			}
		case nameIs(name, "offset"):
			v, ok := jsonInt(value)
			if !ok || v < 0 {
				s.refuse(cmd.id, codeBadOffset, 0)
				return false
			}
			offset = v
		}
	}
	if j.Epoch == "" || offset < 0 {
		s.badField(cmd.id, "after is an object with epoch and offset")
		return false
	}
	j.Offset = uint64(offset)
	return true
}

func (s *session) sendJoined(id []byte, room *hub.Room, res hub.Joined) {
	b := append(beginRoom(s.lane.out[:0], "joined", id, room.Name()), `,"epoch":`...)
	b = appendJSONString(b, res.Epoch)
	b = appendInt(b, "offset", int64(res.Offset))
	b = appendInt(b, "online", res.Online)
	s.answer(append(appendBool(b, "recovered", res.Recovered), '}'))
	if res.GapTo > 0 {
		s.answer(appendGap(s.lane.out[:0], room.Name(), res.GapFrom, res.GapTo))
	}
	for _, frame := range res.Withdrawn {
		_ = s.c.SendFrame(frame)
	}
}

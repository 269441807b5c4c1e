package gateway

import "rookery/server/hub"

// maxNames bounds the nicknames in one who answer.
const maxNames = 100

// whoQuery walks the loops for the nicknames of a room: each loop owns its members, so the query is posted from one to the
// next and comes home with what it found.
type whoQuery struct {
	s      *session
	room   *hub.Room
	id     string
	from   int // named members still to be passed over
	names  []string
	passed int
	limit  int
	next   int // loop to ask
}

func (s *session) who(cmd *command, m *hub.Member) {
	from, ok := s.intField(cmd, cmd.from, "from", 0, 0, 1<<31)
	if !ok {
		return
	}
	limit, ok := s.intField(cmd, cmd.limit, "limit", maxNames, 1, maxNames)
	if !ok {
		return
	}
	q := &whoQuery{s: s, room: m.Room(), id: string(cmd.id), from: int(from), limit: int(limit)}
	if len(s.lane.g.lanes) == 1 {
		q.collect(s.lane)
		q.answer()
		return
	}
	q.ask()
}

// ask posts the query to the next loop, or home.
func (q *whoQuery) ask() {
	g := q.s.lane.g
	if q.next == len(g.lanes) || len(q.names) == q.limit {
		q.s.c.Loop().Post(q.answer)
		return
	}
	l := g.lanes[q.next]
	q.next++
	g.srv.Loops()[l.index].Post(func() {
		q.collect(l)
		q.ask()
	})
}

func (q *whoQuery) collect(l *lane) {
	var passed int
	q.names, passed = l.sweeper.Names(q.names, q.room, q.from, q.limit)
	q.from -= passed
	q.passed += passed
}

func (q *whoQuery) answer() {
	online := q.room.Online()
	b := beginRoom(q.s.lane.out[:0], "who", []byte(q.id), q.room.Name())
	b = appendNames(appendInt(b, "online", online), "members", q.names)
	q.s.answer(append(appendInt(b, "more", max(online-int64(q.passed+len(q.names)), 0)), '}'))
}

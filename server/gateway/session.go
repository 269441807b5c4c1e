package gateway

import (
	"net/http"
	"time"

	"github.com/gobwas/ws"

	"rookery/codec"
	"rookery/server"
	"rookery/server/hub"
)

const opText = ws.OpText

// session is a connection that chats. There is one per connection: its size is asserted by a test.
type session struct {
	lane  *lane
	c     *server.Conn
	first hub.Member // most connections are in one room
	more  *rooms     // the others, nil if there are none
	last  *[]byte    // plain dialect: the members of the last object said, for the leave event; nil if none was
	rate  bucket
	v1    bool
}

type rooms []*hub.Member

// others are the rooms besides the first.
func (s *session) others() rooms {
	if s.more == nil {
		return nil
	}
	return *s.more
}

// opening is what the upgrade request asked for. The lane keeps it from OnUpgrade to OnOpen, which follows at once.
type opening struct{ room, nickname string }

const defaultRoom = "lobby"

func (g *Gateway) onUpgrade(c *server.Conn, r *codec.Request) *codec.HTTPError {
	if p := string(r.Path); p != "/" && p != "/ws" {
		return &codec.HTTPError{Status: http.StatusNotFound, Reason: "WebSockets are at / and /ws"}
	}
	o := opening{room: defaultRoom}
	if v, ok := r.QueryValue("room"); ok {
		o.room = v
	}
	if v, ok := r.QueryValue("nickname"); ok {
		o.nickname = v
	}
	if err := checkRoomName([]byte(o.room)); err != nil {
		return &codec.HTTPError{Status: http.StatusBadRequest, Reason: err.Code + ": " + err.Reason}
	}
	if o.nickname != "" {
		if err := checkNickname([]byte(o.nickname)); err != nil {
			return &codec.HTTPError{Status: http.StatusBadRequest, Reason: err.Code + ": " + err.Reason}
		}
	}
	g.lanes[c.Loop().Index()].opening = o
	return nil
}

func (g *Gateway) onOpen(c *server.Conn) {
	l := g.lanes[c.Loop().Index()]
	o := l.opening
	l.opening = opening{}
	s := &session{lane: l, c: c, v1: c.Subprotocol() == Subprotocol}
	c.SetSession(s)
	if s.v1 {
		s.sendWelcome()
		return
	}
	room, err := g.hub.Room(o.room, time.Now().Unix())
	if err != nil {
		c.End(server.CauseOverCapacity, "this node holds as many rooms as it may (max-rooms)")
		return
	}
	defer room.Release()
	_, _ = s.lane.sweeper.Join(room, &s.first, hub.Join{
		Nickname: o.nickname, Writer: c, Events: s, Deflated: c.Compressed(),
	})
}

func (g *Gateway) onKeepalive(c *server.Conn) {
	if s := c.Session().(*session); s.v1 && c.Buffered() == 0 {
		_ = c.SendFrame(pingFrame)
	}
}

func (g *Gateway) onClose(c *server.Conn, _ *server.CloseError) {
	s, ok := c.Session().(*session)
	if !ok {
		return
	}
	now := time.Now().Unix()
	if s.last != nil {
		s.sayGoodbye(now)
	}
	s.first.Leave(now)
	for _, m := range s.others() {
		m.Leave(now)
	}
	s.more = nil
}

// member finds the session's place in a room.
func (s *session) member(room []byte) *hub.Member {
	if r := s.first.Room(); r != nil && r.Name() == string(room) {
		return &s.first
	}
	for _, m := range s.others() {
		if m.Room().Name() == string(room) {
			return m
		}
	}
	return nil
}

// Gap implements hub.Events. The plain dialect has no word for it and skips.
func (s *session) Gap(m *hub.Member, from, to uint64) {
	if s.v1 {
		l := s.lane
		l.out = appendGap(l.out[:0], m.Room().Name(), from, to)
		_ = s.c.Send(opText, l.out)
	}
}

// Slow implements hub.Events.
func (s *session) Slow(*hub.Member) {
	s.c.End(server.CauseSlowConsumer, "the room's log has moved on (slow=close)")
}

// bucket is a token bucket.
type bucket struct {
	at     uint32 // milliseconds, when tokens was right
	tokens float32
}

// take reports whether a message may pass, and if not, after how many milliseconds one may.
func (b *bucket) take(rate float64, nowMillis uint32) (ok bool, wait int64) {
	if rate <= 0 {
		return true, 0
	}
	burst := max(2*rate, 1)
	if b.at == 0 {
		b.tokens = float32(burst)
	} else {
		b.tokens = float32(min(burst, float64(b.tokens)+rate*float64(nowMillis-b.at)/1000))
	}
	b.at = nowMillis
	if b.tokens >= 1 {
		b.tokens--
		return true, 0
	}
	return false, int64((1-float64(b.tokens))/rate*1000) + 1
}

// overLimit counts a message against the session's rate. One over it is answered with an error and dropped.
func (s *session) overLimit(id []byte) bool {
	ok, wait := s.rate.take(s.lane.g.cfg.Rate, uint32(time.Now().UnixMilli())|1)
	if !ok {
		s.refuse(id, codeRateLimited, wait)
	}
	return !ok
}

package gateway

import (
	"encoding/json"
	"net/http"
	"slices"
	"sort"
	"strings"
	"sync"

	"github.com/gobwas/ws"

	"rookery/server"
	"rookery/server/hub"
)

// What the API asks of the loops: sessions belong to them, so a question is posted to each and the worker waits.

// onLoops runs fn on every loop, at the same time, and waits for all.
func (g *Gateway) onLoops(fn func(l *lane, loop *server.Loop)) {
	var wait sync.WaitGroup
	for i, loop := range g.srv.Loops() {
		wait.Add(1)
		loop.Post(func() {
			defer wait.Done()
			fn(g.lanes[i], loop)
		})
	}
	wait.Wait()
}

// memberState is what the API says of a member.
type memberState struct {
	Conn     string `json:"conn"`
	Nickname string `json:"nickname,omitempty"`
	Lag      uint64 `json:"lag"`      // publications not written to it yet
	Buffered int    `json:"buffered"` // bytes that wait for its socket
}

// apiMembers lists a room's members, the slowest first.
func (g *Gateway) apiMembers(w http.ResponseWriter, r *http.Request) {
	limit, ok := queryInt(w, r, "limit", 100, 10_000)
	if !ok {
		return
	}
	room := g.room(w, r)
	if room == nil {
		return
	}
	defer room.Release()
	found := make([][]memberState, len(g.lanes))
	g.onLoops(func(l *lane, _ *server.Loop) {
		l.sweeper.Lags(room, func(m *hub.Member, lag uint64) {
			s := m.Events().(*session)
			found[l.index] = append(found[l.index], memberState{s.c.ID(), m.Nickname, lag, s.c.Buffered()})
		})
	})
	members := slices.Concat([]memberState{}, slices.Concat(found...))
	sort.SliceStable(members, func(i, j int) bool { return members[i].Lag > members[j].Lag })
	members = members[:min(int(limit), len(members))]
	writeJSON(w, http.StatusOK, map[string]any{"room": room.Name(), "online": room.Online(), "members": members})
}

// closeKicked is the close code of a connection that the API disconnects.
const closeKicked ws.StatusCode = 4003

func (g *Gateway) apiDisconnect(w http.ResponseWriter, r *http.Request) {
	var who struct{ Nickname, Conn, Reason string }
	if err := json.NewDecoder(r.Body).Decode(&who); err != nil {
		apiError(w, http.StatusBadRequest, "bad_json", "the body is an object with nickname or conn, and reason")
		return
	}
	if (who.Nickname == "") == (who.Conn == "") {
		apiError(w, http.StatusBadRequest, errorTable[codeBadField].code, "name one of nickname and conn")
		return
	}
	if who.Reason == "" {
		who.Reason = "disconnected by an operator"
	}
	closed := make([]int, len(g.lanes))
	g.onLoops(func(l *lane, loop *server.Loop) {
		loop.Conns(func(c *server.Conn) bool {
			s, ok := c.Session().(*session)
			if ok && (who.Conn != "" && c.ID() == who.Conn || who.Nickname != "" && s.hasNickname(who.Nickname)) {
				c.Close(closeKicked, strings.ToValidUTF8(who.Reason, "\ufffd"))
				closed[l.index]++
			}
			return true
		})
	})
	total := 0
	for _, n := range closed {
		total += n
	}
	writeJSON(w, http.StatusOK, map[string]any{"disconnected": total})
}

func (s *session) hasNickname(name string) bool {
	if s.first.Room() != nil && s.first.Nickname == name {
		return true
	}
	for _, m := range s.others() {
		if m.Nickname == name {
			return true
		}
	}
	return false
}

package gateway

import (
	"crypto/sha256"
	"crypto/subtle"
	"encoding/json"
	"io"
	"net/http"
	"strconv"
	"time"

	"rookery/server/hub"
)

type hubStats = hub.Stats

// api is the HTTP API. Every path needs the key; without one configured it is off.
func (g *Gateway) api() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /api/rooms", g.apiRooms)
	mux.HandleFunc("GET /api/rooms/{room}", g.apiRoom)
	mux.HandleFunc("GET /api/rooms/{room}/messages", g.apiMessages)
	mux.HandleFunc("GET /api/rooms/{room}/members", g.apiMembers)
	mux.HandleFunc("POST /api/rooms/{room}/messages", g.apiPublish)
	mux.HandleFunc("DELETE /api/rooms/{room}/messages", g.apiPurge)
	mux.HandleFunc("DELETE /api/rooms/{room}/messages/{offset}", g.apiRedact)
	mux.HandleFunc("POST /api/disconnect", g.apiDisconnect)
	mux.HandleFunc("/api/", func(w http.ResponseWriter, r *http.Request) {
		apiError(w, http.StatusNotFound, "no_such_path", "the API has no "+r.Method+" "+r.URL.Path)
	})
	want := sha256.Sum256([]byte("Bearer " + g.cfg.APIKey))
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if g.cfg.APIKey == "" {
			apiError(w, http.StatusNotFound, "api_off", "the API is off until a key is set (api-key-file)")
			return
		}
		got := sha256.Sum256([]byte(r.Header.Get("Authorization")))
		if subtle.ConstantTimeCompare(got[:], want[:]) != 1 {
			w.Header().Set("WWW-Authenticate", "Bearer")
			apiError(w, http.StatusUnauthorized, "not_authorised", "Authorization: Bearer KEY is missing or wrong")
			return
		}
		mux.ServeHTTP(w, r)
	})
}

// roomState is what the API says of a room.
type roomState struct {
	Room   string `json:"room"`
	Online int64  `json:"online"`
	Offset uint64 `json:"offset"`
	Epoch  string `json:"epoch"`
}

func stateOf(r *hub.Room) roomState {
	return roomState{Room: r.Name(), Online: r.Online(), Offset: r.Head(), Epoch: r.Epoch()}
}

func (g *Gateway) apiRooms(w http.ResponseWriter, r *http.Request) {
	limit, ok := queryInt(w, r, "limit", 100, 10_000)
	if !ok {
		return
	}
	rooms := []roomState{}
	for _, room := range g.hub.Busiest(int(limit)) {
		rooms = append(rooms, stateOf(room))
	}
	writeJSON(w, http.StatusOK, map[string]any{"rooms": rooms})
}

// room finds the room of the path and holds it, or answers 404.
func (g *Gateway) room(w http.ResponseWriter, r *http.Request) *hub.Room {
	room := g.hub.Find(r.PathValue("room"))
	if room == nil {
		apiError(w, http.StatusNotFound, "no_such_room", "nobody is in the room and nothing is kept of it")
	}
	return room
}

func (g *Gateway) apiRoom(w http.ResponseWriter, r *http.Request) {
	if room := g.room(w, r); room != nil {
		defer room.Release()
		writeJSON(w, http.StatusOK, stateOf(room))
	}
}

func (g *Gateway) apiMessages(w http.ResponseWriter, r *http.Request) {
	after, ok := queryInt(w, r, "after", 0, 1<<53)
	if !ok {
		return
	}
	limit, ok := queryInt(w, r, "limit", 100, 1000)
	if !ok {
		return
	}
	room := g.room(w, r)
	if room == nil {
		return
	}
	defer room.Release()
	messages := room.AppendAfter(nil, uint64(after), int(limit), 1<<20)
	writeJSON(w, http.StatusOK, struct {
		roomState
		Messages json.RawMessage `json:"messages"`
	}{stateOf(room), messages})
}

func (g *Gateway) apiPublish(w http.ResponseWriter, r *http.Request) {
	name := r.PathValue("room")
	if err := checkRoomName([]byte(name)); err != nil {
		apiError(w, http.StatusBadRequest, err.Code, err.Reason)
		return
	}
	if g.draining.Load() {
		apiError(w, http.StatusServiceUnavailable, errorTable[codeDraining].code, errorTable[codeDraining].reason)
		return
	}
	body, _ := io.ReadAll(r.Body)
	if limit := g.maxMessage(); len(body) > limit {
		apiError(w, http.StatusRequestEntityTooLarge, "too_large", "a message is at most "+strconv.Itoa(limit)+" bytes (max-message)")
		return
	}
	members, obj, jerr := spliceChat(nil, make([]byte, 0, maxNicknameRaw), body)
	if jerr != nil {
		apiError(w, http.StatusBadRequest, jerr.Code, jerr.Reason)
		return
	}
	if !obj.HasMessage {
		apiError(w, http.StatusBadRequest, errorTable[codeBadField].code, "message is missing")
		return
	}
	now := time.Now()
	if obj.Time == nil {
		members = appendMember(members, "time", now.UTC().Format(timeLayout))
	}
	room, err := g.hub.Room(name, now.Unix())
	if err != nil {
		apiError(w, http.StatusServiceUnavailable, errorTable[codeNodeFull].code, errorTable[codeNodeFull].reason)
		return
	}
	defer room.Release()
	ack := make(apiAck, 1)
	res, done := g.hub.Publish(hub.Publication{Room: room, Status: statusChat, Members: members, Now: now.Unix()}, ack)
	if !done {
		if res, done = ack.wait(); !done {
			apiError(w, http.StatusServiceUnavailable, errorTable[codeUnavailable].code, errorTable[codeUnavailable].reason)
			return
		}
	}
	writeJSON(w, http.StatusAccepted, struct {
		Room   string `json:"room"`
		Offset uint64 `json:"offset"`
		Epoch  string `json:"epoch"`
	}{name, res.Offset, res.Epoch})
}

func (g *Gateway) maxMessage() int {
	if g.cfg.Server.MaxMessage > 0 {
		return g.cfg.Server.MaxMessage
	}
	return 64 << 10
}

// apiAck is how a worker waits for the broker.
type apiAck chan hub.Result

func (a apiAck) Published(res hub.Result, err error) {
	if err == nil {
		a <- res
	}
	close(a)
}

func (a apiAck) wait() (hub.Result, bool) {
	select {
	case res, ok := <-a:
		return res, ok
	case <-time.After(10 * time.Second):
		return hub.Result{}, false
	}
}

func (g *Gateway) apiPurge(w http.ResponseWriter, r *http.Request) {
	if room := g.room(w, r); room != nil {
		defer room.Release()
		writeJSON(w, http.StatusOK, map[string]any{"room": room.Name(), "purged_to": room.Purge()})
	}
}

func (g *Gateway) apiRedact(w http.ResponseWriter, r *http.Request) {
	offset, err := strconv.ParseUint(r.PathValue("offset"), 10, 63)
	if err != nil {
		apiError(w, http.StatusBadRequest, errorTable[codeBadOffset].code, errorTable[codeBadOffset].reason)
		return
	}
	room := g.room(w, r)
	if room == nil {
		return
	}
	defer room.Release()
	if !room.Redact(offset) {
		apiError(w, http.StatusNotFound, "no_such_message", "the room does not have that offset, or has it no longer")
		return
	}
	writeJSON(w, http.StatusOK, map[string]any{"room": room.Name(), "offset": offset})
}

func queryInt(w http.ResponseWriter, r *http.Request, name string, absent, most int64) (int64, bool) {
	raw := r.URL.Query().Get(name)
	if raw == "" {
		return absent, true
	}
	v, err := strconv.ParseInt(raw, 10, 64)
	if err != nil || v < 0 || v > most {
		apiError(w, http.StatusBadRequest, errorTable[codeBadField].code, name+" is an integer from 0 to "+strconv.FormatInt(most, 10))
		return 0, false
	}
	return v, true
}

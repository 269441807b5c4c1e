package gateway

import (
	"encoding/json"
	"net/http"
)

// routes is all of the gateway's HTTP.
func (g *Gateway) routes() http.Handler {
	mux := http.NewServeMux()
	for path, h := range map[string]http.Handler{
		"/healthz": http.HandlerFunc(healthz), "/readyz": http.HandlerFunc(g.readyz), "/metrics": g.metricsHandler(),
	} {
		mux.Handle("GET "+path, h)
		mux.HandleFunc(path, onlyGet) // without it the pages would take the path, and know no such page
	}
	mux.Handle("/api/", g.api())
	if g.cfg.Pages != nil {
		mux.Handle("/", g.cfg.Pages)
	}
	return mux
}

func onlyGet(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Allow", "GET, HEAD")
	http.Error(w, "method not allowed", http.StatusMethodNotAllowed)
}

func healthz(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("ok\n")) }

func (g *Gateway) readyz(w http.ResponseWriter, _ *http.Request) {
	if g.draining.Load() {
		http.Error(w, "draining", http.StatusServiceUnavailable)
		return
	}
	_, _ = w.Write([]byte("ready\n"))
}

func writeJSON(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(v)
}

// apiError answers with the API's error body.
func apiError(w http.ResponseWriter, status int, code, reason string) {
	var body struct {
		Error struct {
			Code   string `json:"code"`
			Reason string `json:"reason"`
		} `json:"error"`
	}
	body.Error.Code, body.Error.Reason = code, reason
	writeJSON(w, status, body)
}

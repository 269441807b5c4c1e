// Package web is the demo page, embedded: a chat page, a dashboard, and the JavaScript client that both of them and
// anybody else can import. Nothing is built and nothing is fetched from elsewhere.
package web

import (
	"bytes"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"io/fs"
	"net/http"
	"path"
	"strings"
	"time"
)

//go:embed static
var static embed.FS

// policy lets a page load only what this package serves. The pages have no inline script or style. connect-src names
// the WebSocket schemes because 'self' does not cover them in every browser.
const policy = "default-src 'self'; connect-src 'self' ws: wss:; object-src 'none'; base-uri 'none'; " +
	"form-action 'none'; frame-ancestors 'none'"

// pages are the addresses that are not file names.
var pages = map[string]string{"/": "index.html", "/dashboard": "dashboard.html"}

// contentTypes are set by name, since the host's own table of types may say otherwise and nosniff forbids a guess.
var contentTypes = map[string]string{
	".html": "text/html; charset=utf-8",
	".css":  "text/css; charset=utf-8",
	".js":   "text/javascript; charset=utf-8",
	".svg":  "image/svg+xml",
}

type file struct {
	name        string
	contentType string
	etag        string
	content     []byte
}

// Handler serves the chat page at /, the dashboard at /dashboard, and their parts under their names; anything else is
// 404. It answers GET and HEAD, and is safe for any number of goroutines.
func Handler() http.Handler {
	files := load()
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		f, ok := files[r.URL.Path]
		if !ok {
			http.NotFound(w, r)
			return
		}
		if r.Method != http.MethodGet && r.Method != http.MethodHead {
			w.Header().Set("Allow", "GET, HEAD")
			http.Error(w, "method not allowed", http.StatusMethodNotAllowed)
			return
		}
		h := w.Header()
		h.Set("Content-Type", f.contentType)
		h.Set("Content-Security-Policy", policy)
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Referrer-Policy", "no-referrer")
		// The names stay while the contents change with the version: keep, but ask each time.
		h.Set("Cache-Control", "no-cache")
		h.Set("ETag", f.etag)
		http.ServeContent(w, r, f.name, time.Time{}, bytes.NewReader(f.content))
	})
}

// load reads what is embedded into a table of paths. What can go wrong in it was settled when the program was built.
func load() map[string]file {
	files := make(map[string]file)
	entries, err := fs.ReadDir(static, "static")
	if err != nil {
		panic(err)
	}
	for _, e := range entries {
		content, err := fs.ReadFile(static, path.Join("static", e.Name()))
		if err != nil {
			panic(err)
		}
		sum := sha256.Sum256(content)
		f := file{
			name:        e.Name(),
			contentType: contentTypes[path.Ext(e.Name())],
			etag:        `"` + hex.EncodeToString(sum[:8]) + `"`,
			content:     content,
		}
		if !strings.HasSuffix(f.name, ".html") {
			files["/"+f.name] = f
		}
		for p, name := range pages {
			if name == f.name {
				files[p] = f
			}
		}
	}
	return files
}

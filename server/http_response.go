package server

import (
	"bytes"
	"fmt"
	"net/http"
	"strconv"
	"time"
)

// maxResponse bounds a response in memory: it is built whole, since a handler must not wait for a slow reader.
const maxResponse = 8 << 20

// responseBuffer is the http.ResponseWriter that handlers get.
type responseBuffer struct {
	header http.Header
	status int
	body   bytes.Buffer
}

func (w *responseBuffer) Header() http.Header { return w.header }

func (w *responseBuffer) WriteHeader(status int) {
	if w.status == 0 {
		w.status = status
	}
}

func (w *responseBuffer) Write(p []byte) (int, error) {
	w.WriteHeader(http.StatusOK)
	if w.body.Len()+len(p) > maxResponse {
		return 0, fmt.Errorf("server: response is larger than %d bytes", maxResponse)
	}
	return w.body.Write(p)
}

func (w *responseBuffer) bytes(r *http.Request, keepAlive bool) []byte {
	w.WriteHeader(http.StatusOK)
	bodyless := w.status < 200 || w.status == http.StatusNoContent || w.status == http.StatusNotModified
	if !bodyless && w.header.Get("Content-Type") == "" && w.body.Len() > 0 {
		w.header.Set("Content-Type", http.DetectContentType(w.body.Bytes()))
	}
	if !bodyless && (r.Method != http.MethodHead || w.header.Get("Content-Length") == "") {
		w.header.Set("Content-Length", strconv.Itoa(w.body.Len()))
	}
	if w.header.Get("Date") == "" {
		w.header.Set("Date", time.Now().UTC().Format(http.TimeFormat))
	}
	if !keepAlive {
		w.header.Set("Connection", "close")
	}
	var out bytes.Buffer
	fmt.Fprintf(&out, "HTTP/1.1 %d %s\r\n", w.status, http.StatusText(w.status))
	_ = w.header.Write(&out)
	out.WriteString("\r\n")
	if r.Method != http.MethodHead && !bodyless {
		out.Write(w.body.Bytes())
	}
	return out.Bytes()
}

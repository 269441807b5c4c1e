package web

import (
	"io/fs"
	"net/http"
	"net/http/httptest"
	"path"
	"regexp"
	"strings"
	"testing"
)

func get(t *testing.T, method, target string, header http.Header) *http.Response {
	t.Helper()
	req := httptest.NewRequest(method, target, nil)
	for k, v := range header {
		req.Header[k] = v
	}
	rec := httptest.NewRecorder()
	Handler().ServeHTTP(rec, req)
	return rec.Result()
}

func body(t *testing.T, res *http.Response) string {
	t.Helper()
	var b strings.Builder
	if err := res.Write(&b); err != nil {
		t.Fatal(err)
	}
	_, after, _ := strings.Cut(b.String(), "\r\n\r\n")
	return after
}

func TestEveryFileIsServedWithItsType(t *testing.T) {
	want := map[string]string{
		"/":            "text/html; charset=utf-8",
		"/?room=lobby": "text/html; charset=utf-8",
		"/dashboard":   "text/html; charset=utf-8",
	}
	for _, name := range names(t) {
		if ext := path.Ext(name); ext != ".html" {
			want["/"+name] = map[string]string{
				".css": "text/css; charset=utf-8",
				".js":  "text/javascript; charset=utf-8",
				".svg": "image/svg+xml",
			}[ext]
		}
	}
	for target, contentType := range want {
		res := get(t, http.MethodGet, target, nil)
		if res.StatusCode != http.StatusOK {
			t.Errorf("GET %s: got %d, want 200", target, res.StatusCode)
		}
		for header, value := range map[string]string{
			"Content-Type":            contentType,
			"X-Content-Type-Options":  "nosniff",
			"Cache-Control":           "no-cache",
			"Content-Security-Policy": policy,
		} {
			if got := res.Header.Get(header); got != value || value == "" {
				t.Errorf("GET %s: %s: got %q, want %q", target, header, got, value)
			}
		}
	}
}

func TestHeadHasTheHeadersAndNoBody(t *testing.T) {
	full, head := get(t, http.MethodGet, "/rookery.js", nil), get(t, http.MethodHead, "/rookery.js", nil)
	for _, header := range []string{"Content-Type", "Content-Length", "ETag"} {
		if got, want := head.Header.Get(header), full.Header.Get(header); got != want || want == "" {
			t.Errorf("HEAD: %s: got %q, want %q", header, got, want)
		}
	}
	head.Request = httptest.NewRequest(http.MethodHead, "/", nil)
	if got := body(t, head); got != "" {
		t.Errorf("HEAD: got a body of %d bytes", len(got))
	}
}

func TestAKnownETagIsNotSentAgain(t *testing.T) {
	etag := get(t, http.MethodGet, "/chat.js", nil).Header.Get("ETag")
	for _, tt := range []struct {
		etag string
		want int
	}{
		{etag, http.StatusNotModified},
		{"W/" + etag, http.StatusNotModified},
		{`"another"`, http.StatusOK},
	} {
		if got := get(t, http.MethodGet, "/chat.js", http.Header{"If-None-Match": {tt.etag}}).StatusCode; got != tt.want {
			t.Errorf("If-None-Match: %s: got %d, want %d", tt.etag, got, tt.want)
		}
	}
}

func TestEverythingElseIsRefused(t *testing.T) {
	for _, tt := range []struct {
		method, target string
		want           int
	}{
		{http.MethodGet, "/nothing", http.StatusNotFound},
		{http.MethodGet, "/index.html", http.StatusNotFound},
		{http.MethodGet, "/dashboard/", http.StatusNotFound},
		{http.MethodGet, "/static/chat.js", http.StatusNotFound},
		{http.MethodGet, "/../web.go", http.StatusNotFound},
		{http.MethodGet, "/test/mock.mjs", http.StatusNotFound},
		{http.MethodPost, "/nothing", http.StatusNotFound},
		{http.MethodPost, "/", http.StatusMethodNotAllowed},
		{http.MethodDelete, "/chat.js", http.StatusMethodNotAllowed},
	} {
		res := get(t, tt.method, tt.target, nil)
		if res.StatusCode != tt.want {
			t.Errorf("%s %s: got %d, want %d", tt.method, tt.target, res.StatusCode, tt.want)
		}
		if allow := res.Header.Get("Allow"); (res.StatusCode == http.StatusMethodNotAllowed) != (allow == "GET, HEAD") {
			t.Errorf("%s %s: Allow: got %q", tt.method, tt.target, allow)
		}
	}
}

// The namespace of SVG is a name; nothing is fetched from it.
const svgNamespace = "http://www.w3.org/2000/svg"

var (
	elsewhere = regexp.MustCompile(`(?i)(https?:|wss?:)?//[a-z0-9][a-z0-9.-]*\.[a-z]`)
	cssFetch  = regexp.MustCompile(`(?i)@import|url\(|image-set\(`)
	inline    = regexp.MustCompile(`(?i)<style|\sstyle=|\son[a-z]+=|<script>|javascript:`)
	unsafe    = regexp.MustCompile(`innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(|new Function|DOMParser`)
	reference = regexp.MustCompile(`(?:src|href)="([^"#?]+)"|from '\./([^']+)'`)
)

func TestNothingComesFromElsewhereAndNothingIsInline(t *testing.T) {
	for _, name := range names(t) {
		content := strings.ReplaceAll(read(t, name), svgNamespace, "")
		if found := elsewhere.FindString(content); found != "" {
			t.Errorf("%s: %q refers elsewhere", name, found)
		}
		if found := cssFetch.FindString(content); path.Ext(name) == ".css" && found != "" {
			t.Errorf("%s: %q fetches", name, found)
		}
		if found := inline.FindString(content); path.Ext(name) == ".html" && found != "" {
			t.Errorf("%s: %q is inline", name, found)
		}
		if found := unsafe.FindString(content); found != "" {
			t.Errorf("%s: %q makes markup or code of text", name, found)
		}
	}
}

func TestEveryReferenceLeadsSomewhere(t *testing.T) {
	gateways := map[string]bool{"/metrics": true}
	for _, name := range names(t) {
		for _, m := range reference.FindAllStringSubmatch(read(t, name), -1) {
			target := path.Join("/", m[1], m[2])
			if res := get(t, http.MethodGet, target, nil); res.StatusCode != http.StatusOK && !gateways[target] {
				t.Errorf("%s refers to %s: %d", name, target, res.StatusCode)
			}
		}
	}
}

func TestThePageHasWhatTheTestsOfTheWholeNeed(t *testing.T) {
	page := read(t, "index.html")
	for _, id := range strings.Fields("nickname room join leave message send log who online state") {
		if n := strings.Count(page, `id="`+id+`"`); n != 1 {
			t.Errorf("#%s: got %d, want 1", id, n)
		}
	}
	for _, want := range []string{`lang="en"`, "<noscript>", "<main", "<header", "<aside", `aria-live="polite"`, `class="skip"`} {
		if !strings.Contains(page, want) {
			t.Errorf("index.html: %s is missing", want)
		}
	}
}

func names(t *testing.T) []string {
	t.Helper()
	entries, err := fs.ReadDir(static, "static")
	if err != nil {
		t.Fatal(err)
	}
	var list []string
	for _, e := range entries {
		list = append(list, e.Name())
	}
	return list
}

func read(t *testing.T, name string) string {
	t.Helper()
	b, err := fs.ReadFile(static, "static/"+name)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

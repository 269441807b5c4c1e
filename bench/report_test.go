package main

import (
	"bytes"
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
)

// fixture is a result with everything a report can show: two targets, repeated runs, a void row, a failed
// one, capacity steps, memory, notes, and a name that must be escaped.
func fixture() *document {
	d := &document{
		Schema: schema, Title: "Rookery & <peers>", Started: time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC),
		Finished: time.Date(2026, 11, 22, 10, 3, 0, 0, time.UTC), Command: "bench peers --runs 3", Commit: "abc1234", Go: "go1.26",
		Host:    hostFacts{Kernel: "6.18", CPU: "Test CPU", Cores: 2, Memory: 24 << 30, Available: 20 << 30, NoFile: 20_000, TCPMem: [3]int64{1, 2, 3}},
		Missing: []string{"bun is missing: no node on this machine"},
	}
	for run := 1; run <= 3; run++ {
		for k, target := range []string{"rookery", "floor"} {
			d.Rows = append(d.Rows, fixtureBroadcast(target, run, float64(k+1)))
		}
	}
	d.Rows[3].Void = "reach 0.999: 5 of 5000 deliveries missing"
	idle := row{Scenario: "idle", Target: "rookery", Run: 1, Params: params{Conns: 100}}
	idle.Memory = []memoryPart{{"server, resident", 100_000, 1000}, {"kernel slab, both ends", 980_000, 9800}}
	idle.add("rss_per_conn", 1000, "B", "lower")
	idle.add("kernel_per_conn", 9800, "B", "lower")
	capacity := row{Scenario: "capacity", Target: "rookery", Run: 1, Params: params{Conns: 100, Payload: 128}, Notes: []string{"a note"}}
	capacity.Steps = []step{{Rate: 16, P99: 5e3, Passed: true}, {Rate: 64, P99: 9e5, Why: "p99 900 ms"}, {Rate: 32, P99: 2e4, Passed: true}}
	capacity.add("capacity_rate", 32, "1/s", "higher")
	capacity.add("capacity_deliveries", 3200, "1/s", "higher")
	failed := row{Scenario: "tls", Target: "floor", Run: 1, Params: params{Conns: 10}, Failed: "floor is missing: no TLS in it on this machine"}
	d.Rows = append(d.Rows, idle, capacity, failed)
	d.Summary = summarize(d.Rows)
	return d
}

func fixtureBroadcast(target string, run int, factor float64) row {
	l := newLatencies(fine)
	tl := timeline{}
	for i := range 2000 {
		v := int64(factor * float64(run) * float64(100_000+i*i*10))
		l.record(v)
		tl.record(int64(i)*slot/500, v)
	}
	r := row{
		Scenario: "broadcast", Target: target, Library: target + " 1.0", Run: run,
		Params:  params{Conns: 1000, Rooms: 1, Rate: 8, Payload: 64, Seconds: 2},
		Reach:   &reach{Share: 1, Expected: 16_000, Delivered: 16_000, Sent: 16, Parsed: 100, Bytes: 1 << 20},
		Server:  &processes{Count: 1, Cores: 0.25 * factor, User: 0.1, System: 0.4, RSS: 50 << 20},
		Clients: &processes{Count: 2, Cores: 0.1, User: 0.05, System: 0.15, LagP99: 900}, Latency: distributionOf(l), Timeline: momentsOf(tl),
	}
	r.add("cpu_per_delivery", factor*(5+float64(run)), "us", "lower")
	return r
}

// golden compares with a file in testdata, or rewrites it with -update.
func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.MkdirAll("testdata", 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, got, 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("%s differs from the golden file; look at it and run 'go test ./bench -update'\n%s", name, firstDifference(got, want))
	}
}

func firstDifference(got, want []byte) string {
	a, b := strings.Split(string(got), "\n"), strings.Split(string(want), "\n")
	for i := range a {
		if i >= len(b) || a[i] != b[i] {
			old := ""
			if i < len(b) {
				old = b[i]
			}
			return "got:  " + a[i] + "\nwant: " + old
		}
	}
	return "the golden file goes on"
}

func TestGoldenReports(t *testing.T) {
	d := fixture()
	j, err := d.encode()
	if err != nil {
		t.Fatal(err)
	}
	golden(t, "report.json", j)
	h, err := renderHTML(d)
	if err != nil {
		t.Fatal(err)
	}
	golden(t, "report.html", h)
	var table bytes.Buffer
	writeTable(&table, d)
	golden(t, "table.txt", table.Bytes())
}

// What is written must be read back, and compared with a changed twin.
func TestGoldenCompare(t *testing.T) {
	a, err := readDocument(filepath.Join("testdata", "report.json"))
	if err != nil {
		t.Fatal(err)
	}
	b := fixture()
	for i := range b.Rows {
		for k := range b.Rows[i].Figures {
			b.Rows[i].Figures[k].Value *= 1.5
		}
	}
	b.Host.Cores = 4
	b.Summary = summarize(b.Rows)
	var out bytes.Buffer
	if err := compareDocuments(&out, a, b); err != nil {
		t.Fatal(err)
	}
	golden(t, "compare.txt", out.Bytes())
	if err := compareDocuments(&out, a, &document{}); err == nil {
		t.Error("compared with an empty result")
	}
}

// The report must load nothing from anywhere.
func TestReportIsSelfContained(t *testing.T) {
	h, err := renderHTML(fixture())
	if err != nil {
		t.Fatal(err)
	}
	for _, word := range []string{"http://", "https://", "<script", "<link", "url(", "@import", " src="} {
		if bytes.Contains(h, []byte(word)) {
			t.Errorf("the report contains %q", word)
		}
	}
	if !bytes.Contains(h, []byte("Rookery &amp; &lt;peers&gt;")) {
		t.Error("the title is not escaped")
	}
}

// chromium finds a browser, or explains loudly that there is none; under CI that is a failure.
func chromium(t *testing.T) string {
	t.Helper()
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	if os.Getenv("CI") == "true" {
		t.Fatal("no Chromium on this machine, and CI must open the report in one")
	}
	t.Log("NO CHROMIUM ON THIS MACHINE: the report was not opened in a browser")
	return ""
}

// The report opened in a browser has a drawing for every chart, nothing outside of the page, and readable
// text in both colour schemes.
func TestReportInChromium(t *testing.T) {
	path := chromium(t)
	if path == "" {
		return
	}
	h, err := renderHTML(fixture())
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "report.html")
	if err := os.WriteFile(file, h, 0o600); err != nil {
		t.Fatal(err)
	}
	options := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.ExecPath(path), chromedp.NoSandbox, chromedp.DisableGPU,
		chromedp.Flag("disable-quic", true), chromedp.Flag("disable-background-networking", true),
		chromedp.Flag("disable-component-update", true), chromedp.Flag("disable-sync", true), chromedp.UserDataDir(t.TempDir()))
	ctx, cancel := chromedp.NewExecAllocator(t.Context(), options...)
	defer cancel()
	ctx, cancel = chromedp.NewContext(ctx)
	defer cancel()
	if err := chromedp.Do(ctx); err != nil {
		t.Fatal(err)
	}
	ctx, cancel = context.WithTimeout(ctx, 60*time.Second)
	defer cancel()
	for _, scheme := range []string{"light", "dark"} {
		if err := emulateScheme(ctx, scheme); err != nil {
			t.Fatal(err)
		}
		if err := chromedp.Do(ctx, chromedp.EmulateViewport(1000, 800), chromedp.Navigate("file://"+file)); err != nil {
			t.Fatal(err)
		}
		seen, err := chromedp.Run(ctx, chromedp.Evaluate[browserView](inspectPage))
		if err != nil {
			t.Fatal(err)
		}
		if seen.Charts != 5 || seen.Empty != 0 || seen.Overflow || seen.Void != 1 {
			t.Errorf("%s: %+v", scheme, seen)
		}
		if bright := seen.Background > 128; bright != (scheme == "light") || seen.Contrast < 100 {
			t.Errorf("%s: background %d, contrast of the text %d", scheme, seen.Background, seen.Contrast)
		}
	}
}

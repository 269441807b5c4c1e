package server_test

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	coder "github.com/coder/websocket"
	"github.com/lxzan/gws"

	"rookery/server"
	"rookery/server/internal/certtest"
)

// exchanges are messages that clients of other makes send and want back: within a record, over several, over many.
var exchanges = []string{"", "short", strings.Repeat("sixteen letters ", 1000), strings.Repeat("sixteen letters ", 4096)}

func startForClients(t *testing.T) *server.Server {
	return startTLS(t, server.Config{Loops: 1, Deflate: true}, server.Handler{OnMessage: echo})
}

func TestTLSCoder(t *testing.T) {
	srv := startForClients(t)
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	transport := &http.Transport{TLSClientConfig: clientTLS()}
	c, _, err := coder.Dial(ctx, "wss://"+srv.TLSAddr()+"/", &coder.DialOptions{
		HTTPClient: &http.Client{Transport: transport}, CompressionMode: coder.CompressionNoContextTakeover,
	})
	if err != nil {
		t.Fatal(err)
	}
	c.SetReadLimit(1 << 20)
	for _, want := range exchanges {
		if err := c.Write(ctx, coder.MessageText, []byte(want)); err != nil {
			t.Fatal(err)
		}
		if _, got, err := c.Read(ctx); err != nil || string(got) != want {
			t.Fatalf("got %d bytes, %v, want %d", len(got), err, len(want))
		}
	}
	if err := c.Close(coder.StatusNormalClosure, ""); err != nil {
		t.Errorf("the closing handshake: %v", err)
	}
	eventually(t, "the end is known as the peer's", func() bool { return closings(srv, server.CausePeerClosed) == 1 })
}

type gwsEcho struct {
	gws.BuiltinEventHandler
	got    chan string
	closed chan error
}

func (h *gwsEcho) OnMessage(_ *gws.Conn, m *gws.Message) { h.got <- m.Data.String(); _ = m.Close() }
func (h *gwsEcho) OnClose(_ *gws.Conn, err error)        { h.closed <- err }

func TestTLSGWS(t *testing.T) {
	srv := startForClients(t)
	h := &gwsEcho{got: make(chan string, 1), closed: make(chan error, 1)}
	c, _, err := gws.NewClient(h, &gws.ClientOption{
		Addr: "wss://" + srv.TLSAddr() + "/", TlsConfig: clientTLS(), PermessageDeflate: gws.PermessageDeflate{Enabled: true},
	})
	if err != nil {
		t.Fatal(err)
	}
	go c.ReadLoop()
	for _, want := range exchanges {
		if err := c.WriteString(want); err != nil {
			t.Fatal(err)
		}
		select {
		case got := <-h.got:
			if got != want {
				t.Fatalf("got %d bytes, want %d", len(got), len(want))
			}
		case err := <-h.closed:
			t.Fatal(err)
		}
	}
	_ = c.WriteClose(1000, nil)
	<-h.closed
	eventually(t, "the end is known as the peer's", func() bool { return closings(srv, server.CausePeerClosed) == 1 })
}

const nodeEcho = `
const WebSocket = require('ws');
const ws = new WebSocket(process.argv[1], { ca: require('fs').readFileSync(process.argv[2]), servername: 'localhost' });
const texts = ['', 'short', 'sixteen letters '.repeat(1000), 'sixteen letters '.repeat(4096)];
let n = 0;
ws.on('open', () => ws.send(texts[0]));
ws.on('message', (m) => {
  if (m.toString() !== texts[n]) throw new Error('message ' + n + ' came back with ' + m.length + ' bytes');
  if (++n < texts.length) ws.send(texts[n]); else ws.close(1000, 'done');
});
ws.on('close', (code, reason) => { console.log(code, n); process.exit(0); });
ws.on('error', (err) => { console.log(String(err)); process.exit(1); });
`

func TestTLSNode(t *testing.T) {
	modules, err := filepath.Abs("../web/test/node_modules")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(modules, "ws")); err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatal("npm ws is missing, and CI has to have it: .ci/setup")
		}
		fmt.Fprintf(os.Stderr, "\n*** NPM WS IS NOT INSTALLED (.ci/setup): %s IS NOT TESTED ***\n\n", t.Name())
		t.Skip("npm ws is not installed")
	}
	srv := startForClients(t)
	ca := filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(ca, certtest.Authority(), 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("node", "-e", nodeEcho, "wss://"+srv.TLSAddr()+"/", ca)
	cmd.Env = append(cmd.Environ(), "NODE_PATH="+modules)
	out, err := cmd.CombinedOutput()
	if got := strings.TrimSpace(string(out)); err != nil || got != "1000 4" {
		t.Fatalf("node says %q, %v", got, err)
	}
}

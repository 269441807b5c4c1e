package server_test

import (
	"context"
	"io"
	"log/slog"
	"net/http"
	"testing"
	"time"

	"github.com/gorilla/websocket"

	"rookery/codec"
	"rookery/server"
	"rookery/server/internal/certtest"
)

// start runs a server on a free loopback port until the test ends.
func start(t *testing.T, cfg server.Config, h server.Handler) *server.Server {
	t.Helper()
	cfg.Addr, cfg.TLS = "127.0.0.1:0", certtest.Config(cfg.TLS)
	cfg.Logger = slog.New(slog.NewTextHandler(io.Discard, nil))
	srv := server.New(cfg, h)
	stopped := make(chan error, 1)
	go func() { stopped <- srv.ListenAndServe() }()
	select {
	case <-srv.Ready():
	case err := <-stopped:
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		if err := srv.Shutdown(ctx); err != nil {
			t.Errorf("shutdown: %v", err)
		}
		if err := <-stopped; err != server.ErrServerClosed {
			t.Errorf("ListenAndServe returned %v", err)
		}
	})
	return srv
}

func dial(t *testing.T, srv *server.Server, path string) *websocket.Conn {
	t.Helper()
	d := websocket.Dialer{TLSClientConfig: certtest.Client()}
	c, _, err := d.Dial(certtest.URL("ws", srv.Addr())+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	_ = c.SetReadDeadline(time.Now().Add(20 * time.Second))
	return c
}

func echo(c *server.Conn, m codec.Message) { _ = c.Send(m.Op, m.Payload) }

func TestEcho(t *testing.T) {
	for _, loops := range []int{1, 3} {
		srv := start(t, server.Config{Loops: loops}, server.Handler{OnMessage: echo})
		for range 10 {
			c := dial(t, srv, "/")
			for _, size := range []int{0, 1, 125, 126, 65535, 65536} {
				want := make([]byte, size)
				if err := c.WriteMessage(websocket.BinaryMessage, want); err != nil {
					t.Fatal(err)
				}
				_, got, err := c.ReadMessage()
				if err != nil || len(got) != size {
					t.Fatalf("size %d: got %d bytes, %v", size, len(got), err)
				}
			}
		}
	}
}

func TestHTTPOnTheSamePort(t *testing.T) {
	srv := start(t, server.Config{HTTP: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		_, _ = w.Write([]byte(r.Method + " " + r.URL.Path + " " + string(body)))
	})}, server.Handler{OnMessage: echo})
	client := certtest.HTTPClient()
	client.Transport.(*http.Transport).DisableKeepAlives = false
	defer client.CloseIdleConnections()
	for range 3 {
		res, err := client.Get(certtest.URL("http", srv.Addr()) + "/x")
		if err != nil {
			t.Fatal(err)
		}
		body, _ := io.ReadAll(res.Body)
		res.Body.Close()
		if string(body) != "GET /x " {
			t.Fatalf("got %q", body)
		}
	}
}

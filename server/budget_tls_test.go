package server_test

import (
	"net"
	"testing"

	"github.com/gorilla/websocket"

	"rookery/server"
)

// miser keeps back the last byte of whatever is written while it is told to.
type miser struct {
	net.Conn
	keeps bool
}

func (m *miser) Write(b []byte) (int, error) {
	if !m.keeps {
		return m.Conn.Write(b)
	}
	_, err := m.Conn.Write(b[:len(b)-1])
	return len(b), err
}

// TestInputBudgetTLS has peers hold records, of a handshake and of a message, that lack their end.
func TestInputBudgetTLS(t *testing.T) {
	const maxPinned = 64 << 10
	for _, tt := range []struct {
		name string
		hold func(t *testing.T, srv *server.Server)
	}{
		{"a ClientHello", func(t *testing.T, srv *server.Server) {
			hello := append([]byte{22, 3, 1, 0x20, 0, 1, 0, 0x1f, 0xfc}, make([]byte, 4000)...)
			c := dialRaw(t, srv.TLSAddr())
			_, _ = c.Write(hello)
		}},
		{"a message", func(t *testing.T, srv *server.Server) {
			var m *miser
			cfg := clientTLS()
			cfg.DynamicRecordSizingDisabled = true // the message is one record
			d := websocket.Dialer{TLSClientConfig: cfg, NetDial: func(network, addr string) (net.Conn, error) {
				conn, err := net.Dial(network, addr)
				m = &miser{Conn: conn}
				return m, err
			}}
			c, _, err := d.Dial("wss://"+srv.TLSAddr()+"/", nil)
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = m.Conn.Close() })
			m.keeps = true
			_ = c.WriteMessage(websocket.BinaryMessage, make([]byte, 4000))
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			srv := startTLS(t, server.Config{Loops: 1, MaxPinned: maxPinned}, server.Handler{OnMessage: echo})
			chatter := dialTLS(t, srv, clientTLS())
			for range 20 {
				tt.hold(t, srv)
				wantEcho(t, chatter, "beside it")
			}
			eventually(t, "some are closed", func() bool {
				return closings(srv, server.CauseInputBudgetTLS)+uint64(srv.Stats().Admitted) == 21 && srv.Stats().Pinned <= maxPinned &&
					closings(srv, server.CauseInputBudgetTLS) > 0
			})
			wantEcho(t, chatter, "after it")
		})
	}
}

package server

import (
	"slices"

	"github.com/gobwas/ws"

	"rookery/codec"
)

// broadcastSlice is how many connections a loop serves before it polls its sockets again: some 2 ms of writing.
const broadcastSlice = 256

// Broadcast sends one message to every open connection for which want returns true, or to all if it is nil: what
// `wss.clients.forEach(c => c.send(m))` is in Node's ws. The frame is encoded once; each loop sends to its own connections, in
// slices between which it reads. A connection that left more than Config.MaxBuffered bytes unread is closed. Any goroutine
// may call it; messages of one goroutine arrive in order. payload is not retained; want runs on the loops.
func (s *Server) Broadcast(op ws.OpCode, payload []byte, want func(*Conn) bool) {
	frame := codec.AppendFrame(nil, op, payload)
	for _, l := range s.loops {
		l.Post(func() { l.broadcast(slices.Clone(l.conns), frame, want) })
	}
}

func (l *Loop) broadcast(conns []*Conn, frame []byte, want func(*Conn) bool) {
	n := min(len(conns), broadcastSlice)
	for _, c := range conns[:n] {
		if c.state == stateOpen && (want == nil || want(c)) {
			_ = c.SendFrame(frame)
		}
	}
	if rest := conns[n:]; len(rest) > 0 {
		l.Post(func() { l.broadcast(rest, frame, want) })
	}
}

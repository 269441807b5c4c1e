// Package gateway is the chat server: a small JSON protocol over server and hub.
//
// It is the only place where the two meet: a session is a connection that is a member of rooms. Everything a session does
// runs on its connection's loop; the HTTP API runs on the server's workers and touches rooms, never sessions, except by
// posting to a loop.
//
// Two dialects share the bytes of a room's log. The plain one, spoken without a subprotocol, is what the chat tutorials for
// Node's ws use: one room, one object up, the same object down. rookery.v1 adds joins, answers, presence and resume.
package gateway

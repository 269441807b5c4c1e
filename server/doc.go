// Package server is a WebSocket server that holds very many connections on a
// few event loops.
//
// A connection costs no goroutine: it lives on one loop, which reads it, parses
// its frames in place and calls the Handler. Two rules follow, and they are the
// whole threading model:
//
//  1. Callbacks run on the connection's loop: do not block in them.
//  2. From any other goroutine reach a connection only through Loop.Post.
//
// Every method of Conn except Loop and ID belongs to rule 1.
//
// Each loop has its own listening socket on the one port (SO_REUSEPORT). In that
// mode gnet calls OnOpen at once after accept(2), so admission is exact: with a
// main reactor thousands of sockets could be accepted before the first was
// counted, and gnet ends the whole engine at the first EMFILE.
package server

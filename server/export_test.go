package server

import "unsafe"

// ConnSize is what one connection costs before anything it points to.
const ConnSize = unsafe.Sizeof(Conn{})

// Handshaking is how many deadlines of opening handshakes and requests the loop keeps. Loop only.
func (l *Loop) Handshaking() int { return l.handshaking.len() }

// PinnedLimit is how many bytes unfinished input may hold, of Config.MaxPinned what is left without the collector's share.
func (s *Server) PinnedLimit() int { return int(s.budget.limit) }

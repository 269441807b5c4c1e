// Package hub keeps rooms: who is in them, what was said, and whom to tell.
//
// A room is an append-only log of encoded server frames; a member is a cursor into it. That one structure is live
// fan-out, backpressure and history:
//
//   - A Sweeper walks the members of its loop and writes to each everything between its cursor and the log's head, in one
//     write. When publications come faster than a sweep takes, each write carries more of them.
//   - A member whose socket is full falls behind and holds no queue. When the log has moved past its cursor it gets a gap.
//   - Joining with history or a resume point is a cursor that starts further back.
//
// hub knows no sockets and no event loops. A Writer is what it writes to; a wake function is how it asks for a sweep.
// Each Sweeper, and the members in it, belongs to one goroutine, its loop. Publish and the registry may be used from any.
//
// Locks, in the order in which they are taken: Hub.mu, Room.mu, presence.mu, Hub.dirtyMu, Sweeper.mu. None is held
// while anything is written to a member.
package hub

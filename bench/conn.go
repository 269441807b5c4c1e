package main

import (
	"golang.org/x/sys/unix"
)

// connState is where a connection stands.
type connState uint8

const (
	idle       connState = iota // not dialled yet, or waiting to be dialled again
	connecting                  // connect(2) under way
	upgrading                   // request sent, answer not complete
	open
	shutting // our close frame is sent
	closedConn
)

// conn is one connection of a client process. The fields that only parsed, TLS or rookery.v1 connections
// need are behind pointers, so that a drained connection stays small.
type conn struct {
	fd       int32
	room     int32
	messages uint32 // whole messages since the run was armed
	data     uint64 // bytes of data frames since then, of those parsed or counted by bytes
	dropped  uint64 // messages that data stands for, as last counted
	state    connState
	parsed   bool // every message is looked into; otherwise they are only counted
	deflate  bool // permessage-deflate was negotiated
	takeover bool // and the server may refer to earlier messages
	deflated bool // the message under way is compressed
	clean    bool // the closing handshake was completed
	discard  bool // in this run its messages are counted by bytes
	tries    uint8
	walk     walker
	started  int64  // when the dial began
	opened   int64  // when the upgrade was complete
	carry    []byte // received, not yet used: part of an answer, a header or, when parsed, a frame
	message  []byte // fragments so far
	out      []byte // to be sent once the socket takes it
	next     []uint32
	window   []byte // the last 32 KiB of inflated text, with takeover
	secure   *secureConn
	resume   *resumeState
}

// lost ends a connection the server closed or broke, and says why.
func (c *client) lost(i int32, why string) {
	k := &c.conns[i]
	if k.state == connecting || k.state == upgrading {
		c.refused(i, why)
		return
	}
	ours := k.state == shutting
	c.drop(i)
	if c.plan.Life > 0 {
		c.dial.enqueue(i)
	}
	if ours {
		return
	}
	if c.run != nil {
		c.run.ends[why]++
	}
	if c.plan.Return != "" {
		c.comeBack(i)
	}
}

// drop closes the socket and forgets what belonged to it.
func (c *client) drop(i int32) {
	k := &c.conns[i]
	if k.state == open || k.state == shutting {
		c.dial.open--
	}
	_ = unix.Close(int(k.fd))
	k.fd = -1
	k.state = closedConn
	k.carry, k.message, k.out, k.window, k.secure = nil, nil, nil, nil, nil
	k.walk = walker{}
}

// write queues bytes on a connection and sends what the socket takes.
func (c *client) write(i int32, b []byte) {
	k := &c.conns[i]
	if k.state == closedConn || k.state == idle {
		return
	}
	k.out = append(k.out, b...)
	c.flush(i)
}

// flush sends what is queued. What the socket does not take stays, and epoll says when to try again. An
// error is left for the next read to report, which has the cause.
func (c *client) flush(i int32) {
	k := &c.conns[i]
	if k.secure != nil {
		if k.secure.write(k.out) == nil {
			k.out = k.out[:0]
		}
		return
	}
	sent := 0
	for sent < len(k.out) {
		n, err := unix.SendmsgN(int(k.fd), k.out[sent:], nil, nil, unix.MSG_NOSIGNAL|unix.MSG_DONTWAIT)
		if err == unix.EINTR {
			continue
		}
		if err != nil {
			break
		}
		sent += n
	}
	rest := copy(k.out, k.out[sent:])
	k.out = k.out[:rest]
	if rest == 0 && cap(k.out) > 64<<10 {
		k.out = nil
	}
}

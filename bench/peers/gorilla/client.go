package main

import (
	"time"

	"github.com/gorilla/websocket"
)

const (
	// The chat example's figures.
	sendBuffer = 256
	writeWait  = 10 * time.Second

	maxMessageSize = 1 << 20
)

// client is one member of a room. It is read by one goroutine and written by another; send ends the second when closed.
type client struct {
	hub  *hub
	conn *websocket.Conn
	send chan *websocket.PreparedMessage
}

func (c *client) readPump() {
	defer func() {
		c.hub.unregister <- c
		c.conn.Close()
	}()
	c.conn.SetReadLimit(maxMessageSize)
	for {
		kind, payload, err := c.conn.ReadMessage()
		if err != nil {
			return
		}
		// Prepared: framed, and deflated when the members negotiated that, once for the whole room.
		m, err := websocket.NewPreparedMessage(kind, payload)
		if err != nil {
			return
		}
		c.hub.broadcast <- m
	}
}

func (c *client) writePump() {
	defer c.conn.Close()
	for m := range c.send {
		c.conn.SetWriteDeadline(time.Now().Add(writeWait))
		if c.conn.WritePreparedMessage(m) != nil {
			return
		}
	}
	c.conn.SetWriteDeadline(time.Now().Add(writeWait))
	c.conn.WriteMessage(websocket.CloseMessage, nil)
}

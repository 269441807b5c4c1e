package main

import (
	"encoding/binary"
	"sync"
	"time"

	"github.com/centrifugal/centrifuge"
	"github.com/gorilla/websocket"
	"google.golang.org/protobuf/encoding/protowire"
)

const writeTimeout = 10 * time.Second

// transport carries the pushes of one client. It is unidirectional and asks for protobuf, which, unlike JSON, holds any
// payload as it is: taking it out costs the walk over a few fields and no copy.
type transport struct {
	conn *websocket.Conn
}

func (t *transport) Name() string           { return "plain" }
func (t *transport) AcceptProtocol() string { return "h1" }
func (t *transport) Protocol() centrifuge.ProtocolType {
	return centrifuge.ProtocolTypeProtobuf
}
func (t *transport) ProtocolVersion() centrifuge.ProtocolVersion { return centrifuge.ProtocolVersion2 }
func (t *transport) Unidirectional() bool                        { return true }
func (t *transport) Emulation() bool                             { return false }

// DisabledPushFlags leaves publications and, for the echo, messages.
func (t *transport) DisabledPushFlags() uint64 {
	return centrifuge.PushFlagConnect | centrifuge.PushFlagDisconnect | centrifuge.PushFlagSubscribe |
		centrifuge.PushFlagUnsubscribe | centrifuge.PushFlagJoin | centrifuge.PushFlagLeave
}

// PingPongConfig turns pings off: no peer sends any.
func (t *transport) PingPongConfig() centrifuge.PingPongConfig {
	return centrifuge.PingPongConfig{PingInterval: -1, PongTimeout: -1}
}

func (t *transport) Write(push []byte) error { return t.WriteMany(push) }

// buffers holds *[]byte for WriteMany.
var buffers = sync.Pool{New: func() any { return new([]byte) }}

// WriteMany puts each push into a frame of its own and all frames into one write. The library's handler joins what a
// client's queue has into one frame of its protocol; here a message has to stay a message, so the batch is kept at the
// level where it pays, the system call.
func (t *transport) WriteMany(pushes ...[]byte) error {
	buf := buffers.Get().(*[]byte)
	defer buffers.Put(buf)
	b := (*buf)[:0]
	for _, push := range pushes {
		if payload, ok := payloadOf(push); ok {
			b = append(appendTextHeader(b, len(payload)), payload...)
		}
	}
	*buf = b
	if len(b) == 0 {
		return nil
	}
	conn := t.conn.NetConn()
	conn.SetWriteDeadline(time.Now().Add(writeTimeout))
	_, err := conn.Write(b)
	return err
}

func (t *transport) Close(d centrifuge.Disconnect) error {
	if d.Code != centrifuge.DisconnectConnectionClosed.Code {
		frame := websocket.FormatCloseMessage(int(d.Code), d.Reason)
		t.conn.WriteControl(websocket.CloseMessage, frame, time.Now().Add(time.Second))
	}
	return t.conn.Close()
}

// appendTextHeader appends the header of an unmasked, final text frame (RFC 6455 section 5.2).
func appendTextHeader(b []byte, payload int) []byte {
	const finText = 0x81
	switch {
	case payload < 126:
		return append(b, finText, byte(payload))
	case payload <= 0xffff:
		return binary.BigEndian.AppendUint16(append(b, finText, 126), uint16(payload))
	default:
		return binary.BigEndian.AppendUint64(append(b, finText, 127), uint64(payload))
	}
}

// The field numbers of centrifuge's client.proto that lead to a payload.
const (
	pushPublication = 4
	pushMessage     = 8
	publicationData = 4
	messageData     = 1
)

// payloadOf returns the data of the publication or message in an encoded Push, a part of push. ok is false when push
// is of another kind, such as a ping.
func payloadOf(push []byte) (payload []byte, ok bool) {
	if body, found := field(push, pushPublication); found {
		payload, _ = field(body, publicationData) // protobuf leaves out an empty payload
		return payload, true
	}
	if body, found := field(push, pushMessage); found {
		payload, _ = field(body, messageData)
		return payload, true
	}
	return nil, false
}

// field returns the first length-delimited field number want of an encoded message.
func field(b []byte, want protowire.Number) (value []byte, ok bool) {
	for len(b) > 0 {
		number, kind, n := protowire.ConsumeTag(b)
		if n < 0 {
			return nil, false
		}
		b = b[n:]
		if number == want && kind == protowire.BytesType {
			value, n = protowire.ConsumeBytes(b)
			return value, n >= 0
		}
		n = protowire.ConsumeFieldValue(number, kind, b)
		if n < 0 {
			return nil, false
		}
		b = b[n:]
	}
	return nil, false
}

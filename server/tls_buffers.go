package server

import (
	"bytes"
	"crypto/tls"
	"reflect"
	"unsafe"
)

// A tls.Conn keeps the buffers it has once read records into, as large as its largest record so far and never less than
// a ClientHello needs. Of the heap that TLS 1.3 adds to an idle connection, 6.6 KB, they are 3.6; after one message of 16 KB,
// 12 of 15. crypto/tls has no way to hand them back, so they are reached here by their place in the struct: while a
// connection is pumped it reads into the loop's buffer, and afterwards it keeps an unfinished record or nothing. What is
// left, 3.1 KB, are the tls.Conn (0.9), two AES-GCM key schedules (0.9 each) and the secrets for key updates and resumption.
//
// If a version of Go has the fields otherwise, which the compiler cannot see and a test does, connections keep their
// buffers and everything else goes on.

var (
	rawInputAt, rawInputKnown = bufferField("rawInput")
	handAt, handKnown         = bufferField("hand")
)

func bufferField(name string) (offset uintptr, known bool) {
	f, ok := reflect.TypeFor[tls.Conn]().FieldByName(name)
	return f.Offset, ok && f.Type == reflect.TypeFor[bytes.Buffer]()
}

func bufferAt(conn *tls.Conn, offset uintptr) *bytes.Buffer {
	return (*bytes.Buffer)(unsafe.Add(unsafe.Pointer(conn), offset))
}

// lentSize holds a record and the rest of another with room to spare, so that crypto/tls does not outgrow it: it
// makes room for what a record lacks and bytes.MinRead, by moving the rest down while that fits into half.
const lentSize = 2 * (recordHeader + maxCiphertext + bytes.MinRead)

// lendBuffers gives the connection the loop's buffer for the time of one pump.
func (s *secure) lendBuffers() {
	l := s.c.loop
	if l.plaintext == nil {
		l.plaintext = make([]byte, maxRecord)
	}
	if !rawInputKnown {
		return
	}
	if l.lent == nil {
		l.lent = make([]byte, 0, lentSize)
	}
	raw := bufferAt(s.tls, rawInputAt)
	*raw = *bytes.NewBuffer(append(l.lent, raw.Bytes()...))
}

// takeBuffers leaves the connection what it needs: an unfinished record, if there is one. err is what ended the pump.
func (s *secure) takeBuffers(err error) {
	if !rawInputKnown {
		return
	}
	// No plaintext is left in it: Read was given room for a whole record's.
	raw := bufferAt(s.tls, rawInputAt)
	var rest []byte
	if err == errNoInput && !s.broken {
		rest = bytes.Clone(raw.Bytes())
	}
	*raw = *bytes.NewBuffer(rest)
	if before := s.pinned; before > 0 || len(rest) > 0 {
		s.pinned = int32(cap(rest))
		s.c.loop.pin(int(s.pinned - before))
	}
	if handKnown {
		if hand := bufferAt(s.tls, handAt); hand.Len() == 0 {
			*hand = bytes.Buffer{}
		}
	}
}

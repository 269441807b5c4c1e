package main

import (
	"bytes"
	"errors"
	"io"

	"github.com/klauspost/compress/flate"
)

// deflateTail completes a message for the inflater: RFC 7692, 7.2.2 appends the empty block the sender cut
// off, and a final empty block makes the reader end.
const deflateTail = "\x00\x00\xff\xff\x01\x00\x00\xff\xff"

const windowSize = 32 << 10

var errNotOffered = errors.New("the server compressed a message without permessage-deflate")

// inflater is the one of this process: the loop inflates one message at a time.
var inflater = struct {
	r   io.ReadCloser
	in  bytes.Reader
	out bytes.Buffer
}{r: flate.NewReader(nil)}

// inflate returns the message's text. It is valid until the next call.
func (k *conn) inflate(payload []byte) ([]byte, error) {
	if !k.deflate {
		return nil, errNotOffered
	}
	z := &inflater
	z.out.Reset()
	z.in.Reset(append(payload[:len(payload):len(payload)], deflateTail...))
	if err := z.r.(flate.Resetter).Reset(&z.in, k.window); err != nil {
		return nil, err
	}
	if _, err := io.Copy(&z.out, io.LimitReader(z.r, maxMessage+1)); err != nil {
		return nil, err
	}
	if z.out.Len() > maxMessage {
		return nil, errTooLong
	}
	text := z.out.Bytes()
	if k.takeover {
		k.window = append(k.window, text...)
		if over := len(k.window) - windowSize; over > 0 {
			k.window = append(k.window[:0], k.window[over:]...)
		}
	}
	return text, nil
}

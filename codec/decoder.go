package codec

import (
	"unicode/utf8"
	"unsafe"

	"github.com/gobwas/ws"
)

// What Limits stands for where a field is zero.
const (
	DefaultMaxMessage   = 64 << 10
	DefaultMaxFragments = 1 << 16
)

// Limits bounds what one message may be. It is shared by the connections of a server and read only.
type Limits struct {
	MaxMessage   int  // bytes of one message, after inflation; 0 is DefaultMaxMessage
	MaxFragments int  // data frames of one message; 0 is DefaultMaxFragments
	Deflate      bool // every connection negotiated permessage-deflate; SetDeflate says so for one
}

func (l *Limits) maxMessage() int {
	if l.MaxMessage <= 0 {
		return DefaultMaxMessage
	}
	return l.MaxMessage
}

func (l *Limits) maxFragments() int {
	if l.MaxFragments <= 0 {
		return DefaultMaxFragments
	}
	return l.MaxFragments
}

// Message is one text or binary message, or one control frame: ping, pong or close. A close payload is still to be
// read with ParseClose.
//
// Payload is valid until the next call of Next or until the input it was decoded from is reused, whichever is first.
type Message struct {
	Op      ws.OpCode
	Payload []byte
}

// Decoder assembles the messages of one connection. The zero value is ready. It is used by one goroutine at a time,
// the connection's loop, and holds memory only while something is unfinished.
type Decoder struct {
	held   *assembly // unfinished input, or what the last message points into; nil when there is none
	left   int64     // bytes of the current frame's payload still to come
	frames uint32    // data frames of the current message
	mask   [4]byte
	head   [maxHeader]byte // a header that has not arrived whole
	nhead  uint8
	op     ws.OpCode // of the current frame
	msgOp  ws.OpCode // of the message begun, 0 if none
	flags  decoderFlags
	place  uint8 // of the next payload byte in mask
	tail   uint8 // bytes of an incomplete character at the end of the text held
}

type decoderFlags uint8

const (
	inFrame    decoderFlags = 1 << iota // the header of the current frame has been read
	finFrame                            // the current data frame ends its message
	compressed                          // the message begun is compressed
	deflateOn                           // the connection negotiated permessage-deflate
	closeSeen                           // a close frame was delivered
)

// assembly is what a Decoder holds while input is unfinished.
type assembly struct {
	in       *buffer // payload of the message begun, unmasked
	out      *buffer // the inflated message handed out last
	control  [max7Bit]byte
	ncontrol uint8 // bytes of an unfinished control frame's payload
}

var assemblies = make(shelf[assembly], 1024)

// SetDeflate says whether the connection negotiated permessage-deflate. It is called before the first Next. It costs no
// memory: no window outlives a message, and the inflaters are shared.
func (d *Decoder) SetDeflate(on bool) {
	d.flags &^= deflateOn
	if on {
		d.flags |= deflateOn
	}
}

// Reset drops what is held and makes the Decoder as new.
func (d *Decoder) Reset() {
	d.drop()
	*d = Decoder{}
}

// Pinned returns the bytes of memory held for unfinished input, overhead counted, the Decoder itself not.
func (d *Decoder) Pinned() int {
	if d.held == nil {
		return 0
	}
	n := int(unsafe.Sizeof(assembly{}))
	for _, b := range [2]*buffer{d.held.in, d.held.out} {
		if b != nil {
			n += int(unsafe.Sizeof(buffer{})) + cap(b.b)
		}
	}
	return n
}

// Unfinished describes what a Decoder has begun.
type Unfinished struct {
	Fragments int   // data frames of the message begun, the current one included
	Received  int   // bytes of it that are held
	Missing   int64 // bytes of the current frame that have not come
}

// Unfinished says what has begun and has no end yet.
func (d *Decoder) Unfinished() Unfinished {
	var u Unfinished
	if d.msgOp != 0 {
		u.Fragments = int(d.frames)
	}
	if d.flags&inFrame != 0 {
		u.Missing = d.left
	}
	if d.held != nil && d.held.in != nil {
		u.Received = len(d.held.in.b)
	}
	return u
}

// Next consumes a prefix of b, n bytes, up to the end of the next message, and unmasks it in place. m.Op is 0 when
// all of b was consumed without completing one. A caller that stops before that calls Release when it is done with the
// message: memory is given back by the call of Next or Release that follows. A message that lies whole in b is not copied. After an error the connection is
// to be failed and the Decoder can only be Reset. What follows a close frame is discarded.
func (d *Decoder) Next(l *Limits, b []byte) (m Message, n int, err *Error) {
	d.Release()
	// RFC 6455 section 1.4: "after receiving a control frame indicating the connection should be closed, a peer
	// discards any further data received".
	if d.flags&closeSeen != 0 {
		return Message{}, len(b), nil
	}
	for {
		if d.flags&inFrame == 0 {
			k, err := d.readHeader(l, b[n:])
			n += k
			if err != nil || d.flags&inFrame == 0 {
				return Message{}, n, err
			}
		}
		p := b[n:]
		if int64(len(p)) > d.left {
			p = p[:d.left]
		}
		n += len(p)
		ws.Cipher(p, d.mask, int(d.place))
		d.place = uint8(int(d.place)+len(p)) & 3
		d.left -= int64(len(p))
		if d.left == 0 {
			d.flags &^= inFrame
		}
		if d.op.IsControl() {
			m = d.readControl(p)
		} else {
			m, err = d.readData(l, p)
		}
		if m.Op != 0 || err != nil || d.left > 0 {
			return m, n, err
		}
	}
}

// Release gives back what the message delivered last points into. It costs nothing when there is none.
func (d *Decoder) Release() {
	if d.held == nil {
		return
	}
	if d.msgOp == 0 && d.flags&inFrame == 0 {
		d.drop()
	}
}

// drop gives back all that is held.
func (d *Decoder) drop() {
	a := d.held
	if a == nil {
		return
	}
	if a.in != nil {
		a.in.free()
	}
	if a.out != nil {
		a.out.free()
	}
	a.in, a.out, a.ncontrol = nil, nil, 0
	assemblies.put(a)
	d.held = nil
}

func (d *Decoder) hold() *assembly {
	if d.held == nil {
		if d.held = assemblies.take(); d.held == nil {
			d.held = new(assembly)
		}
	}
	return d.held
}

// readHeader consumes the bytes of a header. When it is complete and legal, a frame has begun.
func (d *Decoder) readHeader(l *Limits, b []byte) (n int, err *Error) {
	if d.nhead == 0 {
		h, n, err := ParseHeader(b)
		if err != nil {
			return 0, err
		}
		if n > 0 {
			return n, d.beginFrame(l, h)
		}
		d.nhead = uint8(copy(d.head[:], b))
		return len(b), nil
	}
	before := int(d.nhead)
	filled := before + copy(d.head[before:], b)
	h, n, err := ParseHeader(d.head[:filled])
	if err != nil {
		return 0, err
	}
	if n == 0 {
		d.nhead = uint8(filled)
		return filled - before, nil
	}
	d.nhead = 0
	return n - before, d.beginFrame(l, h)
}

// beginFrame checks h against the message begun and the limits, before a byte of its payload is kept.
func (d *Decoder) beginFrame(l *Limits, h ws.Header) *Error {
	if h.Rsv1() && d.flags&deflateOn == 0 && !l.Deflate {
		return errReservedBits
	}
	if !h.OpCode.IsControl() {
		if err := d.beginData(l, h); err != nil {
			return err
		}
	}
	d.op, d.left, d.mask, d.place = h.OpCode, h.Length, h.Mask, 0
	d.flags |= inFrame
	return nil
}

func (d *Decoder) beginData(l *Limits, h ws.Header) *Error {
	// RFC 6455 section 5.4: "The fragments of one message MUST NOT be interleaved between the fragments of another
	// message unless an extension has been negotiated that can interpret the interleaving."
	switch {
	case h.OpCode == ws.OpContinuation && d.msgOp == 0:
		return errNoMessage
	case h.OpCode != ws.OpContinuation && d.msgOp != 0:
		return errMessageBegun
	case h.OpCode != ws.OpContinuation:
		d.msgOp, d.frames, d.tail = h.OpCode, 0, 0
		d.flags &^= compressed
		if h.Rsv1() {
			d.flags |= compressed
		}
	}
	if d.frames++; int64(d.frames) > int64(l.maxFragments()) {
		return errTooManyFragments(l.maxFragments())
	}
	size := 0
	if d.held != nil && d.held.in != nil {
		size = len(d.held.in.b)
	}
	limit := l.maxMessage()
	if d.flags&compressed != 0 {
		limit = deflateBound(limit)
	}
	if h.Length > int64(limit-size) {
		return errTooBig(l.maxMessage())
	}
	d.flags &^= finFrame
	if h.Fin {
		d.flags |= finFrame
	}
	return nil
}

// readControl takes p, the next bytes of a control frame, and returns the frame when it is whole.
func (d *Decoder) readControl(p []byte) Message {
	if d.held == nil || d.held.ncontrol == 0 {
		if d.left == 0 {
			return d.controlFrame(p)
		}
		if len(p) == 0 {
			return Message{}
		}
	}
	a := d.hold()
	a.ncontrol += uint8(copy(a.control[a.ncontrol:], p))
	if d.left > 0 {
		return Message{}
	}
	p = a.control[:a.ncontrol]
	a.ncontrol = 0
	return d.controlFrame(p)
}

func (d *Decoder) controlFrame(p []byte) Message {
	if d.op == ws.OpClose {
		d.flags |= closeSeen
	}
	return Message{d.op, p}
}

// readData takes p, the next bytes of a data frame, and returns the message when it is whole.
func (d *Decoder) readData(l *Limits, p []byte) (Message, *Error) {
	last := d.left == 0 && d.flags&finFrame != 0
	plain := d.flags&compressed == 0
	if last && plain && (d.held == nil || d.held.in == nil) {
		if d.msgOp == ws.OpText && !utf8.Valid(p) {
			return Message{}, errUTF8
		}
		return d.message(p), nil
	}
	if len(p) > 0 {
		a := d.hold()
		if a.in == nil {
			a.in = newBuffer(len(p))
		}
		a.in = a.in.grow(len(p))
		a.in.b = append(a.in.b, p...)
		if plain && d.msgOp == ws.OpText {
			if err := d.checkText(len(p)); err != nil {
				return Message{}, err
			}
		}
	}
	if !last {
		return Message{}, nil
	}
	if plain {
		// RFC 6455 section 8.1: text that ends within a character is not valid UTF-8.
		if d.tail != 0 {
			return Message{}, errUTF8
		}
		return d.message(d.held.in.b), nil
	}
	a := d.hold()
	if a.in == nil {
		a.in = newBuffer(len(inflateEnd))
	}
	a.in = a.in.grow(len(inflateEnd))
	a.in.b = append(a.in.b, inflateEnd...)
	out, err := inflate(a.in.b, l.maxMessage(), d.msgOp == ws.OpText)
	if err != nil {
		return Message{}, err
	}
	a.out = out
	return d.message(out.b), nil
}

// checkText validates the n bytes of text that were held last, so that an invalid byte fails the connection before
// the rest of its message arrives.
func (d *Decoder) checkText(n int) *Error {
	text := d.held.in.b
	tail, ok := checkUTF8(text[len(text)-n-int(d.tail):])
	if !ok {
		return errUTF8
	}
	d.tail = uint8(tail)
	return nil
}

func (d *Decoder) message(p []byte) Message {
	op := d.msgOp
	d.msgOp = 0
	return Message{op, p}
}
